"""Many images as one: their counts add up, so that one clustering is of all their pixels."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import NOT_GIVEN, checked
from ..base import array_checks, checks
from ..base.errors import reworded
from ..base.note import Note, warn
from ..base.notes import not_finite
from ..base.notes_on_kind import colors_as_grey
from ..base.parallel import Progress, alive, never_falling, portion, within
from ..choose_k import ClusterCurve
from ..image.pixels import Pixels
from ..model import KMeansModel
from ..model_parts.adapt import ADAPTS
from ..prepare import VERSION
from ..prepared import PreparedImage
from ..shown import columns_of, images_html
from .ahead import in_advance
from .each_image import Images, with_masks
from .reader import PoolReader
from .sources import How, is_file, named, parts_of


@dataclass(frozen=True, eq=False, repr=False)
class PooledImages:
    """Images that were read by `pool`: each once."""

    _prepared: PreparedImage
    _form: Pixels
    _alpha: bool
    _adapt: str | None
    n_images: int

    def __repr__(self) -> str:
        """Say in one line what it is."""
        form, n = self._form, self._prepared._whole.n_valid
        kind = f"{form.n_channels} channels of {form.dtype}" if form.n_channels > 1 else form.dtype
        images = "1 image" if self.n_images == 1 else f"{self.n_images:,} images"
        return f"PooledImages({images}, {n:,} pixels, {kind})"

    def _repr_html_(self) -> str:
        """Show what was read in a notebook."""
        prepared = self._prepared
        columns = columns_of(prepared._whole, prepared._parameters)
        return images_html(repr(self), [("images", f"{self.n_images:,}"), *columns])

    def fit(
        self,
        n_clusters: int = 5,
        *,
        init: str | ArrayLike = "auto",
        n_init: int = 1,
        max_iter: int = 300,
        tol: float = 1e-4,
        seed: int | np.random.Generator | None = 0,
        keep_order: bool = False,
        progress: Progress | None = None,
    ) -> KMeansModel:
        """Fit a model on the pixels of all images.

        The arguments are those of `segment`, and `keep_order` that of `PreparedImage.segment`.
        """
        found = self._prepared.segment(
            n_clusters,
            init=init,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            seed=seed,
            keep_order=keep_order,
            progress=progress,
        )
        axis, n_axes = self._form.channel_axis, len(self._form.shape)
        return replace(
            found.model,
            channel_axis=None if axis is None else axis - n_axes - 1,
            alpha=self._alpha,
            n_spatial_axes=n_axes,
            adapt=self._adapt,
        )

    def choose_k(
        self,
        n_clusters: Iterable[int] = range(2, 13),
        *,
        init: str = "auto",
        n_init: int = 1,
        max_iter: int = 300,
        tol: float = 1e-4,
        seed: int | np.random.Generator | None = 0,
        progress: Progress | None = None,
    ) -> ClusterCurve:
        """Score numbers of clusters of all images, as `napari_kmeans_seg.choose_k` does."""
        return self._prepared.choose_k(
            n_clusters,
            init=init,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            seed=seed,
            progress=progress,
        )


def pool(
    images: Images,
    *,
    channel_axis: int | None = NOT_GIVEN,
    alpha: bool | None = None,
    masks: Iterable[ArrayLike | None] | None = None,
    weighting: str = "pixels",
    adapt: str | None = None,
    color_space: str = "rgb",
    channel_weights: Sequence[float] | Mapping[str, float] | None = None,
    normalize: bool = False,
    smoothing: float | Sequence[float] = 0.0,
    channel_names: Sequence[str] | None = None,
    progress: Progress | None = None,
    failed: Callable[[int, Exception], object] | None = None,
) -> PooledImages:
    """Read images, each once, to fit one clustering on the pixels of all.

    Parameters
    ----------
    images : iterable of array-like or path
        NumPy arrays, Dask arrays or image files, of one dtype and with the same channels; sizes may
        differ. An OME-Zarr plate stands for its images. A generator may give them: each is let go
        before the next one is asked for.
    channel_axis, alpha : optional
        As for `segment`, of each image. A file has its own where `channel_axis` is None.
    masks : iterable of bool array or None, optional
        One for each image, in its spatial shape; None where all pixels take part.
    weighting : {"pixels", "images"}
        Whether each pixel counts the same, or each image, however large. The latter takes values
        that are counted, see Notes, or images of one size.
    adapt : {None, "scale"}
        "scale" stretches each channel of each image from its 1st to its 99th percentile to the
        range of the dtype (floats: 0 to 1) before it is compared, now and in `predict`: for other
        lamps, exposures or strengths of a stain. Not for images of which some have what others have
        not, such as controls without stain: stretched, these have it, too.
    color_space, channel_weights, normalize, smoothing, channel_names
        As for `segment`. Files have names of their own, in one order. Each image is smoothed by
        itself.
    progress : callable, optional
        As for `segment`; the stage names the image.
    failed : callable, optional
        Called with the index of an image that cannot be read, or is of another kind than the first,
        and with what is wrong; the image is left out. By default this is raised.

    Returns
    -------
    PooledImages
        Fits models with `fit`, and scores numbers of clusters with `choose_k`.

    Raises
    ------
    TypeError, ValueError, OSError
        If an argument is not what it should be, or an image cannot be read or is of another kind
        than the first; the message names the image.

    Notes
    -----
    Values of up to 24 bits a pixel (RGB of 8 bits, grey of 16), and those of one channel of any
    dtype that has at most 262,144 of them, are counted image by image, and the counts added up: the
    model is that of `segment` of all pixels in one array, bit for bit, whatever the order of the
    images. Of others pixels are kept in memory, up to 256 MiB of them. Beyond that, files and Dask
    arrays are read again each time that their pixels are asked for: the model is that of `segment`
    of all pixels in one Dask array, bit for bit (see there). NumPy arrays are kept in any case,
    and so is what is smoothed.

    A Dask array or an OME-Zarr image is read chunk by chunk. Where it is smoothed or adapted it is
    read whole, one image after the other: the largest has to fit into memory.
    Where a Dask cluster is active (a `distributed.Client`) its workers read the files, by their
    absolute paths.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_kmeans_seg import pool
    >>> pooled = pool([np.array([0, 1, 9]), np.array([[0, 8], [1, 9]])])
    >>> pooled.fit(2).centroids.ravel().tolist()
    [0.5, 8.666666666666666]
    """
    checks.choice("weighting", weighting, ("pixels", "images"))
    if adapt is not None:
        checks.choice("adapt", adapt, ADAPTS, or_none=True)
    normalize = checks.flag("normalize", normalize)
    sigma, color_space = checked(smoothing=smoothing, color_space=color_space).values()
    progress = never_falling(progress)
    axis_given = None if channel_axis is NOT_GIVEN else channel_axis
    reader = PoolReader(How(axis_given, alpha, color_space, adapt, sigma), weighting)
    n_images = len(images) if isinstance(images, Sized) else None
    like_colors: tuple[Note, ...] = ()
    for one in in_advance(with_masks(images, masks), reader):
        i, image, mask = one.number, one.image, one.mask
        name, short = named(i, image)
        # Of a generator nobody knows how many are to come.
        start, stop = (j / (n_images or i + 2) if n_images else 1 - 1 / (1 + j) for j in (i, i + 1))
        tick = portion(progress, 0.9 * start, 0.9 * stop, f"Reading {name}")
        with _named(name, None if failed is None else partial(failed, i)):
            parts = one.parts or parts_of(name, image, mask, reader.how)
            alive(partial(reader.add, parts, one.summarize, short), tick)
            if (
                channel_axis is NOT_GIVEN
                and not is_file(image)
                and not array_checks.is_layer(image)
            ):
                like_colors = like_colors or colors_as_grey(np.shape(image))
    if reader.form is None:
        raise ValueError("images takes at least one image; got none.")
    form = reader.form
    warn(like_colors)
    warn(not_finite(reader.n_not_finite))
    warn(reader.named)
    names = reader.names
    if channel_names is not None:
        names = checks.channel_names(channel_names, form.n_channels)
    weights = array_checks.channel_weights(channel_weights, form.n_channels, names)
    axis = None if form.channel_axis is None else form.channel_axis - len(form.shape) - 1
    parameters: dict[str, Any] = {
        "version": VERSION,
        "channel_axis": axis,
        "alpha": reader.alpha,
        "mask": masks is not None,
        "color_space": color_space,
        "channel_weights": list(weights),
        "normalize": normalize,
        "smoothing": list(
            array_checks.reals(
                "smoothing", sigma, len(form.shape), "spatial axis", high=checks.MAX_SMOOTHING
            )
        ),
        "spatial_weight": 0.0,
        "fit_scale": 1.0,
        "n_images": len(reader.sizes),
        "weighting": weighting,
        "adapt": adapt,
    }
    if names:
        parameters["channel_names"] = list(names)
    arguments = {"color_space": color_space, "channel_weights": weights, "normalize": normalize}
    prepared = reader.prepared(arguments, parameters, within(progress, 0.9, 1))
    return PooledImages(prepared, form, reader.alpha, adapt, len(reader.sizes))


@contextmanager
def _named(name: str, failed: Callable[[Exception], object] | None) -> Iterator[None]:
    """Name the image in whatever is wrong with it, or hand that over."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        if failed is not None:
            failed(error)
            return
        raise reworded(error, f"{name}: {error}") from error

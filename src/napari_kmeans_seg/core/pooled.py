"""Many images as one: their counts add up, so that one clustering is of all their pixels."""

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from math import gcd
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import array_checks, checks
from .adapt import ADAPTS, adapted
from .choose_k import ClusterCurve
from .each_image import Images, with_masks
from .image.colors import check_color_space
from .image.features import divide, power_of_two
from .image.pixels import Pixels, flatten
from .model import KMeansModel
from .note import Note, warn
from .notes import Plain, not_finite
from .opening import open_image
from .parallel import Progress, Tick, alive, never_falling, portion, within
from .points.counted_image import CountedImage
from .points.counting import Counted, Packing, count, count_values, merge, packing_of
from .points.reading import MOST_OF_ONE_CHANNEL, feature_space
from .prepare import VERSION, prepare
from .prepared import PreparedImage
from .same_kind import same_channels

WEIGHT = 1 << 40
"""What all pixels of an image weigh together, where each image counts the same."""


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
        return f"PooledImages({self.n_images:,} images, {n:,} pixels, {kind})"

    def fit(
        self,
        n_clusters: int = 5,
        *,
        init: str | ArrayLike = "auto",
        n_init: int = 1,
        max_iter: int = 300,
        tol: float = 1e-4,
        seed: int | np.random.Generator | None = 0,
        progress: Progress | None = None,
    ) -> KMeansModel:
        """Fit a model on the pixels of all images; the arguments are those of `segment`."""
        found = self._prepared.segment(
            n_clusters,
            init=init,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            seed=seed,
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
    channel_axis: int | None = None,
    alpha: bool | None = None,
    masks: Iterable[ArrayLike | None] | None = None,
    weighting: str = "pixels",
    adapt: str | None = None,
    color_space: str = "rgb",
    channel_weights: Sequence[float] | None = None,
    normalize: bool = False,
    channel_names: Sequence[str] | None = None,
    progress: Progress | None = None,
    failed: Callable[[int, Exception], object] | None = None,
) -> PooledImages:
    """Read images, each once, to fit one clustering on the pixels of all.

    Parameters
    ----------
    images : iterable of array-like or path
        NumPy arrays, Dask arrays or image files, of one dtype and with the same channels; sizes may
        differ. A generator may give them: each is let go before the next one is asked for.
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
    color_space, channel_weights, normalize, channel_names
        As for `segment`. Files have names of their own, in one order.
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
    images. Of others all pixels are kept in memory, those of files and Dask arrays, too.

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
        checks.choice("adapt", adapt, ADAPTS)
    normalize = checks.flag("normalize", normalize)
    progress = never_falling(progress)
    reader = _Reader(channel_axis, alpha, color_space, weighting, adapt)
    n_images = len(images) if isinstance(images, Sized) else None
    for i, (image, mask) in enumerate(with_masks(images, masks)):
        name = f"images[{i}]"
        if isinstance(image, str | PathLike):
            name += f" ({Path(image).name})"
        # Of a generator nobody knows how many are to come.
        start, stop = (j / (n_images or i + 2) if n_images else 1 - 1 / (1 + j) for j in (i, i + 1))
        tick = portion(progress, 0.9 * start, 0.9 * stop, f"Reading {name}")
        with _named(name, None if failed is None else partial(failed, i)):
            alive(partial(reader.add, image, mask), tick)
    if reader.form is None:
        raise ValueError("images takes at least one image; got none.")
    form = reader.form
    warn(not_finite(replace(form, n_not_finite=reader.n_not_finite)))
    weights = array_checks.channel_weights(channel_weights, form.n_channels)
    warn(reader.named)
    names = reader.names
    if channel_names is not None:
        names = checks.channel_names(channel_names, form.n_channels)
    axis = None if form.channel_axis is None else form.channel_axis - len(form.shape) - 1
    parameters: dict[str, Any] = {
        "version": VERSION,
        "channel_axis": axis,
        "alpha": reader.alpha,
        "mask": masks is not None,
        "color_space": color_space,
        "channel_weights": list(weights),
        "normalize": normalize,
        "smoothing": [],
        "spatial_weight": 0.0,
        "fit_scale": 1.0,
        "n_images": reader.n_images,
        "weighting": weighting,
        "adapt": adapt,
    }
    if names:
        parameters["channel_names"] = list(names)
    arguments = {"color_space": color_space, "channel_weights": weights, "normalize": normalize}
    prepared = reader.prepared(arguments, parameters, within(progress, 0.9, 1))
    return PooledImages(prepared, form, bool(reader.alpha), adapt, reader.n_images)


@contextmanager
def _named(name: str, failed: Callable[[Exception], object] | None) -> Iterator[None]:
    """Name the image in whatever is wrong with it, or hand that over."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        if failed is not None:
            failed(error)
            return
        kind = next(one for one in (ValueError, TypeError, OSError) if isinstance(error, one))
        raise kind(f"{name}: {error}") from error


@dataclass(eq=False)
class _Reader:
    """Adds up images, one after the other."""

    channel_axis: int | None
    alpha: bool | None
    color_space: str
    weighting: str
    adapt: str | None
    form: Pixels | None = None
    n_images: int = 0
    n_not_finite: int = 0
    names: tuple[str, ...] = ()
    named: tuple[Note, ...] = ()
    sizes: list[int] = field(default_factory=list)
    _table: NDArray[np.int64] | None = None
    _counted: list[Counted] = field(default_factory=list)
    _kept_pixels: list[Any] = field(default_factory=list)

    @property
    def packing(self) -> Packing | None:
        """How all values of the dtype are packed into few bits, if they are."""
        assert self.form is not None
        return packing_of(self.form.dtype, self.form.n_channels)

    def add(self, image: Any, mask: ArrayLike | None, tick: Tick) -> None:
        """Read an image, and keep of it what is needed."""
        tick(0)
        if isinstance(image, str | PathLike):
            pixels = self._of_file(Path(image), mask)
        elif array_checks.is_lazy(image):
            pixels = self._pixels(np.asarray(image), mask)
        else:
            pixels = self._pixels(image, mask)
        self._check(pixels)
        if self.adapt is not None:
            assert self.form is not None
            pixels = adapted(pixels, self.form.dtype)
        self.n_images += 1
        self.n_not_finite += pixels.n_not_finite
        self.sizes.append(pixels.n_valid)
        self._keep(pixels)

    def _pixels(self, image: Any, mask: ArrayLike | None) -> Pixels:
        pixels = flatten(image, channel_axis=self.channel_axis, alpha=self.alpha, mask=mask)
        check_color_space(self.color_space, pixels)
        return pixels

    def _of_file(self, path: Path, mask: ArrayLike | None) -> Pixels:
        image, mask = open_image(path, mask, self.channel_axis)
        alpha = image.alpha if self.channel_axis is None else self.alpha
        pixels = flatten(image.pixels, channel_axis=image.channel_axis, alpha=alpha, mask=mask)
        check_color_space(self.color_space, pixels)
        names = image.names_told
        if len(names) == pixels.n_channels:
            self._check_names(path, names)
        return pixels

    def _check_names(self, path: Path, names: tuple[str, ...]) -> None:
        notes = same_channels(names, self.names, "the images before")
        self.named += tuple(Plain(text=f"{path.name}: {note}") for note in notes)
        self.names = self.names or names

    def _check(self, pixels: Pixels) -> None:
        """Take the first image for the model of the others."""
        if self.form is None:
            none = pixels.channels[:, :0].copy()
            self.alpha = pixels.alpha is not None
            self.form = replace(pixels, channels=none, valid=None, alpha=None)
            return
        given = {
            "dtype": (pixels.dtype, self.form.dtype),
            "channels": (pixels.n_channels, self.form.n_channels),
            "alpha": (pixels.alpha is not None, self.alpha),
        }
        if self.adapt is not None:
            del given["dtype"]
        for what, (got, first) in given.items():
            if got != first:
                raise ValueError(f"takes the {what} of the first image, {first}; got {got}.")

    def _keep(self, pixels: Pixels) -> None:
        n_all = 1 if self.weighting == "pixels" else WEIGHT // max(1, self.sizes[-1])
        packing = self.packing
        if packing is not None:
            if self._table is None:
                self._table = np.zeros(1 << packing.n_bits, np.int64)
            found = count(pixels, packing)
            # The same image has each key once.
            self._table[found.keys] += found.counts * n_all
            return
        values = pixels.take(0, pixels.n_pixels)
        if self._kept_pixels or pixels.n_channels > 1:
            self._kept_pixels.append(np.ascontiguousarray(values.T))
            return
        found = count_values(values[0])
        weighted = Counted(found.keys, found.counts * n_all)
        self._counted = [merge([*self._counted, weighted])]
        if self._counted[0].keys.size > MOST_OF_ONE_CHANNEL and self.weighting == "pixels":
            # Not worth counting: as an array, whose order does not matter.
            [counted] = self._counted
            self._kept_pixels = [np.repeat(counted.keys, counted.counts)[:, np.newaxis]]
            self._counted = []

    def prepared(
        self, arguments: dict[str, Any], parameters: dict[str, Any], progress: Progress | None
    ) -> PreparedImage:
        """Return all images as one that was read."""
        assert self.form is not None
        form = replace(self.form, shape=(0,), n_not_finite=0)
        form = replace(form, channel_axis=None if form.channel_axis is None else 1)
        packing, exponent = self.packing, 0
        if self._table is not None:
            keys = np.flatnonzero(self._table)
            counted = Counted(keys.astype(np.uint32), self._table[keys])
            self._table = None
        elif self._counted:
            [counted] = self._counted
            of_keys = replace(form, channels=counted.keys[np.newaxis], shape=counted.keys.shape)
            exponent = power_of_two(of_keys)
            counted = replace(counted, keys=divide(of_keys, exponent).channels[0])
        else:
            return self._of_pixels(arguments, parameters, progress)
        if self.weighting == "images":
            counted = replace(counted, counts=counted.counts // _common(counted.counts))
        n_valid = sum(self.sizes)
        whole = CountedImage(
            form, form, self.color_space, exponent, counted, packing, n_valid=n_valid
        )
        weights, normalize = arguments["channel_weights"], arguments["normalize"]
        space = feature_space(whole, self.color_space, weights, normalize, 0.0, (0,))
        return PreparedImage(whole, whole, space, parameters)

    def _of_pixels(
        self, arguments: dict[str, Any], parameters: dict[str, Any], progress: Progress | None
    ) -> PreparedImage:
        assert self.form is not None
        if self.weighting == "images" and len(set(self.sizes)) > 1:
            raise ValueError(
                "weighting='images' takes images whose values are counted, up to 24 bits a pixel, "
                f"or images of one size; got {self.form.n_channels} channel(s) of "
                f"{self.form.dtype}, and images of {min(self.sizes):,} to {max(self.sizes):,} "
                "pixels. Set weighting='pixels'."
            )
        rows = np.concatenate(self._kept_pixels)
        self._kept_pixels = []
        prepared = prepare(rows, channel_axis=-1, alpha=False, progress=progress, **arguments)
        return replace(prepared, _parameters=parameters)


def _common(counts: NDArray[np.int64]) -> int:
    """Return the largest number that divides all."""
    return gcd(*np.unique(counts).tolist())

"""A fitted k-means model, which labels other images of the same kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import shown
from .arguments import NOT_GIVEN
from .base import array_checks, checks, lent
from .base.note import Note, warn
from .base.notes import not_finite
from .base.notes_on_kind import colors_as_grey
from .base.parallel import Progress, alive, never_falling, portion, within
from .image.pixels import flatten
from .model_parts import model_file
from .model_parts.edits import Relabel
from .model_parts.nearest_centroid import NearestCentroid
from .model_parts.same_kind import refuse_other_form, same_channels
from .opening import open_image
from .segmentation import Segmentation


@dataclass(frozen=True, eq=False, repr=False)
class KMeansModel(NearestCentroid):
    """Centroids, the feature space in which they decide, and what was done to the clusters.

    Attributes
    ----------
    centroids : (n_clusters, n_channels) float64 array
        Mean value of the pixels of each cluster of the image that was fitted, in its units, in the
        order of the labels. NaN for a label that no pixel had.
    feature_centroids : (n, n_features) float64 array
        What decides: pixels belong to the nearest of these in the feature space.
    space : FeatureSpace
        How pixel values become features.
    smoothing : tuple of float
        Standard deviation of the Gaussian before clustering, in pixels per spatial axis; empty
        for none.
    n_channels : int
        Channels of an image, alpha not counted.
    channel_axis : int or None
        Where an image has its channels, counted from the end; None for one channel.
    alpha : bool
        Whether one more channel, the last, is alpha.
    n_spatial_axes : int
        Spatial axes of the image that was fitted.
    parameters : dict
        Every argument of the fit, and the version.
    values : ValueKind or None
        Dtype and range of the values that were fitted; None where an older file does not say.
    channel_names : tuple of str
        Names of the channels; empty where they have none.
    edits : tuple of Edit
        What was done to the clusters after the fit, in order: merged, deleted, split, divided at a
        threshold. Labels are those after it.
    names : dict of int to str
        Names of clusters, by label.
    colors : dict of int to str
        Colours of clusters, by label, as "#rrggbb".
    adapt : {None, "scale"}
        How images are adapted before they are compared: see `pool`.
    """

    def __repr__(self) -> str:
        """Say in one line what it is."""
        return shown.line_of_model(self)

    def _repr_html_(self) -> str:
        """Show the clusters in a notebook."""
        return shown.model_html(self)

    def predict(
        self,
        image: ArrayLike | str | PathLike[str],
        *,
        mask: ArrayLike | None = None,
        rescale: bool = False,
        channel_names: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> Segmentation:
        """Label each pixel of an image with the nearest of this model's centroids.

        Parameters
        ----------
        image : array-like or path
            An image, or an image file, of the same kind as the one that was fitted: the same
            channels on the same axis, values in the same units. Its size may differ. Of a file
            what it calls no data gets label 0, and names of channels are its own.
        mask : bool array, optional
            Spatial shape; pixels where it is false get label 0. That of the fit is no part of the
            model.
        rescale : bool
            Whether to bring values of another unsigned integer dtype to the scale of the model: 16
            bits are divided by 257 for a model of 8. Only where the range of the image is all that
            its dtype can hold; 12 bits in 16 are not.
        channel_names : sequence of str, optional
            Names of the channels of the image. One of the model that stands at another place is
            refused.
        progress : callable, optional
            As for `segment`.

        Returns
        -------
        Segmentation
            Labels are those of the model: clusters that no pixel belongs to stay, with a
            count of 0 and NaN for their mean. Of the image that was fitted, with the same mask,
            they are the labels of the fit.

        Raises
        ------
        TypeError, ValueError
            If an argument is not what it should be, or the image has other channels, or other
            spatial axes where these count.

        Warns
        -----
        UserWarning
            If the model is of grey images and the last axis of this one looks like one of colours;
            if pixels are left out because they are not finite, channels have other names, or values
            are of another kind than those that were fitted: 16 bits after 8, or 0 to 1 after 0 to
            255. The result has each of them in `warnings`.

        Notes
        -----
        A Dask array is not read: its labels are computed when they are asked for. Its `counts`,
        `centroids` and `inertia`, and so its table, take one pass over all chunks, the first time
        that one of them is asked for. What only the values show it does not warn of. With
        smoothing or position, and where it is adapted, it is read into memory, as by `segment`.

        Examples
        --------
        >>> import numpy as np
        >>> from napari_kmeans_seg import segment
        >>> model = segment(np.array([0, 1, 8, 9]), n_clusters=2).model
        >>> model.predict(np.array([[7, 2], [1, 6]])).labels
        array([[2, 1],
               [1, 2]], dtype=uint8)
        """
        is_known = array_checks.is_layer(image)
        if isinstance(image, str | PathLike):
            is_known = True
            file, mask = open_image(image, mask, argument="image")
            refuse_other_form(self, file)
            image, channel_names = file.pixels, channel_names or file.names_told or None
        progress = never_falling(progress)
        rescale = checks.flag("rescale", rescale)
        named = self._check_names(channel_names)
        image = array_checks.of_layer(image, None)[0]
        form: dict[str, Any] = {"channel_axis": self.channel_axis, "alpha": self.alpha}
        if array_checks.is_lazy(image):
            lazy = lent.lazy_image(image, **form, mask=mask)
            if not (self.smoothing or self.space.position or self.adapt):
                named += () if is_known else self._like_colors(lazy.shape)
                predicted: Segmentation = lent.predict_blocks(
                    self, lazy, rescale=rescale, notes=named
                )
                return predicted
            image, mask = alive(lazy.load_whole, portion(progress, 0, 0.1, "Reading"))
        tick = portion(progress, 0, 0.1, "Reading")
        pixels = flatten(cast("ArrayLike", image), **form, mask=mask, tick=tick)
        named += () if is_known else self._like_colors(pixels.shape)
        scaled = self.scaled(pixels, rescale=rescale)
        tick = portion(progress, 0.1, 0.4, "Counting values")
        image_points = alive(partial(self.read, scaled), tick)
        tick = portion(progress, 0.4, 1, "Labelling")
        of_centroids = alive(partial(self.label, image_points), tick)
        is_other = scaled is not pixels
        notes = (
            named
            + not_finite(pixels.n_not_finite)
            + self._notes(scaled, of_centroids, rescaled=is_other)
        )
        tick = portion(progress, 1, 1, "Labelling")
        found = alive(lambda _: self._edited(of_centroids, pixels, scaled), tick)
        warn(notes)
        return Segmentation(
            labels=found.labels,
            centroids=found.means,
            counts=found.counts,
            inertia=found.inertia,
            n_iter=0,
            converged=True,
            notes=notes,
            model=self,
            _pixels=pixels,
        )

    def _like_colors(self, shape: tuple[int, ...]) -> tuple[Note, ...]:
        if self.channel_axis is not None:
            return ()
        return colors_as_grey(shape, self.n_spatial_axes)

    def _check_names(self, names: Sequence[str] | None) -> tuple[Note, ...]:
        if names is None:
            return ()
        given = checks.channel_names(names, self.n_channels)
        return same_channels(given, self.channel_names, "the model")

    def relabelled(
        self, labels: Mapping[int, int], centroids: NDArray[np.float64]
    ) -> "KMeansModel":
        """Return a model that gives clusters other labels: merged ones the same, deleted ones 0.

        Parameters
        ----------
        labels : mapping of int to int
            The new label of each label that changes, and any that is larger than those there are.
        centroids : (n_clusters, n_channels) float64 array
            The means of the clusters then.
        """
        most = self.n_clusters
        moved = {old: new for old, new in labels.items() if old != new or old > most}
        edit = Relabel(tuple(moved), tuple(moved.values()))
        edits = (*self.edits, edit) if moved else self.edits
        return replace(
            self,
            centroids=centroids,
            edits=edits,
            names=_moved(self.names, labels),
            colors=_moved(self.colors, labels),
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to a JSON file.

        Parameters
        ----------
        path : path-like
            The file. It appears whole or not at all; one that is there already is replaced, and
            keeps its permissions. Through a symbolic link the file it leads to is replaced.

        Raises
        ------
        ValueError
            If the file would have more than 64 MiB, which `load` refuses.
        OSError
            If the file cannot be written.
        """
        model_file.write(path, self)

    @classmethod
    def fit(
        cls,
        images: Iterable[ArrayLike | str | PathLike[str]],
        n_clusters: int = 5,
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
        init: str | ArrayLike = "auto",
        n_init: int = 1,
        max_iter: int = 300,
        tol: float = 1e-4,
        seed: int | np.random.Generator | None = 0,
        channel_names: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> "KMeansModel":
        """Fit one model on the pixels of many images, each of which is read once.

        Parameters
        ----------
        images : iterable of array-like or path
            NumPy arrays, Dask arrays or image files; see `pool`, and so for `masks`, `weighting`
            and `adapt`.
        n_clusters, channel_axis, alpha, color_space, channel_weights, normalize, smoothing, \
        init, n_init, max_iter, tol, seed, channel_names, progress
            As for `segment`.

        Returns
        -------
        KMeansModel
            That of `segment` of all pixels in one array, whatever the order of the images.

        Raises
        ------
        TypeError, ValueError, OSError
            If an argument is not what it should be, or an image cannot be read or is of another
            kind than the first; the message names the image.

        See Also
        --------
        pool : Reads the images once for several fits, and to choose a number of clusters.

        Examples
        --------
        >>> import numpy as np
        >>> from napari_kmeans_seg import KMeansModel
        >>> control, treated = np.array([[0, 1], [8, 9]]), np.array([[9, 9, 1]])
        >>> model = KMeansModel.fit([control, treated], n_clusters=2)
        >>> [model.predict(image).counts.tolist() for image in (control, treated)]
        [[2, 2], [1, 2]]
        """
        progress = never_falling(progress)
        pooled = lent.pool(
            images,
            channel_axis=channel_axis,
            alpha=alpha,
            masks=masks,
            weighting=weighting,
            adapt=adapt,
            color_space=color_space,
            channel_weights=channel_weights,
            normalize=normalize,
            smoothing=smoothing,
            channel_names=channel_names,
            progress=within(progress, 0, 0.8),
        )
        model: KMeansModel = pooled.fit(
            n_clusters,
            init=init,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            seed=seed,
            progress=within(progress, 0.8, 1),
        )
        return model

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "KMeansModel":
        """Read a model from a JSON file that `save` wrote.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        KMeansModel
            Labels images exactly as the saved one does.

        Raises
        ------
        ValueError
            If the file is no model of a version that this one reads, or a field is not valid;
            the message says which, what it takes and what it got.
        OSError
            If the file cannot be read.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from napari_kmeans_seg import KMeansModel, segment
        >>> path = Path(tempfile.mkdtemp()) / "model.json"
        >>> segment([0, 1, 8, 9], n_clusters=2).model.save(path)
        >>> KMeansModel.load(path).predict([2, 7]).labels
        array([1, 2], dtype=uint8)
        """
        model: KMeansModel = model_file.read(path, cls)
        return model


def _moved(of_labels: dict[int, str], labels: Mapping[int, int]) -> dict[int, str]:
    """Give what clusters have to the labels that they get; of merged ones the first has a say."""
    found: dict[int, str] = {}
    for old, text in sorted(of_labels.items()):
        new = labels.get(old, old)
        if new:
            found.setdefault(new, text)
    return found

"""A fitted k-means model, which labels other images of the same kind."""

from dataclasses import dataclass, field, fields
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import array_checks, checks, model_file
from .image.colors import check_color_space
from .image.features import FeatureSpace
from .image.pixels import Pixels, flatten
from .notes import Note, not_finite, warn
from .other_values import note_on_values
from .parallel import Progress, Tick, no_tick, portion
from .points.image_points import ImagePoints, Labelling, label
from .points.reading import read
from .segmentation import Segmentation


@dataclass(frozen=True, eq=False)
class KMeansModel:
    """Centroids, and the feature space in which they decide.

    Attributes
    ----------
    centroids : (n_clusters, n_features) float64 array
        In the feature space, in the order of the labels.
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
    """

    centroids: NDArray[np.float64]
    space: FeatureSpace
    smoothing: tuple[float, ...]
    n_channels: int
    channel_axis: int | None
    alpha: bool
    n_spatial_axes: int
    parameters: dict[str, Any] = field(repr=False)

    def predict(
        self, image: ArrayLike, *, mask: ArrayLike | None = None, progress: Progress | None = None
    ) -> Segmentation:
        """Label each pixel of an image with the nearest of this model's centroids.

        Parameters
        ----------
        image : array-like
            An image of the same kind as the one that was fitted: the same channels on the same
            axis, values in the same units. Its size may differ.
        mask : bool array, optional
            Spatial shape; pixels where it is false get label 0.
        progress : callable, optional
            As for `segment`.

        Returns
        -------
        Segmentation
            Labels are those of the model: clusters that no pixel belongs to stay, with a
            count of 0 and NaN for their mean.

        Raises
        ------
        TypeError, ValueError
            If an argument is not what it should be, or the image has other channels, or other
            spatial axes where these count.

        Warns
        -----
        UserWarning
            If pixels are left out because they are not finite, or most pixels get one label
            because the values are of another kind than those that were fitted: 16 bits after 8,
            or 0 to 1 after 0 to 255. The result has each of them in `warnings`.

        Examples
        --------
        >>> import numpy as np
        >>> from napari_kmeans_seg import segment
        >>> model = segment(np.array([0, 1, 8, 9]), n_clusters=2).model
        >>> model.predict(np.array([[7, 2], [1, 6]])).labels
        array([[2, 1],
               [1, 2]], dtype=uint8)
        """
        checks.progress(progress)
        pixels = flatten(
            array_checks.of_layer(image, None)[0],
            channel_axis=self.channel_axis,
            alpha=self.alpha,
            mask=mask,
            tick=portion(progress, 0, 0.1, "Reading"),
        )
        image_points = self.read(pixels, portion(progress, 0.1, 0.4, "Counting values"))
        tick = portion(progress, 0.4, 1, "Labelling")
        found = self.label(image_points, tick)
        tick(1)
        of_values = note_on_values(pixels, self.space, self.centroids, found)
        notes = (*not_finite(pixels), *of_values)
        warn(notes)
        return self.segmentation(pixels, found, n_iter=0, converged=True, notes=notes)

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
        model_file.write(path, {one.name: getattr(self, one.name) for one in fields(self)})

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
        return cls(**model_file.read(path))

    def read(self, pixels: Pixels, tick: Tick | None = None) -> ImagePoints:
        """Bring the pixels of an image into the space of this model."""
        if pixels.n_channels != self.n_channels:
            raise ValueError(
                f"image takes {self.n_channels} channel(s), as the model was fitted on; "
                f"got {pixels.n_channels}."
            )
        if len(pixels.shape) != self.n_spatial_axes and (self.space.position or self.smoothing):
            raise ValueError(
                f"image takes {self.n_spatial_axes} spatial axes, since this model smooths or "
                f"weighs position; got {len(pixels.shape)}."
            )
        check_color_space(self.space.color_space, pixels)
        return read(
            pixels,
            color_space=self.space.color_space,
            smoothing=self.smoothing,
            repeats=not self.space.position,
            exponent=self.space.exponent,
            tick=tick,
        )

    def label(self, image: ImagePoints, tick: Tick = no_tick) -> Labelling:
        """Label all pixels of an image that was read for this model."""
        assigned = image.assign(image.points(self.space), len(self.centroids), 0.0)
        assigned.move(self.centroids, lambda part: tick(0.7 * part))
        means = image.means(self.space, assigned)
        return label(image, assigned, means, lambda part: tick(0.7 + 0.3 * part))

    def segmentation(
        self,
        pixels: Pixels,
        found: Labelling,
        *,
        n_iter: int,
        converged: bool,
        notes: tuple[Note, ...],
    ) -> Segmentation:
        """Make the result of a labelling by this model."""
        return Segmentation(
            labels=found.labels,
            centroids=found.means,
            counts=found.counts,
            inertia=found.inertia,
            n_iter=n_iter,
            converged=converged,
            notes=notes,
            model=self,
            _pixels=pixels,
        )

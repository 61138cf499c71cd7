"""Pixels that belong to the nearest of some centroids, and what was done to the clusters since."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import checks
from ..base.errors import WrongValue
from ..base.note import Note
from ..base.notes_on_kind import digits_lost
from ..base.parallel import Tick, no_tick, part_of
from ..image.colors import check_color_space, value_range
from ..image.features import FeatureSpace
from ..image.pixels import Pixels
from ..points.image_points import ImagePoints, Labelling
from ..points.reading import read
from .adapt import adapted
from .edits import Edit, edited, labels_left, with_means_of
from .kind import ValueKind, rescaled
from .other_values import note_on_values


@dataclass(frozen=True, eq=False, repr=False)
class NearestCentroid:
    """How a `KMeansModel`, which says what the attributes are, labels the pixels of an image."""

    centroids: NDArray[np.float64]
    feature_centroids: NDArray[np.float64]
    space: FeatureSpace
    smoothing: tuple[float, ...]
    n_channels: int
    channel_axis: int | None
    alpha: bool
    n_spatial_axes: int
    parameters: dict[str, Any]
    values: ValueKind | None = None
    channel_names: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    names: dict[int, str] = field(default_factory=dict)
    colors: dict[int, str] = field(default_factory=dict)
    adapt: str | None = None

    def __post_init__(self) -> None:
        """Check what a person gives to the clusters of a fitted model."""
        n_labels = self.n_clusters
        object.__setattr__(self, "names", checks.by_label("names", self.names, n_labels))
        object.__setattr__(self, "colors", checks.colors("colors", self.colors, n_labels))

    @property
    def n_clusters(self) -> int:
        """Number of clusters: the largest label."""
        return len(self.centroids)

    @property
    def removed(self) -> frozenset[int]:
        """Labels that no pixel can have any more: edits merged or deleted their clusters."""
        left = labels_left(len(self.feature_centroids), self.edits) if self.edits else None
        every = frozenset(range(1, self.n_clusters + 1))
        return frozenset() if left is None else every - left

    @property
    def color_centroids(self) -> NDArray[np.float64]:
        """The centroids that decide, in the colour space, ``(n, n_channels)``.

        In "lab" these are L*, a* and b*; in "rgb" values of the image, after smoothing. NaN for
        channels without weight.
        """
        return self.space.colors_of(self.feature_centroids)

    @property
    def kind(self) -> str:
        """What kind of image was fitted: "grey", "RGB" or "channels"."""
        if self.channel_axis is None:
            return "grey"
        is_rgb = self.n_channels == 3 and self.channel_axis == -1
        names = tuple(name.lower() for name in self.channel_names)
        return "RGB" if is_rgb and names in ((), ("red", "green", "blue")) else "channels"

    def _notes(self, pixels: Pixels, found: Labelling, *, rescaled: bool) -> tuple[Note, ...]:
        """Say so if the values of an image are of another kind than those of this model.

        And if they are too large for floats.
        """
        if self.adapt is not None:
            return ()
        notes: tuple[Note, ...] = ()
        if self.values is not None:
            notes = self.values.note(pixels, self.space.color_space, rescaled=rescaled)
        notes = notes or note_on_values(pixels, self.space, self.feature_centroids, found)
        limits, smoothed = partial(value_range, pixels), any(self.smoothing)
        return notes + digits_lost(pixels.dtype, limits, smoothed=smoothed)

    def scaled(self, pixels: Pixels, *, rescale: bool) -> Pixels:
        """Bring the values of an image to the scale of this model, if they are to be.

        Raises
        ------
        TypeError
            If the scale between the dtypes is not plain.
        ValueError
            If the model does not know its dtype.
        """
        if self.adapt is not None and self.values is not None:
            return adapted(pixels, self.values.dtype)
        if not rescale:
            return pixels
        if self.values is None:
            raise WrongValue(
                "rescale", "False for a model whose file does not say its dtype", "True"
            )
        # Lab and HSV bring all dtypes to one scale.
        if self.space.color_space != "rgb" or pixels.dtype == self.values.dtype:
            return pixels
        return rescaled(pixels, self.values)

    def labelled(self, pixels: Pixels, *, rescale: bool = False) -> Labelling:
        """Label the pixels of an image, or of a part of it, without a word."""
        scaled = self.scaled(pixels, rescale=rescale)
        return self._edited(self.label(self.read(scaled)), pixels, scaled)

    def _edited(self, found: Labelling, pixels: Pixels, scaled: Pixels) -> Labelling:
        found = edited(found, self.edits, self.n_clusters, scaled)
        if scaled is pixels or self.values is None:
            return found
        if self.adapt is not None:
            return with_means_of(pixels, found)
        return replace(found, means=found.means * self.values.unit(pixels.dtype))

    def read(self, pixels: Pixels, tick: Tick | None = None) -> ImagePoints:
        """Bring the pixels of an image into the space of this model."""
        self.check(pixels)
        check_color_space(self.space.color_space, pixels)
        return read(
            pixels,
            color_space=self.space.color_space,
            smoothing=self.smoothing,
            repeats=not self.space.position,
            exponent=self.space.exponent,
            tick=tick,
        )

    def check(self, pixels: Pixels) -> None:
        """Refuse an image of other channels, or of other spatial axes where these count."""
        if pixels.n_channels != self.n_channels:
            n_axes, axis = len(pixels.shape) + 1, pixels.channel_axis or 0
            raise ValueError(
                f"image takes {self.n_channels} channel(s) along axis {axis - n_axes}, as the "
                f"model was fitted on; got {pixels.n_channels}, where axis {axis} of its {n_axes} "
                "was taken for that of the channels."
            )
        if len(pixels.shape) != self.n_spatial_axes and (self.space.position or self.smoothing):
            raise ValueError(
                f"image takes {self.n_spatial_axes} spatial axes, since this model smooths or "
                f"weighs position; got {len(pixels.shape)}."
            )

    def label(self, image: ImagePoints, tick: Tick = no_tick) -> Labelling:
        """Label all pixels of an image that was read for this model."""
        assigned = image.assign(image.points(self.space), len(self.feature_centroids), 0.0)
        assigned.move(self.feature_centroids, part_of(tick, 0, 0.7))
        with np.errstate(over="ignore", under="ignore"):
            return Labelling(
                image.labels(assigned, part_of(tick, 0.7, 1)),
                assigned.counts.astype(np.int64),
                image.means(self.space, assigned),
                float(np.ldexp(assigned.inertia, 2 * image.exponent)),
            )

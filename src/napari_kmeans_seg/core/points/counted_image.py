"""An image by its distinct values, each with its count."""

from math import ldexp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.cached import cached_property
from ..base.parallel import Tick, map_spans, spans
from ..image.color_spaces import COLOR_SPACES
from ..image.colors import color_values, value_range
from ..image.features import (
    SAMPLE,
    FeatureSpace,
    differences,
    means_from,
    middle_values,
    variances_of,
)
from ..image.pixels import Pixels
from ..kmeans.assignment import Assigned, Assignment
from ..kmeans.nearest import Labels, sums_by_label
from ..kmeans.points import WeightedPoints
from .counting import (
    HISTOGRAM_BITS,
    Counted,
    Packing,
    look_up,
    look_up_sorted,
    table_of,
)
from .image_points import means_of_pixels


class CountedImage:
    """An image by its distinct values: pixels look up the label of theirs.

    Parameters
    ----------
    pixels : Pixels
        The image as it came.
    inputs : Pixels
        The same, smoothed.
    color_space, exponent
        As in `FeatureSpace`; `inputs` are divided by two to this power.
    counted : Counted
        The distinct values of `inputs`, packed or of the only channel.
    packing : Packing or None
        How values are packed, if they are.
    smoothed : bool
        Whether the values of `inputs` are others than those of `pixels`.
    n_valid : int, optional
        Pixels that take part, where not all were counted.

    Attributes
    ----------
    is_kept : bool
        Whether the number of each pixel's value is kept when they are first labelled (4 bytes a
        pixel): they are labelled again without being read.
    """

    def __init__(
        self,
        pixels: Pixels,
        inputs: Pixels,
        color_space: str,
        exponent: int,
        counted: Counted,
        packing: Packing | None = None,
        *,
        smoothed: bool = False,
        n_valid: int | None = None,
    ) -> None:
        self.pixels, self.exponent = pixels, exponent
        self.n_valid = int(counted.counts.sum()) if n_valid is None else n_valid
        self.counted, self.packing = counted, packing
        self._inputs, self._color_space, self._is_smoothed = inputs, color_space, smoothed
        self.is_kept = False
        self._numbers: NDArray[np.uint32] | None = None

    @property
    def values(self) -> NDArray[Any]:
        """The distinct values, ``(n_channels, n)``."""
        keys = self.counted.keys
        return keys[np.newaxis] if self.packing is None else self.packing.unpack(keys)

    @cached_property
    def _colors(self) -> NDArray[Any]:
        """The same in the colour space: converting takes longer than clustering."""
        values = self.values
        if COLOR_SPACES[self._color_space].from_rgb is None:
            return values

        def convert_part(start: int, stop: int) -> NDArray[Any]:
            return color_values(values[:, start:stop], self._color_space)

        pieces = spans(self.counted.keys.size, 1 << 16)
        return np.concatenate(list(map_spans(convert_part, pieces)), axis=1)

    @property
    def middle(self) -> tuple[float, ...]:
        """A value from the middle of each channel, in the colour space."""
        return middle_values(self._colors[:, :: max(1, self.counted.keys.size // SAMPLE)])

    @property
    def value_range(self) -> tuple[float, float]:
        """The lowest and the highest value of the image as it came."""
        if self._is_smoothed:
            return value_range(self.pixels)
        ends = float(self.values.min()), float(self.values.max())
        return ldexp(ends[0], self.exponent), ldexp(ends[1], self.exponent)

    def variances(self, middle: tuple[float, ...]) -> NDArray[np.float64]:
        """Variance of each channel in the colour space, ``(n_channels,)``."""
        return variances_of(self._colors, self.counted.counts.astype(np.float64), middle)

    def points(self, space: FeatureSpace) -> WeightedPoints:
        """Return the distinct values, weighted by their counts."""
        return WeightedPoints(space.of_values(self._colors), self.counted.counts.astype(float), 2)

    def assign(self, points: Any, n_clusters: int, tol: float) -> Assignment:  # noqa: ARG002
        """Return what assigns the points to so many centroids."""
        return Assignment(points, n_clusters)

    def known_values(self, points: Any) -> WeightedPoints:
        """Return the points, which are all values."""
        known: WeightedPoints = points.sample(points.n)
        return known

    def means(self, space: FeatureSpace, assigned: Assigned) -> NDArray[np.float64]:
        """Mean input value of each cluster's pixels, NaN where it has none."""
        if self._is_smoothed:
            inside = self._labels(assigned.labels, None)
            if self.pixels.valid is not None:
                inside = inside[self.pixels.valid]
            return means_of_pixels(self.pixels, inside - inside.dtype.type(1), len(assigned.counts))
        if space.are_values:
            return means_from(assigned.totals, assigned.counts, space.offset, self.exponent)
        middle = middle_values(self.values)
        rows = differences(self.values, middle) * self.counted.counts
        sums = sums_by_label(assigned.labels, rows, len(assigned.counts))
        return means_from(sums, assigned.counts, middle, self.exponent)

    def labels(self, assigned: Assigned, tick: Tick | None = None) -> Labels:
        """Labels of all pixels from 1, in the spatial shape, from those of the values."""
        return self._labels(assigned.labels, tick).reshape(self.pixels.shape)

    def _labels(self, index: Labels, tick: Tick | None) -> Labels:
        of_values, keys = index + index.dtype.type(1), self.counted.keys
        if self.packing is None:
            return look_up_sorted(keys, of_values, self._inputs, tick)
        if self.is_kept and self.packing.n_bits > HISTOGRAM_BITS:
            if self._numbers is None:
                numbers = np.arange(1, keys.size + 1, dtype=np.uint32)
                table = table_of(keys, self.packing, numbers)
                self._numbers = look_up(table, self.packing, self._inputs, tick)
            return np.append(of_values.dtype.type(0), of_values).take(self._numbers)
        return look_up(table_of(keys, self.packing, of_values), self.packing, self._inputs, tick)

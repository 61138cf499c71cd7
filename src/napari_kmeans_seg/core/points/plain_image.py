"""An image by its pixels, one by one, where their values hardly repeat."""

from itertools import chain
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.parallel import Tick, map_spans
from ..image.features import FeatureSpace, means_from
from ..image.pixels import Pixels
from ..kmeans.assignment import Assigned, Assignment
from ..kmeans.nearest import Labels
from ..kmeans.points import WeightedPoints, parts_of_sum
from .image_points import OPTIMUM_SAMPLE, means_of_pixels
from .pixel_points import PixelPoints, PixelValues


class PlainImage:
    """An image whose values hardly repeat: its pixels are compared one by one.

    Parameters
    ----------
    pixels : Pixels
        The image as it came.
    values : PixelValues
        The same, smoothed and in the colour space.
    exponent : int
        As in `FeatureSpace`; `values` are divided by two to this power.
    smoothed : bool
        Whether the values are others than those of `pixels`, in whatever colour space.
    """

    def __init__(
        self, pixels: Pixels, values: PixelValues, exponent: int, *, smoothed: bool = False
    ) -> None:
        self.pixels, self._values, self.exponent = pixels, values, exponent
        self._is_smoothed, self.n_valid, self.is_kept = smoothed, values.n, False

    @property
    def middle(self) -> tuple[float, ...]:
        """A value from the middle of each channel, in the colour space."""
        return self._values.middle

    @property
    def value_range(self) -> tuple[float, float]:
        """The lowest and the highest value of the image as it came."""
        # Known already where the values are those of the image, which others ask for, too.
        is_same = self._values.pixels is self.pixels
        low, high = (self._values if is_same else PixelValues(self.pixels)).limits
        return float(low.min()), float(high.max())

    def variances(self, middle: tuple[float, ...]) -> NDArray[np.float64]:
        """Variance of each channel in the colour space, ``(n_channels,)``."""
        space = FeatureSpace("rgb", middle, (1.0,) * len(middle))
        points = PixelPoints(self._values.without_places, space)
        whole = Assignment(points, 1)
        whole.move(np.zeros((1, len(middle))))
        mean = whole.totals[0] / points.n

        def squares(channel: int) -> float:
            def of_part(start: int, stop: int) -> NDArray[np.float64]:
                row = points.rows(slice(start, stop), np.float64)[channel]
                away: NDArray[np.float64] = (row - mean[channel]) ** 2
                return parts_of_sum(away, points.n)

            return fsum(chain.from_iterable(map_spans(of_part, points.pieces)))

        n = points.n
        return np.array([squares(channel) / n for channel in range(len(middle))], np.float64)

    def points(self, space: FeatureSpace) -> PixelPoints:
        """Return the pixels."""
        return PixelPoints(self._values.weighted(space.scale), space)

    def assign(self, points: Any, n_clusters: int, tol: float) -> Assignment:  # noqa: ARG002
        """Return what assigns the points to so many centroids."""
        return Assignment(points, n_clusters)

    def known_values(self, points: Any) -> WeightedPoints:
        """Return means of some values each, of which the optimum is found."""
        known: WeightedPoints = points.cells(OPTIMUM_SAMPLE)
        return known

    def means(self, space: FeatureSpace, assigned: Assigned) -> NDArray[np.float64]:
        """Mean input value of each cluster's pixels, NaN where it has none."""
        if self._is_smoothed or space.color_space != "rgb" or not all(space.scale):
            return means_of_pixels(self.pixels, assigned.labels, len(assigned.counts))
        sums = assigned.totals[:, : len(space.scale)] / space.scale
        return means_from(sums, assigned.counts, space.offset, self.exponent)

    def labels(self, assigned: Assigned, tick: Tick | None = None) -> Labels:  # noqa: ARG002
        """Labels of all pixels from 1, in the spatial shape, from those of the points."""
        found, valid = assigned.labels + assigned.labels.dtype.type(1), self.pixels.valid
        if valid is None:
            return found.reshape(self.pixels.shape)
        labels: Labels = np.zeros(valid.size, found.dtype)
        labels[valid] = found
        return labels.reshape(self.pixels.shape)

"""An image as k-means sees it: its distinct values with counts, or its pixels one by one."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..base.parallel import Tick, map_spans
from ..image.features import (
    CAP,
    FeatureSpace,
    divide,
    means_from,
    power_of_two,
    whole_power_of_two,
)
from ..image.pixels import Pixels
from ..kmeans.assignment import Assigned
from ..kmeans.nearest import Labels, sums_by_label
from ..kmeans.points import WeightedPoints
from .pixel_points import PixelPoints, PixelValues

OPTIMUM_SAMPLE = 1 << 15
"""Values of one channel of which the optimum is found where not all are counted."""


@dataclass(frozen=True)
class Labelling:
    """What the labels of an image are, and what its clusters add up to.

    Attributes
    ----------
    labels : array of the spatial shape
        1 + the index of the centroid; 0 for pixels that do not take part.
    counts : (n_clusters,) int64 array
        Pixels of each cluster.
    means : (n_clusters, n_channels) float64 array
        Mean input value of each cluster's pixels, NaN where it has none.
    inertia : float
        Sum of squared distances to the centroids.
    """

    labels: Labels
    counts: NDArray[np.int64]
    means: NDArray[np.float64]
    inertia: float


class ImagePoints(Protocol):
    """An image that was read.

    Attributes
    ----------
    pixels : Pixels
        As it came.
    exponent : int
        As in `FeatureSpace`.
    n_valid : int
        Pixels that take part.
    is_kept : bool
        Whether it will be labelled again: then what that takes is kept.
    """

    pixels: Pixels
    exponent: int
    n_valid: int
    is_kept: bool

    @property
    def middle(self) -> tuple[float, ...]:
        """A value from the middle of each channel, in the colour space."""

    @property
    def value_range(self) -> tuple[float, float]:
        """The lowest and the highest value of the image as it came."""

    def variances(self, middle: tuple[float, ...]) -> NDArray[np.float64]:
        """Variance of each channel in the colour space, ``(n_channels,)``."""

    def points(self, space: FeatureSpace) -> Any:
        """Return what k-means runs on."""

    def known_values(self, points: Any) -> WeightedPoints:
        """Return all values of one feature, or some that stand for them."""

    def assign(self, points: Any, n_clusters: int, tol: float) -> Assigned:
        """Return what assigns the points to so many centroids, until they rest by `tol`."""

    def means(self, space: FeatureSpace, assigned: Assigned) -> NDArray[np.float64]:
        """Mean input value of each cluster's pixels, NaN where it has none."""

    def labels(self, assigned: Assigned, tick: Tick | None = None) -> Labels:
        """Labels of all pixels from 1, in the spatial shape, from those of the points."""


def means_of_pixels(pixels: Pixels, index: Labels, n_clusters: int) -> NDArray[np.float64]:
    """Return the mean value of the pixels with each index, ``(n_clusters, n_channels)``.

    Parameters
    ----------
    pixels : Pixels
        An image.
    index : (n_valid,) array of unsigned integers
        From 0, of each pixel that takes part.
    n_clusters : int
        How many there are.
    """
    exponents = {power_of_two(pixels), whole_power_of_two(pixels)}
    near, *whole = (_means_of(pixels, index, n_clusters, one) for one in sorted(exponents))
    # Of values that are moved, and of those whose digits are lost beside them.
    return (
        np.where(np.abs(whole[0]) < np.ldexp(CAP / 2, min(exponents)), near, whole[0])
        if whole
        else near
    )


def _means_of(pixels: Pixels, index: Labels, n_clusters: int, exponent: int) -> NDArray[np.float64]:
    values = PixelValues(divide(pixels, exponent))
    space = FeatureSpace("rgb", values.middle, (1.0,) * pixels.n_channels)
    points = PixelPoints(values, space)

    def add_up(start: int, stop: int) -> NDArray[np.float64]:
        return sums_by_label(index[start:stop], points.summands(slice(start, stop)), n_clusters)

    sums: NDArray[np.float64] = sum(map_spans(add_up, points.pieces), np.zeros((n_clusters, 1)))
    of_channels = sums[:, :-1].reshape(n_clusters, -1, pixels.n_channels).sum(axis=1)
    return means_from(of_channels, sums[:, -1], space.offset, exponent)

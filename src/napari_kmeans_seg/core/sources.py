"""What Lloyd's algorithm runs on: weighted points in memory, or the pixels of an image."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .drawn import Among, Drawn, draw, draw_values
from .features import Features, FeatureSpace
from .nearest import Labels, nearest
from .parallel import Span, spans
from .pixels import Pixels

SPAN = 1 << 16
"""Pixels that one thread assigns at a time: what they take stays in the cache."""

POINTS = 1 << 17
"""Points that one thread assigns at a time: fewer are done sooner than another thread wakes."""

Assign = Callable[[int, int, Features, Labels], object]
"""Writes the nearest centroids of the points from start to stop: (start, stop, features, out)."""


def _assign_to_all(centroids: NDArray[np.float64]) -> Assign:
    def assign(_start: int, _stop: int, features: Features, out: Labels) -> None:
        nearest(features, centroids, out)

    return assign


class Source(Protocol):
    """Points that can be read block by block."""

    @property
    def n(self) -> int:
        """Number of points, or of pixels that may take part."""

    @property
    def pieces(self) -> list[Span]:
        """How the points are cut up for the threads."""

    def block(self, start: int, stop: int) -> tuple[Features, NDArray[np.float64] | None]:
        """Features and weights (None: all 1) of the points from `start` to `stop`."""

    def assign_to(self, centroids: NDArray[np.float64], *, quick: bool = False) -> Assign:
        """Return what finds the nearest of these centroids.

        Where `quick`, points that lie nearly between two may get the other one.
        """


@dataclass(frozen=True)
class PixelSource:
    """The pixels of an image, whose features are computed block by block."""

    pixels: Pixels
    space: FeatureSpace

    @property
    def n(self) -> int:
        """Number of pixels, those that do not take part included."""
        return self.pixels.n_pixels

    @property
    def pieces(self) -> list[Span]:
        """How the pixels are cut up for the threads."""
        return spans(self.n, SPAN)

    def block(self, start: int, stop: int) -> tuple[Features, None]:
        """Features of the pixels from `start` to `stop` that take part."""
        return self.space.of_pixels(self.pixels, start, stop), None

    def at(self, where: NDArray[np.intp]) -> Features:
        """Features of the pixels at flat indices."""
        return self.space.at(self.pixels, where)

    def draw(self, share: float, among: Among | None = None) -> Drawn:
        """Draw about a share of the distinct points, as `drawn.draw` does."""
        return draw(self.pixels, share, among, placed=self.space.position > 0)

    def draw_values(self, size: int, least: int) -> Drawn:
        """Draw about so many distinct points, as `drawn.draw_values` does."""
        return draw_values(self.pixels, size, least, placed=self.space.position > 0)

    def assign_to(
        self,
        centroids: NDArray[np.float64],
        *,
        quick: bool = False,  # noqa: ARG002
    ) -> Assign:
        """Return what finds the nearest of these centroids."""
        return _assign_to_all(centroids)


@dataclass(frozen=True)
class PointSource:
    """Weighted points in memory.

    Attributes
    ----------
    features : (n_features, n) float64 array
        The points.
    weights : (n,) float64 array
        How many pixels each stands for.
    totals : (n_features, n) float64 array, optional
        Sums of their features, exact where products of means and weights may not be.
    """

    features: Features
    weights: NDArray[np.float64]
    totals: Features | None = None

    @property
    def n(self) -> int:
        """Number of points."""
        return self.weights.size

    @property
    def pieces(self) -> list[Span]:
        """How the points are cut up for the threads."""
        return spans(self.n, POINTS)

    def block(self, start: int, stop: int) -> tuple[Features, NDArray[np.float64]]:
        """Features and weights of the points from `start` to `stop`."""
        return self.features[:, start:stop], self.weights[start:stop]

    @cached_property
    def weighted(self) -> Features:
        """Features times weights, ``(n_features, n)``."""
        return self.features * self.weights if self.totals is None else self.totals

    @cached_property
    def squares(self) -> float:
        """Weighted sum of the points' squared lengths."""
        pairs = zip(self.weighted, self.features, strict=True)
        return float(sum((one * two).sum() for one, two in pairs))

    @property
    def variance(self) -> float:
        """Mean variance of the features, by weight."""
        mean = self.weighted.sum(axis=1) / self.weights.sum()
        mean_square = self.squares / self.weights.sum() - (mean**2).sum()
        return max(0.0, float(mean_square) / len(mean))

    @cached_property
    def sums_are_exact(self) -> bool:
        """Whether all sums of weights and weighted features are integers that floats hold.

        Then what changes its cluster can be taken from one sum and added to another, and the
        sums are those of all points, bit for bit.
        """
        for weighted in self.weighted:
            if np.abs(weighted).sum() >= 2.0**53 or (weighted != np.rint(weighted)).any():
                return False
        return bool((self.weights == np.rint(self.weights)).all())

    def assign_to(
        self,
        centroids: NDArray[np.float64],
        *,
        quick: bool = False,  # noqa: ARG002
    ) -> Assign:
        """Return what finds the nearest of these centroids."""
        return _assign_to_all(centroids)

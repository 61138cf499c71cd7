"""k-means in exact arithmetic: slow, short and right, to hold the fast one against."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Vector = tuple[Fraction, ...]

CLEAR = Fraction(1, 10**9)
"""How much farther, relative to the largest distance, a second-nearest centroid must be for
floats to be held to the exact choice."""


class ExactResult(NamedTuple):
    labels: list[int]
    centroids: list[Vector]
    inertia: Fraction


def vectors(features: NDArray[np.generic]) -> list[Vector]:
    """Return the rows of an ``(n, n_channels)`` array of any real dtype, exactly."""
    return [tuple(Fraction(value) for value in row) for row in features.tolist()]


def squared_distance(a: Vector, b: Vector) -> Fraction:
    return sum(((x - y) ** 2 for x, y in zip(a, b, strict=True)), Fraction(0))


def mean(points: Sequence[Vector]) -> Vector:
    return tuple(sum(column, Fraction(0)) / len(points) for column in zip(*points, strict=True))


def lloyd(points: list[Vector], centroids: list[Vector]) -> ExactResult | None:
    """Run Lloyd's algorithm to its fixed point.

    None where a point lies (nearly) as near to two centroids, which implementations may
    settle either way, or where a cluster loses all its points.
    """
    before: list[int] = []
    extent = max(squared_distance(a, b) for a in points for b in centroids) or Fraction(1)
    while True:
        labels = []
        for point in points:
            squares = [squared_distance(point, centroid) for centroid in centroids]
            nearest, *others = sorted(squares)
            if others and others[0] - nearest <= CLEAR * extent:
                return None
            labels.append(squares.index(nearest))
        if labels == before:
            inertia = sum(
                (squared_distance(p, centroids[i]) for p, i in zip(points, labels, strict=True)),
                Fraction(0),
            )
            return ExactResult(labels, centroids, inertia)
        before = labels
        members = [
            [p for p, i in zip(points, labels, strict=True) if i == label]
            for label in range(len(centroids))
        ]
        if not all(members):
            return None
        centroids = [mean(group) for group in members]


def by_brightness(result: ExactResult) -> ExactResult | None:
    """Number the clusters by mean brightness; None where two are (nearly) as bright."""
    brightness = [sum(c) / len(c) for c in result.centroids]
    order = sorted(range(len(brightness)), key=brightness.__getitem__)
    ascending = [brightness[i] for i in order]
    extent = max(abs(x) for c in result.centroids for x in c) or Fraction(1)
    if any(b - a <= CLEAR * extent for a, b in pairwise(ascending)):
        return None
    return ExactResult(
        [order.index(label) for label in result.labels],
        [result.centroids[i] for i in order],
        result.inertia,
    )


def optimal_inertia(
    values: Sequence[float], n_clusters: int, weights: Sequence[int] | None = None
) -> Fraction:
    """Smallest inertia of all partitions of a few numbers into `n_clusters` runs."""
    heavy = [1] * len(values) if weights is None else weights
    ascending = sorted(
        (Fraction(value), weight) for value, weight in zip(values, heavy, strict=True)
    )

    def cost(part: list[tuple[Fraction, int]]) -> Fraction:
        middle = sum((w * x for x, w in part), Fraction(0)) / sum(w for _, w in part)
        return sum((w * (x - middle) ** 2 for x, w in part), Fraction(0))

    n = len(ascending)
    return min(
        sum(
            (cost(ascending[a:b]) for a, b in zip((0, *cuts), (*cuts, n), strict=True)), Fraction(0)
        )
        for cuts in combinations(range(1, n), n_clusters - 1)
    )


def optimal_costs(
    values: NDArray[np.float64], weights: NDArray[np.float64], n_clusters: int
) -> NDArray[np.float64]:
    """Smallest inertia for 1 to `n_clusters` clusters, by the plain quadratic recursion."""
    n = values.size
    cost = np.full((n + 1, n + 1), np.inf)
    for first in range(n):
        w = np.cumsum(weights[first:])
        away = values[first:] - values[first]
        m = np.cumsum(weights[first:] * away)
        cost[first, first + 1 :] = np.cumsum(weights[first:] * away**2) - m**2 / w
    best = cost[0]
    costs = [best[n]]
    for _ in range(n_clusters - 1):
        best = (best[:, np.newaxis] + cost).min(axis=0)
        costs.append(best[n])
    return np.array(costs)

"""Weighted points: counts beyond 32 bits, exact sums, and what accelerated centroids end in."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg.core.kmeans.assignment import Assignment
from napari_kmeans_seg.core.kmeans.lloyd import lloyd
from napari_kmeans_seg.core.kmeans.points import WeightedPoints
from napari_kmeans_seg.core.points.counting import Counted, merge


def blobs(n: int, n_features: int = 3) -> np.ndarray:
    random = np.random.default_rng(0)
    means = random.normal(0, 5, (n_features, 6))
    return means[:, random.integers(0, 6, n)] + random.normal(size=(n_features, n))


@pytest.mark.parametrize("accelerate", [False, True])
def test_points_that_each_stand_for_eight_billion_pixels_move_as_single_ones(
    accelerate: bool,
) -> None:
    features, ones = np.rint(100 * blobs(5000)), np.ones(5000)
    found = []
    for weights in (ones, ones * 2.0**33):
        assigned = Assignment(WeightedPoints(features, weights), 6)
        result = lloyd(assigned, features[:, :6].T.copy(), accelerate=accelerate)
        found.append((result, assigned))
    (one, single), (other, heavy) = found
    np.testing.assert_array_equal(one.centroids, other.centroids)
    assert one.n_iter == other.n_iter
    np.testing.assert_array_equal(single.labels, heavy.labels)
    np.testing.assert_array_equal(single.counts * 2.0**33, heavy.counts)


def test_counts_above_two_billion_add_up() -> None:
    keys = np.array([3, 7], np.uint32)
    parts = [Counted(keys, np.array([2**32, 5])), Counted(keys[1:], np.array([2**33]))]
    merged = merge(parts)
    assert merged.keys.tolist() == [3, 7]
    assert merged.counts.tolist() == [2**32, 5 + 2**33]


@pytest.mark.parametrize("n_clusters", [5, 40])
def test_accelerated_centroids_rest_where_lloyd_lets_them(n_clusters: int) -> None:
    points = WeightedPoints(blobs(20_000), np.ones(20_000))
    start = points.features[:, :n_clusters].T.copy()
    quick, plain = Assignment(points, n_clusters), Assignment(points, n_clusters)
    fast = lloyd(quick, start, max_iter=2000, accelerate=True)
    slow = lloyd(plain, start, max_iter=2000)
    assert fast.converged
    assert slow.converged
    assert fast.n_iter < slow.n_iter
    # It is a fixed point: one more iteration of Lloyd's changes nothing.
    again = Assignment(points, n_clusters)
    rest = lloyd(again, fast.centroids, max_iter=1)
    np.testing.assert_array_equal(rest.centroids, fast.centroids)
    np.testing.assert_array_equal(again.labels, quick.labels)
    assert quick.inertia < 1.05 * plain.inertia


def test_sums_are_the_same_in_any_order() -> None:
    random = np.random.default_rng(1)
    features = blobs(30_000) * 10.0 ** random.integers(-9, 9, 30_000)
    order = random.permutation(30_000)
    sums = []
    for some in (features, features[:, order]):
        assigned = Assignment(WeightedPoints(some, np.ones(30_000)), 4)
        assigned.move(features[:, :4].T.copy())
        sums.append((assigned.totals, assigned.inertia))
    np.testing.assert_array_equal(sums[0][0], sums[1][0])
    assert sums[0][1] == sums[1][1]

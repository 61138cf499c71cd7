"""Where the centroids start."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg.core.seeding import k_means_plus_plus, random_points
from napari_kmeans_seg.core.sources import PointSource


def blobs(n_blobs: int, n: int) -> PointSource:
    """Points that crowd far apart from each other."""
    random = np.random.default_rng(n)
    middles = np.repeat(100.0 * random.permutation(n_blobs), n)
    features = middles + random.normal(0, 0.1, (3, n_blobs * n))
    return PointSource(features, random.integers(1, 9, n_blobs * n).astype(np.float64))


def generators(*seeds: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in seeds]


@pytest.mark.parametrize("seed_with", [k_means_plus_plus, random_points])
@pytest.mark.parametrize("n_clusters", [1, 2, 20])
def test_several_starts_at_once_are_those_one_after_the_other(seed_with, n_clusters):
    points = blobs(5, 200)

    together = seed_with(points, n_clusters, generators(3, 4, 5))

    assert together.shape == (3, n_clusters, 3)
    for start, seed in zip(together, (3, 4, 5), strict=True):
        np.testing.assert_array_equal(start, seed_with(points, n_clusters, generators(seed))[0])
        # They are points.
        off = np.abs(start[:, :, np.newaxis] - points.features).max(axis=1)
        assert (off.min(axis=1) == 0).all()
    assert not np.array_equal(together[0], together[1])


def test_k_means_plus_plus_starts_in_every_blob():
    points = blobs(12, 100)

    for start in k_means_plus_plus(points, 12, generators(*range(30))):
        assert len(np.unique(start[:, 0].round(-2))) == 12


def test_points_are_drawn_by_their_weight_times_their_squared_distance():
    # From the heavy point at 0 the next is drawn with odds of 1 * 3^2 to 9 * 1^2.
    features = np.array([[0.0, 3.0, -1.0], [0.0, 0.0, 0.0]])
    points = PointSource(features, np.array([1e12, 1.0, 9.0]))
    # Two draws: the better one is taken, which leaves 0 + 9 or 9 + 0 alike: the first.
    starts = k_means_plus_plus(points, 2, generators(*range(4000)))

    assert (starts[:, 0, 0] == 0).all()
    np.testing.assert_allclose((starts[:, 1, 0] == 3).mean(), 0.5, atol=0.03)


def test_more_clusters_than_points_repeat_a_point():
    points = PointSource(np.array([[1.0, 2.0], [5.0, 6.0]]), np.ones(2))

    start = k_means_plus_plus(points, 4, generators(0))[0]

    assert {tuple(one) for one in start.tolist()} == {(1.0, 5.0), (2.0, 6.0)}

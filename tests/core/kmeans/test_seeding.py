"""Where the centroids start."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg import segment
from napari_kmeans_seg.core.kmeans.points import WeightedPoints
from napari_kmeans_seg.core.kmeans.seeding import squares_between


def blobs(n_blobs: int, n: int, dtype: str) -> np.ndarray:
    """Pixels ``(n_blobs * n, 3)`` that crowd far apart from each other."""
    random = np.random.default_rng(n)
    middles = np.repeat(100.0 * random.permutation(n_blobs), n)[:, np.newaxis]
    noise = random.normal(0, 0.1 if dtype == "float32" else 2, (n_blobs * n, 3))
    return np.rint(middles + noise).astype(dtype) if dtype != "float32" else middles + noise


@pytest.mark.parametrize("dtype", ["int16", "float32"])
@pytest.mark.parametrize("n", [100, 5000])
def test_every_blob_is_a_cluster_whatever_the_seed(n, dtype):
    image = blobs(12, n, dtype)

    for seed in range(15):
        found = segment(image, 12, channel_axis=-1, seed=seed)

        assert found.counts.tolist() == [n] * 12


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_seed_says_where_it_starts(dtype, init):
    image = np.random.default_rng(0).integers(0, 256, (60, 60, 3)).astype(dtype)

    def start(seed):
        found = segment(image, 9, channel_axis=-1, init=init, seed=seed, max_iter=1)
        return found.labels.tobytes()

    starts = [start(seed) for seed in range(6)]
    assert len(set(starts)) > 3
    assert starts == [start(seed) for seed in range(6)]


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_best_of_several_runs_is_kept(dtype, init):
    image = np.random.default_rng(0).integers(0, 256, (60, 60, 3)).astype(dtype)
    args = {"channel_axis": -1, "init": init, "tol": 0, "max_iter": 3000}

    inertias = [segment(image, 9, n_init=n, seed=1, **args).inertia for n in (1, 2, 5, 12)]

    assert inertias == sorted(inertias, reverse=True)
    assert inertias[-1] < inertias[0] or init == "k-means++"


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_a_value_that_most_pixels_have_does_not_take_all_starts(dtype):
    random = np.random.default_rng(0)
    image = np.zeros((100_000, 2), dtype)
    image[:300] = (random.permutation(300) // 100 + 1)[:, np.newaxis] * 1000
    image[:300] += random.integers(0, 9, (300, 2)).astype(dtype)

    for seed in range(10):
        found = segment(image, 4, channel_axis=-1, seed=seed)

        assert found.counts.tolist() == [99_700, 100, 100, 100]


@pytest.mark.parametrize("scale", [1.0, 2.0**-100, 3e7])
@pytest.mark.parametrize("n_features", [1, 12, 200])
def test_squares_of_a_product_are_those_of_differences(n_features, scale):
    features = np.random.default_rng(n_features).normal(0, 5, (n_features, 300)) * scale
    points = WeightedPoints(features, np.ones(300))
    chosen = np.array([0, 7, 299])

    found = squares_between(points)(chosen)

    expected = ((features[:, chosen, np.newaxis] - features[:, np.newaxis]) ** 2).sum(axis=0)
    np.testing.assert_allclose(found / found.max(), expected / expected.max(), rtol=1e-4)
    assert (found[np.arange(3), chosen] == 0).all()


@pytest.mark.parametrize("n_features", [1, 12, 200])
def test_squares_have_the_same_bits_in_whatever_order_they_are_added(n_features):
    features = np.random.default_rng(n_features).normal(0, 5, (n_features, 300))
    order = np.random.default_rng(0).permutation(n_features)
    chosen = np.array([0, 7, 299])

    one, other = (
        squares_between(WeightedPoints(rows, np.ones(300)))(chosen)
        for rows in (features, features[order])
    )

    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("far", [1e6, 1e30])
def test_seeds_tell_points_apart_that_crowd_far_from_one(far):
    features = np.random.default_rng(0).normal(0, 1, (12, 300))
    features[:, 0] = far
    points = WeightedPoints(features, np.ones(300))

    away = squares_between(points)(np.array([1]))[0]

    near = np.arange(2, 300)
    expected = ((features[:, near] - features[:, [1]]) ** 2).sum(axis=0)
    ratio = away[near] / expected
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)

"""The nearest centroid of values, which are compared with what lies half-way between two."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg.core import nearest as module
from napari_kmeans_seg.core.nearest import nearest


@pytest.mark.parametrize("passes", [0, 64])
@pytest.mark.parametrize("k", [1, 2, 3, 9, 65, 300])
@pytest.mark.parametrize("seed", range(5))
def test_of_centroids_as_near_as_each_other_the_first_is_taken(monkeypatch, seed, k, passes):
    monkeypatch.setattr(module, "PASSES", passes)
    random = np.random.default_rng(seed)
    # Halves, so that many lie exactly in the middle, and many centroids are the same.
    values = random.integers(-40, 40, 500) / 2
    centroids = random.integers(-20, 20, k) / random.choice([1, 2])
    out = np.empty(values.size, np.min_scalar_type(k))

    nearest(values[np.newaxis], centroids[:, np.newaxis], out)

    np.testing.assert_array_equal(out, np.abs(values[:, np.newaxis] - centroids).argmin(axis=1))


def test_values_near_each_other_are_told_apart_far_from_zero():
    values = 1000 + 1e-7 * np.arange(10)
    centroids = np.array([[values[2]], [values[6]], [0.0]])

    found = nearest(values[np.newaxis], centroids, np.empty(10, np.uint8))

    np.testing.assert_array_equal(found, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("k", [3, 9, 127, 128, 300])
@pytest.mark.parametrize("n_features", [2, 3, 7])
def test_so_it_is_with_several_features(n_features, k, dtype):
    random = np.random.default_rng(k * n_features)
    # Small whole numbers: every distance is exact, and many are the same.
    features = random.integers(-4, 5, (n_features, 7001)).astype(dtype)
    centroids = random.integers(-4, 5, (k, n_features)).astype(dtype)
    squares = ((features[:, :, np.newaxis] - centroids.T[:, np.newaxis]) ** 2).sum(axis=0)

    found = nearest(features, centroids, np.empty(7001, np.min_scalar_type(k)))

    np.testing.assert_array_equal(found, squares.argmin(axis=1))
    assert np.count_nonzero(squares == squares.min(axis=1, keepdims=True)) > 7001


@pytest.mark.parametrize(("n_features", "k"), [(3, 70_000), (2500, 128)])
def test_however_many_centroids_and_features_there_are(n_features, k):
    random = np.random.default_rng(0)
    centroids = random.normal(size=(k, n_features))
    expected = random.integers(0, k, 300)
    features = centroids[expected].T + 1e-6 * random.normal(size=(n_features, 300))

    found = nearest(features, centroids, np.empty(300, np.uint32))

    np.testing.assert_array_equal(found, expected)

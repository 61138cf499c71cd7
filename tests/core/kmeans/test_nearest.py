"""The nearest centroid of values, where many are about as near as each other."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg import prepare
from napari_kmeans_seg.core.kmeans.nearest import (
    exact_sums_by_label,
    factors_of,
    multiply,
    sums_by_label,
)

from .. import plain


@pytest.mark.parametrize("k", [1, 2, 3, 9, 65, 300])
@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.float64])
@pytest.mark.parametrize("seed", range(3))
def test_of_one_channel_the_first_of_equally_near_centroids_is_taken(seed, dtype, k):
    random = np.random.default_rng(seed)
    # Even numbers about 0, so that their mean is 0, of which many lie exactly in the middle.
    half = 2 * random.integers(-20, 20, 500)
    values = np.concatenate([half, -half]).astype(dtype)
    start = random.integers(-20, 20, (k, 1)) * random.choice([1, 2])

    found = prepare(values).classify(start)

    expected = np.abs(values.astype(float)[:, np.newaxis] - start[:, 0]).argmin(axis=1)
    np.testing.assert_array_equal(found.labels - 1, expected)


@pytest.mark.parametrize("offset", [1000, 1e6])
def test_values_near_each_other_are_told_apart_far_from_zero(offset):
    values = offset + 1e-7 * np.arange(10)
    start = np.array([[values[2]], [values[6]], [0.0]])

    found = prepare(values).classify(start)

    np.testing.assert_array_equal(found.labels, plain.nearest(values[:, np.newaxis], start) + 1)
    assert found.counts[:2].min() >= 4


@pytest.mark.parametrize(("n_channels", "k"), [(3, 60_000), (700, 128)])
def test_however_many_centroids_and_channels_there_are(n_channels, k):
    random = np.random.default_rng(0)
    start = random.normal(size=(k, n_channels))
    expected = random.integers(0, k, 300)
    image = start[expected] + 1e-6 * random.normal(size=(300, n_channels))

    found = prepare(image, channel_axis=-1).classify(start)

    np.testing.assert_array_equal(found.labels - 1, expected)


@pytest.mark.parametrize("n_clusters", [2, 33, 300])
@pytest.mark.parametrize("n_channels", [1, 2, 6, 30])
def test_what_single_precision_cannot_tell_apart_is_told_apart(n_channels, n_clusters):
    """Pixels just on either side of the middle between two centroids."""
    random = np.random.default_rng(n_clusters)
    start = np.unique(random.normal(0, 100, (n_clusters, n_channels)), axis=0)
    one, other = start[random.integers(0, n_clusters, (2, 5000))]
    image = (one + other) / 2 + 1e-9 * (other - one) * random.normal(size=(5000, 1))

    found = prepare(image, channel_axis=-1).classify(start)

    differs = found.labels.astype(int) - 1 != plain.nearest(image, start)
    # One in 10,000 lies so close that doubles do not tell.
    assert differs.mean() <= 1e-3
    plain.assert_nearest(image, start, found.labels.astype(int) - 1)


@pytest.mark.parametrize("n", [0, 1, 100, 5000])
@pytest.mark.parametrize("n_clusters", [1, 10, 11, 300])
def test_sums_are_the_same_however_they_are_added_up(n_clusters, n):
    random = np.random.default_rng(n)
    labels, old = random.integers(0, n_clusters, (2, n)).astype(np.uint16)
    rows = random.integers(-(2**30), 2**30, (7, n)).astype(np.float64)

    found = exact_sums_by_label(labels, rows, n_clusters)
    moved = exact_sums_by_label(labels, rows, n_clusters, old)

    expected, before = (sums_by_label(one, rows, n_clusters) for one in (labels, old))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(moved, expected - before)


@pytest.mark.parametrize(
    ("n_clusters", "n_features"), [(1, 1), (64, 3), (5000, 3), (20_000, 6), (40, 200), (3, 9000)]
)
def test_products_are_none_that_blas_gives_to_threads_of_its_own(
    n_clusters, n_features, monkeypatch
):
    """It does from 2**18 multiplications on, and its threads and ours then wait for each other."""
    random = np.random.default_rng(0)
    centroids = random.integers(-50, 50, (n_clusters, n_features)).astype(float)
    rows = np.vstack([random.integers(-50, 50, (n_features, 130)), np.ones((1, 130))])
    factors, whole = factors_of(centroids, np.float64), np.matmul
    sizes = []

    def counted(one, other, out):
        sizes.append(one.size * other.shape[1])
        return whole(one, other, out=out)

    monkeypatch.setattr(np, "matmul", counted)
    found = np.empty((n_clusters, 130))
    multiply(factors, rows, found)

    assert max(sizes) <= 1 << 18
    # Whole numbers: exact, in whatever parts.
    np.testing.assert_array_equal(found, whole(factors, rows))


@pytest.mark.parametrize(("n_clusters", "n_rows"), [(300, 401), (10, 9000)])
def test_sums_of_long_rows_are_those_of_each_label(n_clusters, n_rows):
    random = np.random.default_rng(0)
    labels, old = random.integers(0, n_clusters, (2, 100)).astype(np.uint16)
    rows = random.integers(-9, 9, (n_rows, 100)).astype(float)

    found = exact_sums_by_label(labels, rows, n_clusters, old)

    expected = sums_by_label(labels, rows, n_clusters) - sums_by_label(old, rows, n_clusters)
    np.testing.assert_array_equal(found, expected)

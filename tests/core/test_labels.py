"""However pixels are summed up and compared, they get what each of them gets one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_kmeans_seg import prepare, segment

from . import plain


def cloud(n_channels: int, n: int, *, whole: bool = False) -> np.ndarray:
    """Pixels ``(n, n_channels)`` that crowd in places, as colours do, some of them alike."""
    random = np.random.default_rng(n_channels * n)
    middles = random.normal(0, 60, (7, n_channels))
    pixels = middles[random.integers(0, 7, n)] + random.normal(0, 12, (n, n_channels))
    pixels[: n // 10] = pixels[0]
    return np.rint(pixels).astype(np.int16) if whole else pixels


def start_of(pixels: np.ndarray, n_clusters: int) -> np.ndarray:
    """Choose centroids near different pixels, so that no pixel is half-way between two."""
    random = np.random.default_rng(1)
    chosen = random.permutation(np.unique(pixels, axis=0))[:n_clusters]
    return chosen + random.uniform(-0.1, 0.1, chosen.shape)


@pytest.mark.parametrize("whole", [False, True], ids=["floats", "integers"])
@pytest.mark.parametrize("n_clusters", [1, 2, 10, 70, 300])
@pytest.mark.parametrize("n_channels", [1, 3, 5])
def test_every_pixel_finds_its_nearest_centroid(n_channels, n_clusters, whole):
    pixels = cloud(n_channels, 20_001, whole=whole)
    start = start_of(pixels, n_clusters)

    found = prepare(pixels, channel_axis=-1).classify(start)

    assert len(np.unique(found.labels)) > n_clusters // 2
    labels = found.labels.astype(np.intp) - 1
    plain.assert_nearest(pixels.astype(float), start.astype(float), labels)
    np.testing.assert_array_equal(found.counts, np.bincount(labels, minlength=len(start)))


@pytest.mark.parametrize("whole", [False, True], ids=["floats", "integers"])
def test_of_centroids_in_the_same_place_the_first_is_found(whole):
    pixels = cloud(3, 5000, whole=whole)
    start = np.repeat(start_of(pixels, 10), 2, axis=0)

    found = prepare(pixels, channel_axis=-1).classify(start)

    assert (found.labels % 2 == 1).all()
    assert not found.counts[1::2].any()


@pytest.mark.parametrize("n_clusters", [5, 40, 127, 128, 300])
@pytest.mark.parametrize("n_channels", [2, 3, 7])
@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.float64])
def test_of_centroids_as_near_as_each_other_the_first_is_found(dtype, n_channels, n_clusters):
    """Small whole numbers on both sides of 0: every distance is exact, and many are the same."""
    random = np.random.default_rng(n_clusters * n_channels)
    half = random.integers(-4, 5, (7001, n_channels))
    # Their mean, which may be subtracted first, is exactly 0.
    pixels = np.concatenate([half, -half]).astype(dtype)
    start = random.integers(-4, 5, (n_clusters, n_channels))
    distances = plain.squares(pixels.astype(float), start.astype(float))

    found = prepare(pixels, channel_axis=-1).classify(start)

    np.testing.assert_array_equal(found.labels - 1, distances.argmin(axis=1))
    ties = np.count_nonzero(distances == distances.min(axis=1, keepdims=True)) - len(pixels)
    assert ties > 100


@pytest.mark.parametrize("whole", [False, True], ids=["floats", "integers"])
# Of one channel of whole numbers many a value is half-way between two of many means.
@pytest.mark.parametrize(
    ("n_channels", "n_clusters"), [(1, 3), (1, 20), (3, 3), (3, 20), (3, 70), (5, 20), (5, 70)]
)
def test_from_a_given_start_lloyd_ends_where_it_ends_on_all_pixels(n_channels, n_clusters, whole):
    pixels = cloud(n_channels, 8001, whole=whole)
    start = start_of(pixels, n_clusters)
    # A pixel half-way between two centroids goes to the first: labels are ordered by brightness.
    start = start[np.argsort(start.sum(axis=1), kind="stable")]
    expected = plain.by_brightness(plain.lloyd(pixels.astype(float), start))

    found = segment(pixels, n_clusters, channel_axis=-1, init=start, tol=0, max_iter=3000)

    assert found.converged
    np.testing.assert_array_equal(found.labels - 1, expected.labels)
    np.testing.assert_allclose(found.centroids, expected.centroids, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("n_clusters", [3, 40])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_so_it_does_on_more_pixels_than_one_thread_takes_at_a_time(dtype, n_clusters):
    few = cloud(3, 12_000, whole=True).astype(dtype)
    if dtype is np.float32:
        few += np.random.default_rng(2).random(few.shape, dtype)
    start = start_of(few, n_clusters)
    expected = plain.by_brightness(plain.lloyd(few.astype(float), start))
    # The plain way takes its time: as many of each change nothing.
    where = np.random.default_rng(3).permutation(np.arange(600_000) % len(few))

    found = segment(few[where], n_clusters, channel_axis=-1, init=start, tol=0, max_iter=3000)

    np.testing.assert_array_equal(found.labels - 1, expected.labels[where])
    np.testing.assert_allclose(found.centroids, expected.centroids, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("whole", [False, True], ids=["floats", "integers"])
@pytest.mark.parametrize("n_clusters", [5, 20, 70])
def test_centroids_at_rest_are_the_means_of_what_is_nearest(n_clusters, whole):
    pixels = cloud(3, 50_001, whole=whole)

    found = segment(pixels, n_clusters, channel_axis=-1, tol=0, max_iter=3000)

    assert found.converged
    plain.assert_at_rest(found, pixels.astype(float))


@pytest.mark.parametrize("exponent", [-300, 300])
@pytest.mark.parametrize("n_clusters", [5, 40])
def test_the_clusters_know_no_units(n_clusters, exponent):
    pixels = cloud(3, 20_001)
    expected = segment(pixels, n_clusters, channel_axis=-1)

    found = segment(np.ldexp(pixels, exponent), n_clusters, channel_axis=-1)

    np.testing.assert_array_equal(found.labels, expected.labels)
    scaled = np.ldexp(expected.centroids, exponent)
    np.testing.assert_allclose(found.centroids, scaled, rtol=1e-12)
    assert len(np.unique(found.labels)) == n_clusters


@pytest.mark.parametrize("far", [1e9, 1e30])
def test_one_pixel_far_off_costs_the_others_no_digit(far):
    """In single precision all others would be in one place."""
    pixels = np.random.default_rng(0).normal(0, 60, (20_001, 3))
    pixels[7] = far
    start = pixels[::1000].copy()
    start[0] = far

    found = prepare(pixels, channel_axis=-1).classify(start)

    assert len(np.unique(found.labels)) == len(start)
    np.testing.assert_array_equal(found.labels - 1, plain.nearest(pixels, start))


def test_few_pixels_far_from_all_others_are_a_cluster():
    pixels = np.random.default_rng(0).normal(0, 6, (50_000, 3))
    pixels[600:620] += 300

    for seed in range(5):
        found = segment(pixels, 6, channel_axis=-1, seed=seed)

        assert found.counts.min() == 20
        assert (found.labels[600:620] == 6).all()


@pytest.mark.parametrize("n_clusters", [5, 30])
@pytest.mark.parametrize(
    "options",
    [{}, {"color_space": "lab"}, {"channel_weights": [1, 0, 2]}, {"normalize": True}],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_labels_and_means_of_a_fit_are_those_that_its_model_predicts(dtype, options, n_clusters):
    random = np.random.default_rng(3)
    image = random.integers(0, 256, (200, 150, 3), np.uint8)
    if dtype is np.float32:
        image = image / np.float32(255)

    found = segment(image, n_clusters, channel_axis=-1, **options)

    predicted = found.model.predict(image)
    np.testing.assert_array_equal(found.labels, predicted.labels)
    np.testing.assert_array_equal(found.counts, predicted.counts)
    np.testing.assert_allclose(found.centroids, predicted.centroids, rtol=1e-12)
    np.testing.assert_allclose(found.inertia, predicted.inertia, rtol=1e-12)
    pixels, labels = plain.rows(image), found.labels.ravel().astype(np.intp) - 1
    expected = plain.means(pixels, labels, n_clusters)
    np.testing.assert_allclose(found.centroids, expected, rtol=1e-12)


def test_means_are_not_beyond_the_values_where_channels_are_normalized():
    random = np.random.default_rng(0)
    image = random.random((60, 50, 3)) < random.random(3)

    found = prepare(image, channel_axis=-1, normalize=True).segment(3)

    assert found.centroids.min() == 0
    assert found.centroids.max() == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_centroids_move_even_where_no_pixel_changes_its_cluster(dtype):
    image, start = np.array([0, 1, 8, 9], dtype), [[0.0], [9.0]]

    found = segment(image, 2, init=start)
    stopped: Any = segment(image, 2, init=start, max_iter=1)

    assert found.converged
    assert found.centroids.tolist() == [[0.5], [8.5]]
    assert stopped.n_iter == 1
    assert not stopped.converged

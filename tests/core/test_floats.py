"""Pixels whose values do not repeat are labelled and summed up as they are one by one."""

from __future__ import annotations

from math import fsum

import numpy as np
import pytest

from napari_kmeans_seg import prepare, segment

from . import plain


def blobs(n_channels: int, spread: float = 0.2, shape: tuple[int, int] = (90, 110)) -> np.ndarray:
    """Pixels around six colours."""
    random = np.random.default_rng(n_channels)
    colors = random.normal(0, 1, (6, n_channels))
    return colors[random.integers(0, 6, shape)] + random.normal(0, spread, (*shape, n_channels))


def far_off(image: np.ndarray) -> np.ndarray:
    image[3, 4] = 1e9
    image[5, 6] = -1e30
    return image


IMAGES = {
    "one channel": blobs(1),
    "one channel of heavy tails": np.random.default_rng(0).standard_cauchy((90, 110, 1)),
    "one channel with pixels far off": far_off(blobs(1).astype(np.float32)),
    "one channel on a large offset": blobs(1) + 1e6,
    "one channel of tiny values": blobs(1) * 1e-200,
    "one channel before a background": np.where(blobs(1) < -1, -9999, blobs(1)),
    "two channels": blobs(2),
    "three channels": blobs(3).astype(np.float32),
    "four channels": blobs(4),
    "seven channels": blobs(7, 0.05),
    "sixty channels": blobs(60).astype(np.float32),
    "uint16": (blobs(3) * 5000 + 30_000).clip(0, 65_535).astype(np.uint16),
    "on a line": np.repeat(blobs(1), 3, axis=-1),
    "in a plane": np.concatenate([blobs(2), blobs(2)[..., :1] * np.ones(4)], axis=-1),
    "with a constant channel": np.concatenate([blobs(2), np.full((90, 110, 1), 3.7)], axis=-1),
    "before a background": np.where(np.arange(110)[:, np.newaxis] < 80, 1e-3, 1) * blobs(3),
    "with pixels far off": far_off(blobs(3)),
    "heavy tails": np.random.default_rng(0).standard_cauchy((90, 110, 3)),
    "on a large offset": blobs(4) + 1e6,
}


def masked(image: np.ndarray) -> np.ndarray:
    return np.random.default_rng(1).random(image.shape[:2]) < 0.6


@pytest.mark.parametrize("in_mask", [False, True])
@pytest.mark.parametrize("k", [2, 7, 300])
@pytest.mark.parametrize("name", IMAGES)
def test_each_pixel_gets_its_nearest_centroid(name, k, in_mask):
    image = IMAGES[name]
    inside = masked(image) if in_mask else np.ones(image.shape[:2], bool)
    pixels = image[inside].astype(float)
    random = np.random.default_rng(2)
    start = pixels[random.integers(0, len(pixels), k)]
    start = start + 0.1 * np.abs(start) * random.normal(size=start.shape)

    found = prepare(image, channel_axis=-1, mask=inside).classify(start)

    assert not found.labels[~inside].any()
    labels = found.labels[inside].astype(np.intp) - 1
    plain.assert_nearest(pixels, start, labels)
    np.testing.assert_array_equal(found.counts, np.bincount(labels, minlength=k))
    means = plain.means(pixels, labels, k)
    scale = np.abs(pixels).max()
    np.testing.assert_allclose(found.centroids, means, rtol=1e-11, atol=1e-13 * scale)
    squared = plain.inertia(pixels, labels, start)
    rounding = 1e-13 * scale * np.sqrt(squared * len(pixels))
    np.testing.assert_allclose(found.inertia, squared, rtol=1e-10, atol=rounding)


@pytest.mark.parametrize("k", [2, 7, 40])
@pytest.mark.parametrize("name", IMAGES)
def test_without_tolerance_clusters_are_at_rest_on_all_pixels(name, k):
    image = IMAGES[name]
    inside = masked(image)

    found = segment(image, k, channel_axis=-1, mask=inside, tol=0, max_iter=3000)

    assert found.converged
    assert found.n_clusters == k
    assert found.counts.all()
    plain.assert_at_rest(found, plain.rows(image), inside)
    np.testing.assert_array_equal(found.labels, found.model.predict(image, mask=inside).labels)


@pytest.mark.parametrize(
    "options",
    [
        {"normalize": True},
        {"smoothing": 1.5},
        {"color_space": "lab"},
        {"channel_weights": (1, 0, 3)},
        {"spatial_weight": 0.4},
    ],
    ids=str,
)
def test_means_are_those_of_the_image_whatever_is_clustered(options):
    image = (blobs(3).clip(-2, 2) / 4 + 0.5).astype(np.float32)
    mask = np.random.default_rng(0).random(image.shape[:2]) < 0.8

    found = prepare(image, channel_axis=-1, mask=mask, **options).segment(4)

    means = [image[found.labels == label].mean(axis=0, dtype=float) for label in range(1, 5)]
    np.testing.assert_allclose(found.centroids, means, rtol=1e-12)
    np.testing.assert_array_equal(found.counts, np.bincount(found.labels.ravel())[1:])
    assert (found.labels > 0).sum() == mask.sum()


def test_a_pixel_half_way_between_two_centroids_gets_the_first_wherever_it_lies():
    # Sixteenths whose mean is 0: no sum or product of them is rounded.
    random = np.random.default_rng(0)
    half = np.stack([np.tile(np.arange(-8, 9), 400), random.integers(-99, 99, 6800)], axis=1) / 16
    image = np.concatenate([half, -half])
    border = np.array([[-0.25, 0.5], [0.25, 0.5]])

    found = prepare(image, channel_axis=-1).classify(border)

    np.testing.assert_array_equal(found.labels, np.where(image[:, 0] <= 0, 1, 2))


@pytest.mark.parametrize("init", ["auto", "optimal", "k-means++"])
def test_of_two_tight_groups_as_many_clusters_are_found_as_asked(init):
    tight = np.random.default_rng(0).random(500) * 1e-6
    prepared = prepare(np.concatenate([tight, tight + 1000]))

    found = prepared.segment(10, init=init, tol=0)

    assert found.counts.size == 10
    assert found.counts.all()
    assert found.inertia < prepared.segment(2).inertia / 4


def moves_from(pixels: np.ndarray, start: np.ndarray) -> list[float]:
    """Return the squared moves of plain Lloyd, in parts of the mean variance."""
    return [one / pixels.var(axis=0).mean() for one in plain.lloyd(pixels, start).moves]


@pytest.mark.parametrize(
    "options", [{}, {"channel_weights": (2, 0, 1)}, {"normalize": True}], ids=str
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_tolerance_is_in_parts_of_the_mean_variance(dtype, options):
    """As in scikit-learn: it stops after the first move that is no longer than that."""
    image = (blobs(3, 0.6) * 20 + 120).clip(0, 255).astype(dtype)
    pixels = plain.rows(image)
    factors = np.array(options.get("channel_weights", (1, 1, 1)), float)
    if "normalize" in options:
        factors /= pixels.std(axis=0)
    start = pixels[::2000] + 0.25
    moves = moves_from(pixels * factors, start * factors)
    falls = [n for n in range(3, len(moves)) if moves[n - 1] < 0.8 * min(moves[: n - 1])]
    assert len(falls) > 5
    for n in falls:
        tol = np.sqrt(moves[n - 1] * min(moves[: n - 1]))
        found = segment(image, len(start), channel_axis=-1, init=start, tol=tol, **options)
        assert found.converged
        assert found.n_iter == n


@pytest.mark.parametrize("k", [3, 12])
@pytest.mark.parametrize("n_channels", [4, 20])
def test_many_pixels_find_a_minimum_as_good_as_from_many_starts(n_channels, k):
    image = blobs(n_channels, 0.5, (200, 300))

    found = segment(image, k, channel_axis=-1)
    best = segment(image, k, channel_axis=-1, init="random", n_init=10)

    assert found.inertia < 1.02 * best.inertia
    np.testing.assert_array_equal(found.labels, found.model.predict(image).labels)


@pytest.mark.parametrize("lowest", [100, 1e-3, -50])
@pytest.mark.parametrize("n_channels", [1, 40])
def test_sums_of_single_precision_are_exact_in_whatever_order(n_channels, lowest):
    """Values far from 0 have a last digit in common, and sums that need no second part."""
    random = np.random.default_rng(n_channels)
    image = (lowest + random.gamma(2, 30, (5000, n_channels))).astype(np.float32)
    order = random.permutation(5000)

    one, other = (
        segment(values, 12, channel_axis=-1, init=image[:12], tol=0)
        for values in (image, image[order])
    )

    np.testing.assert_array_equal(one.labels[order], other.labels)
    assert one.centroids.tobytes() == other.centroids.tobytes()
    for label in range(1, 13):
        means = np.array([fsum(row) for row in image[one.labels == label].T.astype(float)])
        means /= one.counts[label - 1]
        np.testing.assert_allclose(one.centroids[label - 1], means, rtol=3e-15, atol=3e-13)

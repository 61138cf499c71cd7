"""Colours are counted and labelled however their bytes lie in memory."""

from __future__ import annotations

import time

import numpy as np
import pytest

from napari_kmeans_seg import segment

from .. import plain

LAYOUTS = {
    "RGB": lambda n, random: random.integers(0, 256, (n, 3), np.uint8),
    "RGBA": lambda n, random: random.integers(0, 256, (n, 4), np.uint8)[:, :3],
    "RGB within more channels": lambda n, random: random.integers(0, 256, (n, 7), np.uint8)[:, 2:5],
    "BGR": lambda n, random: random.integers(0, 256, (n, 3), np.uint8)[:, ::-1],
    "backwards": lambda n, random: random.integers(0, 256, (n, 3), np.uint8)[::-1],
    "every other": lambda n, random: random.integers(0, 256, (2 * n, 3), np.uint8)[::2],
    "planes": lambda n, random: random.integers(0, 256, (3, n), np.uint8).T,
    "grey as RGB": lambda n, random: np.repeat(random.integers(0, 256, (n, 1), np.uint8), 3, 1),
    "int8": lambda n, random: random.integers(-128, 128, (n, 3), np.int8),
    "two channels": lambda n, random: random.integers(0, 256, (n, 2), np.uint8),
    "wide, close to each other": lambda n, random: random.integers(9000, 9250, (n, 3), np.int32),
}


@pytest.mark.parametrize("n", [3, 50, 1001, 20_003])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_colour_is_counted_and_labelled_wherever_its_bytes_are(layout, n):
    colors = LAYOUTS[layout](n, np.random.default_rng(n))
    n_clusters = min(7, n)

    found = segment(colors, n_clusters, channel_axis=-1, alpha=False, tol=0, max_iter=3000)

    assert found.n_clusters == n_clusters
    plain.assert_at_rest(found, plain.rows(colors))
    together = segment(
        np.ascontiguousarray(colors), n_clusters, channel_axis=-1, alpha=False, tol=0, max_iter=3000
    )
    np.testing.assert_array_equal(found.labels, together.labels)
    np.testing.assert_array_equal(found.centroids, together.centroids)
    assert found.inertia == together.inertia


@pytest.mark.parametrize("kind", ["photograph", "noise", "nearly one colour"])
def test_each_colour_of_many_pixels_is_counted(kind):
    """Every colour is a cluster of its own, so that counts of clusters are those of colours."""
    random = np.random.default_rng(0)
    colors = np.unique(random.integers(0, 256, (500, 3), np.uint8), axis=0)
    if kind == "photograph":
        image = colors[random.binomial(len(colors) - 1, 0.5, 700_000)]
    else:
        image = colors[random.integers(0, len(colors), 700_000)]
    if kind == "nearly one colour":
        image[1000:] = 255
    colors, counts = np.unique(image, axis=0, return_counts=True)

    found = segment(image, len(colors), channel_axis=-1, tol=0)

    order = np.lexsort(found.centroids.T[::-1])
    np.testing.assert_array_equal(found.centroids[order], colors)
    np.testing.assert_array_equal(found.counts[order], counts)
    assert found.inertia == 0
    np.testing.assert_array_equal(found.image, image)


def test_pixels_that_take_no_part_are_not_counted():
    colors = np.random.default_rng(0).integers(0, 4, (10_000, 3)).astype(np.uint8)
    mask = np.arange(10_000) % 3 == 0

    found = segment(colors, 64, channel_axis=-1, mask=mask, tol=0)

    expected, counts = np.unique(colors[mask], axis=0, return_counts=True)
    order = np.lexsort(found.centroids.T[::-1])
    np.testing.assert_array_equal(found.centroids[order], expected)
    np.testing.assert_array_equal(found.counts[order], counts)
    assert not found.labels[~mask].any()


@pytest.mark.parametrize("n_channels", [1, 2])
def test_values_far_off_all_others_cost_no_time_where_they_take_no_part(n_channels):
    # "No data" of an elevation model, say: it once took 5 seconds to label 512 such pixels.
    image = np.random.default_rng(0).integers(50, size=(64, 64, n_channels), dtype=np.int32)
    mask = np.ones(image.shape[:2], bool)
    mask[:16] = False
    expected = segment(image, 3, channel_axis=-1, mask=mask)
    image[:16] = np.iinfo(np.int32).min

    start = time.perf_counter()
    found = segment(image, 3, channel_axis=-1, mask=mask)

    assert time.perf_counter() - start < 2
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert not found.labels[:16].any()


@pytest.mark.parametrize("n_channels", [24, 25, 64, 65])
def test_masks_are_channels_even_where_one_is_true_all_over(n_channels):
    image = np.random.default_rng(0).random((20, 20, n_channels)) < 0.5
    image[..., 3] = True

    found = segment(image, 3, channel_axis=-1)
    expected = segment(image.astype(float), 3, channel_axis=-1, init=found.centroids)

    assert (found.centroids[:, 3] == 1).all()
    np.testing.assert_array_equal(found.labels, expected.labels)

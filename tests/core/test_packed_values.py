"""Colours become numbers, however their bytes lie in memory, and colours again."""

from __future__ import annotations

import time

import numpy as np
import pytest

from napari_kmeans_seg import segment
from napari_kmeans_seg.core import points
from napari_kmeans_seg.core.packing import Packing
from napari_kmeans_seg.core.pixels import flatten

RGB = Packing((0, 0, 0), (8, 8, 8), np.dtype(np.uint8))

LAYOUTS = {
    "RGB": lambda n, random: random.integers(0, 256, (n, 3), np.uint8),
    "RGBA": lambda n, random: random.integers(0, 256, (n, 4), np.uint8)[:, :3],
    "RGB within more channels": lambda n, random: random.integers(0, 256, (n, 7), np.uint8)[:, 2:5],
    "BGR": lambda n, random: random.integers(0, 256, (n, 3), np.uint8)[:, ::-1],
    "backwards": lambda n, random: random.integers(0, 256, (n, 3), np.uint8)[::-1],
    "every other": lambda n, random: random.integers(0, 256, (2 * n, 3), np.uint8)[::2],
    "planes": lambda n, random: random.integers(0, 256, (3, n), np.uint8).T,
    "one colour": lambda n, random: np.broadcast_to(random.integers(0, 256, 3, np.uint8), (n, 3)),
    "grey as RGB": lambda n, random: np.repeat(random.integers(0, 256, (n, 1), np.uint8), 3, 1),
}


@pytest.mark.parametrize("dtype", [None, np.intp])
@pytest.mark.parametrize("n", [1, 2, 3, 1000])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_colour_is_packed_wherever_its_bytes_are(layout, n, dtype):
    colors = LAYOUTS[layout](n, np.random.default_rng(n))
    channels = [colors[:, i] for i in range(3)]

    codes = RGB.pack(channels, dtype)

    red, green, blue = (channel.astype(np.uint32) for channel in channels)
    assert codes.dtype == (dtype or np.uint32)
    np.testing.assert_array_equal(codes, (red << 16) + (green << 8) + blue)
    np.testing.assert_array_equal(np.stack(RGB.unpack(codes), axis=1), colors)


@pytest.fixture(params=["sorted", "in a table", "in blocks"])
def counting(request, monkeypatch):
    """Values are counted in all ways, in pieces of at most 4096 pixels."""
    monkeypatch.setattr(points, "COUNT_CHUNK", 1 << 12)
    monkeypatch.setattr(points, "NOISE", 1 << 8)
    monkeypatch.setattr(points, "IN_CACHE", 1 << 10)
    monkeypatch.setattr(points, "LARGE", 0 if request.param == "in a table" else 1 << 40)
    monkeypatch.setattr(points, "_sorting_is_slow", lambda: request.param != "sorted")


@pytest.mark.parametrize("n", [1, 1000, 20_000])
@pytest.mark.usefixtures("counting")
def test_each_colour_is_counted(n):
    colors = np.random.default_rng(n).binomial(255, 0.5, (n, 3)).astype(np.uint8)
    colors[: n // 3] = 255

    counted = points.count_codes(flatten(colors, channel_axis=-1), RGB)

    expected, counts = np.unique(colors, axis=0, return_counts=True)
    np.testing.assert_array_equal(np.stack(RGB.unpack(counted.keys), axis=1), expected)
    np.testing.assert_array_equal(counted.counts, counts)
    assert (counted.keys.dtype, counted.counts.dtype) == (np.uint32, np.int64)


@pytest.mark.usefixtures("counting")
def test_pixels_that_take_no_part_are_not_counted():
    colors = np.random.default_rng(0).integers(0, 4, (10_000, 3)).astype(np.uint8)
    mask = np.arange(10_000) % 3 == 0

    counted = points.count_codes(flatten(colors, channel_axis=-1, mask=mask), RGB)

    expected, counts = np.unique(colors[mask], axis=0, return_counts=True)
    np.testing.assert_array_equal(np.stack(RGB.unpack(counted.keys), axis=1), expected)
    np.testing.assert_array_equal(counted.counts, counts)


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

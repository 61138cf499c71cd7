"""Whether values repeat is found out before all are sorted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_kmeans_seg.core import points
from napari_kmeans_seg.core.pixels import flatten
from napari_kmeans_seg.core.points import distinct_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

N = 1 << 20


@pytest.fixture
def sorts(monkeypatch):
    """How many pixels were sorted at a time."""
    sizes: list[int] = []
    count = points.count_sorted

    def count_sorted(keys):
        sizes.append(keys.size)
        return count(keys)

    monkeypatch.setattr(points, "count_sorted", count_sorted)
    return sizes


@pytest.mark.parametrize("times", ["in a row", "far apart", "one value often"])
def test_no_image_of_few_values_is_missed(times):
    few = np.random.default_rng(0).permutation(points.DENSE_LIMIT).astype(np.float32)
    image = np.repeat(few, N // few.size) if times == "in a row" else np.tile(few, N // few.size)
    if times == "one value often":
        image[few.size :] = few[0]

    found, _ = distinct_points(flatten(image))

    assert found is not None
    assert found.n_points == few.size
    assert found.n_pixels == N


def test_an_image_whose_values_do_not_repeat_is_not_sorted(sorts):
    image = np.random.default_rng(0).random((3, N), np.float32)

    assert distinct_points(flatten(image[0])) == (None, None)
    assert distinct_points(flatten(image[0], mask=image[1] < 0.5)) == (None, None)
    assert max(sorts) == points.DRAWN


def colours(own: float) -> NDArray[np.uint8]:
    """Pixels of which a share has a colour of its own, the others are black."""
    number = np.random.default_rng(0).permutation(1 << 24)[:N]
    number[round(own * N) :] = 0
    return np.stack([number >> 16, number >> 8, number], axis=1).astype(np.uint8)


@pytest.mark.parametrize("order", ["one after the other", "mixed"])
@pytest.mark.parametrize("is_sorted", [False, True])
@pytest.mark.parametrize(("own", "are_counted"), [(0.45, True), (0.49, True), (0.52, False)])
def test_colours_are_counted_unless_half_the_pixels_have_their_own(
    monkeypatch, own, are_counted, is_sorted, order
):
    """However they are counted here, and in whatever order they come."""
    monkeypatch.setattr(points, "_sorting_is_slow", lambda: not is_sorted)
    monkeypatch.setattr(points, "NOISE", 1 << 17)
    image = colours(own)
    if order == "mixed":
        image = np.random.default_rng(1).permutation(image)

    found, packing = distinct_points(flatten(image, channel_axis=-1))

    assert (found is not None) == (packing is not None) == are_counted
    if found is not None:
        assert found.n_pixels == N


@pytest.mark.parametrize("kind", ["all", "black background", "masked"])
def test_noise_is_told_without_counting(monkeypatch, kind):
    monkeypatch.delattr(points, "count_codes")
    image = colours(0.7 if kind == "black background" else 1)
    mask = np.arange(N) % 9 > 0 if kind == "masked" else None
    assert distinct_points(flatten(image, channel_axis=-1, mask=mask)) == (None, None)


@pytest.mark.parametrize(("n_values", "are_few"), [(N // 6, True), (N // 2, False)])
def test_wide_pixels_are_looked_at_as_one_number(n_values, are_few):
    random = np.random.default_rng(0)
    colors = random.integers(0, 1 << 16, (n_values, 3)).astype(np.uint16)
    image = colors[random.integers(0, n_values, N)]

    found, packing = distinct_points(flatten(image, channel_axis=-1))

    assert packing is None
    assert (found is not None) == are_few
    if found is not None:
        expected, counts = np.unique(image, axis=0, return_counts=True)
        np.testing.assert_array_equal(np.stack(found.values, axis=1), expected)
        np.testing.assert_array_equal(found.counts, counts)

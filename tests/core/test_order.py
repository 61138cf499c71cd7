"""Whatever order the pixels of an image are in, their values get the same clusters."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_kmeans_seg import segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def signal(n: int, n_channels: int) -> NDArray[np.float64]:
    """Pixels of eight kinds, with noise: none is like another."""
    random = np.random.default_rng(n)
    kinds = random.normal(0, 3, (8, n_channels))
    return kinds[random.integers(8, size=n)] + random.normal(0, 1, (n, n_channels))


def on_background(share: float, n: int, n_channels: int) -> NDArray[np.float32]:
    image = signal(n, n_channels).astype(np.float32)
    image[np.random.default_rng(1).random(n) < share] = 0
    return image


IMAGES: dict[str, Callable[[], NDArray[Any]]] = {
    "float16": lambda: signal(100_000, 3).astype(np.float16),
    "float32": lambda: signal(300_000, 4).astype(np.float32),
    "float32, one channel": lambda: signal(300_000, 1).astype(np.float32),
    "float64": lambda: signal(60_000, 3),
    "uint16": lambda: (signal(150_000, 3) * 2500 + 30_000).astype(np.uint16),
    "int64": lambda: (signal(60_000, 2) * 1e15).astype(np.int64),
    "half background": lambda: on_background(0.5, 100_000, 2),
    "nearly all background": lambda: on_background(0.95, 300_000, 3),
    "tenths": lambda: np.round(signal(50_000, 3), 1),
    "few colours": lambda: signal(300, 3)[np.random.default_rng(0).integers(300, size=100_000)],
    "heavy tails": lambda: np.random.default_rng(0).standard_cauchy((80_000, 3)),
}


def assert_order_changes_nothing(
    image: NDArray[Any], n_clusters: int, mask: NDArray[np.bool_] | None = None, **args: Any
) -> None:
    """Compare ``(n, n_channels)`` pixels as they are and shuffled, from the default start."""
    order = np.random.default_rng(2).permutation(len(image))
    args |= {"channel_axis": -1, "alpha": False}
    straight = segment(image, n_clusters, mask=mask, **args)
    shuffled = segment(image[order], n_clusters, mask=None if mask is None else mask[order], **args)
    np.testing.assert_array_equal(shuffled.labels, straight.labels[order])
    scale = np.abs(straight.centroids).max()
    np.testing.assert_allclose(
        shuffled.centroids, straight.centroids, rtol=1e-9, atol=1e-12 * scale
    )
    np.testing.assert_allclose(shuffled.inertia, straight.inertia, rtol=1e-9)


@pytest.mark.parametrize("n_clusters", [3, 12, 64])
@pytest.mark.parametrize("kind", IMAGES)
def test_the_order_of_pixels_that_do_not_repeat_changes_nothing(kind: str, n_clusters: int) -> None:
    assert_order_changes_nothing(IMAGES[kind](), n_clusters)


@pytest.mark.parametrize("n_clusters", [3, 12, 64])
def test_nor_does_it_with_a_mask_and_pixels_that_are_not_finite(n_clusters: int) -> None:
    image = signal(120_000, 3).astype(np.float32)
    random = np.random.default_rng(4)
    image[random.integers(len(image), size=500), random.integers(3, size=500)] = np.nan
    image[random.integers(len(image), size=50), 1] = np.inf
    with pytest.warns(UserWarning, match="finite"):
        assert_order_changes_nothing(image, n_clusters, random.random(len(image)) < 0.7)


def test_nor_does_it_where_nearly_half_the_pixels_have_colours_of_their_own() -> None:
    """Colours are either counted or not."""
    own = np.random.default_rng(0).permutation(1 << 24)[:700_000]
    number = np.zeros(1_450_000, np.intp)
    number[: own.size] = own
    image = np.stack([number >> 16, number >> 8, number], axis=1).astype(np.uint8)
    assert_order_changes_nothing(image, 7)


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_nor_does_it_with_another_start_and_several_runs(init: str) -> None:
    image = signal(80_000, 3).astype(np.float32)
    assert_order_changes_nothing(image, 7, init=init, n_init=3, seed=5)


def test_nor_does_it_where_clusters_are_more_than_occupied_bins() -> None:
    """Two far pixels leave all others in few bins, of which some are to be parted."""
    image = signal(20_000, 1)
    image[:, 0] *= 1e-12
    image = np.hstack([image, image])
    image[:2] = 1e9, -1e9
    assert_order_changes_nothing(image, 40)


# --- What else must not change the result ------------------------------------------------


@pytest.mark.parametrize("n_clusters", [3, 40])
@pytest.mark.parametrize("kind", IMAGES)
def test_values_that_take_no_part_change_nothing(kind: str, n_clusters: int) -> None:
    image = IMAGES[kind]()
    mask = np.arange(len(image)) % 3 > 0
    other = image.copy()
    other[~mask] = image[mask].max()
    found, expected = (
        segment(one, n_clusters, channel_axis=-1, alpha=False, mask=mask) for one in (other, image)
    )
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_allclose(found.centroids, expected.centroids, rtol=1e-12)


@pytest.mark.parametrize("n_clusters", [3, 40])
@pytest.mark.parametrize("kind", IMAGES)
def test_channels_that_lie_apart_in_memory_change_nothing(kind: str, n_clusters: int) -> None:
    image = IMAGES[kind]()
    expected = segment(image, n_clusters, channel_axis=-1, alpha=False)
    found = segment(np.asfortranarray(image), n_clusters, channel_axis=-1, alpha=False)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.centroids, expected.centroids)


@pytest.mark.parametrize("n_clusters", [3, 40])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_zero_has_no_sign(dtype: type[np.floating[Any]], n_clusters: int) -> None:
    """What is hashed or sorted by its bits must not tell 0 from -0."""
    image = on_background(0.5, 60_000, 3).astype(dtype)
    signed = np.where((image == 0) & (np.arange(60_000) % 2 > 0)[:, np.newaxis], -image, image)
    assert np.count_nonzero(np.signbit(signed) != np.signbit(image)) > 1000
    expected = segment(image, n_clusters, channel_axis=-1)
    found = segment(signed, n_clusters, channel_axis=-1)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.centroids, expected.centroids)
    assert found.inertia == expected.inertia


@pytest.mark.parametrize("power", [-20, 1, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_twice_the_values_get_the_same_clusters(dtype: type[np.floating[Any]], power: int) -> None:
    image = on_background(0.3, 50_000, 3).astype(dtype)
    expected = segment(image, 7, channel_axis=-1)
    found = segment(np.ldexp(image, power), 7, channel_axis=-1)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.centroids, np.ldexp(expected.centroids, power))


@pytest.mark.parametrize("n_clusters", [5, 40])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_small_integers_in_floats_get_clusters_as_good(
    dtype: type[np.integer[Any]], n_clusters: int
) -> None:
    """Of their bits few are not 0."""
    image = np.random.default_rng(0).integers(0, 256, (100_000, 3)).astype(dtype)
    expected = segment(image, n_clusters, channel_axis=-1)
    found = segment(image.astype(np.float32), n_clusters, channel_axis=-1)
    np.testing.assert_allclose(found.inertia, expected.inertia, rtol=0.02)


def test_a_value_that_fills_the_image_does_not_fill_the_memory() -> None:
    image = on_background(0.95, 1 << 20, 2)
    tracemalloc.start()
    found = segment(image, 5, channel_axis=-1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.counts.max() > 0.9 * len(image)
    # What stands for each pixel, were it kept as often as it is there, is as much as this again.
    assert most < 3 * image.nbytes

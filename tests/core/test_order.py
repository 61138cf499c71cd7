"""Whatever order the pixels of an image are in, their values get the same clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_kmeans_seg import segment
from napari_kmeans_seg.core import drawn
from napari_kmeans_seg.core.drawn import draw, draw_values
from napari_kmeans_seg.core.image_points import read
from napari_kmeans_seg.core.pixels import flatten

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


# --- Pixels drawn by their values --------------------------------------------------------


def values_of(image: NDArray[Any], share: float, **args: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    pixels = flatten(image, channel_axis=-1, alpha=False, **args)
    found = draw(pixels, share)
    return np.stack(pixels.at(found.where), axis=-1), found.counts


@pytest.mark.parametrize("share", [0.01, 0.3, 1])
@pytest.mark.parametrize("kind", IMAGES)
def test_the_same_values_are_drawn_from_any_order(kind: str, share: float) -> None:
    image = IMAGES[kind]()
    order = np.random.default_rng(2).permutation(len(image))
    for one, other in zip(
        values_of(image, share),
        # Channels that lie apart in memory.
        values_of(np.asfortranarray(image[order]), share),
        strict=True,
    ):
        np.testing.assert_array_equal(other, one)


@pytest.mark.parametrize("kind", IMAGES)
def test_a_share_of_one_is_all_values_with_their_counts(kind: str) -> None:
    image = IMAGES[kind]()
    values, counts = values_of(image, 1)
    order = np.lexsort(values.T[::-1])
    expected, n = np.unique(image, axis=0, return_counts=True)
    np.testing.assert_array_equal(values[order], expected)
    np.testing.assert_array_equal(counts[order], n)


@pytest.mark.parametrize("kind", IMAGES)
def test_about_a_share_of_the_values_is_drawn(kind: str) -> None:
    image = IMAGES[kind]()
    n = len(np.unique(image, axis=0))
    for share in (0.1, 0.5):
        # Six standard deviations.
        assert abs(len(values_of(image, share)[0]) - share * n) < 6 * np.sqrt(share * n)


def test_pixels_that_take_no_part_are_not_drawn() -> None:
    image = signal(5000, 2)
    image[::7, 1] = np.nan
    mask = np.arange(5000) % 3 > 0
    inside = image[mask & np.isfinite(image[:, 1])]
    values, _ = values_of(image, 1, mask=mask)
    np.testing.assert_array_equal(np.unique(values, axis=0), np.unique(inside, axis=0))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_zero_has_no_sign(dtype: type[np.floating[Any]]) -> None:
    image = np.zeros((6000, 3), dtype)
    image[::2] = -image[::2]
    _, counts = values_of(image, 1)
    assert counts.tolist() == [6000]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_pixels_are_drawn_of_twice_the_values(dtype: type[np.floating[Any]]) -> None:
    image = on_background(0.3, 50_000, 3).astype(dtype)
    values, counts = values_of(image, 0.2)
    for power in (-20, 1, 7):
        scaled, n = values_of(np.ldexp(image, power), 0.2)
        np.testing.assert_array_equal(scaled, np.ldexp(values, power))
        np.testing.assert_array_equal(n, counts)


@pytest.mark.parametrize("n_channels", [1, 3])
def test_small_integers_in_floats_are_drawn_as_well(n_channels: int) -> None:
    """Of their bits few are not 0."""
    image = np.random.default_rng(0).integers(0, 256, (200_000, n_channels)).astype(np.float32)
    n = len(np.unique(image, axis=0))
    for share in (0.003, 0.1):
        assert abs(len(values_of(image, share)[0]) - share * n) < 6 * np.sqrt(share * n)


def test_pixels_that_are_told_apart_by_their_places_are_all_drawn() -> None:
    pixels = flatten(np.zeros(50_000, np.float32))
    assert draw(pixels, 1).n == 1
    assert draw(pixels, 1, placed=True).n == 50_000
    assert abs(draw(pixels, 0.1, placed=True).n - 5000) < 400


@pytest.mark.parametrize("n_values", [1, 100, 5000, 60_000])
def test_where_values_repeat_more_are_looked_for(n_values: int) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(n_values, 2))
    image = values[random.integers(n_values, size=200_000)]
    found = draw_values(flatten(image, channel_axis=-1), 8192, 4096)
    assert found.n == n_values if n_values < 4096 else found.n >= 4096


def test_a_value_that_fills_the_image_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each block tells how often it has it."""
    held: list[int] = []
    keys = drawn._keys

    def counted(values: Any, *args: Any) -> Any:
        held.append(values[0].size)
        return keys(values, *args)

    monkeypatch.setattr(drawn, "_keys", counted)
    found = draw(flatten(on_background(0.95, 1 << 20, 2), channel_axis=-1), 1)
    assert found.counts.max() > 0.9 * (1 << 20)
    assert held[-1] < 0.06 * (1 << 20)


def test_an_image_that_repeats_draws_no_pixel() -> None:
    image = (signal(100_000, 1) * 9).astype(np.uint8)
    points = read(flatten(image, channel_axis=-1))
    points.middle()
    assert "drawn" not in vars(points)


def test_what_lies_farther_off_than_all_that_is_drawn_has_bins_of_its_own() -> None:
    """Of one channel the bins' optimum is close to that of the pixels, however long its tail is."""
    image = np.random.default_rng(0).pareto(0.8, 400_000).astype(np.float32)
    for n_clusters in (3, 8, 16):
        found = segment(image, n_clusters)
        assert found.n_iter <= 2

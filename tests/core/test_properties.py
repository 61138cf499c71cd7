"""What must hold of any k-means, whatever the image."""

from __future__ import annotations

import threading
import tracemalloc
from typing import TYPE_CHECKING, Any

import dask.array as da
import hypothesis.strategies as st
import numpy as np
import pytest
import skimage.data
from hypothesis import given

from napari_kmeans_seg import Segmentation, prepare, segment
from napari_kmeans_seg.core.base import parallel

from . import plain
from .images import few, photograph, small, small_image, stains, start_of, textures

if TYPE_CHECKING:
    from numpy.typing import NDArray


def bits(found: Segmentation) -> tuple[bytes, ...]:
    arrays = (found.labels, found.centroids, found.counts, found.image, found.model.centroids)
    return (*(a.tobytes() for a in arrays), np.float64(found.inertia).tobytes())


@given(drawn=small, seed=st.integers(0, 99), init=st.sampled_from(["auto", "k-means++", "random"]))
@few
def test_the_order_of_the_pixels_of_any_image_changes_nothing(
    drawn: tuple[list[int], int, int], seed: int, init: str
) -> None:
    pixels, k = small_image(drawn)
    order = np.random.default_rng(seed).permutation(len(pixels))
    straight = segment(pixels, k, channel_axis=-1, alpha=False, init=init, seed=seed)
    shuffled = segment(pixels[order], k, channel_axis=-1, alpha=False, init=init, seed=seed)
    np.testing.assert_array_equal(shuffled.labels, straight.labels[order])
    np.testing.assert_array_equal(shuffled.centroids, straight.centroids)
    assert shuffled.inertia == straight.inertia


@given(
    drawn=small,
    seed=st.integers(0, 99),
    factor=st.sampled_from([1, 2, 7, 256]),
    shift=st.integers(-(10**6), 10**6),
    dtype=st.sampled_from(["int32", "int64", "float64"]),
)
@few
def test_any_image_scaled_and_shifted_scales_and_shifts_the_centroids(
    drawn: tuple[list[int], int, int], seed: int, factor: int, shift: int, dtype: str
) -> None:
    pixels, k = small_image(drawn)
    init = start_of(pixels, k, seed).astype(int)
    plain = segment(pixels, k, channel_axis=-1, alpha=False, init=init, tol=0)
    image = (pixels.astype(int) * factor + shift).astype(dtype)
    scaled = segment(image, k, channel_axis=-1, alpha=False, init=init * factor + shift, tol=0)
    np.testing.assert_array_equal(scaled.labels, plain.labels)
    expected = plain.centroids * factor + shift
    np.testing.assert_allclose(scaled.centroids, expected, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(scaled.inertia, plain.inertia * factor**2, rtol=1e-9, atol=1e-9)


# --- Values with counts ------------------------------------------------------------------


@given(cuts=st.lists(st.integers(1, 29_999), max_size=6, unique=True), data=st.data())
@few
def test_chunks_that_are_cut_anywhere_are_the_whole_image(
    cuts: list[int], data: st.DataObject
) -> None:
    image = data.draw(
        st.sampled_from(
            [
                photograph().reshape(-1, 3)[:30_000],
                skimage.data.cell().reshape(-1, 1)[:30_000].astype(np.uint16) * 99,
                (skimage.data.cell().reshape(-1, 1)[:30_000] / 7).astype(np.float32),
            ]
        )
    )
    lengths = np.diff([0, *sorted(cuts), len(image)])
    chunks = (tuple(int(n) for n in lengths), (image.shape[1],))
    whole = segment(image, 5, channel_axis=-1)
    parts = segment(da.from_array(image, chunks=chunks), 5, channel_axis=-1)
    np.testing.assert_array_equal(np.asarray(parts.labels), whole.labels)
    np.testing.assert_array_equal(parts.centroids, whole.centroids)
    np.testing.assert_array_equal(parts.counts, whole.counts)
    assert parts.inertia == whole.inertia


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.float32])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_values_that_repeat_move_the_centroids_as_all_pixels_do(
    dtype: type[np.generic], n_channels: int
) -> None:
    few_values = np.round(np.random.default_rng(0).gamma(2, 40, (100, 120, n_channels)))
    factor = {np.uint8: 0.5, np.uint16: 9, np.uint32: 600_000, np.float32: 9}[dtype]
    image = (few_values * factor).clip(0, 2e9 if dtype is np.uint32 else 255 * factor).astype(dtype)
    mask = np.random.default_rng(1).random((100, 120)) < 0.7
    # Off the values, so that none of them is half-way between two.
    init = np.unique(image.reshape(-1, n_channels), axis=0)[5::15][:5] + 0.1 * factor
    args: dict[str, Any] = {"init": init, "mask": mask, "tol": 0, "max_iter": 1000}
    found = segment(image, len(init), channel_axis=-1, **args)
    expected = plain.by_brightness(plain.lloyd(image[mask].astype(float), init))
    np.testing.assert_array_equal(found.labels[mask] - 1, expected.labels)
    np.testing.assert_allclose(found.centroids, expected.centroids, rtol=1e-12)


# --- What must not change the result -----------------------------------------------------


@pytest.mark.parametrize("n_clusters", [3, 12])
def test_the_order_of_the_pixels_changes_nothing(n_clusters: int) -> None:
    image = photograph().reshape(-1, 3)
    order = np.random.default_rng(0).permutation(len(image))
    straight = segment(image, n_clusters, channel_axis=-1)
    shuffled = segment(image[order], n_clusters, channel_axis=-1)
    np.testing.assert_array_equal(shuffled.labels, straight.labels[order])
    np.testing.assert_array_equal(shuffled.centroids, straight.centroids)
    assert shuffled.inertia == straight.inertia


@few
@given(st.integers(2, 4096), st.integers(1, 5), st.integers(2, 8), st.integers(0, 99))
def test_the_order_of_few_floats_changes_nothing(n: int, n_channels: int, k: int, seed: int):
    random = np.random.default_rng(seed)
    kinds = random.normal(0, 3, (4, n_channels))
    image = kinds[random.integers(4, size=n)] + random.normal(0, 1, (n, n_channels))
    order = random.permutation(n)
    k = min(k, n)
    straight = segment(image, k, channel_axis=-1, alpha=False, seed=seed)
    shuffled = segment(image[order], k, channel_axis=-1, alpha=False, seed=seed)
    np.testing.assert_array_equal(shuffled.labels, straight.labels[order])
    np.testing.assert_allclose(shuffled.centroids, straight.centroids, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("image", [stains(), textures()], ids=["float64", "float32"])
def test_the_order_of_floats_that_do_not_repeat_changes_no_label(image: NDArray[Any]) -> None:
    pixels = image.reshape(-1, image.shape[-1])
    order = np.random.default_rng(0).permutation(len(pixels))
    init = pixels[:: len(pixels) // 5][:5]
    args: dict[str, Any] = {"channel_axis": -1, "init": init, "tol": 0, "max_iter": 1000}
    straight = segment(pixels, 5, **args)
    shuffled = segment(pixels[order], 5, **args)
    np.testing.assert_array_equal(shuffled.labels, straight.labels[order])
    np.testing.assert_allclose(shuffled.centroids, straight.centroids, rtol=1e-12)


def test_another_number_of_clusters_does_not_read_the_pixels_again() -> None:
    image = photograph().copy()
    expected = [segment(image, k, channel_axis=-1, seed=k) for k in (3, 5, 12)]
    prepared = prepare(image, channel_axis=-1)
    prepared.segment(4)
    image[:] = 0
    for k, fresh in zip((3, 5, 12), expected, strict=True):
        found = prepared.segment(k, seed=k)
        np.testing.assert_array_equal(found.centroids, fresh.centroids)
        np.testing.assert_array_equal(found.labels, fresh.labels)


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_memory_does_not_grow_with_the_number_of_clusters(kind: str) -> None:
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (1000, 1000, 3)).astype(kind)
    if kind == "float32":
        image += random.random(image.shape, np.float32)
    peaks = []
    for k in (40, 250):
        tracemalloc.start()
        segment(image, k, channel_axis=-1, max_iter=2)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Scores of all pixels would be 840 MB more, as single floats.
    assert peaks[1] < peaks[0] + 16e6


def test_the_shape_of_the_image_changes_nothing() -> None:
    image = photograph()
    flat = segment(image.reshape(-1, 3), 6, channel_axis=-1)
    stack = segment(image.reshape(4, 50, 10, 30, 3), 6, channel_axis=-1)
    first = segment(np.moveaxis(image, -1, 0), 6, channel_axis=0)
    for other in (stack, first):
        np.testing.assert_array_equal(other.labels.ravel(), flat.labels)
        np.testing.assert_array_equal(other.centroids, flat.centroids)


def test_pixels_that_stand_twice_weigh_twice() -> None:
    image = photograph()
    init = np.unique(image.reshape(-1, 3), axis=0)[::2000][:5]
    args: dict[str, Any] = {"channel_axis": -1, "init": init, "tol": 0, "max_iter": 1000}
    once = segment(image, 5, **args)
    twice = segment(np.concatenate([image, image]), 5, **args)
    np.testing.assert_array_equal(twice.labels[: len(image)], once.labels)
    np.testing.assert_array_equal(twice.counts, 2 * once.counts)
    np.testing.assert_allclose(twice.inertia, 2 * once.inertia)


@pytest.mark.parametrize("n_clusters", [2, 6])
def test_grey_levels_scaled_and_shifted_scale_and_shift_the_centroids(n_clusters: int) -> None:
    image = skimage.data.cell()
    plain = segment(image, n_clusters)
    scaled = segment(image.astype(np.int32) * 300 - 7000, n_clusters)
    np.testing.assert_array_equal(scaled.labels, plain.labels)
    np.testing.assert_allclose(scaled.centroids, plain.centroids * 300 - 7000, rtol=1e-12)
    np.testing.assert_allclose(scaled.inertia, plain.inertia * 300**2, rtol=1e-12)


def test_colours_scaled_and_shifted_scale_and_shift_the_centroids() -> None:
    image = stains()
    init = image.reshape(-1, 3)[::16_000][:4]
    args: dict[str, Any] = {"channel_axis": -1, "tol": 0, "max_iter": 1000}
    plain = segment(image, 4, init=init, **args)
    scaled = segment(image * 50 + 3, 4, init=init * 50 + 3, **args)
    np.testing.assert_array_equal(scaled.labels, plain.labels)
    np.testing.assert_allclose(scaled.centroids, plain.centroids * 50 + 3, rtol=1e-12)


def test_scaling_by_a_power_of_two_changes_no_bit_of_the_labels() -> None:
    """With k-means++ and tolerance and all."""
    image = stains()
    plain = segment(image, 6, channel_axis=-1, seed=4)
    scaled = segment(image * 1024, 6, channel_axis=-1, seed=4)
    np.testing.assert_array_equal(scaled.labels, plain.labels)
    np.testing.assert_array_equal(scaled.centroids, plain.centroids * 1024)


# --- Bits --------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits_on_one_thread_and_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for image in (photograph(), stains()):
        found = []
        for n in (1, 2):
            monkeypatch.setattr(parallel, "n_threads", lambda n=n: n)
            found.append(bits(segment(image, 6, channel_axis=-1, seed=1)))
        assert found[0] == found[1]


def test_calls_do_not_depend_on_each_other() -> None:
    image = photograph()
    np.random.seed(5)  # noqa: NPY002 - the old global state is what must not count
    first = segment(image, 6, channel_axis=-1, seed=2)
    before = image.copy()
    np.random.seed(6)  # noqa: NPY002
    segment(stains(), 9, channel_axis=-1, seed=2, init="random")
    again = segment(image, 6, channel_axis=-1, seed=2)
    assert bits(first) == bits(again)
    np.testing.assert_array_equal(image, before)


def test_another_seed_gives_another_start() -> None:
    starts = {
        bits(segment(photograph(), 12, channel_axis=-1, seed=seed, init="random", max_iter=1))
        for seed in range(4)
    }
    assert len(starts) > 1


def test_a_generator_as_seed_gives_what_its_int_gives() -> None:
    by_int = segment(photograph(), 6, channel_axis=-1, seed=8)
    by_generator = segment(photograph(), 6, channel_axis=-1, seed=np.random.default_rng(8))
    assert bits(by_int) == bits(by_generator)


def test_calls_from_several_threads_at_once_give_what_they_give_alone() -> None:
    images = [photograph(), stains(), textures()]
    alone = [bits(segment(image, 6, channel_axis=-1)) for image in images]
    together: list[Any] = [None] * len(images)

    def work(i: int) -> None:
        together[i] = bits(segment(images[i], 6, channel_axis=-1))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone

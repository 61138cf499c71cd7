"""What must hold of any k-means, whatever the image."""

from __future__ import annotations

import threading
import tracemalloc
import warnings
from typing import TYPE_CHECKING, Any

import dask.array as da
import hypothesis.strategies as st
import numpy as np
import pytest
import skimage.color
import skimage.data
import skimage.filters
from hypothesis import assume, given, settings

from napari_kmeans_seg import Segmentation, prepare, segment
from napari_kmeans_seg.core.base import parallel

from . import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

few = settings(deadline=None, max_examples=25, derandomize=True)


def photograph() -> NDArray[np.uint8]:
    return skimage.data.coffee()[::2, ::2]


def stains() -> NDArray[np.float64]:
    """Three channels of floats that do not repeat: (256, 256, 3)."""
    return skimage.color.rgb2hed(skimage.data.immunohistochemistry()[::2, ::2])


def textures() -> NDArray[np.float32]:
    """Five channels of a grey photograph: (256, 256, 5) float32."""
    camera = skimage.data.camera()[::2, ::2].astype(np.float32)
    blurs = [skimage.filters.gaussian(camera, sigma) for sigma in (1, 2, 4)]
    return np.stack([camera, *blurs, skimage.filters.sobel(camera)], axis=-1).astype(np.float32)


def bits(found: Segmentation) -> tuple[bytes, ...]:
    arrays = (found.labels, found.centroids, found.counts, found.image, found.model.centroids)
    return (*(a.tobytes() for a in arrays), np.float64(found.inertia).tobytes())


# --- Lloyd's algorithm -------------------------------------------------------------------


@pytest.mark.parametrize("image", [photograph(), stains(), textures()], ids=["u8", "f64", "f32"])
def test_inertia_never_rises_from_one_iteration_to_the_next(image: NDArray[Any]) -> None:
    values = image.reshape(-1, image.shape[-1])
    init = np.unique(values, axis=0)[::97][:6]
    steps = []
    for n in range(1, 60):
        steps.append(segment(image, 6, channel_axis=-1, init=init, tol=0, max_iter=n))
        if steps[-1].converged:
            break
    inertia = np.array([step.inertia for step in steps])
    assert (np.diff(inertia) <= 1e-13 * inertia[:-1]).all()
    assert inertia[-1] < inertia[0]
    assert [step.n_iter for step in steps] == list(range(1, len(steps) + 1))
    assert not any(step.converged for step in steps[:-1])


small = st.tuples(
    st.lists(st.integers(0, 255), min_size=8, max_size=90), st.integers(1, 4), st.integers(2, 7)
)


def start_of(pixels: NDArray[Any], n_clusters: int, seed: int) -> NDArray[Any]:
    """Choose different pixels as centroids to start from."""
    return np.random.default_rng(seed).permutation(np.unique(pixels, axis=0))[:n_clusters]


def small_image(drawn: tuple[list[int], int, int]) -> tuple[NDArray[np.uint8], int]:
    """Pixels of some channels, and a number of clusters."""
    values, n_channels, n_clusters = drawn
    pixels = np.resize(np.array(values, np.uint8), (len(values) // n_channels, n_channels))
    return pixels, min(n_clusters, len(np.unique(pixels, axis=0)))


@given(drawn=small, seed=st.integers(0, 99), dtype=st.sampled_from(["uint8", "int32", "float64"]))
@few
def test_inertia_never_rises_on_any_image(
    drawn: tuple[list[int], int, int], seed: int, dtype: str
) -> None:
    pixels, k = small_image(drawn)
    init = start_of(pixels, k, seed)
    image = pixels.astype(dtype)
    steps = [
        segment(image, k, channel_axis=-1, alpha=False, init=init, tol=0, max_iter=n).inertia
        for n in range(1, 12)
    ]
    assert (np.diff(steps) <= 1e-12 * max(1.0, steps[0])).all()


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


@pytest.mark.parametrize("n_clusters", [8, 40])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_what_has_come_to_rest_stays_where_it_is(dtype: str, n_clusters: int) -> None:
    """Whatever way was taken to it: one that overshoots must not stop uphill."""
    for seed in range(6):
        colors = np.random.default_rng(seed).integers(0, 256, (3000, 3)).astype(dtype)
        found = segment(colors, n_clusters, channel_axis=-1, seed=seed, tol=0, max_iter=3000)
        assert found.converged
        again = segment(colors, n_clusters, channel_axis=-1, init=found.centroids, tol=0)
        assert again.n_iter <= 2, "one more where a mean was rounded"
        np.testing.assert_array_equal(again.labels, found.labels)
        np.testing.assert_allclose(again.centroids, found.centroids, rtol=1e-12)


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize(
    "image", [photograph(), stains(), textures()], ids=["uint8", "float64", "float32"]
)
def test_with_tol_0_no_pixel_has_a_nearer_centroid_and_centroids_are_means(
    image: NDArray[Any], init: str
) -> None:
    found = segment(image, 7, channel_axis=-1, init=init, tol=0, max_iter=3000)
    assert found.converged
    pixels = image.reshape(-1, image.shape[-1]).astype(np.float64)
    squares = ((pixels[:, np.newaxis] - found.centroids) ** 2).sum(axis=2)
    labels = found.labels.reshape(-1) - 1
    np.testing.assert_array_equal(labels, squares.argmin(axis=1))
    means = [pixels[labels == i].mean(axis=0) for i in range(7)]
    np.testing.assert_allclose(found.centroids, means, rtol=1e-12)
    np.testing.assert_allclose(found.inertia, squares.min(axis=1).sum(), rtol=1e-12)


@given(
    values=st.lists(st.integers(0, 12), min_size=6, max_size=60),
    n_channels=st.integers(1, 3),
    n_clusters=st.integers(2, 9),
    init=st.sampled_from(["k-means++", "random", "optimal", "array"]),
    seed=st.integers(0, 99),
)
@settings(few, max_examples=300)
def test_pixels_between_two_centroids_rest_too(
    values: list[int], n_channels: int, n_clusters: int, init: Any, seed: int
) -> None:
    """Of equally near centroids pixels go to the first, in the order that clusters end in."""
    pixels = np.resize(np.array(values, np.uint8), (len(values) // n_channels, n_channels))
    n_clusters = min(n_clusters, len(np.unique(pixels, axis=0)))
    if init == "array":
        init = np.random.default_rng(seed).integers(0, 13, (n_clusters, n_channels))
    elif init == "optimal" and n_channels > 1:
        init = "auto"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a start may have a centroid twice
        found = segment(pixels, n_clusters, channel_axis=-1, init=init, seed=seed, tol=0)
    assume(found.converged)
    squares = ((pixels[:, np.newaxis] - found.centroids) ** 2).sum(axis=2)
    own = squares[np.arange(len(pixels)), found.labels - 1]
    np.testing.assert_allclose(own, squares.min(axis=1), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.inertia, own.sum(), rtol=1e-12, atol=1e-12)


def test_more_iterations_and_more_runs_are_never_worse() -> None:
    image = photograph()
    once = segment(image, 8, channel_axis=-1, init="random", tol=0, max_iter=2).inertia
    longer = segment(image, 8, channel_axis=-1, init="random", tol=0, max_iter=300).inertia
    assert longer <= once
    runs = [
        segment(image, 8, channel_axis=-1, init="random", n_init=n, seed=3).inertia
        for n in (1, 2, 5)
    ]
    assert runs == sorted(runs, reverse=True)


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


def test_of_starts_that_end_equally_well_but_for_rounding_the_first_counts() -> None:
    # 0.3 - 0.2 is a little less than 0.2 - 0.1: as floats these are not quite evenly spaced.
    values = [0.1, 0.2, 0.3]
    ends = set()
    for seed in range(10):
        one = segment(values, 2, init="random", seed=seed, tol=0)
        best = segment(values, 2, init="random", seed=seed, tol=0, n_init=20)
        np.testing.assert_array_equal(best.labels, one.labels)
        ends.add(bytes(one.labels))
    assert len(ends) == 2, "both ends are found"


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

"""Any image of any dtype and memory layout gets the k-means of exact arithmetic."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import dask.array as da
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis.extra.numpy import arrays
from sklearn.cluster import KMeans

from napari_kmeans_seg import segment

from . import exact

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

few = settings(deadline=None, max_examples=40, derandomize=True)

DTYPES = [
    *("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"),
    *("float16", "float32", "float64"),
]


def in_a_file(image: NDArray[Any]) -> NDArray[Any]:
    with tempfile.TemporaryFile() as file:
        mapped = np.memmap(file, image.dtype, "w+", shape=image.shape)
    mapped[...] = image
    return mapped


def read_only(image: NDArray[Any]) -> NDArray[Any]:
    image = image.copy()
    image.flags.writeable = False
    return image


def strided(image: NDArray[Any]) -> NDArray[Any]:
    """Every other pixel of a larger array, backwards."""
    larger = np.zeros(tuple(2 * n for n in image.shape), image.dtype)
    view = larger[tuple(slice(None, None, -2) for _ in image.shape)]
    view[...] = image
    return view


LAYOUTS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "as it comes": lambda image: image,
    "Fortran order": np.asfortranarray,
    "strided": strided,
    "read-only": read_only,
    "big-endian": lambda image: image.astype(image.dtype.newbyteorder(">")),
    "memory-mapped": in_a_file,
}


def elements(dtype: str) -> st.SearchStrategy[Any]:
    kind = np.dtype(dtype).kind
    if kind == "b":
        return st.booleans()
    if kind == "f":
        # Eighths: exact in float16, too.
        return st.integers(-800, 800).map(lambda i: i / 8)
    limits = np.iinfo(dtype)
    near_low = st.integers(int(limits.min), int(limits.min) + 60)
    near_high = st.integers(int(limits.max) - 60, int(limits.max))
    return st.one_of(st.integers(max(int(limits.min), -100), 100), near_low, near_high)


@st.composite
def images(draw: st.DrawFn, dtype: str) -> tuple[NDArray[Any], int | None]:
    """Draw a small image and its channel axis."""
    n_channels = draw(st.sampled_from([None, 1, 2, 3, 4]))
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    axis = None
    if n_channels is not None:
        axis = draw(st.integers(0, len(shape)))
        shape.insert(axis, n_channels)
    return draw(arrays(dtype, tuple(shape), elements=elements(dtype))), axis


def as_features(image: NDArray[Any], axis: int | None) -> NDArray[Any]:
    if axis is None:
        return image.reshape(-1, 1)
    channels = np.moveaxis(image, axis, -1)
    return channels.reshape(-1, channels.shape[-1])


def start(data: st.DataObject, features: NDArray[Any], seed: int) -> NDArray[np.float64]:
    """Draw how many clusters, and begin at as many different pixels."""
    values = np.unique(features, axis=0)
    n_clusters = data.draw(st.integers(1, min(4, len(values))))
    # What is asked for is what a float64 can say of the largest 64-bit integers.
    return np.random.default_rng(seed).permutation(values)[:n_clusters].astype(np.float64)


# Means of so large integers are rounded, which it says; labels are not.
@pytest.mark.filterwarnings("ignore:Values lie beyond 2\\^53")
@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data(), layout=st.sampled_from(list(LAYOUTS)), seed=st.integers(0, 99))
@few
def test_lloyd_ends_where_exact_arithmetic_ends(
    dtype: str, data: st.DataObject, layout: str, seed: int
) -> None:
    image, axis = data.draw(images(dtype))
    features = as_features(image, axis)
    init = start(data, features, seed)
    result = exact.lloyd(exact.vectors(features), exact.vectors(init))
    assume(result is not None)
    expected = exact.by_brightness(result)
    assume(expected is not None)

    found = segment(
        LAYOUTS[layout](image),
        len(init),
        channel_axis=axis,
        alpha=False,
        init=init,
        tol=0,
        max_iter=1000,
    )
    np.testing.assert_array_equal(found.labels.reshape(-1), np.array(expected.labels) + 1)
    # Values near 2^63 of both signs have a mean near 0, which is no better known than they are.
    scale = float(np.abs(features.astype(np.float64)).max())
    centroids = np.array(expected.centroids, dtype=np.float64)
    np.testing.assert_allclose(found.centroids, centroids, rtol=0, atol=1e-13 * scale)
    extent = float(np.ptp(features.astype(np.float64))) ** 2
    np.testing.assert_allclose(
        found.inertia, float(expected.inertia), rtol=1e-9, atol=1e-13 * extent * len(features)
    )
    assert found.labels.shape == (
        image.shape if axis is None else image.shape[:axis] + image.shape[axis + 1 :]
    )
    assert found.image.shape == image.shape
    assert found.image.dtype == image.dtype


# Means of so large integers are rounded, which it says; labels are not.
@pytest.mark.filterwarnings("ignore:Values lie beyond 2\\^53")
@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data(), seed=st.integers(0, 99))
@few
def test_lloyd_ends_where_scikit_learn_ends(dtype: str, data: st.DataObject, seed: int) -> None:
    image, axis = data.draw(images(dtype))
    features = as_features(image, axis)
    init = start(data, features, seed)
    result = exact.lloyd(exact.vectors(features), exact.vectors(init))
    assume(result is not None)
    assume(exact.by_brightness(result) is not None)
    theirs = KMeans(len(init), init=init, n_init=1, tol=0, max_iter=1000, algorithm="lloyd")
    theirs.fit(features.astype(np.float64))
    ours = segment(
        image, len(init), channel_axis=axis, alpha=False, init=init, tol=0, max_iter=1000
    )
    order = np.argsort(theirs.cluster_centers_.mean(axis=1))
    np.testing.assert_array_equal(ours.labels.reshape(-1), np.argsort(order)[theirs.labels_] + 1)
    # Means of values near 2^63 of both signs are no better known to scikit-learn than these.
    rounding = 1e-15 * float(np.abs(features.astype(np.float64)).max())
    np.testing.assert_allclose(
        ours.centroids, theirs.cluster_centers_[order], atol=max(1e-9, rounding)
    )
    atol = max(1e-9, len(features) * rounding**2)
    np.testing.assert_allclose(ours.inertia, theirs.inertia_, rtol=1e-9, atol=atol)


def test_the_whole_range_of_64_bit_integers_is_told_apart() -> None:
    top, bottom = 2**63 - 1, -(2**63)
    assert segment(np.array([0] * 99 + [2**64 - 1], np.uint64), 2).counts.tolist() == [99, 1]
    found = segment(np.array([bottom] * 99 + [top, 0], np.int64), 3)
    assert found.counts.tolist() == [99, 1, 1]
    assert found.labels[[0, -1, -2]].tolist() == [1, 2, 3]
    assert found.image[[0, -1, -2]].tolist()[:2] == [bottom, 0]


# Where no value of the other dtype lies among those that were fitted, it warns, and is to label.
@pytest.mark.filterwarnings(
    "ignore:100.0% of the pixels got label", "ignore:Values from", "ignore:Values lie beyond 2\\^53"
)
@pytest.mark.parametrize("other", ["int64", "uint64"])
@pytest.mark.parametrize("dtype", ["int64", "uint64"])
@pytest.mark.parametrize("place", ["low", "high", "zero"])
def test_a_model_labels_64_bit_integers_of_either_sign(dtype: str, other: str, place: str) -> None:
    limits, range_of_other = np.iinfo(dtype), np.iinfo(other)
    middle = {"low": limits.min + 100, "high": limits.max - 100, "zero": max(0, limits.min) + 60}
    values = [middle[place] + one for one in (-50, -49, 0, 1, 2, 50)]
    model = segment(np.array(values, dtype), 3, tol=0).model
    here = [v for v in values if range_of_other.min <= v <= range_of_other.max]
    ends = [int(range_of_other.min), int(range_of_other.max)]

    found = model.predict(np.array(here + ends, other)).labels.tolist()

    labels = dict(zip(values, [1, 1, 2, 2, 2, 3], strict=True))
    assert found[: len(here)] == [labels[v] for v in here]
    assert found[len(here) :] == [1 if end < middle[place] else 3 for end in ends]


def test_neighbouring_values_near_the_top_of_uint64_are_told_apart() -> None:
    """They are the same float64, but not the same value."""
    top = np.uint64(2**64 - 1)
    image = top - np.array([[0, 1, 2], [200, 201, 202]], np.uint64)
    with pytest.warns(UserWarning, match="beyond 2\\^53: means"):
        found = segment(image, 2)
    assert found.labels.tolist() == [[2, 2, 2], [1, 1, 1]]


SCALES = [1e-320, 1e-310, 1e-200, 1e-30, 1e30, 1e150, 1e300, 1e305]


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("scale", SCALES)
def test_tiny_and_huge_floats_are_clustered_like_others(scale: float, n_channels: int) -> None:
    """Though their squares underflow to 0 or overflow to infinity."""
    random = np.random.default_rng(1)
    groups = np.repeat([0, 4, 9], 40)
    image = (groups[:, np.newaxis] * 100 + random.integers(0, 60, (120, n_channels))) * scale
    found = segment(image, 3, channel_axis=-1)
    assert np.isfinite(found.centroids).all()
    np.testing.assert_array_equal(found.labels, np.repeat([1, 2, 3], 40))
    safe = 2.0**500 if scale < 1 else 2.0**-20  # for sums that lose nothing
    middle = np.array([(image[groups == g] * safe).mean(axis=0) / safe for g in (0, 4, 9)])
    np.testing.assert_allclose(found.centroids, middle, rtol=1e-9, atol=5e-324)


@pytest.mark.parametrize("weight", [1e-100, 1e100])
@pytest.mark.parametrize("scale", [1e-70, 1e-25, 1e-12, 1e25, 1e70, 1e200])
def test_any_floats_take_any_weight(scale: float, weight: float) -> None:
    image = np.random.default_rng(0).gamma(2, size=(40, 50, 2))
    expected = segment(image, 3, channel_axis=-1)
    found = segment(image * scale, 3, channel_axis=-1, channel_weights=[weight, weight])
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_allclose(found.centroids, expected.centroids * scale)


def test_the_largest_and_smallest_floats_are_told_apart() -> None:
    top = np.finfo(np.float64).max
    found = segment(np.array([top, top, -top, -top, 0.0]), 3)
    assert found.labels.tolist() == [3, 3, 1, 1, 2]
    np.testing.assert_allclose(found.centroids.ravel(), [-top, 0, top])


def test_clusters_of_the_largest_floats_are_merged() -> None:
    top = np.finfo(np.float64).max
    found = segment(np.repeat([-top, top / 2, top], [3, 3, 9]), 3).merge((2, 3))
    assert found.counts.tolist() == [3, 12]
    np.testing.assert_allclose(found.centroids.ravel(), [-top, top / 8 * 7])
    assert np.isfinite(found.image).all()


def test_chunks_of_the_largest_floats_have_a_mean(dask_limits: Callable[..., None]) -> None:
    dask_limits(load_bytes=0, sample_values=50)
    image = np.tile([-1.7e308, 1e308, 1.7e308], 100)
    found = segment(da.from_array(image, chunks=60), 3)
    np.testing.assert_allclose(found.centroids.ravel(), [-1.7e308, 1e308, 1.7e308])
    assert found.counts.tolist() == [100, 100, 100]


@pytest.mark.parametrize("offset", [1e6, -1e6, 1e9])
@pytest.mark.parametrize("n_channels", [1, 4])
def test_a_small_signal_on_a_large_offset_keeps_its_precision(
    offset: float, n_channels: int
) -> None:
    random = np.random.default_rng(0)
    image = offset + 1e-3 * random.gamma(2, size=(300, 300, n_channels))
    signal = image - offset  # exact: both are near each other
    init = np.sort(signal.reshape(-1, n_channels)[:4], axis=0)
    args: dict[str, Any] = {"channel_axis": -1, "tol": 0, "max_iter": 1000}
    found = segment(image, 4, init=init + offset, **args)
    alone = segment(signal, 4, init=(init + offset) - offset, **args)
    np.testing.assert_array_equal(found.labels, alone.labels)
    np.testing.assert_allclose(
        found.centroids, alone.centroids + offset, rtol=0, atol=8 * np.spacing(abs(offset))
    )
    np.testing.assert_allclose(found.inertia, alone.inertia, rtol=1e-9)


def test_a_constant_image_is_painted_with_its_own_value() -> None:
    image = np.full((100, 100, 3), 0.1)
    np.testing.assert_array_equal(segment(image, 1, channel_axis=-1).image, image)

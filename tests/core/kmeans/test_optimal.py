"""One channel: no partition is better than the one that is found."""

from __future__ import annotations

import tracemalloc

import hypothesis.strategies as st
import kmeans1d
import numpy as np
import pytest
import skimage.data
import skimage.filters
from hypothesis import given, settings

from napari_kmeans_seg import prepare, segment

from .. import exact

few = settings(deadline=None, max_examples=60, derandomize=True)

small_floats = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 3))
few_integers = st.integers(-128, 127)


@given(values=st.lists(few_integers, min_size=2, max_size=11), data=st.data())
@few
def test_integers_are_partitioned_as_well_as_any_partition(
    values: list[int], data: st.DataObject
) -> None:
    n_clusters = data.draw(st.integers(1, min(4, len(set(values)))))
    found = segment(np.array(values, np.int16), n_clusters, init="optimal", tol=0)
    best = float(exact.optimal_inertia(values, n_clusters))
    np.testing.assert_allclose(found.inertia, best, rtol=1e-12, atol=1e-10)
    assert found.parameters["init"] == "optimal"


@given(values=st.lists(small_floats, min_size=2, max_size=11), data=st.data())
@few
def test_floats_are_partitioned_as_well_as_any_partition(
    values: list[float], data: st.DataObject
) -> None:
    n_clusters = data.draw(st.integers(1, min(4, len(set(values)))))
    found = segment(np.array(values), n_clusters, tol=0)
    best = float(exact.optimal_inertia(values, n_clusters))
    scale = np.ptp(values) ** 2
    np.testing.assert_allclose(found.inertia, best, rtol=1e-9, atol=1e-13 * scale)


def test_every_number_of_clusters_has_the_cost_of_the_plain_recursion() -> None:
    random = np.random.default_rng(0)
    values = np.unique(random.gamma(2, size=300))
    weights = random.integers(1, 1000, values.size)
    found = prepare(np.repeat(values, weights)).optimal_costs(40)
    expected = exact.optimal_costs(values, weights.astype(np.float64), 40)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("n_clusters", [1, 2, 7, 32])
def test_centroids_of_every_number_of_clusters_have_that_cost(n_clusters: int) -> None:
    random = np.random.default_rng(1)
    values = np.unique(np.round(random.normal(size=200) * 40))
    image = np.repeat(values, random.integers(1, 50, values.size))
    prepared = prepare(image)
    centroids = prepared.segment(n_clusters, init="optimal").centroids[:, 0]
    nearest = ((image[:, np.newaxis] - centroids) ** 2).min(axis=1).sum()
    np.testing.assert_allclose(nearest, prepared.optimal_costs(40)[n_clusters - 1], rtol=1e-9)


@pytest.mark.parametrize("n_clusters", [2, 5, 16])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_whole_micrograph_gets_the_optimum(dtype: type[np.generic], n_clusters: int) -> None:
    """Against kmeans1d, another program for the same optimum, on all pixels."""
    image = skimage.data.cell()
    if dtype is not np.uint8:
        image = (skimage.filters.gaussian(image, 1) * 50_000).astype(dtype)
    found = segment(image, n_clusters)
    labels, centroids = kmeans1d.cluster(image.ravel().tolist(), n_clusters)
    best = ((image.ravel().astype(np.float64) - np.array(centroids)[labels]) ** 2).sum()
    np.testing.assert_allclose(found.inertia, best, rtol=1e-9)
    np.testing.assert_array_equal(found.labels.ravel(), np.array(labels) + 1)


@pytest.mark.parametrize("n_clusters", [2, 5, 16])
def test_floats_that_do_not_repeat_get_within_a_millionth_of_the_optimum(n_clusters: int) -> None:
    """Their optimum is sought on the means of bins, then they run to their fixed point."""
    image = np.random.default_rng(0).gamma(2, size=(300, 400))
    found = segment(image, n_clusters, init="optimal", tol=0, max_iter=1000)
    labels, centroids = kmeans1d.cluster(image.ravel().tolist(), n_clusters)
    best = ((image.ravel() - np.array(centroids)[labels]) ** 2).sum()
    assert best * (1 - 1e-12) <= found.inertia <= best * (1 + 1e-6)


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_grey_is_cut_where_multi_level_otsu_cuts(classes: int) -> None:
    image = skimage.data.coins()
    thresholds = skimage.filters.threshold_multiotsu(image, classes)
    np.testing.assert_array_equal(
        segment(image, classes).labels, np.digitize(image, thresholds, right=True) + 1
    )


def test_a_far_background_value_does_not_cost_the_optimum() -> None:
    """As where no data are written as -9999."""
    signal = np.random.default_rng(0).random((200, 400))
    image = np.concatenate([np.full_like(signal, -9999), signal])
    alone = segment(signal, 4)
    found = segment(image, 5)
    np.testing.assert_allclose(found.inertia, alone.inertia, rtol=1e-6)
    assert found.counts[0] == signal.size


@pytest.mark.parametrize("n_clusters", [2, 3, 8, 30])
@pytest.mark.parametrize(
    ("dtype", "no_data"),
    [
        ("int32", -9999),
        ("int32", -(2**31)),
        ("uint32", 2**32 - 1),
        ("int64", -(2**63)),
        ("uint64", 2**64 - 1),
        ("float32", 1e8),
        ("float32", -3.4e38),
        ("float64", 1e60),
    ],
)
def test_what_stands_for_no_data_costs_the_others_no_digit(dtype, no_data, n_clusters) -> None:
    signal = skimage.data.coins()[:150, :200].astype(dtype)
    image = signal.copy()
    image[:40] = no_data
    alone = prepare(signal[40:]).optimal_costs(n_clusters - 1)

    found = segment(image, n_clusters, tol=0)

    assert found.parameters["init"] == "optimal"
    assert found.counts[0 if no_data < 0 else -1] == 40 * 200
    np.testing.assert_allclose(found.inertia, alone[-1], rtol=1e-9)
    costs = prepare(image).optimal_costs(n_clusters)
    np.testing.assert_allclose(costs[1:], alone, rtol=1e-9)


scales = st.sampled_from([0, 1, 1000, -(10**6), 10**9, -(10**12), 2**50])


@given(
    values=st.lists(st.builds(int.__add__, scales, st.integers(-9, 9)), min_size=3, max_size=10),
    weights=st.lists(st.integers(1, 99), min_size=10, max_size=10),
    n_clusters=st.integers(1, 5),
)
@settings(few, max_examples=300)
def test_clusters_of_any_size_side_by_side_have_their_exact_costs(
    values: list[int], weights: list[int], n_clusters: int
) -> None:
    ascending = np.unique(np.array(values, np.int64))
    n_clusters = min(n_clusters, ascending.size)
    w = weights[: ascending.size]
    prepared = prepare(np.repeat(ascending, w))
    expected = [
        float(exact.optimal_inertia(ascending.tolist(), k, w)) for k in range(1, n_clusters + 1)
    ]
    np.testing.assert_allclose(prepared.optimal_costs(n_clusters), expected, rtol=1e-9)
    labels = prepared.segment(n_clusters, init="optimal").labels[np.cumsum(w) - 1]
    parts = [np.flatnonzero(labels == i) for i in range(1, n_clusters + 1)]
    cost = sum(
        exact.optimal_inertia(ascending[part].tolist(), 1, [w[i] for i in part]) for part in parts
    )
    np.testing.assert_allclose(float(cost), expected[-1], rtol=1e-9)


def test_all_optimal_costs_up_to_a_number_fall_out_of_it() -> None:
    prepared = prepare(skimage.data.coins())
    costs = prepared.optimal_costs(6)
    assert costs.shape == (6,)
    found = [prepared.segment(k, init="optimal").inertia for k in range(1, 7)]
    np.testing.assert_allclose(found, costs, rtol=1e-9)


def test_optimal_costs_of_a_copy_are_scaled_up_to_all_pixels() -> None:
    """They were a quarter of those that `choose_k` tells."""
    prepared = prepare(skimage.data.camera(), fit_scale=0.5)
    costs = prepared.optimal_costs(4)
    np.testing.assert_allclose(costs[1:], prepared.choose_k(range(2, 5)).inertia, rtol=1e-9)
    np.testing.assert_allclose(costs, prepare(skimage.data.camera()).optimal_costs(4), rtol=0.1)


def test_optimal_costs_are_for_one_channel() -> None:
    with pytest.raises(ValueError, match="one channel"):
        prepare(skimage.data.coffee(), channel_axis=-1).optimal_costs(3)


def test_of_equal_optima_it_is_the_same_whatever_was_asked_before() -> None:
    """Two partitions into three cost the same."""
    values = np.array([1, 2, 4, 7, 9, 11], np.uint8)
    prepared = prepare(values)
    expected = prepared.segment(3).labels
    for ask in (lambda: prepared.segment(6), lambda: prepared.choose_k([2, 3, 4, 5, 6])):
        ask()
        np.testing.assert_array_equal(prepared.segment(3).labels, expected)
        assert prepared.segment(3).inertia == segment(values, 3).inertia


def test_the_table_of_the_optimum_is_bounded_and_says_so() -> None:
    values = np.arange(65_536, dtype=np.uint16)
    prepared = prepare(values)
    message = r"init='optimal' takes up to 4,096 clusters of an image of 65,536 distinct values"
    for n_clusters in (4_097, 65_535):
        with pytest.raises(ValueError, match=message):
            prepared.segment(n_clusters, init="optimal")
        with pytest.raises(ValueError, match=message):
            prepared.optimal_costs(n_clusters)
    with pytest.raises(ValueError, match=message):
        prepared.choose_k([2, 5_000], init="optimal")


def test_a_table_of_many_clusters_takes_two_bytes_an_entry() -> None:
    values = np.arange(30_000, dtype=np.uint16)
    tracemalloc.start()
    found = segment(values, 300, init="optimal")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2 * 30_000 * 300 + (16 << 20)
    np.testing.assert_array_equal(found.counts, 100)

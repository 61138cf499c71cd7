"""Points in leaves find the same nearest centroids as when each is compared with all."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg import prepare
from napari_kmeans_seg.core import leaves
from napari_kmeans_seg.core.curve import PLACE_BITS
from napari_kmeans_seg.core.leaves import LeafSource, coarser, in_cells, in_leaves
from napari_kmeans_seg.core.lloyd import LloydResult, Partition, lloyd
from napari_kmeans_seg.core.nearest import nearest
from napari_kmeans_seg.core.sources import PointSource


def cloud(n_features: int, n: int, *, whole: bool = False) -> PointSource:
    """Points that crowd in places, as colours do, some of them alike."""
    random = np.random.default_rng(n_features * n)
    middles = random.normal(0, 60, (n_features, 7))
    features = middles[:, random.integers(0, 7, n)] + random.normal(0, 12, (n_features, n))
    features[:, : n // 10] = features[:, [0]]
    if whole:
        features = np.rint(features)
    return PointSource(features, random.integers(1, 50, n).astype(np.float64))


@pytest.mark.parametrize("n_clusters", [1, 2, 10, 70, 300])
@pytest.mark.parametrize("n_features", [1, 3, 5])
def test_every_point_finds_its_nearest_centroid(n_features, n_clusters):
    points = in_leaves(cloud(n_features, 20_001), leaf=256)
    assert isinstance(points, LeafSource)
    centroids = points.features[:, :: points.n // n_clusters].T[:n_clusters].copy()
    found, expected = np.empty((2, points.n), np.uint16)

    points.assign_to(centroids)(0, points.n, points.features, found)

    np.testing.assert_array_equal(found, nearest(points.features, centroids, expected))
    assert len(np.unique(found)) > n_clusters // 2


def test_of_centroids_in_the_same_place_the_first_is_found():
    points = in_leaves(cloud(3, 5000, whole=True), leaf=256)
    centroids = np.repeat(points.features[:, ::500].T, 2, axis=0)
    found = np.empty(points.n, np.uint8)

    points.assign_to(centroids)(0, points.n, points.features, found)

    assert (found % 2 == 0).all()


def test_pieces_and_batches_change_nothing(monkeypatch):
    points = in_leaves(cloud(3, 20_001), leaf=256)
    centroids = points.features[:, ::400].T.copy()
    found, expected = np.empty((2, points.n), np.uint8)
    points.assign_to(centroids)(0, points.n, points.features, expected)
    monkeypatch.setattr(leaves, "FEW", 0)
    monkeypatch.setattr(leaves, "SCORES", 256)
    monkeypatch.setattr(leaves, "PIECE", 1024)
    monkeypatch.setattr(leaves, "BOUNDS", 3 * len(centroids))

    assign = points.assign_to(centroids)
    for start, stop in points.pieces:
        assign(start, stop, points.features[:, start:stop], found[start:stop])

    assert len(points.pieces) == 20
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("n", [257, 512, 5000])
def test_leaves_hold_the_same_points(n):
    points = cloud(3, n)

    ordered = in_leaves(points, leaf=256)

    rows = [np.vstack([each.features, each.weights]) for each in (points, ordered)]
    before, after = (row[:, np.lexsort(row)] for row in rows)
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("n_points", [1, 100, 3000])
@pytest.mark.parametrize("n_features", [1, 3, 5])
def test_coarser_points_are_the_means_of_neighbours(n_features, n_points):
    points = in_leaves(cloud(n_features, 5000))

    coarse = coarser(points, n_points)

    assert n_points / 8 < coarse.n <= n_points
    assert coarse.weights.sum() == points.weights.sum()
    np.testing.assert_allclose(coarse.weighted.sum(axis=1), points.weighted.sum(axis=1))
    np.testing.assert_allclose(coarse.features * coarse.weights, coarse.weighted)
    # What the means do not tell is little where they are many.
    within = (points.weights * points.features**2).sum() - (
        coarse.weights * coarse.features**2
    ).sum()
    middle = points.weighted.sum(axis=1, keepdims=True) / points.weights.sum()
    variance = (points.weights * (points.features - middle) ** 2).sum()
    assert within <= variance * 16 / n_points ** (2 / min(n_features, 3)) + 1e-6 * variance


@pytest.mark.parametrize("n_points", [10, 100, 1000])
def test_coarser_points_part_where_it_saves_most(n_points):
    random = np.random.default_rng(n_points)
    weights = np.ceil(random.pareto(0.8, 20_000))
    points = in_leaves(PointSource(random.standard_cauchy((3, 20_000)), weights))

    coarse = coarser(points, n_points)

    cell = np.searchsorted(coarse.places, points.places, side="right") - 1
    assert coarse.n <= n_points
    np.testing.assert_array_equal(np.bincount(cell, points.weights), coarse.weights)
    # What the sum of squares of two points is to their mean.
    before, after = points.weights[:-1], points.weights[1:]
    squares = (np.diff(points.features, axis=1) ** 2).sum(axis=0) * before * after
    squares /= before + after
    widest = np.argsort(squares)[-(n_points // 2) :]
    assert (np.diff(cell)[widest] == 1).all()


def test_few_points_far_from_all_others_stay_apart():
    features = np.random.default_rng(0).normal(0, 6, (3, 50_000))
    features[:, 600:620] += 100
    points = in_leaves(PointSource(features, np.ones(50_000)))

    coarse = coarser(points, 100)

    far = coarse.features[0] > 60
    assert coarse.weights[far].sum() == 20
    np.testing.assert_allclose(
        coarse.weighted[:, far].sum(axis=1), features[:, 600:620].sum(axis=1)
    )


@pytest.mark.parametrize("quick", [False, True])
def test_few_points_are_compared_with_all_centroids(quick):
    points = in_leaves(cloud(3, 3000))
    centroids = points.features[:, ::100].T.copy()
    found, expected = np.empty((2, points.n), np.uint8)

    points.assign_to(centroids, quick=quick)(0, points.n, points.features, found)

    nearest(points.features, centroids, expected)
    assert (found == expected).mean() > (0.999 if quick else 1 - 1e-9)


def test_no_more_points_than_there_are_stay_as_they_are():
    points = in_leaves(cloud(3, 256))

    assert coarser(points, 256) is points


@pytest.mark.parametrize("exponent", [-300, 300])
def test_rough_comparison_knows_no_units(exponent):
    points = in_leaves(cloud(3, 20_001))
    scaled = in_leaves(PointSource(np.ldexp(points.features, exponent), points.weights))
    centroids = points.features[:, ::600].T.copy()
    found, expected = np.empty((2, points.n), np.uint8)
    points.assign_to(centroids, quick=True)(0, points.n, points.features, expected)

    assign = scaled.assign_to(np.ldexp(centroids, exponent), quick=True)
    assign(0, points.n, scaled.features, found)

    np.testing.assert_array_equal(found, expected)
    assert len(np.unique(found)) > 10


def test_where_single_precision_cannot_tell_points_apart_they_are_compared_exactly():
    features = np.random.default_rng(0).normal(0, 60, (3, 20_001))
    features[:, 7] = 1e30
    points = in_leaves(PointSource(features, np.ones(20_001)))
    centroids = points.features[:, ::1000].T.copy()
    centroids[0] = 1e30
    found, expected = np.empty((2, points.n), np.uint8)

    points.assign_to(centroids, quick=True)(0, points.n, points.features, found)

    np.testing.assert_array_equal(found, nearest(points.features, centroids, expected))
    assert len(np.unique(found)) > 10


@pytest.mark.parametrize("n_clusters", [3, 70])
def test_rough_comparison_errs_only_where_two_are_about_as_near(n_clusters):
    points = in_leaves(cloud(3, 20_001))
    centroids = points.features[:, :: points.n // n_clusters].T[:n_clusters].copy()
    found, expected = np.empty((2, points.n), np.uint8)
    points.assign_to(centroids)(0, points.n, points.features, expected)

    points.assign_to(centroids, quick=True)(0, points.n, points.features, found)

    own, best = (
        np.sqrt(((points.features - centroids[index].T) ** 2).sum(axis=0))
        for index in (found, expected)
    )
    assert (own - best).max() < 1e-3
    assert (found != expected).mean() < 1e-3


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("n_clusters", [20, 70])
def test_labels_of_centroids_at_rest_are_known(n_clusters, in_order):
    points = in_leaves(cloud(3, 100_001, whole=True))
    start = points.features[:, :: points.n // n_clusters].T[:n_clusters].copy()
    tol = 1e-4 * points.variance

    def order(centroids):
        return np.argsort(centroids.sum(axis=1))

    found = lloyd(points, start, tol=tol, accelerate=True, order=order if in_order else None)

    assert found.converged
    assert found.is_labelled
    assert np.array_equal(order(found.centroids), np.arange(n_clusters)) == in_order
    expected = nearest(points.features, found.centroids, np.empty(points.n, np.uint8))
    np.testing.assert_array_equal(found.labels, expected)
    means = found.partition.sums / found.partition.counts[:, np.newaxis]
    assert 0 < ((means - found.centroids) ** 2).sum() <= tol
    sums = [np.bincount(expected, row, n_clusters) for row in points.weighted]
    np.testing.assert_array_equal(found.partition.sums, np.stack(sums, axis=1))
    assert not found.reordered(np.arange(n_clusters)[::-1]).is_labelled
    assert not lloyd(points, start, tol=tol, max_iter=3, accelerate=True).is_labelled


def test_lloyd_ends_at_the_same_centroids():
    points = cloud(3, 20_001, whole=True)
    start = points.features[:, ::1000].T.copy()

    plain, ordered = (lloyd(source, start) for source in (points, in_leaves(points, leaf=256)))

    assert plain.n_iter == ordered.n_iter > 5
    np.testing.assert_array_equal(ordered.centroids, plain.centroids)


@pytest.mark.parametrize("n_clusters", [5, 30])
@pytest.mark.parametrize(
    "options",
    [{}, {"color_space": "lab"}, {"channel_weights": [1, 0, 2]}, {"normalize": True}],
)
def test_labels_and_sums_found_on_points_are_those_that_predict_finds(options, n_clusters):
    random = np.random.default_rng(3)
    image = random.integers(0, 256, (200, 150, 3), np.uint8)
    prepared = prepare(image, channel_axis=-1, **options)

    found = prepared.segment(n_clusters)

    points = prepared._levels.all_for(n_clusters)
    assert isinstance(points, LeafSource) == (n_clusters > 8)
    nothing = LloydResult(found.model.centroids, 0, True, 0.0)
    known = prepared._levels.assigned(found.model.centroids, nothing)
    assert (known is None) == ("channel_weights" in options)
    predicted = found.model.predict(image)
    np.testing.assert_array_equal(found.labels, predicted.labels)
    np.testing.assert_array_equal(found.counts, predicted.counts)
    np.testing.assert_allclose(found.centroids, predicted.centroids, rtol=1e-12)
    np.testing.assert_allclose(found.inertia, predicted.inertia, rtol=1e-12)


@pytest.mark.parametrize("n_bits", [3, 15])
def test_cells_are_summed_up_in_any_order(n_bits):
    points = cloud(3, 5000, whole=True)

    cells = in_cells(points, n_bits)

    ordered = in_leaves(points)
    starts = np.unique(ordered.places >> np.uint32(PLACE_BITS - n_bits), return_index=True)[1]
    weights = np.add.reduceat(ordered.weights, starts)
    totals = np.add.reduceat(ordered.weighted, starts, axis=1)
    # The same cells, one after the other in another way.
    expected, found = np.vstack([totals, weights]), np.vstack([cells.weighted, cells.weights])
    np.testing.assert_array_equal(found[:, np.lexsort(found)], expected[:, np.lexsort(expected)])
    np.testing.assert_array_equal(cells.features, cells.weighted / cells.weights)
    assert (np.diff(cells.places.astype(int)) > 0).all()


def test_means_are_not_beyond_the_values_where_channels_are_normalized():
    random = np.random.default_rng(0)
    image = random.random((60, 50, 3)) < random.random(3)

    found = prepare(image, channel_axis=-1, normalize=True).segment(3)

    assert found.centroids.min() == 0
    assert found.centroids.max() == 1


@pytest.mark.parametrize("n_points", [500, 30_000])
def test_points_are_in_the_clusters_of_what_they_were_summed_up_to(n_points):
    """So that on all points only what changes its cluster is summed: the sums are the same."""
    points = in_leaves(cloud(3, 20_001, whole=True))
    coarse = coarser(points, n_points)
    start = points.features[:, ::1000].T.copy()
    found = lloyd(coarse, start, accelerate=True, rough=True)

    labels = coarse.labels_of(points, found.labels)

    rows = np.vstack([points.weights, points.weighted])
    sums = np.stack([np.bincount(labels, row, minlength=len(start)) for row in rows], axis=1)
    np.testing.assert_array_equal(
        sums, np.column_stack([found.partition.counts, found.partition.sums])
    )
    one, other = (
        lloyd(points, found.centroids, accelerate=True, known=known)
        for known in (None, (labels, found.partition))
    )
    assert one.n_iter == other.n_iter
    np.testing.assert_array_equal(one.centroids, other.centroids)
    np.testing.assert_array_equal(one.labels, other.labels)


def test_points_of_something_else_are_in_no_known_cluster():
    points = in_leaves(cloud(3, 20_001))
    coarse = coarser(points, 500)
    assert coarse.labels_of(in_leaves(cloud(3, 20_001)), np.zeros(coarse.n, np.uint8)) is None


def test_clusters_that_do_not_change_at_once_may_yet_have_to_move():
    points = PointSource(np.array([[0.0, 1, 8, 9]]), np.ones(4))
    start, labels = np.array([[0.0], [9]]), np.array([0, 0, 1, 1], np.uint8)
    known = labels, Partition(np.array([2.0, 2]), np.array([[1.0], [17]]), changed=True)
    assert lloyd(points, start, known=known).centroids.tolist() == [[0.5], [8.5]]
    assert lloyd(points, start, known=known, max_iter=1).n_iter == 1
    assert not lloyd(points, start, known=known, max_iter=1).converged

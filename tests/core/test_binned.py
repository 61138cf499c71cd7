"""Pixels in bins are labelled and summed up as they are one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_kmeans_seg import prepare
from napari_kmeans_seg.core import binned, levels, points
from napari_kmeans_seg.core.binned import BinnedPixels
from napari_kmeans_seg.core.bins import lay_bins
from napari_kmeans_seg.core.nearest import nearest


def blobs(n_channels: int, spread: float = 0.2, shape: tuple[int, int] = (90, 110)) -> np.ndarray:
    """Pixels around six colours."""
    random = np.random.default_rng(n_channels)
    colors = random.normal(0, 1, (6, n_channels))
    return colors[random.integers(0, 6, shape)] + random.normal(0, spread, (*shape, n_channels))


def far_off(image: np.ndarray) -> np.ndarray:
    image[3, 4] = 1e9
    image[5, 6] = -1e30
    return image


IMAGES = {
    "one channel": blobs(1),
    "one channel of heavy tails": np.random.default_rng(0).standard_cauchy((90, 110, 1)),
    "one channel with pixels far off": far_off(blobs(1).astype(np.float32)),
    "one channel on a large offset": blobs(1) + 1e6,
    "one channel of tiny values": blobs(1) * 1e-200,
    "one channel before a background": np.where(blobs(1) < -1, -9999, blobs(1)),
    "two channels": blobs(2),
    "three channels": blobs(3).astype(np.float32),
    "four channels": blobs(4),
    "seven channels": blobs(7, 0.05),
    "uint16": (blobs(3) * 5000 + 30_000).clip(0, 65_535).astype(np.uint16),
    "on a line": np.repeat(blobs(1), 3, axis=-1),
    "in a plane": np.concatenate([blobs(2), blobs(2)[..., :1] * np.ones(4)], axis=-1),
    "with a constant channel": np.concatenate([blobs(2), np.full((90, 110, 1), 3.7)], axis=-1),
    "before a background": np.where(np.arange(110)[:, np.newaxis] < 80, 1e-3, 1) * blobs(3),
    "with pixels far off": far_off(blobs(3)),
    "heavy tails": np.random.default_rng(0).standard_cauchy((90, 110, 3)),
    "on a large offset": blobs(4) + 1e6,
}


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    """Several pieces for small images, and sure bins wherever there are some."""
    monkeypatch.setattr(binned, "CHUNK", 1 << 12)
    monkeypatch.setattr(binned, "FILLED", 1 << 11)
    monkeypatch.setattr(binned, "SURE", 0)
    monkeypatch.setattr(points, "DENSE_LIMIT", 0)


def bins_of(image: np.ndarray, **options: Any) -> BinnedPixels:
    fine = prepare(image, channel_axis=-1, **options)._levels.fine
    assert isinstance(fine, BinnedPixels)
    return fine


def assert_as_near(
    features: np.ndarray, centroids: np.ndarray, index: np.ndarray, expected: np.ndarray
) -> None:
    """Compare labels, but where float64 cannot tell which of two centroids is nearer.

    How a product is rounded depends on where a point stands in its block.
    """
    differs = np.flatnonzero(index != expected)
    points, one, other = features[:, differs].T, centroids[index[differs]], expected[differs]
    lengths = [(np.abs(a) ** 2).sum(axis=1) for a in (points, one, centroids[other])]
    squares = [((points - a) ** 2).sum(axis=1) for a in (one, centroids[other])]
    rounding = (features.shape[0] + 2) * np.finfo(float).eps * np.max(lengths, axis=0, initial=0)
    assert (np.abs(squares[0] - squares[1]) <= rounding).all()


@pytest.mark.parametrize("options", [{}, {"mask": 0.6}, {"spatial_weight": 0.4}], ids=str)
@pytest.mark.parametrize("k", [2, 7, 300])
@pytest.mark.parametrize("name", IMAGES)
def test_each_pixel_gets_its_nearest_centroid(name, k, options):
    image, options = IMAGES[name], dict(options)
    if "mask" in options:
        options["mask"] = np.random.default_rng(1).random(image.shape[:2]) < options["mask"]
    fine = bins_of(image, **options)
    features = fine.block(0, fine.n)[0]
    random = np.random.default_rng(2)
    centroids = features[:, random.integers(0, features.shape[1], k)].T
    centroids = centroids + random.normal(0, 0.1, centroids.shape)
    dtype = np.min_scalar_type(k)
    expected = nearest(features, centroids, np.empty(features.shape[1], dtype))
    labels, final = np.full(fine.n, np.iinfo(dtype).max), np.zeros(fine.n, dtype)
    labels = labels.astype(dtype)

    sums, changed = fine.partition(centroids, labels)
    again, moved = fine.partition(centroids, labels)
    same, inertia = fine.label(centroids, final)

    valid = options.get("mask", np.ones(image.shape[:2], bool)).ravel()
    pieces = [labels[a : a + np.count_nonzero(valid[a:b])] for a, b in fine.pieces]
    index = np.concatenate(pieces)
    assert_as_near(features, centroids, index, expected)
    np.testing.assert_array_equal(final[valid], index + dtype.type(1))
    assert not final[~valid].any()
    assert (changed, moved) == (True, False)
    rows = [np.ones(index.size), *features]
    totals = np.stack([np.bincount(index, row, minlength=k) for row in rows], axis=1)
    np.testing.assert_array_equal(sums[:, 0], totals[:, 0])
    np.testing.assert_allclose(sums, totals, rtol=1e-12, atol=1e-13 * np.abs(features).max())
    np.testing.assert_array_equal(again, sums)
    np.testing.assert_array_equal(same, sums)
    squares = ((features - centroids[index].T) ** 2).sum()
    np.testing.assert_allclose(inertia, squares, rtol=1e-11)
    assert fine.label(centroids, None)[1] == inertia


@pytest.mark.parametrize(
    "options",
    [
        {"normalize": True},
        {"smoothing": 1.5},
        {"color_space": "lab"},
        {"channel_weights": (1, 0, 3)},
    ],
    ids=str,
)
def test_means_are_those_of_the_image_whatever_is_clustered(options):
    random = np.random.default_rng(0)
    image = (blobs(3).clip(-2, 2) / 4 + 0.5).astype(np.float32)
    mask = random.random(image.shape[:2]) < 0.8

    found = prepare(image, channel_axis=-1, mask=mask, **options).segment(4)

    means = [image[found.labels == label].mean(axis=0, dtype=float) for label in range(1, 5)]
    np.testing.assert_allclose(found.centroids, means, rtol=1e-12)
    np.testing.assert_array_equal(found.counts, np.bincount(found.labels.ravel())[1:])
    assert (found.labels > 0).sum() == mask.sum()


def test_most_pixels_are_never_compared():
    fine = bins_of(blobs(4, 0.05))
    centroids = np.stack([one.mean(axis=0) for one in np.split(fine.block(0, fine.n)[0].T, 2)])

    _, compare = fine._compare(centroids, np.dtype(np.uint8))

    n_compared = sum(compare(start, stop).doubtful.size for start, stop in fine.pieces)
    assert n_compared < fine.n / 2


def test_a_point_between_two_centroids_gets_the_first_whichever_bin_it_is_in():
    x = np.tile(np.linspace(0, 1, 129), 100)
    image = np.stack([x, np.random.default_rng(0).random(x.size)], axis=1).reshape(100, 129, 2)
    fine = bins_of(image)
    border = np.array([[0.25, 0.5], [0.75, 0.5]]) - fine.pixels.space.offset
    labels = np.empty(fine.n, np.uint8)

    fine.partition(border, labels)

    features = fine.block(0, fine.n)[0]
    np.testing.assert_array_equal(labels, nearest(features, border, np.empty_like(labels)))


@pytest.mark.parametrize("n_features", [1, 2, 3, 5])
def test_a_point_lies_in_the_box_of_its_bin(n_features):
    cloud = blobs(n_features).reshape(-1, n_features).T.copy()
    grid = lay_bins(cloud[:, ::3])

    bins = grid.keys(cloud, (cloud**2).sum(axis=0)).astype(int)

    boxes = grid.boxes(bins)
    along = grid.axes @ cloud
    off = np.sqrt(((cloud - grid.axes.T @ along - grid.middle[:, np.newaxis]) ** 2).sum(axis=0))
    inside = (np.abs(along - boxes.middle) <= boxes.half).all(axis=0) & (off <= boxes.radius)
    assert inside[boxes.inner].all()
    assert boxes.inner.mean() > 0.9
    assert bins.max() < grid.size <= 1 << 16


@pytest.mark.parametrize("shares", [(1,), (1, 0, 0), (1, 1e-3, 1e-3), (1, 1, 1e-9), (1, 1)])
def test_no_shape_has_more_bins_than_numbers(shares):
    cloud = np.random.default_rng(0).uniform(-1, 1, (len(shares), 20_000))
    cloud *= np.array(shares)[:, np.newaxis]

    grid = lay_bins(cloud)

    assert 5000 < grid.size <= 1 << 16
    assert grid.keys(cloud, (cloud**2).sum(axis=0)).max() < grid.size


@pytest.mark.parametrize("k", [3, 12])
def test_samples_of_the_pixels_guide_where_bins_are_few(monkeypatch, k):
    monkeypatch.setattr(levels, "SAMPLES", ((2, 1 << 14), (4, 1 << 13)))
    monkeypatch.setattr(levels, "FEW_BINS", 1 << 16)
    image = blobs(4, 0.3)
    prepared = prepare(image, channel_axis=-1)
    of_bins = prepared._levels.points.n
    monkeypatch.setattr(levels, "FEW_BINS", 0)
    without = prepare(image, channel_axis=-1).segment(k, tol=0)
    monkeypatch.setattr(levels, "FEW_BINS", 1 << 16)

    guides = prepared._levels.coarse_for(k)
    found = prepared.segment(k, tol=0)

    sizes = [one.n for one in guides]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > of_bins
    np.testing.assert_allclose(found.inertia, without.inertia, rtol=0.02)
    np.testing.assert_array_equal(found.labels, found.model.predict(image).labels)


@pytest.mark.parametrize("init", ["auto", "optimal"])
def test_more_clusters_than_bins_are_found(init):
    tight = np.random.default_rng(0).random(500) * 1e-6
    prepared = prepare(np.concatenate([tight, tight + 1000]))
    assert prepared._levels.points.n < 10

    found = prepared.segment(10, init=init, tol=0)

    assert found.counts.size == 10
    assert found.counts.all()
    assert found.inertia < prepared.segment(2).inertia / 4


@pytest.mark.parametrize("options", [{}, {"spatial_weight": 0.4}, {"channel_weights": (2, 0, 1)}])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_tolerance_is_in_parts_of_the_mean_variance(dtype, options):
    image = (blobs(3) * 20 + 120).clip(0, 255).astype(dtype)
    prepared = prepare(image, channel_axis=-1, **options)

    channels = [image[..., i].ravel().astype(float) for i in range(3)]
    features = [
        w * c for w, c in zip(options.get("channel_weights", (1, 1, 1)), channels, strict=True)
    ]
    if "spatial_weight" in options:
        places = np.indices(image.shape[:2]).reshape(2, -1)
        features += list(prepared._levels.space.position * places)
    expected = np.mean([one.var() for one in features])
    np.testing.assert_allclose(prepared._levels.variance, expected, rtol=1e-10)


@pytest.mark.parametrize("n_features", [1, 4, 60])
def test_pieces_of_many_features_hold_no_more_numbers(monkeypatch, n_features):
    monkeypatch.setattr(levels, "SAMPLES", ((2, 1 << 14),))
    image = np.random.default_rng(0).random((90, 110, n_features))
    prepared = prepare(image, channel_axis=-1)
    sizes = [stop - start for start, stop in prepared._levels.fine.pieces]

    assert sum(sizes) == 9900
    assert max(sizes) * max(4, n_features) <= 4 * binned.CHUNK
    assert all(one.features.size <= 1 << 14 for one in prepared._levels._samples)

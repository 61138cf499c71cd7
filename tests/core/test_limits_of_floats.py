"""Values at the limits of floats, as those that stand for no data: nothing overflows or is lost."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_kmeans_seg import prepare, segment

LARGEST = np.finfo(np.float64).max


def image(no_data: float, n_channels: int = 1, columns: int = 30, dtype="float64") -> np.ndarray:
    """Four classes, about 2, 32, 62 and 92, and columns without data."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 4, (200, 200)) * 30 + rng.integers(0, 5, (200, 200))
    found = np.stack([values] * n_channels, -1).astype(dtype)
    found[:, :columns] = no_data
    return found


@pytest.mark.parametrize("columns", [30, 170])
@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    ("value", "dtype"),
    [(9999.0, "float32"), (3.4028234663852886e38, "float32"), (3.4028234663852886e38, "float64"),
     (1e200, "float64"), (LARGEST, "float64")],
)  # fmt: skip
def test_no_data_is_a_cluster_of_its_own_beside_all_others(value, dtype, n_channels, sign, columns):
    no_data = float(np.dtype(dtype).type(sign * value))
    pixels = image(no_data, n_channels, columns, dtype)
    found = segment(pixels, 5, channel_axis=-1)
    means = sorted(found.centroids[:, 0], key=abs)
    assert np.round(means[:4], 0).tolist() == [2, 32, 62, 92]
    order = np.argsort(np.abs(found.centroids[:, 0]))
    exact = [pixels[found.labels == label].mean(dtype=float) for label in order[:4] + 1]
    np.testing.assert_allclose(means[:4], exact, rtol=1e-12)
    assert means[4] == pytest.approx(no_data, rel=1e-6)
    label = found.labels[0, 0]
    np.testing.assert_array_equal(found.labels == label, (pixels == no_data).all(-1))
    assert np.isfinite(found.image).all()
    again = found.model.predict(pixels)
    np.testing.assert_array_equal(again.labels, found.labels)
    np.testing.assert_allclose(again.centroids, found.centroids, rtol=1e-12)


@pytest.mark.parametrize("init", ["k-means++", "random", "optimal"])
def test_so_it_is_from_every_start_at_both_limits_at_once(init):
    pixels = image(-LARGEST)[..., 0]
    pixels[:, -20:] = LARGEST
    found = segment(pixels, 6, init=init, n_init=5)
    assert np.round(found.centroids[1:5, 0]).tolist() == [2, 32, 62, 92]
    assert found.centroids[[0, 5], 0].tolist() == [-LARGEST, LARGEST]


def test_values_that_are_all_that_large_are_told_apart():
    pixels = image(0)[..., 0] / 128 * LARGEST
    found = segment(pixels, 4, mask=pixels > 0)
    np.testing.assert_allclose(found.centroids[:, 0] / LARGEST * 128, [2.5, 32, 62, 92], rtol=0.02)


@pytest.mark.parametrize(
    "options",
    [
        {"smoothing": 1},
        {"normalize": True},
        {"spatial_weight": 0.1},
        {"channel_weights": [1e100] * 3},
        {"fit_scale": 0.5},
    ],
)
def test_nothing_overflows_on_the_way_whatever_is_asked_for(options):
    pixels = image(-LARGEST, 3)
    prepared = prepare(pixels, channel_axis=-1, **options)
    found = prepared.segment(5)
    assert found.labels[:, 60:].all()
    assert found.labels.max() == found.n_clusters
    prepared.choose_k(range(2, 6))


def test_nor_in_a_dask_array():
    pixels = image(-LARGEST)[..., 0]
    found = segment(da.from_array(pixels, chunks=(50, 200)), 5)
    assert np.round(found.centroids[1:, 0]).tolist() == [2, 32, 62, 92]


@pytest.mark.parametrize("columns", [30, 170])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_nor_in_one_that_is_too_large_for_the_memory(dask_limits, n_channels, columns):
    dask_limits(load_bytes=0)
    pixels = image(-LARGEST, n_channels, columns)
    rng = np.random.default_rng(1)
    pixels[:, columns:] += rng.random((200, 200 - columns, 1))  # floats that do not repeat
    found = segment(da.from_array(pixels, chunks=(50, 200, n_channels)), 5, channel_axis=-1)
    assert np.abs(found.centroids[1:, 0] - [2.5, 32.5, 62.5, 92.5]).max() < 1
    assert found.centroids[0, 0] == -LARGEST
    labels = found.labels.compute()
    np.testing.assert_array_equal(labels == 1, pixels[..., 0] == -LARGEST)

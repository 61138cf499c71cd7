"""Blurred images and smaller copies: what averages of pixels must not change."""

from __future__ import annotations

import time
import warnings

import dask.array as da
import numpy as np
import pytest
import skimage.data
from scipy.ndimage import gaussian_filter

from napari_kmeans_seg import segment
from napari_kmeans_seg.core.image.averages import smooth
from napari_kmeans_seg.core.image.pixels import flatten

from ..spaces import CONVERTED

ASTRONAUT = skimage.data.astronaut()[:256, :256]


def holed() -> np.ndarray:
    mask = np.ones((64, 64), bool)
    mask[:10, :10] = mask[30:33] = False
    return mask


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("color_space", CONVERTED)
def test_blurred_integers_have_the_colours_that_floats_have(color_space, dtype):
    """Lab and HSV of 0 to 255 were taken for those of 0 to 1 once they were blurred."""
    image = ASTRONAUT.astype(dtype) * (np.iinfo(dtype).max // 255)
    options = {"channel_axis": -1, "color_space": color_space, "smoothing": 1.0}
    start = ASTRONAUT[::70, 100]

    found = segment(image, 4, init=start * (np.iinfo(dtype).max / 255), **options)

    expected = segment(ASTRONAUT / 255, 4, init=start / 255, **options)
    assert (found.labels != expected.labels).mean() < 1e-3
    assert found.inertia == pytest.approx(expected.inertia, rel=1e-5)
    top = np.iinfo(dtype).max
    np.testing.assert_allclose(found.centroids / top, expected.centroids, atol=1e-4)
    again = found.model.predict(image)
    np.testing.assert_array_equal(again.labels, found.labels)


@pytest.mark.parametrize("color_space", CONVERTED)
@pytest.mark.parametrize("options", [{"smoothing": 1.0}, {"fit_scale": 0.37}], ids=str)
def test_black_stays_black(options, color_space):
    """Averages of black may be less than 0 by rounding, of which no hue can be told."""
    image = ASTRONAUT / 255
    image[:100] = 0

    found = segment(image, 4, channel_axis=-1, color_space=color_space, **options)

    assert found.centroids[0].max() < 0.1
    assert np.isfinite(found.inertia)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64])
@pytest.mark.parametrize(
    "options", [{"smoothing": 0.4}, {"fit_scale": 0.37}, {"smoothing": 3.0}], ids=str
)
def test_a_constant_channel_stays_constant(options, dtype):
    """Its rounding noise was normalized to the weight of a channel that varies."""
    high = np.kron(np.random.default_rng(0).integers(0, 2, (4, 4)), np.ones((16, 16), int))
    image = np.full((64, 64, 3), 60, dtype)
    image[..., 1] = 143
    image[..., 0] = 21 + 100 * high
    mask = holed()

    found = segment(image, 2, channel_axis=-1, mask=mask, normalize=True, **options)

    np.testing.assert_allclose(found.centroids[:, 1:], [[143, 60]] * 2, rtol=1e-6)
    assert ((found.labels == 2) == (high == 1))[mask].mean() > 0.9
    assert found.model.space.scale[1:] == (1, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_a_constant_image_stays_one_value(dtype):
    with pytest.warns(UserWarning, match="has 1 distinct value"):
        found = segment(np.full((64, 64), 77, dtype), 3, mask=holed(), smoothing=3.0)

    assert found.n_clusters == 1


@pytest.mark.parametrize("dtype", [np.uint32, np.int64, np.uint64, np.float64])
@pytest.mark.parametrize("options", [{"smoothing": 0.5}, {"fit_scale": 0.5}], ids=str)
def test_differences_on_a_large_offset_are_kept(options, dtype):
    """Integers of 32 bits were averaged in single precision."""
    image = np.full((64, 64), 3_000_000_000, dtype)
    image[:, 32:] += dtype(20)

    found = segment(image, 2, **options)

    np.testing.assert_array_equal(found.counts, [2048, 2048])
    np.testing.assert_allclose(found.centroids[:, 0] - 3e9, [0, 20])


@pytest.mark.parametrize(
    ("dtype", "offset"),
    [
        (np.int64, 1 << 60),
        (np.int64, -(1 << 63)),
        (np.uint64, 1 << 63),
        (np.uint64, (1 << 64) - 50),
    ],
)
@pytest.mark.parametrize("fit_scale", [0.5, 0.37])
def test_a_copy_keeps_differences_that_no_float_has(dtype, offset, fit_scale):
    """Its values were floats: all were one."""
    image = np.where(np.arange(60)[:, np.newaxis] < 30, 0, 40)
    image = image + np.random.default_rng(0).integers(0, 5, (60, 60))
    mask = np.ones((60, 60), bool)
    mask[:, :11] = False
    expected = segment(image.astype(np.uint8), 2, mask=mask, fit_scale=fit_scale)

    large = (image.astype(object) + offset).astype(dtype)
    with pytest.warns(UserWarning, match="beyond 2\\^53: means"):
        found = segment(large, 2, mask=mask, fit_scale=fit_scale)

    np.testing.assert_array_equal(found.labels, expected.labels)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_a_copy_has_the_lowest_and_the_highest_of_all_integers(dtype):
    limits = np.iinfo(dtype)
    image = np.full((40, 40), limits.max, dtype)
    image[:, 20:], image[20:, :20] = limits.min, limits.max // 2

    found = segment(image, 3, fit_scale=0.5)

    np.testing.assert_array_equal(found.counts, [800, 400, 400])
    np.testing.assert_allclose(found.centroids[:, 0], [limits.min, limits.max / 2, limits.max])


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_a_copy_of_64_bit_integers_in_chunks(dtype, n_channels, dask_limits):
    """Its floats were read as integers."""
    dask_limits(load_bytes=0)
    image = np.random.default_rng(0).integers(0, 1000, (64, 64, n_channels)).astype(dtype)
    options = {"channel_axis": -1, "fit_scale": 0.5}

    found = segment(da.from_array(image, chunks=(32, 32, n_channels)), 4, **options)

    expected = segment(image, 4, **options)
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)
    np.testing.assert_allclose(found.inertia, expected.inertia)


def test_a_copy_with_as_many_pixels_is_still_a_copy(dask_limits):
    """A mask may leave as many pixels of the image as its copy has: counts are of the image."""
    dask_limits(load_bytes=0)
    image = np.random.default_rng(3).integers(0, 2000, (1, 9, 4)).astype(np.int16)
    mask = np.array([[0, 1, 0, 1, 0, 0, 0, 0, 0]], bool)

    found = segment(
        da.from_array(image, chunks=(1, 9, 4)), 2, channel_axis=-1, mask=mask, fit_scale=0.6
    )

    labels = found.labels.compute()
    means = [image[labels == i].mean(axis=0) for i in range(1, found.n_clusters + 1)]
    np.testing.assert_allclose(found.centroids, means)
    np.testing.assert_array_equal(found.counts, np.bincount(labels.ravel())[1:])


def blurred(image: np.ndarray, sigma: float, mask: np.ndarray | None = None) -> np.ndarray:
    channels = smooth(flatten(image, mask=mask), (sigma,) * image.ndim).channels
    return channels.reshape(image.shape)


@pytest.mark.parametrize("sigma", [33, 60, 200, 999])
@pytest.mark.parametrize("shape", [(50, 70), (300, 9), (6, 40, 50), (500,)])
def test_a_wide_blur_is_the_gaussian_of_what_is_reflected_at_the_ends(sigma, shape):
    image = np.random.default_rng(0).normal(5, 2, shape)
    expected = gaussian_filter(image, sigma, truncate=8)
    np.testing.assert_allclose(blurred(image, sigma), expected, rtol=0, atol=1e-6)


def test_a_blur_far_beyond_the_image_is_the_mean_and_takes_no_longer():
    image = np.random.default_rng(0).integers(0, 256, (600, 800)).astype(np.uint8)
    mask = image > 20
    start = time.process_time()
    np.testing.assert_allclose(blurred(image, 10_000), image.mean(), rtol=1e-6)
    inside = blurred(image, 10_000, mask)[mask]
    np.testing.assert_allclose(inside, image[mask].mean(), rtol=1e-6)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("sigma", [5e-324, 1e-308, 1e-160, 1e-100, 0.1])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_a_blur_of_next_to_nothing_changes_nothing(sigma, dtype):
    image = np.random.default_rng(0).integers(0, 99, (30, 40)).astype(dtype)
    found = segment(image, 3, smoothing=sigma)
    np.testing.assert_array_equal(found.labels, segment(image, 3).labels)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint64, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-300, 1e-60, 1e60, 1e300])
def test_a_model_of_numbers_at_the_edge_labels_any_other_image(size, dtype):
    model = segment(size * np.array([1, 2, 8, 9.0]), 2).model
    image = np.random.default_rng(0).integers(0, 2**62, (9, 9), np.uint64).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = model.predict(image)
    expected = 2 if size < 1 else 1
    np.testing.assert_array_equal(found.labels[image > 0], expected)
    assert np.isfinite(found.centroids[expected - 1]).all()

"""What each argument of `segment` does to the features, and fitting on a smaller copy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skimage.color
import skimage.data
from scipy.ndimage import gaussian_filter
from skimage.transform import resize_local_mean
from sklearn.cluster import KMeans

from napari_kmeans_seg import Segmentation, segment

TO_REST: dict[str, Any] = {"tol": 0, "max_iter": 1000}


@pytest.fixture
def photograph() -> np.ndarray:
    return skimage.data.coffee()[::2, ::2].copy()


def colour_start(image: np.ndarray, n_clusters: int) -> np.ndarray:
    """Colours of pixels from the darkest to the brightest."""
    values = np.unique(image.reshape(-1, image.shape[-1]), axis=0)
    values = values[np.argsort(values.sum(axis=1), kind="stable")]
    return values[np.linspace(0, len(values) - 1, n_clusters + 2).astype(int)[1:-1]]


def plain_lloyd(features: np.ndarray, init: np.ndarray) -> KMeans:
    return KMeans(len(init), init=init, n_init=1, tol=0, max_iter=1000).fit(features)


def rounded(colours: np.ndarray, n_bits: int) -> np.ndarray:
    """Colours to so many binary digits behind the point: the last ones depend on the processor."""
    return np.ldexp(np.rint(np.ldexp(colours, n_bits)), -n_bits)


def assert_same_clusters(found: Segmentation, image: np.ndarray, expected: KMeans) -> None:
    """The clusters of scikit-learn on some features, ordered by the brightness of `image`."""
    pixels = image.reshape(-1, image.shape[-1]).astype(np.float64)
    k = expected.n_clusters
    means = np.array([pixels[expected.labels_ == i].mean(axis=0) for i in range(k)])
    order = np.argsort(means.mean(axis=1))
    np.testing.assert_array_equal(found.labels.ravel(), np.argsort(order)[expected.labels_] + 1)
    np.testing.assert_allclose(found.centroids, means[order], rtol=1e-9)
    np.testing.assert_allclose(found.inertia, expected.inertia_, rtol=1e-9)


# --- Features ----------------------------------------------------------------------------


def test_channel_weights_are_factors_of_distances(photograph: np.ndarray) -> None:
    init, weights = colour_start(photograph, 5), np.array([1, 0.25, 3])
    found = segment(photograph, 5, channel_axis=-1, channel_weights=weights, init=init, **TO_REST)
    expected = plain_lloyd(photograph.reshape(-1, 3) * weights, init * weights)
    assert_same_clusters(found, photograph, expected)


def test_normalize_divides_by_the_standard_deviation(photograph: np.ndarray) -> None:
    image = photograph * np.array([1.0, 10, 0.1])
    deviation = image.std(axis=(0, 1))
    init = colour_start(image, 5)
    found = segment(image, 5, channel_axis=-1, normalize=True, init=init, **TO_REST)
    expected = plain_lloyd(image.reshape(-1, 3) / deviation, init / deviation)
    assert_same_clusters(found, image, expected)


def test_normalize_leaves_a_constant_channel_alone(photograph: np.ndarray) -> None:
    image = photograph.copy()
    image[..., 1] = 77
    found = segment(image, 3, channel_axis=-1, normalize=True)
    np.testing.assert_allclose(found.centroids[:, 1], 77)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_lab_compares_colours_in_cielab(photograph: np.ndarray, dtype: type[np.generic]) -> None:
    image = skimage.util.img_as_float(photograph)
    if dtype is not np.float64:
        image = (image * np.iinfo(dtype).max).round().astype(dtype)
    init = colour_start(image, 6)
    found = segment(image, 6, channel_axis=-1, color_space="lab", init=init, **TO_REST)
    lab = rounded(skimage.color.rgb2lab(skimage.util.img_as_float(image)), 16).reshape(-1, 3)
    start = rounded(skimage.color.rgb2lab(skimage.util.img_as_float(init)[np.newaxis])[0], 16)
    assert_same_clusters(found, image, plain_lloyd(lab, start))


def test_hsv_compares_colours_on_a_cone(photograph: np.ndarray) -> None:
    def cone(rgb: np.ndarray) -> np.ndarray:
        hue, saturation, value = np.moveaxis(skimage.color.rgb2hsv(rgb), -1, 0)
        angle = 2 * np.pi * hue
        chroma = saturation * value
        corners = np.stack([chroma * np.cos(angle), chroma * np.sin(angle), value], axis=-1)
        return rounded(corners, 22)

    init = colour_start(photograph, 6)
    found = segment(photograph, 6, channel_axis=-1, color_space="hsv", init=init, **TO_REST)
    expected = plain_lloyd(cone(photograph).reshape(-1, 3), cone(init[np.newaxis])[0])
    assert_same_clusters(found, photograph, expected)


def test_reds_on_either_side_of_hue_0_are_one_cluster() -> None:
    orange_red, pink_red, blue = (250, 30, 0), (250, 0, 30), (0, 0, 250)
    image = np.array([[orange_red, pink_red, blue], [pink_red, orange_red, blue]], np.uint8)
    labels = segment(image, 2, channel_axis=-1, color_space="hsv").labels
    np.testing.assert_array_equal(labels == labels[0, 2], [[False, False, True]] * 2)


@pytest.mark.parametrize("sigma", [1.5, (3.0, 0.5)])
def test_smoothing_is_a_gaussian_blur_before_clustering(photograph: np.ndarray, sigma: Any) -> None:
    image = photograph / 255
    blurred = gaussian_filter(image, (*np.broadcast_to(sigma, 2), 0))
    init = colour_start(blurred, 5)
    found = segment(image, 5, channel_axis=-1, smoothing=sigma, init=init, **TO_REST)
    assert_same_clusters(found, image, plain_lloyd(blurred.reshape(-1, 3), init))


def test_smoothing_does_not_bleed_over_the_edge_of_the_mask() -> None:
    image = np.zeros((40, 40))
    image[:, 10:20] = 1
    image[:, 20:] = 1000
    mask = np.zeros((40, 40), bool)
    mask[:, :20] = True
    labels = segment(image, 2, smoothing=2.0, mask=mask).labels
    np.testing.assert_array_equal(np.unique(labels[:, :7]), 1)
    np.testing.assert_array_equal(np.unique(labels[:, 13:20]), 2)


@pytest.mark.parametrize("weight", [0.5, 1.0])
def test_position_weighs_as_much_as_the_values_at_1(photograph: np.ndarray, weight: float) -> None:
    rows, columns = np.indices(photograph.shape[:2]).reshape(2, -1).astype(np.float64)
    place = np.stack([rows, columns], axis=1)
    pixels = photograph.reshape(-1, 3).astype(np.float64)
    factor = weight * np.sqrt(pixels.var(axis=0).sum() / place.var(axis=0).sum())
    features = np.hstack([pixels, place * factor])
    init = colour_start(photograph, 5)
    middle = np.tile(place.mean(axis=0) * factor, (5, 1))
    found = segment(photograph, 5, channel_axis=-1, spatial_weight=weight, init=init, **TO_REST)
    assert_same_clusters(found, photograph, plain_lloyd(features, np.hstack([init, middle])))


def test_position_tells_apart_what_values_do_not() -> None:
    image = np.full((20, 60), 7.0)
    labels = segment(image, 3, spatial_weight=1.0).labels
    np.testing.assert_array_equal(np.unique(labels), [1, 2, 3])


# --- Fitting on a copy -------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "scale"), [(np.uint8, 0.5), (np.float64, 0.3)])
def test_fit_scale_fits_an_averaged_copy_and_labels_all_pixels(
    photograph: np.ndarray, dtype: type[np.generic], scale: float
) -> None:
    """Integers are rounded: at 0.5 the means of four are exact, and so are their halves."""
    image = photograph.astype(dtype)
    init = colour_start(photograph, 5)
    found = segment(image, 5, channel_axis=-1, fit_scale=scale, init=init, **TO_REST)
    size = tuple(round(scale * n) for n in image.shape[:2])
    channels = np.moveaxis(image, -1, 0).astype(np.float64)
    small = np.stack([resize_local_mean(c, size, preserve_range=True) for c in channels], axis=-1)
    if dtype is np.uint8:
        small = np.rint(small)
    fitted = plain_lloyd(small.reshape(-1, 3), init)
    pixels = photograph.reshape(-1, 3).astype(np.float64)
    squares = ((pixels[:, np.newaxis] - fitted.cluster_centers_) ** 2).sum(axis=2)
    labels = squares.argmin(axis=1)
    means = np.array([pixels[labels == i].mean(axis=0) for i in range(5)])
    order = np.argsort(means.mean(axis=1))
    np.testing.assert_array_equal(found.labels.ravel(), np.argsort(order)[labels] + 1)
    np.testing.assert_allclose(found.centroids, means[order], rtol=1e-9)


def test_fit_scale_keeps_positions_where_they_are() -> None:
    """Quarters of an image, told apart by value and place, also from a copy of half the size."""
    image = np.random.default_rng(0).normal(size=(100, 100)) * 1e-3
    image[:50] += 1
    full = segment(image, 4, spatial_weight=1.0)
    half = segment(image, 4, spatial_weight=1.0, fit_scale=0.5)
    np.testing.assert_allclose(half.inertia, full.inertia, rtol=0.01)


def test_fit_scale_of_a_masked_image_averages_inside_the_mask_only() -> None:
    image = np.full((60, 60), 1000.0)
    image[:, :31] = np.where(np.arange(60)[:, np.newaxis] < 30, 1, 5)
    mask = np.zeros((60, 60), bool)
    mask[:, :31] = True
    found = segment(image, 2, mask=mask, fit_scale=0.5)
    np.testing.assert_array_equal(found.centroids.ravel(), [1, 5])
    np.testing.assert_array_equal(found.counts, [930, 930])


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float64"])
def test_fit_scale_takes_every_dtype(dtype: str) -> None:
    image = np.random.default_rng(0).integers(0, 2, (30, 31)).astype(dtype)
    image = np.kron(image, np.ones((4, 4), dtype))
    found = segment(image, 2, fit_scale=0.25)
    np.testing.assert_array_equal(found.labels, image.astype(int) + 1)


def test_fit_scale_averages_each_part_by_itself() -> None:
    """One value that dwarfs all others spoils no average but its own."""
    image = np.ones((40, 60))
    image[:, 40:] = 5
    image[:, 10] = 1e18
    found = segment(image, 3, fit_scale=0.5, init=[[1], [5], [1e18]], tol=0)
    np.testing.assert_allclose(found.centroids.ravel(), [1, 5, 1e18])
    assert found.counts.tolist() == [40 * 39, 40 * 20, 40]


def test_fit_scale_of_a_sparse_mask_divides_by_no_empty_cover() -> None:
    random = np.random.default_rng(0)
    image = random.integers(-(2**31), 2**31 - 1, (90, 80), np.int32)
    mask = random.random((90, 80)) < 0.03
    found = segment(image, 3, fit_scale=0.72, mask=mask)
    assert found.counts.sum() == mask.sum()


def test_fit_scale_takes_a_long_row_of_pixels() -> None:
    """A list of pixels, as they come out of a table: memory grows with it, not with its square."""
    image = np.repeat(np.array([3, 9], np.uint8), 150_000)
    found = segment(image, 2, fit_scale=0.5)
    np.testing.assert_array_equal(found.labels, np.repeat([1, 2], 150_000))


@pytest.mark.parametrize("sigma", [5e-324, 1e-200, 0.12])
def test_a_blur_that_reaches_no_neighbour_changes_nothing(sigma: float) -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    blurred = segment(image, 3, channel_axis=-1, smoothing=sigma, tol=0)
    plain = segment(image.astype(np.float32), 3, channel_axis=-1, tol=0)
    np.testing.assert_array_equal(blurred.labels, plain.labels)


@pytest.mark.parametrize("tol", [1e-4, 1e-3])
def test_where_a_region_lies_decides_no_label_however_soon_centroids_rest(tol):
    """They rested the sooner, the farther it was from the first pixel."""
    pixels = np.random.default_rng(0).integers(0, 256, (80, 90), np.uint8)
    start = [[value] for value in (10, 50, 90, 140, 190, 240)]

    def at(row: int, column: int) -> tuple[np.ndarray, int]:
        image, mask = np.zeros((600, 700), np.uint8), np.zeros((600, 700), bool)
        where = np.s_[row : row + 80, column : column + 90]
        image[where], mask[where] = pixels, True
        found = segment(image, 6, mask=mask, spatial_weight=1, init=start, tol=tol)
        return found.labels[where], found.n_iter

    first, last = at(0, 0), at(520, 610)

    np.testing.assert_array_equal(last[0], first[0])
    assert last[1] == first[1]

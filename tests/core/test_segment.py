"""What `segment` gives, and what each of its arguments does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skimage.color
import skimage.data
from scipy.ndimage import gaussian_filter
from skimage.transform import resize_local_mean
from sklearn.cluster import KMeans

from napari_kmeans_seg import Segmentation, __version__, prepare, segment

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


def assert_same_clusters(found: Segmentation, image: np.ndarray, expected: KMeans) -> None:
    """The clusters of scikit-learn on some features, ordered by the brightness of `image`."""
    pixels = image.reshape(-1, image.shape[-1]).astype(np.float64)
    k = expected.n_clusters
    means = np.array([pixels[expected.labels_ == i].mean(axis=0) for i in range(k)])
    order = np.argsort(means.mean(axis=1))
    np.testing.assert_array_equal(found.labels.ravel(), np.argsort(order)[expected.labels_] + 1)
    np.testing.assert_allclose(found.centroids, means[order], rtol=1e-9)
    np.testing.assert_allclose(found.inertia, expected.inertia_, rtol=1e-9)


# --- Labels and centroids ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_clusters", "dtype"),
    [(1, np.uint8), (5, np.uint8), (255, np.uint8), (256, np.uint16), (300, np.uint16)],
)
def test_labels_have_the_smallest_dtype_that_holds_them(
    n_clusters: int, dtype: type[np.generic]
) -> None:
    image = np.arange(1200, dtype=np.uint16).reshape(30, 40)
    found = segment(image, n_clusters)
    assert found.labels.dtype == dtype
    assert found.n_clusters == n_clusters
    assert found.centroids.shape == (n_clusters, 1)
    np.testing.assert_array_equal(np.unique(found.labels), np.arange(1, n_clusters + 1))


@pytest.mark.parametrize("n_clusters", [255, 256, 300])
def test_hundreds_of_colours_are_all_used(photograph: np.ndarray, n_clusters: int) -> None:
    found = segment(photograph, n_clusters, channel_axis=-1, max_iter=20)
    assert found.n_clusters == n_clusters
    assert found.counts.min() > 0
    np.testing.assert_array_equal(np.unique(found.labels), np.arange(1, n_clusters + 1))


@pytest.mark.parametrize("color_space", ["rgb", "lab", "hsv"])
@pytest.mark.parametrize("n_clusters", [2, 7, 20])
def test_label_1_is_the_darkest_and_brightness_rises(
    photograph: np.ndarray, n_clusters: int, color_space: str
) -> None:
    found = segment(photograph, n_clusters, channel_axis=-1, color_space=color_space)
    brightness = [photograph[found.mask(i)].mean() for i in range(1, n_clusters + 1)]
    assert brightness == sorted(brightness)
    assert (np.diff(found.centroids.mean(axis=1)) >= 0).all()


def test_centroids_and_counts_are_those_of_the_labelled_pixels(photograph: np.ndarray) -> None:
    """Even when the iterations were cut short."""
    found = segment(photograph, 6, channel_axis=-1, init="random", max_iter=1)
    assert found.counts.dtype == np.int64
    assert found.centroids.dtype == np.float64
    assert found.counts.sum() == photograph.shape[0] * photograph.shape[1]
    for i in range(6):
        pixels = photograph[found.labels == i + 1]
        assert found.counts[i] == len(pixels)
        np.testing.assert_allclose(found.centroids[i], pixels.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("shape", [(50,), (5, 10), (4, 5, 6), (3, 4, 5, 6)])
@pytest.mark.parametrize("where", ["none", "first", "second", "last"])
def test_any_number_of_axes_with_the_channels_anywhere(shape: tuple[int, ...], where: str) -> None:
    random = np.random.default_rng(0)
    channels = random.integers(0, 1000, (*shape, 3), dtype=np.uint16)
    if where == "none":
        found = segment(channels[..., 0], 3)
        assert found.image.shape == shape
    else:
        axis = {"first": 0, "second": 1, "last": -1}[where]
        image = np.moveaxis(channels, -1, axis)
        found = segment(image, 3, channel_axis=axis)
        assert found.image.shape == image.shape
        expected = segment(channels, 3, channel_axis=-1)
        np.testing.assert_array_equal(found.labels, expected.labels)
        np.testing.assert_array_equal(np.moveaxis(found.image, axis, -1), expected.image)
    assert found.labels.shape == shape


def test_a_row_of_pixels_in_one_cluster_each_comes_back_as_it_was() -> None:
    image = np.array([0.25, -7.5, 0.125, 8.125])
    found = segment(image, 4)
    np.testing.assert_array_equal(found.image, image)
    assert found.labels.tolist() == [3, 1, 2, 4]
    assert found.inertia == 0


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int8", "uint16", "int32", "uint64", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("channel_axis", [None, 0, -1])
def test_the_image_is_painted_with_centroids_in_its_dtype(
    dtype: str, channel_axis: int | None
) -> None:
    random = np.random.default_rng(3)
    image = random.integers(0, 100, (3, 8, 3)).astype(dtype)
    found = segment(image, 2, channel_axis=channel_axis)
    assert found.image.dtype == image.dtype
    assert found.image.shape == image.shape
    colours = found.centroids if dtype.startswith("float") else np.rint(found.centroids)
    painted = colours[found.labels - 1].astype(dtype)
    if channel_axis is None:
        painted = painted[..., 0]
    elif channel_axis == 0:
        painted = np.moveaxis(painted, -1, 0)
    if dtype == "bool":
        painted = painted.astype(bool)
    np.testing.assert_array_equal(found.image, painted)


def test_pixels_outside_the_mask_are_label_0_and_painted_0(photograph: np.ndarray) -> None:
    mask = np.zeros(photograph.shape[:2], bool)
    mask[20:90, 40:200] = True
    found = segment(photograph, 4, channel_axis=-1, mask=mask)
    np.testing.assert_array_equal(found.labels == 0, ~mask)
    assert not found.image[~mask].any()
    assert found.counts.sum() == mask.sum()
    inside = segment(photograph[20:90, 40:200], 4, channel_axis=-1)
    np.testing.assert_array_equal(found.labels[20:90, 40:200], inside.labels)


def test_a_mask_of_a_few_pixels_of_a_large_float_image() -> None:
    image = np.random.default_rng(0).random((700, 600, 3), dtype=np.float32)
    mask = np.zeros((700, 600), bool)
    mask[333, 77:90] = True
    found = segment(image, 4, channel_axis=-1, mask=mask)
    assert found.counts.sum() == 13
    assert found.counts.min() > 0


# --- Alpha -------------------------------------------------------------------------------


def test_rgba_keeps_its_alpha_and_drops_transparent_pixels(photograph: np.ndarray) -> None:
    alpha = np.arange(photograph.shape[0] * photograph.shape[1]).reshape(photograph.shape[:2])
    alpha = (alpha % 256).astype(np.uint8)
    found = segment(np.dstack([photograph, alpha]), 5, channel_axis=-1)
    np.testing.assert_array_equal(found.image[..., 3], alpha)
    np.testing.assert_array_equal(found.labels == 0, alpha == 0)
    assert found.centroids.shape == (5, 3)
    masked = segment(photograph, 5, channel_axis=-1, mask=alpha > 0)
    np.testing.assert_array_equal(found.labels, masked.labels)
    np.testing.assert_array_equal(found.image[..., :3], masked.image)


def test_alpha_is_guessed_for_uint8_only_and_can_be_said(photograph: np.ndarray) -> None:
    four = np.dstack([photograph, np.full(photograph.shape[:2], 9, np.uint8)])
    assert segment(four, 2, channel_axis=-1).centroids.shape == (2, 3)
    assert segment(four, 2, channel_axis=-1, alpha=False).centroids.shape == (2, 4)
    assert segment(four / 255, 2, channel_axis=-1).centroids.shape == (2, 4)
    assert segment(four / 255, 2, channel_axis=-1, alpha=True).centroids.shape == (2, 3)
    first = np.moveaxis(four, -1, 0)
    assert segment(first, 2, channel_axis=0).centroids.shape == (2, 4)
    found = segment(first, 2, channel_axis=0, alpha=True)
    assert found.image.shape == first.shape
    assert (found.image[3] == 9).all()


# --- What can be made of it --------------------------------------------------------------


def test_the_table_has_a_row_per_cluster(photograph: np.ndarray) -> None:
    found = segment(photograph, 4, channel_axis=-1)
    table = found.to_dataframe(["red", "green", "blue"])
    assert list(table) == ["label", "pixels", "percent", "mean_red", "mean_green", "mean_blue"]
    assert table["label"].tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(table["pixels"], found.counts)
    assert table["percent"].sum() == pytest.approx(100)
    np.testing.assert_array_equal(table.iloc[:, 3:].to_numpy(), found.centroids)
    assert list(found.to_dataframe())[3:] == ["mean_0", "mean_1", "mean_2"]
    assert isinstance(table, pd.DataFrame)
    with pytest.raises(ValueError, match=r"channel_names.*3.*got 2"):
        found.to_dataframe(["red", "green"])


def test_masks_of_clusters(photograph: np.ndarray) -> None:
    inside = np.ones(photograph.shape[:2], bool)
    inside[:10] = False
    found = segment(photograph, 4, channel_axis=-1, mask=inside)
    np.testing.assert_array_equal(found.mask(2), found.labels == 2)
    np.testing.assert_array_equal(found.mask(1, 4), np.isin(found.labels, [1, 4]))
    np.testing.assert_array_equal(found.mask(0), ~inside)
    np.testing.assert_array_equal(found.mask(*range(1, 5)), inside)


@pytest.mark.parametrize("labels", [(), (5,), (-1,), (1, 9)])
def test_masks_of_labels_that_are_not_there(labels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"(mask|label) takes"):
        segment([0, 1, 2, 3], 4).mask(*labels)


def test_merged_clusters_are_one_in_all_that_is_told(photograph: np.ndarray) -> None:
    found = segment(photograph, 6, channel_axis=-1)
    merged = found.merge((1, 2), (4, 6))
    assert merged.n_clusters == 4
    for members in ((1, 2), (3,), (4, 6), (5,)):
        where = found.mask(*members)
        (label,) = np.unique(merged.labels[where])
        assert merged.counts[label - 1] == where.sum()
        mean = photograph[where].mean(axis=0)
        np.testing.assert_allclose(merged.centroids[label - 1], mean, rtol=1e-12)
        np.testing.assert_array_equal(merged.image[where], np.tile(np.rint(mean), (where.sum(), 1)))
    assert (np.diff(merged.centroids.mean(axis=1)) > 0).all()
    assert found.n_clusters == 6, "the first one is as it was"
    np.testing.assert_array_equal(found.merge((6, 5, 4, 3, 2, 1)).labels, 1)


def test_clusters_that_do_not_merge() -> None:
    found = segment([0, 1, 2, 3], 4)
    with pytest.raises(ValueError, match="at least two"):
        found.merge((1,))
    with pytest.raises(ValueError, match="two groups"):
        found.merge((1, 2), (2, 3))
    with pytest.raises(ValueError, match=r"label.*from 1 to 4.*got 5"):
        found.merge((1, 5))
    with pytest.raises(ValueError, match=r"label.*from 1 to 4.*got 0"):
        found.merge((0, 1))
    with pytest.raises(TypeError, match="merge takes groups"):
        found.merge(1, 2)


def test_parameters_are_what_was_used_and_json_holds_them(photograph: np.ndarray) -> None:
    found = segment(
        photograph,
        np.int64(3),
        channel_axis=np.int64(2),
        mask=np.ones(photograph.shape[:2], bool),
        color_space="lab",
        channel_weights=np.array([1, 2, 3]),
        normalize=np.bool_(True),
        smoothing=np.float32(1.5),
        init="random",
        n_init=np.int8(2),
        max_iter=np.uint16(7),
        tol=np.float64(0.5),
        fit_scale=0.75,
        seed=np.int32(4),
    )
    assert json.loads(json.dumps(found.parameters, allow_nan=False)) == found.parameters
    assert found.parameters == {
        "version": __version__,
        "n_clusters": 3,
        "channel_axis": 2,
        "alpha": False,
        "mask": True,
        "color_space": "lab",
        "channel_weights": [1, 2, 3],
        "normalize": True,
        "smoothing": [1.5, 1.5],
        "spatial_weight": 0,
        "init": "random",
        "n_init": 2,
        "max_iter": 7,
        "tol": 0.5,
        "fit_scale": 0.75,
        "seed": 4,
    }


def test_parameters_hold_initial_centroids_and_no_generator() -> None:
    given = segment([0.0, 1, 8, 9], 2, init=np.array([[0.5], [8]]))
    assert given.parameters["init"] == [[0.5], [8.0]]
    drawn = segment([0.0, 1, 8, 9], 2, seed=np.random.default_rng(0), init="k-means++")
    assert drawn.parameters["seed"] is None
    json.dumps([given.parameters, drawn.parameters])


# --- Prediction and re-runs --------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"color_space": "lab"},
        {"color_space": "hsv", "normalize": True},
        {"smoothing": 1.5},
        {"spatial_weight": 0.5},
        {"fit_scale": 0.4},
        {"channel_weights": (1, 0, 2)},
    ],
    ids=str,
)
def test_the_model_labels_its_own_image_the_same(
    photograph: np.ndarray, arguments: dict[str, Any]
) -> None:
    found = segment(photograph, 5, channel_axis=-1, **arguments)
    again = found.model.predict(photograph)
    np.testing.assert_array_equal(again.labels, found.labels)
    np.testing.assert_array_equal(again.centroids, found.centroids)
    np.testing.assert_array_equal(again.counts, found.counts)
    assert again.inertia == found.inertia


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_model_labels_a_crop_as_the_crop_of_the_labels(
    photograph: np.ndarray, dtype: type[np.generic], normalize: bool
) -> None:
    image = np.moveaxis(photograph, -1, 0).astype(dtype)
    found = segment(image, 5, channel_axis=0, normalize=normalize)
    crop = found.model.predict(image[:, 30:70, 11:200])
    np.testing.assert_array_equal(crop.labels, found.labels[30:70, 11:200])


def test_the_model_says_which_clusters_another_image_has_not() -> None:
    model = segment(np.array([0, 1, 8, 9, 100.0, 101]), 3).model
    found = model.predict(np.array([[0.0, 1], [100, 99]]))
    assert found.labels.tolist() == [[1, 1], [3, 3]]
    assert found.counts.tolist() == [2, 0, 2]
    np.testing.assert_array_equal(found.centroids.ravel(), [0.5, np.nan, 99.5])
    np.testing.assert_array_equal(found.image, [[0.5, 0.5], [99.5, 99.5]])
    assert found.merge((1, 2)).counts.tolist() == [2, 2]


def test_the_model_takes_images_of_its_own_kind_only(photograph: np.ndarray) -> None:
    model = segment(photograph, 3, channel_axis=-1).model
    with pytest.raises(ValueError, match=r"image takes 3 channel.*got 2"):
        model.predict(photograph[..., :2])
    smooth = segment(photograph, 3, channel_axis=-1, smoothing=1).model
    with pytest.raises(ValueError, match=r"image takes 2 spatial axes.*got 3"):
        smooth.predict(photograph[np.newaxis])


@pytest.mark.parametrize(
    ("image", "how", "run"),
    [
        ("photograph", {"channel_axis": -1}, {"n_clusters": 4, "seed": 3}),
        ("photograph", {"channel_axis": -1, "color_space": "lab"}, {"init": "random"}),
        ("floats", {"channel_axis": 0, "normalize": True}, {"n_clusters": 7, "tol": 0}),
        ("floats", {"smoothing": 1, "fit_scale": 0.5, "channel_axis": 0}, {"n_clusters": 3}),
        ("cell", {}, {"n_clusters": 6}),
    ],
)
def test_a_prepared_image_gives_what_segment_gives(
    image: str, how: dict[str, Any], run: dict[str, Any], photograph: np.ndarray
) -> None:
    images = {
        "photograph": photograph,
        "floats": np.random.default_rng(0).gamma(2, size=(4, 80, 90)),
        "cell": skimage.data.cell(),
    }
    prepared = prepare(images[image], **how)
    prepared.segment(3)  # an earlier run leaves no trace
    found, expected = prepared.segment(**run), segment(images[image], **how, **run)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.centroids, expected.centroids)
    assert found.inertia == expected.inertia
    assert found.parameters == expected.parameters


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
    lab = skimage.color.rgb2lab(skimage.util.img_as_float(image)).reshape(-1, 3)
    start = skimage.color.rgb2lab(skimage.util.img_as_float(init)[np.newaxis])[0]
    assert_same_clusters(found, image, plain_lloyd(lab, start))


def test_hsv_compares_colours_on_a_cone(photograph: np.ndarray) -> None:
    def cone(rgb: np.ndarray) -> np.ndarray:
        hue, saturation, value = np.moveaxis(skimage.color.rgb2hsv(rgb), -1, 0)
        angle = 2 * np.pi * hue
        chroma = saturation * value
        return np.stack([chroma * np.cos(angle), chroma * np.sin(angle), value], axis=-1)

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


def test_fit_scale_takes_a_long_row_of_pixels() -> None:
    """A list of pixels, as they come out of a table: memory grows with it, not with its square."""
    image = np.repeat(np.array([3, 9], np.uint8), 150_000)
    found = segment(image, 2, fit_scale=0.5)
    np.testing.assert_array_equal(found.labels, np.repeat([1, 2], 150_000))

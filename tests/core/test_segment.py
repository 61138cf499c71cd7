"""What `segment` gives, and what each of its arguments does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skimage.data

from napari_kmeans_seg import __version__, prepare, segment

from .spaces import CONVERTED


@pytest.fixture
def photograph() -> np.ndarray:
    return skimage.data.coffee()[::2, ::2].copy()


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


@pytest.mark.parametrize("color_space", ["rgb", *CONVERTED])
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


def test_merged_clusters_are_one_in_all_that_is_reported(photograph: np.ndarray) -> None:
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
    # Added up by points or bins there, and by pixels here.
    np.testing.assert_allclose(again.inertia, found.inertia, rtol=1e-13)


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


def test_a_result_that_is_changed_changes_no_later_one(photograph: np.ndarray) -> None:
    prepared = prepare(photograph, channel_axis=-1)
    expected = prepared.segment(3)
    for changed in (prepared.segment(3), prepared.classify(expected.centroids)):
        changed.parameters["smoothing"][0] = 5.0
        changed.parameters["channel_weights"][0] = 9.0
        for array in (changed.labels, changed.centroids, changed.counts, changed.model.centroids):
            array[:] = 1
    found = prepared.segment(3)
    assert found.parameters == expected.parameters
    assert found.model.smoothing == expected.model.smoothing
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.centroids, expected.centroids)
    np.testing.assert_array_equal(found.model.centroids, expected.model.centroids)

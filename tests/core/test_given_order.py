"""Labels that stay what the caller made them: given starts in order, and given centroids."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
import skimage.color
import skimage.data

from napari_kmeans_seg import prepare

# Red, dark, white and brown of the coffee cup: not by brightness.
COLOURS = np.array([[180, 60, 20], [20, 10, 10], [240, 230, 220], [110, 50, 20]])


@pytest.fixture
def photograph() -> np.ndarray:
    return skimage.data.coffee()[::3, ::3].copy()


def squares(image: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    pixels = image.reshape(-1, image.shape[-1]).astype(np.float64)
    return ((pixels[:, np.newaxis] - centroids) ** 2).sum(axis=2)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_label_i_is_what_became_of_row_i(photograph: np.ndarray, dtype: type[np.generic]) -> None:
    prepared = prepare(photograph.astype(dtype), channel_axis=-1)
    by_brightness = prepared.segment(4, init=COLOURS, tol=0, max_iter=1000)
    kept = prepared.segment(4, init=COLOURS, tol=0, max_iter=1000, keep_order=True)
    order = np.argsort(kept.centroids.mean(axis=1))
    assert order.tolist() != [0, 1, 2, 3], "the start is not in the order of brightness"
    np.testing.assert_array_equal(np.argsort(order)[kept.labels - 1] + 1, by_brightness.labels)
    np.testing.assert_array_equal(kept.centroids[order], by_brightness.centroids)
    np.testing.assert_array_equal(kept.counts[order], by_brightness.counts)


def test_names_of_starts_keep_the_order_of_brightness(photograph: np.ndarray) -> None:
    prepared = prepare(photograph, channel_axis=-1)
    found = prepared.segment(4, init="random", keep_order=True)
    assert (np.diff(found.centroids.mean(axis=1)) > 0).all()


@pytest.mark.parametrize("lazy", [False, True])
def test_given_centroids_label_the_pixels_nearest_to_them(
    photograph: np.ndarray, lazy: bool
) -> None:
    image: Any = da.from_array(photograph, chunks=(50, 60, 3)) if lazy else photograph
    found = prepare(image, channel_axis=-1).classify(COLOURS)
    distances = squares(photograph, COLOURS)
    labels = np.asarray(found.labels).ravel()
    np.testing.assert_array_equal(labels, distances.argmin(axis=1) + 1)
    np.testing.assert_array_equal(found.counts, np.bincount(labels, minlength=5)[1:])
    np.testing.assert_allclose(found.inertia, distances.min(axis=1).sum(), rtol=1e-12)


def test_given_centroids_are_compared_in_the_colour_space(photograph: np.ndarray) -> None:
    colours = COLOURS.astype(np.uint8)
    found = prepare(photograph, channel_axis=-1, color_space="lab").classify(colours)
    lab, start = skimage.color.rgb2lab(photograph), skimage.color.rgb2lab(colours[np.newaxis])[0]
    np.testing.assert_array_equal(found.labels.ravel(), squares(lab, start).argmin(axis=1) + 1)


def test_a_given_centroid_without_pixels_counts_none(photograph: np.ndarray) -> None:
    far = np.vstack([COLOURS, [[-5000, 0, 0]]])
    found = prepare(photograph, channel_axis=-1).classify(far)
    assert found.counts[4] == 0
    assert found.n_clusters == 5
    assert np.isnan(found.centroids[4]).all()


@pytest.mark.parametrize("centroids", [[[1, 2]], [1, 2, 3], [[1, 2, np.nan]], [["a", "b", "c"]]])
def test_given_centroids_that_are_none(photograph: np.ndarray, centroids: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="takes"):
        prepare(photograph, channel_axis=-1).classify(centroids)


def test_pixels_that_are_not_finite_are_reported_and_left_out_of_given_clusters() -> None:
    image = np.array([[0.1, np.nan, 0.9], [np.inf, 0.8, 0.2]])
    with pytest.warns(UserWarning, match="2 pixels are NaN or infinite and were left out"):
        found = prepare(image).classify([[0], [1]])
    assert found.labels.tolist() == [[1, 0, 2], [0, 2, 1]]
    assert found.warnings == ("2 pixels are NaN or infinite and were left out (label 0).",)


@pytest.mark.filterwarnings("ignore:The image has 2 distinct values")
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("rows", "values", "labels"),
    [
        ([10, 60, 200], [10, 200], [1, 3]),
        ([60, 10, 200], [10, 200], [2, 3]),
        ([10, 12, 250], [12, 13], [1, 2]),
        ([10, 60, 200], [11, 62], [1, 2]),
        ([200, 0, 100, 50], [49, 101], [4, 3]),
    ],
)
def test_labels_are_those_of_their_rows_where_there_are_fewer_values(
    rows: list[int], values: list[int], labels: list[int], lazy: bool
) -> None:
    image: Any = np.array([values * 4] * 5, np.uint8)
    image = da.from_array(image, chunks=(2, 4)) if lazy else image
    init = np.array(rows, float)[:, np.newaxis]
    found = prepare(image).segment(len(rows), init=init, keep_order=True)
    np.testing.assert_array_equal(np.asarray(found.labels)[0], labels * 4)
    assert found.n_clusters == len(rows)
    np.testing.assert_array_equal(found.centroids[np.array(labels) - 1, 0], values)
    assert found.counts.tolist() == [20 * (i in labels) for i in range(1, len(rows) + 1)]
    assert sorted(found.to_dataframe()["label"]) == sorted(labels)
    again = found.model.predict(image)
    np.testing.assert_array_equal(np.asarray(again.labels), np.asarray(found.labels))
    np.testing.assert_array_equal(again.counts, found.counts)
    assert again.inertia == found.inertia == 0


@pytest.mark.filterwarnings("ignore:The image has")
def test_more_rows_than_can_be_matched_one_by_one_keep_their_order() -> None:
    image = np.arange(0, 4000, 2, dtype=np.uint16)
    found = prepare(image).segment(
        4000, init=np.arange(4000.0)[:, np.newaxis], keep_order=True, max_iter=1
    )
    np.testing.assert_array_equal(found.labels, image + 1)

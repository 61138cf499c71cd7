"""Pixels that are not finite, few distinct values and empty clusters are no errors."""

from __future__ import annotations

import warnings
from itertools import product
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
import skimage.data

from napari_kmeans_seg import choose_k, prepare, segment

from .. import plain

if TYPE_CHECKING:
    from collections.abc import Callable

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_pixels_that_are_not_finite_get_label_0_and_one_warning(
    dtype: type[np.floating], value: float
) -> None:
    image = np.random.default_rng(0).random((20, 20, 3)).astype(dtype)
    image[3, 4, 1] = image[5, 6, :] = value
    with pytest.warns(UserWarning, match="NaN or infinite") as caught:
        found = segment(image, 3, channel_axis=-1)
    assert len(caught) == 1
    assert found.warnings == (str(caught[0].message),)
    assert "2 pixels" in found.warnings[0]
    assert np.argwhere(found.labels == 0).tolist() == [[3, 4], [5, 6]]
    assert found.counts.sum() == 398
    assert np.isfinite(found.centroids).all()
    assert np.isfinite(found.image).all()


@pytest.mark.parametrize("arguments", [{"smoothing": 1.0}, {"fit_scale": 0.5}, {"normalize": True}])
def test_pixels_that_are_not_finite_spoil_no_others(arguments: dict[str, Any]) -> None:
    image = np.zeros((20, 20))
    image[:, 10:] = 1
    image[4, 4] = np.nan
    image[5, 15] = np.inf
    with pytest.warns(UserWarning, match="NaN or infinite"):
        found = segment(image, 2, **arguments)
    expected = np.where(image >= 0.5, 2, 1)
    expected[4, 4] = expected[5, 15] = 0
    np.testing.assert_array_equal(found.labels, expected)


@pytest.mark.parametrize("most", [4, 9])
def test_pixels_that_are_not_finite_are_reported_once_where_a_number_is_suggested(
    most: int,
) -> None:
    image = np.arange(6.0).repeat(5)
    image[2] = np.nan
    with pytest.warns(UserWarning, match="NaN or infinite|distinct values") as caught:
        curve = choose_k(image, range(2, most))
    assert curve.n_clusters[-1] == min(most - 1, 6)
    told = [str(one.message).split(".")[0] for one in caught]
    assert told[0] == "1 pixel is NaN or infinite and was left out (label 0)"
    assert ["distinct values" in one for one in told[1:]] == [True] * (most > 7)


def test_pixels_that_are_not_finite_get_label_0_and_one_warning_of_a_model() -> None:
    image = np.random.default_rng(0).random((20, 20))
    model = segment(image, 3).model
    image[3, 4], image[5, 6] = np.nan, np.inf
    with pytest.warns(UserWarning, match="2 pixels are NaN or infinite") as caught:
        found = model.predict(image)
    assert found.warnings == (str(caught[0].message),)
    assert np.argwhere(found.labels == 0).tolist() == [[3, 4], [5, 6]]


def test_not_finite_pixels_outside_the_mask_are_nobody_s_business() -> None:
    image = np.arange(12.0).reshape(3, 4)
    image[0, 0] = np.nan
    mask = np.ones((3, 4), bool)
    mask[0, 0] = False
    found = segment(image, 2, mask=mask)
    assert found.warnings == ()


def test_fewer_distinct_values_than_clusters_is_a_warning_and_as_many_clusters() -> None:
    image = np.array([[3, 3, 250], [8, 8, 3]], np.uint8)
    with pytest.warns(UserWarning, match=r"3 distinct values.*n_clusters=5.*3 clusters") as caught:
        found = segment(image)
    assert len(caught) == 1
    assert found.warnings == (str(caught[0].message),)
    assert found.n_clusters == 3
    np.testing.assert_array_equal(found.image, image)
    assert found.labels.tolist() == [[1, 1, 3], [2, 2, 1]]


@pytest.mark.parametrize("init", ["auto", "k-means++", "random", "array"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int64", "float32", "float64"])
def test_fewer_distinct_colours_than_clusters(dtype: str, init: str) -> None:
    colours = np.array([[0, 0, 1], [1, 0, 0], [1, 1, 1]]).astype(dtype)
    which = np.random.default_rng(0).integers(0, 3, (9, 9))
    start: Any = np.arange(21).reshape(7, 3) if init == "array" else init
    with pytest.warns(UserWarning, match="3 distinct values"):
        found = segment(colours[which], 7, channel_axis=-1, init=start)
    assert found.n_clusters == 3
    np.testing.assert_array_equal(found.image, colours[which])
    assert found.inertia == 0


@pytest.mark.parametrize("channel_axis", [None, -1])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "uint64", "float32", "float64"])
def test_a_constant_image_is_one_cluster(dtype: str, channel_axis: int | None) -> None:
    image = np.full((30, 20, 3), 1, dtype)
    with pytest.warns(UserWarning, match=r"1 distinct value,.*1 cluster\."):
        found = segment(image, 5, channel_axis=channel_axis)
    assert found.n_clusters == 1
    assert (found.labels == 1).all()
    np.testing.assert_array_equal(found.image, image)
    assert found.inertia == 0
    assert segment(image, 1, channel_axis=channel_axis).warnings == ()


@pytest.mark.parametrize("arguments", [{"normalize": True}, {"smoothing": 2}, {"fit_scale": 0.5}])
def test_a_constant_image_survives_every_argument(arguments: dict[str, Any]) -> None:
    found = segment(np.full((30, 20, 3), 0.1), 1, channel_axis=-1, **arguments)
    assert (found.labels == 1).all()
    np.testing.assert_allclose(found.centroids, 0.1)


@pytest.mark.parametrize("init", ["auto", "k-means++", "random"])
@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint32", "float64"])
def test_as_many_clusters_as_distinct_values_are_all_found(
    dtype: str, n_channels: int, init: str
) -> None:
    random = np.random.default_rng(2)
    values = np.unique(random.integers(0, 256, (40, n_channels)), axis=0).astype(dtype)
    image = values[random.permutation(np.arange(900) % len(values))].reshape(30, 30, n_channels)
    found = segment(image, len(values), channel_axis=-1, init=init, tol=0)
    assert found.n_clusters == len(values)
    assert found.warnings == ()
    np.testing.assert_array_equal(found.image, image)
    assert found.inertia == 0


def with_empty_clusters(image: str, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Give a photograph, and eight centroids of which some have no pixels at first."""
    picture = skimage.data.coffee()[::4, ::4]
    if image == "float64":
        picture = picture + np.random.default_rng(0).random(picture.shape)
    init = picture.reshape(-1, 3)[:: picture.size // 24][:8].astype(np.float64)
    if kind == "duplicates":
        init[4:] = init[:4]
    elif kind == "far away":
        init[2:] += 1e6
    else:
        init[:] = 128
    return picture, init


in_every_way = pytest.mark.parametrize(
    ("image", "kind"), [*product(["uint8", "float64"], ["duplicates", "far away", "one spot"])]
)


@in_every_way
def test_clusters_that_start_empty_are_seeded_anew(image: str, kind: str) -> None:
    picture, init = with_empty_clusters(image, kind)
    found = segment(picture, 8, channel_axis=-1, init=init, tol=0, max_iter=1000)
    assert found.n_clusters == 8
    assert found.counts.min() > 0
    assert found.converged
    pixels = picture.reshape(-1, 3).astype(np.float64)
    squares = ((pixels[:, np.newaxis] - found.centroids) ** 2).sum(axis=2)
    np.testing.assert_array_equal(found.labels.ravel() - 1, squares.argmin(axis=1))
    np.testing.assert_allclose(found.inertia, squares.min(axis=1).sum(), rtol=1e-12)
    plain = segment(picture, 8, channel_axis=-1, seed=0).inertia
    assert found.inertia < 1.5 * plain, "a minimum worth the name"


@in_every_way
def test_so_they_are_in_chunks(image: str, kind: str, dask_limits: Callable[..., None]) -> None:
    dask_limits(load_bytes=0, sample_values=500)
    picture, init = with_empty_clusters(image, kind)
    lazy = da.from_array(picture, chunks=(30, 40, 3))
    found = segment(lazy, 8, channel_axis=-1, init=init, tol=0, max_iter=1000)
    assert found.n_clusters == 8
    assert found.counts.min() > 0
    assert found.converged
    assert found.warnings == ()
    plain.assert_at_rest(found, plain.rows(picture))


@pytest.mark.parametrize("max_iter", [1, 2, 3])
def test_no_cluster_is_empty_even_after_few_iterations(max_iter: int) -> None:
    picture = skimage.data.coffee()[::4, ::4]
    init = np.full((20, 3), 1e4) + np.arange(20)[:, np.newaxis]
    init[0] = 0
    found = segment(picture, 20, channel_axis=-1, init=init, max_iter=max_iter)
    assert found.counts.min() > 0


def test_many_distinct_values_far_apart_are_as_many_clusters_as_asked() -> None:
    """However few bins they fall into."""
    random = np.random.default_rng(0)
    values = np.concatenate([random.random(45_000), 1e9 + 1e3 * random.random(1000)])
    found = segment(np.tile(values, 4), 5)
    assert found.warnings == ()
    assert found.n_clusters == 5
    assert found.counts.min() > 0


def test_values_that_differ_only_where_nothing_is_weighed_are_one_cluster() -> None:
    image = np.stack([np.repeat([5, 9, 200], 100), np.arange(300)]).astype(np.uint16)
    with pytest.warns(UserWarning, match="3 distinct values"):
        found = segment(image, 8, channel_axis=0, channel_weights=(1, 0))
    assert found.counts.tolist() == [100, 100, 100]


def test_init_far_outside_a_tiny_image() -> None:
    image = np.random.default_rng(0).random((9, 9)) * 1e-307
    found = segment(image, 2, init=[[-100.0], [100.0]])
    assert found.counts.min() > 0


def test_good_input_gives_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert segment(skimage.data.coffee(), channel_axis=-1).warnings == ()


def test_warnings_point_at_the_line_that_called() -> None:
    with pytest.warns(UserWarning, match="distinct") as caught:
        segment(GREY * 0, 2)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="distinct") as caught:
        prepare(GREY * 0).segment(2)
    assert caught[0].filename == __file__

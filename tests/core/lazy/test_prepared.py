"""A Dask array gets what the same NumPy array gets, block by block and when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
import skimage.data
import xarray as xr
from skimage.color import rgb2lab

from napari_kmeans_seg import segment

if TYPE_CHECKING:
    from collections.abc import Callable

COFFEE = skimage.data.coffee()
FLOATS = np.random.default_rng(0).gamma(2, size=(200, 300, 2))


@pytest.mark.parametrize(
    ("image", "chunks", "arguments"),
    [
        (COFFEE, (100, 150, 3), {"channel_axis": -1}),
        (COFFEE, (170, 600, 1), {"channel_axis": -1}),
        (np.moveaxis(COFFEE, -1, 0), (3, 77, 600), {"channel_axis": 0}),
        (skimage.data.cell(), (100, 100), {}),
        (skimage.data.cell().astype(np.uint16) * 99, (660, 60), {"n_clusters": 9}),
        (FLOATS, (64, 100, 2), {"channel_axis": -1}),
        (COFFEE, (100, 150, 3), {"channel_axis": -1, "mask": COFFEE[..., 0] > 90}),
        (COFFEE, (100, 150, 3), {"channel_axis": -1, "color_space": "lab"}),
        (COFFEE, (100, 150, 3), {"channel_axis": -1, "normalize": True, "n_init": 2}),
    ],
    ids=str,
)
def test_labels_centroids_and_counts_are_those_of_the_array_in_memory(
    image: np.ndarray, chunks: tuple[int, ...], arguments: dict[str, Any]
) -> None:
    expected = segment(image, **arguments)
    found = segment(da.from_array(image, chunks=chunks), **arguments)
    assert isinstance(found.labels, da.Array)
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)
    np.testing.assert_allclose(found.centroids, expected.centroids, rtol=1e-12)
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_allclose(found.inertia, expected.inertia, rtol=1e-12)
    painted = np.asarray(found.image)
    assert painted.dtype == image.dtype
    np.testing.assert_allclose(painted, expected.image, rtol=1e-12)


def test_a_copy_is_fitted_as_in_memory_or_chunk_by_chunk(dask_limits: Callable[..., None]) -> None:
    lazy = da.from_array(COFFEE, chunks=(100, 150, 3))
    expected = segment(COFFEE, 5, channel_axis=-1, fit_scale=0.5)
    found = segment(lazy, 5, channel_axis=-1, fit_scale=0.5)
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)
    dask_limits(load_bytes=0)
    found = segment(lazy, 5, channel_axis=-1, fit_scale=0.5)
    labels = found.labels.compute()
    np.testing.assert_array_equal(np.bincount(labels.ravel()), [0, *found.counts])
    assert (labels == expected.labels).mean() > 0.97, "the copies differ at the edges of blocks"


def test_alpha_of_a_lazy_image_is_kept_and_transparent_pixels_take_no_part() -> None:
    image = np.dstack([COFFEE, np.full(COFFEE.shape[:2], 200, np.uint8)])
    image[:120, :200, 3] = 0
    expected = segment(image, 4, channel_axis=-1)
    found = segment(da.from_array(image, chunks=(100, 150, 4)), 4, channel_axis=-1)
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)
    np.testing.assert_array_equal(found.image.compute(), expected.image)
    assert not found.labels[:120, :200].any().compute()


def test_the_mask_may_be_lazy_and_in_other_chunks() -> None:
    mask = COFFEE[..., 0] > 90
    expected = segment(COFFEE, 4, channel_axis=-1, mask=mask)
    found = segment(
        da.from_array(COFFEE, chunks=(100, 150, 3)),
        4,
        channel_axis=-1,
        mask=da.from_array(mask, chunks=(77, 300)),
    )
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)
    np.testing.assert_array_equal(found.counts, expected.counts)


# What no table can count: floats, three channels of 16 bits, NaN and a mask on top.
HOLED = np.where(FLOATS > 9, np.nan, FLOATS)
DEEP = skimage.data.immunohistochemistry()[:300, :400].astype(np.uint16) * 200
DEEP += np.random.default_rng(1).integers(0, 200, DEEP.shape, np.uint16)
CASES = [
    (FLOATS[..., 0], {}),
    (FLOATS, {"channel_axis": -1}),
    (FLOATS / 20, {"channel_axis": -1, "mask": FLOATS[..., 0] > 0.5}),
    (DEEP, {"channel_axis": -1}),
    (DEEP, {"channel_axis": -1, "color_space": "lab"}),
]


@pytest.mark.parametrize(("image", "arguments"), CASES, ids=["1", "2", "masked", "16", "lab"])
def test_an_image_that_fits_into_memory_gets_the_very_same_result(
    image: np.ndarray, arguments: dict[str, Any]
) -> None:
    expected = segment(image, 4, **arguments)
    found = segment(da.from_array(image, chunks=(64, 100, *image.shape[2:])), 4, **arguments)
    np.testing.assert_array_equal(found.centroids, expected.centroids)
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)
    np.testing.assert_array_equal(found.counts, expected.counts)
    assert found.inertia == expected.inertia
    assert found.warnings == ()
    assert found._pixels.n_pixels == 1, "the image itself is not kept"


@pytest.mark.parametrize(("image", "arguments"), CASES, ids=["1", "2", "masked", "16", "lab"])
def test_of_a_larger_one_the_iterations_go_over_all_chunks_to_a_fixed_point_of_all_pixels(
    image: np.ndarray, arguments: dict[str, Any], dask_limits: Callable[..., None]
) -> None:
    dask_limits(load_bytes=0, sample_values=20_000)
    lazy = da.from_array(image, chunks=(64, 100, *image.shape[2:]))
    # The best of some starts: any one may end in another optimum.
    found = segment(lazy, 4, tol=0, n_init=5, **arguments)
    assert found.converged
    assert found.warnings == ()
    # No pixel is nearer to the mean of another cluster than to that of its own.
    features = image.astype(np.float64)
    if arguments.get("color_space") == "lab":
        features = rgb2lab(features / np.iinfo(image.dtype).max)
    labels = found.labels.compute()
    features, inside = features.reshape(labels.size, -1), labels.ravel() > 0
    means = np.stack([features[labels.ravel() == i].mean(axis=0) for i in range(1, 5)])
    squares = ((features[inside, np.newaxis] - means) ** 2).sum(axis=-1)
    own = squares[np.arange(len(squares)), labels.ravel()[inside] - 1]
    assert (own - squares.min(axis=1) <= 1e-9 * np.ptp(means) ** 2).all()
    np.testing.assert_array_equal(np.bincount(labels.ravel())[-4:], found.counts)
    colors = image.reshape(labels.size, -1)
    means = [colors[labels.ravel() == i].mean(axis=0, dtype=np.float64) for i in range(1, 5)]
    np.testing.assert_allclose(found.centroids, means, rtol=1e-9)
    assert found.inertia == pytest.approx(own.sum(), rel=1e-5)
    # Of the fixed points that lie side by side it may be another than in memory.
    usual = segment(image, 4, tol=0, n_init=5, **arguments)
    assert found.inertia == pytest.approx(usual.inertia, rel=1e-4)
    assert (labels == usual.labels).mean() > 0.99


@pytest.mark.parametrize("spread", [1, 300])
def test_clusters_that_stand_apart_are_the_same_as_in_memory_to_the_last_pixel(
    spread: int, dask_limits: Callable[..., None]
) -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 4, (300, 200))
    means = rng.uniform(5_000, 60_000, (4, 3))
    image = (means[truth] + rng.normal(0, spread, (*truth.shape, 3))).astype(np.uint16)
    expected = segment(image, 4, channel_axis=-1)
    dask_limits(load_bytes=0, sample_values=5_000)
    found = segment(da.from_array(image, chunks=(90, 70, 3)), 4, channel_axis=-1)
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_allclose(found.centroids, expected.centroids, rtol=1e-12)


@pytest.mark.parametrize("image", [FLOATS, COFFEE], ids=["floats", "uint8"])
def test_without_tolerance_every_chunk_of_a_huge_image_is_asked(
    image: np.ndarray, dask_limits: Callable[..., None]
) -> None:
    dask_limits(load_bytes=0, fit_pixels=0, sample_values=20_000, exact_pixels=0)
    lazy = da.from_array(image, chunks=(64, 100, image.shape[-1]))
    with pytest.warns(UserWarning, match="Fitted on"):
        segment(lazy, 4, channel_axis=-1)
    found = segment(lazy, 4, channel_axis=-1, tol=0)
    assert found.warnings == ()
    rest = segment(image, 4, init=found.centroids, channel_axis=-1, tol=0)
    np.testing.assert_array_equal(found.labels.compute(), rest.labels)
    np.testing.assert_array_equal(found.counts, rest.counts)


def test_with_the_usual_tolerance_few_iterations_over_the_chunks_are_enough(
    dask_limits: Callable[..., None],
) -> None:
    dask_limits(load_bytes=0, sample_values=20_000)
    found = segment(da.from_array(DEEP, chunks=(64, 100, 3)), 4, channel_axis=-1)
    expected = segment(DEEP, 4, channel_axis=-1)
    assert found.converged
    assert found.n_iter < 5
    assert (found.labels.compute() == expected.labels).mean() > 0.95
    assert found.inertia == pytest.approx(expected.inertia, rel=1e-3)


def test_pixels_that_are_not_finite_are_left_out_of_every_pass(
    dask_limits: Callable[..., None],
) -> None:
    dask_limits(load_bytes=0, sample_values=20_000)
    n_left_out = int(np.isnan(HOLED).any(axis=-1).sum())
    with pytest.warns(UserWarning, match=f"{n_left_out} pixels are NaN"):
        found = segment(da.from_array(HOLED, chunks=(64, 100, 2)), 3, channel_axis=-1, tol=0)
    with pytest.warns(UserWarning, match=f"{n_left_out} pixels are NaN"):
        rest = segment(HOLED, 3, channel_axis=-1, tol=0, init=found.centroids)
    np.testing.assert_array_equal(found.labels.compute(), rest.labels)
    np.testing.assert_array_equal(found.counts, rest.counts)


def test_where_only_a_sample_is_fitted_it_is_said_and_counts_are_those_of_all(
    dask_limits: Callable[..., None],
) -> None:
    dask_limits(load_bytes=0, sample_values=FLOATS[..., 0].size // 4, exact_pixels=0)
    mask = np.zeros(FLOATS.shape[:2], bool)
    mask[40:190, 20:250] = True
    lazy = da.from_array(FLOATS, chunks=(64, 100, 2))
    with pytest.warns(UserWarning, match="sample of .* scaled up to the whole"):
        found = segment(lazy, 3, channel_axis=-1, mask=mask)
    labels = found.labels.compute()
    np.testing.assert_array_equal(labels > 0, mask)
    assert abs(found.counts.sum() - mask.sum()) <= 3, "as many as take part, but for rounding"
    np.testing.assert_allclose(found.counts, np.bincount(labels.ravel())[1:], rtol=0.05)
    expected = segment(FLOATS, 3, channel_axis=-1, mask=mask)
    assert found.inertia == pytest.approx(expected.inertia, rel=0.05)


def test_float_colours_that_are_none_are_refused(dask_limits: Callable[..., None]) -> None:
    dask_limits(load_bytes=0)
    image = da.from_array(np.full((40, 40, 3), 7.0), chunks=(20, 20, 3))
    with pytest.raises(ValueError, match="float RGB between 0 and 1; got values from 7 to 7"):
        segment(image, 2, channel_axis=-1, color_space="lab")


NEIGHBOURS: list[dict[str, Any]] = [
    {"smoothing": 1.5},
    {"smoothing": (0, 2), "fit_scale": 0.5},
    {"spatial_weight": 0.5, "mask": COFFEE[..., 0] > 90},
]


@pytest.mark.parametrize("arguments", NEIGHBOURS, ids=["smoothing", "copy", "position"])
def test_with_smoothing_or_position_the_result_is_that_of_the_array_in_memory(
    arguments: dict[str, Any],
) -> None:
    expected = segment(COFFEE, 4, channel_axis=-1, **arguments)
    found = segment(da.from_array(COFFEE, chunks=(90, 170, 3)), 4, channel_axis=-1, **arguments)
    assert isinstance(found.labels, np.ndarray)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.centroids, expected.centroids)
    np.testing.assert_array_equal(found.image, expected.image)


@pytest.mark.parametrize("arguments", [{"smoothing": 1.0}, {"spatial_weight": 0.5}], ids=str)
def test_smoothing_and_position_are_refused_where_they_would_take_too_much_memory(
    arguments: dict[str, Any],
) -> None:
    image = da.zeros((1 << 14, 1 << 14), chunks=1 << 12, dtype=np.uint8)
    with pytest.raises(ValueError, match=r"more than 67,108,864 values, .* got 268,435,456"):
        segment(image, 2, **arguments)


@pytest.mark.parametrize("is_lazy", [False, True])
def test_an_array_that_may_hold_a_lazy_one_is_read_as_what_it_holds(is_lazy: bool) -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    held = da.from_array(image, chunks=(20, 20, 3)) if is_lazy else image
    found = segment(xr.DataArray(held), 3, channel_axis=-1)
    assert isinstance(found.labels, da.Array) == is_lazy
    np.testing.assert_array_equal(found.labels, segment(image, 3, channel_axis=-1).labels)


def test_noise_gets_the_clusters_that_it_gets_in_memory():
    """Its colours are counted chunk by chunk, but in memory they would not be."""
    image = np.random.default_rng(0).integers(0, 256, (750, 750, 3), dtype=np.uint8)
    stages = []

    found = segment(
        da.from_array(image, chunks=(300, 300, 3)),
        6,
        channel_axis=-1,
        progress=lambda fraction, _: stages.append(fraction),
    )

    expected = segment(image, 6, channel_axis=-1)
    np.testing.assert_array_equal(found.centroids, expected.centroids)
    np.testing.assert_array_equal(np.asarray(found.labels), expected.labels)
    assert stages == sorted(stages)

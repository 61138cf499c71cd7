"""A model tells what it was fitted on, labels that image as the fit did, and others alike."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
import skimage.data
from skimage.color import rgb2lab

from napari_kmeans_seg import KMeansModel, segment

if TYPE_CHECKING:
    from pathlib import Path

VARIANTS: list[dict[str, Any]] = [
    {},
    {"color_space": "lab"},
    {"color_space": "hsv", "normalize": True},
    {"smoothing": (1, 2.5)},
    {"smoothing": 3, "color_space": "lab"},
    {"spatial_weight": 0.7},
    {"spatial_weight": 0.3, "smoothing": 1, "color_space": "hsv"},
    {"fit_scale": 0.3},
    {"channel_weights": (1, 0, 3)},
    {"tol": 0.0, "init": "random"},
    {"n_clusters": 40},
]


@pytest.fixture
def photograph() -> np.ndarray:
    return skimage.data.coffee()[::3, ::3].copy()


@pytest.fixture
def region(photograph: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(photograph.shape[:2])
    return (rows - 60) ** 2 + (columns - 90) ** 2 < 55**2


# -- centroids that can be read ---------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_centroids_are_values_of_the_image(photograph: np.ndarray, variant: dict[str, Any]) -> None:
    found = segment(photograph, **{"n_clusters": 5, "channel_axis": -1} | variant)
    np.testing.assert_array_equal(found.model.centroids, found.centroids)
    means = np.stack([photograph[found.labels == i].mean(axis=0) for i in range(1, 6)])
    np.testing.assert_allclose(found.model.centroids[:5], means[: found.n_clusters], rtol=1e-9)


def test_those_of_the_colour_space_have_a_name_of_their_own(photograph: np.ndarray) -> None:
    found = segment(photograph, 4, channel_axis=-1, color_space="lab", tol=0.0)
    lab = rgb2lab(photograph)
    means = np.stack([lab[found.labels == i].mean(axis=0) for i in range(1, 5)])
    np.testing.assert_allclose(found.model.color_centroids, means, atol=1e-3)
    plain = segment(photograph, 4, channel_axis=-1, channel_weights=(2, 1, 0.5), tol=0.0)
    np.testing.assert_allclose(plain.model.color_centroids, plain.centroids, rtol=1e-9)


def test_a_model_of_values_at_the_edge_of_float64_has_centroids_in_their_units() -> None:
    found = segment(np.array([1e-300, 2e-300, 9e-300, 8e-300]), 2)
    np.testing.assert_allclose(found.model.centroids[:, 0], [1.5e-300, 8.5e-300])
    np.testing.assert_allclose(found.model.color_centroids[:, 0], [1.5e-300, 8.5e-300])


# -- what was fitted --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "uint64", "float16", "float32"])
@pytest.mark.parametrize("is_lazy", [False, True])
def test_a_model_knows_the_dtype_and_range_that_were_fitted(dtype: str, *, is_lazy: bool) -> None:
    values = np.random.default_rng(0).integers(0, 2, (30, 40)).astype(dtype)
    values[0, 0], values[0, 1] = 1, 0
    if dtype != "bool":
        values[0, 0] = 100
    image = da.from_array(values, chunks=16) if is_lazy else values
    kind = segment(image, 2).model.values
    assert kind is not None
    assert (kind.dtype, kind.low, kind.high) == (np.dtype(dtype), 0, 1 if dtype == "bool" else 100)


def test_the_range_is_that_of_the_pixels_that_take_part(region: np.ndarray) -> None:
    for smoothing in (0, 2):
        image = np.where(region, 50, 200).astype(np.uint8)
        image[60, 90] = 60
        values = segment(image, 2, mask=region, smoothing=smoothing).model.values
        assert values is not None
        assert (values.low, values.high) == (50, 60)


def test_a_model_knows_the_kind_of_image(photograph: np.ndarray) -> None:
    assert segment(photograph[..., 0], 2).model.kind == "grey"
    assert segment(photograph, 2, channel_axis=-1).model.kind == "RGB"
    planes = np.moveaxis(photograph, -1, 0)
    assert segment(planes, 2, channel_axis=0).model.kind == "channels"
    named = segment(photograph, 2, channel_axis=-1, channel_names=("DAPI", "GFP", "RFP"))
    assert (named.model.kind, named.model.channel_names) == ("channels", ("DAPI", "GFP", "RFP"))
    assert list(named.to_dataframe().columns[3:]) == ["mean_DAPI", "mean_GFP", "mean_RFP"]


def test_channels_in_another_order_are_refused(tmp_path: Path, photograph: np.ndarray) -> None:
    found = segment(photograph, 2, channel_axis=-1, channel_names=("DAPI", "GFP", "RFP"))
    found.model.save(tmp_path / "m.json")
    model = KMeansModel.load(tmp_path / "m.json")
    again = model.predict(photograph, channel_names=["DAPI", "GFP", "RFP"])
    np.testing.assert_array_equal(again.labels, found.labels)
    with pytest.raises(ValueError, match="channel_names takes those of the model, DAPI, GFP, RFP"):
        model.predict(photograph, channel_names=["GFP", "DAPI", "RFP"])
    with pytest.raises(ValueError, match="one name per channel"):
        segment(photograph, 2, channel_axis=-1, channel_names=["DAPI"])


@pytest.mark.parametrize("factor", [257, 16])
@pytest.mark.parametrize("k", [2, 6])
@pytest.mark.parametrize("name", ["coffee", "astronaut", "camera", "cell", "chelsea", "moon"])
def test_the_same_picture_in_16_bits_is_reported(name: str, factor: int, k: int) -> None:
    image = getattr(skimage.data, name)()[::4, ::4]
    model = segment(image, k, channel_axis=-1 if image.ndim == 3 else None).model
    with pytest.warns(UserWarning, match=r"\(uint16\) are of another kind than those") as caught:
        found = model.predict(image.astype(np.uint16) * factor)
    assert len(caught) == len(found.warnings) == 1
    assert ("rescale=True" in found.warnings[0]) == (factor == 257)


def test_twelve_bits_in_sixteen_are_reported_in_lab(photograph: np.ndarray) -> None:
    model = segment(photograph, 4, channel_axis=-1, color_space="lab").model
    assert not model.predict(photograph.astype(np.uint16) * 257).warnings
    with pytest.warns(UserWarning, match="another kind"):
        model.predict(photograph.astype(np.uint16) * 16)


@pytest.mark.parametrize("color_space", ["rgb", "lab"])
@pytest.mark.parametrize("is_lazy", [False, True])
def test_rescaled_values_of_16_bits_get_the_labels_of_8(
    photograph: np.ndarray, color_space: str, *, is_lazy: bool
) -> None:
    fit = segment(photograph, 6, channel_axis=-1, color_space=color_space)
    wide = photograph.astype(np.uint16) * 257
    given = da.from_array(wide, chunks=(50, 50, 3)) if is_lazy else wide
    found = fit.model.predict(given, rescale=True)
    np.testing.assert_array_equal(np.asarray(found.labels), fit.labels)
    np.testing.assert_allclose(found.centroids, 257 * fit.centroids, rtol=1e-12)
    assert found.image.dtype == np.uint16
    wide_fit = segment(wide, 6, channel_axis=-1, color_space=color_space)
    given = da.from_array(photograph, chunks=(50, 50, 3)) if is_lazy else photograph
    found = wide_fit.model.predict(given, rescale=True)
    np.testing.assert_array_equal(np.asarray(found.labels), wide_fit.labels)
    np.testing.assert_allclose(found.centroids, wide_fit.centroids / 257, rtol=1e-12)


def test_rescale_names_what_it_takes(tmp_path: Path, photograph: np.ndarray) -> None:
    model = segment(photograph, 2, channel_axis=-1).model
    for other in (photograph / 255, photograph.astype(np.int16)):
        with pytest.raises(TypeError, match="rescale=True takes an image of uint8, uint16, uint32"):
            model.predict(other, rescale=True)
    with pytest.raises(TypeError, match="rescale takes True or False"):
        model.predict(photograph, rescale="yes")
    with pytest.raises(ValueError, match="rescale takes False for a model whose file"):
        KMeansModel.load(of_schema_1(tmp_path, model)).predict(photograph, rescale=True)


def test_other_dtypes_of_the_same_numbers_get_the_same_labels(photograph: np.ndarray) -> None:
    for image, axis in ((photograph, -1), (photograph[..., 0], None)):
        fit = segment(image, 5, channel_axis=axis)
        for dtype in ("int16", "uint16", "int64", "uint64", "float16", "float32", "float64"):
            found = fit.model.predict(image.astype(dtype))
            np.testing.assert_array_equal(found.labels, fit.labels)
            assert not found.warnings


# -- files ------------------------------------------------------------------------------


def of_schema_1(folder: Path, model: KMeansModel) -> Path:
    """Write a model as the first schema had it."""
    path = folder / "first.json"
    model.save(path)
    document = json.loads(path.read_text())
    document |= {"schema": 1, "centroids": document["feature_centroids"]}
    of_2 = ("feature_centroids", "values", "channel_names", "edits", "names", "colors", "adapt")
    for name in of_2:
        del document[name]
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("variant", VARIANTS[:6], ids=str)
def test_a_file_of_the_first_schema_labels_as_before(
    tmp_path: Path, photograph: np.ndarray, variant: dict[str, Any]
) -> None:
    found = segment(photograph, 5, channel_axis=-1, tol=0.0, **variant)
    model = KMeansModel.load(of_schema_1(tmp_path, found.model))
    np.testing.assert_array_equal(model.predict(photograph).labels, found.labels)
    assert model.values is None
    if not variant:
        np.testing.assert_allclose(model.centroids, found.centroids, rtol=1e-12)


# -- the image that was fitted ----------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("masked", [False, True])
def test_the_image_that_was_fitted_gets_the_labels_of_the_fit(
    tmp_path: Path,
    photograph: np.ndarray,
    region: np.ndarray,
    variant: dict[str, Any],
    *,
    masked: bool,
) -> None:
    mask = region if masked else None
    found = segment(photograph, **{"n_clusters": 5, "channel_axis": -1, "mask": mask} | variant)
    merged = found.merge((1, 4), (3, found.n_clusters)).merge((1, 2))
    for fit in (found, merged):
        fit.model.save(tmp_path / "m.json")
        for model in (fit.model, KMeansModel.load(tmp_path / "m.json")):
            again = model.predict(photograph, mask=mask)
            assert again.labels.dtype == fit.labels.dtype
            np.testing.assert_array_equal(again.labels, fit.labels)
            np.testing.assert_array_equal(again.counts, fit.counts)
            np.testing.assert_allclose(again.centroids, fit.centroids, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int64", "float32", "float64"])
@pytest.mark.parametrize("n_channels", [1, 3, 5])
def test_so_does_an_image_of_any_dtype_with_pixels_that_are_not_finite(
    dtype: str, n_channels: int
) -> None:
    values = np.random.default_rng(1).normal(100, 20, (40, 50, n_channels)).clip(0, 255)
    image = values.astype(dtype)
    note = None
    if image.dtype.kind == "f":
        image[3, 4] = np.nan
        note = "1 pixel is NaN"
    for variant in ({}, {"normalize": True}, {"smoothing": 1.0}, {"spatial_weight": 0.5}):
        arguments: dict[str, Any] = {"n_clusters": 4, "channel_axis": -1} | variant
        if note:
            with pytest.warns(UserWarning, match=note):
                fit = segment(image, **arguments)
            with pytest.warns(UserWarning, match=note):
                again = fit.model.predict(image)
        else:
            fit = segment(image, **arguments)
            again = fit.model.predict(image)
        np.testing.assert_array_equal(again.labels, fit.labels)


@pytest.mark.parametrize("variant", [VARIANTS[0], VARIANTS[1], VARIANTS[8]], ids=str)
def test_chunks_and_single_pixels_get_the_labels_that_they_have_in_the_image(
    photograph: np.ndarray, variant: dict[str, Any]
) -> None:
    found = segment(photograph, 5, channel_axis=-1, **variant)
    for part in (np.s_[:40, 100:], np.s_[130:, :], np.s_[60:61, 90:91], np.s_[0:1, 0:1]):
        np.testing.assert_array_equal(
            found.model.predict(photograph[part]).labels, found.labels[part]
        )


# -- lazy arrays ------------------------------------------------------------------------


class Reads:
    """Counts how often chunks of an image are read."""

    def __init__(self, image: np.ndarray, chunks: tuple[int, ...]) -> None:
        self.n = 0

        def read(block: np.ndarray) -> np.ndarray:
            self.n += 1
            return block

        lazy = da.from_array(image, chunks=chunks)
        self.image = lazy.map_blocks(read, dtype=image.dtype, meta=np.empty((0, 0, 0), image.dtype))


def test_predict_of_a_dask_array_reads_nothing_until_it_is_asked(photograph: np.ndarray) -> None:
    fit = segment(photograph, 5, channel_axis=-1)
    reads = Reads(photograph, (50, 60, 3))
    found = fit.model.predict(reads.image)
    assert isinstance(found.labels, da.Array)
    assert (found.n_clusters, found.labels.shape, found.labels.dtype) == (5, (134, 200), np.uint8)
    assert isinstance(found.image, da.Array) or reads.n
    assert reads.n <= found.labels.npartitions
    before = reads.n
    np.testing.assert_array_equal(found.counts, fit.counts)
    np.testing.assert_allclose(found.centroids, fit.centroids, rtol=1e-12)
    assert found.inertia == pytest.approx(fit.model.predict(photograph).inertia)
    found.to_dataframe()
    assert reads.n - before <= found.labels.npartitions
    np.testing.assert_array_equal(found.labels.compute(), fit.labels)
    np.testing.assert_array_equal(np.asarray(found.image), fit.image)


def test_a_merged_model_labels_a_dask_array_alike(
    photograph: np.ndarray, region: np.ndarray
) -> None:
    fit = segment(photograph, 6, channel_axis=-1, mask=region).merge((1, 5), (2, 3))
    lazy = da.from_array(photograph, chunks=(50, 60, 3))
    found = fit.model.predict(lazy, mask=da.from_array(region, chunks=40))
    np.testing.assert_array_equal(found.labels.compute(), fit.labels)
    np.testing.assert_array_equal(found.counts, fit.counts)
    again = found.merge((1, 2))
    np.testing.assert_array_equal(again.labels.compute(), fit.merge((1, 2)).labels)
    np.testing.assert_array_equal(found.mask(1).compute(), fit.mask(1))


@pytest.mark.parametrize("variant", [{"smoothing": 2}, {"spatial_weight": 0.4}], ids=str)
def test_where_places_count_a_dask_array_is_read(
    photograph: np.ndarray, variant: dict[str, Any]
) -> None:
    fit = segment(photograph, 5, channel_axis=-1, **variant)
    found = fit.model.predict(da.from_array(photograph, chunks=(50, 60, 3)))
    np.testing.assert_array_equal(found.labels, fit.labels)


def test_a_dask_array_of_another_kind_is_known_by_its_dtype_or_refused(
    photograph: np.ndarray,
) -> None:
    model = segment(photograph, 3, channel_axis=-1).model
    wide = da.from_array(photograph.astype(np.uint16) * 257, chunks=60)
    with pytest.warns(UserWarning, match="lazy image is not read to see .* rescale=True"):
        found = model.predict(wide)
    assert len(found.warnings) == 1
    with pytest.raises(ValueError, match="image takes 3 channel"):
        model.predict(da.zeros((20, 20, 5), dtype=np.uint8))


@pytest.mark.parametrize(
    ("axis", "shape", "said"),
    [
        (-1, (4, 5, 3), r"takes 2 channel\(s\) along axis -1, .* got 3, where axis 2 of its 3"),
        (0, (4, 5, 2), r"takes 2 channel\(s\) along axis -3, .* got 4, where axis 0 of its 3"),
    ],
)
def test_an_image_of_other_channels_is_told_which_axis_they_were_read_from(
    axis: int, shape: tuple[int, ...], said: str
) -> None:
    two = np.moveaxis(np.arange(40.0).reshape(4, 5, 2), -1, axis)
    model = segment(two, 2, channel_axis=axis).model
    for image in (np.zeros(shape), da.zeros(shape)):
        with pytest.raises(ValueError, match=said):
            model.predict(image)

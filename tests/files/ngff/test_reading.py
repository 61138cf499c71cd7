"""OME-Zarr images are read as they say that they are, chunk by chunk."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
import skimage.data

from napari_kmeans_seg import KMeansModel, choose_k, prepare, segment
from napari_kmeans_seg.files.base.pyramid import chunks_of
from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.limits import check_size
from napari_kmeans_seg.files.pixel_size import pixel_size

from .stores import VERSIONS, multiscales, omero, write_array, write_group, write_image

if TYPE_CHECKING:
    from pathlib import Path

both = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
def tissue() -> np.ndarray:
    """(3, 100, 90) uint8."""
    return np.moveaxis(skimage.data.immunohistochemistry()[:100, :90], -1, 0)


@both
def test_an_image_is_its_full_resolution_with_all_that_it_says(
    tmp_path: Path, tissue: np.ndarray, version: str
) -> None:
    path = write_image(tmp_path / "a.zarr", tissue, version, names=("H", "E", "DAB"))
    image = read_image(path)
    assert isinstance(image.pixels, da.Array)
    np.testing.assert_array_equal(image.pixels.compute(), tissue)
    assert (image.channel_axis, image.alpha, image.warnings) == (0, False, ())
    assert image.channel_names == ("H", "E", "DAB")
    assert image.tiff.axes == "CYX"
    assert pixel_size(image) == ("area", 0.125, "µm²")


@both
@pytest.mark.parametrize(
    ("axes", "shape", "letters", "channel_axis", "size"),
    [
        ("yx", (40, 50), "YX", None, ("area", 0.125, "µm²")),
        ("zyx", (4, 40, 50), "ZYX", None, ("volume", 0.375, "µm³")),
        ("tczyx", (2, 3, 4, 40, 50), "TCZYX", 1, ("volume", 0.375, "µm³")),
        ("tczyx", (1, 1, 1, 40, 50), "TCZYX", 1, ("area", 0.125, "µm²")),
    ],
)
def test_axes_are_what_the_metadata_call_them(
    tmp_path: Path, version: str, axes: str, shape: Any, letters: str, channel_axis: Any, size: Any
) -> None:
    pixels = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    image = read_image(write_image(tmp_path / "a.zarr", pixels, version, axes))
    np.testing.assert_array_equal(image.pixels.compute(), pixels)
    assert (image.tiff.axes, image.channel_axis, pixel_size(image)) == (letters, channel_axis, size)


@both
def test_the_api_takes_its_path(tmp_path: Path, tissue: np.ndarray, version: str) -> None:
    path = write_image(tmp_path / "a.zarr", tissue, version, names=("H", "E", "DAB"))
    expected = segment(tissue, 3, channel_axis=0, alpha=False)
    for found in (segment(path, 3), segment(str(path), 3), prepare(path).segment(3)):
        assert isinstance(found.labels, da.Array)
        np.testing.assert_array_equal(found.labels.compute(), expected.labels)
        np.testing.assert_array_equal(found.centroids, expected.centroids)
        assert found.model.channel_names == ("H", "E", "DAB")
    curve = choose_k(path, range(2, 4))
    np.testing.assert_array_equal(
        curve.inertia, choose_k(tissue, range(2, 4), channel_axis=0).inertia
    )
    model = KMeansModel.fit([path], 3)
    np.testing.assert_array_equal(model.centroids, expected.centroids)
    predicted = model.predict(path)
    assert isinstance(predicted.labels, da.Array)
    np.testing.assert_array_equal(predicted.labels.compute(), expected.labels)
    assert predicted.counts.tolist() == expected.counts.tolist()


def test_a_mask_is_that_of_an_array(tmp_path: Path, tissue: np.ndarray) -> None:
    path = write_image(tmp_path / "a.zarr", tissue)
    mask = np.zeros(tissue.shape[1:], bool)
    mask[20:70] = True
    found = segment(path, 3, mask=mask)
    expected = segment(tissue, 3, channel_axis=0, mask=mask)
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)


def test_a_store_in_shards_is_read_by_whole_ones(tmp_path: Path, tissue: np.ndarray) -> None:
    path = write_image(tmp_path / "a.zarr", tissue, chunks=(1, 16, 16), shards=(1, 48, 32))
    image = read_image(path)
    np.testing.assert_array_equal(image.pixels.compute(), tissue)
    assert image.store is not None
    assert image.store.shards == (1, 48, 32)


def test_what_is_read_at_once_is_whole_chunks_of_all_channels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.zeros((2, 3, 5, 200, 300), np.uint8)
    path = write_image(tmp_path / "a.zarr", pixels, axes="tczyx", n_levels=1)
    image = read_image(path)
    assert image.store is not None
    assert chunks_of(image.store) == pixels.shape
    monkeypatch.setattr("napari_kmeans_seg.files.base.pyramid.CHUNK_VALUES", 3 * 64 * 128)
    assert chunks_of(image.store) == (1, 3, 1, 64, 128)


def test_a_scale_of_all_levels_counts_too(tmp_path: Path, tissue: np.ndarray) -> None:
    path = write_image(tmp_path / "a.zarr", tissue)
    more = [{"type": "scale", "scale": [1.0, 2.0, 2.0]}]
    write_group(
        path,
        "0.5",
        {"multiscales": multiscales("0.5", "cyx", (1, 2), coordinateTransformations=more)},
    )
    assert pixel_size(read_image(path)) == ("area", 0.5, "µm²")


def test_what_makes_no_sense_beside_the_pixels_is_left_out(
    tmp_path: Path, tissue: np.ndarray
) -> None:
    path = write_image(tmp_path / "a.zarr", tissue)
    said = multiscales("0.5", "cyx", (1, 2, 4))
    said[0]["datasets"][0]["coordinateTransformations"][0]["scale"] = [1, 0.0, 0.5]
    write_group(path, "0.5", {"multiscales": said, "omero": {"channels": [5]}})
    image = read_image(path)
    np.testing.assert_array_equal(image.pixels.compute(), tissue)
    assert image.channel_names == ()
    assert pixel_size(image) is None
    assert image.warnings == (
        "lacks its level s2, which its metadata name",
        "has a scale of 0.0 along y, which is no size: left out",
    )


@both
def test_units_and_names_that_are_better_avoided_are_no_reason_to_refuse(
    tmp_path: Path, tissue: np.ndarray, version: str
) -> None:
    path = write_image(tmp_path / "a.zarr", tissue, version)
    said = multiscales(version, "cyx", (1,))
    said[0]["axes"][1]["unit"] = "cubit"
    said[0]["datasets"][0]["path"] = "the first"
    (path / "s0").rename(path / "the first")
    write_group(path, version, {"multiscales": said})
    image = read_image(path)
    np.testing.assert_array_equal(image.pixels.compute(), tissue)
    assert pixel_size(image) is None


# -- what is refused --------------------------------------------------------------------


def refused(path: Path, *words: str, kind: type[Exception] = ValueError) -> None:
    with pytest.raises(kind) as caught:
        read_image(path)
    for word in words:
        assert word in str(caught.value)


@both
def test_a_group_without_multiscales(tmp_path: Path, version: str) -> None:
    refused(write_group(tmp_path / "a.zarr", version, {}), "without multiscales")


@both
def test_an_array_that_is_no_image(tmp_path: Path, version: str) -> None:
    write_array(tmp_path / "a.zarr", np.zeros((4, 4)), version)
    refused(tmp_path / "a.zarr", "is an array of Zarr without OME-Zarr metadata", "from_zarr")


@pytest.mark.parametrize("name", ["../b/s0", "/etc", "s0/../../b/s0", "..", "", "a\\b"])
@both
def test_a_name_that_leads_out_of_the_store(
    tmp_path: Path, tissue: np.ndarray, version: str, name: str
) -> None:
    write_image(tmp_path / "b", tissue, version)
    path = write_image(tmp_path / "a.zarr", tissue, version)
    said = multiscales(version, "cyx", (1,))
    said[0]["datasets"][0]["path"] = name
    write_group(path, version, {"multiscales": said})
    refused(path, repr(name)[1:-1] or "path")


@both
def test_a_link_that_leads_out_of_the_store(
    tmp_path: Path, tissue: np.ndarray, version: str
) -> None:
    other = write_image(tmp_path / "b.zarr", tissue, version)
    path = write_image(tmp_path / "a.zarr", tissue, version)
    (path / "s0").rename(tmp_path / "away")
    (path / "s0").symlink_to(other / "s0")
    refused(path, "'s0'", "a link that leads out of its folder")


@both
def test_an_array_that_would_run_a_program(
    tmp_path: Path, tissue: np.ndarray, version: str
) -> None:
    path = write_image(tmp_path / "a.zarr", tissue, version)
    file = path / "s0" / (".zarray" if version == "0.4" else "zarr.json")
    said = json.loads(file.read_text())
    if version == "0.4":
        said["filters"] = [{"id": "pickle", "protocol": 5}]
    else:
        said["codecs"].insert(0, {"name": "numcodecs.pickle", "configuration": {}})
    file.write_text(json.dumps(said))
    refused(path, "pickled")


@both
def test_metadata_that_are_not_valid(tmp_path: Path, tissue: np.ndarray, version: str) -> None:
    path = write_image(tmp_path / "a.zarr", tissue, version)
    said = multiscales(version, "cyx", (1,))
    del said[0]["datasets"][0]["coordinateTransformations"]
    write_group(path, version, {"multiscales": said})
    refused(path, "its multiscales is not valid: datasets.0.coordinateTransformations")


@pytest.mark.parametrize("version", ["0.1", "0.3", "0.6-dev1"])
def test_another_version(tmp_path: Path, tissue: np.ndarray, version: str) -> None:
    path = write_image(tmp_path / "a.zarr", tissue, "0.4")
    said = multiscales("0.4", "cyx", (1,))
    said[0]["version"] = version
    write_group(path, "0.4", {"multiscales": said})
    refused(path, f"is OME-Zarr {version}; 0.4 and 0.5 are read")


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, '{"a": NaN'])
@both
def test_json_that_is_damaged(tmp_path: Path, tissue: np.ndarray, version: str, text: str) -> None:
    path = write_image(tmp_path / "a.zarr", tissue, version)
    name = ".zattrs" if version == "0.4" else "zarr.json"
    (path / name).write_text(text)
    refused(path, f"its {name} is damaged")


@both
def test_an_array_of_other_axes_or_none(tmp_path: Path, tissue: np.ndarray, version: str) -> None:
    path = write_image(tmp_path / "a.zarr", tissue, version)
    write_group(path, version, {"multiscales": multiscales(version, "yx", (1,))})
    refused(path, "its array s0 has 3 axes, not 2")
    (path / "s0").rename(path / "other")
    refused(path, "has no array s0, which its metadata name", kind=FileNotFoundError)


def test_pixels_that_are_no_numbers(tmp_path: Path) -> None:
    pixels = np.zeros((2, 8, 8), np.complex64)
    refused(write_image(tmp_path / "a.zarr", pixels), "has pixels of complex64")


def test_more_pixels_than_are_read(tmp_path: Path, tissue: np.ndarray) -> None:
    path = write_image(tmp_path / "a.zarr", tissue)
    check_size(path, 9_000)
    with pytest.raises(ValueError, match="has 9,000 pixels or more, and 8,999 are read"):
        check_size(path, 8_999)


def test_packages_that_are_not_there(
    tmp_path: Path, tissue: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_image(tmp_path / "a.zarr", tissue, names=["a", "b", "c"])
    assert omero("a")["channels"]
    monkeypatch.setitem(sys.modules, "yaozarrs", None)
    refused(path, 'pip install "napari-kmeans-seg[ome-zarr]"')
    with pytest.raises(ValueError, match=r"image \(.*a\.zarr\): .*ome-zarr"):
        segment(path)

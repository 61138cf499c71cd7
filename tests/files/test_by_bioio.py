"""Files of microscopes that bioio reads become images like all others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_kmeans_seg import KMeansModel, segment
from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.limits import check_size
from napari_kmeans_seg.files.pixel_size import pixel_size
from napari_kmeans_seg.files.result_paths import result_paths
from napari_kmeans_seg.files.results import write_results

if TYPE_CHECKING:
    from pathlib import Path

real = pytest.mark.skipif(sys.version_info >= (3, 14), reason="bioio-czi has no wheels for 3.14")
NAMES = {0: "DAPI", 1: "GFP", 2: "RFP"}


def write_czi(path: Path, planes: np.ndarray) -> Path:
    """Write (channels, depth, rows, columns, samples) as Zeiss's own library does."""
    from pylibCZIrw import czi

    with czi.create_czi(str(path)) as file:
        for c, z in np.ndindex(planes.shape[:2]):
            file.write(data=planes[c, z], plane={"C": c, "Z": z, "T": 0})
        names = {i: NAMES[i] for i in range(len(planes))}
        file.write_metadata("a", channel_names=names, scale_x=0.25e-6, scale_y=0.5e-6, scale_z=3e-6)
    return path


def stack(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4000, (*shape, 1)).astype(np.uint16)


@real
def test_a_czi_is_its_planes_with_names_and_sizes(tmp_path: Path) -> None:
    planes = stack(3, 4, 30, 40)
    image = read_image(write_czi(tmp_path / "a.czi", planes))
    assert isinstance(image.pixels, da.Array)
    assert (image.tiff.axes, image.channel_axis, image.warnings) == ("CZYX", 0, ())
    np.testing.assert_array_equal(image.pixels.compute(), planes[..., 0])
    assert image.channel_names == ("DAPI", "GFP", "RFP")
    assert pixel_size(image) == ("volume", 0.375, "µm³")
    with pytest.raises(ValueError, match="has no series 1: it has 1, counted from 0"):
        read_image(tmp_path / "a.czi", 1)


@real
def test_a_czi_is_fitted_and_segmented_as_its_pixels_are(tmp_path: Path) -> None:
    planes = stack(3, 1, 50, 60)
    path = write_czi(tmp_path / "a.czi", planes)
    expected = segment(planes[:, 0, ..., 0], 3, channel_axis=0)
    model = KMeansModel.fit([path], 3)
    np.testing.assert_allclose(model.centroids, expected.centroids)
    assert model.channel_names == ("DAPI", "GFP", "RFP")
    seg = segment(path, 3)
    (tmp_path / "out").mkdir()
    paths = result_paths(path, tmp_path / "out")
    assert [one.name for one in paths] == ["a_labels.tif", "a_segmented.tif", "a_clusters.csv"]
    write_results(read_image(path), seg, paths)
    np.testing.assert_array_equal(tifffile.imread(paths.labels), expected.labels)
    again = read_image(paths.segmented)
    np.testing.assert_array_equal(again.pixels, expected.image)
    assert again.channel_names == ("DAPI", "GFP", "RFP")
    assert pixel_size(again) == ("area", 0.125, "µm²")


@real
def test_one_channel_has_no_axis_of_its_own(tmp_path: Path) -> None:
    planes = stack(1, 1, 30, 40)
    image = read_image(write_czi(tmp_path / "a.czi", planes))
    assert (image.tiff.axes, image.channel_axis) == ("YX", None)
    np.testing.assert_array_equal(image.pixels.compute(), planes[0, 0, ..., 0])


@real
def test_what_is_too_large_damaged_or_coloured_is_told(tmp_path: Path) -> None:
    path = write_czi(tmp_path / "a.czi", stack(2, 3, 30, 40))
    check_size(path, 3600)
    with pytest.raises(ValueError, match="has 3,600 pixels or more, and 3,599 are read"):
        check_size(path, 3599)
    (tmp_path / "cut.czi").write_bytes(path.read_bytes()[:900])
    with pytest.raises(ValueError, match="is damaged, or no plugin of bioio here reads it"):
        read_image(tmp_path / "cut.czi")
    check_size(tmp_path / "cut.czi")
    colors = np.zeros((1, 1, 30, 40, 3), np.uint8)
    with pytest.raises(ValueError, match="has colours, which the plugins of bioio give"):
        read_image(write_czi(tmp_path / "colors.czi", colors))


def test_a_format_that_no_plugin_reads_and_bioio_itself_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.sldy"
    path.write_bytes(b"anything")
    with pytest.raises(ValueError, match="no plugin of bioio here reads it"):
        read_image(path)
    # As Python says it of what is not installed.
    monkeypatch.setitem(sys.modules, "bioio", None)
    with pytest.raises(ValueError, match=r'pip install "napari-kmeans-seg\[bioio\]" reads ND2'):
        read_image(path)


def test_a_tiff_is_one_whatever_it_is_called(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.czi", np.arange(12, dtype=np.uint8).reshape(3, 4))
    assert read_image(tmp_path / "a.czi").pixels.shape == (3, 4)

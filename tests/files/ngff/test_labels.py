"""A script writes the labels of a store, as the shell does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaozarrs
import zarr

from napari_kmeans_seg import segment, write_labels

from .stores import VERSIONS, digests, field_of_cells, write_image, write_plate
from .test_writing import attributes, written

if TYPE_CHECKING:
    from pathlib import Path

both = pytest.mark.parametrize("version", VERSIONS)


@both
def test_a_new_store_is_the_one_that_the_shell_writes(tmp_path: Path, version: str) -> None:
    image = write_image(tmp_path / "a.zarr", field_of_cells(0, 64), version)
    before = digests(image)
    seg = segment(image, 3)
    seg = replace(seg, model=replace(seg.model, names={3: "nuclei"}, colors={1: "#102030"}))
    labels = write_labels(seg, image, tmp_path / "new.zarr")
    assert labels == tmp_path / "new.zarr" / "labels" / "kmeans"
    assert digests(image) == before
    yaozarrs.validate_zarr_store(tmp_path / "new.zarr")
    assert digests(tmp_path / "new.zarr") == digests(written(image, tmp_path / "out", seg))
    said = attributes(labels)["image-label"]
    assert [one["name"] for one in said["properties"]] == ["cluster 1", "cluster 2", "nuclei"]
    assert said["colors"][0]["rgba"] == [16, 32, 48, 255]
    with pytest.raises(FileExistsError, match=r"new\.zarr: there already"):
        write_labels(segment(image, 2), str(image), str(tmp_path / "new.zarr"))
    write_labels(segment(image, 2), str(image), str(tmp_path / "new.zarr"), overwrite=True)
    assert zarr.open_array(labels / "0", mode="r")[:].max() == 2
    assert {one.name for one in tmp_path.iterdir()} == {"a.zarr", "new.zarr", "out"}


@both
def test_by_default_labels_go_into_the_store_of_the_image(tmp_path: Path, version: str) -> None:
    plate = write_plate(tmp_path / "plate.zarr", version)
    field = plate / "A" / "2" / "1"
    before = digests(plate)
    seg = segment(field, 3, smoothing=1)
    labels = write_labels(seg, field)
    after = digests(plate)
    assert {name: after[name] for name in before} == before
    assert {name.partition("labels/")[0] for name in set(after) - set(before)} == {"A/2/1/"}
    np.testing.assert_array_equal(zarr.open_array(labels / "0", mode="r")[:], seg.labels)
    yaozarrs.validate_zarr_store(field)
    with pytest.raises(FileExistsError, match="kmeans: there already"):
        write_labels(seg, field)
    write_labels(segment(field, 2), field, overwrite=True)
    assert zarr.open_array(labels / "0", mode="r")[:].max() == 2


def test_what_is_no_image_or_not_that_of_the_labels_is_told(tmp_path: Path) -> None:
    plate = write_plate(tmp_path / "plate.zarr")
    seg = segment(field_of_cells(0, 50), 2, channel_axis=0)
    before = digests(tmp_path)
    with pytest.raises(ValueError, match=r"labels of \(64, 64\); got labels of \(50, 50\)"):
        write_labels(seg, plate / "A/1/0")
    with pytest.raises(ValueError, match=r"image takes the path of an OME-Zarr image; got .*plate"):
        write_labels(seg, plate)
    with pytest.raises(FileNotFoundError, match="there is no such store"):
        write_labels(seg, tmp_path / "none.zarr")
    with pytest.raises(TypeError, match="image takes a path; got array"):
        write_labels(seg, np.zeros((2, 2)))
    with pytest.raises(TypeError, match="path takes a path; got ''"):
        write_labels(seg, plate / "A/1/0", "")
    with pytest.raises(TypeError, match="segmentation takes what segment returns; got ndarray"):
        write_labels(np.ones((64, 64), int), plate / "A/1/0")
    seg = segment(plate / "A/1/0", 2)
    with pytest.raises(ValueError, match="path takes a place outside of the image"):
        write_labels(seg, plate / "A/1/0", plate / "A/1/0/mine")
    with pytest.raises(OSError, match="there is no folder"):
        write_labels(seg, plate / "A/1/0", tmp_path / "no folder" / "new.zarr")
    assert digests(tmp_path) == before

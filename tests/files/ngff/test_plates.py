"""Plates and series: each image by its place, and nothing of elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_kmeans_seg import KMeansModel, pool, segment
from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.ngff.plates import images_in, name_of, place_of

from .stores import VERSIONS, field_of_cells, write_group, write_image, write_plate

if TYPE_CHECKING:
    from pathlib import Path

both = pytest.mark.parametrize("version", VERSIONS)
FIELDS = [f"{row}/{column}/{field}" for row in "AB" for column in "123" for field in "01"]


def attributes(group: Path, version: str) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    file = group / (".zattrs" if version == "0.4" else "zarr.json")
    found = json.loads(file.read_text())
    return file, found, found if version == "0.4" else found["attributes"]["ome"]


@both
def test_a_plate_is_its_fields_in_order_each_by_its_place(tmp_path: Path, version: str) -> None:
    plate = write_plate(tmp_path / "plate.zarr", version)
    found = images_in(plate)
    assert found == [plate / one for one in FIELDS]
    assert [name_of(one) for one in found] == [f"plate.zarr/{one}" for one in FIELDS]
    place = place_of(found[-1])
    assert place == (plate, "B/3/1", "B/3")
    assert images_in(plate / "B" / "1") == [plate / "B/1/0", plate / "B/1/1"]
    assert images_in(found[0]) == [found[0]]


@both
def test_the_api_fits_on_a_plate_and_labels_its_fields(tmp_path: Path, version: str) -> None:
    plate = write_plate(tmp_path / "plate.zarr", version)
    whole = np.concatenate([field_of_cells(n, 64) for n in range(12)], axis=1)
    expected = segment(whole, 3, channel_axis=0)
    stages = set()
    model = KMeansModel.fit([plate], 3, progress=lambda f, s: stages.add((f <= 1, s)))
    np.testing.assert_array_equal(model.centroids, expected.centroids)
    assert model.channel_names == ("DAPI", "GFP", "RFP")
    assert {fine for fine, _ in stages} == {True}
    labels = [model.predict(one).labels.compute() for one in images_in(plate)]
    np.testing.assert_array_equal(np.concatenate(labels), expected.labels)
    mixed = pool([plate / "A" / "1", plate / "B/3/1", field_of_cells(0, 64)], channel_axis=0)
    assert mixed.n_images == 4


@both
def test_a_plate_is_no_single_image(tmp_path: Path, version: str) -> None:
    plate = write_plate(tmp_path / "plate.zarr", version)
    with pytest.raises(ValueError, match=r"is a plate of 12 image\(s\); name one .*A/1/0"):
        segment(plate)


@both
def test_missing_wells_and_fields_are_named_and_left_out(tmp_path: Path, version: str) -> None:
    plate = write_plate(tmp_path / "plate.zarr", version, without=["A/2"])
    (plate / "B" / "1" / "0").rename(tmp_path / "gone")
    found = images_in(plate)
    assert len(found) == 11
    told: dict[int, str] = {}
    pooled = pool(found, failed=lambda i, problem: told.update({i: str(problem)}))
    assert pooled.n_images == 9
    assert told == {
        2: "there is no such well, though the plate names it",
        5: "there is no such file",
    }


@pytest.mark.parametrize("name", ["..", "../../away", "0/../../../../away"])
@both
def test_a_well_or_field_that_leads_out_of_the_plate(
    tmp_path: Path, version: str, name: str
) -> None:
    write_image(tmp_path / "away", field_of_cells(0, 32), version)
    plate = write_plate(tmp_path / "plate.zarr", version)
    file, found, ome = attributes(plate / "A" / "1", version)
    ome["well"]["images"] = [{"path": name}]
    file.write_text(json.dumps(found))
    images = images_in(plate)
    assert images[0] == plate / "A" / "1"
    with pytest.raises(ValueError, match=r"well is not valid|no place in its own folder"):
        read_image(images[0])
    file, found, ome = attributes(plate, version)
    ome["plate"]["wells"][0]["path"] = name
    file.write_text(json.dumps(found))
    assert images_in(plate) == [plate]
    with pytest.raises(ValueError, match="its plate is not valid: wells"):
        read_image(plate)


@both
def test_links_that_lead_out_of_the_plate(tmp_path: Path, version: str) -> None:
    away = write_plate(tmp_path / "away.zarr", version)
    plate = write_plate(tmp_path / "plate.zarr", version, without=["A/1"])
    (plate / "A" / "1").symlink_to(away / "A" / "1")
    (plate / "B" / "1" / "1").rename(tmp_path / "moved")
    (plate / "B" / "1" / "1").symlink_to(tmp_path / "moved")
    told: dict[int, str] = {}
    pooled = pool(images_in(plate), failed=lambda i, problem: told.update({i: str(problem)}))
    assert pooled.n_images == 9
    assert all("a link that leads out of its folder" in one for one in told.values())
    # The linked well is one, whose fields nobody looks for.
    assert len(told) == 2


@both
def test_a_series_is_read_by_number(tmp_path: Path, version: str) -> None:
    store = write_group(tmp_path / "slides.zarr", version, {"bioformats2raw.layout": 3})
    images = [field_of_cells(n, 40) for n in range(2)]
    for i, pixels in enumerate(images):
        write_image(store / str(i), pixels, version)
    assert images_in(store) == [store / "0", store / "1"]
    first = read_image(store)
    np.testing.assert_array_equal(first.pixels.compute(), images[0])
    assert first.warnings == ("has 2 series; the first is read, --series takes another",)
    np.testing.assert_array_equal(read_image(store, 1).pixels.compute(), images[1])
    with pytest.raises(ValueError, match="has no series 2: it has 2, counted from 0"):
        read_image(store, 2)
    write_group(store / "OME", version, {"series": ["1", "0"]})
    assert images_in(store) == [store / "1", store / "0"]
    write_group(store / "OME", version, {"series": ["../../etc"]})
    assert images_in(store) == [store]
    with pytest.raises(ValueError, match="no place in its own folder"):
        read_image(store)


def test_a_missing_well_in_a_script_is_called_by_its_place_and_can_be_left_out(
    tmp_path: Path,
) -> None:
    plate = write_plate(tmp_path / "plate.zarr", without=["A/2"])
    with pytest.raises(OSError, match=r"^[^\[]*plate\.zarr/A/2: there is no such well"):
        KMeansModel.fit([plate], 2)
    left_out: list[int] = []
    pooled = pool([plate], failed=lambda i, _: left_out.append(i))
    assert len(left_out) == 1
    assert pooled.n_images > 1

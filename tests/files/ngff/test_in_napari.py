"""Results that are dropped into napari: its own plugin for OME-Zarr shows the clusters."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import npe2
import numpy as np
import pytest
from napari.components import ViewerModel

from napari_kmeans_seg import KMeansModel, segment
from napari_kmeans_seg.files.ngff.plates import images_in

from .stores import VERSIONS, field_of_cells, write_image, write_plate
from .test_writing import written

if TYPE_CHECKING:
    from pathlib import Path


# Of the plugin, which gives no colour to labels that are not there.
@pytest.mark.filterwarnings("ignore:color_dict did not provide a default color")
@pytest.mark.parametrize("version", VERSIONS)
def test_clusters_are_seen_in_their_colours_and_have_their_names(
    tmp_path: Path, version: str
) -> None:
    cells = field_of_cells(0, 64)
    path = write_image(tmp_path / "a.zarr", cells, version, names=("DAPI", "GFP", "RFP"))
    model = replace(segment(path, 3).model, names={3: "nuclei"}, colors={2: "#102030"})
    seg = model.predict(path)
    npe2.PluginManager.instance().discover()
    viewer = ViewerModel()
    viewer.open(written(path, tmp_path / "out", seg), plugin="napari-ome-zarr")
    *images, labels = viewer.layers
    assert [layer.name for layer in images] == [
        f"segmented: {name}" for name in ("DAPI", "GFP", "RFP")
    ]
    for layer, channel in zip(images, segment(cells, 3, channel_axis=0).image, strict=True):
        np.testing.assert_array_equal(np.asarray(layer.data[0]), channel)
    np.testing.assert_array_equal(np.asarray(labels.data[0]), seg.labels.compute())
    np.testing.assert_array_equal(labels.scale, (0.5, 0.25))
    assert str(labels.units[0]) == "micrometer"
    assert labels.features["name"].tolist() == ["cluster 1", "cluster 2", "nuclei"]
    assert labels.features["pixels"].tolist() == seg.counts.tolist()
    np.testing.assert_allclose(labels.get_color(2), np.array([16, 32, 48, 255]) / 255, atol=1e-6)
    assert not np.allclose(labels.get_color(1), labels.get_color(3))
    labels.visible = True
    assert (
        "nuclei"
        in labels.get_status(np.argwhere(seg.labels.compute() == 3)[0] * (0.5, 0.25))["coordinates"]
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_results_of_a_plate_are_seen_all_at_once_with_names_and_colours(
    tmp_path: Path, version: str
) -> None:
    plate = write_plate(tmp_path / "plate.zarr", version, size=32, without=["A/2"])
    shutil.rmtree(plate / "B/2/1")
    fields = [one for one in images_in(plate) if one.exists()]
    fitted = KMeansModel.fit(fields, 3)
    model = replace(fitted, names={3: "nuclei"}, colors={2: "#102030"})
    expected = np.zeros((2 * 32, 3 * 2 * 32), np.uint8)
    for field in fields:
        seg = model.predict(field)
        store = written(field, tmp_path / "out", seg).parents[2]
        row, column, number = "AB".index(field.parts[-3]), int(field.parts[-2]) - 1, int(field.name)
        rows, columns = row * 32, column * 64 + number * 32
        expected[rows : rows + 32, columns : columns + 32] = seg.labels.compute()
    assert store.name == "plate_plate_segmented.zarr"
    npe2.PluginManager.instance().discover()
    viewer = ViewerModel()
    viewer.open(store, plugin="napari-kmeans-seg")
    *images, labels, wells = viewer.layers
    assert [one.name for one in images] == [f"segmented: {one}" for one in ("DAPI", "GFP", "RFP")]
    np.testing.assert_array_equal(np.asarray(labels.data[0]), expected)
    np.testing.assert_array_equal(np.asarray(labels.data[1])[:16], expected[:32:2, ::2])
    assert images[1].data[0].shape == expected.shape
    first = np.asarray(images[1].data[0])[:32, :32]
    np.testing.assert_array_equal(first, model.predict(fields[0]).image[1].compute())
    assert labels.features["name"].tolist() == ["cluster 1", "cluster 2", "nuclei"]
    counts = np.bincount(expected.ravel(), minlength=4)[1:]
    assert labels.features["pixels"].tolist() == counts.tolist()
    np.testing.assert_allclose(labels.get_color(2), np.array([16, 32, 48, 255]) / 255, atol=1e-6)
    np.testing.assert_array_equal(labels.scale, (0.5, 0.25))
    assert wells.features["well"].tolist() == ["A/1", "A/3", "B/1", "B/2", "B/3"]
    np.testing.assert_array_equal(wells.data[1][0], [0, 128])
    assert {str(layer.units[0]) for layer in viewer.layers} == {"micrometer"}
    where = np.argwhere(expected == 3)[0] * (0.5, 0.25)
    assert "nuclei" in labels.get_status(where)["coordinates"]

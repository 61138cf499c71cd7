"""Results that are dropped into napari: its own plugin for OME-Zarr shows the clusters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import npe2
import numpy as np
import pytest
from napari.components import ViewerModel

from napari_kmeans_seg import segment

from .stores import VERSIONS, field_of_cells, write_image
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

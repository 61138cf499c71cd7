"""Values such as that of no data take no part, in whatever way an image is clustered."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers import LayerImage, Outputs, Region, Seeds
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.python_script import python_script
from napari_kmeans_seg.layers.outputs.record import Record


@pytest.fixture
def elevation() -> np.ndarray:
    """Two heights in a frame without data: (60, 80) float32."""
    heights = np.random.default_rng(0).normal(10, 1, (60, 80)).astype(np.float32)
    heights[:, 40:] += 20
    heights[:, :15] = -9999
    heights[:5] = np.float32(0.1)
    return heights


@pytest.mark.parametrize("form", ["array", "lazy", "pyramid", "steps"])
def test_pixels_of_these_values_are_label_0(elevation, form):
    data = {
        "array": elevation,
        "lazy": da.from_array(elevation, chunks=(32, 32)),
        "pyramid": [elevation, elevation[::2, ::2]],
        "steps": np.stack([elevation, np.full_like(elevation, -9999), elevation]),
    }[form]
    source = LayerImage.of(Image(data, multiscale=form == "pyramid"))
    source = replace(source, left_out=(-9999, 0.1), step_axis=0 if form == "steps" else None)
    found = source.segment(n_clusters=2)
    empty = (elevation == -9999) | (elevation == np.float32(0.1))
    expected = segment(elevation, 2, mask=~empty).labels
    labels = np.asarray(found.labels)
    if form == "steps":
        assert not labels[1].any()
        labels = labels[0]
    np.testing.assert_array_equal(labels, expected)
    assert "Pixels of the values -9999 or 0.1 are left out (label 0)." in found.warnings


def test_a_colour_is_left_out_by_all_of_its_channels_and_others_by_one():
    image = np.random.default_rng(0).integers(1, 255, (20, 30, 3), np.uint8)
    image[:5], image[5:10, :, 1] = 0, 0
    found = replace(LayerImage.of(Image(image, rgb=True)), left_out=(0,)).segment(n_clusters=2)
    np.testing.assert_array_equal(found.labels == 0, (image == 0).all(-1))
    bands = LayerImage.of(Image(np.moveaxis(image, -1, 0)), channel_axis=0)
    found = replace(bands, left_out=(0,)).segment(n_clusters=2)
    np.testing.assert_array_equal(found.labels == 0, (image == 0).any(-1))
    layers = LayerImage.of(*(Image(image[..., i]) for i in range(3)))
    found = replace(layers, left_out=(0,)).segment(n_clusters=2)
    np.testing.assert_array_equal(found.labels == 0, (image == 0).any(-1))


def test_region_and_seeds_count_beside_it(elevation):
    viewer = ViewerModel()
    layer = viewer.add_image(elevation)
    source = replace(LayerImage.of(layer), left_out=(-9999, 0.1))
    painted = np.zeros(elevation.shape, np.uint8)
    painted[:30] = 1
    area = viewer.add_labels(painted)
    empty = (elevation == -9999) | (elevation == np.float32(0.1))
    inside = replace(source, region=Region.of(area)).segment(n_clusters=2).labels
    np.testing.assert_array_equal(inside > 0, (painted > 0) & ~empty)
    all_over = replace(source, region=Region.of(area, everywhere=True)).segment(n_clusters=2)
    np.testing.assert_array_equal(all_over.labels > 0, ~empty)
    seeds = Seeds.of(viewer.add_points([[40, 5], [40, 20], [40, 70]]))
    found = replace(source, seeds=seeds).segment()
    assert found.n_clusters == 2
    assert "1 outside what is not left out" in " ".join(found.warnings)


def test_where_nothing_is_left_it_is_said(elevation):
    source = replace(LayerImage.of(Image(np.zeros((9, 9)), name="dem")), left_out=(0,))
    with pytest.raises(ValueError, match="Every pixel of “dem” has a value that is left out, 0:"):
        source.segment(n_clusters=2)


@pytest.mark.parametrize("kind", ["grey", "colour", "channels", "steps", "region", "everywhere"])
def test_record_text_and_script_tell_of_it(elevation, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    viewer = ViewerModel()
    data = elevation
    if kind in ("colour", "channels"):
        data = np.stack([np.rint(np.clip(elevation * f, 0, 255)) for f in (1, 2, 3)], -1)
        data = data.astype(np.uint8)
        data = data if kind == "colour" else np.ascontiguousarray(np.moveaxis(data, -1, 0))
    elif kind == "steps":
        data = np.stack([elevation, elevation + np.where(elevation > 0.2, 5, 0)]).astype("float32")
    tifffile.imwrite("image.tif", data, photometric="rgb" if kind == "colour" else "minisblack")
    layer = viewer.add_image(data, name="dem", rgb=kind == "colour")
    source = LayerImage.of(layer, channel_axis=0 if kind == "channels" else None)
    if kind in ("region", "everywhere"):
        painted = np.zeros(elevation.shape, np.uint8)
        painted[:30, :70] = 1
        tifffile.imwrite("region.tif", painted)
        region = Region.of(viewer.add_labels(painted), everywhere=kind == "everywhere")
        source = replace(source, region=region)
    values = (0,) if kind in ("colour", "channels") else (-9999, 0.1)
    source = replace(source, left_out=values, step_axis=0 if kind == "steps" else None)
    found = source.segment(n_clusters=3)
    labels = Outputs.paint(source, found).show(viewer)["labels"]
    record = Record.of_result(labels)
    assert record.source.left_out == tuple(float(np.float32(one)) for one in values)
    assert Record.from_json(record.to_json(), labels.data.shape) == record
    assert (
        f"Pixels of the value{'s -9999 and 0.1' if len(values) > 1 else ' 0'} were left out."
        in (methods_text(labels))
    )
    made: dict[str, np.ndarray] = {}
    exec(python_script(labels), made)
    np.testing.assert_array_equal(made["labels"], labels.data)

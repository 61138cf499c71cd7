"""Which axis of an image holds channels: proposed, chosen, remembered."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_kmeans_seg import segment

NONE = "none"


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 200, (3, 40, 50), np.uint8)


def test_three_channels_of_a_file_are_clustered_as_the_command_line_does(
    viewer, dock, finish, tmp_path, qtbot
):
    spots = np.zeros((3, 60, 70), np.uint16)
    for channel, image in enumerate(spots):
        image[10 * channel : 10 * channel + 20, 20:50] = 500 * (channel + 1)
    metadata = {"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP", "RFP"]}}
    tifffile.imwrite(tmp_path / "cells.ome.tif", spots, metadata=metadata, photometric="minisblack")
    widget = dock()
    viewer.open(tmp_path / "cells.ome.tif", plugin="napari")
    qtbot.waitUntil(lambda: widget.inputs.channels.visible)
    assert widget.inputs.channels.choices == (NONE, 0, 1, 2)
    assert widget.inputs.channels.value == 0
    assert widget.layer_kind.value == "70 × 60 pixels, 3 channels along axis 0, uint16"
    assert widget.inputs.normalize.visible
    assert not widget.inputs.scope.visible, "there are no steps but the channels"
    widget.run()
    finish(widget)
    labels, image = viewer.layers["cells.ome clusters"], viewer.layers["cells.ome k-means"]
    expected = segment(spots, 5, channel_axis=0, normalize=True)
    np.testing.assert_array_equal(labels.data, expected.labels)
    np.testing.assert_array_equal(image.data, expected.image)
    assert {"mean_DAPI", "mean_GFP", "mean_RFP"} <= set(labels.features)


def test_the_choice_is_remembered_for_each_layer(viewer, dock, finish, qtbot, stack):
    first, second = (viewer.add_image(stack, name=name) for name in "ab")
    widget = dock()
    channels = widget.inputs.channels
    viewer.layers.selection.active = first
    channels.value = NONE
    assert widget.layer_kind.value == "3 × 40 × 50 pixels, grey, uint8"
    qtbot.waitUntil(lambda: widget.inputs.scope.visible)
    assert not widget.inputs.normalize.visible
    widget.run()
    finish(widget)
    np.testing.assert_array_equal(viewer.layers["a clusters"].data, segment(stack, 5).labels)
    viewer.layers.selection.active = second
    assert channels.value == 0
    viewer.layers.selection.active = first
    assert channels.value == NONE
    first.name = "renamed"
    assert channels.value == NONE


def test_several_layers_and_colours_have_no_axis_of_channels(viewer, dock, stack, coffee):
    layers = [viewer.add_image(stack, name=name) for name in "ab"]
    photo = viewer.add_image(coffee, name="photo")
    widget = dock()
    assert not widget.inputs.channels.visible
    viewer.layers.selection = set(layers)
    assert not widget.inputs.channels.visible
    assert "2 layers as channels" in widget.layer_name.value
    assert widget.inputs.source().channels_along is None
    viewer.layers.selection = {photo}
    assert widget.layer_kind.value == "600 × 400 pixels, RGB, uint8"


@pytest.mark.parametrize("lazy", [False, True])
def test_times_with_channels_are_stepped_through_without_the_channels(
    viewer, dock, finish, lazy, qtbot
):
    series = np.random.default_rng(1).integers(0, 200, (4, 2, 3, 30, 40), np.uint8)
    data = da.from_array(series, chunks=(1, 2, 3, 30, 40)) if lazy else series
    viewer.add_image(data, name="s", axis_labels=tuple("tczyx"))
    widget = dock()
    widget.n_clusters.value = 3
    widget.inputs.normalize.value = False
    assert widget.inputs.scope.choices == ("whole", "plane", 0, 2)
    viewer.dims.current_step = (2, 1, 1, 0, 0)
    widget.inputs.scope.value = "plane"
    widget.run()
    finish(widget)
    expected = segment(series[2, :, 1], 3, channel_axis=0)
    plane = viewer.layers["s clusters plane"]
    np.testing.assert_array_equal(np.asarray(plane.data)[0, 0, 0], expected.labels)
    widget.inputs.scope.value = 0
    widget.run()
    finish(widget)
    assert viewer.layers["s clusters"].data.shape == (4, 1, 3, 30, 40)
    assert widget.state == "done"
    widget.inputs.scope.value = "whole"
    widget.live.value = True
    widget.n_clusters.value = 4
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=20_000)
    qtbot.waitUntil(lambda: widget.state == "done")
    assert viewer.layers["s clusters preview" if lazy else "s clusters"].data.max() == 4

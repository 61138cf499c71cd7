"""The field of values that are left out, and what is drawn on one plane of a stack."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg import segment


@pytest.fixture
def elevation() -> np.ndarray:
    heights = np.random.default_rng(0).normal(10, 1, (60, 80)).astype(np.float32)
    heights[:, 40:] += 20
    heights[:, :15] = -9999
    return heights


def test_pixels_of_the_values_stay_label_0_and_the_values_come_back(
    viewer, dock, finish, qtbot, elevation
):
    viewer.add_image(elevation, name="dem")
    widget = dock()
    widget.n_clusters.value = 2
    widget.inputs.leave_out.value = "-9999 0"
    widget.run()
    finish(widget)
    labels = viewer.layers["dem clusters"].data
    np.testing.assert_array_equal(labels, segment(elevation, 2, mask=elevation > -9999).labels)
    assert "Pixels of the values -9999 or 0 are left out" in widget.warning.value
    qtbot.wait(400)
    viewer.window.remove_dock_widget(widget.native)
    again = dock()
    assert again.inputs.leave_out.value == "-9999 0"
    again.start_afresh()
    assert again.inputs.leave_out.value == ""


def test_what_is_no_number_is_refused_by_the_name_of_the_field(viewer, dock, elevation):
    viewer.add_image(elevation)
    widget = dock()
    widget.inputs.leave_out.value = "none"
    widget.run()
    assert widget.state == "error"
    assert "“Leave out” takes numbers such as 0 -9999; got “none”." in widget.message.value


@pytest.mark.parametrize("scope", ["whole", 0])
def test_a_rectangle_on_a_stack_counts_on_all_planes_or_on_its_own_as_is_chosen(
    viewer, dock, finish, qtbot, scope
):
    stack = np.random.default_rng(0).integers(0, 200, (5, 40, 50), np.uint8)
    image = viewer.add_image(stack, name="s")
    area = viewer.add_shapes(ndim=3, name="mine")
    viewer.dims.set_current_step(0, 2)
    area.add_rectangles([[2, 4, 4], [2, 4, 13], [2, 13, 13], [2, 13, 4]])
    widget = dock()
    viewer.layers.selection.active = image
    widget.n_clusters.value = 2
    widget.inputs.region.value = str(area.unique_id)
    widget.inputs.scope.value = scope
    widget.where.expand()
    qtbot.waitUntil(lambda: widget.inputs.own_planes.visible)
    assert not widget.inputs.own_planes.value
    widget.run()
    finish(widget)
    labels = viewer.layers["s clusters"].data
    assert (labels > 0).sum(axis=(1, 2)).tolist() == [100] * 5
    assert "“mine” is drawn on one plane and counts on all" in widget.warning.value
    widget.inputs.own_planes.value = True
    widget.run()
    finish(widget)
    labels = viewer.layers["s clusters"].data
    assert (labels > 0).sum(axis=(1, 2)).tolist() == [0, 0, 100, 0, 0]
    area.add_rectangles([[4, 4, 4], [4, 4, 13], [4, 13, 13], [4, 13, 4]])
    assert widget.inputs.own_planes.value, "they lie on several planes"

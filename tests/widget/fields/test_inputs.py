"""Which layers are clustered, where, and from where: the fields beside k."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label as pieces

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers.export.methods_text import methods_text

from .chosen import SCALE, select


def test_several_selected_images_are_clustered_together(viewer, dock, run, qtbot, coffee):
    layers = [
        viewer.add_image(coffee[..., i], name=name, colormap=name, blending="additive", **SCALE)
        for i, name in enumerate(["red", "green", "blue"])
    ]
    widget = dock()
    select(viewer, *layers)
    assert widget.layer_name.value == "3 layers as channels"
    assert "red, green, blue" in widget.layer_kind.value
    qtbot.waitUntil(lambda: widget.inputs.normalize.visible)
    assert widget.inputs.normalize.value
    assert run(widget) == "done"
    expected = segment(coffee, 5, channel_axis=-1, normalize=True)
    labels = viewer.layers["red + green + blue clusters"]
    np.testing.assert_array_equal(labels.data, expected.labels)
    assert {"mean_red", "mean_green", "mean_blue"} <= set(labels.features)
    for i, name in enumerate(["red", "green", "blue"]):
        image = viewer.layers[f"{name} k-means"]
        assert (image.colormap.name, image.blending) == (name, "additive")
        np.testing.assert_array_equal(image.data, expected.image[..., i])
    before = list(viewer.layers)
    assert run(widget) == "done"
    assert list(viewer.layers) == before, "the same layers are written to again"


def test_normalization_is_a_choice_of_several_layers_only(viewer, dock, run, coffee):
    layers = [viewer.add_image(coffee[..., i], name=str(i)) for i in range(2)]
    widget = dock()
    assert not widget.inputs.normalize.visible
    select(viewer, *layers)
    widget.inputs.normalize.value = False
    assert run(widget) == "done"
    expected = segment(coffee[..., :2], 5, channel_axis=-1)
    np.testing.assert_array_equal(viewer.layers["0 + 1 clusters"].data, expected.labels)


def test_layers_that_do_not_match_are_named_and_nothing_changes(viewer, dock, run, cell):
    widget = dock()
    for other, words in (
        ({"data": np.zeros((9, 9))}, "“other” has 9 × 9 pixels, “cell” 550 × 660. Make them"),
        ({"scale": (2, 2)}, "“other” has another scale than “cell”"),
        ({"translate": (2, 2)}, "“other” has another translate"),
        ({"units": ("mm", "mm")}, "“other” has other units"),
        ({"data": np.zeros((660, 550, 3)), "rgb": True}, "“other” is a colour image"),
    ):
        one = viewer.add_image(cell, name="cell")
        two = viewer.add_image(**{"data": cell, "name": "other", **other})
        select(viewer, one, two)
        assert words in widget.layer_kind.value
        assert run(widget) == "error"
        assert words in widget.message.value
        assert [layer.name for layer in viewer.layers] == ["cell", "other"]
        viewer.layers.clear()


def test_the_displayed_plane_gets_labels_that_lie_there(viewer, dock, run, stack):
    viewer.add_image(stack, name="stack", scale=(3, 1, 1), translate=(5, 0, 0))
    widget = dock()
    viewer.dims.set_current_step(0, 2)
    widget.inputs.scope.value = "plane"
    assert run(widget) == "done"
    labels = viewer.layers["stack clusters plane"]
    np.testing.assert_array_equal(labels.data, segment(stack[2:3]).labels)
    assert labels.translate.tolist() == [5 + 3 * 2, 0, 0]
    viewer.dims.set_current_step(0, 3)
    assert run(widget) == "done"
    assert viewer.layers["stack clusters plane"] is labels, "the look at a plane moves on"
    assert labels.translate.tolist() == [5 + 3 * 3, 0, 0]
    widget.inputs.scope.value = "whole"
    assert run(widget) == "done"
    assert viewer.layers["stack clusters"].data.shape == stack.shape
    assert labels.data.shape == (1, 40, 50)


def test_the_newest_result_is_the_one_that_is_shown_and_lies_on_top(viewer, dock, run, stack):
    stack[2, :20] = 255
    viewer.add_image(stack, name="stack", axis_labels=("t", "y", "x"))
    widget = dock()

    def segmented(scope, k):
        widget.n_clusters.value = k
        widget.inputs.scope.value = widget.inputs.scope.get_choice(scope)
        assert run(widget) == "done"
        name = "stack clusters plane" if scope == "displayed plane" else "stack clusters"
        assert widget.clusters.clusters.layer is viewer.layers[name]
        assert widget.clusters.view.sorted.rowCount() == k
        assert viewer.layers[-1].name == name

    segmented("whole image", 5)
    segmented("displayed plane", 3)
    segmented("whole image", 4)
    segmented("displayed plane", 6)
    segmented("each step of t", 2)
    assert [layer.name for layer in viewer.layers] == [
        "stack",
        "stack k-means plane",
        "stack clusters plane",
        "stack k-means",
        "stack clusters",
    ]
    # What a person keeps is an earlier result, too, wherever they put it.
    kept = viewer.layers["stack clusters"]
    kept.name = "mine"
    segmented("whole image", 4)
    viewer.layers.move(viewer.layers.index(kept), len(viewer.layers))
    segmented("whole image", 3)
    assert kept in viewer.layers


@pytest.mark.parametrize("shape", [(4, 40, 50), (3, 4, 40, 50)])
def test_in_the_3d_view_it_is_the_displayed_volume_with_layers_of_its_own(
    viewer, dock, run, qtbot, shape
):
    stack = np.random.default_rng(0).integers(0, 200, shape, np.uint8)
    viewer.add_image(stack, name="stack")
    widget = dock()

    def previewed(name: str) -> None:
        qtbot.waitUntil(lambda: widget.clusters.clusters.layer.name == name, timeout=20_000)
        qtbot.waitUntil(lambda: not widget.preview.busy, timeout=20_000)
        assert viewer.layers[-1].name == name

    assert run(widget) == "done"
    whole, before = viewer.layers["stack clusters"], viewer.layers["stack clusters"].data.copy()
    widget.inputs.scope.value = "plane"
    assert run(widget) == "done"
    plane = viewer.layers["stack clusters plane"]
    seen = plane.data.copy()
    widget.live.value = True
    previewed("stack clusters plane")
    viewer.dims.ndisplay = 3
    assert widget.inputs.scope.native.currentText() == "displayed volume"
    assert widget.inputs.scope.value == "plane"
    previewed("stack clusters volume")
    volume = stack[viewer.dims.current_step[0]][np.newaxis] if len(shape) > 3 else stack
    np.testing.assert_array_equal(
        viewer.layers["stack clusters volume"].data, segment(volume).labels
    )
    widget.clusters.extras.methods.click()
    widget.clusters.extras.script.click()
    qtbot.waitUntil(lambda: widget.clusters.message.text().startswith("Python script of"))
    np.testing.assert_array_equal(plane.data, seen)
    np.testing.assert_array_equal(whole.data, before)
    viewer.dims.ndisplay = 2
    assert widget.inputs.scope.native.currentText() == "displayed plane"
    previewed("stack clusters plane")


def test_each_step_by_itself_keeps_what_a_label_means(viewer, dock, run):
    # Two things on a dark ground; the red one begins as the darker and ends as the brighter.
    series = np.full((3, 20, 20, 3), 5, np.uint8)
    series[:, 5:10, 5:10] = np.array([[110, 9, 9], [150, 9, 9], [200, 9, 9]])[:, None, None]
    series[:, 12:18, 12:18] = (9, 9, 160)
    viewer.add_image(series, name="series", rgb=True, axis_labels=("t", "y", "x"))
    widget = dock()
    widget.n_clusters.value = 3
    widget.inputs.scope.value = widget.inputs.scope.get_choice("each step of t")
    assert run(widget) == "done"
    labels = viewer.layers["series clusters"]
    for step in labels.data:
        assert (step[5:10, 5:10] == 2).all()
        assert (step[12:18, 12:18] == 3).all()
        assert pieces(step == 1)[1] == 1
    np.testing.assert_array_equal(viewer.layers["series k-means"].data, series)
    assert labels.features["pixels"].tolist() == [0, 3 * (400 - 25 - 36), 3 * 25, 3 * 36]


@pytest.mark.parametrize(
    ("labels", "sigma", "told"),
    [
        (("t", "y", "x"), (0, 1.5, 1.5), "sigma 1.5 pixels along y and x, not along t"),
        (("z", "y", "x"), 1.5, "sigma 1.5 pixels along all 3 axes"),
        (None, 1.5, "sigma 1.5 pixels along all 3 axes"),
    ],
)
def test_frames_are_not_mixed_by_smoothing(viewer, dock, run, stack, labels, sigma, told):
    viewer.add_image(stack, name="stack", axis_labels=labels)
    widget = dock()
    widget.more_options.smoothing.value = 1.5
    assert run(widget) == "done"
    np.testing.assert_array_equal(
        viewer.layers["stack clusters"].data, segment(stack, smoothing=sigma).labels
    )
    assert told in methods_text(viewer.layers["stack clusters"])
    tooltip = widget.more_options.smoothing.tooltip
    assert ("Along y, x; not along t" if labels and labels[0] == "t" else "Along ") in tooltip
    widget.inputs.scope.value = "plane"
    assert run(widget) == "done"
    assert "along" not in methods_text(viewer.layers["stack clusters plane"]).partition(")")[0]


def test_an_axis_without_a_name_is_known_by_its_place(viewer, dock, stack):
    viewer.add_image(stack[np.newaxis], name="stack")
    scope = dock().inputs.scope
    offered = [scope.native.findText(f"each step of axis {axis}") for axis in (0, 1)]
    assert offered == [2, 3]


def test_a_picture_has_no_scope(viewer, dock, qtbot, coffee, stack):
    viewer.add_image(coffee, rgb=True)
    widget = dock()
    assert not widget.inputs.scope.visible
    viewer.add_image(stack)
    qtbot.waitUntil(lambda: widget.inputs.scope.visible)


def test_specks_go_and_pieces_of_a_cluster_become_objects(viewer, dock, run):
    image = np.zeros((40, 40), np.uint8)
    image[5:15, 5:15] = image[20:35, 20:30] = 200
    image[2, 30] = image[8, 8] = 100
    viewer.add_image(image, name="blobs", scale=(0.5, 0.5), units=("µm", "µm"))
    widget = dock()
    widget.n_clusters.value = 3
    widget.inputs.specks.value = 5
    widget.inputs.objects.value = "3"
    assert run(widget) == "done"
    labels, objects = viewer.layers["blobs clusters"], viewer.layers["blobs objects"]
    np.testing.assert_array_equal(
        labels.data == 3, (image > 150) | (np.indices((40, 40)) == 8).all(0)
    )
    assert np.unique(labels.data).tolist() == [1, 3]
    assert labels.features["pixels"].tolist() == [0, 1600 - 250, 0, 250]
    assert objects.features["pixels"].tolist() == [1600 - 250, 100, 150]
    assert objects.features["area [µm²]"].tolist()[1:] == [25, 37.5]
    assert run(widget) == "done"
    assert viewer.layers["blobs objects"] is objects


def test_other_data_in_any_of_several_layers_cost_the_result(viewer, dock, finish, big):
    layers = [viewer.add_image(big[..., i], name=str(i)) for i in range(2)]
    widget = dock()
    select(viewer, *layers)
    widget.run()
    layers[1].data = big[..., 2]
    finish(widget)
    assert widget.state == "cancelled"
    assert "“1” got other data while it ran" in widget.message.value
    assert [layer.name for layer in viewer.layers] == ["0", "1"]


def test_of_several_layers_the_one_is_named_that_was_removed(viewer, dock, finish, big):
    layers = [viewer.add_image(big[..., i], name=str(i)) for i in range(3)]
    widget = dock()
    select(viewer, *layers)
    widget.run()
    viewer.layers.remove(layers[1])
    finish(widget)
    assert widget.state == "cancelled"
    assert "“1” was removed while it ran" in widget.message.value
    assert [layer.name for layer in viewer.layers] == ["0", "2"]


def test_a_layer_that_serves_may_go_while_it_runs(viewer, dock, finish, big):
    image = viewer.add_image(big[..., 0], name="big")
    painted = np.zeros(image.data.shape, np.uint8)
    painted[100:300] = 1
    area = viewer.add_labels(painted, name="area")
    widget = dock()
    select(viewer, image)
    widget.inputs.region.value = str(area.unique_id)
    widget.run()
    viewer.layers.remove(area)
    finish(widget)
    assert widget.state == "done"
    np.testing.assert_array_equal(viewer.layers["big clusters"].data > 0, painted > 0)
    assert widget.inputs.region.value == ""


def test_a_run_of_a_plane_in_three_dimensions_takes_the_whole_volume(viewer, dock, run, stack):
    viewer.add_image(stack, name="stack")
    widget = dock()
    widget.inputs.scope.value = "plane"
    viewer.dims.ndisplay = 3
    assert run(widget) == "done"
    labels = viewer.layers["stack clusters volume"]
    np.testing.assert_array_equal(labels.data, segment(stack, 5).labels)


@pytest.mark.parametrize("live", [False, True])
def test_the_displayed_plane_beyond_the_end_of_the_image_is_refused(
    viewer, dock, run, stack, live, qtbot
):
    viewer.add_image(np.zeros((9, 40, 50), np.uint8), name="longer", visible=False)
    image = viewer.add_image(stack, name="s")
    widget = dock()
    viewer.layers.selection.active = image
    widget.inputs.scope.value = "plane"
    viewer.dims.set_current_step(0, 7)
    before = list(viewer.layers)
    if live:
        widget.live.value = True
        qtbot.wait(300)
    else:
        assert run(widget) == "error"
    assert (
        "the slider of axis 0 stands at 7, and the image goes from 0 to 3" in widget.message.value
    )
    assert list(viewer.layers) == before
    widget.live.value = False
    viewer.dims.set_current_step(0, 3)
    assert run(widget) == "done"

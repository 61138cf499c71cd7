"""Which layers are clustered, where, and from where: the fields beside k."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from scipy.ndimage import label as pieces

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers.export.methods_text import methods_text

SCALE = {"scale": (0.2, 0.2), "units": ("µm", "µm")}


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 200, (4, 40, 50), np.uint8)


@pytest.fixture
def run(finish):
    def press(widget):
        widget.run()
        finish(widget)
        return widget.state

    return press


def select(viewer, *layers):
    viewer.layers.selection = set(layers)


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


def test_a_shapes_layer_limits_where_clusters_are(viewer, dock, run, cell):
    viewer.add_image(cell, name="cell", **SCALE)
    shapes = viewer.add_shapes(
        [[[10, 20], [10, 60], [50, 60], [50, 20]]], name="area", scale=(0.2, 0.2)
    )
    widget = dock()
    select(viewer, viewer.layers["cell"])
    widget.inputs.region.value = str(shapes.unique_id)
    assert run(widget) == "done"
    labels = viewer.layers["cell clusters"].data
    inside = labels[11:50, 21:60]
    assert inside.all()
    assert not labels[:10].any()
    assert np.count_nonzero(labels) <= 42 * 42
    widget.inputs.everywhere.value = True
    assert run(widget) == "done"
    labels = viewer.layers["cell clusters"].data
    assert labels.all()
    np.testing.assert_array_equal(labels[11:50, 21:60], inside)


def test_chosen_labels_are_a_region(viewer, dock, run, cell):
    viewer.add_image(cell, name="cell")
    painted = np.zeros(cell.shape, np.uint8)
    painted[:100], painted[200:250, 3:50] = 1, 4
    region = viewer.add_labels(painted, name="painted")
    widget = dock()
    select(viewer, viewer.layers["cell"])
    widget.inputs.region.value = str(region.unique_id)
    widget.inputs.region_labels.value = "4"
    assert run(widget) == "done"
    expected = segment(cell, 5, mask=painted == 4)
    np.testing.assert_array_equal(viewer.layers["cell clusters"].data, expected.labels)
    widget.inputs.region_labels.value = "four"
    assert run(widget) == "error"
    assert "takes numbers such as 1 3" in widget.message.value


def test_points_are_seeds_one_cluster_each(viewer, dock, run, coffee):
    viewer.add_image(coffee, name="coffee", rgb=True)
    places = [(20, 20), (150, 300), (200, 500)]
    points = viewer.add_points(places, name="seeds")
    widget = dock()
    select(viewer, viewer.layers["coffee"])
    widget.inputs.seeds.value = str(points.unique_id)
    assert not widget.n_clusters.enabled
    widget.inputs.fixed.value = True
    assert run(widget) == "done"
    colours = np.array(
        [coffee[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(axis=0) for y, x in places]
    )
    nearest = ((coffee[:, :, np.newaxis] - colours) ** 2).sum(axis=-1).argmin(axis=-1) + 1
    assert (viewer.layers["coffee clusters"].data == nearest).mean() > 0.9999, "ties apart"
    widget.inputs.fixed.value = False
    assert run(widget) == "done"
    moved = viewer.layers["coffee clusters"]
    assert moved.features["label"].tolist() == [0, 1, 2, 3]
    expected = segment(coffee, 3, channel_axis=-1, init=colours)
    assert sorted(moved.features["pixels"][1:]) == sorted(expected.counts.tolist())
    viewer.layers.remove(points)
    assert widget.inputs.seeds.value == ""
    assert widget.n_clusters.enabled


def test_what_does_not_count_beside_seeds_cannot_be_chosen(viewer, dock, coffee):
    viewer.add_image(coffee, name="coffee", rgb=True)
    points = viewer.add_points([[20, 20], [380, 20]], name="seeds")
    widget = dock()
    select(viewer, viewer.layers["coffee"])
    options, fixed = widget.more_options, widget.inputs.fixed
    drawn, moved = (options.init, options.n_init, options.seed), (options.tol, options.max_iter)
    told = [field.tooltip for field in drawn + moved]
    widget.inputs.seeds.value = str(points.unique_id)
    assert not any(field.enabled for field in drawn)
    assert all(field.enabled for field in moved)
    assert not widget.how_many.button.isEnabled(), "they tell how many"
    assert "seeds" in options.init.tooltip
    fixed.value = True
    assert not any(field.enabled for field in moved)
    assert "fixed" in options.tol.tooltip
    widget.inputs.seeds.value = ""
    assert all(field.enabled for field in drawn + moved)
    assert widget.how_many.button.isEnabled()
    assert [field.tooltip for field in drawn + moved] == told


def test_painted_seeds_keep_their_numbers(viewer, dock, run, coffee):
    viewer.add_image(coffee, name="coffee", rgb=True)
    painted = np.zeros(coffee.shape[:2], np.uint8)
    painted[10:20, 10:20], painted[150:160, 300:310] = 7, 3
    seeds = viewer.add_labels(painted, name="strokes")
    widget = dock()
    select(viewer, viewer.layers["coffee"])
    widget.inputs.seeds.value = str(seeds.unique_id)
    for fixed in (True, False):
        widget.inputs.fixed.value = fixed
        assert run(widget) == "done"
        labels = viewer.layers["coffee clusters"]
        assert np.unique(labels.data).tolist() == [3, 7]
        assert (labels.data[10:20, 10:20] == 7).all()
        assert (labels.data[150:160, 300:310] == 3).mean() > 0.9
        assert labels.features.query("pixels > 0 and label > 0")["label"].tolist() == [3, 7]


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("kind", ["points", "labels"])
def test_seeds_that_cannot_serve_are_reported_and_too_few_are_refused(
    viewer, dock, run, coffee, kind, lazy
):
    picture = np.dstack([coffee, np.full(coffee.shape[:2], 255, np.uint8)])
    picture[300:, :50, 3] = 0
    layer = viewer.add_image(da.from_array(picture, chunks=200) if lazy else picture, name="cup")
    places = np.array([(20, 20), (150, 300), (350, 20), (200, 500), (450, 20)])
    if kind == "points":
        seeds = viewer.add_points(places, name="spots")
    else:
        painted = np.zeros((500, 600), np.uint8)
        painted[tuple(places.T)] = range(1, 6)
        seeds = viewer.add_labels(painted, name="spots")
    area = viewer.add_shapes([[[0, 0], [0, 400], [399, 400], [399, 0]]], name="area")
    widget = dock()
    select(viewer, layer)
    widget.inputs.seeds.value = str(seeds.unique_id)
    assert run(widget) == "done"
    transparent = "1 on pixels that are NaN, infinite or fully transparent"
    assert widget.warning.value == (
        f"⚠ 2 of 5 seeds of “spots” were left out: 1 outside the image, {transparent}."
    )
    assert widget.clusters.clusters.table["pixels"].gt(0).sum() == 3
    widget.inputs.region.value = str(area.unique_id)
    assert run(widget) == "done"
    outside = "1 outside the image, 1 outside" if kind == "points" else "2 outside"
    assert (
        f"3 of 5 seeds of “spots” were left out: {outside} the region “area”, {transparent}."
        in (widget.warning.value)
    )
    widget.inputs.everywhere.value = True
    assert run(widget) == "done"
    assert "2 of 5 seeds" in widget.warning.value
    before = np.asarray(viewer.layers["cup clusters"].data).copy()
    if kind == "points":
        seeds.data = places[[0, 2]]
    else:
        seeds.data = np.where(np.isin(seeds.data, (1, 3)), seeds.data, 0)
    assert run(widget) == "error"
    assert (
        f"1 of 2 seeds of “spots” was left out: {transparent}. At least two" in widget.message.value
    )
    np.testing.assert_array_equal(np.asarray(viewer.layers["cup clusters"].data), before)


def test_what_cannot_serve_is_said_and_nothing_changes(viewer, dock, run, cell):
    widget = dock()
    line = np.array([[0, 0], [9, 9]])
    for field, add, words in (
        ("region", lambda: viewer.add_shapes(line, shape_type="line"), "no area"),
        ("region", lambda: viewer.add_labels(np.zeros((660, 550), int)), "misses the image"),
        ("region", lambda: viewer.add_labels(np.zeros((2, 660, 550), int)), "has 3 axes"),
        ("seeds", lambda: viewer.add_points([[9000, 9000]]), "No point"),
        ("seeds", lambda: viewer.add_labels(np.zeros((660, 550), int)), "No label"),
    ):
        viewer.add_image(cell, name="cell")
        layer = add()
        select(viewer, viewer.layers["cell"])
        getattr(widget.inputs, field).value = str(layer.unique_id)
        assert run(widget) == "error"
        assert words in widget.message.value
        assert len(viewer.layers) == 2
        viewer.layers.clear()


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

"""Where clusters are found and where they start: regions and seeds."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_kmeans_seg import segment

from .chosen import SCALE, select


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

"""A segmentation becomes layers, and a second run writes to the same ones."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels
from napari.utils.colormaps import CyclicLabelColormap, label_colormap

from napari_kmeans_seg import __version__
from napari_kmeans_seg.layers import (
    METADATA_KEY,
    EditWatch,
    LayerImage,
    Outputs,
    linked_layers,
    warm_up_early,
)
from napari_kmeans_seg.layers.cleanup import CleanUp
from napari_kmeans_seg.layers.clusters import clusters_of

# A layer that lies askew in the world: every spatial property differs from its default.
ASKEW = {
    "scale": (0.5, 0.25),
    "translate": (10, 20),
    "rotate": 30,
    "shear": [0.2],
    "affine": [[1, 0.1, 3], [0, 1, 4], [0, 0, 1]],
    "units": ("µm", "µm"),
    "axis_labels": ("y", "x"),
}


def run(viewer: ViewerModel, layer: Image, n_clusters: int = 3, **kwargs):
    """Segment a layer and show the outputs, as the widget does."""
    source = LayerImage.of(layer)
    return Outputs.paint(source, source.segment(n_clusters=n_clusters), **kwargs).show(viewer)


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def source(viewer, coffee) -> Image:
    return viewer.add_image(coffee, name="coffee", rgb=True)


# -- the first run


def test_one_image_and_one_labels_layer_are_added_right_above_the_source(viewer, source):
    viewer.add_points([[1, 1]], name="on top")
    run(viewer, source)
    assert [layer.name for layer in viewer.layers] == [
        "coffee",
        "coffee k-means",
        "coffee clusters",
        "on top",
    ]
    assert isinstance(viewer.layers["coffee k-means"], Image)
    assert isinstance(viewer.layers["coffee clusters"], Labels)


def names(viewer: ViewerModel) -> list[str]:
    return [layer.name for layer in viewer.layers]


def test_fresh_outputs_lie_above_the_earlier_ones_that_are_left_alone(viewer, source):
    viewer.add_points([[1, 1]], name="on top")
    for output in run(viewer, source).values():
        output.data[0, 0] += 1
    run(viewer, source)
    assert names(viewer) == [
        "coffee",
        "coffee k-means",
        "coffee clusters",
        "coffee k-means [1]",
        "coffee clusters [1]",
        "on top",
    ]


def test_the_result_of_one_layer_lies_above_that_of_several(viewer, cell):
    layers = [viewer.add_image(np.roll(cell, i), name=f"channel {i}") for i in range(3)]
    together = LayerImage.of(*layers)
    Outputs.paint(together, together.segment(n_clusters=3)).show(viewer)
    before = names(viewer)
    run(viewer, layers[0])
    assert names(viewer) == [*before, "channel 0 k-means [1]", "channel 0 clusters"]


def test_a_result_lies_above_another_image_that_would_hide_it(viewer, source, coffee):
    viewer.add_image(coffee, name="another", rgb=True)
    run(viewer, source)
    assert names(viewer) == ["coffee", "another", "coffee k-means", "coffee clusters"]


def test_a_fresh_image_stays_below_the_labels_that_are_written_to(viewer, source):
    outputs = run(viewer, source)
    outputs["image"].data[0, 0] += 1
    assert run(viewer, source)["labels"] is outputs["labels"]
    assert names(viewer) == ["coffee", "coffee k-means", "coffee k-means [1]", "coffee clusters"]


def test_outputs_that_are_written_to_keep_their_place_below_others(viewer, source, coffee):
    run(viewer, source)
    run(viewer, viewer.add_image(coffee, name="another", rgb=True))
    before = names(viewer)
    run(viewer, source)
    assert names(viewer) == before


def test_only_the_wanted_outputs_are_added(viewer, source):
    run(viewer, source, kinds=["labels"])
    assert [layer.name for layer in viewer.layers] == ["coffee", "coffee clusters"]


def test_the_pixels_of_the_outputs_are_those_of_the_segmentation(viewer, source):
    segmentation = LayerImage.of(source).segment(n_clusters=3)
    run(viewer, source)
    np.testing.assert_array_equal(viewer.layers["coffee clusters"].data, segmentation.labels)
    np.testing.assert_array_equal(viewer.layers["coffee k-means"].data, segmentation.image)
    assert viewer.layers["coffee k-means"].rgb


def test_the_source_stays_selected(viewer, source):
    viewer.layers.selection.active = source
    run(viewer, source)
    assert viewer.layers.selection.active is source
    assert set(viewer.layers.selection) == {source}


def test_a_selection_of_several_layers_stays(viewer, source):
    points = viewer.add_points([[1, 1]])
    viewer.layers.selection = {source, points}
    run(viewer, source)
    assert set(viewer.layers.selection) == {source, points}


@pytest.mark.parametrize("rgb", [True, False])
def test_outputs_lie_where_their_source_lies(viewer, coffee, rgb):
    layer = viewer.add_image(coffee if rgb else coffee[..., 0], name="tilted", rgb=rgb, **ASKEW)
    for output in run(viewer, layer).values():
        np.testing.assert_allclose(output.scale, layer.scale)
        np.testing.assert_allclose(output.translate, layer.translate)
        np.testing.assert_allclose(output.rotate, layer.rotate)
        np.testing.assert_allclose(output.shear, layer.shear)
        np.testing.assert_allclose(output.affine.affine_matrix, layer.affine.affine_matrix)
        assert output.units == layer.units
        assert output.axis_labels == layer.axis_labels
        np.testing.assert_allclose(output.extent.world, layer.extent.world)


def test_a_stack_of_rgb_pictures_stays_a_stack_of_rgb_pictures(viewer, coffee):
    stack = np.stack([coffee[:50, :60], coffee[50:100, :60]])
    layer = viewer.add_image(stack, rgb=True, units=("s", "µm", "µm"), scale=(2, 0.5, 0.5))
    outputs = run(viewer, layer)
    assert outputs["image"].rgb
    assert outputs["image"].ndim == outputs["labels"].ndim == 3
    assert outputs["labels"].data.shape == stack.shape[:-1]


def test_a_grey_output_is_shown_as_its_source_is(viewer, cell):
    layer = viewer.add_image(
        cell, name="cell", colormap="magma", contrast_limits=(10, 99), gamma=0.7
    )
    image = run(viewer, layer)["image"]
    assert image.colormap.name == "magma"
    assert tuple(image.contrast_limits) == (10, 99)
    assert image.gamma == pytest.approx(0.7)


def test_a_person_can_paint_on_the_labels(viewer, source):
    labels = run(viewer, source)["labels"]
    labels.paint((20, 20), 3)
    assert labels.data[20, 20] == 3
    labels.undo()


# -- colours


def test_each_label_has_the_mean_colour_of_its_cluster(viewer, source):
    labels = run(viewer, source)["labels"]
    image = viewer.layers["coffee k-means"].data
    for label in (1, 2, 3):
        shown = labels.get_color(label)[:3]
        painted = image[labels.data == label][0] / 255
        np.testing.assert_allclose(shown, painted, atol=0.5 / 255 + 1e-6)
    assert labels.get_color(0) is None, "what is in no cluster is not shown"


def test_grey_labels_have_distinct_hues(viewer, cell):
    source = viewer.add_image(cell)
    labels = run(viewer, source)["labels"]
    for n_clusters in (3, 16):
        assert run(viewer, source, n_clusters)["labels"] is labels
        hues = np.array([labels.get_color(label)[:3] for label in range(1, n_clusters + 1)])
        apart = np.linalg.norm(hues[:, np.newaxis] - hues, axis=-1)
        assert apart[~np.eye(n_clusters, dtype=bool)].min() > 0.1


@pytest.mark.parametrize(
    "picture",
    [
        lambda coffee: coffee.astype(np.uint16) * 16,
        lambda coffee: coffee.astype(np.uint16) * 257,
        lambda coffee: coffee / np.float32(1000),
        lambda coffee: np.dstack([coffee, np.full(coffee.shape[:2], 255, np.uint8)]),
    ],
    ids=["12 bits in 16", "16 bits", "floats", "alpha"],
)
def test_mean_colours_are_those_that_the_canvas_shows(viewer, coffee, picture):
    source = viewer.add_image(picture(coffee), rgb=True)
    source.gamma = 0.8
    outputs = run(viewer, source)
    labels, image = outputs["labels"], outputs["image"]
    assert tuple(image.contrast_limits) == tuple(source.contrast_limits)
    assert image.gamma == source.gamma
    low, high = source.contrast_limits
    for label in (1, 2, 3):
        painted = image.data[labels.data == label][0, :3].astype(float)
        shown = np.clip((painted - low) / (high - low), 0, 1) ** 0.8
        np.testing.assert_allclose(labels.get_color(label)[:3], shown, atol=5e-3)
    worn = [labels.get_color(label)[:3] for label in (1, 2, 3)]
    assert np.max(worn) > 0.5, "a bright picture has bright clusters"


def test_clusters_have_on_the_canvas_the_colours_of_the_table(viewer, cell):
    source = viewer.add_image(cell)
    labels = run(viewer, source)["labels"]
    assert (labels.opacity, labels.blending) == (1, "translucent")
    labels.opacity = 0.9
    assert run(viewer, source, 4)["labels"].opacity == 0.9, "what a person chose stays"


def test_mean_colours_follow_the_contrast_of_their_source(viewer, coffee):
    source = viewer.add_image(coffee, rgb=True)
    labels = run(viewer, source)["labels"]
    before = labels.get_color(2)[:3]
    source.contrast_limits = (0, 510)
    run(viewer, source)
    np.testing.assert_allclose(labels.get_color(2)[:3], before / 2, atol=1e-6)


def test_the_colours_follow_a_second_run(viewer, source):
    labels = run(viewer, source, 2)["labels"]
    before = labels.get_color(2)
    run(viewer, source, 4)
    assert not np.allclose(labels.get_color(2), before)
    assert len({tuple(labels.get_color(label)) for label in range(1, 5)}) == 4


def test_distinct_hues_that_a_person_chose_stay_through_every_run(viewer, source):
    labels = run(viewer, source)["labels"]
    labels.colormap = label_colormap(49)
    for n_clusters in (4, 5, 6):
        run(viewer, source, n_clusters)
        assert isinstance(labels.colormap, CyclicLabelColormap)


# -- what is told of the clusters


def test_the_metadata_tell_how_the_layers_came_to_be(viewer, source):
    segmentation = LayerImage.of(source).segment(n_clusters=3)
    for output in run(viewer, source).values():
        told = json.loads(json.dumps(output.metadata[METADATA_KEY]))
        assert told["version"] == __version__
        assert told["source"] == "coffee"
        assert told["parameters"]["n_clusters"] == 3
        assert told["parameters"] == segmentation.parameters
        assert told["inertia"] == segmentation.inertia
        assert told["n_iter"] == segmentation.n_iter
        assert told["converged"] == segmentation.converged
        assert told["counts"] == segmentation.counts.tolist()
        np.testing.assert_array_equal(told["centroids"], segmentation.centroids)


def test_the_features_table_has_a_row_per_cluster_below_that_of_the_background(viewer, source):
    segmentation = LayerImage.of(source).segment(n_clusters=3)
    features = run(viewer, source)["labels"].features
    assert features["index"].tolist() == features["label"].tolist() == [0, 1, 2, 3]
    assert features["pixels"].tolist() == [0, *segmentation.counts]
    assert features["percent"].sum() == pytest.approx(100)
    means = features[["mean_red", "mean_green", "mean_blue"]]
    np.testing.assert_allclose(means[1:], segmentation.centroids)
    assert means.loc[0].isna().all()


def test_napari_tells_the_row_of_the_label_under_the_cursor(viewer, source):
    labels = run(viewer, source)["labels"]
    label = int(labels.data[100, 100])
    pixels = labels.features["pixels"][label]
    status = labels.get_status((100, 100), world=True)
    assert f"pixels: {pixels}" in status["coordinates"]


@pytest.mark.parametrize(
    ("shape", "scale", "units", "affine", "column", "size"),
    [
        ((20, 30), (0.5, 0.25), ("µm", "µm"), None, "area [µm²]", 0.125),
        ((20, 30), (1, 1), None, None, "area [pixel²]", 1),
        ((20, 30), (1, 1), ("mm", "mm"), np.diag([2, 3, 1]), "area [mm²]", 6),
        ((4, 20, 30), (2, 0.5, 0.5), ("µm",) * 3, None, "volume [µm³]", 0.5),
        ((4, 20, 30), (2, 0.5, 0.5), ("s", "µm", "µm"), None, "area [µm²]", 0.25),
        ((4, 20, 30), (2, 0.5, 0.5), ("µm", "µm", "mm**-1"), None, "size [µm²/mm]", 0.5),
    ],
)
def test_sizes_are_given_in_the_units_of_the_layer(
    viewer, shape, scale, units, affine, column, size
):
    data = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    layer = viewer.add_image(data, scale=scale, units=units, affine=affine)
    features = run(viewer, layer)["labels"].features
    np.testing.assert_allclose(features[column], features["pixels"] * size)


def test_an_axis_of_time_or_of_steps_is_none_of_space(viewer):
    data = np.random.default_rng(0).integers(0, 255, (4, 20, 30), np.uint8)
    series = viewer.add_image(data, scale=(2, 0.5, 0.5), axis_labels=("t", "y", "x"))
    features = run(viewer, series)["labels"].features
    np.testing.assert_allclose(features["area [pixel²]"], features["pixels"] * 0.25)
    stack = viewer.add_image(data, scale=(2, 0.5, 0.5))
    steps = replace(LayerImage.of(stack), step_axis=0)
    labels = Outputs.paint(steps, steps.segment(n_clusters=3)).show(viewer)["labels"]
    sizes = labels.features["pixels"] * 0.25
    np.testing.assert_allclose(labels.features["area [pixel²]"], sizes)
    clusters_of(viewer, labels).merge([1, 2])
    assert "area [pixel²]" in labels.features.columns


# -- the second run


def test_a_second_run_writes_to_the_same_layers(viewer, source):
    first = run(viewer, source, 3)
    second = run(viewer, source, 4)
    assert second == first
    assert len(viewer.layers) == 3
    assert first["labels"].data.max() == 4
    assert first["labels"].features["label"].tolist() == [0, 1, 2, 3, 4]
    assert first["image"].metadata[METADATA_KEY]["n_clusters"] == 4
    assert run(viewer, source, 2) == first, "and a third"


def test_what_a_person_set_on_an_output_is_kept(viewer, source):
    outputs = run(viewer, source)
    labels, image = outputs["labels"], outputs["image"]
    labels.opacity, labels.visible, labels.contour = 0.3, False, 2
    colours = {1: "red", 2: "lime", 3: "blue", None: "black"}
    labels.colormap = colours
    labels.metadata["mine"] = "a note"
    image.blending, image.opacity = "additive", 0.5
    viewer.layers.move(viewer.layers.index(labels), 0)
    viewer.layers.selection.active = labels
    run(viewer, source, 4)
    assert (labels.opacity, labels.visible, labels.contour) == (0.3, False, 2)
    np.testing.assert_allclose(labels.get_color(1), [1, 0, 0, 1])
    assert labels.metadata["mine"] == "a note"
    assert (image.blending, image.opacity) == ("additive", 0.5)
    assert viewer.layers[0] is labels
    assert viewer.layers.selection.active is labels


def test_an_output_follows_when_its_source_is_moved_or_calibrated(viewer, source):
    labels = run(viewer, source)["labels"]
    for name, value in ASKEW.items():
        setattr(source, name, value)
    assert run(viewer, source)["labels"] is labels
    np.testing.assert_allclose(labels.extent.world, source.extent.world)
    assert labels.units == source.units
    assert "area [µm²]" in labels.features


def test_painted_labels_are_left_alone_and_a_fresh_layer_is_added(viewer, source):
    labels = run(viewer, source)["labels"]
    labels.paint((20, 20), 3)
    painted = labels.data.copy()
    outputs = run(viewer, source, 4)
    np.testing.assert_array_equal(labels.data, painted)
    assert outputs["labels"] is not labels
    assert outputs["labels"].data.max() == 4
    assert [layer.name for layer in viewer.layers] == [
        "coffee",
        "coffee k-means",
        "coffee clusters",
        "coffee clusters [1]",
    ]
    assert run(viewer, source, 5) == outputs, "the fresh one is written to from now on"
    np.testing.assert_array_equal(labels.data, painted)


@pytest.mark.parametrize("kind", ["labels", "image"])
def test_an_edit_of_one_pixel_in_place_is_noticed(viewer, source, kind):
    output = run(viewer, source)[kind]
    output.data[-1, -1] += 1
    edited = output.data.copy()
    assert run(viewer, source)[kind] is not output
    np.testing.assert_array_equal(output.data, edited)


def test_painting_that_was_undone_is_no_edit(viewer, source):
    labels = run(viewer, source)["labels"]
    labels.paint((20, 20), 3)
    labels.undo()
    assert run(viewer, source)["labels"] is labels


def test_a_renamed_output_is_left_alone(viewer, source):
    labels = run(viewer, source)["labels"]
    labels.name = "keep this"
    before = labels.data.copy()
    assert run(viewer, source, 4)["labels"] is not labels
    np.testing.assert_array_equal(labels.data, before)


def test_an_output_whose_table_was_changed_is_left_alone(viewer, source):
    labels = run(viewer, source)["labels"]
    labels.features["tissue"] = ["", "dark", "middle", "bright"]
    assert run(viewer, source)["labels"] is not labels
    assert labels.features["tissue"].tolist() == ["", "dark", "middle", "bright"]


def test_a_layer_that_only_has_the_name_of_an_output_is_never_touched(viewer, source):
    mine = viewer.add_labels(np.ones((400, 600), int), name="coffee clusters")
    assert run(viewer, source)["labels"] is not mine
    assert (mine.data == 1).all()


def test_a_copy_of_an_output_is_nobodys_output(viewer, source):
    labels = run(viewer, source)["labels"]
    data, state, _ = labels.as_layer_data_tuple()
    viewer.layers.remove(labels)
    copy = viewer.add_labels(data.copy(), **state)
    assert copy.name == "coffee clusters"
    assert run(viewer, source, 4)["labels"] is not copy


def test_two_images_of_the_same_name_have_outputs_of_their_own(viewer, source, coffee):
    other = viewer.add_image(coffee[::2, ::2], name="coffee", rgb=True)
    first, second = run(viewer, source), run(viewer, other)
    assert first["labels"] is not second["labels"]
    assert first["labels"].data.shape != second["labels"].data.shape
    assert linked_layers(viewer, str(other.unique_id), "labels") == [second["labels"]]


def test_an_output_that_cannot_hold_the_new_result_is_left_alone(viewer, cell):
    layer = viewer.add_image(cell, name="cell")
    before = run(viewer, layer)
    layer.data = np.stack([cell, cell]).astype(np.float32)
    after = run(viewer, layer)
    assert before["image"].data.dtype == np.uint8
    assert after["image"].data.dtype == np.float32
    assert before["labels"].data.shape == cell.shape
    assert after["labels"].data.shape == (2, *cell.shape)


def test_more_clusters_than_a_byte_holds_are_written_to_the_same_layer(viewer, coffee):
    layer = viewer.add_image(coffee[:100, :100], rgb=True)
    labels = run(viewer, layer, 3)["labels"]
    assert run(viewer, layer, 300)["labels"] is labels
    assert labels.data.dtype == np.uint16
    assert labels.data.max() == 300


def test_nothing_is_changed_when_the_source_has_gone(viewer, source):
    outputs = Outputs.paint(LayerImage.of(source), LayerImage.of(source).segment(n_clusters=2))
    viewer.layers.remove(source)
    with pytest.raises(LookupError, match="“coffee” is no longer in the viewer"):
        outputs.show(viewer)
    assert len(viewer.layers) == 0


# -- edits while the work is under way


def test_an_edit_after_the_comparison_is_still_noticed(viewer, source):
    labels = run(viewer, source)["labels"]
    watch = EditWatch(labels)
    watch.check()
    assert watch.untouched()
    labels.paint((20, 20), 3)
    assert not watch.untouched()
    labels.undo()
    assert watch.untouched()
    labels.data = labels.data + 1
    assert not watch.untouched()
    watch.close()


def test_a_closed_watch_leaves_no_callback_behind(viewer, source):
    labels = run(viewer, source)["labels"]
    before = {name: len(labels.events[name].callbacks) for name in ("data", "set_data")}
    watch = EditWatch(labels)
    assert len(labels.events.data.callbacks) == before["data"] + 1
    watch.close()
    assert {name: len(labels.events[name].callbacks) for name in before} == before


def test_the_colours_are_warmed_up_once_and_away_from_the_window():
    warm_up_early.cache_clear()
    before = set(threading.enumerate())
    warm_up_early()
    warm_up_early()
    new = set(threading.enumerate()) - before
    assert len(new) <= 1
    for thread in new:
        assert not thread.daemon, "Python waits for the compiler"
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("objects", "told"),
    [
        ((2, 9, 7), "Objects of 7, 9: clusters are 1 to 3."),
        ((3,), None),
    ],
)
def test_objects_of_clusters_that_are_none_are_reported(viewer, source, objects, told):
    image = replace(LayerImage.of(source), clean_up=CleanUp(objects=objects))
    outputs = Outputs.paint(image, image.segment(n_clusters=3))
    assert outputs.segmentation.warnings == (() if told is None else (told,))
    shown = outputs.show(viewer)
    assert shown["objects"].data.max() > 0
    assert shown["labels"].metadata[METADATA_KEY]["warnings"] == list(outputs.segmentation.warnings)


def test_a_layer_that_was_renamed_during_its_run_gives_one_name(coffee):
    viewer = ViewerModel()
    layer = viewer.add_image(coffee, name="old")
    source = LayerImage.of(layer)
    outputs = Outputs.paint(source, source.segment(n_clusters=3))
    layer.name = "new"
    shown = outputs.show(viewer)
    assert [one.name for one in viewer.layers] == ["new", "new k-means", "new clusters"]
    assert {one.metadata[METADATA_KEY]["source"] for one in shown.values()} == {"new"}

    channels = [viewer.add_image(coffee[..., i], name=name) for i, name in enumerate("ab")]
    source = LayerImage.of(*channels)
    outputs = Outputs.paint(source, source.segment(n_clusters=3))
    channels[1].name = "c"
    shown = outputs.show(viewer)
    names = {"a k-means", "c k-means", "a + c clusters"}
    assert names <= {one.name for one in viewer.layers}
    assert {"mean_a", "mean_c"} <= set(shown["labels"].features)

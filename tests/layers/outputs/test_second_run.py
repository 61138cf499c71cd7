"""What a second run writes to, and what of a person's work it leaves alone."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_kmeans_seg.layers import (
    METADATA_KEY,
    EditWatch,
    LayerImage,
    Outputs,
    linked_layers,
    warm_up_early,
)
from napari_kmeans_seg.layers.base.cleanup import CleanUp

from .running import ASKEW, run


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

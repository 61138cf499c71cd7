"""The dock widget in a real napari window."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import warnings
import weakref

import dask
import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels
from napari.utils import progress as napari_progress
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt, QTimer

from napari_kmeans_seg import segment

from .hands import at_rest, threads


def press(qtbot, button) -> None:
    """Click a button with the mouse."""
    qtbot.mouseClick(button.native, Qt.MouseButton.LeftButton)


def names(viewer) -> list[str]:
    return [layer.name for layer in viewer.layers]


# -- which layer


def test_an_empty_viewer_says_what_to_do(dock):
    widget = dock()
    assert widget.state == "empty"
    assert "Open an image" in widget.layer_kind.value
    assert not widget.run_button.enabled


def test_an_empty_viewer_offers_a_sample(viewer, dock, qtbot):
    widget = dock()
    button = widget.target.sample_button
    qtbot.waitUntil(lambda: button.visible)
    press(qtbot, button)
    assert names(viewer) == ["coffee"]
    assert widget.state == "ready"
    assert not button.visible
    viewer.layers.clear()
    assert button.visible


def test_the_widget_follows_the_active_layer(viewer, dock, coffee, cell):
    widget = dock()
    viewer.add_image(coffee, name="coffee")
    assert widget.state == "ready"
    assert widget.layer_name.value == "coffee"
    assert widget.layer_kind.value == "600 × 400 pixels, RGB, uint8"
    grey = viewer.add_image(cell, name="cell")
    assert widget.layer_name.value == "cell"
    assert "grey" in widget.layer_kind.value
    grey.name = "renamed"
    assert widget.layer_name.value == "renamed"
    grey.data = cell[:50, :40].astype(np.float32)
    assert widget.layer_kind.value == "40 × 50 pixels, grey, float32"
    viewer.layers.selection.active = viewer.layers["coffee"]
    assert widget.layer_name.value == "coffee"


def test_a_layer_that_is_no_image_is_named(viewer, dock, cell, coffee):
    widget = dock()
    viewer.add_image(coffee, name="coffee")
    viewer.add_image(cell, name="cell")
    viewer.add_points([[1, 1]], name="dots")
    assert "“dots” is not an image" in widget.layer_kind.value
    assert not widget.run_button.enabled
    viewer.layers.selection.active = viewer.layers["cell"]
    assert widget.run_button.enabled


def test_who_works_on_the_clusters_of_an_image_can_run_it_again(
    viewer, dock, finish, qtbot, cell, coffee
):
    """Run was greyed out once somebody clicked the clusters, to paint or to pick on them."""
    viewer.add_image(coffee, name="coffee")
    viewer.add_image(cell, name="cell")
    widget = dock()
    press(qtbot, widget.run_button)
    finish(widget)
    viewer.layers.selection.active = viewer.layers["coffee"]
    assert widget.layer_name.value == "coffee"
    viewer.layers.selection.active = viewer.layers["cell clusters"]
    assert widget.layer_name.value == "cell"
    assert widget.state == "done"
    widget.n_clusters.value = 3
    press(qtbot, widget.run_button)
    finish(widget)
    assert names(viewer) == ["coffee", "cell", "cell k-means", "cell clusters"]
    assert viewer.layers["cell clusters"].data.max() == 3
    assert viewer.layers.selection.active.name == "cell clusters"


def test_who_sets_seeds_or_draws_a_region_can_run_the_image(
    viewer, dock, finish, qtbot, cell, coffee
):
    widget = dock()
    viewer.add_image(coffee, name="coffee")
    viewer.add_image(cell, name="cell")
    shapes = viewer.add_shapes([[[5, 5], [50, 50]]], shape_type="rectangle", name="where")
    assert not widget.run_button.enabled
    widget.inputs.region.value = str(shapes.unique_id)
    viewer.layers.selection.active = viewer.layers["cell"]
    viewer.layers.selection.active = shapes
    assert widget.layer_name.value == "cell"
    press(qtbot, widget.run_button)
    finish(widget)
    assert viewer.layers.selection.active is shapes
    assert widget.layer_name.value == "cell", "not the segmented image, active for a moment"
    assert widget.message.value.startswith("5 clusters")
    assert widget.run_button.enabled
    widget.live.value = True
    widget.n_clusters.value = 3
    labels = viewer.layers["cell clusters"]
    qtbot.waitUntil(lambda: np.asarray(labels.data).max() == 3, timeout=10_000)
    widget.live.value = False
    assert names(viewer) == ["coffee", "cell", "cell k-means", "cell clusters", "where"]
    widget.inputs.region.value = ""
    assert "“where” is not an image" in widget.layer_kind.value
    assert not widget.run_button.enabled


def test_a_selection_without_two_images_is_no_source(viewer, dock, cell):
    widget = dock()
    layers = {viewer.add_image(cell), viewer.add_points([[1, 1]])}
    viewer.layers.selection = layers
    viewer.layers.selection.active = None
    viewer.layers.selection = layers
    assert "one image" in widget.layer_kind.value
    assert not widget.run_button.enabled


def test_an_image_that_is_open_already_is_found(viewer, dock, cell):
    viewer.add_image(cell, name="cell")
    widget = dock()
    assert widget.layer_name.value == "cell"
    assert widget.run_button.enabled


# -- a run


@pytest.mark.parametrize("kind", ["RGB", "RGBA", "grey", "float", "3D", "uint16"])
def test_run_adds_the_segmented_image_and_the_labels(
    viewer, dock, finish, qtbot, coffee, cell, kind
):
    opaque = np.full((*coffee.shape[:2], 1), 255, np.uint8)
    image = {
        "RGB": coffee,
        "RGBA": np.concatenate([coffee, opaque], axis=-1),
        "grey": cell,
        "float": cell / 255,
        "3D": np.stack([cell, cell[::-1]]),
        "uint16": cell.astype(np.uint16) * 200,
    }[kind]
    rgb = kind.startswith("RGB")
    viewer.add_image(image, name="picture", rgb=rgb)
    widget = dock()
    assert widget.n_clusters.value == 5
    widget.n_clusters.value = 3
    press(qtbot, widget.run_button)
    assert widget.state == "running"
    finish(widget)

    assert widget.state == "done"
    assert widget.message.value.startswith("3 clusters in ")
    assert not widget.warning.visible
    assert names(viewer) == ["picture", "picture k-means", "picture clusters"]
    expected = segment(image, 3, channel_axis=-1 if rgb else None)
    segmented, labels = viewer.layers["picture k-means"], viewer.layers["picture clusters"]
    assert isinstance(segmented, Image)
    assert isinstance(labels, Labels)
    assert segmented.rgb == rgb
    np.testing.assert_array_equal(labels.data, expected.labels)
    np.testing.assert_array_equal(segmented.data, expected.image)


@pytest.mark.parametrize("kind", ["pyramid", "Dask array"])
def test_pyramids_and_lazy_arrays_are_segmented_at_full_size(
    viewer, dock, finish, qtbot, coffee, kind
):
    if kind == "pyramid":
        viewer.add_image([coffee, coffee[::2, ::2]], name="coffee", multiscale=True, rgb=True)
    else:
        viewer.add_image(da.from_array(coffee, chunks=(100, 100, 3)), name="coffee", rgb=True)
    widget = dock()
    press(qtbot, widget.run_button)
    finish(widget)
    assert widget.state == "done"
    expected = segment(coffee, 5, channel_axis=-1)
    shown = [viewer.layers[name] for name in ("coffee clusters", "coffee k-means")]
    labels, image = (layer.data[0] if layer.multiscale else layer.data for layer in shown)
    np.testing.assert_array_equal(np.asarray(labels), expected.labels)
    np.testing.assert_array_equal(np.asarray(image), expected.image)
    assert [layer.multiscale for layer in shown] == [kind == "pyramid"] * 2
    press(qtbot, widget.run_button)
    finish(widget)
    assert names(viewer) == ["coffee", "coffee k-means", "coffee clusters"]


def test_run_again_writes_to_the_same_layers(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    press(qtbot, widget.run_button)
    finish(widget)
    layers = list(viewer.layers)
    layers[2].opacity = 0.2
    assert widget.layer_name.value == "coffee", "the source stays active"
    widget.n_clusters.value = 2
    press(qtbot, widget.run_button)
    finish(widget)
    assert [id(layer) for layer in viewer.layers] == [id(layer) for layer in layers]
    assert layers[2].data.max() == 2
    assert layers[2].opacity == 0.2


def test_labels_painted_while_it_runs_are_not_lost(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    press(qtbot, widget.run_button)
    finish(widget)
    labels = viewer.layers["coffee clusters"]
    press(qtbot, widget.run_button)
    labels.paint((50, 50), 4)
    painted = labels.data.copy()
    finish(widget)
    np.testing.assert_array_equal(labels.data, painted)
    assert names(viewer) == ["coffee", "coffee k-means", "coffee clusters", "coffee clusters [1]"]


def test_a_renamed_output_is_kept(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    press(qtbot, widget.run_button)
    finish(widget)
    viewer.layers["coffee k-means"].name = "figure 2"
    press(qtbot, widget.run_button)
    finish(widget)
    assert sorted(names(viewer)) == ["coffee", "coffee clusters", "coffee k-means", "figure 2"]


def test_outputs_lie_where_their_source_lies(viewer, dock, finish, qtbot, cell):
    layer = viewer.add_image(
        cell, name="cell", scale=(0.5, 0.25), rotate=30, translate=(3, 4), units=("µm", "µm")
    )
    widget = dock()
    press(qtbot, widget.run_button)
    finish(widget)
    for output in viewer.layers[1:]:
        np.testing.assert_allclose(output.extent.world, layer.extent.world)
        assert output.units == layer.units
    assert "area [µm²]" in viewer.layers["cell clusters"].features


def test_the_options_reach_the_segmentation(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    options = widget.more_options
    options.init.value = "random"
    options.n_init.value = 2
    options.seed.value = 7
    options.tol.value = 0.01
    options.max_iter.value = 50
    options.fit_percent.value = 50
    options.add_image.value = False
    press(qtbot, widget.run_button)
    finish(widget)
    assert widget.state == "done"
    assert names(viewer) == ["coffee", "coffee clusters"]
    used = viewer.layers["coffee clusters"].metadata["napari-kmeans-seg"]["parameters"]
    assert (used["init"], used["n_init"], used["seed"]) == ("random", 2, 7)
    assert (used["tol"], used["max_iter"], used["fit_scale"]) == (0.01, 50, 0.5)


def test_the_default_options_are_those_of_segment(dock):
    assert dock().more_options.parameters == {
        "init": "auto",
        "n_init": 1,
        "seed": 0,
        "tol": 1e-4,
        "max_iter": 300,
        "fit_scale": 1,
        "color_space": "rgb",
        "smoothing": 0,
        "spatial_weight": 0,
        "normalize": False,
        "channel_weights": None,
    }


def test_a_warning_stands_in_the_widget(viewer, dock, finish, qtbot):
    two_values = np.zeros((20, 20), np.uint8)
    two_values[:5] = 9
    viewer.add_image(two_values, name="stripes")
    widget = dock()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        press(qtbot, widget.run_button)
        finish(widget)
    assert widget.state == "done"
    assert widget.message.value.startswith("2 clusters")
    assert widget.warning.visible
    assert "2 distinct values, fewer than “Clusters” 5" in widget.warning.value
    assert viewer.layers["stripes clusters"].data.max() == 2
    viewer.add_image(two_values, name="another")
    assert not widget.warning.visible, "it was about the other layer"


def test_a_run_that_did_not_converge_says_what_to_do(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.more_options.max_iter.value = 1
    widget.more_options.tol.value = 0
    press(qtbot, widget.run_button)
    finish(widget)
    assert widget.state == "done"
    assert "Not converged: allow more “Iterations”" in widget.warning.value
    assert widget.more_options.max_iter.label == "⚠ Iterations", "it stands next to the cause"
    widget.more_options.max_iter.value = 300
    widget.more_options.tol.value = 1e-4
    widget.run()
    finish(widget)
    assert widget.more_options.max_iter.label == "Iterations"


def test_a_mark_leaves_the_fields_in_line(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.more.expand()
    options = widget.more_options
    fields = options.channel_weights.native, options.smoothing.native, options.seed.native
    qtbot.waitUntil(lambda: len({field.x() for field in fields}) == 1)
    options.channel_weights.value = "1, 2"
    widget.run()
    finish(widget)
    assert options.channel_weights.label == "⚠ Weights"
    assert len(set(at_rest(lambda: [field.x() for field in fields], qtbot))) == 1


def test_what_was_said_of_a_result_is_said_again_with_its_image(viewer, dock, finish, cell):
    viewer.add_image(cell, name="cell")
    widget = dock()
    widget.run()
    finish(widget)
    said = widget.message.value
    viewer.add_points([[1, 1]], name="dots")
    assert widget.message.value == said, "the dots are about the only image"
    viewer.add_image(cell[::-1], name="third")
    viewer.layers.selection.active = viewer.layers["dots"]
    assert widget.message.value == ""
    viewer.layers.selection.active = viewer.layers["cell"]
    assert (widget.state, widget.message.value) == ("done", said)
    viewer.add_image(cell, name="another")
    assert widget.message.value == "Ready."


# -- what goes wrong


def test_an_error_is_reported_and_nothing_is_changed(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee[..., 0], name="coffee")
    widget = dock()
    widget.more_options.init.value = "optimal"
    widget.more_options.spatial_weight.value = 0.5
    with notification_manager:
        notification_manager.records.clear()
        press(qtbot, widget.run_button)
        finish(widget)
        told = [(record.severity, record.message) for record in notification_manager.records]
    assert widget.state == "error"
    assert widget.message.value.startswith("✖ “Init” 'optimal' takes an image of one channel")
    assert told == [("error", f"K-means: {widget.message.value.removeprefix('✖ ')}")]
    assert names(viewer) == ["coffee"]
    assert widget.run_button.enabled, "to try again"
    assert widget.more_options.init.label == "⚠ Init"
    widget.more_options.init.value = "auto"
    press(qtbot, widget.run_button)
    finish(widget)
    assert widget.state == "done"


def test_a_library_that_leaves_python_does_not_leave_the_dock_running(viewer, dock, finish, coffee):
    def leave(block):
        if armed:
            raise SystemExit("no licence")
        return block

    armed = []
    data = da.from_array(coffee[..., 0], chunks=100).map_blocks(leave, dtype=np.uint8)
    viewer.add_image(data, name="coffee", contrast_limits=(0, 255))
    widget = dock()
    armed.append(True)
    with dask.config.set(scheduler="synchronous"):
        widget.run()
        finish(widget)
        armed.clear()
    assert widget.state == "error"
    assert "SystemExit: no licence" in widget.message.value
    assert widget.run_button.enabled
    widget.run()
    finish(widget)
    assert widget.state == "done"


def test_with_nothing_to_add_it_says_so(viewer, dock, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.more_options.add_image.value = widget.more_options.add_labels.value = False
    press(qtbot, widget.run_button)
    assert widget.state == "error"
    assert "Nothing to add: tick" in widget.message.value


def test_to_press_run_twice_is_one_run(viewer, dock, finish, coffee):
    """napari lets the interface go on while its progress bar is made."""
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    QTimer.singleShot(0, widget.run)
    widget.run()
    assert len(napari_progress._all_instances) == 1
    finish(widget)
    assert len(viewer.layers) == 3
    assert not napari_progress._all_instances


def test_cancel_in_the_midst_of_telling_the_progress_is_cancel(viewer, dock, qtbot, big):
    """napari lets the interface go on while its progress bar is set."""
    viewer.add_image(big, name="noise")
    widget = dock()
    widget.run()
    while widget.task.fraction < 0.2:
        time.sleep(0.01)
    QTimer.singleShot(0, widget.cancel)
    widget._show_progress()
    assert widget.state == "cancelled"
    assert widget.message.value == "Cancelled. Nothing was changed."
    qtbot.waitUntil(lambda: not threads(), timeout=10_000)


def test_cancel_stops_a_big_run_at_once(viewer, dock, finish, qtbot, big):
    viewer.add_image(big, name="noise")
    widget = dock()
    widget.n_clusters.value = 16
    press(qtbot, widget.run_button)
    qtbot.waitUntil(
        lambda: widget.progress_bar.value >= 10 or widget.state != "running", timeout=30_000
    )
    assert widget.state == "running"
    assert widget.progress_bar.visible
    assert widget.cancel_button.enabled
    assert not widget.run_button.enabled
    assert any("noise" in bar.desc for bar in napari_progress._all_instances)
    press(qtbot, widget.cancel_button)
    assert widget.state == "cancelled"
    qtbot.waitUntil(lambda: not threads(), timeout=10_000)
    assert widget.message.value == "Cancelled. Nothing was changed."
    assert names(viewer) == ["noise"]
    assert not napari_progress._all_instances
    assert widget.run_button.enabled
    assert not widget.cancel_button.enabled


def test_the_interface_stays_alive_during_a_big_run(viewer, dock, finish, qtbot, big):
    layer = viewer.add_image(big, name="noise")
    layer.visible = False
    widget = dock()
    widget.n_clusters.value = 2
    qtbot.wait(500)

    def beat() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    beats = [beat()]
    heart = QTimer()
    heart.timeout.connect(lambda: beats.append(beat()))
    heart.start(10)
    press(qtbot, widget.run_button)
    qtbot.waitUntil(
        lambda: widget.progress_bar.value >= 30 or widget.state != "running", timeout=60_000
    )
    heart.stop()
    assert widget.state == "running"
    press(qtbot, widget.cancel_button)
    finish(widget)
    # Seconds in which we worked ourselves: the machine may be busy with other things.
    assert np.diff(beats, axis=0).min(axis=1).max() < 0.5


def test_another_layer_may_be_chosen_while_it_runs(viewer, dock, finish, qtbot, big, cell):
    viewer.add_image(cell, name="cell")
    viewer.add_image(big[:1000], name="noise")
    widget = dock()
    press(qtbot, widget.run_button)
    qtbot.waitUntil(lambda: widget.progress_bar.value > 0)
    said = widget.message.value
    assert said.startswith("“noise”: ")
    viewer.layers.selection.active = viewer.layers["cell"]
    assert widget.layer_name.value == "cell"
    assert widget.message.value == said, "it is of the run"
    assert not widget.run_button.enabled
    finish(widget)
    assert names(viewer) == ["cell", "noise", "noise k-means", "noise clusters"]
    assert viewer.layers.selection.active.name == "cell"
    assert widget.message.value.startswith("“noise”: 5 clusters in ")
    assert widget.run_button.enabled
    viewer.layers.selection.active = viewer.layers["noise"]
    assert widget.message.value.startswith("5 clusters in ")


def test_what_a_run_adds_is_followed_once_when_all_of_it_is_there(viewer, dock, finish, coffee):
    viewer.add_image(coffee, name="coffee")
    widget, followed, shown = dock(), [], []
    widget.target.followed.connect(lambda _: followed.append(names(viewer)))
    widget.clusters.followed.connect(lambda: shown.append(widget.clusters.view.rows.rowCount()))
    widget.run()
    finish(widget)
    assert followed == [["coffee", "coffee k-means", "coffee clusters"]]
    assert len(shown) == 1
    assert widget.clusters.view.rows.rowCount() == 5


def test_a_source_that_is_removed_while_it_runs_leaves_no_result(viewer, dock, finish, qtbot, big):
    viewer.add_image(big, name="noise")
    widget = dock()
    press(qtbot, widget.run_button)
    qtbot.wait(100)
    viewer.layers.clear()
    finish(widget)
    assert widget.state == "cancelled"
    assert "“noise” was removed while it ran" in widget.message.value
    assert len(viewer.layers) == 0
    assert not widget.run_button.enabled
    viewer.add_points([[1, 1]], name="dots")
    assert "“dots” is not an image" in widget.layer_kind.value


def test_the_reason_is_still_said_when_another_layer_takes_the_place_of_the_source(
    viewer, dock, finish, qtbot, big, cell
):
    viewer.add_image(cell, name="cell")
    viewer.add_image(big, name="noise")
    widget = dock()
    press(qtbot, widget.run_button)
    viewer.layers.remove_selected()  # as the Delete key does
    finish(widget)
    qtbot.wait(100)
    assert widget.state == "cancelled"
    assert "“noise” was removed while it ran" in widget.message.value
    assert widget.layer_name.value == "cell"
    assert widget.run_button.enabled


def test_a_source_that_gets_other_data_while_it_runs_leaves_no_result(
    viewer, dock, finish, qtbot, coffee
):
    layer = viewer.add_image(coffee, name="coffee")
    widget = dock()
    press(qtbot, widget.run_button)
    layer.data = coffee[::-1]
    finish(widget)
    assert widget.state == "cancelled"
    assert "“coffee” got other data while it ran" in widget.message.value
    assert names(viewer) == ["coffee"]


def test_an_output_that_is_removed_while_it_runs_is_added_anew(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    press(qtbot, widget.run_button)
    finish(widget)
    press(qtbot, widget.run_button)
    viewer.layers.remove("coffee clusters")
    finish(widget)
    assert names(viewer) == ["coffee", "coffee k-means", "coffee clusters"]


# -- coming and going


def test_closing_the_dock_stops_the_run(viewer, qtbot, big):
    viewer.add_image(big, name="noise")
    dock_widget, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    callbacks = len(viewer.layers.events.removed.callbacks)
    press(qtbot, widget.run_button)
    qtbot.wait(100)
    qtbot.mouseClick(dock_widget.title.close_button, Qt.MouseButton.LeftButton)
    assert not widget.task.busy
    qtbot.waitUntil(lambda: not threads(), timeout=5000)
    assert names(viewer) == ["noise"]
    assert not napari_progress._all_instances
    assert len(viewer.layers.events.removed.callbacks) < callbacks
    viewer.add_image(big[:10, :10])


@pytest.mark.parametrize("after", [0, 20, 150])
def test_a_dock_that_is_closed_right_after_run_was_pressed_leaves_nothing(
    viewer, qtbot, big, after
):
    """napari lets the interface go on while it makes its progress bar: a run has begun by half."""
    viewer.add_image(big[:2000], name="noise")
    dock_widget, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    qtbot.wait(50)
    QTimer.singleShot(after, dock_widget.title.close_button.click)
    widget.run_button.native.click()
    qtbot.wait(after + 300)
    qtbot.waitUntil(lambda: not threads(), timeout=5000)
    qtbot.wait(100)
    assert names(viewer) == ["noise"]
    assert not widget.task.busy
    assert not napari_progress._all_instances
    assert widget.state == "empty"


def test_a_window_that_is_closed_right_after_run_was_pressed_leaves_no_traceback():
    """In a process of its own: the window is no fixture's to close any more."""
    code = """
import os, sys, threading, time, traceback
import napari
import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
big = np.random.default_rng(0).integers(0, 256, (2000, 2500, 3), np.uint8)
said = []
sys.excepthook = lambda kind, error, trace: said.append(repr(error))
def wait(seconds):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        QApplication.processEvents()
for after in (0, 20, 150):
    viewer = napari.Viewer()
    _, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    viewer.add_image(big, name="noise")
    wait(0.2)
    QTimer.singleShot(after, viewer.window._qt_window.close)
    try:
        widget.run_button.native.click()
    except Exception as error:
        said.append(repr(error))
    wait(after / 1000 + 1.5)
    said += [one.name for one in threading.enumerate() if one.name == "napari-kmeans-seg"]
    said += [layer.name for layer in viewer.layers if layer.name != "noise"]
print(said, flush=True)
os._exit(0)
"""
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], stdout=subprocess.PIPE, check=True, text=True
    )
    assert told.stdout.strip() == "[]"


def test_a_closed_widget_is_forgotten(viewer, qtbot, cell):
    viewer.add_image(cell)
    dock_widget, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    gone = weakref.ref(widget)
    qtbot.mouseClick(dock_widget.title.close_button, Qt.MouseButton.LeftButton)
    del dock_widget, widget
    qtbot.wait(50)
    gc.collect()
    assert gone() is None


def test_a_widget_that_is_docked_again_works_again(viewer, dock, finish, qtbot, cell):
    widget = dock()
    viewer.window.remove_dock_widget(widget.native)
    viewer.add_image(cell, name="cell")
    viewer.window.add_dock_widget(widget)
    assert widget.layer_name.value == "cell"
    press(qtbot, widget.run_button)
    finish(widget)
    assert widget.state == "done"


def test_hiding_the_dock_lets_the_run_go_on(viewer, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    dock_widget, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    press(qtbot, widget.run_button)
    qtbot.mouseClick(dock_widget.title.hide_button, Qt.MouseButton.LeftButton)
    finish(widget)
    assert widget.state == "done"


@pytest.mark.parametrize("kept", [False, True], ids=["forgotten", "kept"])
def test_closing_the_viewer_stops_the_run(make_napari_viewer, qtbot, big, kept):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(big, name="noise")
    widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")[1]
    press(qtbot, widget.run_button)
    qtbot.wait(100)
    if not kept:
        del widget
    viewer.close()
    qtbot.waitUntil(lambda: not threads(), timeout=5000)
    assert not napari_progress._all_instances


def test_two_widgets_in_two_viewers_do_not_get_in_each_others_way(
    make_napari_viewer, finish, qtbot, coffee, cell
):
    first, second = make_napari_viewer(show=True), make_napari_viewer(show=True)
    first.add_image(coffee, name="coffee")
    second.add_image(cell, name="cell")
    widgets = [
        viewer.window.add_plugin_dock_widget("napari-kmeans-seg")[1] for viewer in (first, second)
    ]
    for widget in widgets:
        press(qtbot, widget.run_button)
    for widget in widgets:
        finish(widget)
    assert names(first) == ["coffee", "coffee k-means", "coffee clusters"]
    assert names(second) == ["cell", "cell k-means", "cell clusters"]


def test_two_widgets_may_run_on_the_same_layer(viewer, dock, finish, qtbot, coffee):
    from napari_kmeans_seg.widget import KMeansWidget

    viewer.add_image(coffee, name="coffee")
    one, other = dock(), KMeansWidget(viewer)
    viewer.window.add_dock_widget(other, name="another")
    for widget in (one, other):
        press(qtbot, widget.run_button)
    for widget in (one, other):
        finish(widget)
        assert widget.state == "done"
    assert names(viewer) == ["coffee", "coffee k-means", "coffee clusters"]


# -- how it looks


def test_it_fits_a_dock_of_300_pixels(viewer, dock, qtbot, coffee):
    viewer.add_image(coffee, name="a_long_name_of_a_file-" * 4, rgb=True)
    widget = dock()
    assert widget.layer_name.value.replace("\u200b", "") == viewer.layers[0].name
    widget.more.expand()
    widget.where.expand()
    assert at_rest(lambda: widget.native.minimumSizeHint().width(), qtbot) <= 300


def test_more_options_are_folded_at_first(viewer, dock, qtbot):
    widget = dock()
    more = widget.more
    assert not more.content.isVisible()
    qtbot.mouseClick(more.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(more.content.isVisible)
    assert more.button.text() == "▾ More options"
    more.button.setFocus()
    qtbot.keyClick(more.button, Qt.Key.Key_Space)
    assert not more.content.isVisible()
    assert more.button.text() == "▸ More options"


def test_every_field_has_a_tooltip(dock):
    widget = dock()
    options = widget.more_options
    fields = [
        *(widget.n_clusters, widget.run_button, widget.cancel_button),
        *(options.init, options.n_init, options.seed, options.tol, options.max_iter),
        *(options.fit_percent, options.add_image, options.add_labels),
    ]
    assert all(field.tooltip for field in fields)

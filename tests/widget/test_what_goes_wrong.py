"""Errors, cancelling, and what is removed or changed while a run goes on."""

from __future__ import annotations

import time

import dask
import dask.array as da
import numpy as np
from napari.utils import progress as napari_progress
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QTimer

from .hands import names, push, threads


def test_an_error_is_reported_and_nothing_is_changed(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee[..., 0], name="coffee")
    widget = dock()
    widget.more_options.init.value = "optimal"
    widget.more_options.spatial_weight.value = 0.5
    with notification_manager:
        notification_manager.records.clear()
        push(qtbot, widget.run_button)
        finish(widget)
        told = [(record.severity, record.message) for record in notification_manager.records]
    assert widget.state == "error"
    assert widget.message.value.startswith("✖ “Init” 'optimal' takes an image of one channel")
    assert told == [("error", f"K-means: {widget.message.value.removeprefix('✖ ')}")]
    assert names(viewer) == ["coffee"]
    assert widget.run_button.enabled, "to try again"
    assert widget.more_options.init.label == "⚠ Init"
    widget.more_options.init.value = "auto"
    push(qtbot, widget.run_button)
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
    push(qtbot, widget.run_button)
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
    push(qtbot, widget.run_button)
    qtbot.waitUntil(
        lambda: widget.progress_bar.value >= 10 or widget.state != "running", timeout=30_000
    )
    assert widget.state == "running"
    assert widget.progress_bar.visible
    assert widget.cancel_button.enabled
    assert not widget.run_button.enabled
    assert any("noise" in bar.desc for bar in napari_progress._all_instances)
    push(qtbot, widget.cancel_button)
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
    push(qtbot, widget.run_button)
    qtbot.waitUntil(
        lambda: widget.progress_bar.value >= 30 or widget.state != "running", timeout=60_000
    )
    heart.stop()
    assert widget.state == "running"
    push(qtbot, widget.cancel_button)
    finish(widget)
    # Seconds in which we worked ourselves: the machine may be busy with other things.
    assert np.diff(beats, axis=0).min(axis=1).max() < 0.5


def test_another_layer_may_be_chosen_while_it_runs(viewer, dock, finish, qtbot, big, cell):
    viewer.add_image(cell, name="cell")
    viewer.add_image(big[:1000], name="noise")
    widget = dock()
    push(qtbot, widget.run_button)
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
    push(qtbot, widget.run_button)
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
    push(qtbot, widget.run_button)
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
    push(qtbot, widget.run_button)
    layer.data = coffee[::-1]
    finish(widget)
    assert widget.state == "cancelled"
    assert "“coffee” got other data while it ran" in widget.message.value
    assert names(viewer) == ["coffee"]


def test_an_output_that_is_removed_while_it_runs_is_added_anew(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    push(qtbot, widget.run_button)
    finish(widget)
    push(qtbot, widget.run_button)
    viewer.layers.remove("coffee clusters")
    finish(widget)
    assert names(viewer) == ["coffee", "coffee k-means", "coffee clusters"]

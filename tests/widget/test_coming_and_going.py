"""The dock, its window and its viewer are closed, hidden and opened again."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest
from napari.utils import progress as napari_progress
from qtpy.QtCore import Qt, QTimer

from .hands import names, push, threads


def test_closing_the_dock_stops_the_run(viewer, qtbot, big):
    viewer.add_image(big, name="noise")
    dock_widget, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    callbacks = len(viewer.layers.events.removed.callbacks)
    push(qtbot, widget.run_button)
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
    push(qtbot, widget.run_button)
    finish(widget)
    assert widget.state == "done"


def test_hiding_the_dock_lets_the_run_go_on(viewer, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    dock_widget, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    push(qtbot, widget.run_button)
    qtbot.mouseClick(dock_widget.title.hide_button, Qt.MouseButton.LeftButton)
    finish(widget)
    assert widget.state == "done"


@pytest.mark.parametrize("kept", [False, True], ids=["forgotten", "kept"])
def test_closing_the_viewer_stops_the_run(make_napari_viewer, qtbot, big, kept):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(big, name="noise")
    widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")[1]
    push(qtbot, widget.run_button)
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
        push(qtbot, widget.run_button)
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
        push(qtbot, widget.run_button)
    for widget in (one, other):
        finish(widget)
        assert widget.state == "done"
    assert names(viewer) == ["coffee", "coffee k-means", "coffee clusters"]

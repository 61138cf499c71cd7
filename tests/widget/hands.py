"""Mouse and keyboard on the cluster table and the canvas."""

from __future__ import annotations

import threading

import numpy as np
from napari import settings
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QPushButton

from napari_kmeans_seg.widget.base.napari_versions import camera_of
from napari_kmeans_seg.widget.table.model import NAME

CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


def click(table, row, column=NAME, modifier=NONE):
    """Click a cell with the mouse."""
    place = table.view.visualRect(table.view.sorted.index(row, column)).center()
    QTest.mouseClick(table.view.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def push(qtbot, button) -> None:
    """Click a button with the mouse."""
    qtbot.mouseClick(button.native, Qt.MouseButton.LeftButton)


def names(viewer) -> list[str]:
    return [layer.name for layer in viewer.layers]


def press(table, key, modifier=NONE):
    """Press a key in the table."""
    table.window().activateWindow()
    table.view.setFocus()
    QTest.qWait(20)
    QTest.keyClick(table.view, key, modifier)


def button(table, name):
    return next(
        one for one in table.findChildren(QPushButton) if one.text() == table.actions_[name].text()
    )


def rows(table) -> list[list[str]]:
    """What the table shows."""
    model = table.view.sorted
    return [
        [str(model.index(row, column).data()) for column in range(1, model.columnCount())]
        for row in range(model.rowCount())
    ]


def paint(viewer, labels, qtbot, stroke=(150, 60)):
    """Paint on the labels with napari's brush and the real mouse."""
    viewer.layers.selection.active = labels
    viewer.reset_view()
    labels.mode, labels.selected_label, labels.brush_size = "paint", 2, 60
    native = canvas_at_rest(viewer, qtbot)
    start = QPoint(native.width() // 2, native.height() // 2)
    QTest.mousePress(native, Qt.MouseButton.LeftButton, NONE, start)
    QTest.mouseMove(native, start + QPoint(*stroke))
    QTest.mouseRelease(native, Qt.MouseButton.LeftButton, NONE, start + QPoint(*stroke))


def canvas_colors(labels, n=4):
    return labels.colormap.map(np.arange(1, n + 1, dtype=np.uint8))


def at_rest(measure, qtbot):
    """Measure until it comes out the same ten times in a row, 20 ms apart, and return that."""
    last, same = measure(), 0
    for _ in range(200):
        qtbot.wait(20)
        now = measure()
        same = same + 1 if now == last else 0
        if same == 10:
            return now
        last = now
    raise AssertionError(f"it does not come to rest: {last}, {now}")


def canvas_at_rest(viewer, qtbot):
    """Wait until the canvas has its size and shows the whole image; return its Qt widget."""
    native = viewer.window._qt_viewer.canvas.native
    at_rest(lambda: (native.width(), native.height(), camera_of(viewer).zoom), qtbot)
    return native


def threads() -> list[threading.Thread]:
    """The threads of ours that work."""
    return [one for one in threading.enumerate() if one.name == "napari-kmeans-seg"]


def forget_settings() -> None:
    """Have napari read the settings of plugins anew, as in a new session."""
    if hasattr(settings, "_clear_plugin_settings_cache"):  # since napari 0.9
        settings._clear_plugin_settings_cache()

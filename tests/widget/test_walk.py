"""The whole walk by mouse and keyboard: from an empty viewer to a sentence for a paper."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit, QPushButton, QSlider

from napari_kmeans_seg.widget.table.model import NAME

LEFT, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier
SHIFT, NONE = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier


def test_from_a_photograph_to_a_mask_and_a_sentence(viewer, dock, qtbot):
    viewer.window.resize(1280, 800)
    widget = dock()
    table = widget.clusters

    def picture(name):
        """Keep a picture of the window, where somebody wants to look at it."""
        if folder := os.environ.get("KMEANS_PICTURES"):
            QTest.qWait(1000)
            viewer.window._qt_window.grab().save(str(Path(folder) / f"{name}.png"))

    def click(thing, modifier=NONE, place=None):
        QTest.mouseClick(thing, LEFT, modifier, *([] if place is None else [place]))

    def row(i, modifier=NONE):
        place = table.view.visualRect(table.view.sorted.index(i, NAME)).center()
        click(table.view.viewport(), modifier, place)

    def button(text):
        return next(one for one in widget.native.findChildren(QPushButton) if one.text() == text)

    def key(which, modifier=NONE):
        table.window().activateWindow()
        table.view.setFocus()
        QTest.qWait(20)
        QTest.keyClick(table.view, which, modifier)

    def shown(thing):
        """Scroll to a part of the dock, as a person does."""
        widget.below.ensureWidgetVisible(thing)
        QTest.qWait(20)
        return thing

    QTest.qWait(100)
    picture("empty")
    click(button("Open a sample image"))
    source = viewer.layers[0]
    live = widget.live.native
    click(live, place=live.rect().adjusted(4, 0, 0, 0).topLeft() + live.rect().bottomLeft() / 2)
    assert widget.live.value

    slider = widget.cluster_count.slider.native.findChild(QSlider)
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    for _ in range(6):
        QTest.keyClick(slider, Qt.Key.Key_Right)
    assert widget.n_clusters.value == 8
    qtbot.waitUntil(
        lambda: not widget.preview.busy and table.view.sorted.rowCount() == 8, timeout=9000
    )
    labels = next(layer for layer in viewer.layers if layer.name.endswith("clusters"))
    assert labels.data.max() == 8
    assert widget.message.value.startswith("8 clusters")
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=9000)
    picture("live")

    shown(table.view)
    row(2)
    row(4, CONTROL)
    assert table.selected == [3, 5]
    picture("selected")
    before = labels.data.copy()
    click(shown(button("Merge")))
    merged = np.where(before == 5, 3, before)
    np.testing.assert_array_equal(labels.data, merged)

    assert table.selected == [3]
    key(Qt.Key.Key_F2)
    editor = table.view.findChild(QLineEdit)
    QTest.keyClicks(editor, "cup")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "name" in labels.features and "cup" in labels.features["name"].tolist())

    click(shown(button("Extract")))
    np.testing.assert_array_equal(viewer.layers["cup mask"].data, merged == 3)
    picture("mask")

    for _ in range(3):
        key(Qt.Key.Key_Z, CONTROL)
    np.testing.assert_array_equal(labels.data, before)
    assert "cup mask" not in viewer.layers
    for _ in range(3):
        key(Qt.Key.Key_Z, CONTROL | SHIFT)
    np.testing.assert_array_equal(labels.data, merged)
    assert "cup mask" in viewer.layers
    assert source in viewer.layers

    click(shown(button("Copy methods text")))
    text = QGuiApplication.clipboard().text()
    assert "8 clusters by k-means in RGB space" in text
    assert "Clusters 3 and 5 were merged." in text
    table.select([])
    # It lies over its cluster in a colour of its own.
    viewer.layers["cup mask"].visible = False
    widget.see.expand()
    QTest.qWait(300)
    shown(widget.see)
    picture("scatter")

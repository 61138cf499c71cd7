"""The names of layers, clusters and axes are shown as they are, whatever they look like."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QTextDocument
from qtpy.QtWidgets import QLabel, QWidget

from napari_kmeans_seg.widget.base.plain_text import plain

NAME = '<img src="file:///nowhere.png"> <b>&amp; bold</b>'


def as_tooltip(text: str) -> str:
    """What a person reads in a tooltip, which is HTML if it looks like it."""
    document = QTextDocument()
    if "<" in text:
        document.setHtml(text)
    else:
        document.setPlainText(text)
    return document.toPlainText()


def test_names_that_look_like_html(viewer, dock, finish, coffee):
    shape = (3, *coffee.shape[:2])
    for i in range(2):
        stack = np.broadcast_to(coffee[..., i], shape).copy()
        viewer.add_image(stack, name=f"{NAME}{i}", axis_labels=(f"{NAME}t", "y", "x"))
    viewer.add_labels(np.ones(shape, np.uint8), name=f"{NAME} region")
    viewer.layers.selection = set(list(viewer.layers)[:2])
    widget = dock()
    widget.run()
    finish(widget)
    assert widget.state == "done", widget.message.value

    labels = widget.native.findChildren(QLabel)
    assert any("img src" in label.text().replace("\u200b", "") for label in labels)
    assert {label.textFormat() for label in labels} == {Qt.TextFormat.PlainText}

    shown = widget.clusters.view.sorted
    columns = range(shown.columnCount())
    tips = [
        shown.headerData(i, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole) for i in columns
    ]
    assert [as_tooltip(tip) for tip in tips if "img" in (tip or "")] == [
        f"Mean {NAME}{i} of the cluster's pixels." for i in range(2)
    ]
    every = [part.toolTip() for part in widget.native.findChildren(QWidget)]
    assert all("<" not in tip or tip.startswith("<qt>") for tip in every)
    assert all("<img" not in tip for tip in every)


def test_the_name_of_a_cluster_in_its_tooltip(qtbot, table):
    shown = table.view.sorted
    assert shown.setData(shown.index(0, 1), NAME)

    def told() -> list[str]:
        indices = [shown.index(row, 1) for row in range(shown.rowCount())]
        return [as_tooltip(shown.data(one, Qt.ItemDataRole.ToolTipRole)) for one in indices]

    qtbot.waitUntil(lambda: any(tip.startswith(NAME) for tip in told()))


def test_text_without_marks_stays_as_it_is():
    assert plain("a & b > c\nd") == "a & b > c\nd"
    assert as_tooltip(plain("a < b & c\nd")) == "a < b & c\nd"

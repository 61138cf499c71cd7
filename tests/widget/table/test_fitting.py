"""The table fits its dock: means are seen, and nothing within the dock is scrolled."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QPushButton, QStyleOptionViewItem

from napari_kmeans_seg.layers.outputs.columns import PERCENT, mean
from napari_kmeans_seg.widget.table.fitting import short
from napari_kmeans_seg.widget.table.model import NAME

from ..hands import at_rest, rows

NARROW = 276


@pytest.fixture(params=["dark", "light"])
def narrow(viewer, finish, qtbot, request):
    """Run on layers in a window as a small notebook has it; gives the widget."""

    def run(n_clusters, *layers):
        viewer.theme = request.param
        window = viewer.window._qt_window
        viewer.window.resize(1366, 768)
        viewer.layers.selection = set(layers)
        dock_widget, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
        widget.n_clusters.value = n_clusters
        widget.run()
        finish(widget)

        def narrowed():
            window.resizeDocks([dock_widget], [NARROW], Qt.Orientation.Horizontal)
            return dock_widget.width() == NARROW

        qtbot.waitUntil(narrowed)
        at_rest(lambda: widget.clusters.view.geometry(), qtbot)
        return widget

    return run


def titles(view) -> list[str]:
    """The columns that are seen whole."""
    shown = []
    for i in range(1, view.sorted.columnCount()):
        if not view.isColumnHidden(i):
            place = view.visualRect(view.sorted.index(0, i))
            assert view.viewport().rect().contains(place.center())
            assert place.right() <= view.viewport().width(), "nothing is cut off"
            shown.append(view.sorted.headerData(i, Qt.Orientation.Horizontal))
    return shown


def drawn(view, row, column) -> str:
    """What is drawn in a cell."""
    option = QStyleOptionViewItem()
    view.itemDelegate().initStyleOption(option, view.sorted.index(row, column))
    return option.text


def is_whole(view) -> bool:
    """Whether all rows and columns are seen without scroll bars of the table."""
    last = view.visualRect(view.sorted.index(view.sorted.rowCount() - 1, NAME))
    assert view.viewport().rect().contains(last), "the last row is whole"
    bars = view.horizontalScrollBar(), view.verticalScrollBar()
    return not any(bar.isVisible() for bar in bars)


def test_means_of_a_photograph_are_seen_at_the_default_width(narrow, viewer, coffee):
    view = narrow(5, viewer.add_image(coffee, name="coffee")).clusters.view
    assert titles(view)[-3:] == ["Red", "Green", "Blue"]
    assert is_whole(view)
    model = view.sorted
    red = next(
        i
        for i in range(model.columnCount())
        if model.headerData(i, Qt.Orientation.Horizontal) == "Red"
    )
    column = [drawn(view, row, red) for row in range(5)]
    written = [float(row[red - 1]) for row in rows(view.parent())]
    np.testing.assert_allclose([float(text) for text in column], written, rtol=5e-3)
    assert view.columnWidth(NAME) > view.fontMetrics().horizontalAdvance("Cluster 5")


def test_means_of_three_channels_of_16_bits_are_seen(narrow, viewer, coffee):
    names = ["DAPI", "BPAE_actin_phalloidin", "mitochondria"]
    layers = [
        viewer.add_image(coffee[..., i].astype(np.uint16) * 250, name=name)
        for i, name in enumerate(names)
    ]
    view = narrow(8, *layers).clusters.view
    assert titles(view) == ["Name", "%", *names]
    assert is_whole(view)


@pytest.mark.parametrize(
    ("names", "least"),
    [
        (("BPAE_nuclei", "BPAE_actin", "BPAE_mito"), 3),
        (("lysosomes", "mitochondria", "nuclei"), 2),
    ],
)
def test_channels_can_be_told_apart_in_a_low_window(narrow, viewer, coffee, names, least):
    """They were all "BP…", or one of them "…"."""
    layers = [
        viewer.add_image(coffee[..., i].astype(np.uint16) * 5, name=name)
        for i, name in enumerate(names)
    ]
    view = narrow(5, *layers).clusters.view
    metrics = view.fontMetrics()
    seen = [
        metrics.elidedText(title, Qt.TextElideMode.ElideRight, view.columnWidth(i) - 8)
        for i, title in enumerate(view.rows.titles)
        if view.rows.columns[i].kind == "mean"
    ]
    assert all(len(title.rstrip("…")) >= least for title in seen), seen
    assert len({title[:least] for title in seen}) == 3


def test_long_names_of_channels_and_clusters_leave_room_for_percent(narrow, viewer, coffee):
    layers = [
        viewer.add_image(coffee[..., i], name=f"channel {i} of a long acquisition of stained cells")
        for i in range(3)
    ]
    widget = narrow(5, *layers)
    table, view = widget.clusters, widget.clusters.view
    for label in (1, 2, 3):
        table.clusters.rename(label, f"cytoplasm of the stained cells, number {label}")
    assert titles(view) == ["Name", "%", "0", "1", "2"]
    header = view.horizontalHeader().model()
    tip = header.headerData(4, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert layers[0].name in tip
    assert is_whole(view)
    assert [drawn(view, row, 3) for row in range(5)]


def test_sixty_clusters_are_scrolled_once(narrow, viewer, coffee):
    widget = narrow(60, viewer.add_image(coffee, name="coffee"))
    assert is_whole(widget.clusters.view)
    assert widget.below.verticalScrollBar().isVisible()
    view = widget.clusters.view
    view.setFocus()
    view.setCurrentIndex(view.sorted.index(0, NAME))
    QTest.keyClick(view, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    seen = view.visibleRegion().boundingRect()
    assert seen.contains(view.visualRect(view.currentIndex()).center()), "the dock follows the keys"


def test_pixels_and_all_digits_are_there_in_a_wide_dock(widget, table, viewer, qtbot):
    dock_widget = widget.native.parent()
    window = viewer.window._qt_window

    def widened():
        window.resizeDocks([dock_widget], [600], Qt.Orientation.Horizontal)
        return titles(table.view) == ["Name", "Pixels", "%", "Red", "Green", "Blue"]

    qtbot.waitUntil(widened)
    cells = rows(table)
    for row in range(4):
        assert [drawn(table.view, row, i + 1) for i in range(6)] == cells[row]


def test_what_there_is_no_room_for_is_in_the_tooltip(narrow, viewer, coffee):
    view = narrow(5, viewer.add_image(coffee, name="coffee")).clusters.view
    tip = view.sorted.index(0, NAME).data(Qt.ItemDataRole.ToolTipRole)
    row = rows(view.parent())[0]
    assert tip.splitlines()[0] == row[0]
    assert f"Pixels: {row[1]}" in tip


def test_buttons_stay_when_the_table_grows_or_shrinks(table, widget, finish, qtbot):
    def tops():
        each = [*table.findChildren(QPushButton), table.extras.colors]
        return [one.mapTo(widget.native, one.rect().topLeft()).y() for one in each]

    before = at_rest(tops, qtbot)
    table.select([1, 2, 3])
    table.actions_["merge"].trigger()
    assert len(rows(table)) == 2
    assert at_rest(tops, qtbot) == before
    table.actions_["undo"].trigger()
    assert at_rest(tops, qtbot) == before
    widget.n_clusters.value = 9
    widget.run()
    finish(widget)
    assert len(rows(table)) == 9
    assert at_rest(tops, qtbot) == before


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (239.87, "240"),
        (48.51, "48.5"),
        (0.012345, "0.0123"),
        (999.9, "1k"),
        (12_345.6, "12.3k"),
        (-1_234_567.0, "-1.23M"),
        (0, "0"),
        (float("nan"), "nan"),
        (2e20, "2e+20"),
        ("text", "text"),
    ],
)
def test_three_digits_are_told_in_little_room(value, text):
    assert short(value, mean("mean_red", 0)) == text
    assert (short(29.94, PERCENT), short(7.66, PERCENT)) == ("30", "7.7")

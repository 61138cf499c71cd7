"""Napari's own features table on our Labels layers, in a real window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_kmeans_seg.layers.clusters import clusters_of

from ..hands import canvas_at_rest


@pytest.fixture
def labels(viewer, dock, finish, coffee):
    """The clusters of the coffee cup, selected as a person does to see their features."""
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.n_clusters.value = 4
    widget.run()
    finish(widget)
    labels = viewer.layers["coffee clusters"]
    viewer.layers.selection.active = labels
    return labels


@pytest.fixture
def table(viewer, labels):
    _, widget = viewer.window.add_plugin_dock_widget("napari", "Features table widget")
    return widget.table


def cell(table, row: int, column: str):
    model = table.model()
    columns = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    return model.index(row, columns.index(column))


def click(table, index) -> None:
    table.scrollTo(index)
    place = table.visualRect(index).center()
    QTest.mouseClick(
        table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place
    )


def test_a_row_that_is_clicked_selects_its_label(labels, table):
    for row in (3, 1, 4):
        click(table, cell(table, row, "pixels"))
        assert cell(table, row, "label").data() == row
        assert labels.selected_label == row
        assert cell(table, row, "pixels").data() == np.count_nonzero(labels.data == row)


def test_the_selected_label_is_the_row_that_is_marked(labels, table):
    labels.selected_label = 2
    (row,) = {index.row() for index in table.selectionModel().selectedIndexes()}
    assert cell(table, row, "label").data() == 2


def test_a_sorted_table_selects_the_right_label(labels, table):
    table.sortByColumn(cell(table, 0, "pixels").column(), Qt.SortOrder.DescendingOrder)
    index = cell(table, 0, "pixels")
    click(table, index)
    assert labels.selected_label == int(np.bincount(labels.data.ravel()).argmax())


def test_rows_and_labels_belong_together_after_work_on_clusters(viewer, labels, table):
    clusters = clusters_of(viewer, labels)
    clusters.merge([1, 2])
    for row in (1, 4):
        click(table, cell(table, row, "pixels"))
        assert labels.selected_label == row
        assert cell(table, row, "pixels").data() == np.count_nonzero(labels.data == row)
    assert cell(table, 2, "pixels").data() == 0
    clusters.undo()
    click(table, cell(table, 2, "pixels"))
    assert labels.selected_label == 2


def test_the_status_bar_tells_of_the_label_under_the_mouse(viewer, labels, qtbot):
    viewer.reset_view()
    native = canvas_at_rest(viewer, qtbot)
    QTest.mouseMove(native, QPoint(native.width() // 2, native.height() // 2))
    qtbot.waitUntil(lambda: viewer.cursor.position[0] > 100, timeout=5000)
    y, x = np.round(viewer.cursor.position).astype(int)
    label = int(labels.data[y, x])
    # Asked as the window's own thread does, which is still in tests.
    told = labels.get_status(viewer.cursor.position, world=True)["coordinates"]
    # Before 0.9 napari writes " [7 5]".
    place, _, rest = told.partition("]")
    assert place.strip(" [").replace(",", "").split() == [str(y), str(x)]
    assert rest.startswith(f": {label}; label: {label}, ")
    assert f"pixels: {np.count_nonzero(labels.data == label)}" in told

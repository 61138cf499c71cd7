"""The cluster table of every kind of result, in a real napari window."""

from __future__ import annotations

import dask.array as da
import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtTest import QTest

from napari_kmeans_seg.widget.table.model import NAME

from ..hands import CONTROL, click, paint, press, rows


def test_counts_follow_the_brush_and_its_undo(viewer, table, labels, qtbot):
    before, told = labels.data.copy(), rows(table)
    features = labels.features.to_csv()
    paint(viewer, labels, qtbot)
    assert (labels.data != before).sum() > 1000

    def counted() -> bool:
        shown = [int(row[1].replace(",", "")) for row in rows(table)]
        return shown == np.bincount(labels.data.ravel(), minlength=5)[1:].tolist()

    assert not counted()
    qtbot.waitUntil(counted, timeout=5000)
    labels.undo()
    np.testing.assert_array_equal(labels.data, before)
    qtbot.waitUntil(lambda: rows(table) == told, timeout=5000)
    assert labels.features.to_csv() == features


def test_strokes_of_another_state_are_not_undone_by_napari(viewer, table, labels, qtbot):
    before = labels.data.copy()
    click(table, 1)
    table.split(2)
    qtbot.waitUntil(lambda: len(rows(table)) == 5, timeout=10_000)
    there = labels.data == 5
    labels.paint(np.argwhere(there)[0], 3)
    painted = labels.data.copy()
    assert (painted[there] == 3).any()
    table.undo()
    now = labels.data.copy()
    assert set(np.unique(now)) == {1, 2, 3, 4}
    expected = np.where(there & (painted == 5), 2, painted)
    np.testing.assert_array_equal(now, expected)
    assert (now != before).any(), "the stroke stays"
    labels.undo()
    np.testing.assert_array_equal(labels.data, now)
    labels.redo()
    np.testing.assert_array_equal(labels.data, now)
    # What is painted from here on can be undone as ever.
    labels.paint((0, 0), 4)
    labels.undo()
    np.testing.assert_array_equal(labels.data, now)


def test_a_label_that_is_painted_new_gets_a_row(viewer, table, labels, qtbot):
    paint(viewer, labels, qtbot)
    labels.selected_label = 7
    labels.fill((10, 10), 7)
    qtbot.waitUntil(lambda: len(rows(table)) == 5, timeout=5000)
    assert rows(table)[4][0] == "Cluster 7"


def test_a_layer_that_was_painted_between_runs_is_kept(
    viewer, widget, table, labels, finish, qtbot
):
    paint(viewer, labels, qtbot)
    painted = labels.data.copy()
    viewer.layers.selection.active = viewer.layers["coffee"]
    widget.n_clusters.value = 3
    widget.run()
    finish(widget)
    np.testing.assert_array_equal(labels.data, painted)
    qtbot.waitUntil(lambda: len(rows(table)) == 3, timeout=5000)
    assert table.clusters.layer is not labels


def test_clusters_that_a_run_without_labels_leaves_are_said_to_be_older(
    viewer, widget, table, labels, finish
):
    """The message told of 3 clusters, and the table of 4, without a word."""
    viewer.layers.selection.active = viewer.layers["coffee"]
    note = table.whose
    assert not note.isVisible()
    widget.more_options.add_labels.value = False
    widget.n_clusters.value = 3
    widget.run()
    finish(widget)
    assert widget.message.value.startswith("3 clusters")
    assert len(rows(table)) == labels.data.max() > 3
    assert note.isVisible()
    assert "earlier run" in note.text()
    widget.more_options.add_labels.value = True
    widget.run()
    finish(widget)
    assert len(rows(table)) == 3
    assert not note.isVisible()


def test_clusters_of_an_image_that_shows_other_pixels_by_now_are_said_to_be_so(
    viewer, widget, table, labels, coffee, finish, qtbot
):
    image, note, clipboard = viewer.layers["coffee"], table.whose, QGuiApplication.clipboard()
    viewer.layers.selection.active = image
    image.data = coffee[::-1].copy()
    assert note.isVisible()
    assert "not of its pixels now" in note.text()
    table.select([1, 2])
    table.merge()
    table.extras.script.click()
    qtbot.waitUntil(lambda: not table.extras.busy)
    head = clipboard.text().partition("import ")[0]
    assert "has other pixels by now" in head
    assert "by hand" not in clipboard.text()
    image.data = coffee
    widget.run()
    finish(widget)
    assert not note.isVisible()


def test_several_layers_that_are_selected_show_their_clusters(viewer, dock, finish, coffee, qtbot):
    images = [viewer.add_image(coffee[..., i], name=name) for i, name in enumerate("rgb")]
    viewer.layers.selection = set(images)
    widget = dock()
    widget.run()
    finish(widget)
    table = widget.clusters
    assert table.isVisible()
    assert len(rows(table)) == 5
    viewer.layers.selection = set(images[:2])
    assert not table.isVisible()
    viewer.layers.selection = set(images)
    assert table.isVisible()
    click(table, 0)
    click(table, 1, modifier=CONTROL)
    table.merge()
    assert len(rows(table)) == 4
    click(table, 2)
    table.split(2)
    qtbot.waitUntil(lambda: len(rows(table)) == 5, timeout=10_000)
    assert table.selected == [4, 6]


def test_a_cluster_of_one_value_says_that_it_cannot_be_split(viewer, dock, finish, qtbot):
    viewer.add_image(np.repeat([[0, 9]], 50, axis=0).astype(np.uint8), name="two values")
    widget = dock()
    widget.n_clusters.value = 2
    widget.run()
    finish(widget)
    table = widget.clusters
    click(table, 0)
    table.split(2)
    qtbot.waitUntil(lambda: "have one value" in table.message.text(), timeout=5000)
    assert len(rows(table)) == 2
    assert table.actions_["split"].isEnabled()


def test_many_clusters_are_sorted_and_selected_as_few(viewer, dock, finish, coffee):
    viewer.add_image(coffee[::3, ::3], name="coffee")
    widget = dock()
    widget.n_clusters.value = 255
    widget.run()
    finish(widget)
    table, labels = widget.clusters, viewer.layers["coffee clusters"]
    table.view.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    shown = [int(row[1].replace(",", "")) for row in rows(table)]
    assert shown == sorted(labels.features["pixels"][1:], reverse=True)
    click(table, 0)
    largest = int(labels.features["pixels"][1:].idxmax())
    assert table.selected == [largest]
    press(table, Qt.Key.Key_End, CONTROL)
    press(table, Qt.Key.Key_Up)
    press(table, Qt.Key.Key_Down)
    assert table.view.rect().contains(table.view.visualRect(table.view.currentIndex()).center())
    assert labels.features["pixels"][table.selected[0]] == shown[-1]


def test_clusters_of_a_lazy_pyramid_are_worked_on_in_the_window(
    viewer, dock, finish, coffee, qtbot
):
    large = np.tile(coffee, (2, 2, 1))
    levels = [da.from_array(large[::n, ::n], chunks=(400, 400, 3)) for n in (1, 2, 4)]
    viewer.add_image(levels, name="slide", rgb=True, multiscale=True, contrast_limits=(0, 255))
    widget = dock()
    widget.n_clusters.value = 4
    widget.run()
    finish(widget)
    table, labels = widget.clusters, viewer.layers["slide clusters"]
    before = np.asarray(labels.data[-1])
    click(table, 0)
    click(table, 2, modifier=CONTROL)
    press(table, Qt.Key.Key_J, CONTROL)
    assert table.message.isHidden()
    assert len(rows(table)) == 3
    np.testing.assert_array_equal(np.asarray(labels.data[-1]), np.where(before == 3, 1, before))
    press(table, Qt.Key.Key_E, CONTROL)
    assert viewer.layers["Cluster 1 mask"].multiscale
    table.split(2)
    qtbot.waitUntil(lambda: len(rows(table)) == 4, timeout=20_000)
    for _ in range(3):
        press(table, Qt.Key.Key_Z, CONTROL)
    assert len(rows(table)) == 4
    np.testing.assert_array_equal(np.asarray(labels.data[-1]), before)


def test_the_table_is_as_tall_as_its_rows(widget, table, finish):
    def last_row():
        return table.view.visualRect(table.view.sorted.index(len(rows(table)) - 1, NAME))

    assert table.view.viewport().rect().contains(last_row().center())
    four = table.view.height()
    widget.n_clusters.value = 8
    widget.run()
    finish(widget)
    QTest.qWait(50)
    assert table.view.viewport().rect().contains(last_row().center())
    assert table.view.height() == four + 4 * table.view.rowHeight(0)
    widget.n_clusters.value = 60
    widget.run()
    finish(widget)
    QTest.qWait(50)
    assert table.view.height() == four + 56 * table.view.rowHeight(0)
    assert not table.view.verticalScrollBar().isVisible(), "the dock is scrolled, and nothing in it"


def test_whatever_goes_wrong_while_a_cluster_is_split_is_said(viewer, dock, finish, qtbot, on_disk):
    data, gone = on_disk
    viewer.add_image(data, name="coffee", rgb=True)
    widget = dock()
    widget.run()
    finish(widget)
    table, n = widget.clusters, widget.clusters.view.rows.rowCount()
    table.select([2])
    gone.append(True)
    table.split(2)
    qtbot.waitUntil(lambda: "the disk is gone" in table.message.text(), timeout=9000)
    assert table.message.isVisible()
    assert table.actions_["split"].isEnabled(), "to try again"
    assert table.view.rows.rowCount() == n
    gone.clear()  # napari draws the layer once more

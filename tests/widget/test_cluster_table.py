"""The cluster table in a real napari window, by mouse and keyboard."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QContextMenuEvent, QCursor
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLineEdit, QMenu, QPushButton

from napari_kmeans_seg.widget.cluster_model import NAME, SWATCH

CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def widget(viewer, dock, finish, coffee):
    """The widget after a run on the coffee cup, four clusters."""
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.n_clusters.value = 4
    widget.run()
    finish(widget)
    return widget


@pytest.fixture
def table(widget):
    return widget.clusters


@pytest.fixture
def labels(viewer, table):
    return viewer.layers["coffee clusters"]


def click(table, row, column=NAME, modifier=NONE):
    """Click a cell with the mouse."""
    place = table.view.visualRect(table.view.sorted.index(row, column)).center()
    QTest.mouseClick(table.view.viewport(), Qt.MouseButton.LeftButton, modifier, place)


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


def test_there_is_no_table_before_there_are_clusters(viewer, dock, coffee):
    widget = dock()
    assert not widget.clusters.isVisible()
    viewer.add_image(coffee)
    assert not widget.clusters.isVisible()


def test_the_table_tells_what_the_features_tell(table, labels):
    assert table.isVisible()
    told, features = rows(table), labels.features
    assert [row[0] for row in told] == ["Cluster 1", "Cluster 2", "Cluster 3", "Cluster 4"]
    assert [row[1] for row in told] == [f"{n:,}" for n in features["pixels"][1:]]
    header = [table.view.sorted.headerData(i, Qt.Orientation.Horizontal) for i in range(8)]
    assert header == ["", "Name", "Pixels", "%", "Area [pixel²]", "Red", "Green", "Blue"]


def test_the_swatch_is_the_colour_on_the_canvas(table, labels):
    def swatch(row):
        pixmap = table.view.sorted.index(row, SWATCH).data(Qt.ItemDataRole.DecorationRole)
        return pixmap.pixmap(14, 14).toImage().pixelColor(5, 5).getRgb()[:3]

    for row in range(4):
        np.testing.assert_allclose(swatch(row), labels.colormap.map(row + 1)[:3] * 255, atol=1)
    table._clusters.recolor({2: "lime"})
    assert swatch(1) == (0, 255, 0)


def test_every_column_sorts_by_its_numbers(table, labels):
    header = table.view.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(2) + 8, header.height() // 2)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, NONE, place)
    pixels = [int(row[1].replace(",", "")) for row in rows(table)]
    assert pixels in (sorted(pixels), sorted(pixels)[::-1])
    for column in range(table.view.sorted.columnCount()):
        table.view.sortByColumn(column, Qt.SortOrder.DescendingOrder)
        shown = [
            table.view.sorted.index(row, column).data(Qt.ItemDataRole.UserRole) for row in range(4)
        ]
        assert shown == sorted(shown, reverse=True)


def test_selected_clusters_stand_out_on_the_canvas(table, labels):
    plain = labels.colormap.map(np.arange(1, 5))
    click(table, 1)
    click(table, 3, modifier=CONTROL)
    assert table.selected == [2, 4]
    shown = labels.colormap.map(np.arange(1, 5))
    np.testing.assert_allclose(shown[[1, 3]], plain[[1, 3]])
    assert (shown[[0, 2], :3].sum(axis=1) < plain[[0, 2], :3].sum(axis=1) / 3).all()
    table.view.clearSelection()
    np.testing.assert_allclose(labels.colormap.map(np.arange(1, 5)), plain)


def test_a_click_on_the_canvas_selects_the_row(viewer, table, labels, qtbot):
    canvas = viewer.window._qt_viewer.canvas
    viewer.reset_view()
    qtbot.wait(100)
    native = canvas.native
    middle = QPoint(native.width() // 2, native.height() // 2)
    QTest.mouseClick(native, Qt.MouseButton.LeftButton, NONE, middle)
    y, x = np.round(viewer.cursor.position).astype(int)
    assert table.selected == [int(labels.data[y, x])]
    # A drag moves the canvas and selects nothing else.
    before = table.selected
    QTest.mousePress(native, Qt.MouseButton.LeftButton, NONE, middle)
    QTest.mouseMove(native, middle + QPoint(120, 60))
    QTest.mouseRelease(native, Qt.MouseButton.LeftButton, NONE, middle + QPoint(120, 60))
    assert table.selected == before


def test_clusters_are_hidden_by_their_tick(table, labels):
    box = table.view.visualRect(table.view.sorted.index(1, SWATCH))
    place = QPoint(box.left() + 10, box.center().y())
    QTest.mouseClick(table.view.viewport(), Qt.MouseButton.LeftButton, NONE, place)
    assert labels.colormap.map(2)[3] == 0
    QTest.mouseClick(table.view.viewport(), Qt.MouseButton.LeftButton, NONE, place)
    assert labels.colormap.map(2)[3] > 0


def test_two_tones_become_one_by_mouse_and_back_by_keyboard(table, labels):
    before = labels.data.copy()
    click(table, 0)
    click(table, 2, modifier=CONTROL)
    QTest.mouseClick(button(table, "merge"), Qt.MouseButton.LeftButton)
    assert (labels.data[before == 3] == 1).all()
    assert table.selected == [1]
    assert len(rows(table)) == 3
    press(table, Qt.Key.Key_Z, CONTROL)
    np.testing.assert_array_equal(labels.data, before)
    press(table, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert (labels.data[before == 3] == 1).all()


def test_a_name_is_typed_into_the_table(table, labels):
    click(table, 1)
    press(table, Qt.Key.Key_F2)
    editor = table.view.findChild(QLineEdit)
    QTest.keyClicks(editor, "the cup")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QTest.qWait(10)
    assert labels.features["name"].tolist()[2] == "the cup"
    QTest.qWait(10)
    assert rows(table)[1][0] == "the cup"
    assert table.selected == [2]
    table.view.sorted.setData(table.view.sorted.index(0, NAME), "the cup")
    assert "already" in table.message.text()
    assert rows(table)[0][0] == "Cluster 1"


def test_a_cluster_is_split_on_a_thread(table, labels, qtbot):
    click(table, 1)
    table.split(3)
    assert not table.actions_["split"].isEnabled()
    qtbot.waitUntil(lambda: len(rows(table)) == 6, timeout=10_000)
    assert table.selected == [2, 5, 6]
    assert table.actions_["undo"].toolTip().startswith("Undo: Split Cluster 2")


def test_masks_are_extracted_and_the_table_stays(viewer, table):
    click(table, 0)
    click(table, 1, modifier=CONTROL)
    press(table, Qt.Key.Key_E, CONTROL)
    assert [layer.name for layer in viewer.layers][-2:] == ["Cluster 1 mask", "Cluster 2 mask"]
    assert table.isVisible()
    table.actions_["extract_joined"].trigger()
    assert viewer.layers[-1].name == "Cluster 1 + Cluster 2 mask"
    viewer.layers.selection.active = viewer.layers[-1]
    assert table.isVisible()


def test_buttons_are_dead_where_they_would_fail(table):
    able = {name for name, action in table.actions_.items() if action.isEnabled()}
    assert able == set()
    click(table, 1)
    able = {name for name, action in table.actions_.items() if action.isEnabled()}
    assert able == {"split", "delete", "extract"}
    press(table, Qt.Key.Key_Delete)
    assert len(rows(table)) == 3
    assert table.actions_["undo"].isEnabled()


def test_another_image_has_its_own_table_or_none(viewer, table, cell):
    labels = viewer.layers["coffee clusters"]
    plain = labels.colormap.map(1)
    click(table, 1)
    viewer.add_image(cell, name="cell")
    assert not table.isVisible()
    np.testing.assert_allclose(labels.colormap.map(1), plain)
    viewer.layers.selection.active = labels
    assert table.isVisible()
    viewer.layers.remove(labels)
    assert not table.isVisible()


def test_another_run_shows_its_clusters(widget, table, finish):
    click(table, 1)
    widget.n_clusters.value = 6
    widget.run()
    finish(widget)
    QTest.qWait(10)
    assert len(rows(table)) == 6
    assert table.selected == []


def test_nothing_is_left_when_the_dock_is_closed(viewer, table, labels):
    plain = labels.colormap.map(1)
    click(table, 1)
    assert (labels.colormap.map(1) != plain).any()
    callbacks = len(labels.events.features.callbacks), len(labels.events.colormap.callbacks)
    assert len(viewer.mouse_drag_callbacks) > 0
    viewer.window.remove_dock_widget("all")
    np.testing.assert_allclose(labels.colormap.map(1), plain)
    assert not any("_on_click" in repr(one) for one in viewer.mouse_drag_callbacks)
    assert len(labels.events.features.callbacks) == callbacks[0] - 1


def paint(viewer, labels, qtbot, stroke=(150, 60)):
    """Paint on the labels with napari's brush and the real mouse."""
    viewer.layers.selection.active = labels
    viewer.reset_view()
    labels.mode, labels.selected_label, labels.brush_size = "paint", 2, 60
    qtbot.wait(100)
    native = viewer.window._qt_viewer.canvas.native
    start = QPoint(native.width() // 2, native.height() // 2)
    QTest.mousePress(native, Qt.MouseButton.LeftButton, NONE, start)
    QTest.mouseMove(native, start + QPoint(*stroke))
    QTest.mouseRelease(native, Qt.MouseButton.LeftButton, NONE, start + QPoint(*stroke))


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


def test_a_label_that_is_painted_new_gets_a_row(viewer, table, labels, qtbot):
    paint(viewer, labels, qtbot)
    labels.selected_label = 7
    labels.fill((10, 10), 7)
    qtbot.waitUntil(lambda: len(rows(table)) == 5, timeout=5000)
    assert rows(table)[4][0] == "Cluster 7"


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


def canvas_colors(labels, n=4):
    return labels.colormap.map(np.arange(1, n + 1, dtype=np.uint8))


def test_a_dark_cluster_stands_out_among_pale_ones(table, labels):
    plain = canvas_colors(labels)
    assert plain[0, :3].max() < 0.35, "dark"
    click(table, 0)
    shown = canvas_colors(labels)
    np.testing.assert_allclose(shown[0], plain[0])
    assert (shown[1:, :3].min(axis=1) > 0.55).all()
    table.view.clearSelection()
    np.testing.assert_allclose(canvas_colors(labels), plain)


def test_rows_are_selected_by_keyboard(table):
    click(table, 0)
    press(table, Qt.Key.Key_Down)
    assert table.selected == [2]
    press(table, Qt.Key.Key_Down, SHIFT)
    assert table.selected == [2, 3]
    press(table, Qt.Key.Key_A, CONTROL)
    assert table.selected == [1, 2, 3, 4]
    press(table, Qt.Key.Key_Up)
    assert table.selected == [2]
    press(table, Qt.Key.Key_J, CONTROL)
    assert len(rows(table)) == 4, "one row is not merged"


def test_no_key_means_something_else_in_napari(table):
    told = []
    for name, action in table.actions_.items():
        action.triggered.connect(lambda _=False, name=name: told.append(name))
    click(table, 0)
    click(table, 2, modifier=CONTROL)
    for name in ("merge", "undo", "redo", "undo", "extract", "split", "delete"):
        action = table.actions_[name]
        assert action.shortcut().toString() in action.toolTip()
        table.select([1, 3])
        table.window().activateWindow()
        table.view.setFocus()
        QTest.qWait(50)
        action.setEnabled(True)
        (keys,) = action.shortcut()
        QTest.keyClick(table.view, keys.key(), keys.keyboardModifiers())
        assert told[-1:] == [name]
        told.clear()


def test_space_hides_the_selected_clusters_and_shows_them_again(table, labels):
    click(table, 1)
    press(table, Qt.Key.Key_Down, SHIFT)
    press(table, Qt.Key.Key_Space)
    assert canvas_colors(labels)[:, 3].tolist() == [1, 0, 0, 1]
    ticks = [table.view.sorted.index(row, SWATCH) for row in range(4)]
    shown = [index.data(Qt.ItemDataRole.CheckStateRole) for index in ticks]
    assert [one == Qt.CheckState.Checked for one in shown] == [True, False, False, True]
    assert table.selected == [2, 3]
    press(table, Qt.Key.Key_Space)
    assert canvas_colors(labels)[:, 3].tolist() == [1, 1, 1, 1]


def test_the_menu_key_offers_to_sort_by_each_column(table, labels):
    click(table, 0)
    place = table.view.visualRect(table.view.sorted.index(0, NAME)).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, place, QCursor.pos())
    QApplication.sendEvent(table.view.viewport(), event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    sort = menu.actions()[-1].menu()
    assert [one.text() for one in sort.actions()][:4] == ["Label", "Name", "Pixels", "%"]
    pixels = sorted(labels.features["pixels"][1:])
    for expected in (pixels, pixels[::-1]):
        sort.actions()[2].trigger()
        assert [int(row[1].replace(",", "")) for row in rows(table)] == expected
    menu.close()


def test_tab_goes_on_from_the_table_to_its_buttons(table):
    click(table, 0)
    press(table, Qt.Key.Key_Tab)
    focus = QApplication.focusWidget()
    assert isinstance(focus, QPushButton)
    assert focus.text() in ("Merge", "Split…"), "a button that is dead has no focus"


def test_names_that_are_empty_or_twice_are_refused_in_words(table, labels):
    features = labels.features.to_csv()
    for name, complaint in (("  ", "needs a name"), ("Cluster 2", "Choose another name")):
        click(table, 0)
        press(table, Qt.Key.Key_F2)
        editor = table.view.findChild(QLineEdit)
        editor.selectAll()
        QTest.keyClicks(editor, name)
        QTest.keyClick(editor, Qt.Key.Key_Return)
        QTest.qWait(10)
        assert complaint in table.message.text()
        assert rows(table)[0][0] == "Cluster 1"
    assert labels.features.to_csv() == features


@pytest.mark.filterwarnings("ignore:The image has 1 distinct value")
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


def test_there_is_no_step_beyond_the_first_or_the_last(table, labels):
    before = labels.data.copy()
    press(table, Qt.Key.Key_Z, CONTROL)
    assert not table.actions_["undo"].isEnabled()
    click(table, 1)
    press(table, Qt.Key.Key_Delete)
    for _ in range(3):
        press(table, Qt.Key.Key_Z, CONTROL)
    np.testing.assert_array_equal(labels.data, before)
    for _ in range(3):
        press(table, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert len(rows(table)) == 3


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


def test_many_clusters_are_sorted_and_selected_as_few(viewer, dock, finish, coffee):
    viewer.add_image(coffee, name="coffee")
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


def test_the_table_is_as_tall_as_its_rows_where_they_are_few(widget, table, finish):
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
    assert table.view.height() == four + 8 * table.view.rowHeight(0), "twelve, the rest is scrolled"


def test_clusters_of_a_lazy_pyramid_are_worked_on_in_the_window(
    viewer, dock, finish, coffee, qtbot
):
    large = np.tile(coffee, (4, 4, 1))
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

"""The cluster table in a real napari window, by keyboard."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QContextMenuEvent, QCursor
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLineEdit, QMenu, QPushButton

from napari_kmeans_seg.widget.table.model import NAME, SWATCH

from ..hands import CONTROL, SHIFT, button, canvas_colors, click, press, rows


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
    assert canvas_colors(labels)[:, 3].tolist() == pytest.approx([0.85, 1, 1, 0.85])
    table.view.clearSelection()
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


def test_what_was_said_of_a_name_goes_when_another_is_taken(table, labels):
    index = table.view.sorted.index(0, NAME)
    for name in ("", "Cluster 2"):
        table.view.sorted.setData(index, name)
        assert table.message.isVisible()
        table.view.sorted.setData(index, f"the {name} cup")
        assert not table.message.isVisible()


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


def test_buttons_are_dead_where_they_would_fail(table):
    able = {name for name, action in table.actions_.items() if action.isEnabled()}
    assert able == set()
    click(table, 1)
    able = {name for name, action in table.actions_.items() if action.isEnabled()}
    assert able == {"split", "delete", "extract"}
    press(table, Qt.Key.Key_Delete)
    assert len(rows(table)) == 3
    assert table.actions_["undo"].isEnabled()

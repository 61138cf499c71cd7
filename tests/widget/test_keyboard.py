"""The dock by keyboard: a key does what it was pressed for, and no more."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QContextMenuEvent, QCursor
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QColorDialog

from .hands import CONTROL, button


@pytest.fixture
def press(viewer, qtbot):
    """Give a control the focus, and press keys wherever the focus is then."""

    def send(control, *keys, modifier=Qt.KeyboardModifier.NoModifier):
        viewer.window._qt_window.activateWindow()
        if control is not None:
            control.setFocus()
            qtbot.waitUntil(control.hasFocus)
        for key in keys:
            QTest.keyClick(QApplication.focusWidget(), key, modifier)

    return send


def test_space_on_run_pressed_twice_ticks_nothing(viewer, dock, finish, press, qtbot, big):
    viewer.add_image(big, name="big", rgb=True)
    widget = dock()
    run = widget.run_button.native
    press(run, Qt.Key.Key_Space)
    assert widget.state == "running"
    for _ in range(2):
        press(None, Qt.Key.Key_Space)
        assert widget.state == "running", "nor is it cancelled"
        assert not widget.live.value
    press(None, Qt.Key.Key_Escape)
    assert widget.state == "cancelled"
    qtbot.waitUntil(run.hasFocus)
    press(None, Qt.Key.Key_Space)
    assert widget.state == "running", "the focus is where it was"
    widget.cancel()


def test_the_focus_that_a_person_moved_meanwhile_stays_there(
    viewer, dock, finish, press, qtbot, coffee
):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    press(widget.run_button.native, Qt.Key.Key_Space)
    number = widget.n_clusters.native
    number.setFocus()
    finish(widget)
    qtbot.waitUntil(number.hasFocus)


def test_control_and_return_run_from_every_field_and_tooltips_say_so(
    viewer, dock, finish, press, cell
):
    viewer.add_image(cell, name="cell")
    widget = dock()
    press(widget.n_clusters.native, Qt.Key.Key_Return, modifier=CONTROL)
    assert widget.state == "running"
    finish(widget)
    assert widget.state == "done"
    assert widget.run_button.native.toolTip().endswith("(Ctrl+Return)")
    assert widget.cancel_button.native.toolTip().endswith("(Esc)")


def test_space_on_undo_pressed_too_often_redoes_nothing(table, labels, press):
    before = labels.data.copy()
    for label in (2, 3):
        table.select([label])
        table.actions_["delete"].trigger()
    press(button(table, "undo"), Qt.Key.Key_Space)
    for _ in range(3):
        press(None, Qt.Key.Key_Space)
        np.testing.assert_array_equal(labels.data, before)


def test_a_colour_is_chosen_by_key(table, labels, monkeypatch):
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor(10, 200, 30))
    table.select([3])
    place = table.view.visualRect(table.view.currentIndex()).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, place, QCursor.pos())
    QApplication.sendEvent(table.view.viewport(), event)
    menu = QApplication.activePopupWidget()
    [color] = [one for one in menu.actions() if one.text() == "Colour…"]
    menu.setActiveAction(color)
    QTest.keyClick(menu, Qt.Key.Key_Return)
    np.testing.assert_allclose(labels.colormap.map(3)[:3], np.array([10, 200, 30]) / 255, atol=1e-3)

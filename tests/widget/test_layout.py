"""What a person sees first: k, the buttons, and what is folded or scrolled."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QFontMetrics, QWheelEvent
from qtpy.QtWidgets import QApplication, QWidget

from napari_kmeans_seg.widget.base.sections import On
from napari_kmeans_seg.widget.fields.k import ClusterCount

from .hands import at_rest


@pytest.fixture
def count(qtbot):
    made = ClusterCount()
    qtbot.addWidget(made.native)
    made.show()
    return made


def test_the_number_follows_the_slider(count, qtbot):
    count.slider.native.findChild(type(count.slider._widget._qwidget)).setFocus()
    qtbot.keyClick(count.slider._widget._qwidget, Qt.Key.Key_Right)
    assert count.number.value == 6
    qtbot.keyClick(count.slider._widget._qwidget, Qt.Key.Key_End)
    assert count.number.value == 32


@pytest.mark.parametrize(("typed", "slider"), [(7, 7), (100, 32), (255, 32), (1, 2)])
def test_a_number_beyond_the_slider_stays_as_it_was_typed(count, qtbot, typed, slider):
    field = count.number.native
    field.selectAll()
    qtbot.keyClicks(field, str(typed))
    assert count.number.value == typed
    assert count.slider.value == slider


def test_each_move_tells_once(count):
    told = []
    count.number.changed.connect(told.append)
    count.slider.value = 9
    count.number.value = 90
    assert told == [9, 90]


def test_the_dock_opens_as_wide_as_its_title(viewer, qtbot):
    viewer.window.resize(1280, 800)
    dock_widget, _ = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    title = dock_widget.title.title
    written = QFontMetrics(title.font()).horizontalAdvance(title.text())
    qtbot.waitUntil(lambda: title.width() >= written and dock_widget.width() <= 320)


def test_a_narrow_dock_cuts_nothing_off(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    dock_widget, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    widget.run()
    finish(widget)
    for section in (widget.where, widget.more, widget.see):
        section.expand()
    below = widget.below
    qtbot.waitUntil(below.verticalScrollBar().isVisible)
    window = viewer.window._qt_window

    def narrow_and_whole() -> None:
        window.resizeDocks([dock_widget], [100], Qt.Orientation.Horizontal)
        assert dock_widget.width() <= 300
        assert below.verticalScrollBar().isVisible()
        assert below.widget().width() <= below.viewport().width()

    qtbot.waitUntil(narrow_and_whole)


def test_with_all_open_it_fits_the_screen_of_a_small_notebook(viewer, dock, finish, qtbot, coffee):
    viewer.window.resize(1280, 800)
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.run()
    finish(widget)
    for section in (widget.where, widget.more, widget.see):
        section.expand()
    window = viewer.window._qt_window
    reset = widget.more_options.reset_button.native

    def reached_by_scrolling() -> None:
        widget.below.ensureWidgetVisible(reset)
        assert reset.visibleRegion().boundingRect().height() == reset.height()

    qtbot.waitUntil(reached_by_scrolling)
    assert (window.width(), window.height()) == (1280, 800)


def test_what_a_run_adds_moves_nothing_that_was_there(viewer, dock, finish, qtbot):
    viewer.add_image(np.arange(400, dtype=np.uint8).reshape(20, 20), name="ramp")
    widget = dock()
    parts = [widget.run_button.native, widget.how_many, widget.where, widget.more]

    def tops() -> list[int]:
        return [part.mapTo(widget.native, part.rect().topLeft()).y() for part in parts]

    before = at_rest(tops, qtbot)
    widget.run()
    finish(widget)
    qtbot.waitUntil(widget.clusters.isVisible)
    assert at_rest(tops, qtbot) == before


@pytest.mark.parametrize("height", [620, 768])
def test_what_a_section_unfolds_is_scrolled_to(viewer, dock, finish, qtbot, coffee, height):
    """*See the clusters* at the bottom unfolded its plot below the window."""
    viewer.window.resize(1366, height)
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.n_clusters.value = 9
    widget.run()
    finish(widget)
    view, plot = widget.below.viewport(), widget.cluster_plot.scatter

    def is_seen(part):
        place = part.mapTo(widget.below.widget(), QPoint(0, 0)).y()
        top = widget.below.verticalScrollBar().value()
        return part.isVisible() and top <= place + part.height() // 2 <= top + view.height()

    widget.below.ensureWidgetVisible(widget.see)
    qtbot.mouseClick(widget.see.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: is_seen(plot), timeout=9000)
    assert is_seen(widget.see.button)
    bar = widget.below.verticalScrollBar()
    at = at_rest(bar.value, qtbot)
    widget.below._since -= 10
    widget.clusters.select([1, 2])
    widget.clusters.merge()
    assert at_rest(bar.value, qtbot) <= at, "nothing moves by itself later"


def test_an_event_that_comes_while_python_takes_things_apart_is_no_error(qtbot):
    watched, told = QWidget(), []
    qtbot.addWidget(watched)
    on = On(watched, QEvent.Type.Hide, lambda: told.append("hidden"))
    watched.show()
    watched.hide()
    assert told == ["hidden"]
    vars(on).clear()
    with qtbot.captureExceptions() as errors:
        watched.show()
        watched.hide()
    assert not errors


def turn(control):
    """Turn the wheel by one notch over a control, as the mouse does."""
    place = QPointF(control.rect().center())
    down = (QPoint(0, 0), QPoint(0, -120))
    event = QWheelEvent(
        place, QPointF(control.mapToGlobal(place.toPoint())), *down, Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(control, event)


def test_the_wheel_scrolls_and_changes_no_value_without_the_focus(widget, viewer, qtbot):
    viewer.add_image(np.zeros((3, 20, 20), np.uint8), name="stack")
    viewer.layers.selection.active = viewer.layers["coffee"]
    widget.more.expand()
    widget.where.expand()
    viewer.window._qt_window.activateWindow()
    widget.run_button.native.setFocus()
    bar = widget.below.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    options, extras = widget.more_options, widget.clusters.extras
    fields = [options.init, options.seed, options.tol, widget.inputs.specks]
    controls = [*(field.native for field in fields), extras.colors]
    outside = [widget.n_clusters.native, widget.cluster_count.slider._widget._qwidget]
    outside.append(widget.inputs.scope.native)

    def values():
        every = [options.settings, widget.n_clusters.value, widget.inputs.scope.value]
        return [*every, extras.colors.currentIndex(), widget.inputs.specks.value]

    before = values()
    for control in controls:
        bar.setValue(0)
        turn(control)
        assert bar.value() > 0, control
        assert not control.hasFocus()
    for control in outside:
        turn(control)
    assert values() == before
    options.seed.value = 9
    options.seed.native.setFocus()
    qtbot.waitUntil(options.seed.native.hasFocus)
    turn(options.seed.native)
    assert options.seed.value == 8

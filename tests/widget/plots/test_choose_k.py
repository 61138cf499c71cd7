"""How many clusters: the curve in a real napari window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_kmeans_seg import choose_k


@pytest.fixture
def widget(viewer, dock, coffee):
    viewer.add_image(coffee, name="coffee")
    return dock()


@pytest.fixture
def compute(qtbot):
    def press_and_wait(widget):
        QTest.mouseClick(widget.how_many.button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: not widget.how_many.busy, timeout=30_000)

    return press_and_wait


def test_the_curve_is_drawn_with_its_suggestion(widget, compute, coffee):
    assert not widget.how_many.plot.isVisible()
    compute(widget)
    expected = choose_k(coffee, range(2, 13), channel_axis=-1)
    curve = widget.how_many.plot.curve
    np.testing.assert_allclose(curve.inertia, expected.inertia)
    assert widget.how_many.reason.text() == expected.reason
    assert widget.how_many.plot.isVisible()
    picture = widget.how_many.plot.grab().toImage()
    drawn = {picture.pixelColor(x, y).name() for x in range(picture.width()) for y in range(140)}
    assert {"#4477aa", "#ee6677"} <= drawn


def test_a_click_on_a_point_sets_k(widget, compute):
    compute(widget)
    plot = widget.how_many.plot
    for k in (2, 9, 12):
        QTest.mouseClick(
            plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
            plot.spot(k, 0.5).toPoint(),
        )  # fmt: skip
        assert widget.n_clusters.value == k


def test_the_curve_of_another_image_goes(viewer, widget, compute, finish, cell):
    compute(widget)
    widget.run()
    finish(widget)
    QTest.qWait(10)
    assert widget.how_many.plot.isVisible()
    viewer.add_image(cell)
    QTest.qWait(10)
    assert not widget.how_many.plot.isVisible()
    compute(widget)
    assert widget.how_many.plot.isVisible()


@pytest.mark.parametrize("change", ["colours", "region", "data"])
def test_the_curve_of_other_settings_says_so(viewer, widget, compute, coffee, change):
    area = viewer.add_labels(np.ones(coffee.shape[:2], np.uint8), name="area")
    layer = viewer.layers.selection.active = viewer.layers["coffee"]
    compute(widget)
    reason = widget.how_many.reason
    suggested = reason.text()
    colors, region = widget.more_options.color_space, widget.inputs.region
    widget.n_clusters.value = 9
    QTest.qWait(10)
    assert reason.text() == suggested, "the curve is of many numbers"

    def put(color_space="rgb", area="", data=coffee):
        if layer.data is not data:
            layer.data = data
        colors.value, region.value = color_space, area
        QTest.qWait(10)

    other = {"colours": ("lab",), "region": ("rgb", str(area.unique_id))}
    put(*other.get(change, ("rgb", "", coffee[::-1])))
    assert reason.text().startswith("Computed with other settings")
    assert widget.how_many.plot.isVisible()
    put()
    assert reason.text() == suggested


def test_the_curve_stays_when_another_layer_is_removed(viewer, widget, compute, finish):
    compute(widget)
    widget.run()
    finish(widget)
    viewer.layers.selection.active = viewer.layers["coffee clusters"]
    viewer.layers.remove("coffee clusters")
    viewer.layers.selection.active = viewer.layers["coffee"]
    QTest.qWait(10)
    assert widget.how_many.plot.isVisible()


def test_the_curve_of_a_region_that_was_painted_on_since_says_so(viewer, widget, compute, coffee):
    area = viewer.add_labels(np.ones(coffee.shape[:2], np.uint8), name="area")
    viewer.layers.selection.active = viewer.layers["coffee"]
    widget.inputs.region.value = str(area.unique_id)
    compute(widget)
    reason = widget.how_many.reason
    assert not reason.text().startswith("Computed with other settings")
    area.paint((50, 50), 0)
    QTest.qWait(10)
    assert reason.text().startswith("Computed with other settings")
    compute(widget)
    assert not reason.text().startswith("Computed with other settings")


def test_it_can_be_stopped_and_ends_with_the_dock(viewer, widget, qtbot, big):
    viewer.add_image(big, name="big")
    widget.how_many.button.click()
    assert widget.how_many.busy
    widget.how_many.button.click()
    qtbot.waitUntil(lambda: not widget.how_many.busy, timeout=10_000)
    assert not widget.how_many.plot.isVisible()
    assert widget.how_many.button.text() == "How many clusters?"
    widget.how_many.button.click()
    qtbot.waitUntil(lambda: widget.how_many.button.text().startswith("Stop ("), timeout=10_000)
    viewer.window.remove_dock_widget(widget.native)
    assert not widget.how_many.busy
    viewer.window.add_dock_widget(widget)
    assert widget.how_many.button.text() == "How many clusters?"
    assert widget.message.value == "Ready."


def test_what_cannot_be_computed_is_said(viewer, widget):
    widget.more_options.channel_weights.value = "red"
    widget.how_many.button.click()
    assert "takes one number per channel" in widget.how_many.reason.text()
    viewer.layers.clear()
    assert not widget.how_many.button.isEnabled()


def test_of_one_value_it_is_said_that_nothing_can_be_told_apart(viewer, dock, qtbot):
    viewer.add_image(np.full((40, 50), 7, np.uint8), name="constant")
    widget = dock()
    widget.how_many.button.click()
    assert widget.message.value == "Trying 2 to 12 clusters …"
    qtbot.waitUntil(lambda: not widget.how_many.busy, timeout=10_000)
    assert widget.how_many.reason.text().startswith("All pixels have the same value")
    assert widget.how_many.plot.isHidden()
    assert widget.message.value == "Ready."

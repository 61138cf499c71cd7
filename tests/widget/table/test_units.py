"""A click on the canvas, in a viewer that measures in other units than the image."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from ..hands import NONE, canvas_at_rest


@pytest.mark.parametrize("units", [("um", "um"), ("nm", "nm")])
def test_a_click_selects_the_cluster_under_it_in_whatever_units_the_viewer_is(
    viewer, dock, finish, qtbot, units
):
    image = np.zeros((30, 40), np.uint8)
    image[:, 20:] = 200
    viewer.add_image(image, name="a", scale=(0.5, 0.5), units=("um", "um"))
    widget = dock()
    widget.n_clusters.value = 2
    widget.run()
    finish(widget)
    viewer.layers.units = units
    viewer.reset_view()
    native = canvas_at_rest(viewer, qtbot)
    middle = QPoint(native.width() // 2, native.height() // 2)
    for side, label in ((40, 2), (-40, 1)):
        QTest.mouseClick(native, Qt.MouseButton.LeftButton, NONE, middle + QPoint(side, 0))
        qtbot.waitUntil(lambda label=label: widget.clusters.selected == [label])

"""Where things are drawn in a plot, in which colours, and the mouse on them."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtTest import QTest

from ..hands import NONE

LEFT = Qt.MouseButton.LeftButton


def drag(plot, index, by):
    """Drag the handle of a threshold; gives the value at which it was let go."""
    start = QPoint(round(plot.line(index)), 20)
    end = start + QPoint(by, 5)
    QTest.mousePress(plot, LEFT, NONE, start)
    for step in (0.3, 0.7, 1.0):
        QTest.mouseMove(plot, start + (end - start) * step)
        QTest.qWait(5)
    at = plot.at
    QTest.mouseRelease(plot, LEFT, NONE, end)
    return at


def click(plot, where, modifier=NONE):
    QTest.mouseClick(plot, LEFT, modifier, QPointF(where).toPoint())


def colors_in(plot) -> set[tuple[int, int, int]]:
    """The colours that are drawn."""
    picture = plot.grab().toImage()
    return {
        picture.pixelColor(x, y).getRgb()[:3]
        for x in range(picture.width())
        for y in range(picture.height())
    }


def of(layer, label) -> tuple[int, int, int]:
    """The colour of a cluster on the canvas."""
    return tuple(np.rint(layer.colormap.map(label).reshape(4)[:3] * 255).astype(int).tolist())


def like(one, others, atol=2) -> bool:
    return any(np.allclose(one, other, atol=atol) for other in others)


def spot(scatter, label):
    """Where the centroid of a cluster is drawn."""
    return scatter.place(*scatter.cloud.centroids[label], scatter.axes)

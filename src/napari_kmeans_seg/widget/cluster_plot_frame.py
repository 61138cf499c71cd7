"""What the plots of the clusters share: the frame with its two axes, colours, theme."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from napari.utils.theme import get_theme
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    import napari.viewer

    from napari_kmeans_seg.layers.clusters import Clusters

_HEIGHT = 160


class Axis(NamedTuple):
    """What stands along a side of a plot.

    Attributes
    ----------
    name : str
        What is drawn.
    low, high : float
        Its ends.
    low_text, high_text : str
        What is written at the ends.
    """

    name: str
    low: float
    high: float
    low_text: str
    high_text: str

    @classmethod
    def of(cls, name: str, low: float, high: float) -> Axis:
        """Make an axis with its ends in figures."""
        return cls(name, low, high, figure(low, high - low), figure(high, high - low))


@dataclass(frozen=True, eq=False)
class Look:
    """How the clusters are seen on the canvas.

    Attributes
    ----------
    colors : dict
        Of each label, with nothing dimmed.
    names : dict
        Of each label.
    highlighted, hidden : frozenset of int
        The labels that stand out, and those that are not seen.
    """

    colors: dict[int, QColor]
    names: dict[int, str]
    highlighted: frozenset[int]
    hidden: frozenset[int]

    @classmethod
    def of(cls, clusters: Clusters) -> Look:
        """See what clusters wear."""
        table, worn = clusters.table, clusters.colors
        labels = [int(label) for label in table["label"]]
        colors = {label: QColor.fromRgbF(*map(float, worn.of(label)[:3])) for label in labels}
        names = dict(zip(labels, map(str, table["name"]), strict=True))
        return cls(colors, names, worn.highlighted, worn.hidden)

    def dimmed(self, label: int) -> bool:
        """Whether others stand out."""
        return bool(self.highlighted) and label not in self.highlighted


class PlotFrame(QWidget):
    """A plot with two axes, drawn by QPainter.

    No plotting library: dots, bars and lines need none. So it is there at once, sharp on
    every screen, in the colours of the theme, and no further OpenGL context is made.

    Attributes
    ----------
    picked : Signal
        Tells which cluster was clicked, 0 for none, and whether it is to be added to those
        that are selected.
    """

    picked = Signal(int, bool)

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self.look: Look | None = None
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_HEIGHT)
        self.setMouseTracking(True)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Fit the dock."""
        return QSize(260, _HEIGHT)

    def wear(self, look: Look) -> None:
        """Follow the colours of the canvas."""
        self.look = look
        self.update()

    def ink(self, role: str = "text") -> QColor:
        """Give a colour of the theme."""
        return QColor(getattr(get_theme(self._viewer.theme), role).as_hex())

    def box(self) -> QRectF:
        """Tell where the plot is, inside its axes."""
        line = self.fontMetrics().height()
        return QRectF(line + 6, 12, self.width() - line - 14, self.height() - line - 18)

    def place(self, x: float, y: float, axes: tuple[Axis, Axis]) -> QPointF:
        """Tell where values are drawn."""
        box, (across, up) = self.box(), axes
        return QPointF(
            box.left() + (x - across.low) / (across.high - across.low) * box.width(),
            box.bottom() - (y - up.low) / (up.high - up.low) * box.height(),
        )

    def draw_axes(self, painter: QPainter, axes: tuple[Axis, Axis]) -> None:
        """Draw the two sides, with names and ends."""
        box, line = self.box(), self.fontMetrics().height()
        painter.setPen(QPen(self.ink("highlight"), 1))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        painter.drawLine(box.bottomLeft(), box.topLeft())
        painter.setPen(self.ink())
        self._write(painter, QRectF(box.left(), box.bottom() + 4, box.width(), line), axes[0])
        painter.save()
        painter.translate(0, box.bottom())
        painter.rotate(-90)
        self._write(painter, QRectF(0, 0, box.height(), line), axes[1])
        painter.restore()

    def _write(self, painter: QPainter, where: QRectF, axis: Axis) -> None:
        metrics, align = self.fontMetrics(), Qt.AlignmentFlag
        ends = [metrics.horizontalAdvance(text) for text in (axis.low_text, axis.high_text)]
        painter.drawText(where, int(align.AlignLeft), axis.low_text)
        painter.drawText(where, int(align.AlignRight), axis.high_text)
        middle = where.adjusted(ends[0] + 8, 0, -ends[1] - 8, 0)
        # Names of channels differ at their ends.
        name = metrics.elidedText(axis.name, Qt.TextElideMode.ElideLeft, int(middle.width()))
        # In the middle of the axis where there is room, else between its ends.
        half = metrics.horizontalAdvance(name) / 2
        centred = where.center().x() - half > middle.left()
        centred = centred and where.center().x() + half < middle.right()
        painter.drawText(where if centred else middle, int(align.AlignHCenter), name)


def compact(count: float) -> str:
    """Write a count in few digits."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= 10 * unit:
            return f"{count / unit:,.0f}{name}"
    return f"{count:,.0f}"


def figure(value: float, span: float = 0.0) -> str:
    """Write a value in few digits: as many as tell two apart that differ by 1/50 of a span."""
    if span > 0:
        digits = int(np.ceil(-np.log10(span / 50)))
        value = round(value, max(0, digits)) if digits < 300 else value
    if value == int(value) and abs(value) < 1e7:
        return f"{int(value):,}"
    return f"{value:.6g}" if span else f"{value:.4g}"

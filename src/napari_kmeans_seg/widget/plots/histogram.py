"""The clusters of one channel: a histogram, and thresholds that can be dragged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QToolTip

from ..base.plain_text import plain
from .frame import Axis, PlotFrame, compact, figure

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    import numpy.typing as npt
    from qtpy.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPaintEvent

    from napari_kmeans_seg.layers.clusters.thresholds import Threshold

    from ..base.task import Clock
    from .bars import Bars
    from .frame import Look

SCALES: dict[str, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]] = {
    "square root": np.sqrt,
    "linear": np.asarray,
    "logarithm": np.log1p,
}
"""How counts become heights; the first one shows the peaks and the tails."""

# Pixels of the screen: how near a mouse must come to a line, and its handle.
_NEAR, _HANDLE = 6.0, 4.5
# How far apart thresholds are, on average, if all are drawn.
_ROOM = 8
# How long keys rest before the clusters follow, in milliseconds.
_KEYS_REST = 600


class HistogramPlot(PlotFrame):
    """Bars in the clusters' colours, and lines with handles where one ends and the next begins.

    Attributes
    ----------
    moved : Signal
        Emitted with the threshold that was moved, and where to.
    """

    moved = Signal(object, float)

    def __init__(self, viewer: napari.viewer.Viewer, clock: Clock) -> None:
        super().__init__(viewer)
        self._clock = clock
        self.bars: Bars | None = None
        self.scale = next(iter(SCALES))
        self.focused = 0
        # Where the focused threshold is drawn while it is moved.
        self.at: float | None = None
        self._dragging = False
        self._counted: tuple[Any, npt.NDArray[np.float64]] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Histogram of the clusters")
        self.setAccessibleDescription(
            "Left and right move the selected threshold, with Shift ten times as far. Up and down "
            "select another one. Escape cancels the move."
        )

    def show_bars(self, bars: Bars, look: Look) -> None:
        """Draw a histogram."""
        self.bars, self._counted = bars, None
        self.focused = min(self.focused, max(0, len(bars.thresholds) - 1))
        self.cancel_move()
        self.show_look(look)

    def forget(self) -> None:
        """Draw nothing, and let go of the points. Touches no Qt object."""
        self.bars = self._counted = self.at = None

    def show_look(self, look: Look) -> None:
        """Follow the colours of the canvas."""
        self._counted = None
        super().show_look(look)

    def show_scale(self, scale: str) -> None:
        """Draw counts by another of the `SCALES`."""
        self.scale = scale
        self.update()

    # -- where things are ---------------------------------------------------------------

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """The values across, and the pixels up."""
        assert self.bars is not None
        top = float(self._table().sum(axis=0).max(initial=1))
        scale = {"square root": " (√)", "logarithm": " (log)"}.get(self.scale, "")
        most = compact(top * self.bars.sampling)
        return self.bars.across, Axis(f"pixels{scale}", 0, 1, "0", most)

    def _table(self) -> npt.NDArray[np.float64]:
        """Count the pixels of each cluster in each bar: `(n_clusters, n_bars)`."""
        assert self.bars is not None
        assert self.look is not None
        room = max(1, int(self.box().width()))
        state = room, self.focused, self.at
        if self._counted is None or self._counted[0] != state:
            moved = None if self.threshold is None or self.at is None else (self.threshold, self.at)
            self._counted = state, self.bars.table(list(self.look.colors), room, moved)
        return self._counted[1]

    @property
    def threshold(self) -> Threshold | None:
        """The one that has the focus."""
        if self.bars is None or not self.bars.thresholds:
            return None
        return self.bars.thresholds[self.focused]

    def line(self, index: int) -> float:
        """Return where a threshold is drawn, in pixels across."""
        assert self.bars is not None
        moving = index == self.focused and self.at is not None
        at = self.at if moving and self.at is not None else self.bars.thresholds[index].at
        # Between the last value of the one and the first of the other.
        half = self.bars.points.step if self.bars.points.exact else 0.0
        box, across = self.box(), self.bars.across
        share = (at + half - across.low) / (across.high - across.low)
        return box.left() + share * box.width()

    def value(self, x: float) -> float:
        """Return which value is drawn at so many pixels across."""
        assert self.bars is not None
        box, across = self.box(), self.bars.across
        value = across.low + (x - box.left()) / box.width() * (across.high - across.low)
        if self.bars.points.exact:
            return float(np.rint(value - self.bars.points.step))
        return float(value)

    # -- drawing ------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw."""
        if self.bars is None or self.look is None:
            return
        painter = QPainter(self)
        self._draw_bars(painter)
        self.draw_axes(painter, self.axes)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # Where they are many, the colours show where they are.
        if len(self.bars.thresholds) * _ROOM <= self.box().width():
            for index in range(len(self.bars.thresholds)):
                if index != self.focused:
                    self._draw_threshold(painter, index)
        if self.threshold is not None:
            self._draw_threshold(painter, self.focused)
        painter.end()

    def _draw_bars(self, painter: QPainter) -> None:
        assert self.look is not None
        table, box, look = self._table(), self.box(), self.look
        total = table.sum(axis=0)
        rise = SCALES[self.scale]
        heights = rise(total) / max(float(rise(total.max(initial=0.0))), 1e-9) * box.height()
        edges = np.rint(box.left() + np.linspace(0, box.width(), total.size + 1)).astype(int)
        outline = QPolygonF()
        for i in range(total.size):
            left, width = int(edges[i]), int(max(1, edges[i + 1] - edges[i]))
            bottom, height = box.bottom(), float(heights[i])
            outline.append(QPointF(left, bottom - height))
            outline.append(QPointF(left + width, bottom - height))
            # Of several clusters in a bar each has its share of the height.
            for row in np.flatnonzero(table[:, i]):
                label = list(look.colors)[row]
                color = QColor(look.colors[label])
                if look.dimmed(label):
                    color.setAlpha(60)
                part = height * float(table[row, i] / total[i])
                if label in look.hidden:
                    color = self.ink("primary")
                bottom -= part
                painter.fillRect(QRectF(left, bottom, width, part), color)
        # Or dark bars would be lost on dark, light ones on light.
        rim = self.ink()
        rim.setAlpha(110)
        painter.setPen(QPen(rim, 1))
        painter.drawPolyline(outline)

    def _draw_threshold(self, painter: QPainter, index: int) -> None:
        assert self.bars is not None
        box, x = self.box(), self.line(index)
        chosen = index == self.focused and (self.hasFocus() or self.at is not None)
        ink = self.ink()
        painter.setPen(QPen(self.ink("background"), 3))
        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        painter.setPen(QPen(ink, 2 if chosen else 1))
        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        if self.bars.movable:
            half = _HANDLE + chosen
            handle = [(-half, -10), (half, -10), (half, -4), (0, 1), (-half, -4)]
            painter.setPen(QPen(ink if chosen else self.ink("background"), 1))
            painter.setBrush(self.ink("current") if chosen else ink)
            painter.drawPolygon(QPolygonF([QPointF(x + dx, box.top() + dy) for dx, dy in handle]))
        if chosen and self.at is not None:
            self._write_value(painter, x, ink)

    def _write_value(self, painter: QPainter, x: float, ink: QColor) -> None:
        assert self.at is not None
        text, metrics, box = figure(self.at), self.fontMetrics(), self.box()
        width, height = metrics.horizontalAdvance(text) + 10, metrics.height() + 2
        left = min(max(x + 6, box.left()), box.right() - width)
        if x + 6 + width > box.right():
            left = x - 6 - width
        where = QRectF(left, box.top() + 2, width, height)
        painter.setPen(QPen(ink, 1))
        painter.setBrush(self.ink("background"))
        painter.drawRoundedRect(where, 3, 3)
        painter.setPen(self.ink())
        painter.drawText(where, int(Qt.AlignmentFlag.AlignCenter), text)

    # -- the mouse ----------------------------------------------------------------------

    def near(self, x: float) -> int | None:
        """Return which threshold is under the mouse."""
        if self.bars is None or not self.bars.movable or not self.bars.thresholds:
            return None
        far = [abs(self.line(i) - x) for i in range(len(self.bars.thresholds))]
        index = int(np.argmin(far))
        return index if far[index] <= _NEAR else None

    def text_at(self, x: float) -> str:
        """Say what is at so many pixels across."""
        if self.bars is None or self.look is None:
            return ""
        names = self.look.names
        if (index := self.near(x)) is not None:
            one = self.bars.thresholds[index]
            return (
                f"{names.get(one.lower)} up to {figure(one.at)}, above {names.get(one.upper)}.\n"
                "Drag to move."
            )
        table, box, across = self._table(), self.box(), self.bars.across
        if not box.left() <= x < box.right():
            return ""
        n = table.shape[1]
        bar = int((x - box.left()) / box.width() * n)
        width = (across.high - across.low) / n
        begin = across.low + bar * width
        end = begin + width
        if self.bars.points.exact:
            # The first and the last value whose middle is in the bar.
            begin, end = float(np.ceil(begin - 0.5)), float(np.ceil(end - 0.5) - 1)
        values = figure(begin) if begin == end else f"{figure(begin)} to {figure(end)}"
        lines = [f"{self.bars.name} {values}"]
        about = "about " if self.bars.sampling > 1 else ""
        for row in np.flatnonzero(table[:, bar]):
            count = round(table[row, bar] * self.bars.sampling)
            lines.append(f"{names[list(names)[row]]}: {about}{count:,} pixels")
        return "\n".join(lines)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Take hold of a threshold, or select the cluster that is clicked."""
        if event is None or self.bars is None or event.button() != Qt.MouseButton.LeftButton:
            return
        x = event.position().x()
        if (index := self.near(x)) is not None:
            self.apply_move()
            self.focused, self._dragging = index, True
            self.update()
            return
        table, box, label = self._table(), self.box(), 0
        if box.left() <= x < box.right():
            bar = table[:, int((x - box.left()) / box.width() * table.shape[1])]
            label = list(self.look.colors)[int(bar.argmax())] if bar.any() and self.look else 0
        add = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        self.picked.emit(label, bool(event.modifiers() & add))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Drag the threshold, or say what is under the mouse."""
        if event is None or self.bars is None:
            return
        x = event.position().x()
        if self._dragging:
            self._move_to(self.value(x))
            return
        over = self.near(x) is not None
        self.setCursor(Qt.CursorShape.SplitHCursor if over else Qt.CursorShape.ArrowCursor)
        QToolTip.showText(event.globalPosition().toPoint(), plain(self.text_at(x)), self)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Put the threshold where it was dragged."""
        if event is not None and self._dragging:
            self.apply_move()

    # -- the keyboard -------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Move the marked threshold, or mark another."""
        if event is None:
            return
        threshold, key = self.threshold, event.key()
        if threshold is None or self.bars is None or not self.bars.movable:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            whole = self.bars.across.high - self.bars.across.low
            step = self.bars.points.step if self.bars.points.exact else whole / 500
            step *= 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            now = threshold.at if self.at is None else self.at
            self._move_to(now + (step if key == Qt.Key.Key_Right else -step))
            self._clock.call(self.apply_move, _KEYS_REST)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.apply_move()
            step = 1 if key == Qt.Key.Key_Up else -1
            self.focused = (self.focused + step) % len(self.bars.thresholds)
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.apply_move()
        elif key == Qt.Key.Key_Escape and self.at is not None:
            self.cancel_move()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent | None) -> None:  # noqa: N802
        """Do what the keys asked for."""
        if not self._dragging:
            self.apply_move()
        super().focusOutEvent(event)

    # -- moving -------------------------------------------------------------------------

    def _move_to(self, at: float) -> None:
        """Draw the focused threshold elsewhere, but not beyond its neighbours."""
        threshold = self.threshold
        if threshold is None or self.bars is None:
            return
        across = self.bars.across
        low, high = max(threshold.low, across.low), min(threshold.high, across.high)
        self.at = float(np.clip(at, low, high))
        self.update()

    def apply_move(self) -> None:
        """Ask for the clusters to follow, if the focused threshold was moved."""
        self._clock.forget(self.apply_move)
        self._dragging = False
        threshold, at = self.threshold, self.at
        if threshold is not None and at is not None and at != threshold.at:
            self.moved.emit(threshold, at)
        else:
            self.cancel_move()

    def cancel_move(self) -> None:
        """Draw the threshold where it is."""
        self._clock.forget(self.apply_move)
        self.at, self._dragging = None, False
        self.update()

"""How many clusters: the curve, drawn, with the suggestion marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from ..base.state import Refusal
from ..base.task import Task
from ..base.wording import words_of
from .frame import Axis, PlotFrame

if TYPE_CHECKING:
    import napari.viewer
    import numpy.typing as npt
    from qtpy.QtGui import QMouseEvent, QPaintEvent

    from napari_kmeans_seg import ClusterCurve

    from ..base.state import DockState, Key
    from ..base.task import Clock, Progress

_RANGE = range(2, 13)
_TITLE = "How many clusters?"
_TRYING = f"Trying {_RANGE[0]} to {_RANGE[-1]} clusters …"
_OTHERS = f"Computed with other settings. Press “{_TITLE}” again for the current ones."
_ONE = "All pixels have the same value, so there is only one cluster."
# Told apart by colour-blind people, and from a light and from a dark background.
_INERTIA, _SCORE = "#4477AA", "#EE6677"


class CurvePlot(PlotFrame):
    """Inertia and silhouette for each number of clusters.

    Attributes
    ----------
    chosen : Signal
        Emitted with the number of clusters that was clicked.
    """

    chosen = Signal(int)

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer, height=140)
        self.curve: ClusterCurve | None = None
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(
            "Inertia: sum of the squared distances of all pixels to their cluster's mean.\n"
            "Silhouette: how well the clusters are separated, from 0 to 1; one of three votes.\n"
            "Click to choose a number of clusters."
        )

    def show_curve(self, curve: ClusterCurve | None) -> None:
        """Draw a curve."""
        self.curve = curve
        self.setVisible(curve is not None)
        self.update()

    def box(self) -> QRectF:
        """Return where the plot is: below the names of the curves, above the numbers."""
        line = self.fontMetrics().height()
        return QRectF(14, line + 6, self.width() - 28, self.height() - 2 * line - 10)

    def spot(self, k: int, share: float = 0.0) -> QPointF:
        """Return where a number of clusters and a height from 0 to 1 are drawn."""
        assert self.curve is not None
        ks = self.curve.n_clusters
        across = Axis("clusters", int(ks[0]), max(int(ks[-1]), int(ks[0]) + 1), "", "")
        return self.place(k, share, (across, Axis("", 0, 1, "", "")))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Take the number of clusters that was clicked."""
        if event is not None and self.curve is not None:
            x = event.position().x()
            ks = map(int, self.curve.n_clusters)
            self.chosen.emit(min(ks, key=lambda k: abs(self.spot(k).x() - x)))

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw."""
        curve = self.curve
        if curve is None:
            return
        ink = self.ink()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box, line = self.box(), painter.fontMetrics().height()
        painter.setPen(QPen(self.ink("primary"), 1))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        painter.setPen(QPen(ink, 1, Qt.PenStyle.DashLine))
        painter.drawLine(self.spot(curve.suggestion, 1), self.spot(curve.suggestion))
        for k in map(int, curve.n_clusters):
            font = painter.font()
            font.setBold(k == curve.suggestion)
            painter.setFont(font)
            painter.setPen(ink)
            cell = QRectF(self.spot(k).x() - 12, box.bottom() + 2, 24, line)
            painter.drawText(cell, int(Qt.AlignmentFlag.AlignCenter), str(k))
        for name, values, hue, side in (
            ("inertia", curve.inertia, _INERTIA, Qt.AlignmentFlag.AlignLeft),
            ("silhouette", np.nan_to_num(curve.silhouette), _SCORE, Qt.AlignmentFlag.AlignRight),
        ):
            self._draw_line(painter, values, QColor(hue))
            painter.setPen(QColor(hue))
            painter.drawText(QRectF(box.left(), 0, box.width(), line), int(side), name)
        painter.end()

    def _draw_line(self, painter: QPainter, values: npt.NDArray[Any], color: QColor) -> None:
        """Draw values as a line with dots, scaled to the height of the plot."""
        assert self.curve is not None
        top = float(np.max(values))
        shares = np.clip(values / top, 0, 1) if top > 0 else np.zeros(len(values))
        ks = self.curve.n_clusters.tolist()
        points = [self.spot(k, share) for k, share in zip(ks, shares.tolist(), strict=True)]
        painter.setPen(QPen(color, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(color)
        for k, point in zip(ks, points, strict=True):
            radius = 5 if k == self.curve.suggestion else 2.5
            painter.drawEllipse(point, radius, radius)


class HowMany(QWidget):
    """A button that computes the curve away from the interface, and the curve.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose theme is followed.
    state : DockState
        Knows what is asked for, and says what goes on meanwhile.
    clock : Clock
        Looks after the work.
    """

    picked = Signal(int)

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        state: DockState,
        clock: Clock,
    ) -> None:
        super().__init__()
        self._state, self._clock = state, clock
        self._task: Task[ClusterCurve] = Task(clock, self._show_progress)
        self.button = QPushButton(_TITLE)
        self.button.setToolTip("Try 2 to 12 clusters, and suggest a number.")
        self.plot = CurvePlot(viewer)
        self.reason = QLabel()
        self.reason.setWordWrap(True)
        self.reason.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.button, self.plot, self.reason):
            layout.addWidget(part)
        self.plot.hide()
        self.reason.hide()
        self.button.clicked.connect(self.compute)
        self.plot.chosen.connect(self.picked)
        # The keys of the layers and of the points that the curve is of, and what was said of it.
        self._of: tuple[Key, Key] | None = None
        self._reason = ""

    @property
    def busy(self) -> bool:
        """Whether a curve is being computed."""
        return self._task.busy

    def offer(self, there_is_an_image: bool) -> None:
        """Let it be asked for where there is something to be clustered."""
        self.button.setEnabled(there_is_an_image or self.busy)
        if not self.busy:
            # It was stopped when the dock was closed, and is open again.
            self.button.setText(_TITLE)

    def compute(self) -> None:
        """Compute the curve; pressed again, stop. Returns at once."""
        if self._task.busy:
            self._task.cancel()
            self._end()
            return
        request = self._state.request
        if isinstance(request, Refusal):
            self._say(words_of(request.error).text)
            return
        source, reading = request.source, request.reading
        fitting = {name: value for name, value in request.fitting.items() if name != "n_clusters"}

        def work(report: Progress) -> ClusterCurve:
            prepared = source.prepare(
                progress=lambda fraction, stage: report(0.3 * fraction, stage), **reading
            )
            return prepared.choose_k(
                _RANGE,
                progress=lambda fraction, stage: report(0.3 + 0.7 * fraction, stage),
                **fitting,
            )

        self._of = request.ids, request.points
        self._task.start(work, self._show, self._fail)
        self._state.meanwhile = _TRYING

    def stop(self) -> None:
        """Compute no more, and let go of the curve. Touches no Qt object."""
        self._task.cancel()
        self._of = self.plot.curve = None

    def follow(self) -> None:
        """Look soon whether the curve is still that of the image and the settings.

        Soon, for when a person removes a layer none is active for a moment.
        """
        self._clock.call(self._compare)

    def _compare(self) -> None:
        if self._of is None:
            return
        ids, points = self._of
        request = self._state.request
        if isinstance(request, Refusal) or request.ids != ids:
            self.stop()
            self._end()
            self.plot.show_curve(None)
            self.reason.hide()
        elif self.plot.curve is not None:
            # It stays where it is, for nothing shall jump while somebody tries settings.
            self.reason.setText(self._reason if request.points == points else _OTHERS)

    def _show_progress(self) -> None:
        self.button.setText(f"Stop ({100 * self._task.fraction:.0f} %)")

    def _end(self) -> None:
        self.button.setText(_TITLE)
        self._state.meanwhile = ""

    def _show(self, curve: ClusterCurve) -> None:
        self._end()
        several = curve.n_clusters[-1] > 1
        self.plot.show_curve(curve if several else None)
        self._reason = curve.reason if several else _ONE
        self._say(self._reason)
        self.follow()

    def _fail(self, error: Exception) -> None:
        self._end()
        self._say(words_of(error).text)

    def _say(self, text: str) -> None:
        self.reason.setText(text)
        self.reason.show()

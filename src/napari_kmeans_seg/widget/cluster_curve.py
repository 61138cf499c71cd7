"""How many clusters: the curve, drawn, with the suggestion marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.theme import get_theme
from qtpy.QtCore import (  # type: ignore[attr-defined]
    QPointF,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from .background import BackgroundWork, CancelledError
from .preview import OF_POINTS
from .wording import in_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from magicgui.widgets import Label
    from qtpy.QtGui import QMouseEvent, QPaintEvent

    from napari_kmeans_seg import ClusterCurve
    from napari_kmeans_seg.layers import LayerImage

_LOOK_EVERY = 50
_RANGE = range(2, 13)
_TITLE = "How many clusters?"
_TRYING = f"Trying {_RANGE[0]} to {_RANGE[-1]} clusters …"
_OTHERS = f"Of other settings than there are now. Press “{_TITLE}” again for these."
_ONE = "All pixels have the same value: there is nothing to tell apart."
# Told apart by colour-blind people, and from a light and from a dark background.
_INERTIA, _SCORE = "#4477AA", "#EE6677"


class CurvePlot(QWidget):
    """Inertia and silhouette for each number of clusters.

    A hundred lines of QPainter instead of a plotting library: two lines and a mark need
    none, and it is there at once, sharp on every screen, in the colours of the theme.

    Attributes
    ----------
    picked : Signal
        Tells which number of clusters was clicked.
    """

    picked = Signal(int)

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self.curve: ClusterCurve | None = None
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(140)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(
            "Inertia: how far pixels are from their cluster's mean, in all.\n"
            "Silhouette: how far apart clusters are, from 0 to 1: one of three votes.\n"
            "Click to take a number of clusters."
        )

    def show_curve(self, curve: ClusterCurve | None) -> None:
        """Draw a curve."""
        self.curve = curve
        self.setVisible(curve is not None)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Fit the dock."""
        return QSize(260, 140)

    def place(self, k: int, share: float = 0.0) -> QPointF:
        """Tell where a number of clusters and a height from 0 to 1 are drawn."""
        assert self.curve is not None
        box, ks = self._box(), self.curve.n_clusters
        across = (k - ks[0]) / max(1, ks[-1] - ks[0])
        return QPointF(box.left() + across * box.width(), box.bottom() - share * box.height())

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Take the number of clusters that was clicked."""
        if event is not None and self.curve is not None:
            x = event.position().x()
            self.picked.emit(
                min((int(k) for k in self.curve.n_clusters),
                    key=lambda k: abs(self.place(k).x() - x))
            )  # fmt: skip

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw."""
        curve = self.curve
        if curve is None:
            return
        theme = get_theme(self._viewer.theme)
        ink, faint = QColor(theme.text.as_hex()), QColor(theme.primary.as_hex())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box, line = self._box(), painter.fontMetrics().height()
        suggestion = self.place(curve.suggestion, 1)
        painter.setPen(QPen(faint, 1))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        painter.setPen(QPen(ink, 1, Qt.PenStyle.DashLine))
        painter.drawLine(suggestion, self.place(curve.suggestion))
        for k in map(int, curve.n_clusters):
            font = painter.font()
            font.setBold(k == curve.suggestion)
            painter.setFont(font)
            painter.setPen(ink)
            cell = QRectF(self.place(k).x() - 12, box.bottom() + 2, 24, line)
            painter.drawText(cell, int(Qt.AlignmentFlag.AlignCenter), str(k))
        silhouette = np.nan_to_num(curve.silhouette)
        for values, hue in ((curve.inertia, _INERTIA), (silhouette, _SCORE)):
            color = QColor(hue)
            points = [self.place(int(k), share) for k, share in self._shares(values)]
            painter.setPen(QPen(color, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolyline(QPolygonF(points))
            painter.setBrush(color)
            for k, point in zip(curve.n_clusters, points, strict=True):
                radius = 5 if k == curve.suggestion else 2.5
                painter.drawEllipse(point, radius, radius)
        for text, hue, side in (
            ("inertia", _INERTIA, Qt.AlignmentFlag.AlignLeft),
            ("silhouette", _SCORE, Qt.AlignmentFlag.AlignRight),
        ):
            painter.setPen(QColor(hue))
            painter.drawText(QRectF(box.left(), 0, box.width(), line), int(side), text)
        painter.end()

    def _shares(self, values: Any) -> list[tuple[int, float]]:
        """Scale values to the height of the plot."""
        assert self.curve is not None
        top = float(np.max(values))
        shares = np.clip(values / top, 0, 1) if top > 0 else np.zeros(len(values))
        return list(zip(self.curve.n_clusters.tolist(), shares.tolist(), strict=True))

    def _box(self) -> QRectF:
        line = self.fontMetrics().height()
        return QRectF(14, line + 6, self.width() - 28, self.height() - 2 * line - 10)


class HowMany(QWidget):
    """A button that computes the curve away from the interface, and the curve.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose theme is followed.
    setting : callable
        Gives the image and the arguments of `segment`; a ValueError says why there are none.
    status : Label
        Says what goes on meanwhile, and then again what it said before.
    """

    picked = Signal(int)

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        setting: Callable[[], tuple[LayerImage, dict[str, Any]]],
        status: Label,
    ) -> None:
        super().__init__()
        self._viewer, self._setting = viewer, setting
        self._status, self._said = status, ""
        self._work: BackgroundWork[ClusterCurve] | None = None
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
        self.plot.picked.connect(self.picked)
        # What the curve is of, and what was said of it.
        self._of: tuple[LayerImage, dict[str, Any]] | None = None
        self._reason = ""
        self._following = QTimer(self)
        self._following.setInterval(0)
        self._following.setSingleShot(True)
        self._following.timeout.connect(self._forget_others)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_EVERY)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether a curve is being computed."""
        return self._work is not None

    def offer(self, there_is_an_image: bool) -> None:
        """Let it be asked for where there is something to be clustered."""
        self.button.setEnabled(there_is_an_image or self.busy)

    def compute(self) -> None:
        """Compute the curve; pressed again, stop. Returns at once."""
        if self._work is not None:
            self._work.cancel()
            return
        try:
            source, parameters = self._setting()
        except ValueError as error:
            self._say(str(error))
            return
        points = {key: parameters[key] for key in OF_POINTS if key in parameters}
        rest = {key: value for key, value in parameters.items() if key not in points}
        rest.pop("n_clusters", None)
        if not isinstance(rest.get("init"), str):
            rest.pop("init", None)

        def work(report: Callable[[float, str], None]) -> ClusterCurve:
            prepared = source.prepare(
                progress=lambda fraction, stage: report(0.3 * fraction, stage), **points
            )
            return prepared.choose_k(
                _RANGE,
                progress=lambda fraction, stage: report(0.3 + 0.7 * fraction, stage),
                **rest,
            )

        self._of = source, _settings(source, points)
        self._work = BackgroundWork(work, owner=self)
        self._work.start()
        self._timer.start()
        self._said, self._status.value = self._status.value, _TRYING

    def stop(self) -> None:
        """Compute no more. Touches no Qt object."""
        work, self._work = self._work, None
        if work is not None:
            work.cancel()

    def follow(self) -> None:
        """Look soon whether the curve is still that of the image and the settings.

        Soon, for while the layers of a run are added another layer is active for a moment.
        """
        self._following.start()

    def _forget_others(self) -> None:
        if self._of is None:
            return
        of, settings = self._of
        try:
            source, parameters = self._setting()
            same = _images(source) == _images(of)
        except ValueError:
            same = False
        if not same:
            self.stop()
            self._of = None
            self.plot.show_curve(None)
            self.reason.hide()
        elif self.plot.curve is not None:
            # It stays where it is, for nothing shall jump while somebody tries settings.
            as_it_was = _settings(source, parameters) == settings and _same_pixels(source, of)
            self.reason.setText(self._reason if as_it_was else _OTHERS)

    def _look(self) -> None:
        work = self._work
        if work is not None and not work.done:
            self.button.setText(f"Stop ({100 * work.fraction:.0f} %)")
            return
        self._timer.stop()
        self._work = None
        self.button.setText(_TITLE)
        if self._status.value == _TRYING:
            self._status.value = self._said
        if work is None:
            return
        try:
            curve = work.result()
        except CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
            self._say(in_fields(str(error)) or type(error).__name__)
            return
        several = curve.n_clusters[-1] > 1
        self.plot.show_curve(curve if several else None)
        self._reason = curve.reason if several else _ONE
        self._say(self._reason)
        self.follow()

    def _say(self, text: str) -> None:
        self.reason.setText(text)
        self.reason.show()


def _images(source: LayerImage) -> str:
    """Tell which images are clustered, whatever part of them."""
    return source.link_id.partition(":")[0]


def _settings(source: LayerImage, points: dict[str, Any]) -> dict[str, Any]:
    """Name all that makes another curve; how starts are drawn hardly changes it."""
    told = {key: points.get(key) for key in OF_POINTS}
    return told | {key: source.told.get(key) for key in ("plane", "each_step_of_axis", "region")}


def _same_pixels(one: LayerImage, other: LayerImage) -> bool:
    each, those = one.channels or (one,), other.channels or (other,)
    return all(a.data is b.data for a, b in zip(each, those, strict=True))

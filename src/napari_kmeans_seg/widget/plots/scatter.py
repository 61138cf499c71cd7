"""The clusters of several channels: their colours as dots, their centroids as rings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPen
from qtpy.QtWidgets import QToolTip

from ..base.plain_text import plain
from .dots import paint_dots
from .frame import Axis, PlotFrame, figure

if TYPE_CHECKING:
    import napari.viewer
    import numpy.typing as npt
    from qtpy.QtCore import QPointF
    from qtpy.QtGui import QMouseEvent, QPaintEvent

    from .cloud import Cloud
    from .frame import Look

# In pixels of the screen: dots from least to most, rings, and how near a mouse must come.
_LEAST, _MOST, _RING, _NEAR = 1.6, 11.0, 5.0, 9.0
_N_SIZES = 6
# Clusters above which rings are smaller.
_MANY = 32
_RIM = 0.8
# How opaque dots are that do not stand out, of 255.
_FAINT = 50


class ScatterPlot(PlotFrame):
    """Distinct colours as dots in their cluster's colour, the larger the more pixels have them."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer)
        self.cloud: Cloud | None = None
        self._axes: tuple[Axis, Axis] | None = None
        self._drawn: tuple[Any, QImage] | None = None
        self.setAccessibleName("Colours of the clusters")

    def show_cloud(self, cloud: Cloud, look: Look) -> None:
        """Draw points."""
        self.cloud, self._drawn, self._axes = cloud, None, None
        self.show_look(look)

    def forget(self) -> None:
        """Draw nothing, and let go of the points. Touches no Qt object."""
        self.cloud = self._drawn = self._axes = None

    def show_look(self, look: Look) -> None:
        """Follow the colours of the canvas."""
        self._drawn = None
        super().show_look(look)

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """The two axes, as long as the points need."""
        assert self.cloud is not None
        if self._axes is not None:
            return self._axes
        cloud, rings = self.cloud, np.array([*self.cloud.centroids.values()]).reshape(-1, 2)
        found = []
        for i, values in enumerate((cloud.across, cloud.up)):
            every = np.concatenate([values[cloud.members.point], rings[:, i]])
            every = every[np.isfinite(every)]
            low, high = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
            if not low < high:
                low, high = low - 1, high + 1
            margin = 0.04 * (high - low)
            found.append(
                Axis(
                    cloud.axes[i],
                    low - margin,
                    high + margin,
                    figure(low, high - low),
                    figure(high, high - low),
                )
            )
        self._axes = found[0], found[1]
        return self._axes

    # -- drawing ------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw; the dots only where they changed."""
        if self.cloud is None or self.look is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        axes = self.axes
        self.draw_axes(painter, axes)
        state = (self.size(), self.devicePixelRatioF(), self._viewer.theme)
        if self._drawn is None or self._drawn[0] != state:
            self._drawn = state, self._dots(axes, self.devicePixelRatioF())
        painter.drawImage(0, 0, self._drawn[1])
        for label in self._rings():
            self._draw_ring(painter, label, axes)
        painter.end()

    def _rings(self) -> list[int]:
        """Give the clusters whose rings are seen, those that stand out last."""
        assert self.cloud is not None
        look = self.look
        assert look is not None
        # The colours may be those of newer clusters than the points.
        known = [one for one in self.cloud.centroids if one in look.colors]
        seen = [one for one in known if one not in look.hidden]
        return sorted(seen, key=lambda label: label in look.highlighted)

    def _dots(self, axes: tuple[Axis, Axis], ratio: float) -> QImage:
        """Paint the dots, for a screen of so many pixels to a point."""
        assert self.cloud is not None
        assert self.look is not None
        members, look = self.cloud.members, self.look
        place, size = self._places(axes)
        table = np.zeros((max([*look.colors, int(members.label.max(initial=0))]) + 1, 4), np.uint8)
        for label, color in look.colors.items():
            table[label] = color.red(), color.green(), color.blue(), 255
            if look.dimmed(label):
                table[label, 3] = _FAINT
        table[list(look.hidden)] = 0
        alpha = table[members.label, 3]
        # Large dots below, so that small ones are seen; of equals none is above by its label.
        order = np.lexsort((np.random.default_rng(0).random(size.size), -size))
        faint, plain = order[alpha[order] == _FAINT], order[alpha[order] == 255]
        order = np.concatenate([faint, plain])
        width = (_LEAST + (_MOST - _LEAST) * size[order] / (_N_SIZES - 1)) * ratio
        shape = round(self.height() * ratio), round(self.width() * ratio)
        # A thin rim, or dark colours would be lost on dark, light ones on light.
        ink = self.ink()
        rim = np.array([ink.red(), ink.green(), ink.blue(), 70], np.uint8)
        colors = table[members.label[order]]
        pixels = paint_dots(shape, place[order] * ratio, width, colors, rim, _RIM * ratio)
        picture = QImage(
            pixels.tobytes(), shape[1], shape[0], 4 * shape[1],
            QImage.Format.Format_RGBA8888_Premultiplied,
        ).copy()  # fmt: skip
        picture.setDevicePixelRatio(ratio)
        return picture

    def _places(self, axes: tuple[Axis, Axis]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return where the dots are drawn, and how large: the area goes by the pixels."""
        assert self.cloud is not None
        members, box = self.cloud.members, self.box()
        across = (self.cloud.across[members.point] - axes[0].low) / (axes[0].high - axes[0].low)
        up = (self.cloud.up[members.point] - axes[1].low) / (axes[1].high - axes[1].low)
        place = np.stack([box.left() + across * box.width(), box.bottom() - up * box.height()], 1)
        # A few colours that fill half of an image, a background, must not make all others dots.
        most = np.percentile(members.count, 99.5) if members.count.size else 1
        share = np.minimum(np.sqrt(members.count / most), 1)
        return place, np.rint(share * (_N_SIZES - 1)).astype(int)

    def _draw_ring(self, painter: QPainter, label: int, axes: tuple[Axis, Axis]) -> None:
        assert self.cloud is not None
        assert self.look is not None
        where = self.place(*self.cloud.centroids[label], axes)
        strong = label in self.look.highlighted
        radius = (_RING if len(self.cloud.centroids) <= _MANY else _RING / 2) + 2 * strong
        ink, ground = self.ink(), self.ink("background")
        color = QColor(self.look.colors[label])
        if self.look.dimmed(label):
            for one in (ink, ground, color):
                one.setAlpha(90)
        painter.setPen(QPen(ground, 4.5))
        painter.setBrush(color)
        painter.drawEllipse(where, radius, radius)
        painter.setPen(QPen(ink, 2.5 if strong else 1.5))
        painter.drawEllipse(where, radius, radius)

    # -- the mouse ----------------------------------------------------------------------

    def under(self, where: QPointF) -> tuple[int, int | None]:
        """Return which cluster is at a place, 0 for none, and which of its dots, if it is one."""
        if self.cloud is None or self.look is None:
            return 0, None
        axes, seen = self.axes, set(self.look.colors) - self.look.hidden
        for label in reversed(self._rings()):
            ring = self.place(*self.cloud.centroids[label], axes) - where
            if np.hypot(ring.x(), ring.y()) <= _RING + 3:
                return label, None
        members = self.cloud.members
        if not members.point.size:
            return 0, None
        place, _ = self._places(axes)
        far = np.hypot(place[:, 0] - where.x(), place[:, 1] - where.y())
        far[~np.isin(members.label, list(seen))] = np.inf
        nearest = int(far.argmin())
        if far[nearest] > _NEAR:
            return 0, None
        return int(members.label[nearest]), nearest

    def text_at(self, where: QPointF) -> str:
        """Say what is at a place."""
        label, dot = self.under(where)
        if not label or self.cloud is None or self.look is None:
            return ""
        cloud, name = self.cloud, self.look.names.get(label, f"Label {label}")
        if dot is None:
            return f"{name}: centroid"
        point, count = cloud.members.point[dot], int(cloud.members.count[dot])
        values = zip(cloud.channels, cloud.values[:, point], strict=True)
        colour = ", ".join(f"{channel} {figure(round(float(v), 3))}" for channel, v in values)
        about = "about " if cloud.sampling > 1 else ""
        n = round(count * cloud.sampling)
        return f"{name}\n{colour}\n{about}{n:,} pixel{'s' if n != 1 else ''}"

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Say what is under the mouse."""
        if event is not None:
            text = plain(self.text_at(event.position()))
            QToolTip.showText(event.globalPosition().toPoint(), text, self)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Select the cluster that is clicked."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            add = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
            self.picked.emit(self.under(event.position())[0], bool(event.modifiers() & add))

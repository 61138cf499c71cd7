"""See the clusters: where they lie among the values of the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_kmeans_seg.layers.clusters.distribution import ClusterValues
from napari_kmeans_seg.layers.clusters.thresholds import (
    move,
    moved_by_hand,
    overlap,
    reassignment,
    thresholds_of,
)

from ..base.state import pixels_key
from ..base.task import Task
from .bars import Bars
from .cloud import Cloud, first_plane, planes
from .frame import Look
from .histogram import SCALES, HistogramPlot
from .scatter import ScatterPlot

if TYPE_CHECKING:
    import napari.viewer
    from qtpy.QtGui import QHideEvent, QShowEvent

    from napari_kmeans_seg.core.base.parallel import Progress
    from napari_kmeans_seg.layers.clusters import Clusters
    from napari_kmeans_seg.layers.clusters.points import ClusterPoints, Members
    from napari_kmeans_seg.layers.clusters.thresholds import Reassignment, Threshold

    from ..base.state import Key
    from ..base.task import Clock
    from ..table.cluster_table import ClusterTable

# How long a brush rests before its pixels are looked at, in milliseconds.
_BRUSH_REST = 200
# Seconds after which it is said that pixels are being read.
_PATIENCE = 0.3
_NOTHING = "Run, or click a result in the layer list, to see its clusters."


@dataclass(frozen=True, eq=False)
class Found:
    """What there is to draw.

    Attributes
    ----------
    values : ClusterValues
        Where it was read.
    labels : array or sequence of array
        The labels that it belongs to.
    points : ClusterPoints
        The values.
    members : Members
        Which belong to which cluster.
    thresholds : tuple of Threshold or None
        Of one channel; None where there are none to be had.
    of : tuple
        The key of the pixels that were read, by which other clusters may have the same points.
    """

    values: ClusterValues
    labels: Any
    points: ClusterPoints
    members: Members
    thresholds: tuple[Threshold, ...] | None
    of: Key

    @property
    def in_memory(self) -> bool:
        """Whether image and labels are, so that thresholds can be moved."""
        return isinstance(self.labels, np.ndarray) and isinstance(
            self.values.image.data, np.ndarray
        )

    @property
    def sampling(self) -> float:
        """Pixels of the image for each one that was read."""
        return self.points.pixels_each


class ClusterPlot(QWidget):
    """Draws the clusters that the table shows, while it is seen.

    Of one channel it is a histogram with thresholds that can be dragged, of several a
    scatter plot. What is drawn is gathered on a thread; the newest clusters win.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose theme is followed.
    table : ClusterTable
        Whose clusters are drawn, and whose rows a click selects.
    clock : Clock
        Looks after what is done on threads.
    """

    def __init__(self, viewer: napari.viewer.Viewer, table: ClusterTable, clock: Clock) -> None:
        super().__init__()
        self._viewer = getattr(viewer, "__wrapped__", viewer)
        self._table = table
        self._clusters: Clusters | None = None
        self._events: list[Any] = []
        self._listening = False
        self._found: Found | None = None
        self._clock = clock
        self._reading: Task[Found] = Task(clock, self._show_waiting)
        self._again, self._began = False, 0.0
        self._kind: tuple[str, list[str]] = "", []
        self._moving: Task[Reassignment] = Task(clock)

        self.axes = QComboBox()
        self.axes.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.axes.setToolTip("What is drawn along the axes.")
        self.axes.setAccessibleName("Axes")
        self.histogram = HistogramPlot(self._viewer, clock)
        self.scatter = ScatterPlot(self._viewer)
        self.note = QLabel(_NOTHING)
        self.note.setWordWrap(True)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self._axes_row = QWidget()
        row = QHBoxLayout(self._axes_row)
        row.setContentsMargins(0, 0, 0, 0)
        self._axes_name = QLabel("Axes")
        row.addWidget(self._axes_name)
        row.addWidget(self.axes, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self._axes_row, self.histogram, self.scatter, self.note):
            layout.addWidget(part)
        for part in (self._axes_row, self.histogram, self.scatter):
            part.hide()
        # The steps of the table, where the focus is here.
        for name in ("undo", "redo"):
            self.addAction(table.actions_[name])

        self.axes.activated.connect(self._draw)
        self.histogram.moved.connect(self._move)
        self.histogram.picked.connect(self._pick)
        self.scatter.picked.connect(self._pick)
        table.followed.connect(self._follow)

    @property
    def busy(self) -> bool:
        """Whether something is still to be drawn."""
        later = (self._read, self._read_rested, self._recolor)
        working = self._reading.busy or self._moving.busy
        return working or any(map(self._clock.awaits, later))

    # -- which clusters -----------------------------------------------------------------

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Draw what there is now."""
        super().showEvent(event)
        if not self._listening:
            self._listening = True
            self._viewer.events.theme.connect(self._on_theme)
        self._follow()

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802
        """Draw nothing."""
        super().hideEvent(event)
        self.leave()

    def leave(self) -> None:
        """Follow nothing, and let go of the pixels. Touches no Qt object."""
        if self._listening:
            self._listening = False
            self._viewer.events.theme.disconnect(self._on_theme)
        self._let_go()
        self._forget_drawn()

    def _forget_drawn(self) -> None:
        self.histogram.forget()
        self.scatter.forget()

    def _let_go(self) -> None:
        for event, callback in self._events:
            event.disconnect(callback)
        self._events = []
        self._reading.cancel()
        self._moving.cancel()
        self._clusters = self._found = None

    def _follow(self) -> None:
        """Go with the clusters of the table."""
        if not self.isVisible():
            return
        clusters = self._table.clusters
        if clusters is not self._clusters:
            self._let_go()
            self._clusters = clusters
            if clusters is not None:
                events = clusters.layer.events
                # Undoing what was painted emits "set_data" only.
                self._events = [
                    (clusters.changed, self._on_changed),
                    (events.data, self._read_soon),
                    (events.labels_update, self._read_later),
                    (events.set_data, self._read_later),
                    (events.features, self._recolor_soon),
                    (events.colormap, self._recolor_soon),
                ]
                for event, callback in self._events:
                    event.connect(callback)
        self._read_soon()

    @property
    def _is_changing(self) -> bool:
        """Whether layers do not agree, in the midst of a piece of work; `changed` comes after."""
        return self._clusters is not None and self._clusters.is_changing

    def _on_changed(self) -> None:
        """Follow a piece of work on the clusters, which may have left the pixels alone."""
        clusters, found = self._clusters, self._found
        if clusters is not None and found is not None and clusters.layer.data is found.labels:
            self._recolor_soon()
        else:
            self._read_soon()

    def _read_soon(self) -> None:
        # What others do may emit several events: look once, when all are through.
        if not self._is_changing:
            self._clock.call(self._read)

    def _read_later(self) -> None:
        # A brush emits an event at each move.
        if not self._is_changing:
            self._clock.call(self._read_rested, _BRUSH_REST)

    def _read_rested(self) -> None:
        self._read()

    def _recolor_soon(self) -> None:
        if not self._is_changing:
            self._clock.call(self._recolor)

    def _on_theme(self) -> None:
        self.histogram.update()
        self.scatter.update()

    # -- reading ------------------------------------------------------------------------

    def _read(self) -> None:
        """Gather what is to be drawn, on a thread."""
        self._clock.forget(self._read_rested)
        clusters = self._clusters
        if clusters is None:
            self._say_nothing(_NOTHING)
            return
        if self._reading.busy:
            self._again = True
            return
        try:
            values = ClusterValues.of(clusters)
        except ValueError as error:
            self._say_nothing(str(error))
            return
        labels, known = clusters.layer.data, self._found
        levels = labels if isinstance(labels, Sequence) else [labels]
        of = (*pixels_key(values.image), tuple(level.shape for level in levels))
        points = known.points if known is not None and known.of == of else None
        one_channel, by_hand = len(values.names) == 1, moved_by_hand(clusters)

        def work(report: Progress) -> Found:
            found = values.read(labels, report) if points is None else points
            members = found.members(labels, report)
            thresholds = thresholds_of(found, members, by_hand) if one_channel else ()
            return Found(values, labels, found, members, thresholds, of)

        self._again = False
        self._began = perf_counter()
        self._reading.start(work, self._show, self._fail)

    def _show(self, found: Found) -> None:
        self._found = found
        self._draw()
        self._read_again()

    def _fail(self, error: Exception) -> None:
        self._found = None
        self._say_nothing(str(error) or type(error).__name__)
        self._read_again()

    def _read_again(self) -> None:
        if self._again:
            self._read()

    def _show_waiting(self) -> None:
        if self._found is None and perf_counter() - self._began > _PATIENCE:
            # The plots are those of other clusters.
            self._say_nothing(f"Reading the pixels … {100 * self._reading.fraction:.0f} %")

    # -- drawing ------------------------------------------------------------------------

    def _say_nothing(self, why: str) -> None:
        for part in (self._axes_row, self.histogram, self.scatter):
            part.hide()
        self._forget_drawn()
        self._say(why)

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _recolor(self) -> None:
        if self._clusters is not None and self._found is not None:
            look = Look.of(self._clusters)
            for plot in (self.histogram, self.scatter):
                plot.show_look(look)

    def _draw(self) -> None:
        found, clusters = self._found, self._clusters
        if found is None or clusters is None:
            return
        one_channel = len(found.values.names) == 1
        choices = [*SCALES] if one_channel else [plane.title for plane in planes(found.values)]
        kind = found.values.color_space, choices
        if kind != self._kind:
            self._kind = kind
            # What a person chose stays while it is about the same kind of image.
            self.axes.clear()
            self._axes_name.setText("Counts" if one_channel else "Axes")
            self.axes.addItems(choices)
            if not one_channel:
                self.axes.setCurrentIndex(first_plane(found.values))
        look = Look.of(clusters)
        if one_channel:
            self._draw_histogram(found, look)
        else:
            self._draw_scatter(found, clusters, look)
        self._axes_row.show()
        self.histogram.setVisible(one_channel)
        self.scatter.setVisible(not one_channel)
        notes = []
        if found.thresholds is None:
            notes.append(overlap(clusters))
        elif found.thresholds and not found.in_memory:
            notes.append("Thresholds can be moved only where image and labels are in memory.")
        if found.sampling > 1:
            n, of = found.points.home.size, found.points.n_pixels
            notes.append(f"Drawn from {n:,} of {of:,} pixels.")
        self._say(" ".join(notes))

    def _draw_histogram(self, found: Found, look: Look) -> None:
        (name,) = found.values.names
        thresholds = found.thresholds or ()
        self.histogram.show_scale(self.axes.currentText())
        self.histogram.show_bars(
            Bars(found.points, found.members, thresholds, found.in_memory, name, found.sampling),
            look,
        )

    def _draw_scatter(self, found: Found, clusters: Clusters, look: Look) -> None:
        plane = planes(found.values)[max(0, self.axes.currentIndex())]
        cloud = Cloud.of(found.values, found.points, found.members, clusters.table, plane)
        self.scatter.show_cloud(cloud, look)

    # -- what a person does -------------------------------------------------------------

    def _pick(self, label: int, add: bool) -> None:
        """Select the row of a cluster."""
        chosen = {label} if label else set()
        self._table.select(chosen ^ set(self._table.selected) if add else chosen)

    def _move(self, threshold: Threshold, at: float) -> None:
        """Move a threshold, on a thread."""
        clusters, found = self._clusters, self._found
        if clusters is None or found is None or self._moving.busy:
            self.histogram.cancel_move()
            return
        try:
            work = reassignment(clusters, found.values, threshold, at)
        except ValueError as error:
            self._fail_move(error)
            return

        def finish(found: Reassignment) -> None:
            if not move(clusters, found):
                self.histogram.cancel_move()

        self._moving.start(work, finish, self._fail_move)

    def _fail_move(self, error: Exception) -> None:
        self.histogram.cancel_move()
        self._say(f"⚠ {str(error) or type(error).__name__}")

"""See the clusters: where they lie among the values of the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_kmeans_seg.layers.cluster_values import ClusterValues
from napari_kmeans_seg.layers.thresholds import (
    move,
    overlap,
    put_by_hand,
    reassignment,
    thresholds_of,
)

from .background import BackgroundWork, CancelledError
from .cluster_plot_bars import Bars
from .cluster_plot_cloud import Cloud, first_plane, planes
from .cluster_plot_frame import Look
from .cluster_plot_histogram import SCALES, HistogramPlot
from .cluster_plot_scatter import ScatterPlot

if TYPE_CHECKING:
    import napari.viewer
    from qtpy.QtGui import QHideEvent, QShowEvent

    from napari_kmeans_seg.core.parallel import Progress
    from napari_kmeans_seg.layers.cluster_points import ClusterPoints, Members
    from napari_kmeans_seg.layers.clusters import Clusters
    from napari_kmeans_seg.layers.thresholds import Reassignment, Threshold

    from .cluster_table import ClusterTable

_LOOK_EVERY = 10
# How long a brush rests before its pixels are looked at, in milliseconds.
_REST = 200
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
    """

    values: ClusterValues
    labels: Any
    points: ClusterPoints
    members: Members
    thresholds: tuple[Threshold, ...] | None

    def is_of(self, values: ClusterValues, labels: Any) -> bool:
        """Whether the points are also those of other clusters."""
        shapes = [
            [one.shape for one in (each if isinstance(each, Sequence) else [each])]
            for each in (labels, self.labels)
        ]
        return shapes[0] == shapes[1] and self.values.same_pixels(values)

    @property
    def in_memory(self) -> bool:
        """Whether image and labels are, so that thresholds can be moved."""
        return isinstance(self.labels, np.ndarray) and isinstance(
            self.values.image.data, np.ndarray
        )

    @property
    def reckoned_up(self) -> float:
        """How many pixels of the image stand behind each that was looked at."""
        return self.points.reckoned_up


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
    """

    def __init__(self, viewer: napari.viewer.Viewer, table: ClusterTable) -> None:
        super().__init__()
        self._viewer = getattr(viewer, "__wrapped__", viewer)
        self._table = table
        self._clusters: Clusters | None = None
        self._events: list[Any] = []
        self._listening = False
        self._found: Found | None = None
        self._reading: BackgroundWork[Found] | None = None
        self._again, self._began = False, 0.0
        self._kind: tuple[str, list[str]] = "", []
        self._moving: tuple[Clusters, BackgroundWork[Reassignment]] | None = None

        self.axes = QComboBox()
        self.axes.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.axes.setToolTip("What is drawn along the axes.")
        self.axes.setAccessibleName("Axes")
        self.histogram = HistogramPlot(self._viewer)
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
        # Several events tell of one change: look once, when all are through.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._read)
        # A brush tells of each move.
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_REST)
        self._later.timeout.connect(self._read)
        self._soon_recolored = QTimer(self)
        self._soon_recolored.setSingleShot(True)
        self._soon_recolored.timeout.connect(self._recolor)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_EVERY)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether something is still to be drawn."""
        working = self._reading is not None or self._moving is not None
        timers = (self._soon, self._later, self._soon_recolored)
        return working or any(timer.isActive() for timer in timers)

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

    def _let_go(self) -> None:
        for event, callback in self._events:
            event.disconnect(callback)
        self._events = []
        if self._reading is not None:
            self._reading.cancel()
        self._clusters = self._found = self._reading = self._moving = None

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
                # Undoing what was painted tells of itself by "set_data" only.
                self._events = [
                    (events.data, self._read_soon),
                    (events.labels_update, self._read_later),
                    (events.set_data, self._read_later),
                    (events.features, self._recolor_soon),
                    (events.colormap, self._recolor_soon),
                ]
                for event, callback in self._events:
                    event.connect(callback)
        self._soon.start()

    def _read_soon(self) -> None:
        self._soon.start()

    def _read_later(self) -> None:
        self._later.start()

    def _recolor_soon(self) -> None:
        self._soon_recolored.start()

    def _on_theme(self) -> None:
        self.histogram.update()
        self.scatter.update()

    # -- reading ------------------------------------------------------------------------

    def _read(self) -> None:
        """Gather what is to be drawn, on a thread."""
        self._later.stop()
        clusters = self._clusters
        if clusters is None:
            self._say_nothing(_NOTHING)
            return
        if self._reading is not None:
            self._again = True
            return
        try:
            values = ClusterValues.of(clusters)
        except ValueError as error:
            self._say_nothing(str(error))
            return
        labels, known = clusters.layer.data, self._found
        points = known.points if known is not None and known.is_of(values, labels) else None
        one_channel, put = len(values.names) == 1, put_by_hand(clusters)

        def work(report: Progress) -> Found:
            found = values.read(labels, report) if points is None else points
            members = found.members(labels, report)
            thresholds = thresholds_of(found, members, put) if one_channel else ()
            return Found(values, labels, found, members, thresholds)

        self._again = False
        self._reading = BackgroundWork(work, owner=self)
        self._began = perf_counter()
        self._reading.start()
        self._timer.start()

    @property
    def _waited(self) -> float:
        return perf_counter() - self._began

    def _look(self) -> None:
        """See what the threads have found."""
        reading = self._reading
        if reading is not None and reading.done:
            self._reading = None
            try:
                self._found = reading.result()
                self._draw()
            except CancelledError:
                pass
            except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
                self._found = None
                self._say_nothing(str(error) or type(error).__name__)
            if self._again:
                self._read()
        elif reading is not None and self._found is None and self._waited > _PATIENCE:
            # The plots are those of other clusters.
            self._say_nothing(f"Reading the pixels … {100 * reading.fraction:.0f} %")
        if self._moving is not None and self._moving[1].done:
            (clusters, work), self._moving = self._moving, None
            self._finish_move(clusters, work)
        if self._reading is None and self._moving is None:
            self._timer.stop()

    # -- drawing ------------------------------------------------------------------------

    def _say_nothing(self, why: str) -> None:
        for part in (self._axes_row, self.histogram, self.scatter):
            part.hide()
        self._say(why)

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _recolor(self) -> None:
        if self._clusters is not None and self._found is not None:
            look = Look.of(self._clusters)
            for plot in (self.histogram, self.scatter):
                plot.wear(look)

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
            notes.append("Thresholds can be moved of images and labels in memory only.")
        if found.reckoned_up > 1:
            n, of = found.points.home.size, found.points.n_pixels
            notes.append(f"Drawn from {n:,} of {of:,} pixels.")
        self._say(" ".join(notes))

    def _draw_histogram(self, found: Found, look: Look) -> None:
        (name,) = found.values.names
        thresholds = found.thresholds or ()
        self.histogram.show_scale(self.axes.currentText())
        self.histogram.show_bars(
            Bars(found.points, found.members, thresholds, found.in_memory, name, found.reckoned_up),
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
        if clusters is None or found is None or self._moving is not None:
            self.histogram.leave_be()
            return
        try:
            work = BackgroundWork(reassignment(clusters, found.values, threshold, at), owner=self)
        except ValueError as error:
            self.histogram.leave_be()
            self._say(f"⚠ {error}")
            return
        self._moving = clusters, work
        work.start()
        self._timer.start()

    def _finish_move(self, clusters: Clusters, work: BackgroundWork[Reassignment]) -> None:
        try:
            changed = move(clusters, work.result())
        except CancelledError:
            changed = False
        except (ValueError, LookupError) as error:
            changed = False
            self._say(f"⚠ {error}")
        if not changed:
            self.histogram.leave_be()

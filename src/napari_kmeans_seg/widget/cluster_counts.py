"""The counts of the cluster table follow what a person paints by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer

from .background import BackgroundWork, CancelledError

if TYPE_CHECKING:
    import pandas as pd

    from napari_kmeans_seg.layers.clusters import Clusters

# How long the brush rests before the pixels are counted, in milliseconds.
_REST = 300
_LOOK_EVERY = 20
# Painting tells of itself by the first two, undoing it in napari by "set_data" only.
_PAINTED = ("paint", "labels_update", "set_data")


class ClusterCounts(QObject):
    """Counts the pixels of clusters anew, on a thread, when their layer was painted on.

    Parameters
    ----------
    parent : QObject
        Whose life this ends with.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._clusters: Clusters | None = None
        self._events: list[Any] = []
        self._work: BackgroundWork[pd.DataFrame | None] | None = None
        self._rest = QTimer(self)
        self._rest.setInterval(_REST)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._count)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_EVERY)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether something is still to be counted."""
        return self._rest.isActive() or self._work is not None

    def follow(self, clusters: Clusters | None) -> None:
        """Count these clusters from now on, or none. With None it touches no Qt object."""
        for event in self._events:
            event.disconnect(self._painted)
        self._drop()
        self._clusters, self._events = clusters, []
        if clusters is not None:
            self._events = [clusters.layer.events[name] for name in _PAINTED]
            for event in self._events:
                event.connect(self._painted)

    def _painted(self) -> None:
        # What is being counted is not true any more.
        self._drop()
        self._rest.start()

    def _drop(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work.cancel()

    def _count(self) -> None:
        if self._clusters is not None:
            self._work = BackgroundWork(self._clusters.recount(), owner=self)
            self._work.start()
            self._timer.start()

    def _look(self) -> None:
        if self._work is None:
            self._timer.stop()
        elif self._work.done:
            work, self._work = self._work, None
            self._timer.stop()
            try:
                counts = work.result()
            except CancelledError:
                return
            if self._clusters is not None:
                self._clusters.take_counts(counts)

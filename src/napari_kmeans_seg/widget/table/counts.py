"""The counts of the cluster table follow what a person paints by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..task import Task

if TYPE_CHECKING:
    import pandas as pd

    from napari_kmeans_seg.layers.clusters import Clusters

    from ..task import Clock

# How long the brush rests before the pixels are counted, in milliseconds.
_BRUSH_REST = 300
# Painting emits the first two, undoing it in napari "set_data" only.
_PAINTED = ("paint", "labels_update", "set_data")


class ClusterCounts:
    """Counts the pixels of clusters anew, on a thread, when their layer was painted on.

    Parameters
    ----------
    clock : Clock
        Waits until the brush rests.
    """

    def __init__(self, clock: Clock) -> None:
        self._clusters: Clusters | None = None
        self._events: list[Any] = []
        self._clock = clock
        self._task: Task[pd.DataFrame | None] = Task(clock)

    @property
    def busy(self) -> bool:
        """Whether something is still to be counted."""
        return self._clock.awaits(self._count) or self._task.busy

    def follow(self, clusters: Clusters | None) -> None:
        """Count these clusters from now on, or none. With None it touches no Qt object."""
        for event in self._events:
            event.disconnect(self._painted)
        self._task.cancel()
        self._clusters, self._events = clusters, []
        if clusters is not None:
            self._events = [clusters.layer.events[name] for name in _PAINTED]
            for event in self._events:
                event.connect(self._painted)

    def _painted(self) -> None:
        # What is being counted is not true any more.
        self._task.cancel()
        self._clock.call(self._count, _BRUSH_REST)

    def _count(self) -> None:
        if self._clusters is not None:
            self._task.start(self._clusters.recount(), self._take, self._fail)

    def _take(self, counts: pd.DataFrame | None) -> None:
        if self._clusters is not None:
            self._clusters.take_counts(counts)

    def _fail(self, error: Exception) -> None:
        """Leave it to napari to show what it is; the counts stay as they are."""
        raise error

"""The counts of the clusters follow what a person paints by hand, whatever is shown of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from napari_kmeans_seg.layers.base.same import fingerprint
from napari_kmeans_seg.layers.outputs.columns import painted_by_hand
from napari_kmeans_seg.layers.outputs.edit_watch import written_data

from ..base.task import Clock, Task

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Labels

    from napari_kmeans_seg.layers.base.same import Changed
    from napari_kmeans_seg.layers.clusters import Clusters

    from ..base.task import Progress

# How long the brush rests before the pixels are counted, in milliseconds.
_BRUSH_REST = 300
# Painting emits the first two, undoing it in napari "set_data" only.
_PAINTED = ("paint", "labels_update", "set_data")

_known: WeakKeyDictionary[Labels, ClusterCounts] = WeakKeyDictionary()


def counts_of(clusters: Clusters) -> ClusterCounts:
    """Give what counts these clusters from now on, always the same for the same layer."""
    layer = clusters.layer
    if layer not in _known:
        _known[layer] = ClusterCounts(clusters)
    _known[layer].hear()
    return _known[layer]


class ClusterCounts:
    """Counts the pixels of clusters anew, on a thread, when their layer was painted on.

    It looks, too, whether image, region and seeds are as they were, when these may have changed.

    The table belongs to the layer: this goes on while the dock shows another image, and after it
    was closed, as long as the layer lives.

    Parameters
    ----------
    clusters : Clusters
        The clusters.
    """

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters
        # Of its own: that of a dock calls nothing once the dock is closed.
        self._clock = Clock()
        self._task: Task[tuple[str, pd.DataFrame | None, tuple[Changed, ...]]] = Task(self._clock)
        # The pixels that were counted last. Each plane of a stack that is looked at emits events.
        self._counted = ""
        for name in _PAINTED:
            clusters.layer.events[name].connect(self._painted)
        # What is heard of the layers that these clusters are of.
        self._heard: list[Any] = []
        # Somebody may have painted before.
        self._painted()

    @property
    def busy(self) -> bool:
        """Whether something is still to be counted."""
        return self._clock.awaits(self._count) or self._task.busy

    def hear(self) -> None:
        """Hear of the layers that these clusters are of by now, and of no others."""
        with suppress(LookupError):
            now = [
                layer.events[name]
                for layer in self._clusters.made_from()
                for name in (*_PAINTED, "data")
                if name in layer.events
            ]
            for event in self._heard:
                event.disconnect(self._painted)
            for event in now:
                event.connect(self._painted)
            self._heard = now

    def _painted(self) -> None:
        # What is being counted is not true any more.
        self._task.cancel()
        self._clock.call(self._count, _BRUSH_REST)

    def _count(self) -> None:
        # Without its viewer, or its layer, there is nothing to be counted.
        with suppress(LookupError):
            layer = self._clusters.layer
            labels, known = layer.data, {self._counted}
            if not painted_by_hand(layer):
                # What a run has counted is of the image as it was then.
                known.add(written_data(layer))
            recount, look = self._clusters.recount(), self._clusters.looking()

            def work(report: Progress) -> tuple[str, pd.DataFrame | None, tuple[Changed, ...]]:
                others, now = look(report), fingerprint(labels, report)
                return now, None if now in known else recount(report), others

            self._task.start(work, self._take, self._fail)

    def _take(self, found: tuple[str, pd.DataFrame | None, tuple[Changed, ...]]) -> None:
        now, counts, others = found
        with suppress(LookupError):
            self._clusters.take_look(others)
            self._clusters.take_counts(counts)
            self._counted = now

    def _fail(self, error: Exception) -> None:
        """Leave it to napari to show what it is; the counts stay as they are."""
        raise error

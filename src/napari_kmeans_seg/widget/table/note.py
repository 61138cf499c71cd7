"""Says whose clusters stand in the table, where they are not those that are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from qtpy.QtWidgets import QLabel

if TYPE_CHECKING:
    from napari_kmeans_seg.layers.clusters import Clusters

_NOT_PREVIEWED = "Clusters of the last run, not of the preview:"
_AS_IT_WAS = {
    "pixels": "Clusters of the image as it was, not of its pixels now:",
    "region": "Clusters of the region as it was, not as it is now:",
    "seeds": "Clusters of the seeds as they were, not as they are now:",
}
_NOT_SEGMENTED = "Clusters of an earlier run, not of the segmented image:"


class ClusterNote(QLabel):
    """A line above the table; hidden where there is nothing to be said."""

    def __init__(self) -> None:
        super().__init__()
        self._clusters: Clusters | None = None
        # Weakly: they may be gone long before another run.
        self._older: ref[Clusters] | None = None
        self._previewed = False
        self.setWordWrap(True)
        self.hide()

    def follow(self, clusters: Clusters | None) -> None:
        """Speak of these clusters."""
        self._clusters = clusters
        self._update()

    def note_preview(self, previewed: bool) -> None:
        """Note whether a preview of a part is seen."""
        self._previewed = previewed
        self._update()

    def note_run(self, has_labels: bool) -> None:
        """Note whether the last run has made clusters, and not the segmented image alone."""
        clusters = None if has_labels else self._clusters
        self._older = None if clusters is None else ref(clusters)
        self._update()

    def _update(self) -> None:
        clusters, text = self._clusters, ""
        if clusters is not None and not clusters.record.is_preview:
            if self._previewed:
                text = _NOT_PREVIEWED
            elif self._older is not None and clusters is self._older():
                text = _NOT_SEGMENTED
            elif changed := clusters.changed_since:
                text = _AS_IT_WAS[changed[0]]
        self.setText(text)
        self.setVisible(bool(text))

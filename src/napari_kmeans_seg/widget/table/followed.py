"""Which clusters the dock is about: those of the active layer, or those a run has just made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels

from napari_kmeans_seg.layers.clusters import clusters_of

from .counts import counts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_kmeans_seg.layers.clusters import Clusters


class Followed:
    """Finds the clusters that the table shows.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer whose active layer is followed.
    images : callable
        Says which images are to be segmented, whatever layer is active.

    Attributes
    ----------
    made : Labels or None
        What the last run has made, until a person goes on with something else.
    """

    def __init__(self, viewer: Any, images: Callable[[], Sequence[Image]]) -> None:
        self._viewer, self._images = viewer, images
        self.made: Labels | None = None

    def find(self, shown: Clusters | None) -> Clusters | None:
        """Find the clusters to show.

        Parameters
        ----------
        shown : Clusters or None
            Those that are shown by now; None where their layer has left the viewer.
        """
        layers, selection = self._viewer.layers, self._viewer.layers.selection
        for layer in layers:
            if isinstance(layer, Labels) and (result := clusters_of(self._viewer, layer)):
                counts_of(result)
        chosen = [selection.active] if selection.active is not None else selection
        # Several images that were clustered together, in the order of the list.
        images = [layer for layer in layers if layer in chosen]
        if len(images) > 1:
            images = [layer for layer in images if isinstance(layer, Image)]
        found = clusters_of(self._viewer, *images) if images else None
        if found is not None or any(isinstance(layer, Image) for layer in images):
            self.made = None
            return found
        # Masks, points and the like say nothing of which result a person works on.
        sources = self._images()
        if self.made is not None and self.made in layers:
            made = clusters_of(self._viewer, self.made)
            if made is not None and _ids(made.sources()) == _ids(sources):
                return made
        if shown is not None and (not sources or _ids(sources) == _ids(shown.sources())):
            return shown
        return clusters_of(self._viewer, *sources) if sources else None


def _ids(images: Sequence[Image]) -> list[object]:
    """Give the ids of layers, which napari hands out in several wrappings."""
    return [one.unique_id for one in images]

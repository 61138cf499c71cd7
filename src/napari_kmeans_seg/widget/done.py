"""What the dock says of a run that is done, and what of it is still so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_kmeans_seg.layers.outputs.columns import painted_by_hand

from .base.state import Said
from .base.wording import warnings_of

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_kmeans_seg.layers import Outputs
    from napari_kmeans_seg.layers.clusters import Clusters

    from .base.state import DockState, Key


def done(text: str, outputs: Outputs, of: Key) -> Said:
    """Say what came out, with what should be known of it."""
    warnings = warnings_of(outputs.segmentation)
    fields = tuple(label for words in warnings for label in words.fields)
    return Said("done", text, tuple(words.text for words in warnings), of, fields)


def still(state: DockState, result: Layer | None, clusters: Clusters | None) -> Said:
    """Give what the dock says, of a run only what is still so.

    Parameters
    ----------
    state : DockState
        Knows what was said.
    result : Layer or None
        A layer of a result of the images that are looked at, if there still is one.
    clusters : Clusters or None
        The clusters that are shown.
    """
    said = state.said
    if said.kind != "done" or said is not state.result:
        return said
    if result is None:
        return Said("ready", "Ready.", of=said.of)
    if clusters is None or not is_edited(clusters):
        return said
    n = int((clusters.table["pixels"] > 0).sum())
    # In one line, as before: nothing below it moves.
    return replace(said, text=f"{n} cluster{'s' if n != 1 else ''} after work by hand.")


def is_edited(clusters: Clusters) -> bool:
    """Whether clusters are others than the run has made."""
    return bool(clusters.record.edits) or painted_by_hand(clusters.layer)

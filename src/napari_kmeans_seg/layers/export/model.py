"""A result as the model that gives other images its clusters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg.core.model import KMeansModel
from napari_kmeans_seg.core.model_parts.edits import Edit, Relabel, Split, Threshold, n_labels_of
from napari_kmeans_seg.core.model_parts.model_file import from_json

from ..outputs.columns import means, of_clusters, painted_by_hand
from ..outputs.record import Deleted, Merged, PaintedByHand, Record, default_name
from ..outputs.record import Split as SplitRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Labels


def model_of(layer: Labels, colors: Mapping[int, Any]) -> tuple[KMeansModel, tuple[str, ...]]:
    """Return the model of a result after all that was done to its clusters.

    Parameters
    ----------
    layer : Labels
        The labels of a result.
    colors : mapping of int to (4,) array of float
        The colour of each cluster.

    Returns
    -------
    model : KMeansModel
        Labels, names and colours of the image that was segmented are those of the layer.
    left_out : tuple of str
        What it cannot carry, in words.

    Raises
    ------
    ValueError
        If the result has no one model: a preview, steps that were clustered each by itself, or one
        of an earlier version.
    """
    record = Record.of_result(layer)
    if record.is_preview:
        raise ValueError("This is a preview of what is in view. Press Run, then save the model.")
    if record.source.step_axis is not None:
        raise ValueError("Each step has clusters of its own: there is no one model to save.")
    if record.model is None:
        raise ValueError("An earlier version made this result. Press Run again to save its model.")
    base: KMeansModel = from_json(record.model, layer.name, KMeansModel)
    # Those that it has give the numbers of painted seeds.
    edits = (*base.edits, *_edits(record, layer.name))
    n_labels = n_labels_of(len(base.feature_centroids), edits)
    rows = of_clusters(layer.features)
    rows = rows[rows["label"] <= n_labels]
    centroids = np.full((n_labels, base.n_channels), np.nan)
    columns = means(layer.features)[: base.n_channels]
    centroids[rows["label"].to_numpy(int) - 1, : len(columns)] = rows[columns].to_numpy(float)
    names: dict[int, str] = {}
    if "name" in rows:
        each = zip(rows["label"].tolist(), rows["name"].tolist(), strict=True)
        names = {int(label): str(name) for label, name in each if name != default_name(label)}
    model = replace(
        base,
        centroids=centroids,
        edits=edits,
        names=names,
        channel_names=_channel_names(record, base.n_channels),
        colors={int(label): _hex(colors[label]) for label in rows["label"] if label in colors},
    )
    return model, tuple(_left_out(record, layer))


def _channel_names(record: Record, n_channels: int) -> tuple[str, ...]:
    names = record.source.channels
    # Numbers in place of names say nothing.
    numbered = tuple(f"channel {i}" for i in range(len(names)))
    has_names = len(names) == n_channels and names != numbered and len(set(names)) == len(names)
    return names if has_names else ()


def _edits(record: Record, name: str) -> list[Edit]:
    edits: list[Edit] = []
    for edit in record.edits:
        match edit:
            case Merged(labels):
                edits.append(Relabel(labels, (labels[0],) * len(labels)))
            case Deleted(labels):
                edits.append(Relabel(labels, (0,) * len(labels)))
            case SplitRecord(label, labels, model):
                if model is None:
                    raise ValueError(
                        "An earlier version split a cluster of this result, by what model is not "
                        "known. Press Run again and split it to save its model."
                    )
                edits.append(Split(label, labels, from_json(model, name, KMeansModel)))
            case PaintedByHand():
                pass
            case _:
                edits.append(Threshold(edit.lower, edit.upper, edit.at, edit.low, edit.high))
    return edits


def _left_out(record: Record, layer: Labels) -> list[str]:
    """Say what of a result is no matter of values."""
    found = []
    if painted_by_hand(layer) or any(isinstance(edit, PaintedByHand) for edit in record.edits):
        found.append("Pixels that were painted by hand are no part of the model.")
    if record.source.specks:
        found.append("Specks that were merged are no part of the model: clean up again.")
    if record.source.region is not None and not record.source.region.everywhere:
        found.append("The region is no part of the model: all pixels of an image get labels.")
    return found


def _hex(color: Any) -> str:
    rgb = np.rint(np.asarray(color[:3], float) * 255).astype(int)
    return "#{:02x}{:02x}{:02x}".format(*rgb)

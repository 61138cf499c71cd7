"""A result in words for a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_kmeans_seg.core.base.notes import (
    BlankSteps,
    FewValues,
    FittedOn,
    NotFinite,
    Plain,
    WithoutPixels,
)
from napari_kmeans_seg.core.image.color_spaces import COLOR_SPACES
from napari_kmeans_seg.core.kmeans.starts import K_MEANS_PLUS_PLUS, OPTIMAL, STARTS

from ..base.describe import axis_names, pixels_of, results_axes
from ..outputs.columns import painted_by_hand
from ..outputs.record import Deleted, Merged, PaintedByHand, Record, Split, ThresholdMoved
from .since import since

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer

    from ..base.same import Changed
    from ..outputs.record import Edit

_CITATION = "Lloyd S.P. (1982) IEEE Trans. Inf. Theory 28, 129-137"


def methods_text(layer: Layer, *, changed: Sequence[Changed] = ()) -> str:
    """Say in sentences for a paper how a result was made.

    Parameters
    ----------
    layer : Layer
        A Labels layer or segmented image of a result.
    changed : sequence of str
        What is another one by now, "pixels", "region" or "seeds": the text says so first.
    """
    record = Record.of_result(layer)
    used, seeds, channels = record.arguments, record.source.seeds, record.source.channels
    init = used.get("init", K_MEANS_PLUS_PLUS.name)
    n_channels = len(channels or record.clusters[0].mean)
    colors = COLOR_SPACES[used.get("color_space", "rgb")]
    space = f"in {colors.title} space" if n_channels == 3 else (
        "on the pixel intensities" if n_channels == 1 else f"on {n_channels} channels"
    )  # fmt: skip
    if channels:
        space = f"on {n_channels} channels ({_and(channels)})"
    k, fewer = _found(record)
    start = (
        f"starting from the seeds “{seeds.layer}”" if seeds
        else "given centroids" if not isinstance(init, str)
        else STARTS[init].title + ("" if init == OPTIMAL.name else _restarts(used.get("n_init", 1)))
    )  # fmt: skip
    details = [start]
    optimal = isinstance(init, str) and init == OPTIMAL.name and not seeds
    if not optimal and not seeds:
        details.append(f"seed {used.get('seed')}")
    # The optimum of known values is there at once, in each step; that of bins goes on from there.
    if not optimal or record.fit.n_iter > record.fit.n_steps:
        details.append(f"tolerance {used.get('tol'):g}")
    details.append(_iterations(record))
    how = f"Pixels were grouped into {k} by k-means {space}"
    if seeds and seeds.fixed:
        n = _asked(record)
        shades = "colours" if n != 1 else "colour"
        how = f"Pixels were given the label of the nearest of {n} seed {shades} {space}"
        details = [f"means of the pixels at the seeds “{seeds.layer}”"]
    details += _prepared(record, layer)
    first = "".join(f"{sentence} " for sentence in since(changed, "text"))
    text = f"{first}{how} ({', '.join(details)}) with napari-kmeans-seg {record.version}."
    text += "".join(f" {sentence}" for sentence in [*fewer, *_limited(record, layer)])
    if not record.fit.converged:
        text += " The iterations were stopped before they converged."
    edits = (*record.edits, *((PaintedByHand(),) if painted_by_hand(layer) else ()))
    text += "".join(f" {_said(edit)}" for edit in edits)
    # To take the nearest of given colours is no k-means.
    cited = [] if seeds and seeds.fixed else [_CITATION]
    if isinstance(init, str) and STARTS[init].citation:
        cited.append(STARTS[init].citation)
    return f"{text} [{'; '.join(cited)}]" if cited else text


def _axes(layer: Layer, record: Record) -> list[int]:
    """Say which axes of a result the record counts: not that of the channels of an image."""
    along = record.source.channels_along
    return results_axes(layer, along if isinstance(layer, Image) else None)


def results_axis_names(layer: Layer, record: Record) -> list[str]:
    """Name the axes that the record counts."""
    names = axis_names(layer)
    return [names[axis] for axis in _axes(layer, record)]


def results_shape(layer: Layer, record: Record) -> list[int]:
    """Say how long the axes are that the record counts."""
    along = record.source.channels_along if isinstance(layer, Image) else None
    shape = pixels_of(layer).shape
    return [1 if axis == along else shape[axis] for axis in _axes(layer, record)]


def _asked(record: Record) -> int:
    return int(record.arguments.get("n_clusters", len(record.clusters)))


def _found(record: Record) -> tuple[str, list[str]]:
    """Say how many clusters a run found, and why these are fewer than were asked for."""
    asked = _asked(record)
    k, fewer, why = asked, [], ""
    for note in record.notes:
        match note:
            case FewValues(found=found):
                k, why = found, "there were no more distinct values"
            case WithoutPixels(left_out=left_out, found=found):
                k, why = found - left_out, "the others had no pixels"
            case _:
                continue
        if note.step is not None:
            fewer.append(note.step)
    if fewer:
        steps = f"step{'s' if len(set(fewer)) > 1 else ''} {_and(list(dict.fromkeys(fewer)))}"
        text = f"at most {_clusters(asked)} in each step"
        return text, [f"Fewer were found in {steps}, which had too few distinct values."]
    return _clusters(k), [f"{_clusters(asked)} were asked for; {why}."] if why else []


def _clusters(n: int) -> str:
    return f"{n} cluster{'s' if n != 1 else ''}"


def _iterations(record: Record) -> str:
    """Say how many iterations there were, and of what."""
    n, init = record.fit.n_iter, record.arguments.get("init")
    text = f"{n} iteration{'s' if n != 1 else ''}"
    if record.source.step_axis is not None:
        text += " in all steps together"
    # Those on bins are not counted: on all pixels one is often enough then.
    if isinstance(init, str) and init != OPTIMAL.name:
        text = f"starts first brought to rest on binned values, then {text}"
    return text


def _limited(record: Record, layer: Layer) -> list[str]:
    """Say to what of the image this was done, and what was done to the labels."""
    sentences, source = [], record.source
    names = results_axis_names(layer, record)
    if source.plane:
        places = [f"{index} along {names[axis]}" for axis, index in source.plane.items()]
        sentences.append(f"Only the {source.part(len(names))} at {_and(places)} was clustered.")
    if source.step_axis is not None:
        sentences.append(
            f"Each step of {names[source.step_axis]} was clustered by itself, and "
            "labels were matched from step to step."
        )
    if (region := source.region) is not None:
        chosen = region.labels
        labels = f", label{'s' if len(chosen) > 1 else ''} {_and(chosen)}" if chosen else ""
        sentences.append(
            f"Clusters were found inside the region “{region.layer}”{labels}"
            f"{', on the planes that it was drawn on' if region.own_planes else ''}; "
            + ("all pixels were labelled." if region.everywhere else "only it was labelled.")
        )
    if source.left_out:
        s = "s" if len(source.left_out) > 1 else ""
        values = _and([f"{one:g}" for one in source.left_out])
        sentences.append(f"Pixels of the value{s} {values} were left out.")
    if source.specks:
        sentences.append(
            f"Connected pieces of fewer than {source.specks} pixels were merged "
            "into the clusters around them."
        )
    if n := sum(note.n for note in record.notes if isinstance(note, NotFinite)):
        were = "pixels that were" if n > 1 else "pixel that was"
        sentences.append(f"{n:,} {were} NaN or infinite {'were' if n > 1 else 'was'} left out.")
    if record.arguments.get("alpha"):
        sentences += _transparent(record.fit.left_out, n)
    for note in record.notes:
        if isinstance(note, BlankSteps):
            which = "Steps" if len(note.steps) > 1 else "Step"
            sentences.append(f"{which} {note.named} had no pixel that took part.")
    fitted = [note for note in record.notes if isinstance(note, FittedOn) and note.step is None]
    sentences += [f"Fitted on {note.part}." for note in fitted]
    return sentences + [str(note) for note in record.notes if isinstance(note, Plain)]


def _transparent(left_out: int | None, not_finite: int) -> list[str]:
    """Count fully transparent pixels, which are those left out that are finite."""
    if left_out is None:
        return ["Fully transparent pixels, if any, were left out."]
    n = left_out - not_finite
    were = "pixels were" if n > 1 else "pixel was"
    return [f"{n:,} fully transparent {were} left out."] if n > 0 else []


def _restarts(n: int) -> str:
    return f", best of {n} starts" if n > 1 else ""


def _prepared(record: Record, layer: Layer) -> list[str]:
    """Say what was done to the pixels before."""
    details, used = [], record.arguments
    if np.any(sigma := used.get("smoothing", 0.0)):
        details.append(_smoothed(sigma, record, layer))
    if used.get("normalize"):
        details.append("channels scaled to equal spread")
    if set(used.get("channel_weights") or [1]) != {1}:
        details.append(f"channel weights {used['channel_weights']}")
    if used.get("spatial_weight"):
        details.append(f"position weight {used['spatial_weight']:g}")
    if used.get("fit_scale", 1) != 1:
        details.append(f"fitted on a copy of {100 * used['fit_scale']:g} % of the size")
    return details


def _smoothed(sigma: Any, record: Record, layer: Layer) -> str:
    """Say how wide a blur was, and along which axes where there are more than those of a picture.

    An axis of one step has nothing to be blurred with, and steps that were clustered each by
    itself were blurred each by itself.
    """
    step_axis, names = record.source.step_axis, results_axis_names(layer, record)
    shape = results_shape(layer, record)
    widths = {
        name: width
        for axis, (name, width) in enumerate(
            zip(names, np.broadcast_to(sigma, len(names)).tolist(), strict=True)
        )
        if shape[axis] > 1 and axis != step_axis
    }
    blurred = [name for name, width in widths.items() if width]
    sharp = [name for name in widths if name not in blurred]
    each = [f"{widths[name]:g}" for name in blurred] or [f"{np.max(sigma):g}"]
    text = (
        f"Gaussian smoothing of sigma {', '.join(each[:1] if len(set(each)) == 1 else each)} pixels"
    )
    if sharp and blurred:
        return f"{text} along {_and(blurred)}, not along {_and(sharp)}"
    return f"{text} along all {len(blurred)} axes" if len(blurred) > 2 else text


def _said(edit: Edit) -> str:
    match edit:
        case Merged(labels):
            return f"Clusters {_and(labels)} were merged."
        case Deleted(labels):
            several = len(labels) > 1
            clusters = f"Cluster{'s' if several else ''} {_and(labels)}"
            return f"{clusters} {'were' if several else 'was'} removed."
        case ThresholdMoved(lower, upper, start, at):
            return (
                f"The threshold between clusters {lower} and {upper} was moved from "
                f"{start:g} to {at:g} by hand."
            )
        case Split(label, labels):
            return f"Cluster {label} was split into {len(labels)} by k-means on its own pixels."
        case PaintedByHand():
            return "Some pixels were relabelled by hand."


def _and(labels: Sequence[Any]) -> str:
    *most, last = map(str, labels)
    return f"{', '.join(most)} and {last}" if most else last

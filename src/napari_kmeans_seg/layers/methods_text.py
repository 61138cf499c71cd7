"""A result in words for a paper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from .cluster_history import painted_by_hand, record_of
from .describe import axis_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer

_CITATIONS = {
    "k-means": "Lloyd S.P. (1982) IEEE Trans. Inf. Theory 28, 129-137",
    "k-means++": "Arthur D., Vassilvitskii S. (2007) Proc. SODA, 1027-1035",
    "optimal": "Wang H., Song M. (2011) The R Journal 3(2), 29-33",
}
_SPACES = {"rgb": "RGB", "lab": "CIELAB", "hsv": "HSV"}


def methods_text(layer: Layer) -> str:
    """Tell in sentences for a paper how a result was made.

    Parameters
    ----------
    layer : Layer
        A Labels layer or segmented image of a result.
    """
    record = record_of(layer)
    used, edits, seeds = record["parameters"], record.get("edits", []), record.get("seeds")
    init = used.get("init", "auto")
    channels = record.get("channels")
    n_channels = len(channels or record["centroids"][0])
    space = f"in {_SPACES.get(used.get('color_space'), 'RGB')} space" if n_channels == 3 else (
        "on the pixel intensities" if n_channels == 1 else f"on {n_channels} channels"
    )  # fmt: skip
    if channels:
        space = f"on {n_channels} channels ({_and(channels)})"
    k, fewer = _found(record)
    start = (
        f"starting from the seeds “{seeds['layer']}”" if seeds
        else "given centroids" if not isinstance(init, str)
        else "the optimal one-dimensional clustering" if init == "optimal"
        else f"{init} initialisation" + _restarts(used.get("n_init", 1))
    )  # fmt: skip
    details = [start]
    optimal = isinstance(init, str) and init == "optimal" and not seeds
    if not optimal and not seeds:
        details.append(f"seed {used.get('seed')}")
    # The optimum of known values is there at once, in each step; that of bins goes on from there.
    if not optimal or record["n_iter"] > _n_steps(record, layer):
        details.append(f"tolerance {used.get('tol'):g}")
    details.append(_iterations(record))
    how = f"Pixels were grouped into {k} by k-means {space}"
    if seeds and seeds["fixed"]:
        n = used.get("n_clusters", record["n_clusters"])
        colors = "colours" if n != 1 else "colour"
        how = f"Pixels were given the label of the nearest of {n} seed {colors} {space}"
        details = [f"means of the pixels at the seeds “{seeds['layer']}”"]
    details += _prepared(used, layer)
    text = f"{how} ({', '.join(details)}) with napari-kmeans-seg {record['version']}."
    text += "".join(f" {sentence}" for sentence in [*fewer, *_limited(record, layer)])
    if not record.get("converged", True):
        text += " The iterations were stopped before they converged."
    text += "".join(f" {_said(edit)}" for edit in edits)
    if painted_by_hand(layer):
        text += f" {_said({'painted': True})}"
    # To take the nearest of given colours is no k-means.
    cited = [] if seeds and seeds["fixed"] else [_CITATIONS["k-means"]]
    if isinstance(init, str) and init in _CITATIONS:
        cited.append(_CITATIONS[init])
    return f"{text} [{'; '.join(cited)}]" if cited else text


def _found(record: dict[str, Any]) -> tuple[str, list[str]]:
    """Tell how many clusters a run found, and why these are fewer than were asked for."""
    asked = record["parameters"].get("n_clusters", record["n_clusters"])
    k, fewer, why = asked, [], ""
    for note in record.get("warnings", ()):
        if got := re.search(r"it got ([\d,]+) cluster", note):
            k, why = _number(got[1]), "there were no more distinct values"
        elif left := re.search(r"([\d,]+) of ([\d,]+) clusters had no pixels", note):
            k, why = _number(left[2]) - _number(left[1]), "the others had no pixels"
        else:
            continue
        if step := re.match(r"Step (\d+): ", note):
            fewer.append(step[1])
    if fewer:
        steps = f"step{'s' if len(set(fewer)) > 1 else ''} {_and(list(dict.fromkeys(fewer)))}"
        text = f"at most {_clusters(asked)} in each step"
        return text, [f"Fewer were found in {steps}, which had too few distinct values."]
    return _clusters(k), [f"{_clusters(asked)} were asked for; {why}."] if why else []


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _clusters(n: int) -> str:
    return f"{n} cluster{'s' if n != 1 else ''}"


def _iterations(record: dict[str, Any]) -> str:
    """Tell how many iterations there were, and of what."""
    n, init = record["n_iter"], record["parameters"].get("init", "auto")
    text = f"{n} iteration{'s' if n != 1 else ''}"
    if "each_step_of_axis" in record:
        text += " in all steps together"
    # Those on bins are not counted: on all pixels one is often enough then.
    if isinstance(init, str) and init != "optimal":
        text = f"starts first brought to rest on binned values, then {text}"
    return text


def _limited(record: dict[str, Any], layer: Layer) -> list[str]:
    """Tell to what of the image this was done, and what was done to the labels."""
    told, names = [], axis_names(layer)
    if record.get("plane"):
        places = [f"{index} along {names[int(axis)]}" for axis, index in record["plane"].items()]
        part = record["link"]["source_id"].partition(":")[2]
        told.append(f"Only the {part} at {_and(places)} was clustered.")
    if "each_step_of_axis" in record:
        told.append(
            f"Each step of {names[record['each_step_of_axis']]} was clustered by itself, and "
            "labels were matched from step to step."
        )
    if (region := record.get("region")) is not None:
        chosen = region.get("labels", ())
        labels = f", label{'s' if len(chosen) > 1 else ''} {_and(chosen)}" if chosen else ""
        told.append(
            f"Clusters were found inside the region “{region['layer']}”{labels}; "
            + ("all pixels were labelled." if region["everywhere"] else "only it was labelled.")
        )
    if "merged_pieces_below" in record:
        told.append(
            f"Connected pieces of fewer than {record['merged_pieces_below']} pixels were merged "
            "into the clusters around them."
        )
    notes = record.get("warnings", ())
    numbers = [re.search(r"([\d,]+) pixels? (?:is|are) NaN or infinite", note) for note in notes]
    if n := sum(_number(found[1]) for found in numbers if found):
        were = "pixels that were" if n > 1 else "pixel that was"
        told.append(f"{n:,} {were} NaN or infinite {'were' if n > 1 else 'was'} left out.")
    if record["parameters"].get("alpha"):
        told += _transparent(record.get("left_out"), n)
    told += [f"{note.split(';')[0].rstrip('.')}." for note in notes if note.startswith("Fitted on")]
    return told


def _transparent(left_out: int | None, not_finite: int) -> list[str]:
    """Tell of fully transparent pixels, which are those left out that are finite."""
    if left_out is None:
        return ["Fully transparent pixels, if any, were left out."]
    n = left_out - not_finite
    were = "pixels were" if n > 1 else "pixel was"
    return [f"{n:,} fully transparent {were} left out."] if n > 0 else []


def _n_steps(record: dict[str, Any], layer: Layer) -> int:
    """Count the steps that were clustered each by itself."""
    axis = record.get("each_step_of_axis")
    data = layer.data[0] if layer.multiscale else layer.data
    return 1 if axis is None else int(data.shape[axis])


def _restarts(n: int) -> str:
    return f", best of {n} starts" if n > 1 else ""


def _prepared(used: dict[str, Any], layer: Layer) -> list[str]:
    """Tell what was done to the pixels before."""
    told = []
    if np.any(sigma := used.get("smoothing", 0.0)):
        told.append(_smoothed(sigma, layer))
    if used.get("normalize"):
        told.append("channels scaled to equal spread")
    if set(used.get("channel_weights") or [1]) != {1}:
        told.append(f"channel weights {used['channel_weights']}")
    if used.get("spatial_weight"):
        told.append(f"position weight {used['spatial_weight']:g}")
    if used.get("fit_scale", 1) != 1:
        told.append(f"fitted on a copy of {100 * used['fit_scale']:g} % of the size")
    return told


def _smoothed(sigma: Any, layer: Layer) -> str:
    """Tell how wide a blur was, and along which axes where there are more than those of a picture.

    An axis of one step has nothing to be blurred with, and steps that were clustered each by
    itself were blurred each by itself.
    """
    shape = (layer.data[0] if layer.multiscale else layer.data).shape
    step_axis, names = record_of(layer).get("each_step_of_axis"), axis_names(layer)
    widths = {
        name: width
        for axis, (name, width) in enumerate(
            zip(names, np.broadcast_to(sigma, layer.ndim).tolist(), strict=True)
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


def _said(edit: dict[str, Any]) -> str:
    if "merge" in edit:
        return f"Clusters {_and(edit['merge'])} were merged."
    if "delete" in edit:
        n = len(edit["delete"])
        return f"Cluster{'s' if n > 1 else ''} {_and(edit['delete'])} " + (
            "were removed." if n > 1 else "was removed."
        )
    if "threshold" in edit:
        return (
            f"The threshold between clusters {_and(edit['threshold'])} was moved from "
            f"{edit['from']:g} to {edit['at']:g} by hand."
        )
    if "split" in edit:
        n = edit["into"]
        return f"Cluster {edit['split']} was split into {n} by k-means on its own pixels."
    return "Some pixels were relabelled by hand."


def _and(labels: Sequence[Any]) -> str:
    *most, last = map(str, labels)
    return f"{', '.join(most)} and {last}" if most else last

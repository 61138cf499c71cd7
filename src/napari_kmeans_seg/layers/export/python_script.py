"""A result as the script that gives it."""

from __future__ import annotations

import ast
from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_kmeans_seg import segment
from napari_kmeans_seg.core.arguments import ARGUMENTS, FITTING, READING
from napari_kmeans_seg.core.base.notes import (
    BlankSteps,
    FewValues,
    FittedOnSample,
    Plain,
    WithoutPixels,
)
from napari_kmeans_seg.core.base.notes_on_kind import colors_as_grey
from napari_kmeans_seg.core.kmeans.starts import OPTIMAL

from ..base.describe import pixels_of
from ..outputs.columns import painted_by_hand
from ..outputs.record import (
    Deleted,
    Merged,
    PaintedByHand,
    Record,
    Split,
    ThresholdMoved,
    default_name,
)
from .opened_files import TIFF
from .script_reading import level_of, read
from .since import since

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari.layers import Layer

    from ..base.same import Changed

_OF_RUN = tuple(name for name in FITTING if name != "n_clusters")
_OPTIMAL = f"init={OPTIMAL.name!r}"
_LIKE_COLORS = "looks_like_colors"
"""Among arguments: that the image looks like colours. The script says that it holds none."""
_OF_STEP = {
    "image": "step",
    "mask": "part",
    "data": "known",
    "small": "small_step",
    "small_mask": "small_part",
}
_PAINTED = "# Here pixels were relabelled by hand."


def python_script(
    layer: Layer, *files: str, names: Sequence[str] = (), changed: Sequence[Changed] = ()
) -> str:
    """Write the script that gives a result, from the image file to its labels.

    What cannot be written, such as a region that was painted, is read from a file, and the
    script says of what. What it cannot give it says at its top. Names and other texts from
    outside are literals made by `repr`, never comments: a line break in a name would end these,
    and the rest would be run.

    Parameters
    ----------
    layer : Layer
        A Labels layer or segmented image of a result.
    *files : str
        The file of the image; of several layers that were clustered together, one of each.
    names : sequence of str
        What the layers of the images are called by now; as when they were clustered, if not given.
    changed : sequence of str
        What is another one by now: "pixels" (`files` are those of before, then), "region", "seeds".

    Raises
    ------
    ValueError
        If the layer is a preview of what is in view.
    """
    record = Record.of_result(layer)
    if record.is_preview:
        raise ValueError("This is a preview of what is in view. Press Run, then copy the script.")
    if colors_as_grey(pixels_of(layer).shape):
        record = replace(record, arguments={**record.arguments, _LIKE_COLORS: True})
    painted = painted_by_hand(layer)
    body = [*read(record, files, names), *_segmented(record)]
    body += [*_labels(record, _dtype_of(layer, record)), *_edited(record)]
    body += [*([_PAINTED] if painted else []), *_names(record)]
    made_by = [
        *(f"# {sentence}" for sentence in since(changed, "script")),
        *_lacking(record, painted=painted),
        "# The napari-kmeans-seg of this version gave the result.",
        f"version = {record.version!r}",
    ]
    if plain := [str(note) for note in record.notes if isinstance(note, Plain)]:
        made_by += [
            "# Warnings that it gave with the result; this script does not use them.",
            f"notes = {plain}",
        ]
    return "\n".join([*made_by, "", *_imports(body), "", *body, ""])


def _lacking(record: Record, *, painted: bool) -> list[str]:
    """Say what of the result the script does not give."""
    lacking = []
    if painted or any(isinstance(edit, PaintedByHand) for edit in record.edits):
        lacking.append("# Pixels were relabelled by hand, which this script cannot repeat.")
    if any(isinstance(note, FittedOnSample) and note.n for note in record.notes):
        lacking.append("# The plugin took a sample of the pixels, so that its result may differ.")
    return lacking


def _imports(body: list[str]) -> list[str]:
    """Import what the lines need."""
    nodes = list(ast.walk(ast.parse("\n".join(body))))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    own = [name for name in ("prepare", "segment", "segment_steps") if name in used]
    lines = ["import numpy as np"] if "np" in used else []
    if "affine_transform" in used:
        lines.append("from scipy.ndimage import affine_transform")
    if "from_zarr" in used:
        lines.append("from dask.array import from_zarr")
    if "imread" in used:
        # scikit-image would take a stack of 3 or 4 planes for channels.
        tiff = all(str(name).lower().endswith(TIFF) for name in _files_read(nodes))
        lines.append(f"from {'tifffile' if tiff else 'skimage.io'} import imread")
    lines += ["", f"from napari_kmeans_seg import {', '.join(own)}"]
    if "CleanUp" in used:
        lines.append("from napari_kmeans_seg.layers import CleanUp")
    if "fill" in used:
        lines.append("from napari_kmeans_seg.layers.source.region import fill")
    if "Blank" in used:
        lines.append("from napari_kmeans_seg.core.steps import Blank")
    if "StepsSegmentation" in used:
        lines.append("from napari_kmeans_seg.layers.results import StepsSegmentation")
    return lines


def _files_read(nodes: list[ast.AST]) -> Iterator[object]:
    for node in nodes:
        match node:
            case ast.Call(func=ast.Name(id="imread"), args=[ast.Constant(value=name)]):
                yield name


def _segmented(record: Record) -> list[str]:
    """Cluster the image, or each step of it by itself."""
    if record.source.step_axis is None:
        lines = [f"segmentation = {_call(record, *_fitted(record))}"]
        if labelled := _labelled(record):
            lines.append(f"segmentation = segmentation{_predict(*labelled)}")
    else:
        lines = _steps(record, record.source.step_axis)
    if specks := record.source.specks:
        across = ", per_plane=False" if record.source.across_planes else ""
        lines.append(
            f"segmentation = CleanUp(specks={specks}{across}).without_specks(segmentation)"
        )
    return lines


def _fitted(record: Record) -> tuple[str, str | None]:
    """Name the array that is clustered, and that of which of its pixels take part."""
    image, mask = ("image", "mask") if level_of(record) is None else ("small", "small_mask")
    return image, mask if _is_masked(record) else None


def _labelled(record: Record) -> tuple[str, str | None] | None:
    """Name the arrays of what is labelled, where that is not what was clustered."""
    source = record.source
    if source.region is not None and source.region.everywhere:
        return "image", "data" if source.left_out else None
    if level_of(record) is not None:
        return "image", "mask" if _is_masked(record) else None
    return None


def _is_masked(record: Record) -> bool:
    return record.source.region is not None or bool(record.source.left_out)


def _predict(image: str, mask: str | None) -> str:
    """Write the call that labels an image by the clusters of another."""
    return f".model.predict({image}{f', mask={mask}' if mask else ''})"


def _steps(record: Record, axis: int) -> list[str]:
    """Cluster each step of an axis by itself."""
    source, used = record.source, record.arguments
    blank = [i for note in record.notes if isinstance(note, BlankSteps) for i in note.steps]
    (image, mask), labelled = _fitted(record), _labelled(record)
    along = axis + (source.n_images > 1)
    if blank and source.seeds is None and labelled is None:
        call = _segment_call(record, used, image, mask, auto=True)
        call = call.removeprefix("segment(").removesuffix(")")
        return [f"segmentation = segment_steps({call}, step_axis={along})"]
    call = _call(record, _OF_STEP[image], mask and _OF_STEP[mask], auto=True)
    if labelled is not None:
        whole, inside = labelled
        call += _predict(_OF_STEP[whole], inside and _OF_STEP[inside])
    arrays = [name for name in dict.fromkeys([image, mask, *(labelled or ())]) if name]
    names, split = ", ".join(_OF_STEP[name] for name in arrays), []
    for name in arrays:
        at = along if name in ("image", "small") else axis
        split.append(f"np.split({name}, {name}.shape[{at}], axis={at})")
    several = len(arrays) > 1
    steps = f"zip({', '.join(split)}, strict=True)" if several else split[0]
    lines = []
    if blank:
        lines = ["# No pixel of these steps takes part.", f"blank = {blank}"]
        form = f"(step,), {used.get('channel_axis')}, {bool(used.get('alpha'))}"
        call = f"Blank({form})\n    if i in blank\n    else {call}"
        names, steps = f"i, ({names})" if several else f"i, {names}", f"enumerate({steps})"
    lines.append(f"steps = [\n    {call}\n    for {names} in {steps}\n]")
    return [*lines, *_joined(record, axis, blank=bool(blank))]


def _joined(record: Record, axis: int, *, blank: bool) -> list[str]:
    """Join the steps. Seeds are the same in every step, so their labels match from the start."""
    if record.source.seeds is None:
        return [f"segmentation = StepsSegmentation.of(steps, {axis})"]
    if any(isinstance(note, FewValues | WithoutPixels) for note in record.notes):
        each = "i, step in enumerate(steps) if i not in blank" if blank else "step in steps"
        return [
            "# Labels of seeds match, unless a step has fewer clusters than others.",
            f"matched = len({{step.n_clusters for {each}}}) == 1",
            f"segmentation = StepsSegmentation.of(steps, {axis}, matched=matched)",
        ]
    of = f"of(steps, {axis}, matched=True)" if blank else f"join(steps, {axis})"
    return [f"segmentation = StepsSegmentation.{of}"]


def _call(record: Record, image: str, mask: str | None, *, auto: bool = False) -> str:
    """Write the call that clusters an image; of several steps each has its own `init`."""
    used, seeds = record.arguments, record.source.seeds
    if seeds is None:
        return _segment_call(record, used, image, mask, auto=auto)
    prepared = f"prepare({', '.join([image, *_reading(record, used, mask)])})"
    if seeds.fixed:
        return f"{prepared}.classify({used['init']!r})"
    of_run = [one for one in _named(used, _OF_RUN) if not auto or one != _OPTIMAL]
    arguments = [f"n_clusters={used['n_clusters']}", *of_run, "keep_order=True"]
    return f"{prepared}.segment({', '.join(arguments)})"


def _segment_call(
    record: Record, used: dict[str, Any], image: str, mask: str | None, *, auto: bool = False
) -> str:
    of_run = [one for one in _named(used, _OF_RUN) if not auto or one != _OPTIMAL]
    reading = _reading(record, used, mask)
    arguments = [image, f"n_clusters={used['n_clusters']}", *reading, *of_run]
    return f"segment({', '.join(arguments)})"


def _reading(record: Record, used: dict[str, Any], mask: str | None) -> list[str]:
    form = [f"mask={mask}"] if mask else []
    alpha = bool(record.arguments.get("alpha"))
    if (axis := record.arguments.get("channel_axis")) is not None:
        form.append(f"channel_axis={axis}")
    elif _LIKE_COLORS in record.arguments:
        form.append("channel_axis=None")
    # The last of four channels of uint8 would be taken for alpha.
    if alpha or (axis == -1 and all(len(one.mean) == 4 for one in record.clusters)):
        form.append(f"alpha={alpha}")
    return [*form, *_named(used, READING)]


def _named(used: dict[str, Any], names: Sequence[str]) -> list[str]:
    """Write the arguments that are not their defaults, in the order of `segment`."""
    given = {key: used[key] for key in signature(segment).parameters if key in {*names} & {*used}}
    # What is 1 for every channel, or 0 along every axis, is as if it was not given.
    if set(given.get("channel_weights") or [1]) == {1}:
        given.pop("channel_weights", None)
    if not np.any(given.get("smoothing", 0)):
        given.pop("smoothing", None)
    return [f"{key}={value!r}" for key, value in given.items() if value != ARGUMENTS[key].default]


def _dtype_of(layer: Layer, record: Record) -> str:
    """Name the dtype of the labels of a result."""
    if isinstance(layer, Labels):
        return f"np.{pixels_of(layer).dtype}"
    largest = max((*record.first, *(one.label for one in record.clusters)), default=0)
    return f"np.{np.min_scalar_type(largest)}"


def _names(record: Record) -> list[str]:
    """Give the names that a person gave to clusters."""
    given = {
        one.label: one.name
        for one in record.clusters
        if one.name not in ("", default_name(one.label))
    }
    return [f"names = {given}"] if given else []


def _labels(record: Record, dtype: str) -> list[str]:
    """Take the labels; those of painted seeds keep their numbers."""
    numbers = list(record.first)
    # Wide enough for the labels that splitting adds.
    wide = f".astype({dtype})" if record.edits else ""
    if record.source.seeds is None or numbers == list(range(1, len(numbers) + 1)):
        return [f"labels = segmentation.labels{wide}"]
    return [
        "# Labels are those that were painted as seeds.",
        f"table = np.zeros(segmentation.n_clusters + 1, {dtype})",
        f"table[1:][segmentation.counts > 0] = {numbers}",
        "labels = table[segmentation.labels]",
    ]


def _edited(record: Record) -> list[str]:
    """Do what was done to the clusters."""
    lines: list[str] = []
    for edit in record.edits:
        match edit:
            case Merged(labels):
                lines.append(f"labels[np.isin(labels, {list(labels)})] = {labels[0]}")
            case Deleted(labels):
                lines.append(f"labels[np.isin(labels, {list(labels)})] = 0")
            case Split():
                lines += _split(edit, record)
            case ThresholdMoved():
                lines.append(_moved(edit))
            case PaintedByHand():
                lines.append(_PAINTED)
    return lines


def _split(edit: Split, record: Record) -> list[str]:
    """Split a cluster by k-means on its own pixels."""
    own = record.arguments_of_parts | {"n_clusters": len(edit.labels)}
    call, table = _segment_call(record, own, "image", f"labels == {edit.label}"), [0, *edit.labels]
    return [
        f"parts = {call}.labels",
        f"labels[parts > 0] = np.array({table})[parts[parts > 0]]",
    ]


def _moved(edit: ThresholdMoved) -> str:
    """Move the threshold between two clusters of one channel."""
    lower, upper, at = edit.lower, edit.upper, edit.at
    if at > edit.start:
        above = f" & (image > {edit.low})" if edit.low is not None else ""
        return f"labels[(labels == {upper}){above} & (image <= {at})] = {lower}"
    below = f" & (image <= {edit.high})" if edit.high is not None else ""
    return f"labels[(labels == {lower}) & (image > {at}){below}] = {upper}"

"""A result as the script that gives it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import numpy as np

from ..outputs.columns import painted_by_hand
from ..outputs.notes import BlankSteps, FittedOn
from ..outputs.record import Deleted, Merged, PaintedByHand, Record, Split, ThresholdMoved
from .opened_files import TIFF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Layer

    from ..outputs.record import RegionRecord

# In the order of `segment`, with its defaults: what is as it was is not spelled out.
_OF_PREPARE: dict[str, Any] = {
    "color_space": "rgb",
    "channel_weights": None,
    "normalize": False,
    "smoothing": 0.0,
    "spatial_weight": 0.0,
    "fit_scale": 1.0,
}
_OF_RUN: dict[str, Any] = {
    "init": "auto",
    "n_init": 1,
    "max_iter": 300,
    "tol": 1e-4,
    "seed": 0,
}
IMAGE = "image.tif"
_PAINTED = "# Pixels were relabelled by hand {}, which a script cannot repeat."


def python_script(layer: Layer, *files: str) -> str:
    """Write the script that gives a result, from the image file to its labels.

    What cannot be written, such as a region that was drawn, is read from a file, and the
    script says of what. Names and other texts from outside are literals made by `repr`,
    never comments: a line break in a name would end these, and the rest would be run.

    Parameters
    ----------
    layer : Layer
        A Labels layer or segmented image of a result.
    *files : str
        The file of the image; of several layers that were clustered together, one of each.

    Raises
    ------
    ValueError
        If the layer is a preview of what is in view.
    """
    record = Record.of_result(layer)
    if record.is_preview:
        raise ValueError("This is a preview of what is in view. Press Run, then copy the script.")
    body = [*_read(record, files), *_segmented(record)]
    body += [*_labels(record), *_edited(record)]
    if painted_by_hand(layer):
        body.append(_PAINTED.format("since"))
    made_by = [
        "# The napari-kmeans-seg of this version gave the result.",
        f"version = {record.version!r}",
    ]
    return "\n".join([*made_by, "", *_imports(body), "", *body, ""])


def _imports(body: list[str]) -> list[str]:
    """Import what the lines need."""
    nodes = list(ast.walk(ast.parse("\n".join(body))))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    own = [name for name in ("prepare", "segment", "segment_steps") if name in used]
    lines = ["import numpy as np"] if "np" in used else []
    if "affine_transform" in used:
        lines.append("from scipy.ndimage import affine_transform")
    # scikit-image would take a stack of 3 or 4 planes for channels.
    tiff = all(str(name).lower().endswith(TIFF) for name in _files_read(nodes))
    lines += [f"from {'tifffile' if tiff else 'skimage.io'} import imread", ""]
    lines.append(f"from napari_kmeans_seg import {', '.join(own)}")
    if "CleanUp" in used:
        lines.append("from napari_kmeans_seg.layers import CleanUp")
    if "fill" in used:
        lines.append("from napari_kmeans_seg.layers.source.region import fill")
    if "StepsSegmentation" in used:
        lines.append("from napari_kmeans_seg.layers.results import StepsSegmentation")
    return lines


def _files_read(nodes: list[ast.AST]) -> Iterator[object]:
    for node in nodes:
        match node:
            case ast.Call(func=ast.Name(id="imread"), args=[ast.Constant(value=name)]):
                yield name


def _read(record: Record, files: tuple[str, ...]) -> list[str]:
    """Read the image and its region, cut to the plane that was segmented."""
    source = record.source
    channels = source.channels if source.n_images > 1 else ()
    if channels:
        names = files or tuple(f"{name}.tif" for name in channels)
        lines = [f"image = np.stack([{', '.join(f'imread({name!r})' for name in names)}])"]
    else:
        lines = [f"image = {_channels_last(record, f'imread({(files or (IMAGE,))[0]!r})')}"]
    if not files:
        saved = "images" if channels else "image"
        named = list(channels) if channels else source.name
        lines[:0] = [f"# Save the {saved} of this name as a file.", f"layer_name = {named!r}"]
    if (level := _level(record)) is not None:
        lines += [
            f"# Clusters were found on level {level} of the pyramid, an image of its own size.",
            f"small = {lines[-1].removeprefix('image = ').replace('.tif', f'_level{level}.tif')}",
        ]
    region, cut = source.region, []
    whole = region is not None and region.n_axes is not None
    if whole:
        lines += _region(record, level)
    if at := source.plane:
        cut = [f"{at[axis]}:{at[axis] + 1}" if axis in at else ":" for axis in range(max(at) + 1)]
        lines.append(f"image = image[{', '.join([':', *cut] if channels else cut)}]")
        if whole:
            lines.append(f"mask = mask[{', '.join(cut)}]")
    if region is not None and not whole:
        lines += _same_pixels(region, cut, level)
    if source.left_out:
        lines += _left_out(record, "image", "mask")
        lines += _left_out(record, "small", "small_mask") if level is not None else []
    if any(isinstance(note, FittedOn) and note.sample for note in record.notes):
        lines.append("# The plugin took a sample of the pixels, so that its result may differ.")
    return lines


def _spatial(record: Record, image: str) -> str:
    """Write the shape of an image without its channels."""
    if record.arguments.get("channel_axis") is None:
        return f"{image}.shape"
    return f"{image}.shape[1:]" if record.source.n_images > 1 else f"{image}.shape[:-1]"


def _region(record: Record, level: int | None) -> list[str]:
    """Read or draw the region, as a mask of the whole image."""
    region, shape = record.source.region, _spatial(record, "image")
    assert region is not None
    if region.outlines:
        lines = [
            "# The region of this name as it was drawn, in pixels of the image.",
            f"region_name = {region.layer!r}",
            f"outlines = {[[list(one) for one in outline] for outline in region.outlines]}",
            f"mask = np.zeros({shape}, bool)",
            "for outline in outlines:",
            f"    fill(mask, np.array(outline), own_plane={region.own_planes})",
        ]
        if level is not None:
            small = _spatial(record, "small")
            lines += [
                f"zoom = np.array({shape}[-{region.n_axes}:]) / {small}[-{region.n_axes}:]",
                f"small_mask = np.zeros({small}, bool)",
                "for outline in outlines:",
                "    smaller = (np.array(outline) + 0.5) / zoom - 0.5",
                f"    fill(small_mask, smaller, own_plane={region.own_planes})",
            ]
        return lines
    lines = _read_region(region, "as it is", "", level)
    n_image, n_axes = len(record.arguments["smoothing"]), region.n_axes
    assert n_axes is not None
    if region.matrix is not None:
        rows = [[0.0] * (n_image + 1)] * (n_image - n_axes) + [list(row) for row in region.matrix]
        first = "np.newaxis, " * (n_image - n_axes)
        mask = f"mask[{first}...]" if first else "mask"
        sampled = f"{mask}.astype(np.uint8), matrix[:, :-1], matrix[:, -1]"
        lines += [
            "# From pixels of the image to pixels of the region.",
            f"matrix = np.array({rows})",
            f"options = {{'output_shape': {shape}, 'order': 0, 'mode': 'grid-constant'}}",
            f"mask = affine_transform({sampled}, **options) > 0",
        ]
    elif n_axes < n_image:
        lines.append(f"mask = np.broadcast_to(mask, {shape})")
    return lines


def _same_pixels(region: RegionRecord, cut: list[str], level: int | None) -> list[str]:
    """Read a region that has the pixels of the image, cut to the plane that was segmented."""
    size = "of the size of the whole stack" if cut else "of the same size"
    return _read_region(region, size, f"[{', '.join(cut)}]" if cut else "", level)


def _read_region(region: RegionRecord, size: str, cut: str, level: int | None) -> list[str]:
    chosen = list(region.labels)
    inside = f"np.isin({{}}, {chosen})" if chosen else "{} > 0"
    what = "its labels" if chosen else "not 0 inside"
    lines = [
        f"# Save the region of this name as an image {size}: {what}.",
        f"region_name = {region.layer!r}",
        "mask = " + inside.format(f"imread('region.tif'){cut}"),
    ]
    if level is not None:
        lines.append("small_mask = " + inside.format(f"imread('region_level{level}.tif')"))
    return lines


def _left_out(record: Record, image: str, mask: str) -> list[str]:
    """Leave out pixels of some values, beside those outside the region."""
    source, axis = record.source, record.arguments.get("channel_axis")
    values = list(source.left_out)
    if axis is None:
        empty = f"np.isin({image}, {values})"
    elif source.channels:
        empty = f"np.isin({image}, {values}).any(axis={axis})"
    else:
        empty = f"np.any([({image}[..., :3] == value).all(axis=-1) for value in {values}], axis=0)"
    if source.region is None:
        return [f"{mask} = ~{empty}"]
    everywhere = [f"{mask.replace('mask', 'data')} = ~{empty}"] if source.region.everywhere else []
    return [*everywhere, f"{mask} = {mask} & ~{empty}"]


def _channels_last(record: Record, image: str) -> str:
    """Write an image with the channels along one of its axes at the end, as they are clustered."""
    along = record.source.channels_along
    if along is None:
        return image
    image = f"np.moveaxis({image}, {along}, -1)"
    kept = record.source.keeps_channel_axis(len(record.arguments["smoothing"]))
    return f"np.expand_dims({image}, {along})" if kept else image


def _segmented(record: Record) -> list[str]:
    """Cluster the image, or each step of it by itself."""
    region, axis, level = record.source.region, record.source.step_axis, _level(record)
    everywhere = region is not None and region.everywhere
    masked = region is not None or bool(record.source.left_out)
    if axis is None:
        image, mask = ("image", "mask") if level is None else ("small", "small_mask")
        lines = [f"segmentation = {_call(record, image, mask if masked else None)}"]
        if everywhere or level is not None:
            limited = ", mask=mask" if masked and not everywhere else ""
            limited = ", mask=data" if everywhere and record.source.left_out else limited
            lines.append(f"segmentation = segmentation.model.predict(image{limited})")
    elif any(isinstance(note, BlankSteps) for note in record.notes) and not everywhere:
        lines = [f"segmentation = {_steps_call(record, axis)}"]
    else:
        along = axis + (record.source.n_images > 1)
        image = "small" if level is not None else "image"
        steps = f"np.split({image}, {image}.shape[{along}], axis={along})"
        call = _call(record, "step", "part" if masked else None, auto=True)
        if everywhere:
            call += ".model.predict(step)"
        loop = f"for step in {steps}"
        if masked:
            parts = f"np.split(mask, mask.shape[{axis}], axis={axis})"
            loop = f"for step, part in zip({steps}, {parts}, strict=True)"
        # Seeds are the same in every step, so their labels match from the start.
        join = "of" if record.source.seeds is None else "join"
        lines = [
            f"steps = [\n    {call}\n    {loop}\n]",
            f"segmentation = StepsSegmentation.{join}(steps, {axis})",
        ]
    if specks := record.source.specks:
        across = ", per_plane=False" if record.source.across_planes else ""
        lines.append(
            f"segmentation = CleanUp(specks={specks}{across}).without_specks(segmentation)"
        )
    return lines


def _call(record: Record, image: str, mask: str | None, *, auto: bool = False) -> str:
    """Write the call that clusters an image; of several steps each has its own `init`."""
    used, seeds = record.arguments, record.source.seeds
    if seeds is None:
        return _segment_call(used, image, mask, auto=auto)
    prepared = f"prepare({', '.join([image, *_reading(used, mask)])})"
    if seeds.fixed:
        return f"{prepared}.classify({used['init']!r})"
    of_run = [one for one in _named(used, _OF_RUN) if not auto or one != "init='optimal'"]
    arguments = [f"n_clusters={used['n_clusters']}", *of_run, "keep_order=True"]
    return f"{prepared}.segment({', '.join(arguments)})"


def _steps_call(record: Record, axis: int) -> str:
    """Write the call that clusters each step, of which some have no pixel that takes part."""
    along = axis + (record.source.n_images > 1)
    mask = "mask" if record.source.region or record.source.left_out else None
    call = _segment_call(record.arguments, "image", mask, auto=True)
    return f"segment_steps({call.removeprefix('segment(').removesuffix(')')}, step_axis={along})"


def _segment_call(used: dict[str, Any], image: str, mask: str | None, *, auto: bool = False) -> str:
    of_run = [one for one in _named(used, _OF_RUN) if not auto or one != "init='optimal'"]
    arguments = [image, f"n_clusters={used['n_clusters']}", *_reading(used, mask), *of_run]
    return f"segment({', '.join(arguments)})"


def _reading(used: dict[str, Any], mask: str | None) -> list[str]:
    form = [f"mask={mask}"] if mask else []
    if used.get("channel_axis") is not None:
        form.append(f"channel_axis={used['channel_axis']}")
    if used.get("alpha"):
        form.append("alpha=True")
    return [*form, *_named(used, _OF_PREPARE)]


def _named(used: dict[str, Any], defaults: dict[str, Any]) -> list[str]:
    given = {key: used[key] for key in defaults if key in used}
    # What is 1 for every channel, or 0 along every axis, is as if it was not given.
    if set(given.get("channel_weights") or [1]) == {1}:
        given.pop("channel_weights", None)
    if not np.any(given.get("smoothing", 0)):
        given.pop("smoothing", None)
    return [f"{key}={value!r}" for key, value in given.items() if value != defaults[key]]


def _labels(record: Record) -> list[str]:
    """Take the labels; those of painted seeds keep their numbers."""
    numbers = list(record.first)
    # Wide enough for the labels that splitting adds.
    wide = ".astype(np.uint16)" if record.edits else ""
    if record.source.seeds is None or numbers == list(range(1, len(numbers) + 1)):
        return [f"labels = segmentation.labels{wide}"]
    return [
        "# Labels are those that were painted as seeds.",
        "table = np.zeros(segmentation.n_clusters + 1, np.uint16)",
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
                lines.append(_PAINTED.format("here"))
    return lines


def _split(edit: Split, record: Record) -> list[str]:
    """Split a cluster by k-means on its own pixels."""
    used = record.arguments
    form = {key: used[key] for key in ("channel_axis", "alpha") if key in used}
    own = record.arguments_of_parts | form | {"n_clusters": len(edit.labels)}
    call, table = _segment_call(own, "image", f"labels == {edit.label}"), [0, *edit.labels]
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


def _level(record: Record) -> int | None:
    """Find which level of a pyramid was fitted, if it was not the largest."""
    levels = (note.level for note in record.notes if isinstance(note, FittedOn))
    return next((level for level in levels if level is not None), None)

"""How a script reads the images of a result, and the region in them, from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_kmeans_seg.core.base.notes import FittedOnLevel

from .opened_files import is_zarr
from .script_masks import left_out, region_of, spatial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..outputs.record import Record

IMAGE = "image.tif"


def read(record: Record, files: Sequence[str], names: Sequence[str]) -> list[str]:
    """Read the image and its region, cut to the plane that was segmented.

    Parameters
    ----------
    record : Record
        How the result came to be.
    files : sequence of str
        The file of each image; none where these are not known.
    names : sequence of str
        What the layers of the images are called; none where they are called as they were.
    """
    source = record.source
    several = source.n_images > 1
    called = tuple(names) or (source.channels if several else (source.name,))
    paths = tuple(files) or (tuple(f"{name}.tif" for name in called) if several else (IMAGE,))
    lines = [f"image = {_stacked(record, paths)}"]
    if not files:
        saved = "images" if several else "image"
        named = list(called) if several else called[0]
        lines[:0] = [
            f"# Save the {saved} of this name as a file.",
            f"layer_name = {named!r}",
        ]
    if (level := level_of(record)) is not None:
        lines += [
            f"# Clusters were found on level {level} of the pyramid, an image of its own size.",
            f"small = {_stacked(record, [_of_level(path, level) for path in paths])}",
        ]
    if source.region is not None:
        lines += region_of(record, _free("region.tif", paths), small=level is not None)
    lines += _cut(record, small=level is not None)
    if source.left_out:
        lines += left_out(record, "image", "mask")
        lines += left_out(record, "small", "small_mask") if level is not None else []
    return lines


def _cut(record: Record, *, small: bool) -> list[str]:
    """Cut what was read to the plane that was segmented."""
    at = record.source.plane
    lines: list[str] = []
    if not at:
        return lines
    first, axes = [":"] * (record.source.n_images > 1), range(max(at) + 1)
    with_region = record.source.region is not None
    if small:
        sizes = spatial(record, "small"), spatial(record, "image")
        for axis, index in at.items():
            here, there = (f"{size}[{axis}]" for size in sizes)
            lines.append(f"at_{axis} = {index} * {here} // {there}")
        cut = [f"at_{axis} : at_{axis} + 1" if axis in at else ":" for axis in axes]
        lines.append(f"small = small[{', '.join([*first, *cut])}]")
        lines += [f"small_mask = small_mask[{', '.join(cut)}]"] if with_region else []
    cut = [f"{at[axis]}:{at[axis] + 1}" if axis in at else ":" for axis in axes]
    lines.append(f"image = image[{', '.join([*first, *cut])}]")
    lines += [f"mask = mask[{', '.join(cut)}]"] if with_region else []
    return lines


def level_of(record: Record) -> int | None:
    """Find which level of a pyramid was fitted, if it was not the largest."""
    levels = (note.level for note in record.notes if isinstance(note, FittedOnLevel))
    return next(levels, None)


def _stacked(record: Record, paths: Sequence[str]) -> str:
    """Write how the images are read and joined, as they are clustered."""
    if record.source.n_images > 1:
        return f"np.stack([{', '.join(map(_opened, paths))}])"
    return _channels_last(record, _opened(paths[0]))


def _opened(path: str) -> str:
    """Write how a file or an array of a store is read, into memory."""
    return f"np.asarray(from_zarr({path!r}))" if is_zarr(path) else f"imread({path!r})"


def _of_level(path: str, level: int) -> str:
    """Name a smaller level in place of the largest: in the same store, or a file beside it."""
    if is_zarr(path):
        return str(Path(path).with_name(str(level)))
    stem, dot, suffix = path.rpartition(".")
    return f"{stem}_level{level}{dot}{suffix}"


def _channels_last(record: Record, image: str) -> str:
    """Write an image with the channels along one of its axes at the end, as they are clustered."""
    along = record.source.channels_along
    if along is None:
        return image
    image = f"np.moveaxis({image}, {along}, -1)"
    kept = record.source.keeps_channel_axis(len(record.arguments["smoothing"]))
    return f"np.expand_dims({image}, {along})" if kept else image


def _free(name: str, taken: Sequence[str]) -> str:
    """Give the name of a file that no other one has."""
    while name in taken:
        name = f"_{name}"
    return name

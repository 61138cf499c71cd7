"""Results of an image as files: labels, segmented image and table, all or none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.writing.file_set import write_together
from ..core.writing.tables import table_text
from .base.odd_metadata import write_with_less
from .base.tiff_style import Storage, TiffStyle, negative
from .ngff.results import write_in_stores
from .pictures import write_picture
from .pixel_size import pixel_size
from .tables import cluster_table
from .tiff.note import read_note as read_note_of_file
from .tiff.read import no_data_value
from .tiff.write import write_tiff

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from ..core.segmentation import Segmentation
    from ..core.writing.file_exchange import Identity
    from .base.image_file import ImageFile
    from .base.paths import ResultPaths


def parameters_of(
    image: ImageFile, segmentation: Segmentation, step_axis: int | None = None
) -> dict[str, Any]:
    """Return what stands with labels: how they came to be, what to know, how large a pixel is."""
    size = pixel_size(image, step_axis)
    found = segmentation.parameters | ({} if size is None else {"pixel_size": list(size)})
    if segmentation.notes:
        found["warnings"] = [str(note) for note in segmentation.notes]
    return found


def write_results(
    image: ImageFile,
    segmentation: Segmentation,
    paths: ResultPaths,
    *,
    overwrite: bool = False,
    note: dict[str, Any] | None = None,
    made_of: dict[str, str] | None = None,
    since: Mapping[Path, Identity | None] | None = None,
    step_axis: int | None = None,
    specks: int = 0,
) -> tuple[str, ...]:
    """Write labels, segmented image and table: all three or none, as `write_together` does.

    Parameters
    ----------
    image, segmentation
        What was read, and what came of it.
    paths
        Where to write.
    overwrite
        Whether files that are there are replaced.
    note
        What stands in the labels file beside the parameters; JSON-able.
    made_of
        Digests of input and work, which stand there, too.
    since
        What stood at the paths when the run began; what was written since is not replaced.
    step_axis
        The axis of the image for each of whose steps the table has rows.
    specks
        Pieces of fewer pixels that were merged, which stands there, too.

    Returns
    -------
    tuple of str
        Warnings: what the image's file says and could not be written again.

    Raises
    ------
    FileExistsError
        One of them is there already and `overwrite` is False.
    OSError
        The folder cannot be written, or another process writes or wrote the same files.
    """
    parameters = parameters_of(image, segmentation, step_axis) | ({"input": note} if note else {})
    if specks:
        parameters["specks"] = specks
    if made_of:
        parameters["made_of"] = made_of
    text = table_text(cluster_table(image, segmentation, step_axis)).encode()
    if image.store is not None:
        return write_in_stores(
            image, segmentation, (cluster_table(image, segmentation), text), paths, parameters,
            overwrite=overwrite, since=since,
        )  # fmt: skip

    # S, where it is left, would make a colour picture of the labels.
    labels_axes = "".join(
        letter for axis, letter in enumerate(image.tiff.axes) if axis not in image.own_axes
    ).replace("S", "Q")
    labels_style = replace(
        image.tiff,
        axes=labels_axes,
        display={},
        storage=Storage(),
        no_data="0" if image.tiff.no_data else "",
    )
    warnings: list[str] = []
    labels = np.asarray(segmentation.labels)
    colors = colormap(segmentation.model.colors, labels.dtype)

    def write_segmented(path: Path) -> None:
        pixels = np.asarray(segmented_pixels(image, segmentation))
        if image.picture is None:
            write_with_less(
                lambda style: write_tiff(path, pixels, style),
                _less_and_less(image.tiff),
                warnings,
            )
        else:
            write_picture(path, pixels, image.picture)

    def write_labels(path: Path) -> None:
        write_with_less(
            lambda style: write_tiff(path, labels, style, note=parameters, colors=colors),
            _less_and_less(labels_style),
            warnings,
        )

    write_together(
        {
            paths.labels: write_labels,
            paths.segmented: write_segmented,
            paths.clusters: lambda path: path.write_bytes(text),
        },
        overwrite=overwrite,
        since=since,
    )
    return tuple(dict.fromkeys(warnings))


def colormap(colors: Mapping[int, str], dtype: np.dtype[Any]) -> npt.NDArray[np.uint16] | None:
    """Lay out the colours of labels as TIFF has them, ``(3, n)``; None where there are none.

    Labels without one are black, as pixels are that take no part.
    """
    if not colors or dtype.itemsize > 2:
        return None
    table = np.zeros((3, 1 << (8 * dtype.itemsize)), np.uint16)
    for label, color in colors.items():
        table[:, label] = np.frombuffer(bytes.fromhex(color[1:]), np.uint8).astype(np.uint16) * 257
    return table


def read_note(labels: Path) -> dict[str, Any]:
    """Return the parameters that stand with labels that we wrote; empty where there are none."""
    if labels.is_dir():
        from .ngff.write import read_note as read_note_of_store

        return read_note_of_store(labels)
    return read_note_of_file(labels)


def _less_and_less(style: TiffStyle) -> Iterator[tuple[str, TiffStyle]]:
    """Leave out what stands beside the pixels; the terms of the samples and the turn stay."""
    yield "", style
    yield "names, look-up tables or ranges", replace(style, display={})
    unplaced = replace(style, display={}, extra_tags=(), resolution=None, resolution_unit=1)
    yield "a pixel size or a place on Earth", unplaced
    yield "metadata", replace(unplaced, flavour="plain", scale={})
    terms = replace(style.storage, profile=None)
    yield "metadata", TiffStyle(axes=style.axes, storage=terms, turn=style.turn)


def segmented_pixels(image: ImageFile, segmentation: Segmentation) -> npt.NDArray[Any]:
    """Return the segmented image; where the file has no pixel it is as the file has it."""
    pixels = segmentation.image
    fill = no_data_value(image.tiff.no_data, pixels.dtype) if image.tiff.no_data else None
    if image.missing is None and fill is None:
        return pixels
    pixels = pixels.copy()
    if fill is not None:
        value = np.array(fill, pixels.dtype)
        if image.tiff.storage.photometric == "miniswhite":
            value = negative(value)
        if image.channel_axis is None:
            pixels[segmentation.labels == 0] = value
        else:
            last = np.moveaxis(pixels, image.channel_axis, -1)
            last[segmentation.labels == 0, : last.shape[-1] - image.alpha] = value
    if image.missing is not None:
        np.copyto(pixels, image.pixels, where=image.missing)
    return pixels

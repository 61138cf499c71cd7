"""Results of an image as files: labels, segmented image and table, all or none."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .pictures import write_picture
from .samples import Storage, negative
from .tiff import no_data_value
from .tiff_write import write_tiff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt
    import pandas as pd

    from ..core.segmentation import Segmentation
    from .image_file import ImageFile


@dataclass(frozen=True)
class ResultPaths:
    """The three files that belong to one image."""

    labels: Path
    segmented: Path
    clusters: Path

    def __iter__(self) -> Iterator[Path]:
        return iter((self.labels, self.segmented, self.clusters))


def result_paths(path: Path, folder: Path) -> ResultPaths:
    """Name the results of an image: `<stem>_labels.tif` and so on, always directly in `folder`."""
    ending = re.search(r"(\.ome)?\.[^.]+$", path.name[1:], flags=re.IGNORECASE)
    suffix = ending.group() if ending else ""
    # What some file system does not take in a name.
    stem = re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", path.name.removesuffix(suffix))
    return ResultPaths(
        labels=folder / f"{stem}_labels.tif",
        segmented=folder / f"{stem}_segmented{suffix}",
        clusters=folder / f"{stem}_clusters.csv",
    )


def cluster_table(image: ImageFile, segmentation: Segmentation) -> pd.DataFrame:
    """Return one row per cluster, with the file's names for the channels where it has some."""
    n_channels = segmentation.centroids.shape[1]
    names: Sequence[str] | None = image.channel_names
    if len(image.channel_names) != n_channels:
        names = ["intensity"] if n_channels == 1 else None
    table = segmentation.to_dataframe(names)
    if image.tiff.storage.photometric == "miniswhite" and image.pixels.dtype.kind != "u":
        # Measurements whose high values are shown dark: the values are those of the file.
        offset = 0 if image.pixels.dtype.kind == "f" else 1
        means = [column for column in table if str(column).startswith("mean_")]
        table[means] = -table[means] - offset
    return table


def write_results(
    image: ImageFile,
    segmentation: Segmentation,
    paths: ResultPaths,
    *,
    overwrite: bool = False,
    note: dict[str, Any] | None = None,
) -> None:
    """Write labels, segmented image and table: all three or none.

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

    Raises
    ------
    FileExistsError
        One of them is there already and `overwrite` is False.
    OSError
        The folder cannot be written.
    """
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

    parameters = segmentation.parameters | ({"input": note} if note else {})

    def write_segmented(path: Path) -> None:
        pixels = segmented_pixels(image, segmentation)
        if image.picture is None:
            write_tiff(path, pixels, image.tiff)
        else:
            write_picture(path, pixels, image.picture)

    _write_together(
        {
            paths.labels: lambda path: write_tiff(
                path, segmentation.labels, labels_style, note=parameters
            ),
            paths.segmented: write_segmented,
            paths.clusters: lambda path: cluster_table(image, segmentation).to_csv(
                path, index=False
            ),
        },
        overwrite=overwrite,
    )


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


def _write_together(writers: dict[Path, Callable[[Path], object]], *, overwrite: bool) -> None:
    """Write files of one folder so that all appear, complete, or none does.

    All are written aside first. Should moving one into place fail, those moved
    before it are taken back and the files they replaced return.
    """
    folder = next(iter(writers)).parent
    with tempfile.TemporaryDirectory(prefix=".napari-kmeans-seg-", dir=folder) as aside:
        new, old = Path(aside, "new"), Path(aside, "old")
        new.mkdir()
        old.mkdir()
        for path, write in writers.items():
            write(new / path.name)
        if not overwrite:
            refuse_existing(writers)
        moved: list[Path] = []
        try:
            for path in writers:
                if path.is_dir():
                    raise IsADirectoryError(f"{path} is a folder")
                moved.append(path)
                if os.path.lexists(path):
                    path.replace(old / path.name)
                (new / path.name).replace(path)
        except BaseException:
            for path in moved:
                path.unlink(missing_ok=True)
            for replaced in old.iterdir():
                replaced.replace(folder / replaced.name)
            raise


def refuse_existing(paths: Iterator[Path] | Sequence[Path] | dict[Path, Any]) -> None:
    """Raise FileExistsError, naming what is there already."""
    there = [path for path in paths if os.path.lexists(path)]
    if there:
        names = ", ".join(str(path) for path in there[:3])
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        raise FileExistsError(f"{names}{more}: there already")

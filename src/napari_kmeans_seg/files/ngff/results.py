"""Where results go that are OME-Zarr: a store of their own, or the one that was read."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...core.writing.file_set import refuse_existing, write_together
from .groups import LABELS, inside, metadata_name, read_json, write_group_mark
from .plate_results import make_place, name_in_plate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from ...core.segmentation import Segmentation
    from ...core.writing.file_exchange import Identity
    from ..base.image_file import ImageFile
    from ..base.paths import ResultPaths
    from ..base.pyramid import Pyramid

    Given = tuple[Pyramid, Segmentation, pd.DataFrame, dict[str, Any]]
    """How the image lies in its store, what came of it, its table, and what stands with labels."""


def write_in_stores(
    image: ImageFile,
    segmentation: Segmentation,
    tables: tuple[pd.DataFrame, bytes],
    paths: ResultPaths,
    note: dict[str, Any],
    *,
    overwrite: bool,
    since: Mapping[Path, Identity | None] | None,
) -> tuple[str, ...]:
    """Write the results of an OME-Zarr image, as `write_results` does those of files.

    Parameters
    ----------
    tables
        A row for each cluster, for viewers, and the text of the table that is a file.
    image, segmentation, paths, note, overwrite, since
        As there.

    Returns
    -------
    tuple of str
        Warnings.

    Raises
    ------
    ValueError
        The labels of the source are links that lead out of it.
    """
    # Imported here: zarr is there only where stores are read.
    from . import write

    assert image.store is not None
    table, text = tables
    given: Given = (image.store, segmentation, table, note)
    clusters = {paths.clusters: lambda path: path.write_bytes(text)}
    if not paths.labels.is_relative_to(image.path):
        store = {paths.labels: lambda path: write.write_store(path, *given)}
        if paths.plate is not None:
            make_place(image.path, paths.plate)
        # The table first: it is in the folder that all is in.
        write_together(clusters | store, overwrite=overwrite, since=since, folders=store)
        if paths.plate is not None:
            name_in_plate(image.path, paths.plate)
        return ()
    if not overwrite:
        refuse_existing(paths)
    write_in_source(image.path, given, overwrite=True)
    write_together(clusters, overwrite=overwrite, since=since)
    return _hidden_by(image.path)


def write_store_at(path: Path, given: Given, *, overwrite: bool) -> None:
    """Write a store of an image in mean colours and its labels."""
    from . import write

    store = {path: lambda aside: write.write_store(aside, *given)}
    write_together(store, overwrite=overwrite, folders=store)


def write_in_source(image: Path, given: Given, *, overwrite: bool) -> None:
    """Write labels into the store of their image.

    Raises
    ------
    ValueError
        The labels of the source are links that lead out of it.
    """
    from . import write

    home = inside(image, "labels")
    labels = inside(image, f"labels/{LABELS}")
    if not overwrite:
        refuse_existing([labels])
    version = given[0].version
    said = metadata_name(version)
    more = {home / ".zgroup": write_group_mark} if version == "0.4" else {}
    is_new = not home.exists()
    home.mkdir(exist_ok=True)
    try:
        # What other labels there are is seen when it is written, so all of it is one exchange.
        write_together(
            {
                labels: lambda path: write.write_labels(path, *given),
                home / said: lambda path: path.write_text(write.labels_named(home, version)),
                **more,
            },
            overwrite=True,
            folders=[labels],
        )
    finally:
        if is_new:
            with suppress(OSError):
                home.rmdir()  # nothing came of it


def _hidden_by(image: Path) -> tuple[str, ...]:
    """Say that programs may not see new labels, for a list of all that was there before."""
    for folder in (image, *image.parents[:3]):
        consolidated = (folder / ".zmetadata").is_file()
        if (folder / "zarr.json").is_file():
            consolidated = bool(read_json(folder / "zarr.json").get("consolidated_metadata"))
        if consolidated:
            what = f"{folder.name} has consolidated metadata, in which the new labels are not"
            return (f"{what}; zarr.consolidate_metadata brings them up to date",)
    return ()

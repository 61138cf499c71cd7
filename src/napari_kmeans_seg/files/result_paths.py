"""What the results of an image are called, and where they go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .base.paths import ResultPaths
from .by_bioio import is_for_bioio
from .ngff.groups import ENDING, LABELS, is_store
from .ngff.plate_results import plate_store_name
from .ngff.plates import place_of

if TYPE_CHECKING:
    from pathlib import Path


def writable_name(name: str) -> str:
    """Replace in a name what some file system does not take."""
    return re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", name)


def store_name(stem: str, suffix: str) -> str:
    """Name the store of results, which ends as that of the image."""
    return f"{stem}_segmented{suffix if suffix.lower().endswith(ENDING) else ENDING}"


def stem_of(path: Path) -> tuple[str, str]:
    """Return what an image is called, without its ending and with its place in a plate; and that.

    "a.ome.tif" gives "a" and ".ome.tif", and the first field of a well "plate_A_1_0" and ".zarr".
    """
    place = place_of(path)
    name = path.name if place is None else place.store.name
    ending = re.search(r"(\.ome)?\.[^.]+$", name[1:], flags=re.IGNORECASE)
    suffix = ending.group() if ending else ""
    stem = name.removesuffix(suffix)
    return stem if place is None else f"{stem}_{place.name.replace('/', '_')}", suffix


def result_paths(path: Path, folder: Path, *, into_source: bool = False) -> ResultPaths:
    """Name the results of an image: `<stem>_labels.tif` and so on, always directly in `folder`.

    Those of an OME-Zarr image are a store, `<stem>_segmented.zarr`, with the labels in it; or the
    labels go into the image's own store. Those of the fields of a plate are one store, which is a
    plate, too.
    """
    place = place_of(path)
    stem, suffix = stem_of(path)
    stem = writable_name(stem)
    if place is not None or is_store(path):
        store, plate = folder / store_name(stem, suffix), None
        if into_source:
            store = path / "labels" / LABELS
        elif place is not None and place.well:
            of_store = writable_name(place.store.name.removesuffix(suffix))
            plate = folder / plate_store_name(of_store, suffix)
            store = plate / place.name
        return ResultPaths(store, store, folder / f"{stem}_clusters.csv", plate)
    if is_for_bioio(path):
        suffix = ".tif"
    return ResultPaths(
        labels=folder / f"{stem}_labels.tif",
        segmented=folder / f"{stem}_segmented{suffix}",
        clusters=folder / f"{stem}_clusters.csv",
    )

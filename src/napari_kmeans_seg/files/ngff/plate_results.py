"""Results of a plate: one store that is a plate, too, of the fields whose results it has."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from ...core.writing.file_set import write_together
from .groups import ENDING, Group, group_of, metadata_name, write_group_mark
from .plates import place_of, plate_of, well_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SUFFIX = "_plate_segmented"
"""How the name of such a store ends; the manifest offers our reader by it."""

_PATIENCE = 60.0  # seconds; others that name a field in the same plate take some milliseconds
_OF_PLATE = ("rows", "columns", "name", "acquisitions", "field_count", "version")


def plate_store_name(stem: str, suffix: str) -> str:
    """Name the store of the results of a plate, which ends as that of the plate."""
    return f"{stem}{SUFFIX}{suffix if suffix.lower().endswith(ENDING) else ENDING}"


def make_place(field: Path, store: Path) -> Path:
    """Make the folder in a store of results that a field's are to lie in.

    Parameters
    ----------
    field
        The image in its plate.
    store
        That of the results.

    Raises
    ------
    ValueError
        What is there is no plate, or one of another version.
    """
    source, well, _ = _told_by(field)
    there = group_of(store)
    if there is not None and (there.kind != "plate" or there.version != source.version):
        what = "no plate" if there.kind != "plate" else f"a plate of version {there.version}"
        raise ValueError(f"{store} is {what}, and takes no results of one of {source.version}")
    place = store / well
    place.mkdir(parents=True, exist_ok=True)
    return place


def name_in_plate(field: Path, store: Path) -> None:
    """Name a field in the store that its results were written to, if it is not named there yet.

    From the inside out: a plate names what is there, and nothing else. Its own order is that of
    the plate that was segmented, whoever is ready first.

    Parameters
    ----------
    field, store
        As for `make_place`.

    Raises
    ------
    OSError
        It cannot be written.
    """
    source, well, name = _told_by(field)
    row = well.partition("/")[0]
    fields, plate = well_of(field.parent)["images"], plate_of(field.parents[2])
    version = source.known_version
    of_plate = {key: plate[key] for key in _OF_PLATE if key in plate}
    old = {"version": version} if version == "0.4" else {}
    _name(store / well, version, "well", "images", name, fields, old)
    if group_of(store / row) is None:
        _write(store / row, version, dict)
    _name(store, version, "plate", "wells", well, plate["wells"], of_plate | old)


def _told_by(field: Path) -> tuple[Group, str, str]:
    """Return what the plate of a field says, the field's well and its name there."""
    place = place_of(field)
    assert place is not None
    source = group_of(place.store)
    assert source is not None
    return source, place.well, place.name.removeprefix(f"{place.well}/")


def _name(
    path: Path,
    version: str,
    kind: str,
    key: str,
    name: str,
    every: list[dict[str, Any]],
    others: dict[str, Any],
) -> None:
    """Have a plate or a well name one more of `every` that there is."""

    def named() -> list[str]:
        group = group_of(path)
        return [] if group is None else [str(one["path"]) for one in group.ome[kind][key]]

    if name in named():
        return

    def content() -> dict[str, Any]:
        there = {*named(), name}
        return {kind: {key: [one for one in every if one["path"] in there], **others}}

    _write(path, version, content)


def _write(path: Path, version: str, content: Callable[[], dict[str, Any]]) -> None:
    """Write what a group says; `content` is asked while nobody else writes it."""

    def write(file: Path) -> None:
        found: dict[str, Any] = content()
        if version == "0.5":
            attributes = {"ome": {"version": version} | found} if found else {}
            found = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
        file.write_text(json.dumps(found, indent=1), encoding="utf-8")

    marks: dict[Path, Callable[[Path], object]] = {}
    if version == "0.4":
        marks[path / ".zgroup"] = write_group_mark
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            write_together({path / metadata_name(version): write} | marks, overwrite=True)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
        else:
            return

"""Plates and series: the images in a store, and what each of them is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .groups import Group, check_name, group_of, inside, is_store, kind_of, validated

if TYPE_CHECKING:
    from pathlib import Path


class Place(NamedTuple):
    """Where an image is in a store of several.

    Attributes
    ----------
    store : Path
        The plate, or the series.
    name : str
        Of the image in it: "A/1/0", of a series "0".
    well : str
        "A/1"; empty in a series.
    """

    store: Path
    name: str
    well: str


def images_in(path: Path) -> list[Path]:
    """Name the images of a store: those of a plate or of a series one by one, else itself.

    A well that the plate names and has not is named, too, so that it is missed when it is read; and
    so is a store that cannot be read.
    """
    try:
        return listed(path)
    except (OSError, ValueError):
        return [path]


def listed(path: Path) -> list[Path]:
    """Do so, and raise OSError or ValueError where a plate, a well or a series is not valid."""
    kind = kind_of(path)
    if kind == "plate":
        return [image for well in wells_of(path) for image in _of_well(path, well)]
    if kind == "well":
        check_place(path)
        return [path / name for name in fields_of(path)]
    return [path / name for name in series_of(path)] if kind == "series" else [path]


def _of_well(plate: Path, well: str) -> list[Path]:
    try:
        folder = inside(plate, well)
        return [folder / name for name in fields_of(folder)]
    except (OSError, ValueError):
        return [plate / well]


def wells_of(plate: Path) -> list[str]:
    """Name the wells of a plate as its metadata has them: "A/1"."""
    return [well["path"] for well in plate_of(plate)["wells"]]


def plate_of(plate: Path) -> dict[str, Any]:
    """Return what a plate says, once it is found to be valid."""
    return _valid(group_of(plate), "plate")


def well_of(well: Path) -> dict[str, Any]:
    """Return what a well says, once it is found to be valid."""
    group = group_of(well)
    if group is None or group.kind != "well":
        raise FileNotFoundError("there is no such well, though the plate names it")
    return _valid(group, "well")


def _valid(group: Group | None, kind: str) -> dict[str, Any]:
    assert group is not None
    with validated(kind):
        import yaozarrs

        module: Any = yaozarrs.v04 if group.known_version == "0.4" else yaozarrs.v05
        model = getattr(module, f"{kind.capitalize()}Def").model_validate(group.ome[kind])
    found: dict[str, Any] = model.model_dump(exclude_none=True, mode="json")
    return found


def fields_of(well: Path) -> list[str]:
    """Name the images of a well."""
    names = [str(one["path"]) for one in well_of(well)["images"]]
    for name in names:
        check_name(name)  # links are reported one by one, when they are read
    return names


def series_of(path: Path) -> list[str]:
    """Name the images of a store as bioformats2raw lays it out."""
    group = group_of(path / "OME")
    names = None if group is None else group.ome.get("series")
    if not isinstance(names, list):
        # Without a list they are numbered.
        names = []
        while kind_of(path / str(len(names))) == "image":
            names.append(str(len(names)))
    for name in names:
        check_name(str(name))
    if not names:
        raise ValueError("has no image in it, though it is laid out as a series")
    return [str(name) for name in names]


def place_of(path: Path) -> Place | None:
    """Find the store of several images that a path leads into; None for any other."""
    parts = path.parts
    for depth in (3, 2):
        if len(parts) > depth and kind_of(path.parents[depth - 1]) == "plate":
            names = parts[-depth:]
            return Place(path.parents[depth - 1], "/".join(names), "/".join(names[:2]))
    if len(parts) > 1 and kind_of(path.parent) == "series":
        return Place(path.parent, path.name, "")
    return None


def store_of(path: Path) -> Path | None:
    """Name the store that an image lies in; None for a file."""
    place = place_of(path)
    if place is not None:
        return place.store
    return path if is_store(path) else None


def name_of(path: Path) -> str:
    """Call an image what a table is to call it: by its file, or its place in a plate."""
    place = place_of(path)
    return path.name if place is None else f"{place.store.name}/{place.name}"


def check_place(path: Path) -> None:
    """Refuse an image that lies elsewhere than its plate says, or is missing there."""
    place = place_of(path)
    if place is None:
        return
    inside(place.store, place.name)
    if place.name == place.well:
        fields_of(path)

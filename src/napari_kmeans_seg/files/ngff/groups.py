"""What the groups of an OME-Zarr store say, and that their names lead nowhere else."""

from __future__ import annotations

import json
import os
import warnings
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.pyramid import Version

Kind = Literal["image", "plate", "well", "series"]

ENDING = ".zarr"
"""What stores are called; one that says what it holds may have any name."""

LABELS = "kmeans"
"""What our labels are called among those of an image."""

INSTALL = (
    'OME-Zarr is read and written by zarr and yaozarrs: pip install "napari-kmeans-seg[ome-zarr]"'
)

_MOST_BYTES = 1 << 26
_ZARR_2, _ZARR_3 = (".zgroup", ".zarray", ".zattrs"), "zarr.json"


class Group(NamedTuple):
    """A group of a store.

    Attributes
    ----------
    version : str
        Of NGFF, as the group says it.
    ome : dict
        What it says in the terms of NGFF.
    others : dict
        All its attributes.
    """

    version: str
    ome: dict[str, Any]
    others: dict[str, Any]

    @property
    def kind(self) -> Kind | None:
        """What the group holds; None where it does not say."""
        if "multiscales" in self.ome:
            return "image"
        if "plate" in self.ome:
            return "plate"
        if "well" in self.ome:
            return "well"
        return "series" if "bioformats2raw.layout" in self.ome else None

    @property
    def known_version(self) -> Version:
        """The version, if it is one that is read.

        Raises
        ------
        ValueError
            It is another one.
        """
        if self.version not in ("0.4", "0.5"):
            raise ValueError(f"is OME-Zarr {self.version[:20]}; 0.4 and 0.5 are read")
        return self.version  # type: ignore[return-value]


def is_zarr(path: Path) -> bool:
    """Whether a folder is a group or an array of Zarr."""
    return any((path / name).is_file() for name in (*_ZARR_2, _ZARR_3))


def is_store(path: Path) -> bool:
    """Whether a folder is to be taken for an image, or for several, and not for a folder of them.

    An array of Zarr is one where it is called so; a group that says nothing may lie anywhere.
    """
    return kind_of(path) is not None or (path.suffix.lower() == ENDING and is_zarr(path))


def says_nothing(path: Path) -> bool:
    """Whether an array or a group of Zarr is none of OME-Zarr, and not for being damaged."""
    try:
        group = group_of(path)
    except (OSError, ValueError):
        return False
    return group is None or group.kind is None


def kind_of(path: Path) -> Kind | None:
    """Say what a folder holds; None where it is no group of OME-Zarr that can be read."""
    try:
        group = group_of(path)
    except (OSError, ValueError):
        return None
    return None if group is None else group.kind


def group_of(path: Path) -> Group | None:
    """Read what a folder says in the terms of NGFF; None where it says nothing.

    Raises
    ------
    OSError, ValueError
        It cannot be read, or is no JSON.
    """
    for name in (_ZARR_3, ".zattrs"):
        try:
            stat = (path / name).stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        group = _read(path / name, stat.st_mtime_ns, stat.st_size)
        if group is not None:
            return group
    return None


@lru_cache(maxsize=64)
def _read(file: Path, _changed: int, size: int) -> Group | None:
    found = read_json(file, size)
    if file.name == _ZARR_3:
        others = found.get("attributes", {})
        ome = others.get("ome") if isinstance(others, dict) else None
        if not isinstance(ome, dict):
            return None
        return Group(str(ome.get("version", "of no version")), ome, others)
    return Group(_version_of_2(found), found, found)


def read_json(file: Path, size: int | None = None) -> dict[str, Any]:
    """Read a JSON object, if it is not too large to be metadata."""
    if (file.stat().st_size if size is None else size) > _MOST_BYTES:
        raise ValueError(f"its {file.name} has more than {_MOST_BYTES:,} bytes")
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"its {file.name} is damaged: {problem}") from problem
    if not isinstance(found, dict):
        raise ValueError(f"its {file.name} is damaged: it holds no object")
    return found


def write_group_mark(path: Path) -> None:
    """Write what makes a folder a group of Zarr 2."""
    path.write_text(json.dumps({"zarr_format": 2}), encoding="utf-8")


def metadata_name(version: str) -> str:
    """Name the file that holds the attributes of a group."""
    return ".zattrs" if version == "0.4" else "zarr.json"


def _version_of_2(ome: dict[str, Any]) -> str:
    """Return the version that stands where groups of Zarr 2 have it; 0.4 may leave it out."""
    places = [ome.get("plate"), ome.get("well")]
    if isinstance(ome.get("multiscales"), list):
        places += ome["multiscales"][:1]
    said = [str(one["version"]) for one in places if isinstance(one, dict) and "version" in one]
    return said[0] if said else "0.4"


def files_of(image: Path) -> list[Path]:
    """Name the files of an image, in order, without those of its labels."""
    found = []
    for where, folders, names in os.walk(image):
        if Path(where) == image and "labels" in folders:
            folders.remove("labels")
        found += [Path(where, name) for name in names]
    return sorted(found)


def inside(root: Path, name: str) -> Path:
    """Name what lies in a folder, by a name that is not trusted.

    Raises
    ------
    ValueError
        The name, or a symbolic link, leads out of it.
    """
    check_name(name)
    path = root.joinpath(*name.split("/"))
    if not path.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"names {name!r}, a link that leads out of its folder; it is not followed")
    return path


def check_name(name: str) -> None:
    """Raise ValueError if a name leads out of its folder, links not counted."""
    parts = name.split("/")
    if any(part in {"", ".", ".."} or set(part) & set("\\:\0") for part in parts):
        raise ValueError(f"names {name!r}, which is no place in its own folder")


@contextmanager
def validated(what: str) -> Iterator[None]:
    """Tell in a line what a model of yaozarrs has to say against some metadata.

    Raises
    ------
    ValueError
        Says what is wrong, and where.
    """
    try:
        import zarr  # noqa: F401 - what is validated is to be opened

        with warnings.catch_warnings():
            # Of names and units that are better avoided: it is not us who choose them.
            warnings.simplefilter("ignore")
            yield
    except ValueError as problem:
        if not hasattr(problem, "errors"):
            raise
        # One of pydantic.
        first = problem.errors(include_url=False)[0]
        where = ".".join(str(one) for one in first["loc"])
        text = " ".join(str(first["msg"]).split())
        raise ValueError(f"its {what} is not valid: {where}: {text}") from problem
    except ModuleNotFoundError as problem:
        raise ValueError(f"{INSTALL} ({problem})") from problem

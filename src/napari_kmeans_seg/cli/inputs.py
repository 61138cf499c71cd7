"""Which image files a command is given: files, folders, patterns and lists of them."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..files.ngff.groups import is_store, says_nothing
from ..files.ngff.plates import images_in, place_of
from .output import reason, refuse

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator, Sequence

ENDINGS = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp")
"""What image files of a folder are called."""

IMAGES = typer.Argument(
    metavar="IMAGE",
    help="TIFF (also stacks, ImageJ, OME), PNG, JPEG or BMP files, OME-Zarr images and plates, "
    'folders of them, or quoted patterns such as "day*/**/*.tif".',
    readable=False,  # one that cannot be read is no reason to refuse the others
)
RECURSIVE = typer.Option("--recursive", "-r", help="Look into the folders of folders, too.")
LIST = typer.Option(
    "--list", metavar="FILE", help="More images: a text file (UTF-8) that names one in each line."
)


def found(
    given: Iterable[Path], listed: Path | None, *, recursive: bool, output: Path | None
) -> list[Path]:
    """Name the image files that are meant, or end where there is none.

    Parameters
    ----------
    given
        Files, folders and patterns.
    listed
        A file that has more of them, one in each line; relative ones are of the working folder.
    recursive
        Whether folders of folders are looked into.
    output
        Where the results go: no folder that is searched, for they are images, too.
    """
    every = [*given, *_lines(listed)]
    images = [image for one in every for image in _files(one, recursive=recursive, output=output)]
    if not images:
        refuse("no images: name files, folders or patterns, or a --list of them")
    return images


def _lines(listed: Path | None) -> Iterator[Path]:
    if listed is None:
        return
    try:
        text = listed.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as problem:
        refuse(f"--list {listed} cannot be read as text: {reason(problem, listed)}")
    yield from (Path(line) for line in text.splitlines() if line.strip())


def _files(given: Path, *, recursive: bool, output: Path | None) -> list[Path]:
    if is_store(given):
        return images_in(given)
    if given.is_dir():
        return _of_folder(given, recursive=recursive, output=output)
    if given.exists() or not glob.has_magic(str(given)):
        return [given]
    names = sorted(glob.glob(str(given), recursive=True))  # noqa: PTH207 (** as shells have it)
    images = [
        image
        for path in map(Path, names)
        if is_store(path) or not path.is_dir()
        for image in images_in(path)
    ]
    if not images:
        refuse(f"no file matches {given}")
    return images


def _of_folder(folder: Path, *, recursive: bool, output: Path | None) -> list[Path]:
    if output is not None:
        inside, searched = output.resolve(), folder.resolve()
        if inside == searched or (recursive and searched in inside.parents):
            refuse(
                f"-o {output} is in the folder {folder}, which is searched for images, and results "
                "are images; choose another folder with -o"
            )
    images = [image for path in _walked(folder, recursive=recursive) for image in images_in(path)]
    if not images:
        more = "" if recursive else "; --recursive looks into its folders"
        refuse(f"{folder} has no image ({', '.join(ENDINGS)}, OME-Zarr) in it{more}")
    return images


def _walked(folder: Path, *, recursive: bool) -> list[Path]:
    """Name the image files and the stores of a folder; what lies in a store is not looked at."""
    found = []
    for where, folders, files in os.walk(folder):
        here = Path(where)
        # What other programs hide beside images, such as ._a.tif of macOS, is none.
        seen = [name for name in folders if not name.startswith(".")]
        stores = {name for name in seen if is_store(here / name)}
        found += [here / name for name in stores if not says_nothing(here / name)]
        found += [
            here / name
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in ENDINGS
        ]
        folders[:] = [name for name in seen if name not in stores] if recursive else []
    return sorted(found)


def groups_of(images: Sequence[Path], pattern: re.Pattern[str] | None) -> dict[Path, str]:
    """Name the group of each image: its folder or well, or what is found in its path."""
    if pattern is None:
        return {image: _folder_of(image.absolute()) for image in images}
    groups = {}
    for image in images:
        match = pattern.search(image.absolute().as_posix())
        if match is None:
            refuse(f"--group-by {pattern.pattern} finds nothing in {image.absolute().as_posix()}")
        groups[image] = match[1 if pattern.groups else 0] or ""
    return groups


def _folder_of(image: Path) -> str:
    place = place_of(image)
    return image.parent.name if place is None or not place.well else place.well

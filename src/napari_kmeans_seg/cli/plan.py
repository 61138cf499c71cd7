"""What a command is about to write, and whether it can: looked at before any work."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .layout import of_two, places_of
from .output import reason, refuse, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..files.base.paths import ResultPaths


@contextmanager
def planned(
    images: Sequence[Path],
    folders: Mapping[Path, Path],
    folder: Path,
    others: Sequence[Path] = (),
    *,
    overwrite: bool,
    resume: bool = False,
    quiet: bool,
    into_source: bool = False,
) -> Iterator[list[ResultPaths]]:
    """Name all results and refuse, before any work, what would end badly.

    Folders that are made for them, and are empty in the end, are removed.

    Parameters
    ----------
    images : sequence of Path
        What is segmented.
    folders : mapping of Path to Path
        Where in the folder the results of each go, of `folders_of`.
    folder : Path
        Where the results go; made, or looked after, if that is possible.
    others : sequence of Path
        What else is read, and therefore never written.
    overwrite, resume, quiet, into_source : bool
        The options of these names; to resume, `refuse_standing` is for later.
    """
    from ..files.result_paths import result_paths

    refuse_twice(images)
    _refuse_inside(folder, images)
    places = places_of(folders, folder)
    paths = [result_paths(image, places[image], into_source=into_source) for image in images]
    for image, results in zip(images, paths, strict=True):
        if into_source and not results.labels.is_relative_to(image):
            refuse(f"--into-source takes OME-Zarr images only; got {image}")
        for result in results:
            if _is_too_long(result):
                refuse(f"{image}: its result would be {result.name}, too long for a file name")
    for one, other, result in of_two(images, paths):
        refuse(
            f"{one} and {other} would both write {result}; "
            "rename one, or give them output folders of their own"
        )
    inputs = {os.path.realpath(image) for image in (*images, *others)}
    ends: dict[str, Path] = {}
    for result in (file for results in paths for file in results):
        end = os.path.realpath(result)
        if end in inputs:
            refuse(f"{result} is an input and would be overwritten; choose another folder with -o")
        if ends.setdefault(end, result) is not result:
            refuse(f"{ends[end]} and {result} are links to one file; remove one of them")
    made: list[Path] = []
    try:
        for place in dict.fromkeys([folder, *places.values()]):
            _refuse_inside(place, images)
            made += [one for one in (place, *place.parents) if not os.path.lexists(one)][::-1]
            make_folder(place)
        settle([place for results in paths for place in results.homes], quiet=quiet)
    except OSError as problem:
        _remove_empty(made)
        refuse(reason(problem))
    try:
        if not (overwrite or resume):
            refuse_standing(paths)
        if not quiet and any(place != folder for place in places.values()):
            more = f"their results go into folders in {folder}, named as their own"
            say(f"images of one name: {more}")
        yield paths
    finally:
        _remove_empty(made)


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in reversed(folders):
        with suppress(OSError):
            folder.rmdir()


def _refuse_inside(folder: Path, images: Sequence[Path]) -> None:
    """End where results would lie in a store that is read."""
    from ..files.ngff.plates import store_of

    end = Path(os.path.realpath(folder))
    for store in {store_of(image) for image in images}:
        if store is not None and end.is_relative_to(os.path.realpath(store)):
            refuse(f"-o {folder} is in the store {store}, which is read; choose another folder")


def refuse_standing(paths: Iterable[ResultPaths], *, resumes: bool = False) -> None:
    """End where results are there already: any, or those that cannot be resumed."""
    from ..core.writing.file_set import refuse_existing

    try:
        refuse_existing([file for results in paths for file in results])
    except FileExistsError as problem:
        if resumes:
            refuse(
                f"{problem}, of another input, model or options, or without the rest of their set; "
                "--overwrite beside --resume makes these anew"
            )
        refuse(f"{problem}; --overwrite replaces what is there")


def refuse_twice(images: Sequence[Path]) -> None:
    """End where one file is given twice, by whatever names."""
    seen: dict[str, Path] = {}
    for image in images:
        other = seen.setdefault(os.path.realpath(image), image)
        if other is not image:
            also = "" if str(other) == str(image) else f", also as {image}"
            refuse(f"{other} is given twice{also}; name each image once")


def settle(folders: Iterable[Path], *, quiet: bool) -> None:
    """Finish what earlier runs that ended early have left behind in folders that are there."""
    from ..core.writing.file_set import recover

    for folder in dict.fromkeys(folders):
        if not folder.is_dir():
            continue
        finished, problems = recover(folder)
        for files in () if quiet else finished:
            say(f"{folder}: an earlier run was cut off; its exchange of {files} has been ended")
        for problem in problems:
            say(f"warning: an earlier run was cut off: {problem}")


def _is_too_long(path: Path) -> bool:
    """Whether no file can have this name, where it is to be or where its folder will be made."""
    folder = next(one for one in path.absolute().parents if os.path.isdir(one))  # noqa: PTH112
    try:
        (folder / path.name).lstat()
    except OSError as problem:
        return problem.errno == errno.ENAMETOOLONG
    return False


def make_folder(folder: Path) -> None:
    """Make sure that files can be written in the folder, by writing one."""
    import tempfile

    try:
        is_file = folder.exists() and not folder.is_dir()
        if not is_file:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as problem:
        raise OSError(f"-o {folder} cannot be written: {problem.strerror or problem}") from problem
    if is_file:
        raise NotADirectoryError(f"-o {folder} is a file; a folder is needed")

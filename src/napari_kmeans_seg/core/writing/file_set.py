"""Files that belong together, written so that all are new or all are as they were.

The one way in which this package writes results: labels, pictures, tables and models.

**The protocol.** For a set of files of one folder, all this happens in a hidden folder beside
them, `.napari-kmeans-seg-<key>`, where `key` is made from the name of the set's first file:

1. The set is locked (`filelock`, on `.napari-kmeans-seg-<key>.lock`) until all is over. Who
   finds it locked writes nothing and says so. The lock of a process that died is free.
2. The new files are written into `new/` and flushed to the disk.
3. `commit.json`, the journal that names each file with what was there before, appears by one
   rename. **This is the moment**: before it the old set is there, untouched; from it on the new
   set is there, at first in `new/`.
4. Each old file gets a second name in `old/`, then the new one is renamed over it. Where nothing
   was, the new file is linked, which fails if there is something by now.
5. The folder is flushed, then the journal goes, then the hidden folder and the lock.

Should step 4 fail, say because a table is open elsewhere, the journal is renamed to `back.json`
and the old files are put back; no file that another program has changed meanwhile is touched.

Every step can be done twice. So whoever comes next and gets the lock (the next write of this
set, or `recover`, which the command line calls when it starts) knows from the names alone what
to do with a hidden folder: `back.json`, put the old back; `commit.json`, finish; neither, remove
it. It makes no difference whether the one before was interrupted, killed or lost its power.
Signals that Python handles, Ctrl-C among them, wait while files are exchanged or cleared away.

A symbolic link stays one, and the file it leads to is written; what is on the way to it, or to a
file in a folder of the folder, lies in `.napari-kmeans-seg-<key>.away` there. Sets that share a
file must share their first one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .file_exchange import (
    ChangedError,
    Identity,
    Pair,
    begin,
    close,
    commit,
    finish,
    identity,
    settle,
    work_of,
)
from .held_signals import HeldSignals

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

_PREFIX = ".napari-kmeans-seg-"
_OURS = re.compile(rf"{re.escape(_PREFIX)}([0-9a-f]{{16}})(\.lock)?")


def write_together(
    writers: Mapping[Path, Callable[[Path], object]],
    *,
    overwrite: bool = False,
    since: Mapping[Path, Identity | None] | None = None,
    folders: Collection[Path] = (),
) -> None:
    """Write files of one folder so that all appear, complete, or none does.

    Parameters
    ----------
    writers : mapping of Path to callable
        For each file what writes it, given the path to write to, which ends in the same name. All
        are in the folder of the first one, or in folders of it that are there.
    overwrite : bool
        Whether files that are there may be replaced. They keep their permissions.
    since : mapping of Path to Identity, optional
        What was there when the work began, of `standing`. A file that another program has
        written since is not replaced.
    folders : collection of Path
        Which of them are folders, such as stores, whose writers make them. What is there is
        replaced whole.

    Raises
    ------
    FileExistsError
        A file is there already and `overwrite` is False.
    BlockingIOError
        Another process is writing this set.
    ChangedError
        A file was written by another program since the work began.
    OSError
        The files cannot be written.
    """
    first = next(iter(writers))
    home = Path(os.path.realpath(first.parent))
    if not home.is_dir():
        # The lock would make it.
        if home.exists():
            raise NotADirectoryError(f"{first}: {first.parent} is a file; a folder is needed")
        raise FileNotFoundError(f"{first}: there is no folder {first.parent}; make it first")
    work = home / f"{_PREFIX}{_key(first.name)}"
    pairs = [_pair(work, path) for path in writers]
    if len({pair.target for pair in pairs}) < len(pairs):
        raise ValueError(f"{first} and what belongs to it lead to one and the same file")
    try:
        # Two seconds: who looks for leftovers holds a lock for an instant.
        with HeldSignals() as signals, _locked(work, str(first), 2.0):
            if os.path.lexists(work):
                settle(work)
            if not overwrite:
                refuse_existing(writers)
            pairs = [
                _checked(pair, is_folder=path in folders)
                for pair, path in zip(pairs, writers, strict=True)
            ]
            try:
                begin(work, pairs)
                with signals.let_through():
                    for pair, write in zip(pairs, writers.values(), strict=True):
                        write(pair.new_path)
                _refuse_changed(writers, since)
                ready = commit(work, pairs)
            except BaseException:
                with suppress(OSError):
                    close(work, pairs)
                raise
            finish(work, ready)
    except OSError as problem:
        raise _named(problem, pairs, first) from problem


def recover(folder: Path) -> tuple[list[str], list[str]]:
    """Finish or clear what processes that are no more have left in a folder.

    Returns
    -------
    finished : list of str
        The files of exchanges that were finished or taken back, a text for each set.
    problems : list of str
        What could be neither, and why; it stays as it is.
    """
    finished: list[str] = []
    problems: list[str] = []
    home = Path(os.path.realpath(folder))
    keys = {found[1] for path in home.iterdir() if (found := _OURS.fullmatch(path.name))}
    for key in sorted(keys):
        work = home / f"{_PREFIX}{key}"
        try:
            with HeldSignals(), _locked(work, str(work), 0):
                if os.path.lexists(work) and (names := settle(work)):
                    finished.append(", ".join(names))
        except BlockingIOError:
            continue  # its process lives
        except OSError as problem:
            problems.append(str(problem))
    return finished, problems


def standing(paths: Iterable[Path]) -> dict[Path, Identity | None]:
    """Note what stands at paths, for `write_together` to see whether it still does."""
    return {path: identity(Path(os.path.realpath(path))) for path in paths}


def refuse_existing(paths: Iterable[Path]) -> None:
    """Raise FileExistsError, naming what is there already."""
    there = [path for path in paths if os.path.lexists(path)]
    if there:
        names = ", ".join(str(path) for path in there[:3])
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        raise FileExistsError(f"{names}{more}: there already")


def _key(name: str) -> str:
    # On some file systems a.tif and A.tif are one.
    return hashlib.sha256(os.fsencode(name.casefold())).hexdigest()[:16]


def _pair(work: Path, path: Path) -> Pair:
    parent = Path(os.path.realpath(path.parent))
    if not parent.is_relative_to(work.parent):
        raise ValueError(f"{path} is not in the folder {work.parent}")
    name = (parent.relative_to(work.parent) / path.name).as_posix()
    target = Path(os.path.realpath(parent / path.name))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return Pair(name, target, work_of(work, target))


def _checked(pair: Pair, *, is_folder: bool) -> Pair:
    """Note what is to be replaced, which must be a file, or a folder where one is written."""
    old = identity(pair.target)
    if old is not None:
        mode = pair.target.lstat().st_mode
        if is_folder:
            if not stat.S_ISDIR(mode):
                raise NotADirectoryError(f"{pair.target} is no folder")
        elif stat.S_ISDIR(mode):
            raise IsADirectoryError(f"{pair.target} is a folder")
        elif not stat.S_ISREG(mode):
            raise OSError(f"{pair.target} is no regular file")
    return Pair(pair.name, pair.target, pair.work, old)


def _refuse_changed(paths: Iterable[Path], since: Mapping[Path, Identity | None] | None) -> None:
    now = standing(paths)
    for path in paths:
        if since is not None and now[path] != since[path]:
            raise ChangedError(
                f"{path} was written by another program since this run began; it is left as it is"
            )


@contextmanager
def _locked(work: Path, name: str, seconds: float) -> Iterator[None]:
    # Imported here: it takes a while, and reading needs none.
    from filelock import FileLock, Timeout

    path = work.with_name(f"{work.name}.lock")
    lock = FileLock(path)
    try:
        lock.acquire(timeout=seconds, poll_interval=0.02)
    except Timeout:
        _refuse_unwritable(path.parent, name)
        raise BlockingIOError(f"{name}: another process is writing these results") from None
    try:
        yield
    finally:
        # Before it is released: who waits for it sees that what it locked is no more, and makes
        # a new one. Windows does not let go of an open file; there the lock removes itself.
        with suppress(OSError):
            path.unlink()
        lock.release()


def _refuse_unwritable(folder: Path, name: str) -> None:
    """Tell a folder that takes no file, such as those of /proc, from a set that is locked."""
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        text = f"{name}: the folder {folder} takes no files ({problem.strerror})"
        raise PermissionError(text) from None


def _named(problem: OSError, pairs: list[Pair], first: Path) -> OSError:
    """Tell of the file that was to be written, not of the name under which it is on the way."""
    if problem.filename is None or problem.strerror is None:
        return problem
    at = Path(os.fsdecode(problem.filename)) if not isinstance(problem.filename, int) else None
    for pair in pairs:
        if at in (pair.new_path, pair.old_path):
            return type(problem)(problem.errno, problem.strerror, str(first.parent / pair.name))
    if at is not None and at.name.startswith(_PREFIX):
        return type(problem)(problem.errno, problem.strerror, str(first))
    return problem

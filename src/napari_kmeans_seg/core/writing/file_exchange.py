"""Old files against new ones, by a journal beside them; see `file_set` for the protocol."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

PLAN, COMMIT, BACK = "plan.json", "commit.json", "back.json"

_FORMAT = "napari-kmeans-seg exchange 1"
# What file systems say that cannot flush a folder, or at all.
_NO_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}

Identity = tuple[int, int, int]
"""Inode, bytes and time of change: what makes a file differ from the one that was there before."""


class ChangedError(OSError):
    """A file is not the one that it was when the exchange began."""


@dataclass(frozen=True)
class Pair:
    """A new file and the one whose place it takes.

    Attributes
    ----------
    name
        What the file is called in the folder of the set, or in folders of it: "a.csv", "b/c".
    target
        Where it is: the same, or what a symbolic link of this name leads to.
    work
        The hidden folder, on the file system of `target`, that holds `new/name` and `old/name`.
    old, fresh
        What was there before, None if nothing was; and what takes its place.
    """

    name: str
    target: Path
    work: Path
    old: Identity | None = None
    fresh: Identity | None = None

    @property
    def new_path(self) -> Path:
        """Where the new file waits."""
        return self.work / "new" / PurePosixPath(self.name).name

    @property
    def old_path(self) -> Path:
        """Where the old file is kept until all is done."""
        return self.work / "old" / PurePosixPath(self.name).name


def identity(path: Path) -> Identity | None:
    """Tell what stands at a path, without following links; None for nothing."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(found.st_mode):
        # The rest of a folder is another where it was moved, on some file systems.
        return (found.st_ino, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def work_of(work: Path, target: Path) -> Path:
    """Name the hidden folder for a target: `work`, or one like it beside a target elsewhere."""
    home = work.parent
    return work if target.parent == home else target.parent / f"{work.name}.away"


def begin(work: Path, pairs: list[Pair]) -> None:
    """Make the hidden folders; what is not beside `work` is written down before."""
    work.mkdir()
    if any(pair.work != work for pair in pairs):
        _write_journal(work / PLAN, pairs)
        flush_folder(work)
        flush_folder(work.parent)
    for folder in {pair.work for pair in pairs}:
        if folder.is_symlink():
            raise OSError(f"{folder} is no folder of ours; move it away")
        # One that is there belongs to this set, too, and to a run that is no more.
        for part in (folder, folder / "new", folder / "old"):
            part.mkdir(exist_ok=True)


def commit(work: Path, pairs: list[Pair]) -> list[Pair]:
    """Put all that is new on the disk, and then that it is to take the place of the old."""
    ready = []
    for pair in pairs:
        if pair.old is not None:
            pair.new_path.chmod(pair.target.stat().st_mode & 0o7777)
        _flush_all(pair.new_path)
        ready.append(replace(pair, fresh=identity(pair.new_path)))
    for folder in {pair.work for pair in pairs}:
        flush_folder(folder / "new")
        flush_folder(folder)
        flush_folder(folder.parent)
    unfinished = work / f"{COMMIT}.part"
    _write_journal(unfinished, ready)
    unfinished.replace(work / COMMIT)
    flush_folder(work)
    return ready


def finish(work: Path, pairs: list[Pair]) -> None:
    """Exchange all files; where one cannot be, all are taken back and the reason is raised."""
    try:
        for pair in pairs:
            _forward(pair)
    except Exception:
        (work / COMMIT).replace(work / BACK)
        flush_folder(work)
        take_back(work, pairs)
        raise
    _rest(pairs)
    close(work, pairs)


def take_back(work: Path, pairs: list[Pair]) -> None:
    """Put the old files where they were."""
    for pair in pairs:
        _back(pair)
    _rest(pairs)
    close(work, pairs)


def close(work: Path, pairs: list[Pair]) -> None:
    """End an exchange: first that there is one, then the hidden folders."""
    for journal in (COMMIT, BACK):
        (work / journal).unlink(missing_ok=True)
    flush_folder(work)
    # The plan, which names the others, goes last.
    for folder in sorted({pair.work for pair in pairs} - {work}):
        if folder.is_dir():
            shutil.rmtree(folder)
    shutil.rmtree(work)


def settle(work: Path) -> tuple[str, ...]:
    """Finish, or take back, what a process that is no more left in the middle.

    Returns
    -------
    tuple of str
        The names of the files that an unfinished exchange was about; empty if none had begun.

    Raises
    ------
    OSError
        It can be neither: a file was changed since, or the folder is not ours. Nothing is lost.
    """
    if work.is_symlink() or not work.is_dir():
        raise OSError(f"{work} is no folder of ours; move it away")
    if hasattr(os, "getuid") and work.lstat().st_uid != os.getuid():
        raise PermissionError(f"{work} was left by another user, who can finish it or remove it")
    if (work / BACK).exists():
        pairs = _read_journal(work, BACK)
        take_back(work, pairs)
    elif (work / COMMIT).exists():
        pairs = _read_journal(work, COMMIT)
        try:
            finish(work, pairs)
        except Exception:
            # What cannot be finished and was taken back has come to an end, too.
            if os.path.lexists(work):
                raise
    else:
        planned: list[Pair] = []
        # Of a plan that was cut off nothing was done yet.
        with suppress(OSError):
            planned = _read_journal(work, PLAN)
        close(work, planned)
        return ()
    return tuple(pair.name for pair in pairs)


def _forward(pair: Pair) -> None:
    new, old, target = pair.new_path, pair.old_path, pair.target
    now = identity(target)
    if not os.path.lexists(new):
        return  # it is where it belongs
    if pair.old is None:
        if now is None:
            _move_to_nothing(new, target)
        elif now == pair.fresh:
            new.unlink()  # linked, but not yet taken from here
        else:
            raise ChangedError(f"{target} was written by another program meanwhile")
        return
    if now not in (pair.old, None if os.path.lexists(old) else pair.old):
        raise ChangedError(f"{target} was changed by another program meanwhile")
    if not os.path.lexists(old):
        try:
            old.hardlink_to(target)
        except OSError:
            # This file system has no hard links.
            target.replace(old)
    new.replace(target)


def _move_to_nothing(new: Path, target: Path) -> None:
    """Move a file to where there is none, and where another is first, fail."""
    try:
        target.hardlink_to(new)
    except FileExistsError:
        raise ChangedError(f"{target} was written by another program meanwhile") from None
    except OSError:
        new.replace(target)
    else:
        new.unlink()


def _back(pair: Pair) -> None:
    new, old, target = pair.new_path, pair.old_path, pair.target
    now = identity(target)
    if os.path.lexists(new):
        # Never exchanged, but perhaps on the way.
        if pair.old is None and now is not None and now == pair.fresh:
            target.unlink()
        elif pair.old is not None and now is None and os.path.lexists(old):
            old.replace(target)
        return
    if now is not None and now != pair.fresh:
        if now == pair.old:
            return  # taken back before
        raise ChangedError(
            f"{target} was changed by another program after it had been exchanged; what was there "
            f"before stands in {pair.work}. Put it where it belongs, then remove that folder"
        )
    if pair.old is None:
        if now is not None:
            target.replace(new)
    else:
        if now is not None and target.is_dir():
            target.replace(new)  # no folder takes the place of another
        old.replace(target)


def _rest(pairs: list[Pair]) -> None:
    for folder in {pair.target.parent for pair in pairs}:
        flush_folder(folder)


def _write_journal(path: Path, pairs: list[Pair]) -> None:
    files = [
        {"name": pair.name, "target": str(pair.target), "old": pair.old, "new": pair.fresh}
        for pair in pairs
    ]
    with path.open("w", encoding="ascii") as file:
        json.dump({"format": _FORMAT, "files": files}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _read_journal(work: Path, name: str) -> list[Pair]:
    """Read a journal, and trust it no further than files of this folder and its links go."""
    path = work / name
    try:
        with path.open(encoding="ascii") as file:
            document = json.loads(file.read(1 << 20))
        if document["format"] != _FORMAT:
            raise ValueError("it is of another format")
        pairs = [_pair(work, entry) for entry in document["files"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise OSError(f"{path} is no journal that can be read ({problem}); move it away") from None
    for pair in pairs:
        if name != PLAN and Path(os.path.realpath(work.parent / pair.name)) != pair.target:
            raise ChangedError(
                f"{work.parent / pair.name} no longer leads to {pair.target}, as it did when its "
                f"exchange began; the files are in {work} and {pair.work}"
            )
    return pairs


def _pair(work: Path, entry: dict[str, Any]) -> Pair:
    name, target = entry["name"], Path(entry["target"])
    parts = name.split("/") if isinstance(name, str) else [""]
    if any(one in {"", ".", ".."} or Path(one).name != one for one in parts):
        raise ValueError(f"{name!r} is no name of a file")
    if not target.is_absolute():
        raise ValueError(f"{target} is no full path")
    old, fresh = (_known(entry[key]) for key in ("old", "new"))
    return Pair(name, target, work_of(work, target), old, fresh)


def _known(value: Any) -> Identity | None:
    if value is None:
        return None
    inode, size, changed = (int(number) for number in value)
    return (inode, size, changed)


def _flush_all(path: Path) -> None:
    if not path.is_dir():
        _flush_file(path)
        return
    for folder, _, names in os.walk(path):
        for name in names:
            _flush_file(Path(folder, name))
        flush_folder(Path(folder))


def _flush_file(path: Path) -> None:
    # Windows flushes only what may be written.
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        _flush(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(path: Path) -> None:
    """Put the names of a folder on the disk, where the system lets a program ask for that."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _flush(descriptor)
    finally:
        os.close(descriptor)


def _flush(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as problem:
        if problem.errno not in _NO_FLUSH:
            raise

"""A folder with a set of files, and the steps in which it is written."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import filelock  # noqa: F401 - imported before the steps are counted

from napari_kmeans_seg.core.writing import file_set

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("a_labels.tif", "a_segmented.png", "a_clusters.csv")
IN_FOLDERS = ("a_clusters.csv", "plate/A/labels", "plate/labels")
STEPS = {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"}


class Steps:
    """Counts system calls that change or open files, and does something at one or more of them."""

    def __init__(self) -> None:
        self.act: Callable[[int], None] | None = None
        self.n = 0
        self.flushed: set[int] = set()
        self.slow = 0.0
        sys.addaudithook(self._on_event)
        self._fsync, os.fsync = os.fsync, self._flush
        self._link = os.link

    def start(self, act: Callable[[int], None]) -> None:
        self.n, self.act = 0, act

    def have_hard_links(self, there: bool) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EPERM, "no hard links here")

        os.link = self._link if there else refuse

    def _on_event(self, event: str, arguments: object) -> None:
        if event in STEPS:
            if self.slow and event in {"os.rename", "os.link"} and self.act:
                time.sleep(self.slow)
            self._step()

    def _flush(self, descriptor: int) -> None:
        self._step()
        self._fsync(descriptor)
        self.flushed.add(os.fstat(descriptor).st_ino)

    def _step(self) -> None:
        if self.act is not None:
            act, n = self.act, self.n
            self.n += 1
            self.act = None
            try:
                act(n)
            finally:
                self.act = act


class Scene:
    """A folder with an old set, or a part of one, and what is written over it."""

    def __init__(
        self,
        root: Path,
        old: tuple[str, ...],
        linked: tuple[str, ...] = (),
        names: tuple[str, ...] = NAMES,
    ) -> None:
        self.root, self.home, self.elsewhere = root, root / "home", root / "elsewhere"
        self.old = {name: f"old {name}".encode() * 50 for name in old}
        self.new = {name: f"new {name}".encode() * 60 for name in names}
        self.linked, self.names = linked, names
        folders = {parent.as_posix() for name in names for parent in Path(name).parents}
        self.folders = sorted(folders - {"."})

    def prepare(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.elsewhere.mkdir()
        for name in self.folders:
            (self.home / name).mkdir(parents=True, exist_ok=True)
        for name in self.linked:
            (self.home / name).symlink_to(self.elsewhere / f"far {name}")
        for name, content in self.old.items():
            (self.home / name).write_bytes(content)

    def write(self) -> None:
        def writer(content: bytes) -> Callable[[Path], object]:
            return lambda path: path.write_bytes(content)

        file_set.write_together(
            {self.home / name: writer(content) for name, content in self.new.items()},
            overwrite=bool(self.old),
        )

    def wrong(self) -> str:
        """Say what is wrong with the folder, or nothing."""
        there = {path.relative_to(self.home).as_posix() for path in self.home.rglob("*")}
        there -= {*self.linked, *self.folders}
        others = {path.name for path in self.elsewhere.iterdir()}
        far = {f"far {name}" for name in self.linked}
        if extra := (there - set(self.names)) | (others - far):
            return f"left behind: {sorted(extra)}"
        if not all((self.home / name).is_symlink() for name in self.linked):
            return "a symbolic link is no more"
        found = {}
        for name in self.names:
            with suppress(FileNotFoundError):
                found[name] = (self.home / name).read_bytes()
        if found in (self.old, self.new):
            return ""
        told = {name: content[:3].decode() for name, content in found.items()}
        return f"neither the old set nor the new one: {told}"

    def is_new(self) -> bool:
        return all((self.home / name).read_bytes() == self.new[name] for name in self.names)


def scenes(root: Path) -> dict[str, Scene]:
    return {
        "a whole set": Scene(root, NAMES),
        "nothing": Scene(root, ()),
        "a part of a set": Scene(root, NAMES[1:2]),
        "links": Scene(root, NAMES, NAMES[:2]),
        "links to nothing yet": Scene(root, NAMES[2:], NAMES[:1]),
        "a part of a set in folders": Scene(root, IN_FOLDERS[:2], (), IN_FOLDERS),
    }

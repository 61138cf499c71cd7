"""A file of which all is read that it had when it was opened, or none."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from io import BufferedReader, FileIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _WholeFile(FileIO):
    """Raises OSError where a read finds an end that was not there.

    So it is on a disk that cannot be reached for a moment, and where another program cuts the
    file: decoders take what they got for all there is, and fill up with zeros.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._size = os.fstat(self.fileno()).st_size

    def readinto(self, buffer: Any, /) -> int:
        n = super().readinto(buffer) or 0
        if not n and len(buffer):
            self._check_end()
        return n

    def readall(self) -> bytes:
        content = super().readall() or b""
        self._check_end()
        return content

    def _check_end(self) -> None:
        if (end := self.tell()) < self._size:
            said = f"only {end:,} of its {self._size:,} bytes could be read; try again"
            raise OSError(errno.EIO, said, self.name)


@contextmanager
def whole_file(path: Path) -> Iterator[BufferedReader[_WholeFile]]:
    """Open a file to be read; it is found where its symbolic links lead, as what lies beside it.

    Raises
    ------
    OSError
        It cannot be opened, or, from each read, is shorter than it was.
    """
    with BufferedReader(_WholeFile(os.path.realpath(path))) as file:
        yield file

"""A folder for napari's settings that belongs to one process, so that nobody's own are touched."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from psutil import pid_exists

START = "napari-kmeans-seg-"


def folder() -> tempfile.TemporaryDirectory[str]:
    """Make one; those that processes left behind that were killed are removed."""
    for left in Path(tempfile.gettempdir()).glob(f"{START}*-*"):
        process = left.name.removeprefix(START).partition("-")[0]
        if process.isdecimal() and not pid_exists(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"{START}{os.getpid()}-")

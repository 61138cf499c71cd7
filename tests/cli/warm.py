"""A process that has imported what commands need: each command is a fork of it.

    python -W error warm.py

A line of JSON on stdin is a command: its arguments, folder, environment, and the files that
take what it prints. Its exit code is answered on stdout.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import warnings
from importlib import import_module

# What takes long to import of what the commands import.
SLOW = ["dask.array", "imagecodecs", "numpy", "pandas", "PIL.Image", "tifffile", "yaozarrs", "zarr"]
OURS = [
    "cli.app",
    "core.prepare",
    "core.model_parts.model_file",
    "files.images",
    "files.results",
    "files.ngff",
]


def main() -> None:
    """Carry out commands until stdin ends."""
    for name in (*SLOW, *(f"napari_kmeans_seg.{one}" for one in OURS)):
        import_module(name)
    gc.freeze()  # what is imported lives on: a child that ends need not search it for garbage
    for line in sys.stdin:
        with warnings.catch_warnings():
            # Of the threads of BLAS, which take part in no fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            begin(**json.loads(line))
            return import_module("napari_kmeans_seg.cli.app").main()
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return None


def begin(arguments: list[str], cwd: str, environment: dict[str, str], out: str, err: str) -> None:
    """Become the process of a command."""
    for number, path in enumerate((os.devnull, out, err)):
        file = os.open(path, os.O_RDWR)
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments


if __name__ == "__main__":
    main()

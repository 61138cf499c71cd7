"""Run the command as a person does: as a process, with its exit code and its words."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals, limits and terminals of POSIX")
PYTHON = [sys.executable, "-W", "error"]
COMMAND = [*PYTHON, "-m", "napari_kmeans_seg.cli"]
LONGEST = 120  # seconds
# For the image `slow`, so that there is time to interrupt.
SLOWLY = ("-k", 64, "--tol", 0)


def run(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    """Run the command and wait for it; forked where nothing but its folder is asked for.

    On Linux only: elsewhere libraries of the system do not stand a fork.
    """
    if options.keys() <= {"cwd"} and sys.platform == "linux":
        return warm.run(list(map(str, arguments)), **options)
    return run_from_nothing(*arguments, **options)


def run_from_nothing(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    """Do the same in a process that imports all it needs."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=LONGEST,
        check=False,
        env={**options.pop("env", os.environ), "PYTHONIOENCODING": "utf-8"},
        **options,
    )


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Warm:
    """The process that is forked for each command: most of the time of a short one is imports."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(self, words: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [*PYTHON, Path(__file__).with_name("warm.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            )
        process = self._process
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            command = {
                "arguments": words,
                "cwd": str(cwd or Path.cwd()),
                "environment": dict(os.environ),
                "out": out.name,
                "err": err.name,
            }
            print(json.dumps(command), file=process.stdin, flush=True)
            if not select.select([process.stdout], [], [], LONGEST)[0]:
                self.end()
                raise TimeoutError(f"{words} took more than {LONGEST} seconds")
            code = int(process.stdout.readline())
            said = [Path(one.name).read_text(encoding="utf-8") for one in (out, err)]
        return subprocess.CompletedProcess([*COMMAND, *words], code, *said)

    def end(self) -> None:
        """Let it go; the next command begins another."""
        if self._process is not None:
            self._process.stdin.close()
            self._process.terminate()
            self._process.stdout.close()
            self._process.wait()
            self._process = None


warm = Warm()

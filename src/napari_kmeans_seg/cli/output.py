"""What the command line says: results on stdout, errors and warnings on stderr."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from io import StringIO, UnsupportedOperation
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

    import pandas as pd

    from ..core.segmentation import Segmentation

NAME = "napari-kmeans-seg"


class Printer:
    """Prints to stdout, for as long as that takes it.

    Results are files: that what is said of them cannot be written is an error, reported once, and
    no reason to stop. A reader that has gone (`| head`) has seen what it wanted.

    Attributes
    ----------
    failed
        Whether something could not be written, other than to a reader that has gone.
    """

    def __init__(self) -> None:
        self.failed = False
        self._works = sys.stdout is not None
        if hasattr(sys.stdout, "reconfigure"):
            # A file name may have characters that the terminal's encoding has not.
            sys.stdout.reconfigure(errors="backslashreplace")

    def show(self, text: str) -> None:
        """Print lines."""
        if not self._works:
            return
        try:
            # Not by Typer, which takes a terminal of ASCII for one of UTF-8.
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        except OSError as problem:
            self._works = False
            if problem.errno != errno.EPIPE:
                self.failed = True
                say(f"nothing more is printed: {reason(problem)}")
            flush_or_let_go(sys.stdout)

    def show_table(self, title: str, frame: pd.DataFrame, end: str) -> None:
        """Print the clusters of an image, and a line below them, of `outcome`."""
        if not self._works:
            return
        from rich import box
        from rich.console import Console
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, show_edge=False)
        for column in frame.columns:
            table.add_column(printable(str(column)), justify="right", no_wrap=True)
        for row in frame.to_dict("records"):
            table.add_row(*(_cell(name, value) for name, value in row.items()))
        # In a file or a pipe nothing is cut off, however many channels there are.
        width = None if sys.stdout.isatty() else 1000
        page = _Page()
        console = Console(file=page, width=width, highlight=False, markup=False)
        console.print(printable(title))
        console.print(table)
        console.print(end)
        self.show(page.getvalue())


def outcome(seg: Segmentation, *, is_fit: bool = True) -> str:
    """Say in one line what came of a segmentation.

    Parameters
    ----------
    seg : Segmentation
        The segmentation.
    is_fit : bool
        Whether its clusters were found on this image, in iterations; not by a model.
    """
    from ..core.steps import StepsSegmentation

    n = seg.n_clusters - len(seg.model.removed)
    found = "1 cluster" if n == 1 else f"{n} clusters"
    if isinstance(seg, StepsSegmentation):
        found += f" in {len(seg.steps)} steps"
    if not is_fit:
        return found
    times = "1 iteration" if seg.n_iter == 1 else f"{seg.n_iter} iterations"
    end = "" if seg.converged else ", not converged: raise --max-iter"
    return f"{found}, {times}, inertia {seg.inertia:.6g}{end}"


class _Page(StringIO):
    """What stdout is to get; Rich itself would end the process where the reader has gone."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return sys.stdout.encoding

    def isatty(self) -> bool:
        return sys.stdout.isatty()


def say(message: str) -> None:
    """Write one line to stderr."""
    with suppress(OSError):
        typer.echo(f"{NAME}: {printable(message)}", err=True)


def refuse(message: str, code: int = 2) -> NoReturn:
    """Say why the command is not carried out, and end."""
    say(message)
    raise typer.Exit(code)


def reason(problem: BaseException, named: Path | None = None) -> str:
    """Say an error in one line, without the name of a file that was named before."""
    if isinstance(problem, MemoryError):
        return "there is not enough memory for this image"
    if isinstance(problem, OSError) and problem.strerror:
        is_named = named is not None and str(problem.filename) == str(named)
        where = f"{problem.filename}: " if problem.filename and not is_named else ""
        return f"{where}{problem.strerror}"
    text = " ".join(str(problem).split())
    expected = isinstance(problem, OSError | ValueError | TypeError)
    # Of what nobody has foreseen the kind says more than its text, which may be a number alone.
    return text if text and expected else f"{type(problem).__name__}: {text}".removesuffix(": ")


def reason_for(path: Path, problem: BaseException) -> str:
    """Say an error of a file in one line that begins with its name."""
    text = reason(problem, path)
    return text if text.startswith((f"{path}: ", f"{path} ")) else f"{path}: {text}"


def printable(text: str) -> str:
    """Escape what a terminal would obey instead of show: a file name may hold anything."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def _cell(name: Hashable, value: Any) -> str:
    if name == "percent":
        return f"{value:.2f}"
    # As fine for an image from 0 to 1 as for one of 16 bits.
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def flush_or_let_go(stream: Any) -> None:
    """Send to nowhere what a stream cannot take: Python would fail on it when it ends."""
    try:
        stream.flush()
    except OSError:
        with suppress(OSError, UnsupportedOperation):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)

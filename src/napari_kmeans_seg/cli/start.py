"""Where k-means starts: the name of a way to find centroids, or centroids of one's own."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path
from typing import Any

import typer

from ..core.arguments import ARGUMENTS
from ..core.base.errors import ArgumentProblem
from .output import refuse

OWN = (
    "Or your own: VALUES of the channels of each, 0,0,90;200,180,170 (quoted), or a FILE (.csv) "
    "with a row for each, such as a <stem>_clusters.csv. There are as many clusters as these then, "
    "with labels in their order."
)


def _init(given: Any) -> str | list[list[float]]:
    """Read the name of a start, or centroids: typed, or from a table."""
    text, argument = str(given).strip(), ARGUMENTS["init"]
    assert argument.check is not None
    rows = _rows(text)
    if rows is None and text.lower().endswith((".csv", ".tsv", ".txt")):
        rows = _rows_of(Path(text))
    if rows is not None:
        return rows
    try:
        name: str = argument.check("init", text)
    except ArgumentProblem as problem:
        takes = f"{problem.takes}, a table (.csv) or values such as 0,0,90;200,180,170"
        raise typer.BadParameter(f"got {given!r}, takes {takes}") from None
    return name


def _rows(text: str) -> list[list[float]] | None:
    """Read centroids: their numbers parted by commas or spaces, they by semicolons or lines."""
    lines = [line for line in re.split(r"[;\n]", text) if line.strip()]
    try:
        rows = [[float(one) for one in re.split(r"[,\s]+", line.strip())] for line in lines]
    except ValueError:
        return None
    alike = len({len(row) for row in rows}) == 1
    return rows if alike and all(math.isfinite(one) for row in rows for one in row) else None


def _rows_of(path: Path) -> list[list[float]]:
    """Read centroids from a table: what it calls mean_..., else all that stands in it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or "it is no text"
        raise typer.BadParameter(f"{path} cannot be read: {why}") from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    table = [*csv.reader(lines, delimiter="\t" if "\t" in text else ",")]
    means = [i for i, name in enumerate(table[0]) if name.startswith("mean_")] if table else []
    if means:
        table = [[row[i] for i in means if i < len(row)] for row in table[1:]]
    rows = _rows("\n".join(",".join(row) for row in table))
    if rows is None:
        raise typer.BadParameter(
            f"{path} takes a row of numbers for each cluster, one for each channel, or columns "
            "mean_... as clusters.csv has them"
        )
    return rows


INIT = typer.Option(
    "--init",
    parser=_init,
    metavar=f"[{'|'.join(one.value for one in ARGUMENTS['init'].choices)}]|FILE|VALUES",
    help=" ".join(
        [
            *ARGUMENTS["init"].help.split("\n"),
            *(f"{one.value}: {one.help}" for one in ARGUMENTS["init"].choices),
            OWN,
        ]
    ),
)


def number_of(init: Any, n_clusters: int) -> int:
    """Return how many clusters there are: those of a start that is given as values."""
    if isinstance(init, str) or n_clusters == len(init):
        return n_clusters
    if n_clusters != ARGUMENTS["n_clusters"].default:
        refuse(f"--init takes a row for each of the {n_clusters} clusters; got {len(init)}")
    return len(init)

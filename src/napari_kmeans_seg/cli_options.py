"""The options of the command line that take a number or a choice."""

from __future__ import annotations

import math
import sys
from enum import StrEnum
from typing import Any

import typer

MAX_SMOOTHING = 10_000.0
"""As in `core.checks`, which would load NumPy."""


class Init(StrEnum):
    """Where the centroids start."""

    AUTO = "auto"
    KMEANS_PLUS_PLUS = "k-means++"
    RANDOM = "random"
    OPTIMAL = "optimal"


class ColorSpace(StrEnum):
    """What distances between colours are measured in."""

    RGB = "rgb"
    LAB = "lab"
    HSV = "hsv"


def _number(
    kind: type[int] | type[float],
    *names: str,
    least: float,
    most: float = sys.float_info.max,
    takes: str,
    text: str,
    metavar: str = "NUMBER",
) -> Any:
    """Describe a numeric option whose error says what it got and what it takes."""

    def parse(given: Any) -> float:
        try:
            value = kind(given)
        except ValueError:
            value = math.nan
        if not least <= value <= most:  # nan is in no range
            raise typer.BadParameter(f"got {given!r}, takes {takes}")
        return value

    return typer.Option(*names, parser=parse, metavar=metavar, help=text)


N_CLUSTERS = _number(
    int,
    "-k",
    "--n-clusters",
    least=1,
    most=65_535,
    takes="an integer from 1 to 65,535",
    text="How many clusters.",
)
N_INIT = _number(
    int,
    "--n-init",
    least=1,
    takes="an integer of at least 1",
    text="Starts to try; the best counts.",
)
SEED = _number(
    int, "--seed", least=0, takes="an integer of at least 0", text="Same seed, same result."
)
TOL = _number(
    float,
    "--tol",
    least=0,
    takes="a number of at least 0",
    text="Stop when the centroids move less than this share of the pixels' variance; 0: when no "
    "pixel changes its cluster.",
)
MAX_ITER = _number(
    int, "--max-iter", least=1, takes="an integer of at least 1", text="Most iterations."
)
SMOOTHING = _number(
    float,
    "--smoothing",
    least=0,
    most=MAX_SMOOTHING,
    takes="a number of at least 0, up to 10,000",
    text="Blur before clustering: Gaussian sigma in pixels.",
)
FIT_SCALE = _number(
    float,
    "--fit-scale",
    least=sys.float_info.min,
    most=100,
    takes="a percentage of more than 0, up to 100",
    text="Find the clusters on a copy of this size; every pixel of the full image is labelled.",
    metavar="PERCENT",
)
MAX_PIXELS = _number(
    int,
    "--max-pixels",
    least=1,
    takes="an integer of at least 1",
    text="Most pixels of an image that is read; a page counts as at least 100,000.",
)

"""The options of the command line that take a number or a choice."""

from __future__ import annotations

import math
import sys
from enum import StrEnum
from typing import Any

import typer

SEGMENT_HELP = """Segment image files and write the results into a folder.

For each IMAGE:

<stem>_labels.tif: 1 is the darkest cluster, 0 no part of any.
The parameters stand as JSON in its description.

<stem>_segmented.<ext>: each pixel in the mean colour of its cluster.
The same kind of file as the input; JPEG, at quality 95, is not exact.

<stem>_clusters.csv: pixels, percent and mean values of each cluster.

TIFF results keep the axes and the pixel size of the input.
Values are what a viewer shows: white is bright, whatever number stands for it; palettes are
looked up, and they, CMYK, L*a*b* and colours with a profile become sRGB, results too.
Rows and columns are as stored: a picture that is marked to be turned (EXIF or TIFF
Orientation) is not, and all its results carry the mark.
Pixels that the file calls no data take no part.
An image that fails is reported, the others go on.
"""

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


def _real(text: str) -> int | float:
    """Read a number; integers that an image can have stay exact."""
    try:
        value = int(text)
    except ValueError:
        return float(text)
    return value if -(2**63) <= value < 2**64 else float(value)


def _pixel_value(name: str, text: str) -> Any:
    """Describe an option that takes a value as pixels have it; NaN takes no part anyway."""

    def parse(given: Any) -> int | float:
        try:
            value = _real(str(given))
        except ValueError:
            value = math.nan
        if math.isnan(value):
            raise typer.BadParameter(f"got {given!r}, takes a number")
        return value

    return typer.Option(name, parser=parse, metavar="VALUE", help=text)


NO_DATA = _pixel_value("--no-data", "Pixels of this value hold no data and take no part.")
LOW = _pixel_value("--min", "Pixels below it take no part.")
HIGH = _pixel_value("--max", "Pixels above it take no part.")
SERIES = _number(
    int,
    "--series",
    least=0,
    takes="an integer of at least 0",
    text="Which of several images in a file, counted from 0; else the first at full resolution.",
)
MASK = typer.Option(
    "--mask", metavar="FILE", help="Image of the same size: pixels where it is black take no part."
)


def _channel_axis(given: str) -> int | str | None:
    if given in {"auto", "none"}:
        return None if given == "none" else given
    try:
        return int(given)
    except ValueError:
        raise typer.BadParameter(f"got {given!r}, takes auto, none or an integer") from None


CHANNEL_AXIS = typer.Option(
    "--channel-axis",
    parser=_channel_axis,
    metavar="auto|none|AXIS",
    help="Axis of the channels, counted from 0 or, from the last, -1. auto: what the file "
    "says; none: one channel.",
)
MAX_PIXELS = _number(
    int,
    "--max-pixels",
    least=1,
    takes="an integer of at least 1",
    text="Most pixels of an image that is read; a page counts as at least 100,000.",
)

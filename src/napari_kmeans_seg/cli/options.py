"""The options of the command line, each with a check of what is typed."""

from __future__ import annotations

import math
import re
import sys
from contextlib import suppress
from typing import Any

import typer

from ..core.arguments import ARGUMENTS
from ..core.base.errors import ArgumentProblem
from ..core.cluster_colors import HUES, MEAN

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


def as_option(argument: str, value: str = "") -> str:
    """Call an argument what a person types."""
    name = f"--{argument.replace('_', '-')}"
    return name if value in ("", "True") else f"{name} {value}"


def option(name: str, *names: str) -> Any:
    """Describe the option for an argument of `segment`.

    Parameters
    ----------
    name : str
        Of the argument.
    *names : str
        What the option is called; by default as the argument, e.g. ``--n-init``.
    """
    argument = ARGUMENTS[name]
    names = names or (f"--{name.replace('_', '-')}",)
    words = [*argument.help.split("\n"), *(f"{one.value}: {one.help}" for one in argument.choices)]
    text = " ".join(words)
    if argument.default is False:
        return typer.Option(*names, help=text)  # without its --no-...
    if name == "fit_scale":
        return _number(
            float,
            *names,
            least=sys.float_info.min,
            most=100,
            takes="a percentage of more than 0, up to 100",
            text=text,
            metavar="PERCENT",
        )
    kind = type(argument.default)

    def parse(given: Any) -> Any:
        value, check = given, argument.check
        with suppress(ValueError):  # or the check says what it takes
            value = kind(given)
        assert check is not None
        try:
            return check(name, value)
        except ArgumentProblem as problem:
            raise typer.BadParameter(f"got {given!r}, takes {problem.takes}") from None

    values = "|".join(one.value for one in argument.choices)
    metavar = f"[{values}]" if values else "NUMBER"
    return typer.Option(*names, parser=parse, metavar=metavar, help=text)


def _weights(given: Any) -> list[float] | dict[str, float]:
    """Read a weight for each channel, or those of some by name or number."""
    words = [
        one for one in re.split(r"[,\s]+" if "=" not in str(given) else ",", str(given)) if one
    ]
    named = [one.rpartition("=") for one in words]
    try:
        weights = {name.strip(): float(value) for name, _, value in named}
        if words and all(sign for _, sign, _ in named) and len(weights) == len(words):
            return weights
        if words and not any(sign for _, sign, _ in named):
            return [float(one) for one in words]
    except ValueError:
        pass
    takes = "a number for each channel, 1,1,0.5, or some by name or number, DAPI=2,0=0.5"
    raise typer.BadParameter(f"got {given!r}, takes {takes}")


CHANNEL_WEIGHTS = typer.Option(
    "--channel-weights",
    parser=_weights,
    metavar="WEIGHTS",
    help=" ".join(
        [
            *ARGUMENTS["channel_weights"].help.split("\n"),
            "Here 1,1,0.5, or those of some channels by name or number from 0: DAPI=2,2=0.5.",
        ]
    ),
)


def _colors(given: Any) -> str | tuple[str, ...]:
    """Read a palette, or a colour for each cluster."""
    text = str(given).strip()
    if text in (MEAN, HUES):
        return text
    from PIL import ImageColor

    try:
        found = [ImageColor.getrgb(one.strip()) for one in text.split(",")]
    except ValueError:
        takes = f"{MEAN}, {HUES} or colours such as red,#4477aa"
        raise typer.BadParameter(f"got {given!r}, takes {takes}") from None
    return tuple("#{:02x}{:02x}{:02x}".format(*one[:3]) for one in found)


COLORS = typer.Option(
    "--colors",
    parser=_colors,
    metavar=f"{MEAN}|{HUES}|LIST",
    help="Colours of the clusters, for the labels, which viewers then show in them, and the "
    f"table. {MEAN}: of their means; {HUES}: hues that colour-blind people can tell apart; or one "
    "for each cluster, red,#4477aa,... By default those of the model, if it has any.",
)


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


SPECKS = _number(
    int,
    "--specks",
    least=0,
    takes="an integer of at least 0",
    text="Connected pieces of a cluster with fewer pixels, in each plane, go to what is around "
    "them. 0: none. The segmented image and the means follow the labels.",
    metavar="PIXELS",
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


def _values(given: Any) -> tuple[int | float, ...]:
    """Read one value as pixels have it, or several."""
    try:
        values = tuple(_real(one) for one in re.split(r"[,\s]+", str(given).strip()))
    except ValueError:
        values = (math.nan,)
    if any(math.isnan(one) for one in values):
        raise typer.BadParameter(f"got {given!r}, takes a number, or several: 0,255")
    return values


NO_DATA = typer.Option(
    "--no-data",
    parser=_values,
    metavar="VALUES",
    help="Pixels of this value, or of one of several (0,255), hold no data and take no part.",
)
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
    "--mask",
    metavar="FILE|PATTERN|DIR",
    help="Where it is black pixels take no part: an image of the same size. One FILE for all; or "
    "one for each, by a PATTERN beside the images, {stem}_mask.tif, in which {stem} is the image's "
    "name without its ending; or a folder DIR, which has them under the names of the images, with "
    "any ending. Masks of other images are no images.",
)


def _channels(given: Any) -> tuple[tuple[str, str], ...]:
    """Read which files are which channels: names, and what stands in the names of the files."""
    parts = [one.strip() for one in str(given).split(",")]
    pairs = tuple((one.partition("=")[0].strip(), one.rpartition("=")[2].strip()) for one in parts)
    # What has no name is called what it is found by.
    pairs = tuple((name.strip("_-. ") or name, word) for name, word in pairs)
    names, words = ({one[i].casefold() for one in pairs} for i in (0, 1))
    if len(pairs) < 2 or "" in names | words or len(pairs) > min(len(names), len(words)):
        takes = "two or more, each with what only its files have in their names: DAPI=_w1,GFP=_w2"
        raise typer.BadParameter(f"got {given!r}, takes {takes}")
    return pairs


CHANNELS = typer.Option(
    "--channels",
    parser=_channels,
    metavar="NAME=TEXT,...",
    help="Files that are channels of one image: what to call each channel, and what its files have "
    "in their names, such as DAPI=_w1,GFP=_w2. The rest of the name is that of the image.",
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
OUTPUT = typer.Option("-o", "--output", metavar="DIR", help="Folder for the results; made if new.")
OVERWRITE = typer.Option("--overwrite", help="Replace results that are there already.")
INTO_SOURCE = typer.Option(
    "--into-source",
    help="Write the labels of OME-Zarr images into their own stores, beside other labels; nothing "
    "else in these is touched.",
)
QUIET = typer.Option(
    "-q", "--quiet", help="Print errors only, and where a result may mean nothing."
)
RESUME = typer.Option(
    "--resume",
    help="Go on with a run that was cut off: skip images whose results are there, of the same "
    "input, model and options; clusters.csv has all.",
)


def _pattern(given: Any) -> re.Pattern[str]:
    try:
        return re.compile(str(given))
    except re.error as problem:
        raise typer.BadParameter(f"got {given!r}, takes a regular expression: {problem}") from None


GROUP_BY = typer.Option(
    "--group-by",
    parser=_pattern,
    metavar="REGEX",
    help="The group of an image in clusters.csv: what this regular expression, or the first (...) "
    "in it, finds in the path; else the name of its folder.",
)
JOBS = _number(
    int,
    "--jobs",
    "-j",
    least=1,
    takes="an integer of at least 1",
    text="How many images are worked on at once, each in a process with memory of its own.",
)

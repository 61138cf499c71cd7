"""How many clusters: scores of several numbers, of one image or of many together."""

from __future__ import annotations

import re
from pathlib import Path  # noqa: TC003 (Typer reads the annotations)
from typing import Annotated, Any

import typer

from ..core.base.checks import MAX_CLUSTERS
from ..files.limits import DEFAULT_MAX_PIXELS
from .experiment import ADAPT, WEIGHTING, Adapt, Weighting, of_all, of_pool
from .inputs import IMAGES, LIST, RECURSIVE
from .options import (
    CHANNEL_AXIS,
    CHANNEL_WEIGHTS,
    CHANNELS,
    HIGH,
    LOW,
    MASK,
    MAX_PIXELS,
    NO_DATA,
    SERIES,
    option,
)
from .output import Printer
from .plan import refuse_twice
from .reading import reading_of


def _numbers(given: Any) -> range:
    """Read the least and the largest number of clusters."""
    parts = re.fullmatch(r"(\d{1,5})-(\d{1,5})", str(given).strip())
    least, largest = map(int, parts.groups()) if parts else (0, 0)
    if not 1 <= least <= largest <= MAX_CLUSTERS:
        takes = f"two numbers from 1 to {MAX_CLUSTERS:,}, such as 2-12"
        raise typer.BadParameter(f"got {given!r}, takes {takes}")
    return range(least, largest + 1)


NUMBERS = typer.Option(
    "-k",
    "--n-clusters",
    parser=_numbers,
    metavar="LEAST-LARGEST",
    help="The least and the largest number of clusters that is tried.",
)
NUMBER_ONLY = typer.Option("-q", "--quiet", help="Print the suggested number, and errors, only.")


def choose_k(
    images: Annotated[list[Path] | None, IMAGES] = None,
    listed: Annotated[Path | None, LIST] = None,
    recursive: Annotated[bool, RECURSIVE] = False,
    n_clusters: Annotated[Any, NUMBERS] = "2-12",
    init: Annotated[str, option("init")] = "auto",
    n_init: Annotated[int, option("n_init")] = 1,
    seed: Annotated[int, option("seed")] = 0,
    tol: Annotated[float, option("tol")] = 1e-4,
    max_iter: Annotated[int, option("max_iter")] = 300,
    color_space: Annotated[str, option("color_space")] = "rgb",
    smoothing: Annotated[float, option("smoothing")] = 0.0,
    channel_weights: Annotated[Any, CHANNEL_WEIGHTS] = None,
    normalize: Annotated[bool, option("normalize")] = False,
    weighting: Annotated[Weighting, WEIGHTING] = Weighting.PIXELS,
    adapt: Annotated[Adapt, ADAPT] = Adapt.NONE,
    channel_axis: Annotated[Any, CHANNEL_AXIS] = "auto",
    series: Annotated[int | None, SERIES] = None,
    channels: Annotated[Any, CHANNELS] = None,
    no_data: Annotated[Any, NO_DATA] = None,
    low: Annotated[float | None, LOW] = None,
    high: Annotated[float | None, HIGH] = None,
    mask: Annotated[Path | None, MASK] = None,
    max_pixels: Annotated[int, MAX_PIXELS] = DEFAULT_MAX_PIXELS,
    quiet: Annotated[bool, NUMBER_ONLY] = False,
) -> None:
    """Suggest a number of clusters for all images together, and print why."""
    limits = (no_data, low, high)
    reading = reading_of(channel_axis, series, limits, mask, channels, max_pixels)
    reading, images = reading.of_images(
        images or [], listed, recursive=recursive, output=None, quiet=quiet
    )
    refuse_twice(images)
    of_fit: dict[str, Any] = {"init": init, "n_init": n_init, "seed": seed, "tol": tol}
    curve, failed = of_all(
        images,
        of_pool(color_space, smoothing, channel_weights, normalize, weighting, adapt),
        reading,
        lambda pooled, progress: pooled.choose_k(
            n_clusters, **of_fit, max_iter=max_iter, progress=progress
        ),
        quiet=quiet,
    )
    printer = Printer()
    if quiet:
        printer.show(str(curve.suggestion))
    else:
        end = f"{curve.suggestion} clusters. {curve.reason}"
        one = "1 image" if len(images) == 1 else f"{len(images) - len(failed)} images"
        printer.show_table(one, curve.to_dataframe(), end)
    if failed or printer.failed:
        raise typer.Exit(1)

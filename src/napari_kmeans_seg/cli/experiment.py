"""An experiment: one model fitted on many image files, and applied to many."""

from __future__ import annotations

import warnings
from enum import StrEnum
from pathlib import Path  # noqa: TC003 (Typer reads the annotations)
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ..core.cluster_colors import colored
from ..files.limits import DEFAULT_MAX_PIXELS
from .cluster import SCHEDULER, connected
from .inputs import IMAGES, LIST, RECURSIVE
from .options import (
    CHANNEL_AXIS,
    CHANNEL_WEIGHTS,
    CHANNELS,
    COLORS,
    HIGH,
    LOW,
    MASK,
    MAX_PIXELS,
    NO_DATA,
    QUIET,
    SERIES,
    option,
)
from .output import reason, reason_for, refuse, say
from .plan import refuse_twice
from .process import end_if_interrupted
from .reading import reading_of, refuse_few
from .start import INIT, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..core.base.parallel import Progress
    from ..core.model import KMeansModel
    from ..core.pool.pooled import PooledImages
    from .reading import Reading


Made = TypeVar("Made")


class Weighting(StrEnum):
    """What counts the same."""

    PIXELS = "pixels"
    IMAGES = "images"


class Adapt(StrEnum):
    """How images are adapted to each other."""

    NONE = "none"
    SCALE = "scale"


_OF_FIT = ("n_clusters", "init", "n_init", "seed", "tol", "max_iter")

WEIGHTING = typer.Option(
    "--weighting", help="Whether each pixel counts the same, or each image, however large."
)
ADAPT = typer.Option(
    "--adapt",
    help="scale: stretch each channel of each image to one range first, for other lamps. Not "
    "where some images have what others have not.",
)


def fit(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The model, a JSON file.")
    ],
    images: Annotated[list[Path] | None, IMAGES] = None,
    listed: Annotated[Path | None, LIST] = None,
    recursive: Annotated[bool, RECURSIVE] = False,
    n_clusters: Annotated[int, option("n_clusters", "-k", "--n-clusters")] = 5,
    init: Annotated[Any, INIT] = "auto",
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
    colors: Annotated[Any, COLORS] = None,
    max_pixels: Annotated[int, MAX_PIXELS] = DEFAULT_MAX_PIXELS,
    scheduler: Annotated[str | None, SCHEDULER] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model that is there already.")
    ] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Fit one model on the pixels of many images, each of which is read once."""
    n_clusters = number_of(init, n_clusters)
    refuse_few(colors, n_clusters)
    limits = (no_data, low, high)
    reading = reading_of(channel_axis, series, limits, mask, channels, max_pixels)
    reading, images = reading.of_images(
        images or [], listed, recursive=recursive, output=None, quiet=quiet
    )
    if output.exists() and not overwrite:
        refuse(f"{output} exists already; --overwrite replaces what is there")
    if not output.parent.is_dir():
        refuse(f"-o {output}: there is no folder {output.parent}; make it first")
    read = [file for image in images for file in reading.read_by(image)]
    if output.resolve() in {one.resolve() for one in (*read, *([mask] if mask else ()))}:
        refuse(f"{output} is an input and would be overwritten; choose another file with -o")
    settings = {
        "n_clusters": n_clusters,
        "init": init,
        "n_init": n_init,
        "seed": seed,
        "tol": tol,
        "max_iter": max_iter,
        **of_pool(color_space, smoothing, channel_weights, normalize, weighting, adapt),
    }
    refuse_twice(images)
    with connected(scheduler):
        model, failed = fitted(images, settings, reading, quiet=quiet)
    model = colored(model, colors)
    try:
        model.save(output)
    except (OSError, ValueError) as problem:
        refuse(f"-o {output} cannot be written: {reason(problem, output)}", code=1)
    if not quiet:
        say(f"{model!r} saved to {output}")
    if failed:
        raise typer.Exit(1)


def of_pool(
    color_space: str,
    smoothing: float,
    channel_weights: Any,
    normalize: bool,
    weighting: Weighting,
    adapt: Adapt,
) -> dict[str, Any]:
    """Name what was typed as `pool` takes it."""
    return {
        "color_space": color_space,
        "smoothing": smoothing,
        "channel_weights": channel_weights,
        "normalize": normalize,
        "weighting": weighting.value,
        "adapt": None if adapt is Adapt.NONE else adapt.value,
    }


def fitted(
    images: Sequence[Path], settings: dict[str, Any], reading: Reading, *, quiet: bool
) -> tuple[KMeansModel, set[Path]]:
    """Fit one model on the image files that can be read and are of one kind; report the others."""
    of_fit = {name: settings[name] for name in _OF_FIT}
    pooling = {name: one for name, one in settings.items() if name not in of_fit}
    return of_all(
        images, pooling, reading,
        lambda pooled, progress: pooled.fit(**of_fit, keep_order=True, progress=progress),
        quiet=quiet,
    )  # fmt: skip


def of_all(
    images: Sequence[Path],
    pooling: dict[str, Any],
    reading: Reading,
    make: Callable[[PooledImages, Progress], Made],
    *,
    quiet: bool,
) -> tuple[Made, set[Path]]:
    """Pool the image files that can be read and are of one kind, and make something of them.

    Parameters
    ----------
    images : sequence of Path
        The files; those that fail are reported.
    pooling : dict
        The arguments of `pool`.
    reading : Reading
        How files are read.
    make : callable
        Called with what was pooled and its progress.
    quiet : bool
        Whether nothing but errors is said.

    Returns
    -------
    object
        What was made.
    set of Path
        The files that failed.
    """
    from .. import pool
    from ..core.base.parallel import within
    from .batch import bar

    failed: set[Path] = set()

    def report(path: Path, problem: Exception) -> None:
        end_if_interrupted()
        failed.add(path)
        say(reason_for(path, problem))

    readable = []
    for image in images:
        try:
            reading.of(image).check()
        except Exception as problem:  # noqa: BLE001 - of whatever kind, it is of this file alone
            report(image, problem)
        else:
            readable.append(image)
    try:
        with (
            bar("all images", quiet=quiet) as progress,
            warnings.catch_warnings(record=True) as caught,
        ):
            warnings.simplefilter("always")
            files: Any = [reading.of(image) for image in readable]
            pooled = pool(
                files,
                **pooling,
                progress=within(progress, 0, 0.8),
                failed=lambda i, problem: report(readable[i], problem),
            )
            made = make(pooled, within(progress, 0.8, 1) or progress)
    except (OSError, TypeError, ValueError) as problem:
        refuse("no image is left to fit" if len(failed) == len(images) else reason(problem), code=1)
    for one in caught if not quiet else ():
        say(f"warning: {one.message}")
    return made, failed


def loaded(path: Path) -> KMeansModel:
    """Read a model, or end with what is wrong with it."""
    from .. import KMeansModel

    try:
        return KMeansModel.load(path)
    except (OSError, ValueError) as problem:
        refuse(reason_for(path, problem))

"""The command line: `napari-kmeans-seg segment`, `fit`, `apply`, `choose-k` and `demo`.

NumPy, the decoders and napari are imported where a command needs them, so that
`--help` and a mistyped option answer at once.

The exit codes stand in `process.EXIT_CODES`.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.arguments import ARGUMENTS
from ..files.limits import DEFAULT_MAX_PIXELS
from .batch import TABLE, Batch, write_each, write_table
from .choose import choose_k
from .cluster import SCHEDULER, connected
from .experiment import fit, fitted, loaded
from .inputs import IMAGES, LIST, RECURSIVE, groups_of
from .layout import folders_of
from .options import (
    CHANNEL_AXIS,
    CHANNEL_WEIGHTS,
    CHANNELS,
    COLORS,
    GROUP_BY,
    HIGH,
    INTO_SOURCE,
    JOBS,
    LOW,
    MASK,
    MAX_PIXELS,
    NO_DATA,
    OUTPUT,
    OVERWRITE,
    QUIET,
    RESUME,
    SEGMENT_HELP,
    SERIES,
    SPECKS,
    as_option,
    option,
)
from .output import NAME, Printer, outcome, printable, reason, refuse, say
from .plan import make_folder, planned, settle
from .process import EXIT_CODES, NOT_STARTED, end_with
from .reading import reading_of, refuse_few
from .start import INIT, number_of
from .steps import STEP_AXIS
from .work import ByItself, ByModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..files.base.paths import ResultPaths


APART = (
    "warning: each image has clusters of its own: label 2 of one is not label 2 of another. "
    "--together fits one clustering on all."
)

app = typer.Typer(
    name=NAME,
    help="Segment images by k-means on their pixel values.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    end_with(_run)


def _run() -> int:
    try:
        code = app(prog_name=NAME, standalone_mode=False)
    except Exception as problem:
        # Typer's usage errors: their class has moved between its versions, this method has not.
        if not hasattr(problem, "format_message"):
            raise
        message = problem.format_message()
        if message:
            # Some versions of Typer show where its own check failed.
            say(" ".join(message.split()).replace(": Value error, ", ": ", 1))
        code = NOT_STARTED
    return code if isinstance(code, int) else 0


def _show_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"{NAME} {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Segment images by k-means on their pixel values."""


@app.command(help=SEGMENT_HELP, epilog=EXIT_CODES)
def segment(
    images: Annotated[list[Path] | None, IMAGES] = None,
    listed: Annotated[Path | None, LIST] = None,
    recursive: Annotated[bool, RECURSIVE] = False,
    n_clusters: Annotated[int, option("n_clusters", "-k", "--n-clusters")] = 5,
    output: Annotated[Path, OUTPUT] = Path(),
    init: Annotated[Any, INIT] = "auto",
    n_init: Annotated[int, option("n_init")] = 1,
    seed: Annotated[int, option("seed")] = 0,
    tol: Annotated[float, option("tol")] = 1e-4,
    max_iter: Annotated[int, option("max_iter")] = 300,
    color_space: Annotated[str, option("color_space")] = "rgb",
    smoothing: Annotated[float, option("smoothing")] = 0.0,
    spatial_weight: Annotated[float, option("spatial_weight")] = 0.0,
    channel_weights: Annotated[Any, CHANNEL_WEIGHTS] = None,
    normalize: Annotated[bool, option("normalize")] = False,
    fit_scale: Annotated[float, option("fit_scale")] = 100.0,
    channel_axis: Annotated[Any, CHANNEL_AXIS] = "auto",
    series: Annotated[int | None, SERIES] = None,
    step_axis: Annotated[Any, STEP_AXIS] = None,
    channels: Annotated[Any, CHANNELS] = None,
    no_data: Annotated[Any, NO_DATA] = None,
    low: Annotated[float | None, LOW] = None,
    high: Annotated[float | None, HIGH] = None,
    mask: Annotated[Path | None, MASK] = None,
    specks: Annotated[int, SPECKS] = 0,
    colors: Annotated[Any, COLORS] = None,
    together: Annotated[
        bool,
        typer.Option("--together", help="Fit one clustering on all images, and label each by it."),
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option("--model", metavar="FILE", help="Label by a model that fit saved; see apply."),
    ] = None,
    max_pixels: Annotated[int, MAX_PIXELS] = DEFAULT_MAX_PIXELS,
    overwrite: Annotated[bool, OVERWRITE] = False,
    resume: Annotated[bool, RESUME] = False,
    into_source: Annotated[bool, INTO_SOURCE] = False,
    group_by: Annotated[Any, GROUP_BY] = None,
    jobs: Annotated[int, JOBS] = 1,
    scheduler: Annotated[str | None, SCHEDULER] = None,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Segment image files and write the results into a folder."""
    if group_by is not None and not together and model is None:
        refuse("--group-by is for clusters.csv, which --together and --model write")
    if together and model is not None:
        refuse("--together fits a model and --model takes one; give one of them")
    n_clusters = number_of(init, n_clusters)
    refuse_few(colors if model is None else None, n_clusters)
    settings = {
        "n_clusters": n_clusters,
        "init": init,
        "n_init": n_init,
        "seed": seed,
        "tol": tol,
        "max_iter": max_iter,
        "color_space": color_space,
        "smoothing": smoothing,
        "channel_weights": channel_weights,
        "normalize": normalize,
    }
    if step_axis is not None and not (isinstance(init, str) or together or model is not None):
        refuse("--step-axis takes no --init of values: the clusters of each step are its own")
    of_one = {"spatial_weight": spatial_weight, "fit_scale": fit_scale / 100}
    limits = (no_data, low, high)
    reading = reading_of(channel_axis, series, limits, mask, channels, max_pixels)
    if model is not None:
        chosen = settings | of_one
        asked = [name for name, one in chosen.items() if one != ARGUMENTS[name].default]
        if asked:
            refuse(f"--model takes no {as_option(asked[0])}: the model was fitted by its own")
    if scheduler is not None:
        # Its workers are in other folders.
        output = output.absolute()
    reading, images = reading.of_images(
        images or [], listed, recursive=recursive, output=output, quiet=quiet,
        absolute=scheduler is not None,
    )  # fmt: skip
    groups = groups_of(images, group_by)
    others = [one for one in (mask, model) if one is not None]
    others += [file for image in images for file in reading.read_by(image)]
    of_places = [name for name, one in of_one.items() if one != ARGUMENTS[name].default]
    if together and of_places:
        refuse(f"--together takes no {as_option(of_places[0])}: it is of one image")
    failed: set[Path] = set()
    work: ByItself | ByModel
    with ExitStack() as running:
        client = running.enter_context(connected(scheduler))
        folders = folders_of(images, into_source=into_source)
        plans = running.enter_context(
            planned(images, folders, output, others, overwrite=overwrite, resume=resume,
                    quiet=quiet, into_source=into_source)
        )  # fmt: skip
        if together:
            fit_of_all, failed = fitted(images, settings, reading, quiet=quiet)
            work = ByModel(fit_of_all)
        elif model is not None:
            work = ByModel(loaded(model))
            refuse_few(colors, work.model.n_clusters)
        else:
            work = ByItself(settings | of_one)
            if len(images) > 1 and not quiet:
                say(APART)
        batch = Batch(
            work, reading, groups, folders, colors, step_axis, specks,
            overwrite=overwrite, resume=resume, jobs=jobs, quiet=quiet,
        )  # fmt: skip
        pairs = zip(images, plans, strict=True)
        left = [(image, one) for image, one in pairs if image not in failed]
        table = output / TABLE if together or model is not None else None
        _write(left, batch, table, client, failed=bool(failed))


def _write(
    images: Sequence[tuple[Path, ResultPaths]],
    batch: Batch,
    table: Path | None,
    client: Any,
    *,
    failed: bool = False,
) -> None:
    """Write the results of images, and a table of all; end with 1 where one fails or has failed."""
    from ..core.writing.file_set import standing

    replaces = batch.overwrite or batch.resume
    if table is not None and table.exists() and not replaces:
        refuse(f"{table} exists already; --overwrite replaces what is there")
    paths = [file for _, results in images for file in results]
    since = standing(paths if table is None else [table, *paths])
    printer = Printer()
    if client is not None:
        batch = replace(batch, is_remote=True)
    tables, fails = write_each(images, batch, since, printer, client)
    if client is not None and paths:
        # Of workers that died.
        settle([folder for _, results in images for folder in results.homes], quiet=True)
    if table is not None and tables:
        try:
            write_table(tables, table, since, overwrite=replaces)
        except OSError as problem:
            refuse(f"{table} cannot be written: {reason(problem, table)}", code=1)
    if failed or fails or printer.failed:
        raise typer.Exit(1)


@app.command(epilog=EXIT_CODES)
def apply(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model that fit saved.")],
    images: Annotated[list[Path] | None, IMAGES] = None,
    listed: Annotated[Path | None, LIST] = None,
    recursive: Annotated[bool, RECURSIVE] = False,
    output: Annotated[Path, OUTPUT] = Path(),
    rescale: Annotated[
        bool, typer.Option("--rescale", help="Bring 8 and 16 bits to the scale of the model.")
    ] = False,
    channel_axis: Annotated[Any, CHANNEL_AXIS] = "auto",
    series: Annotated[int | None, SERIES] = None,
    step_axis: Annotated[Any, STEP_AXIS] = None,
    channels: Annotated[Any, CHANNELS] = None,
    no_data: Annotated[Any, NO_DATA] = None,
    low: Annotated[float | None, LOW] = None,
    high: Annotated[float | None, HIGH] = None,
    mask: Annotated[Path | None, MASK] = None,
    specks: Annotated[int, SPECKS] = 0,
    colors: Annotated[Any, COLORS] = None,
    max_pixels: Annotated[int, MAX_PIXELS] = DEFAULT_MAX_PIXELS,
    overwrite: Annotated[bool, OVERWRITE] = False,
    resume: Annotated[bool, RESUME] = False,
    into_source: Annotated[bool, INTO_SOURCE] = False,
    group_by: Annotated[Any, GROUP_BY] = None,
    jobs: Annotated[int, JOBS] = 1,
    scheduler: Annotated[str | None, SCHEDULER] = None,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Label images by a model, write the results of each and one table of all.

    The table, clusters.csv, has a row for each cluster of each image.
    """
    limits = (no_data, low, high)
    reading = reading_of(channel_axis, series, limits, mask, channels, max_pixels)
    work = ByModel(loaded(model), rescale)
    refuse_few(colors, work.model.n_clusters)
    if scheduler is not None:
        # Its workers are in other folders.
        output = output.absolute()
    reading, images = reading.of_images(
        images or [], listed, recursive=recursive, output=output, quiet=quiet,
        absolute=scheduler is not None,
    )  # fmt: skip
    groups = groups_of(images, group_by)
    others = [one for one in (mask, model) if one is not None]
    others += [file for image in images for file in reading.read_by(image)]
    with ExitStack() as running:
        client = running.enter_context(connected(scheduler))
        folders = folders_of(images, into_source=into_source)
        plans = running.enter_context(
            planned(images, folders, output, others, overwrite=overwrite, resume=resume,
                    quiet=quiet, into_source=into_source)
        )  # fmt: skip
        batch = Batch(
            work, reading, groups, folders, colors, step_axis, specks,
            overwrite=overwrite, resume=resume, jobs=jobs, quiet=quiet,
        )  # fmt: skip
        _write(list(zip(images, plans, strict=True)), batch, output / TABLE, client)


app.command(epilog=EXIT_CODES)(fit)
app.command("choose-k", epilog=EXIT_CODES)(choose_k)


@app.command()
def demo(
    n_clusters: Annotated[int, option("n_clusters", "-k", "--n-clusters")] = 5,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Folder for the pictures if there is no screen."
        ),
    ] = Path("napari-kmeans-seg-demo"),
    screenshot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Save a picture (PNG) of the window with the result, then close."
        ),
    ] = None,
) -> None:
    """Open napari with a sample photograph, the widget and its result.

    Without a screen the sample is segmented all the same, and the pictures go into a folder.
    """
    from . import demo as demonstration

    if screenshot is not None:
        try:
            demonstration.check_screenshot(screenshot)
        except (OSError, ValueError) as problem:
            refuse(f"--screenshot {reason(problem)}")
    printer = Printer()
    no_window = demonstration.why_no_window()
    if no_window is None:
        try:
            demonstration.show_window(n_clusters, screenshot)
        except (OSError, RuntimeError, ValueError) as problem:
            refuse(reason(problem), code=1)
        if screenshot is not None:
            printer.show(f"Saved {printable(str(screenshot))}")
    elif screenshot is not None:
        refuse(f"no picture of the window: {no_window}", code=1)
    else:
        printer.show(
            f"napari cannot open a window here: {printable(no_window)}\n"
            "Segmenting the sample without it."
        )
        _write_demo(printer, n_clusters, output)
    if printer.failed:
        raise typer.Exit(1)


def _write_demo(printer: Printer, n_clusters: int, folder: Path) -> None:
    from .demo import write_pictures

    try:
        make_folder(folder)
    except OSError as problem:
        refuse(reason(problem))
    try:
        seg, files = write_pictures(n_clusters, folder)
    except FileExistsError as problem:
        refuse(f"{problem}; choose another folder with -o")
    except (OSError, RuntimeError, ValueError) as problem:
        refuse(reason(problem), code=1)
    printer.show_table("coffee", seg.to_dataframe(["red", "green", "blue"]), outcome(seg))
    printer.show("\n".join(["Wrote", *(f"  {printable(str(file))}" for file in files)]))

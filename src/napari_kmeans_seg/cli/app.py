"""The command line: `napari-kmeans-seg segment` and `napari-kmeans-seg demo`.

NumPy, the decoders and napari are imported where a command needs them, so that
`--help` and a mistyped option answer at once.

The exit codes stand in `process.EXIT_CODES`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..files.limits import DEFAULT_MAX_PIXELS
from .options import (
    CHANNEL_AXIS,
    HIGH,
    LOW,
    MASK,
    MAX_PIXELS,
    NO_DATA,
    SEGMENT_HELP,
    SERIES,
    option,
)
from .output import NAME, Printer, printable, reason, reason_for, refuse, say
from .plan import make_folder, plan
from .process import EXIT_CODES, NOT_STARTED, end_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.segmentation import Segmentation
    from ..core.writing.file_exchange import Identity
    from ..files.image_file import ImageFile
    from ..files.part import Limits
    from ..files.results import ResultPaths


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
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE",
            help="TIFF (also stacks, ImageJ, OME), PNG, JPEG or BMP files.",
            readable=False,  # one that cannot be read is no reason to refuse the others
        ),
    ],
    n_clusters: Annotated[int, option("n_clusters", "-k", "--n-clusters")] = 5,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="DIR", help="Folder for the results; made if new."),
    ] = Path(),
    init: Annotated[str, option("init")] = "auto",
    n_init: Annotated[int, option("n_init")] = 1,
    seed: Annotated[int, option("seed")] = 0,
    tol: Annotated[float, option("tol")] = 1e-4,
    max_iter: Annotated[int, option("max_iter")] = 300,
    color_space: Annotated[str, option("color_space")] = "rgb",
    smoothing: Annotated[float, option("smoothing")] = 0.0,
    normalize: Annotated[bool, option("normalize")] = False,
    fit_scale: Annotated[float, option("fit_scale")] = 100.0,
    channel_axis: Annotated[Any, CHANNEL_AXIS] = "auto",
    series: Annotated[int | None, SERIES] = None,
    no_data: Annotated[float | None, NO_DATA] = None,
    low: Annotated[float | None, LOW] = None,
    high: Annotated[float | None, HIGH] = None,
    mask: Annotated[Path | None, MASK] = None,
    max_pixels: Annotated[int, MAX_PIXELS] = DEFAULT_MAX_PIXELS,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that are there already.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False,
) -> None:
    """Segment image files and write the results into a folder."""
    from ..core.writing.file_set import standing

    settings = {
        "n_clusters": n_clusters,
        "init": init,
        "n_init": n_init,
        "seed": seed,
        "tol": tol,
        "max_iter": max_iter,
        "color_space": color_space,
        "smoothing": smoothing,
        "normalize": normalize,
        "fit_scale": fit_scale / 100,
    }
    limits = _limits(no_data, low, high, mask, max_pixels)
    others = [] if mask is None else [mask]
    paths = plan(images, output, others, overwrite=overwrite, quiet=quiet)
    since = standing(file for results in paths for file in results)
    printer, failed = Printer(), False
    for path, results in zip(images, paths, strict=True):
        started = time.perf_counter()
        try:
            image, seg = _segment_file(
                path,
                results,
                settings,
                channel_axis,
                series,
                limits,
                max_pixels,
                since,
                overwrite=overwrite,
                quiet=quiet,
            )
        except Exception as problem:  # noqa: BLE001 - of whatever kind, it is of this file alone
            say(reason_for(path, problem))
            failed = True
            continue
        if not quiet:
            _report(printer, image, seg, time.perf_counter() - started)
    if failed or printer.failed:
        raise typer.Exit(1)


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
    printer.show_table("coffee", seg.to_dataframe(["red", "green", "blue"]), seg)
    printer.show("\n".join(["Wrote", *(f"  {printable(str(file))}" for file in files)]))


def _limits(
    no_data: float | None, low: float | None, high: float | None, mask: Path | None, max_pixels: int
) -> Limits:
    from ..files.limits import check_size
    from ..files.part import Limits, read_mask

    if low is not None and high is not None and low > high:
        refuse(f"--min {low} is above --max {high}")
    if mask is None:
        return Limits(no_data, low, high)
    try:
        check_size(mask, max_pixels)
        return Limits(no_data, low, high, read_mask(mask))
    except (OSError, ValueError) as problem:
        refuse(f"--mask {mask}: {reason(problem)}")


def _segment_file(
    path: Path,
    results: ResultPaths,
    settings: dict[str, Any],
    axis: int | Literal["auto"] | None,
    series: int | None,
    limits: Limits,
    max_pixels: int,
    since: Mapping[Path, Identity | None],
    *,
    overwrite: bool,
    quiet: bool,
) -> tuple[ImageFile, Segmentation]:
    import warnings
    from dataclasses import replace

    from tqdm import tqdm

    from .. import segment as segment_pixels
    from ..files.images import read_image
    from ..files.limits import check_size
    from ..files.part import taking_part
    from ..files.results import write_results

    with (
        tqdm(
            total=100,
            desc=printable(path.name),
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}{postfix}",
            disable=True if quiet else None,  # None: only where a person looks at a terminal
            delay=0.3,
            miniters=0,  # the steps are uneven: go by time alone
            leave=False,
            file=sys.stderr,
        ) as bar,
        warnings.catch_warnings(),
    ):
        # Ours stand in the result, too, and are printed from there.
        warnings.simplefilter("ignore", UserWarning)

        def progress(fraction: float, stage: str) -> None:
            bar.set_postfix_str(stage, refresh=False)
            bar.update(100 * fraction - bar.n)

        check_size(path, max_pixels)
        image = read_image(path, series)
        if axis != "auto":
            image = image.with_channel_axis(axis)
        seg = segment_pixels(
            image.pixels,
            **settings,
            channel_axis=image.channel_axis,
            alpha=image.alpha,
            mask=taking_part(image, limits),
            progress=progress,
        )
        bar.set_postfix_str("writing")
        note = limits.to_json() | ({} if series is None else {"series": series})
        lost = write_results(image, seg, results, overwrite=overwrite, note=note, since=since)
    return replace(image, warnings=(*image.warnings, *lost)), seg


def _report(printer: Printer, image: ImageFile, seg: Segmentation, seconds: float) -> None:
    from ..files.results import cluster_table

    for warning in (*image.warnings, *seg.warnings):
        say(f"{image.path}: warning: {warning}")
    printer.show_table(f"{image.path}  {seconds:.1f} s", cluster_table(image, seg), seg)

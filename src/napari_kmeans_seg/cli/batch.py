"""Image files one after the other: each is segmented by itself, or labelled by one model."""

from __future__ import annotations

import csv
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from .output import Printer, printable, reason_for, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from ..core.model import KMeansModel
    from ..core.parallel import Progress
    from ..core.segmentation import Segmentation
    from ..core.writing.file_exchange import Identity
    from ..files.image_file import ImageFile
    from ..files.part import Limits
    from ..files.results import ResultPaths

TABLE = "clusters.csv"
"""The table of all images, in the folder of the results."""


@contextmanager
def bar(title: str, *, quiet: bool) -> Iterator[Progress]:
    """Show progress on a terminal, and nothing of warnings: they stand in the results."""
    import warnings

    from tqdm import tqdm

    with (
        tqdm(
            total=100,
            desc=printable(title),
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}{postfix}",
            disable=True if quiet else None,  # None: only where a person looks at a terminal
            delay=0.3,
            miniters=0,  # the steps are uneven: go by time alone
            leave=False,
            file=sys.stderr,
        ) as shown,
        warnings.catch_warnings(),
    ):
        # Ours stand in the result, too, and are printed from there.
        warnings.simplefilter("ignore", UserWarning)

        def progress(fraction: float, stage: str) -> None:
            shown.set_postfix_str(stage, refresh=False)
            shown.update(100 * fraction - shown.n)

        yield progress


def by_itself(settings: dict[str, Any]) -> Callable[[ImageFile, Any, Progress], Segmentation]:
    """Segment an image with clusters of its own."""

    def work(image: ImageFile, mask: Any, progress: Progress) -> Segmentation:
        from .. import segment

        return segment(
            image.pixels,
            **settings,
            channel_axis=image.channel_axis,
            alpha=image.alpha,
            mask=mask,
            channel_names=image.names_told or None,
            progress=progress,
        )

    return work


def by_model(
    model: KMeansModel, *, rescale: bool
) -> Callable[[ImageFile, Any, Progress], Segmentation]:
    """Label an image with the clusters of a model."""

    def work(image: ImageFile, mask: Any, progress: Progress) -> Segmentation:
        from ..core.same_kind import refuse_other_form

        refuse_other_form(model, image)
        return model.predict(
            image.pixels,
            mask=mask,
            rescale=rescale,
            channel_names=image.names_told or None,
            progress=progress,
        )

    return work


def write_each(
    images: Sequence[Path],
    paths: Sequence[ResultPaths],
    work: Callable[[ImageFile, Any, Progress], Segmentation],
    reading: dict[str, Any],
    since: Mapping[Path, Identity | None],
    printer: Printer,
    *,
    overwrite: bool,
    quiet: bool,
) -> tuple[list[pd.DataFrame], bool]:
    """Write the results of each image that can be read; give the tables, and whether one failed.

    Parameters
    ----------
    images, paths : sequence
        The files, and where the results go.
    work : callable
        `by_itself` or `by_model`.
    reading : dict
        How files are read: axis, series, limits, max_pixels.
    since : mapping
        What stood at the paths when the run began.
    printer : Printer
        Prints the tables.
    overwrite, quiet : bool
        The options of these names.
    """
    tables, failed = [], False
    for path, results in zip(images, paths, strict=True):
        started = time.perf_counter()
        try:
            image, seg = _segment_file(
                path, results, work, **reading, since=since, overwrite=overwrite, quiet=quiet
            )
        except Exception as problem:  # noqa: BLE001 - of whatever kind, it is of this file alone
            say(reason_for(path, problem))
            failed = True
            continue
        tables.append(_rows(path, image, seg))
        if not quiet:
            _report(printer, image, seg, time.perf_counter() - started)
    return tables, failed


def _segment_file(
    path: Path,
    results: ResultPaths,
    work: Callable[[ImageFile, Any, Progress], Segmentation],
    *,
    axis: int | Literal["auto"] | None,
    series: int | None,
    limits: Limits,
    max_pixels: int,
    since: Mapping[Path, Identity | None],
    overwrite: bool,
    quiet: bool,
) -> tuple[ImageFile, Segmentation]:
    from dataclasses import replace

    from ..files.images import read_image
    from ..files.limits import check_size
    from ..files.part import taking_part
    from ..files.results import write_results

    with bar(path.name, quiet=quiet) as progress:
        check_size(path, max_pixels)
        image = read_image(path, series)
        if axis != "auto":
            image = image.with_channel_axis(axis)
        seg = work(image, taking_part(image, limits), progress)
        progress(1, "writing")
        note = limits.to_json() | ({} if series is None else {"series": series})
        lost = write_results(image, seg, results, overwrite=overwrite, note=note, since=since)
    return replace(image, warnings=(*image.warnings, *lost)), seg


def _report(printer: Printer, image: ImageFile, seg: Segmentation, seconds: float) -> None:
    from ..files.results import cluster_table

    for warning in (*image.warnings, *seg.warnings):
        say(f"{image.path}: warning: {warning}")
    table = cluster_table(image, seg)
    if seg.model.names:
        table.insert(1, "name", _names(seg, table))
    printer.show_table(f"{image.path}  {seconds:.1f} s", table, seg)


def _rows(path: Path, image: ImageFile, seg: Segmentation) -> pd.DataFrame:
    """Return one row per cluster of an image, for the table of all."""
    from ..files.results import cluster_table

    table = cluster_table(image, seg)
    table.insert(0, "image", path.name)
    table.insert(1, "group", path.absolute().parent.name)
    table.insert(3, "name", _names(seg, table))
    return table


def _names(seg: Segmentation, table: pd.DataFrame) -> list[str]:
    return [seg.model.names.get(label, "") for label in table["label"]]


def write_table(
    tables: Sequence[pd.DataFrame], path: Path, since: Mapping[Path, Identity | None], *,
    overwrite: bool,
) -> None:  # fmt: skip
    """Write one table of all images."""
    import pandas as pd

    from ..core.writing.file_set import write_together

    # Texts in quotes, as in the tables of single images.
    write_together(
        {
            path: lambda aside: pd.concat(tables).to_csv(
                aside, index=False, quoting=csv.QUOTE_NONNUMERIC
            )
        },
        overwrite=overwrite,
        since=since,
    )

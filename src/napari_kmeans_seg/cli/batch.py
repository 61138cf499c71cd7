"""Image files one after the other: each is segmented by itself, or labelled by one model."""

from __future__ import annotations

import sys
import time
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from .cluster import on_cluster
from .jobs import in_order
from .options import as_option
from .output import Printer, outcome, printable, reason, reason_for, say
from .plan import refuse_standing
from .process import end_if_interrupted
from .resume import digest_of_work, is_done, made_of
from .steps import axis_in
from .work import ByItself

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from ..core.base.parallel import Progress
    from ..core.cluster_colors import Colors
    from ..core.segmentation import Segmentation
    from ..core.writing.file_exchange import Identity
    from ..files.base.image_file import ImageFile
    from ..files.base.paths import ResultPaths
    from ..files.input_file import InputFile
    from .reading import Reading
    from .work import ByModel

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


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is done with each of several images.

    Attributes
    ----------
    work
        What makes a segmentation of an image.
    reading
        How files are read.
    groups
        What each file belongs to.
    folders
        Where in the folder of all results those of each go, of `folders_of`.
    colors
        Those of the clusters: see `cluster_colors.colored`.
    step_axis
        The axis of the steps of a series, as a person names it.
    specks
        Pieces of fewer pixels go to what is around them.
    overwrite, resume, jobs, quiet
        The options of these names.
    is_remote
        Whether workers of a cluster do it.
    """

    work: ByItself | ByModel = field(kw_only=False)
    reading: Reading = field(kw_only=False)
    groups: Mapping[Path, str] = field(kw_only=False)
    folders: Mapping[Path, Path] = field(kw_only=False)
    colors: Colors | None = field(kw_only=False)
    step_axis: int | str | None = field(kw_only=False)
    specks: int = field(kw_only=False)
    overwrite: bool
    resume: bool
    jobs: int
    quiet: bool
    is_remote: bool = False

    @property
    def shows_progress(self) -> bool:
        """Whether a bar is shown of each image."""
        return not (self.quiet or self.is_remote or self.jobs > 1)


@dataclass(frozen=True)
class Done:
    """What is printed of an image whose results are written."""

    table: pd.DataFrame
    shown: pd.DataFrame
    warnings: tuple[str, ...]
    doubts: tuple[str, ...]
    outcome: str
    seconds: float


def write_each(
    images: Sequence[tuple[Path, ResultPaths]],
    batch: Batch,
    since: Mapping[Path, Identity | None],
    printer: Printer,
    client: Any = None,
) -> tuple[list[pd.DataFrame], bool]:
    """Write the results of each image that can be read; give the tables, and whether one failed.

    Parameters
    ----------
    images : sequence
        The files, each with where its results go.
    batch : Batch
        What is done with each.
    since : mapping
        What stood at the paths when the run began.
    printer : Printer
        Prints the tables.
    client : distributed.Client, optional
        Whose workers do it.
    """
    of_results = {"colors": batch.colors, "steps": batch.step_axis, "specks": batch.specks}
    digest = digest_of_work(batch.work.to_json() | of_results, batch.reading)
    done = [
        batch.resume and is_done(batch.reading.of(path), results, digest)
        for path, results in images
    ]
    if batch.resume and not batch.overwrite:
        others = [results for (_, results), one in zip(images, done, strict=True) if not one]
        refuse_standing(others, resumes=True)
    tables, failed = [], False
    work = partial(_write_one, batch=batch, digest=digest, since=since)
    left = [one for one, is_there in zip(images, done, strict=True) if not is_there]
    new: Iterator[Any]
    if client is None:
        new = in_order(work, left, batch.jobs)
    else:
        new = on_cluster(work, left, client)
    for (path, results), is_there in zip(images, done, strict=True):
        if is_there:
            tables.append(_rows(path, results, _read_table(results), batch))
            continue
        found = next(new)
        if isinstance(found, Exception) and is_done(batch.reading.of(path), results, digest):
            # What died had written all, and could not say so any more.
            tables.append(_rows(path, results, _read_table(results), batch))
            continue
        if isinstance(found, BrokenExecutor):
            found = f"{path}: the process that worked on it, or on another image, died"
        elif isinstance(found, Exception):
            found = f"{path}: the Dask cluster could not work on it: {reason(found)}"
        if isinstance(found, str):
            say(found)
            failed = True
            continue
        tables.append(_rows(path, results, found.table, batch))
        for warning in (*(() if batch.quiet else found.warnings), *found.doubts):
            say(f"{path}: warning: {warning}")
        if not batch.quiet:
            shown = found.shown.copy()
            names = [batch.work.name_of(label) for label in shown["label"]]
            if any(names):
                shown.insert(1, "name", names)
            printer.show_table(f"{path}  {found.seconds:.1f} s", shown, found.outcome)
    if any(done) and not batch.quiet:
        say(f"{sum(done)} of {len(done)} images were done already")
    return tables, failed


def _write_one(
    given: tuple[Path, ResultPaths],
    batch: Batch,
    digest: str,
    since: Mapping[Path, Identity | None],
) -> Done | str:
    """Write the results of an image, or say why not."""
    path, results = given
    if batch.is_remote and is_done(batch.reading.of(path), results, digest):
        # The worker before this one died when it had written all.
        table = _read_table(results)
        return Done(table, table, (), (), "written by a worker that died", 0)
    started = time.perf_counter()
    try:
        with _by_itself():
            image, seg = _segment_file(batch.reading.of(path), results, batch, digest, since)
            from ..files.tables import cluster_table

            table = shown = cluster_table(image, seg)
            if batch.step_axis is not None:
                # As it is found later, too.
                table = _read_table(results)
    except Exception as problem:  # noqa: BLE001 - of whatever kind, it is of this file alone
        end_if_interrupted()
        return reason_for(path, problem)
    seconds = time.perf_counter() - started
    doubts, notes = (
        tuple(note.words(as_option) for note in seg.notes if note.is_doubt == is_doubt)
        for is_doubt in (True, False)
    )
    said = outcome(seg, is_fit=isinstance(batch.work, ByItself))
    return Done(table, shown, (*image.warnings, *notes), doubts, said, seconds)


@contextmanager
def _by_itself() -> Iterator[None]:
    """Have Dask compute in this process where it is a worker of a cluster.

    Workers that asked each other for the chunks of their images would wait for each other.
    """
    distributed: Any = sys.modules.get("distributed")
    try:
        distributed.get_worker()
    except (AttributeError, ValueError):
        yield
        return
    import dask

    with dask.config.set(scheduler="threads"):
        yield


def _segment_file(
    file: InputFile,
    results: ResultPaths,
    batch: Batch,
    digest: str,
    since: Mapping[Path, Identity | None],
) -> tuple[ImageFile, Segmentation]:
    from dataclasses import replace

    from ..core.cluster_colors import colored
    from ..core.steps import StepsSegmentation
    from ..files.ngff.plates import name_of
    from ..files.results import write_results

    with bar(name_of(file.path), quiet=not batch.shows_progress) as progress:
        file.check()
        of_this = made_of(file, digest)
        image, inside = file.open()
        step_axis = axis_in(image, batch.step_axis)
        seg = batch.work(image, inside, step_axis, progress)
        if batch.specks:
            import warnings

            # Imported here: it takes napari, which a file without specks need not wait for.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what napari imports
                from ..layers import CleanUp

            progress(1, "merging specks")
            seg = CleanUp(specks=batch.specks).without_specks(seg)
        # Of steps that were clustered each by itself the model is that of the first.
        model = (
            replace(seg.model, centroids=seg.centroids)
            if isinstance(seg, StepsSegmentation)
            else seg.model
        )
        seg = replace(seg, model=colored(model, batch.colors))
        progress(1, "writing")
        end_if_interrupted()
        lost = write_results(
            image, seg, results,
            overwrite=batch.overwrite, note=file.to_json(), made_of=of_this, since=since,
            step_axis=step_axis, specks=batch.specks,
        )  # fmt: skip
    return replace(image, warnings=(*image.warnings, *lost)), seg


def _read_table(results: ResultPaths) -> pd.DataFrame:
    """Read the table of an image again, digit by digit."""
    import pandas as pd

    # Python's own reading of numbers: exact, in every version of pandas.
    return pd.read_csv(results.clusters, engine="python", encoding="utf-8")


def _rows(path: Path, results: ResultPaths, clusters: pd.DataFrame, batch: Batch) -> pd.DataFrame:
    """Return one row per cluster of an image, for the table of all."""
    from ..files.ngff.plates import name_of
    from ..files.results import read_note

    table = clusters.copy()
    table.insert(0, "image", (batch.folders[path] / name_of(path)).as_posix())
    table.insert(1, "group", batch.groups[path])
    where = list(table.columns).index("label") + 1
    table.insert(where, "name", [batch.work.name_of(label) for label in table["label"]])
    # Of the results, as a later run finds it, too.
    size = read_note(results.labels).get("pixel_size")
    if size is not None:
        quantity, of_one, unit = size
        where = list(table.columns).index("percent") + 1
        table.insert(where, quantity, table["pixels"] * of_one)
        table.insert(where + 1, "unit", unit)
    return table


def write_table(
    tables: Sequence[pd.DataFrame], path: Path, since: Mapping[Path, Identity | None], *,
    overwrite: bool,
) -> None:  # fmt: skip
    """Write one table of all images."""
    import pandas as pd

    from ..core.writing.file_set import write_together
    from ..core.writing.tables import table_text

    text = table_text(pd.concat(tables))
    write_together(
        {path: lambda aside: aside.write_bytes(text.encode())}, overwrite=overwrite, since=since
    )

"""The numbers of a result for other programs: as a file, or for the clipboard."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pandas as pd

from napari_kmeans_seg.core.writing.file_set import write_together
from napari_kmeans_seg.core.writing.tables import harmless, table_text

from ..outputs import columns
from ..outputs.record import Record
from .methods_text import methods_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari.layers import Labels

    from ..base.same import Changed

_TEXTS = {".csv": ",", ".tsv": "\t"}
_EXCEL = ".xlsx"


def table_formats() -> dict[str, str]:
    """Name the formats of a saved table by their suffixes; Excel where pandas can write it."""
    formats = {".csv": "Comma-separated values", ".tsv": "Tab-separated values"}
    if find_spec("openpyxl") or find_spec("xlsxwriter"):
        formats[_EXCEL] = "Excel"
    return formats


def clusters_as_text(layer: Labels, labels: Sequence[int] | None = None) -> str:
    """Give the table of clusters for the clipboard: a header, tabs, all columns, all digits.

    Parameters
    ----------
    layer : Labels
        The Labels layer of a result.
    labels : sequence of int, optional
        Which clusters, in their order; all where none are given.

    Raises
    ------
    ValueError
        If the layer is a preview of what is in view.
    """
    return table_text(_clusters(layer, labels), "\t", quoted=False)


def save_clusters(
    path: Path,
    layer: Labels,
    labels: Sequence[int] | None = None,
    *,
    changed: Sequence[Changed] = (),
    overwrite: bool = False,
) -> None:
    """Save the table of clusters, with what gave it.

    Text has lines above the table that begin with "#": the name of the image, the method, the
    version and the parameters; ``pandas.read_csv(path, comment="#")`` passes over them. Excel has
    them on a sheet of their own.

    Parameters
    ----------
    path : Path
        Ends in one of `table_formats`.
    layer, labels
        As those of `clusters_as_text`.
    changed : sequence of str
        As for `methods_text`.
    overwrite : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    ValueError
        If the layer is a preview of what is in view, or there is no such format.
    OSError
        If the file cannot be written, or is there already.
    """
    table, about = _clusters(layer, labels), _about(layer, changed)
    suffix, formats = path.suffix.lower(), table_formats()
    if suffix not in formats:
        raise ValueError(f"“{path.name}” must end in {' or '.join(formats)} to be saved.")
    write: Callable[[Path], Any]
    if suffix in _TEXTS:
        lines = (f"{what}: {value}" for what, value in about.items())
        text = table_text(table, _TEXTS[suffix], about=lines)

        def write(path: Path) -> None:
            path.write_bytes(text.encode(errors="surrogatepass"))
    else:

        def write(path: Path) -> None:
            sheets = {"clusters": table, "about": pd.Series(about, name="value").reset_index()}
            with pd.ExcelWriter(path) as book:
                for name, sheet in sheets.items():
                    harmless(sheet).to_excel(book, sheet_name=name, index=False)

    write_together({path: write}, overwrite=overwrite)


def _clusters(layer: Labels, labels: Sequence[int] | None) -> pd.DataFrame:
    if Record.of_result(layer).is_preview:
        raise ValueError("This is a preview of what is in view. Press Run, then take the table.")
    table = columns.named(columns.of_clusters(layer.features)).drop(columns="index")
    if labels is not None:
        table = table.set_index("label", drop=False).loc[list(labels)]
    return table


def _about(layer: Labels, changed: Sequence[Changed]) -> dict[str, str]:
    """Say what gave a result, each in one line: JSON keeps what names may hold."""
    record = Record.of_result(layer)
    about = {
        "image": record.source.name,
        "layer": layer.name,
        "method": methods_text(layer, changed=changed),
        "napari-kmeans-seg": record.version,
        "parameters": record.arguments,
    }
    return {what: json.dumps(value, ensure_ascii=False) for what, value in about.items()}

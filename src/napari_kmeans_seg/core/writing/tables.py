"""Tables for other programs: pandas, R, spreadsheets."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


def harmless(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table with an apostrophe before each text that a spreadsheet would run."""
    return table.rename(columns=_harmless).map(_harmless)


def table_text(
    table: pd.DataFrame, separator: str = ",", *, quoted: bool = True, about: Iterable[str] = ()
) -> str:
    """Write a table as text, numbers in full precision and with a point.

    Parameters
    ----------
    table : DataFrame
        Its index is left out.
    separator : str
        What stands between two cells.
    quoted : bool
        Whether texts are in quotes, so that none is taken for a number or a comment; otherwise
        only those are that would be read as several cells.
    about : iterable of str
        Lines that stand above the table as comments, "# " before each.
    """
    comments = "".join(f"# {' '.join(line.splitlines())}\n" for line in about)
    quoting = csv.QUOTE_NONNUMERIC if quoted else csv.QUOTE_MINIMAL
    rows: str = harmless(table).to_csv(
        index=False, sep=separator, quoting=quoting, lineterminator="\n"
    )
    return comments + rows


def _harmless(cell: Any) -> Any:
    # With one of these a spreadsheet takes a text for a formula, and runs it.
    runs = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{cell}" if runs else cell

"""Which columns a narrow table shows, how wide each is, and in how many digits."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QStyledItemDelegate

from .model import NAME, SORT_ROLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qtpy.QtCore import QModelIndex
    from qtpy.QtGui import QFontMetrics
    from qtpy.QtWidgets import QStyleOptionViewItem

    from napari_kmeans_seg.layers.outputs.columns import Column

# In pixels of the screen: what stands beside a text in a cell and in a title.
_BESIDE, _BESIDE_TITLE = 7, 10
# For how much of a name and of a title there should be room, the less the less there is.
_NAMES, _TITLES = (76, 56, 40), (44, 30, 0)
# Which of these, one after the other.
_SHORTER = ((0, 1), (1, 1), (0, 2), (1, 2), (2, 1), (2, 2))
# With what follows it that belongs to no word.
_WORD = re.compile(r"[^\s_.-]+[\s_.-]*|[\s_.-]+")


def short(value: Any, column: Column) -> str:
    """Write a number in three digits, and thousands as 12.3k; percent in two."""
    if column.name == "percent" and not isinstance(value, str):
        return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"
    if not isinstance(value, int | float) or not isfinite(value):
        return str(value)
    # Rounded first: 999.9 is 1k, too.
    value = float(f"{value:.3g}")
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size and abs(value) < 1e15:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


class NumberDelegate(QStyledItemDelegate):
    """Draws cells, numbers in few digits where there is little room.

    Attributes
    ----------
    brief : list of Column
        All columns, where numbers are in few digits; empty otherwise.
    """

    brief: Sequence[Column] = ()

    def initStyleOption(  # noqa: N802
        self, option: QStyleOptionViewItem | None, index: QModelIndex
    ) -> None:
        """Say what is drawn."""
        super().initStyleOption(option, index)
        value = index.data(SORT_ROLE)
        if self.brief and option is not None and index.column() and not isinstance(value, str):
            option.text = short(value, self.brief[index.column()])


def with_short_titles(columns: Sequence[Column]) -> list[Column]:
    """Leave out the words that the names of all channels begin or end with."""
    words = {one.title: _WORD.findall(one.title) for one in columns}
    titles = [words[one.title] for one in columns if one.kind == "mean"]
    if len(titles) < 2:
        return list(columns)
    # One word at least stays of each.
    most = min(map(len, titles)) - 1
    first = _n_alike(titles, most)
    last = _n_alike([title[::-1] for title in titles], most - first)

    def short_title(title: str) -> str:
        return "".join(words[title][first : len(words[title]) - last]).rstrip(" _.-")

    return [
        replace(one, title=short_title(one.title)) if one.kind == "mean" else one for one in columns
    ]


def _n_alike(texts: Sequence[Sequence[str]], most: int) -> int:
    """Count the words that all texts begin with."""
    n = 0
    while n < most and len({words[n] for words in texts}) == 1:
        n += 1
    return n


@dataclass(frozen=True)
class Fit:
    """How the columns of a table fill its width.

    Attributes
    ----------
    widths : tuple of int
        Of each column in pixels of the screen; 0 where it is left out.
    brief : bool
        Whether numbers are in few digits.
    """

    widths: tuple[int, ...]
    brief: bool

    @classmethod
    def of(
        cls,
        columns: Sequence[Column],
        cells: Sequence[Sequence[Any]],
        width: int,
        first: int,
        metrics: QFontMetrics,
    ) -> Fit:
        """Fit the columns of names and numbers into a width.

        Columns go first, what is needed least before what is needed more, if there is no room
        for them in few digits: names, percent and means stay, and get shorter. Then all digits that
        there is room for come back, and the rest is given to titles and names.

        Parameters
        ----------
        columns, cells : sequences
            The columns after the first, and what stands in each.
        width, first : int
            That of the table and that of its first column, in pixels of the screen.
        metrics : QFontMetrics
            Measures texts.
        """
        every = [_Needs.of(*one, metrics) for one in zip(columns, cells, strict=True)]
        room = width - first
        shown = set(range(len(columns)))
        for i in sorted(shown, key=lambda i: _need(columns[i])):
            if every[i].always or sum(every[j].width(True, 0, 0) for j in shown) <= room:
                break
            shown.remove(i)
        ways = [(False, 0, None), (True, 0, None), (False, 0, 0), (True, 0, 0)]
        # The name of a channel that is cut to nothing says less than a shorter one of a cluster.
        ways += [(True, name, title) for name, title in _SHORTER]
        widths, brief = [0] * len(columns), False
        for brief, name, title in ways:
            widths = [
                one.width(brief, name, title) if i in shown else 0 for i, one in enumerate(every)
            ]
            if sum(widths) <= room:
                break
        wanted = {i: max(0, every[i].width(brief, 0, None) - widths[i]) for i in shown}
        for n, i in enumerate(sorted(wanted, key=lambda i: wanted[i])):
            # What one does not want is for the others.
            share = max(0, room - sum(widths)) // (len(wanted) - n)
            widths[i] += min(share, wanted[i])
        widths = [first, *widths]
        if len(widths) > NAME:
            widths[NAME] += max(0, width - sum(widths))
        return cls(tuple(widths), brief)

    def cuts_titles(self, columns: Sequence[Column], metrics: QFontMetrics) -> bool:
        """Whether there is no room for the name of a channel; `columns` as those of `of`."""
        return any(
            0 < width < metrics.horizontalAdvance(column.title) + _BESIDE_TITLE
            for column, width in zip(columns, self.widths[1:], strict=True)
            if column.kind == "mean"
        )


@dataclass(frozen=True)
class _Needs:
    """How wide a column would be: its title, its cells, and its cells in few digits."""

    title: int
    cells: int
    brief: int
    is_name: bool
    always: bool

    @classmethod
    def of(cls, column: Column, values: Sequence[Any], metrics: QFontMetrics) -> _Needs:
        def widest(texts: Iterable[str]) -> int:
            return max(map(metrics.horizontalAdvance, set(texts)), default=0)

        return cls(
            title=metrics.horizontalAdvance(column.title),
            cells=widest(map(column.written, values)),
            brief=widest(short(value, column) for value in values),
            is_name=column.kind == "name",
            always=_need(column) == _ALWAYS,
        )

    def width(self, brief: bool, name: int, title: int | None) -> int:
        if self.is_name:
            return min(self.cells, _NAMES[name]) + _BESIDE
        cells = (self.brief if brief else self.cells) + _BESIDE
        whole = self.title if title is None else min(self.title, _TITLES[title])
        return max(cells, whole + _BESIDE_TITLE)


_ALWAYS = 3


def _need(column: Column) -> int:
    """Say how much a column is needed: pixels are percent in another unit, and so are sizes."""
    if column.kind == "count":
        return 0
    if column.kind == "derived" and column.unit:
        return 1
    return 2 if column.kind == "own" else _ALWAYS

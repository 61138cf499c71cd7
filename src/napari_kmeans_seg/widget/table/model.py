"""The rows of the cluster table, as Qt wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import (  # type: ignore[attr-defined]
    QAbstractTableModel,
    QModelIndex,
    QSize,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap

from napari_kmeans_seg.layers.outputs.columns import Column, columns_of

from ..base.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Collection

    from napari_kmeans_seg.layers.clusters import Clusters

SORT_ROLE = Qt.ItemDataRole.UserRole
SWATCH, NAME = 0, 1

_SWATCH_SIZE, _EDGE = QSize(14, 14), QColor(128, 128, 128)
_SEEN = Column(
    "seen", "derived", "",
    "Tick to show the cluster on the canvas. Double-click to choose its colour.",
)  # fmt: skip


class ClusterModel(QAbstractTableModel):
    """One row per cluster: seen or not and its colour, name, pixels, percent, size, means.

    Attributes
    ----------
    columns : list of Column
        The first is that of ticks and colours.
    cells : list of list
        What stands in the columns after it.
    titles : list of str
        What stands above the columns, which may be shorter than their own titles.
    refused : Signal
        Says why a name was not taken.
    renamed : Signal
        Emitted when a name was taken.
    ticked : Signal
        Emitted when a person has hidden or shown a cluster.
    """

    refused = Signal(str)
    renamed = Signal()
    ticked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._clusters: Clusters | None = None
        self.columns: list[Column] = [_SEEN]
        self.titles = [_SEEN.title]
        self._labels: list[int] = []
        # By column: cells are asked for so often that a data frame would be felt.
        self.cells: list[list[Any]] = []
        # The colours of the rows, and the colormap that they were looked up in.
        self._colors: dict[int, Any] = {}
        self._colormap: object = None

    def show(self, clusters: Clusters | None) -> None:
        """Read the clusters anew."""
        self.beginResetModel()
        self._clusters = clusters
        self.columns, self.cells, self._labels = [_SEEN], [], []
        if clusters is not None:
            table = clusters.table
            self._labels = table["label"].tolist()
            columns = columns_of(table, of_layers=bool(clusters.record.source.channels))
            each = [
                (column, table.iloc[:, place].tolist())
                for place, column in enumerate(columns)
                if column.name not in ("index", "label")
            ]
            # The name comes first, wherever somebody has put it.
            each.sort(key=lambda one: one[0].kind != "name")
            pixels = table["pixels"].tolist()
            for column, cells in each:
                # A size in pixels says again how many they are, and would keep the means out of
                # sight.
                if not (column.unit.startswith("pixel") and cells == pixels):
                    self.columns.append(column)
                    self.cells.append(cells)
        self._colormap = None
        self.titles = [column.title for column in self.columns]
        self.endResetModel()

    def label(self, row: int) -> int:
        """Return which cluster a row is about."""
        return self._labels[row]

    def _color(self, label: int) -> QColor:
        """Return the colour in which a cluster is seen on the canvas."""
        assert self._clusters is not None
        layer, colors = self._clusters.layer, self._clusters.colors
        if layer.colormap is not self._colormap:
            self._colormap, self._colors = layer.colormap, colors.on_canvas(self._labels)
        return QColor.fromRgbF(*map(float, self._colors[label]))

    def recolored(self) -> None:
        """Show the colours of the canvas, which have changed."""
        if self.rowCount():
            last = self.index(self.rowCount() - 1, SWATCH)
            self.dataChanged.emit(self.index(0, SWATCH), last)

    def hide_or_show(self, labels: Collection[int]) -> None:
        """Hide clusters on the canvas; show them where all of them are hidden already."""
        if self._clusters is not None:
            hidden = self._clusters.colors.hidden
            gone = hidden >= set(labels)
            self._clusters.colors.show(hidden=hidden - set(labels) if gone else hidden | {*labels})
            self.recolored()
            self.ticked.emit()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """Count the clusters."""
        return 0 if parent.isValid() else len(self._labels)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """Count the columns."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Name the columns."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.titles[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain(column.tip)
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what stands in a cell."""
        if self._clusters is None or not index.isValid():
            return None
        label, column = self.label(index.row()), self.columns[index.column()]
        if index.column() == SWATCH:
            return self._seen(label, role)
        value = self.cells[index.column() - 1][index.row()]
        if role == SORT_ROLE:
            return value
        if role == Qt.ItemDataRole.EditRole and column.kind == "name":
            return str(value)
        if role == Qt.ItemDataRole.DisplayRole:
            return column.written(value)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain(
                self._told(index.row()) if column.kind == "name" else column.written(value)
            )
        if role == Qt.ItemDataRole.TextAlignmentRole and column.kind != "name":
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _told(self, row: int) -> str:
        """Tell all of a row, for there may be no room for each column."""
        each = zip(self.columns[1:], self.cells, strict=True)
        shown = [(column, column.written(cells[row])) for column, cells in each]
        return "\n".join(
            text if column.kind == "name" else f"{column.title}: {text}" for column, text in shown
        )

    def _seen(self, label: int, role: int) -> Any:
        assert self._clusters is not None
        seen = label not in self._clusters.colors.hidden
        if role == SORT_ROLE:
            return label
        if role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if seen else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.DecorationRole:
            swatch = QPixmap(_SWATCH_SIZE)
            # The edge shows a colour that is that of the table.
            swatch.fill(_EDGE)
            painter = QPainter(swatch)
            painter.fillRect(swatch.rect().adjusted(1, 1, -1, -1), self._color(label))
            painter.end()
            icon = QIcon(swatch)
            # The very colour, also where the row is selected.
            icon.addPixmap(swatch, QIcon.Mode.Selected)
            return icon
        if role == Qt.ItemDataRole.ToolTipRole:
            state = "shown" if seen else "hidden"
            return f"Label {label}, {state}. Double-click to change its colour."
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Return what can be done with a cell."""
        flags = super().flags(index)
        if index.column() == SWATCH:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        if index.column() == NAME:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(  # noqa: N802
        self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        """Rename a cluster, or hide or show it."""
        if self._clusters is None:
            return False
        label = self.label(index.row())
        if index.column() == NAME and role == Qt.ItemDataRole.EditRole:
            try:
                self._clusters.rename(label, str(value))
            except ValueError as error:
                self.refused.emit(str(error))
                return False
            self.renamed.emit()
            return True
        if index.column() == SWATCH and role == Qt.ItemDataRole.CheckStateRole:
            hidden = self._clusters.colors.hidden
            on = Qt.CheckState(value) == Qt.CheckState.Checked
            self._clusters.colors.show(hidden=hidden - {label} if on else hidden | {label})
            self.dataChanged.emit(index, index)
            self.ticked.emit()
            return True
        return False

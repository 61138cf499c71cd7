"""The rows of the cluster table on the screen: sorted, selected, hidden, by mouse and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QItemSelection, QItemSelectionModel, QSortFilterProxyModel, Qt
from qtpy.QtWidgets import QAbstractItemView, QMenu, QTableView

from .model import NAME, SORT_ROLE, SWATCH, ClusterModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qtpy.QtCore import QModelIndex
    from qtpy.QtGui import QKeyEvent

    from napari_kmeans_seg.layers.clusters import Clusters

_SELECT = QItemSelectionModel.SelectionFlag
# Height of a row in pixels of the screen, and up to how many are shown without scrolling.
_ROW, _MOST_ROWS = 24, 12


class ClusterView(QTableView):
    """A table of clusters that can be sorted by each column.

    Space hides the selected clusters on the canvas, or shows them again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows = ClusterModel()
        self.sorted = QSortFilterProxyModel(self)
        self.sorted.setSourceModel(self.rows)
        self.sorted.setSortRole(SORT_ROLE)
        self.sorted.setSortCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setModel(self.sorted)
        self.selection = QItemSelectionModel(self.sorted, self)
        self.setSelectionModel(self.selection)
        self._style()

    def _style(self) -> None:
        self.setSortingEnabled(True)
        self.sortByColumn(SWATCH, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None
        assert columns is not None
        rows.hide()
        rows.setDefaultSectionSize(_ROW)
        columns.setMinimumSectionSize(36)
        columns.setHighlightSections(False)
        # The theme has nothing for headers.
        self.setStyleSheet(
            "QHeaderView, QHeaderView::section { background: transparent; border: none; }"
            "QHeaderView::section { padding: 2px 4px; }"
        )
        self.setAccessibleName("Clusters")

    def show_clusters(self, clusters: Clusters | None) -> None:
        """Fill the table."""
        new = self.rows.rowCount() == 0
        self.rows.show(clusters)
        if new:
            self.resizeColumnsToContents()
            self.setColumnWidth(SWATCH, 46)
        self._fit()

    def _fit(self) -> None:
        """Be as tall as the rows, as long as they are few."""
        columns, bar = self.horizontalHeader(), self.horizontalScrollBar()
        assert columns is not None
        assert bar is not None
        rows = _ROW * min(max(self.rows.rowCount(), 3), _MOST_ROWS)
        frame = 2 * self.frameWidth() + columns.sizeHint().height() + bar.sizeHint().height()
        self.setFixedHeight(rows + frame)

    def label(self, index: QModelIndex) -> int:
        """Return which cluster a row is about, as it is sorted."""
        return self.rows.label(self.sorted.mapToSource(index).row())

    @property
    def shown(self) -> list[int]:
        """The labels of all rows, as they are sorted."""
        column = range(self.sorted.rowCount())
        return [self.label(self.sorted.index(row, NAME)) for row in column]

    @property
    def selected(self) -> list[int]:
        """The labels of the selected rows."""
        return sorted(self.label(row) for row in self.selection.selectedRows())

    def select(self, labels: Iterable[int]) -> None:
        """Select the rows of clusters."""
        wanted, chosen = set(labels), QItemSelection()
        for row in range(self.sorted.rowCount()):
            index = self.sorted.index(row, NAME)
            if self.label(index) in wanted:
                chosen.select(index, index)
                self.scrollTo(index)
                # Where the keyboard goes on: F2 renames what is selected.
                self.selection.setCurrentIndex(index, _SELECT.NoUpdate)
        self.selection.select(chosen, _SELECT.ClearAndSelect | _SELECT.Rows)

    def sort_menu(self) -> QMenu:
        """Offer to sort by each column, for hands on the keyboard."""
        menu = QMenu("Sort by", self)
        for column in range(self.sorted.columnCount()):
            title = self.sorted.headerData(column, Qt.Orientation.Horizontal) or "Label"
            action = menu.addAction(str(title))
            assert action is not None
            action.triggered.connect(lambda _=False, column=column: self._sort(column))
        return menu

    def _sort(self, column: int) -> None:
        """Sort by a column; by the same one the other way round."""
        again = self.sorted.sortColumn() == column
        up, down = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder
        self.sortByColumn(column, down if again and self.sorted.sortOrder() == up else up)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Hide or show the selected clusters with the space bar."""
        if event is None:
            return
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if plain and event.key() == Qt.Key.Key_Space and self.selected:
            self.rows.hide_or_show(self.selected)
        else:
            super().keyPressEvent(event)

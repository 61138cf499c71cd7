"""The rows of the cluster table on the screen: sorted, selected, hidden, by mouse and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QItemSelection, QItemSelectionModel, QSortFilterProxyModel, Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QScrollArea, QTableView

from .fitting import Fit, NumberDelegate, with_short_titles
from .model import NAME, SORT_ROLE, SWATCH, ClusterModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qtpy.QtCore import QModelIndex
    from qtpy.QtGui import QAction, QKeyEvent, QResizeEvent  # type: ignore[attr-defined]
    from qtpy.QtWidgets import QWidget

    from napari_kmeans_seg.layers.clusters import Clusters

_SELECT = QItemSelectionModel.SelectionFlag
# In pixels of the screen: the height of a row, and the width of ticks and colours.
_ROW, _SEEN = 24, 41
# As many as a run finds. All are shown, for what the table lies in is scrolled already.
_MOST_ROWS = 255


class ClusterView(QTableView):
    """A table of clusters that can be sorted by each column.

    Space hides the selected clusters on the canvas, or shows them again.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = ClusterModel()
        self.sorted = QSortFilterProxyModel(self)
        self.sorted.setSourceModel(self.rows)
        self.sorted.setSortRole(SORT_ROLE)
        self.sorted.setSortCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setModel(self.sorted)
        self.selection = QItemSelectionModel(self.sorted, self)
        self.setSelectionModel(self.selection)
        self._delegate = NumberDelegate(self)
        self.setItemDelegate(self._delegate)
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
        # Names differ at their ends, as numbered ones do.
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None
        assert columns is not None
        rows.hide()
        rows.setDefaultSectionSize(_ROW)
        columns.setMinimumSectionSize(16)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        columns.setTextElideMode(Qt.TextElideMode.ElideRight)
        columns.setHighlightSections(False)
        # The theme has nothing for headers.
        self.setStyleSheet(
            "QHeaderView, QHeaderView::section { background: transparent; border: none; }"
            "QHeaderView::section { padding: 2px 4px; }"
        )
        self.setAccessibleName("Clusters")

    def show_clusters(self, clusters: Clusters | None) -> None:
        """Fill the table."""
        self.rows.show(clusters)
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Fill the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show what there is room for, and be as tall as the rows."""
        columns, bar = self.horizontalHeader(), self.horizontalScrollBar()
        view = self.viewport()
        assert columns is not None
        assert bar is not None
        assert view is not None
        n_rows = self.rows.rowCount()
        height = _ROW * min(n_rows, _MOST_ROWS) + columns.sizeHint().height()
        shown, metrics = self.rows.columns[1:], self.fontMetrics()
        fit = Fit.of(shown, self.rows.cells, view.width(), _SEEN, metrics)
        if fit.cuts_titles(shown, metrics):
            shown = with_short_titles(shown)
            fit = Fit.of(shown, self.rows.cells, view.width(), _SEEN, metrics)
        self.rows.titles = ["", *(column.title for column in shown)]
        self._delegate.brief = self.rows.columns if fit.brief else ()
        for i, width in enumerate(fit.widths):
            self.setColumnHidden(i, width == 0)
            self.setColumnWidth(i, width)
        if sum(fit.widths) > view.width():
            # Of very many channels.
            height += bar.sizeHint().height()
        self.setFixedHeight(height + 2 * self.frameWidth())
        view.update()

    def reveal(self) -> None:
        """Scroll whatever this lies in to the row that the keyboard would go on from."""
        index, parent = self.currentIndex(), self.parentWidget()
        while parent is not None and not isinstance(parent, QScrollArea):
            parent = parent.parentWidget()
        view = self.viewport()
        if parent is not None and index.isValid() and view is not None:
            inside = parent.widget()
            assert inside is not None
            place = view.mapTo(inside, self.visualRect(index).center())
            parent.ensureVisible(place.x(), place.y(), 0, _ROW)

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
            action.setData(column)
        menu.triggered.connect(self._sort)
        return menu

    def _sort(self, action: QAction) -> None:
        """Sort by a column; by the same one the other way round."""
        column = int(action.data())
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
            self.reveal()

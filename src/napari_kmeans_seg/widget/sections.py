"""How the dock is laid out, where magicgui has no words for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon, QPixmap
from qtpy.QtWidgets import QScrollArea, QSizePolicy, QVBoxLayout, QWidget
from superqt import QCollapsible

if TYPE_CHECKING:
    from magicgui.widgets import Label


def wrap(*labels: Label) -> None:
    """Let long texts go on in the next line, and never widen the dock."""
    for label in labels:
        label.native.setWordWrap(True)
        label.native.setMinimumWidth(0)
        label.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)


class Section(QCollapsible):
    """A title that folds and unfolds what is below it.

    Parameters
    ----------
    title : str
        What is read beside the arrow.
    *widgets : QWidget
        What is below it, from top to bottom.
    """

    def __init__(self, title: str, *widgets: QWidget) -> None:
        # Its own arrows are drawn once, in a colour that is not the theme's: draw nothing.
        nothing = QPixmap(1, 1)
        nothing.fill(Qt.GlobalColor.transparent)
        icon = QIcon(nothing)
        super().__init__(f"▸ {title}", expandedIcon=icon, collapsedIcon=icon)
        self.toggleButton().setIconSize(QSize(0, 0))
        self._title = title
        self.toggled.connect(self._on_toggled)
        self.setDuration(0)
        for box in (self, self.content()):
            if (layout := box.layout()) is not None:
                layout.setContentsMargins(0, 0, 0, 0)
        self.toggleButton().setStyleSheet(
            "text-align: left; border: none; background: transparent; padding: 3px 0;"
        )
        # All open at once would be taller than a small screen.
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(0, 0, 0, 0)
        for widget in widgets:
            rows.addWidget(widget)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFixedHeight(220)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self.addWidget(scroll)
        self.collapse(animate=False)

    # A method, not a function made in place: PySide6 would keep that one for ever, and with
    # it the whole dock.
    def _on_toggled(self, opened: bool) -> None:
        self.setText(f"{'▾' if opened else '▸'} {self._title}")

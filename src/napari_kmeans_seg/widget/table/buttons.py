"""Buttons that do what an action does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QAction, QKeySequence  # type: ignore[attr-defined]
from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_KEYS = Qt.ShortcutContext.WidgetWithChildrenShortcut


def action(owner: QWidget, text: str, key: str, tip: str, do: Callable[[], None]) -> QAction:
    """Make an action with a key that works while the owner, or what is within it, has the focus."""
    made = QAction(text, owner)
    made.setShortcut(QKeySequence(key))
    made.setShortcutContext(_KEYS)
    made.setToolTip(f"{tip} ({key})")
    made.triggered.connect(lambda _=False: do())
    owner.addAction(made)
    return made


def buttons(actions: Iterable[QAction]) -> QGridLayout:
    """Lay out a button for each action, three in a row."""
    grid = QGridLayout()
    grid.setSpacing(4)
    for i, one in enumerate(actions):
        grid.addWidget(button(one), *divmod(i, 3))
    return grid


def button(action: QAction) -> QPushButton:
    """Make a button that does what an action does; the theme draws these best."""
    made = QPushButton(action.text())
    made.setMinimumWidth(0)

    def follow() -> None:
        made.setText(action.text())
        made.setEnabled(action.isEnabled())
        made.setToolTip(action.toolTip())

    follow()
    action.changed.connect(follow)
    made.clicked.connect(action.trigger)
    return made

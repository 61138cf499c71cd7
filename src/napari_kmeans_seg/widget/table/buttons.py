"""Buttons that do what an action does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QAction, QKeySequence  # type: ignore[attr-defined]
from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_KEYS = Qt.ShortcutContext.WidgetWithChildrenShortcut
_N_COLUMNS = 3


def action(owner: QWidget, text: str, key: str, tip: str, do: Callable[[], None]) -> QAction:
    """Make an action with a key that works while the owner has the focus."""
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
        grid.addWidget(_button(one), *divmod(i, _N_COLUMNS))
    return grid


def _button(action: QAction) -> QPushButton:
    """Make a button that does what an action does; the theme draws these best."""
    button = QPushButton(action.text())
    button.setMinimumWidth(0)

    def follow() -> None:
        button.setEnabled(action.isEnabled())
        button.setToolTip(action.toolTip())

    action.changed.connect(follow)
    button.clicked.connect(action.trigger)
    return button

"""Buttons that do what an action does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QAction, QKeySequence  # type: ignore[attr-defined]
from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_KEYS = Qt.ShortcutContext.WidgetWithChildrenShortcut


class Action(QAction):  # type: ignore[misc]
    """An action that does something.

    Its methods are connected, and no functions made in place: PySide6 would keep these for ever,
    and with them the whole dock.

    Parameters
    ----------
    text : str
        What it is called.
    owner : QWidget
        Keeps it.
    do : callable
        What it does.
    """

    def __init__(self, text: str, owner: QWidget, do: Callable[[], None]) -> None:
        super().__init__(text, owner)
        self._do = do
        self.triggered.connect(self._on_triggered)

    def _on_triggered(self) -> None:
        self._do()


class ActionButton(QPushButton):
    """A button that does what an action does; the theme draws these best."""

    def __init__(self, action: QAction) -> None:
        super().__init__(action.text())
        self.setMinimumWidth(0)
        self._action = action
        self._follow()
        action.changed.connect(self._follow)
        self.clicked.connect(action.trigger)

    def _follow(self) -> None:
        self.setText(self._action.text())
        self.setEnabled(self._action.isEnabled())
        self.setToolTip(self._action.toolTip())


def action(owner: QWidget, text: str, key: str, tip: str, do: Callable[[], None]) -> QAction:
    """Make an action with a key that works while the owner, or what is within it, has the focus."""
    made = Action(text, owner, do)
    made.setShortcut(QKeySequence(key))
    made.setShortcutContext(_KEYS)
    made.setToolTip(f"{tip} ({key})")
    owner.addAction(made)
    return made


def buttons(actions: Iterable[QAction]) -> QGridLayout:
    """Lay out a button for each action, three in a row."""
    grid = QGridLayout()
    grid.setSpacing(4)
    for i, one in enumerate(actions):
        grid.addWidget(ActionButton(one), *divmod(i, 3))
    return grid

"""The keyboard in the dock: keys of buttons, and where the focus is while a button is dead."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QAction, QKeySequence  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QWidget

_KEYS = Qt.ShortcutContext.WidgetWithChildrenShortcut


def give_keys(panel: QWidget, run: QPushButton, cancel: QPushButton) -> None:
    """Give the dock its keys, and let no key press what it was not meant for."""
    ButtonKey(panel, run, "Ctrl+Return")
    ButtonKey(panel, cancel, "Esc")
    FocusStays(panel)


class ButtonKey(QObject):
    """Presses a button by a key that works wherever the focus is in a panel.

    While the button is dead the key is free for others. The tooltip names it.

    Parameters
    ----------
    panel : QWidget
        Holds the button.
    button : QPushButton
        Is pressed.
    key : str
        As `QKeySequence` reads it.
    """

    # Of the class, too: Qt still asks while Python takes the object apart.
    _action: QAction | None = None
    _button: QPushButton | None = None

    def __init__(self, panel: QWidget, button: QPushButton, key: str) -> None:
        super().__init__(button)
        button.setToolTip(f"{button.toolTip()} ({key})")
        self._button = button
        self._action = QAction(panel)
        self._action.setShortcut(QKeySequence(key))
        self._action.setShortcutContext(_KEYS)
        self._action.setEnabled(button.isEnabled())
        self._action.triggered.connect(self._press)
        panel.addAction(self._action)
        button.installEventFilter(self)

    def _press(self) -> None:
        if self._button is not None:
            self._button.click()

    def eventFilter(self, _button: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Follow the button."""
        follows = event is not None and event.type() == QEvent.Type.EnabledChange
        if follows and self._action is not None and self._button is not None:
            self._action.setEnabled(self._button.isEnabled())
        return False


class FocusStays(QObject):
    """Keeps the focus near a button that was pressed by a key and is dead meanwhile.

    Qt gives it to the next control, which the same key would change then. Here what holds the
    button has it, for which keys do nothing, and the button again once it can be pressed.

    Parameters
    ----------
    panel : QWidget
        Holds the buttons, at any depth.
    """

    # Of the class, too: Qt still asks while Python takes the object apart.
    _lost: QPushButton | None = None

    def __init__(self, panel: QWidget) -> None:
        super().__init__(panel)
        for button in panel.findChildren(QPushButton):
            button.installEventFilter(self)

    def eventFilter(self, button: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Move the focus to what holds a button, and back."""
        if not isinstance(button, QPushButton) or event is None:
            return False
        holder, kind = button.parentWidget(), event.type()
        if holder is None:
            return False
        if kind == QEvent.Type.FocusOut and not button.isEnabled():
            self._lost = button
        elif kind == QEvent.Type.EnabledChange and button is self._lost:
            if not button.isEnabled():
                holder.setFocus()
            else:
                self._lost = None
                if holder.hasFocus():
                    button.setFocus()
        return False

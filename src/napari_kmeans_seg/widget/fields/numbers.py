"""Numbers as people type them, the same in every country and every field.

A point and a comma both are the decimal. No sign groups digits, for the same one would be the
decimal elsewhere. What is more than one number is separated by spaces or semicolons.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QLocale, QObject, Qt
from qtpy.QtGui import QKeyEvent, QValidator
from qtpy.QtWidgets import QAbstractSpinBox, QDoubleSpinBox

from ..base.sections import unmarked
from ..base.wording import FieldError

if TYPE_CHECKING:
    from magicgui.widgets import LineEdit
    from qtpy.QtWidgets import QWidget

# With signs that group digits somewhere.
_LIKE_A_NUMBER = re.compile(r"[-\d.,'’]+").fullmatch


def numbers(label: str, text: str, like: str) -> list[float]:
    """Read the numbers of a field.

    Parameters
    ----------
    label : str
        Of the field.
    text : str
        What was typed.
    like : str
        What the field takes, with an example, for who typed something else.

    Raises
    ------
    FieldError
        If there is something else than numbers.
    """
    # A comma before a space is none of a decimal.
    words = [word.removesuffix(",") for word in text.replace(";", " ").split()]
    try:
        # Python groups digits by "_".
        found = [float(word.replace(",", ".").replace("_", "?")) for word in words]
    except ValueError:
        raise FieldError(label, like, text) from None
    if not all(map(isfinite, found)):
        raise FieldError(label, like, text)
    return found


def whole_numbers(label: str, text: str, like: str) -> tuple[int, ...]:
    """Read the whole numbers of a field, which are 0 or larger; see `numbers`."""
    found = numbers(label, text, like)
    if any(number < 0 or number != int(number) for number in found):
        raise FieldError(label, like, text)
    return tuple(map(int, found))


def labels_in(field: LineEdit) -> tuple[int, ...]:
    """Read the labels that a field lists."""
    return whole_numbers(unmarked(field), field.value, "numbers such as 1 3")


def values_in(field: LineEdit) -> tuple[float, ...]:
    """Read the values that a field lists, as integers where they are some."""
    found = numbers(unmarked(field), field.value, "numbers such as 0 -9999")
    return tuple(int(one) if one == int(one) and abs(one) < 2**53 else one for one in found)


def read_alike_everywhere(panel: QWidget) -> None:
    """Let the numbers within a panel be typed with a point or a comma; they show a point."""
    panel.setLocale(QLocale.c())
    for field in panel.findChildren(QAbstractSpinBox):
        _Typed(field)


class _Typed(QValidator):
    """Judges what is typed into a field of one number.

    Qt passes over a key that it refuses and takes those after it, so that "1.000,5" becomes 1.0005
    and "1.5", where a whole number belongs, 15. Here such a text stands as it was typed, and the
    number of before comes back once it is entered.
    """

    # Of the class, too: Qt still asks while Python takes the object apart.
    _refused = False

    def __init__(self, field: Any) -> None:
        super().__init__(field)
        self._field, self._line = field, field.lineEdit()
        self._qts_own = self._line.validator()
        self._before, self._typed = field.value(), False
        whole = not isinstance(field, QDoubleSpinBox)
        self._plain = re.compile(r"-?\d*" if whole else r"-?\d*\.?\d*(e-?\d*)?")
        self._suffix = "" if whole else field.suffix()
        self._line.setValidator(self)
        self._line.textEdited.connect(self._on_typed)
        field.valueChanged.connect(self._on_value)
        field.installEventFilter(self)

    def validate(self, text: str | None, place: int) -> Any:
        """Judge the text; a comma becomes a point."""
        number = self._number(text or "")
        plain = self._plain.fullmatch(number) is not None
        self._refused = not plain and _LIKE_A_NUMBER(number) is not None
        if self._refused:
            return QValidator.State.Intermediate, text, place
        place = min(place, len(number))
        # Qt adds the suffix itself.
        state, number, _ = self._qts_own.validate(number, place)
        return state, number, place

    def _number(self, text: str) -> str:
        return text.removesuffix(self._suffix).strip().replace(",", ".")

    def eventFilter(self, _field: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Take back what was refused once it is entered."""
        kind = None if event is None else event.type()
        entered = kind == QEvent.Type.FocusOut
        if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            entered = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if entered:
            if self._refused:
                self._refused = False
                self._line.setText(f"{self._before}{self._suffix}")
                self._field.setValue(self._before)
            self._before, self._typed = self._field.value(), False
        return False

    def _on_typed(self) -> None:
        self._typed = True

    def _on_value(self) -> None:
        # Not what is still being typed.
        if not self._typed:
            self._before = self._field.value()
        self._typed = False

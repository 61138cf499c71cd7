"""Fields of several numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..sections import unmarked
from ..wording import FieldError

if TYPE_CHECKING:
    from magicgui.widgets import LineEdit


def numbers_of(field: LineEdit) -> tuple[int, ...]:
    """Read labels."""
    words = field.value.replace(",", " ").split()
    if not all(word.isdecimal() for word in words):
        raise FieldError(unmarked(field), "numbers such as 1, 3", field.value)
    return tuple(int(word) for word in words)


def values_of(field: LineEdit) -> tuple[float, ...]:
    """Read values of pixels: whole ones as integers, which may be too long for a float."""
    values: list[float] = []
    for word in field.value.replace(",", " ").split():
        try:
            values.append(int(word))
        except ValueError:
            try:
                value = float(word)
            except ValueError:
                value = math.nan
            if not math.isfinite(value):
                raise FieldError(unmarked(field), "numbers such as 0, -9999", field.value) from None
            values.append(value)
    return tuple(values)

"""Arguments are checked here, and each error names the argument, what it got and what it takes.

This loads no NumPy, so that the command line can check what was typed at once; what takes arrays is
checked in `array_checks`.
"""

import re
from collections.abc import Collection, Mapping
from math import inf, isfinite
from numbers import Integral, Real
from typing import Any

from .errors import WrongType, WrongValue


class _NotGiven:
    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Any = _NotGiven()
"""The default of `channel_axis`. It means what None does, one channel, but nobody has said so: then
an image that looks like colours is worth a warning."""

MAX_CLUSTERS = 65_535
"""Labels fit in uint16."""

SMALLEST_WEIGHT, LARGEST_WEIGHT = 1e-100, 1e100
"""Beyond these, squared distances would be infinite or nothing."""

MAX_SMOOTHING = 10_000.0
"""Pixels of a blur's standard deviation. Far beyond any image the kernel would fill the memory."""


COLOR = re.compile("#[0-9a-f]{6}")


def with_type(value: Any) -> str:
    """Write a value and what type it is of."""
    return f"{value!r} ({type(value).__name__})"


def integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return `value` as an int between `low` and `high`."""
    takes = f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise WrongType(name, takes, with_type(value))
    number = int(value)
    if number < low or (high is not None and number > high):
        raise WrongValue(name, takes, str(number))
    return number


def real(
    name: str, value: Any, low: float, high: float = inf, *, above: bool = False, place: str = ""
) -> float:
    """Return `value` as a finite float between `low` and `high`; `above` leaves out `low`."""
    takes = f"a number {'above' if above else 'of at least'} {low:g}"
    if high < inf:
        takes += f" and at most {high:g}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise WrongType(name, takes, with_type(value), place=place)
    number = float(value)
    if not isfinite(number) or number < low or number > high or (above and number == low):
        raise WrongValue(name, takes, repr(value), place=place)
    return number


def weight(name: str, value: Any, place: str = "") -> float:
    """Return `value` as a factor in distances: 0, or a float whose square is one."""
    number = real(name, value, 0, LARGEST_WEIGHT, place=place)
    if 0 < number < SMALLEST_WEIGHT:
        takes = f"0 or a number of at least {SMALLEST_WEIGHT:g}"
        raise WrongValue(name, takes, repr(value), place=place)
    return number


def one_or_several(name: str, value: Any, low: float, high: float) -> Any:
    """Refuse a number that is not between `low` and `high`; several depend on the image."""
    return real(name, value, low, high) if isinstance(value, Real) else value


def seed(name: str, value: Any) -> Any:
    """Refuse what is neither an integer, None nor a generator of random numbers."""
    if value is None or hasattr(value, "bit_generator"):
        return value
    return integer(name, value, 0)


def by_label(name: str, value: Any, n_labels: int) -> dict[int, str]:
    """Return `value` as texts by label, from 1 to `n_labels`."""
    kind(name, value, Mapping)
    takes = f"labels from 1 to {n_labels}"
    found = {}
    for label, text in value.items():
        if isinstance(label, bool) or not isinstance(label, Integral):
            raise WrongType(name, takes, with_type(label))
        if not 1 <= int(label) <= n_labels:
            raise WrongValue(name, takes, str(label))
        kind(name, text, str, place=f"[{label}]")
        found[int(label)] = text
    return found


def colors(name: str, value: Any, n_labels: int) -> dict[int, str]:
    """Return `value` as colours by label."""
    found = {label: text.lower() for label, text in by_label(name, value, n_labels).items()}
    for label, text in found.items():
        if not COLOR.fullmatch(text):
            raise WrongValue(name, 'a colour such as "#ff8000"', repr(text), place=f"[{label}]")
    return found


def kind(name: str, value: Any, *takes: type, place: str = "") -> None:
    """Refuse what is of another class, before it fails for want of what these have."""
    if not isinstance(value, takes):
        kinds = " or ".join("None" if one is type(None) else one.__name__ for one in takes)
        raise WrongType(name, kinds, type(value).__name__, place=place)


def integers(name: str, value: Any, low: int | None = None) -> tuple[int, ...]:
    """Return `value` as a tuple of ints, each of at least `low`."""
    takes = "integers" if low is None else f"integers of at least {low}"
    found = several(name, value, takes)
    for one in found:
        if isinstance(one, bool) or not isinstance(one, Integral):
            raise WrongType(name, takes, with_type(one))
        if low is not None and one < low:
            raise WrongValue(name, takes, str(one))
    return tuple(int(one) for one in found)


def several(name: str, value: Any, takes: str) -> list[Any]:
    """Return `value` as a list, if it has items to go through; a str is one word."""
    try:
        if not isinstance(value, str):
            return list(value)
    except TypeError:
        pass
    raise WrongType(name, takes, with_type(value))


def channel_names(value: Any, n_channels: int) -> tuple[str, ...]:
    """Return `value` as one name per channel, each of its own."""
    names = tuple(str(one) for one in several("channel_names", value, "a sequence of names"))
    if len(names) != n_channels:
        raise WrongValue(
            "channel_names", f"one name per channel, {n_channels} here", str(len(names))
        )
    if twice := [name for name in names if names.count(name) > 1]:
        raise WrongValue("channel_names", "each name once", f"{twice[0]!r} twice")
    return names


def numbers_of_clusters(name: str, value: Any) -> list[int]:
    """Return `value` as numbers of clusters, ascending."""
    asked = several(name, value, "several integers, such as range(2, 13)")
    if not asked:
        raise WrongValue(name, "at least one number of clusters", "none")
    return sorted({integer(name, k, 1, MAX_CLUSTERS) for k in asked})


def flag(name: str, value: Any, *, or_none: bool = False) -> bool:
    """Return `value` as a bool; only True and False are. `or_none`: the caller takes None, too."""
    import numpy as np  # not before: see above

    if not isinstance(value, bool | np.bool_):
        takes = "True, False or None" if or_none else "True or False"
        raise WrongType(name, takes, with_type(value))
    return bool(value)


def choice(name: str, value: Any, choices: Collection[str], *, or_none: bool = False) -> str:
    """Return `value` if it is one of `choices`; `or_none`: the caller takes None, too."""
    if not isinstance(value, str) or value not in choices:
        takes = f"one of {', '.join(map(repr, [*choices, *([None] if or_none else [])]))}"
        raise WrongValue(name, takes, repr(value))
    return value

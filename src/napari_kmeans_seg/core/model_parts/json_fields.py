"""JSON that was written by whoever: read strictly, and checked field by field."""

import json
import reprlib
from math import inf, isfinite
from typing import Any, NoReturn


def parse(content: bytes) -> Any:
    """Read JSON in which all numbers are finite and each name stands once in its object.

    Raises
    ------
    ValueError, RecursionError
        If it is not.
    """
    return json.loads(
        content.decode(),
        parse_constant=_refuse,
        parse_float=_finite,
        object_pairs_hook=_once_each,
    )


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number")


def _finite(number: str) -> float:
    if not isfinite(float(number)):
        raise ValueError(f"{reprlib.repr(number)} is too large")
    return float(number)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return fields


class Checker:
    """Checks the fields of one file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def fail(self, name: str, takes: str, got: Any) -> NoReturn:
        """Refuse a field, and say what it takes and got."""
        # Of a long list no more than is shown is made into text.
        shown = reprlib.repr(got)
        raise ValueError(
            f"{self.path} is no valid k-means model: {name} takes {takes}; got {shown}."
        )

    def keys(self, value: Any, name: str, keys: set[str]) -> dict[str, Any]:
        """Return an object that has exactly these keys."""
        if not isinstance(value, dict) or set(value) != keys:
            got = sorted(value) if isinstance(value, dict) else value
            self.fail(name, f"an object with exactly {', '.join(sorted(keys))}", got)
        return dict(value)

    def integer(self, value: Any, name: str, low: int, high: int) -> int:
        """Return an integer between two others."""
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fail(name, f"an integer from {low} to {high}", value)
        return int(value)

    def numbers(
        self, value: Any, name: str, n: int, low: float = -inf, high: float = inf
    ) -> list[float]:
        """Return `n` finite numbers; integers stay integers, which may have 64 bits."""
        good = isinstance(value, list) and len(value) == n
        good = good and all(
            isinstance(one, int | float)
            and not isinstance(one, bool)
            and (-(1 << 64) <= one <= 1 << 64 if isinstance(one, int) else isfinite(one))
            and low <= one <= high
            for one in value
        )
        if not good:
            limits = f" of at least {low:g}" if low > -inf else ""
            limits += f" and at most {high:g}" if high < inf else ""
            self.fail(name, f"a list of {n} finite numbers{limits}", value)
        return list(value)

    def texts(self, value: Any, name: str) -> list[str]:
        """Return a list of text."""
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.fail(name, "a list of text", value)
        return list(value)

    def by_label(self, value: Any, name: str, n_labels: int) -> dict[int, str]:
        """Return text by labels from 1."""
        if not isinstance(value, dict):
            self.fail(name, "an object with text by label", value)
        found = {}
        for key, text in value.items():
            if not (key.isascii() and key.isdigit() and 1 <= int(key[:9]) <= n_labels):
                self.fail(name, f"labels from 1 to {n_labels}", key)
            if not isinstance(text, str):
                self.fail(f"{name}.{key}", "text", text)
            found[int(key)] = text
        return found

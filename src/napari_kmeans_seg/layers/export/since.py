"""What a text of a result says of that which was changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..base.same import Changed

_NOW: dict[Changed, str] = {
    "pixels": "The image has other pixels by now.",
    "region": "The region is another one by now.",
    "seeds": "The seeds are others by now.",
}
_OF: dict[Changed, str] = {
    "pixels": "those that were clustered",
    "region": "the one in which clusters were found",
    "seeds": "those from which clusters started",
}


def since(changed: Sequence[Changed], what: str = "") -> list[str]:
    """Say in sentences what is another one by now, and of what a text is instead.

    Parameters
    ----------
    changed : sequence of str
        What is another one: "pixels", "region" or "seeds".
    what : str
        What the text is called, such as "script"; if not given, nothing is said of it.
    """
    return [f"{_NOW[one]} This {what} is of {_OF[one]}." if what else _NOW[one] for one in changed]

"""What is done at random in the window, as data."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Action = tuple[str, float, float]
"""What is done, and two numbers from 0 to 1 that say with what."""

HOW_OFTEN = {
    "open": 6, "remove": 4, "clear": 1, "select": 8, "select two": 2, "k": 10, "option": 6,
    "region": 2, "seeds": 2, "scope": 3, "live": 4, "run": 6, "run and wait": 6, "cancel": 3,
    "how many": 2, "rows": 8, "merge": 4, "split": 2, "delete": 2, "extract": 2, "undo": 5,
    "redo": 3, "paint": 2, "rename": 2, "other data": 2, "dims": 3, "zoom": 3, "3-D": 1,
    "sections": 2, "close dock": 1, "open dock": 3, "wait": 8, "rest": 3,
}  # fmt: skip


IN_PREVIEW = {
    "k": 40, "option": 10, "open": 3, "remove": 2, "select": 6, "select two": 1, "region": 1,
    "seeds": 1, "scope": 2, "other data": 2, "dims": 4, "zoom": 4, "wait": 3, "rest": 0.3,
}  # fmt: skip
"""How often, where live preview is on throughout."""


ON_ONE_IMAGE = {
    "k": 10, "option": 6, "live": 4, "run": 6, "run and wait": 6, "cancel": 3, "how many": 2,
    "rows": 8, "merge": 4, "split": 2, "delete": 2, "undo": 5, "redo": 3, "paint": 2, "rename": 2,
    "zoom": 3, "sections": 2, "wait": 8, "rest": 3,
}  # fmt: skip
"""How often, where one image stays all the time."""


IN_SCRIPTS = {
    "open": 6, "remove": 0.5, "select": 2, "k": 4, "option": 8, "weights": 2,
    "reset": 2, "draw region": 4, "no region": 3, "region": 1, "region how": 3,
    "set seeds": 4, "no seeds": 2, "seeds how": 1, "scope": 5, "leave out": 2, "specks": 2,
    "along": 1, "dims": 3, "run and wait": 18, "merge": 5, "split": 6, "delete": 4, "name": 3,
    "color": 2, "extract": 1, "paint": 2, "unpaint": 2, "threshold": 5, "undo": 5, "redo": 4,
    "rename": 3, "model": 3, "live": 3, "other data": 2, "cut data": 1, "data of before": 4,
    "write pixels": 4, "paint marks": 12, "unpaint marks": 4,
}  # fmt: skip
"""How often, where a script is copied of each state."""


SHOWS_ANOTHER = (
    "run and wait", "merge", "split", "delete", "name", "color", "paint", "unpaint", "threshold",
    "undo", "redo", "rename", "remove", "select", "other data", "cut data", "data of before",
    "write pixels", "paint marks", "unpaint marks",
)  # fmt: skip
"""After these there is another state, of which the script is copied."""


def actions_from(seed: int, how_often: Mapping[str, float]) -> Iterator[Action]:
    """Give the actions of a seed, without an end."""
    chance = random.Random(seed)
    names, weights = [*how_often], [*how_often.values()]
    if how_often is IN_PREVIEW:
        yield "live", 0, 0
    while True:
        (name,) = chance.choices(names, weights)
        yield name, chance.random(), chance.random()

"""Who opens image files for core, which knows arrays only: the package says so.

This loads nothing, so that the package can say it at once.
"""

from collections.abc import Callable
from typing import Any

opener: Callable[..., Any] | None = None
"""`files.pooling.open_for_pool`, or what loads it when it is first called."""


def open_for_pool(path: Any, channel_axis: int | None) -> Any:
    """Read an image file: an image with `pixels`, `channel_axis` and `alpha`, and its mask."""
    assert opener is not None, "the package names who opens files when it is imported"
    return opener(path, channel_axis)

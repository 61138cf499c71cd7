"""Who opens image files for core, which knows arrays only: the package says so.

This loads nothing, so that the package can say it at once.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

opener: Callable[..., Any] | None = None
"""`files.pooling.open_for_pool`, or what loads it when it is first called."""


class Unopened(Protocol):
    """An image file that somebody has more to say of than its path.

    Attributes
    ----------
    path : Path
        The file.
    """

    path: Path

    def open(self) -> tuple[Any, Any]:
        """Read it: an image with `pixels`, `channel_axis` and `alpha`, and its mask."""


def is_unopened(image: Any) -> bool:
    """Whether an image is an `Unopened` file; a `zarr.Array` has a path, too, as text."""
    return hasattr(image, "open") and isinstance(getattr(image, "path", None), Path)


def open_for_pool(path: Any, channel_axis: int | None) -> Any:
    """Read an image file: an image with `pixels`, `channel_axis` and `alpha`, and its mask."""
    assert opener is not None, "the package names who opens files when it is imported"
    return opener(path, channel_axis)


def open_image(path: Any, mask: Any, channel_axis: int | None = None) -> tuple[Any, Any]:
    """Read an image file, and where its pixels take part: in a mask, too, if one is given."""
    from . import array_checks

    image, inside = path.open() if is_unopened(path) else open_for_pool(Path(path), channel_axis)
    if inside is None or mask is None:
        return image, mask if inside is None else inside
    return image, inside & array_checks.spatial_mask(mask, inside.shape)

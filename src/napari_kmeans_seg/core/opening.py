"""Open image files, for which core, which knows arrays only, asks the package."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from .base import array_checks, lent
from .base.checks import NOT_GIVEN
from .base.errors import reworded


class Unopened(Protocol):
    """An image file that somebody has more to say of than its path.

    Attributes
    ----------
    path : Path
        The file.
    """

    path: Path

    def absolute(self) -> "Unopened":
        """Name it so that a process in another folder finds it."""

    def open(self) -> tuple[Any, Any]:
        """Read it: an image with `pixels`, `channel_axis` and `alpha`, and its mask."""


def is_unopened(image: Any) -> bool:
    """Whether an image is an `Unopened` file; a `zarr.Array` has a path, too, as text."""
    return hasattr(image, "open") and isinstance(getattr(image, "path", None), Path)


def open_for_pool(path: Any, channel_axis: int | None) -> Any:
    """Read an image file: an image with `pixels`, `channel_axis` and `alpha`, and its mask."""
    return lent.open_file(path, channel_axis)


def images_in(path: Any) -> list[Path]:
    """Name the images that a path leads to: those of a plate one by one, else itself."""
    return lent.images_in(Path(path))


def is_read_lazily(image: Any) -> bool:
    """Whether an image file is read chunk by chunk when its pixels are asked for."""
    return lent.is_read_lazily(image.path if is_unopened(image) else Path(image))


def open_image(
    path: Any, mask: Any, channel_axis: int | None = None, *, argument: str = ""
) -> tuple[Any, Any]:
    """Read an image file, and where its pixels take part: in a mask, too, if one is given.

    What is wrong with it is said of the `argument`, if one is named, and of the file.
    """
    try:
        if is_unopened(path):
            image, inside = path.open()
        else:
            image, inside = open_for_pool(Path(path), channel_axis)
    except (OSError, ValueError) as error:
        if not argument:
            raise
        raise reworded(error, f"{argument} ({path}): {error}") from error
    if inside is None or mask is None:
        return image, mask if inside is None else inside
    return image, inside & array_checks.spatial_mask(mask, inside.shape)


def opened(
    path: Any,
    channel_axis: int | None,
    alpha: bool | None,
    mask: Any,
    channel_names: Sequence[str] | None,
) -> tuple[Any, int | None, bool | None, Any, Sequence[str] | None]:
    """Read an image file, and give these arguments of `segment` as the file says them.

    What the caller has said stands.
    """
    axis = None if channel_axis is NOT_GIVEN else channel_axis
    file, mask = open_image(path, mask, axis, argument="image")
    alpha = file.alpha if alpha is None else alpha
    return file.pixels, file.channel_axis, alpha, mask, channel_names or file.names_told or None

"""Who opens image files for core, which knows arrays only: the package says so.

This loads nothing, so that the package can say it at once.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

opener: Callable[..., Any] | None = None
"""`files.pooling.open_for_pool`, or what loads it when it is first called."""

lister: Callable[[Path], list[Path]] | None = None
"""`files.ngff.plates.images_in`, or what loads it."""

lazy: Callable[[Path], bool] | None = None
"""`files.images.is_read_lazily`, or what loads it."""


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


def images_in(path: Any) -> list[Path]:
    """Name the images that a path leads to: those of a plate one by one, else itself."""
    assert lister is not None, "the package names who opens files when it is imported"
    return lister(Path(path))


def is_read_lazily(image: Any) -> bool:
    """Whether an image file is read chunk by chunk when its pixels are asked for."""
    assert lazy is not None, "the package names who opens files when it is imported"
    return lazy(image.path if is_unopened(image) else Path(image))


def open_image(
    path: Any, mask: Any, channel_axis: int | None = None, *, argument: str = ""
) -> tuple[Any, Any]:
    """Read an image file, and where its pixels take part: in a mask, too, if one is given.

    What is wrong with it is told of the `argument`, if one is named, and of the file.
    """
    from . import array_checks

    try:
        if is_unopened(path):
            image, inside = path.open()
        else:
            image, inside = open_for_pool(Path(path), channel_axis)
    except (OSError, ValueError) as error:
        if not argument:
            raise
        kind = OSError if isinstance(error, OSError) else ValueError
        raise kind(f"{argument} ({path}): {error}") from error
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
    from .arguments import NOT_GIVEN

    axis = None if channel_axis is NOT_GIVEN else channel_axis
    file, mask = open_image(path, mask, axis, argument="image")
    alpha = file.alpha if alpha is None else alpha
    return file.pixels, file.channel_axis, alpha, mask, channel_names or file.names_told or None

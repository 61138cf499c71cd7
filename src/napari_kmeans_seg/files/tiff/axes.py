"""What a TIFF file says of its axes, without reading its pixels."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ..base.names import band_descriptions, channel_names

if TYPE_CHECKING:
    from pathlib import Path

TIFF = (".tif", ".tiff")

_CHANNELS = "CS"
# Whatever has no name of its own: an index, a sequence, anything.
_UNKNOWN = "IQR"


class Axes(NamedTuple):
    """The axes of an image.

    Attributes
    ----------
    known : bool
        Whether the file says what its first axis is.
    channel_axis : int or None
        That of the channels.
    channel_names : tuple of str
        What they are called; empty where the file does not say.
    """

    known: bool
    channel_axis: int | None
    channel_names: tuple[str, ...]


def channels_said(path: Path, shape: tuple[int, ...]) -> Axes | None:
    """Find what a file says of the channels of the image of this shape; None for no such image.

    Nor where the file cannot be read: whoever shows its pixels has said so.
    """
    stat = path.stat()
    return _said(path, shape, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _said(path: Path, shape: tuple[int, ...], _changed: int, _size: int) -> Axes | None:
    # Imported here: it takes a while, and most images are no TIFF.
    from tifffile import PHOTOMETRIC

    from .read import display_of
    from .series import opened

    try:
        with opened(path) as (tiff, _):
            for index, series in enumerate(tiff.series):
                if tuple(series.shape) != shape or len(series.axes) != len(shape):
                    continue
                axes, page = series.axes, series.keyframe
                axis = next((i for i, letter in enumerate(axes) if letter in _CHANNELS), None)
                if axis is None:
                    return Axes(axes[0] not in _UNKNOWN, None, ())
                is_color = axes[axis] == "S" and page.photometric == PHOTOMETRIC.RGB
                names = channel_names(
                    shape[axis],
                    axis,
                    is_color=is_color,
                    display=display_of(tiff, page, index),
                    bands=band_descriptions(page.tags.valueof(42112), shape[axis]),
                    planes=shape[: axes.index("Y")] if "Y" in axes else (),
                )
                return Axes(True, axis, names)
    except Exception:  # noqa: BLE001 - a damaged file can fail anywhere in the decoder
        return None
    return None

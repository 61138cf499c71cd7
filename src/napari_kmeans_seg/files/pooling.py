"""Image files as `pool` takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .images import read_image
from .part import Limits, taking_part

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from .base.image_file import ImageFile


def open_for_pool(
    path: Path, channel_axis: int | None
) -> tuple[ImageFile, npt.NDArray[np.bool_] | None]:
    """Read an image file, and say which of its pixels take part: not what it calls no data.

    Parameters
    ----------
    path
        The file.
    channel_axis
        The axis of the channels, where it is not what the file says.
    """
    image: Any = read_image(path)
    if channel_axis is not None:
        image = image.with_channel_axis(channel_axis)
    return image, taking_part(image, Limits())

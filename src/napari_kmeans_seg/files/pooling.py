"""Image files as `pool` takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

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


@dataclass(frozen=True, eq=False)
class FileToPool:
    """An image file of which more is said than its path.

    Attributes
    ----------
    path
        The file.
    axis
        Of the channels; "auto" for that which the file says.
    series
        Which of several images in it.
    limits
        Which pixels take part.
    """

    path: Path
    axis: int | Literal["auto"] | None
    series: int | None
    limits: Limits

    def open(self) -> tuple[ImageFile, npt.NDArray[np.bool_] | None]:
        """Read it, and say which of its pixels take part."""
        image = read_image(self.path, self.series)
        if self.axis != "auto":
            image = image.with_channel_axis(self.axis)
        return image, taking_part(image, self.limits)

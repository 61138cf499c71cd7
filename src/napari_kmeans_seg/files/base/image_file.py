"""An image and all that its file says of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ...core.base import array_checks
from .names import RGB_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from .pyramid import Pyramid
    from .tiff_style import TiffStyle


@dataclass(frozen=True)
class PictureStyle:
    """How a PNG, JPEG or BMP is saved again, as Pillow takes it."""

    format: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ImageFile:
    """An image and what its file says about it.

    Attributes
    ----------
    path
        Where it came from.
    pixels
        What a person sees, in rows and columns as stored: low values are dark, palettes are
        looked up, colours are sRGB.
    channel_axis
        Axis of the channels, None for one channel.
    alpha
        Whether the last channel is opacity.
    is_color
        Whether the first three channels are red, green and blue.
    channel_names
        What the channels are called in tables, without alpha; empty if unknown.
    missing
        Where the file has no pixel, True, in the shape of the pixels but for one channel; None if
        nowhere.
    warnings
        What a person should know of what was left out.
    tiff
        How a TIFF that belongs to the image is written: axes and pixel size.
    picture
        How the image's own kind is written, None for TIFF and OME-Zarr.
    store
        How an image of an OME-Zarr store lies in it, None for files. Its pixels are a Dask array.
    """

    path: Path
    pixels: npt.NDArray[Any]
    channel_axis: int | None
    alpha: bool
    is_color: bool
    channel_names: tuple[str, ...]
    missing: npt.NDArray[np.bool_] | None
    warnings: tuple[str, ...]
    tiff: TiffStyle
    picture: PictureStyle | None = None
    store: Pyramid | None = None

    @property
    def own_axes(self) -> tuple[int, ...]:
        """The two numbers of the channel axis, counted from either end; none for one channel."""
        if self.channel_axis is None:
            return ()
        from_start = self.channel_axis % self.pixels.ndim
        return (from_start, from_start - self.pixels.ndim)

    @property
    def names_told(self) -> tuple[str, ...]:
        """What the file itself calls its channels; not that colours are red, green and blue."""
        return () if self.is_color and self.channel_names == RGB_NAMES else self.channel_names

    def with_channel_axis(self, axis: int | None) -> ImageFile:
        """Return the image with another axis, or none, taken for its channels.

        Raises
        ------
        ValueError
            It has no such axis.
        """
        if axis is not None:
            array_checks.axis("channel_axis", axis, self.pixels.ndim)
        own = axis in self.own_axes
        return replace(
            self,
            channel_axis=axis,
            alpha=self.alpha and own,
            is_color=self.is_color and own,
            channel_names=self.channel_names if own else (),
        )

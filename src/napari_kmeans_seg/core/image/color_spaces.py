"""The spaces in which colours are compared: each is one entry here, and stands nowhere else.

This loads no NumPy, so that the command line can name them at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    RGB = NDArray[np.float64]
    """``(n, 3)`` float64 from 0 to 1."""


class Plane(NamedTuple):
    """Two axes of a space, to draw colours by.

    Attributes
    ----------
    across, up : int
        The axes.
    title : str
        What a person chooses it by, where that is not the names of the axes.
    """

    across: int
    up: int
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class ColorSpace:
    """A space in which colours are compared.

    Attributes
    ----------
    name : str
        As in `segment` and in a model's file.
    label, help : str
        What a person chooses it by in the dock.
    title : str
        What a paper calls it.
    from_rgb : callable or None
        Takes and returns ``(n, 3)`` float64. None: the channels as they are, however many.
    axes : tuple of str
        What the coordinates are called. None where they are the channels.
    planes : tuple of Plane
        Those that colours are drawn in, first that in which clusters are separated best. None
        where it is any two channels.
    unit : float
        Colours are rounded to multiples of this power of two. The last digits of a cosine or a
        cube root depend on the processor's instructions; rounded they do not, and float32 holds
        them.
    largest : float
        No coordinate is larger.
    brightness : int or None
        Which axis is how bright a colour is; None: the mean of all.
    """

    name: str
    label: str
    help: str
    title: str
    from_rgb: Callable[[RGB], NDArray[np.float64]] | None = None
    axes: tuple[str, ...] = ()
    planes: tuple[Plane, ...] = ()
    unit: float = 0.0
    largest: float = inf
    brightness: int | None = None


# Libraries are imported in the functions: they take a while, and most images stay in their own
# channels.


def _lab(rgb: RGB) -> NDArray[np.float64]:
    from skimage.color import rgb2lab

    lab: NDArray[np.float64] = rgb2lab(rgb)
    return lab


def _luv(rgb: RGB) -> NDArray[np.float64]:
    from skimage.color.colorconv import rgb2luv  # which the types of skimage.color leave out

    luv: NDArray[np.float64] = rgb2luv(rgb)
    return luv


def _hsv_cone(rgb: RGB) -> NDArray[np.float64]:
    """Hue is an angle: red next to red is near, and hue counts little where there is no colour."""
    import numpy as np
    from skimage.color import rgb2hsv

    hue, saturation, value = np.moveaxis(rgb2hsv(rgb), -1, 0)
    angle, radius = 2 * np.pi * hue, saturation * value
    cone: NDArray[Any] = np.stack([radius * np.cos(angle), radius * np.sin(angle), value], axis=-1)
    return cone


COLOR_SPACES = {
    space.name: space
    for space in (
        ColorSpace(
            name="rgb",
            label="red, green, blue",
            help="as they are stored.",
            title="RGB",
        ),
        # CIE L*a*b* of D65: L* from 0 to 100.
        ColorSpace(
            name="lab",
            label="Lab",
            help="by how different they look to the eye.",
            title="CIELAB",
            from_rgb=_lab,
            axes=("L*", "a*", "b*"),
            planes=(Plane(1, 2), Plane(0, 1), Plane(0, 2)),
            unit=2.0**-16,
            largest=128.0,
            brightness=0,
        ),
        # The cone (s v cos h, s v sin h, v).
        ColorSpace(
            name="hsv",
            label="HSV",
            help="by hue, saturation and brightness; both ends of the hue are one red.",
            title="HSV",
            from_rgb=_hsv_cone,
            axes=("s · cos h", "s · sin h", "value"),
            planes=(Plane(0, 1, "hue, saturation"),),
            unit=2.0**-22,
            largest=1.0,
            brightness=2,
        ),
        # CIE L*u*v* of D65: L* from 0 to 100.
        ColorSpace(
            name="luv",
            label="Luv",
            help="like Lab, but mixtures of two lights lie on a straight line.",
            title="CIELUV",
            from_rgb=_luv,
            axes=("L*", "u*", "v*"),
            planes=(Plane(1, 2), Plane(0, 1), Plane(0, 2)),
            unit=2.0**-16,
            largest=180.0,
            brightness=0,
        ),
    )
}

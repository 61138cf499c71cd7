"""What kind of values a model was fitted on, and whether those of another image are of it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.errors import WrongType
from ..base.note import Note
from ..base.notes_on_kind import OtherScale
from ..base.parallel import map_spans, spans
from ..image.colors import value_range
from ..image.pixels import Pixels

PLAIN = ("uint8", "uint16", "uint32")
"""Dtypes between which the scale is plain: from no light to all that they can hold."""

ALIKE = 8.0
"""Times that the highest value of one image is that of another of the same scale, at the most: one
may be darker by some stops. 12 bits of 16 are 16 times less."""


@dataclass(frozen=True)
class ValueKind:
    """Dtype and range of the values that were fitted.

    Attributes
    ----------
    dtype : numpy.dtype
        Of the image.
    low, high : float
        The lowest and the highest value of the pixels that took part, in any channel.
    """

    dtype: np.dtype[Any]
    low: float
    high: float

    def note(self, pixels: Pixels, color_space: str, *, rescaled: bool) -> tuple[Note, ...]:
        """Say so if the values of an image are of another kind than these.

        The same numbers in another dtype are of the same kind.

        Parameters
        ----------
        pixels : Pixels
            The image; of the dtype of the model, or floats of its scale, where it was `rescaled`.
        color_space : str
            Other ones than "rgb" bring all dtypes to one scale.
        rescaled : bool
            Whether the values were brought to this scale.
        """
        if pixels.dtype == self.dtype and not rescaled:
            return ()
        low, high = value_range(pixels)
        if color_space != "rgb":
            ends = high / full_scale(pixels.dtype), self.high / full_scale(self.dtype)
            is_other = max(ends) > ALIKE * min(ends) and min(ends) > 0
        elif rescaled:
            is_other = max(high, self.high) > ALIKE * min(high, self.high) and high > 0
        else:
            is_other = not self._may_hold(pixels, low, high)
        if not is_other:
            return ()
        may_rescale = not rescaled and color_space == "rgb" and self._is_plain(pixels.dtype)
        if may_rescale:
            factor = full_scale(self.dtype) / full_scale(pixels.dtype)
            ends = high * factor, self.high
            may_rescale = max(ends) <= ALIKE * min(ends)
        return (self._note(pixels.dtype, low, high, may_rescale=may_rescale),)

    def _note(
        self, dtype: np.dtype[Any], low: float | None, high: float | None, *, may_rescale: bool
    ) -> OtherScale:
        return OtherScale(
            dtype=str(dtype),
            fitted=str(self.dtype),
            low=low,
            high=high,
            fitted_low=self.low,
            fitted_high=self.high,
            may_rescale=may_rescale,
        )

    def note_unread(self, dtype: np.dtype[Any], color_space: str) -> tuple[Note, ...]:
        """Say what the dtype alone shows of an image that is not read."""
        kinds = dtype.kind == "f", self.dtype.kind == "f"
        same = dtype == self.dtype or kinds == (True, True) or color_space != "rgb"
        if same:
            return ()
        may_rescale = self._is_plain(dtype)
        return (self._note(dtype, None, None, may_rescale=may_rescale),)

    def _may_hold(self, pixels: Pixels, low: float, high: float) -> bool:
        """Whether these values and those of an image may be numbers of one scale."""
        if not all(
            one.kind == "f" or (limits_of(one)[0] <= ends[0] and ends[1] <= limits_of(one)[1])
            for one, ends in ((self.dtype, (low, high)), (pixels.dtype, (self.low, self.high)))
        ):
            return False
        if pixels.dtype.kind == "f" and self.dtype.kind != "f" and self.high > 1:
            # A constant is of any scale.
            return not (0 <= low < high <= 1 and _has_fractions(pixels))
        if pixels.dtype.kind != "f" and self.dtype.kind == "f" and high > 1:
            return not (self.low >= 0 and self.high <= 1)
        return True

    def _is_plain(self, dtype: np.dtype[Any]) -> bool:
        return str(dtype) in PLAIN and str(self.dtype) in PLAIN

    def rescaled(self, channels: NDArray[Any]) -> NDArray[Any]:
        """Bring values of another integer dtype to this scale.

        Raises
        ------
        TypeError
            If the scale between the dtypes is not plain.
        """
        dtype = channels.dtype.newbyteorder("=")
        if dtype == self.dtype:
            return channels
        if not self._is_plain(dtype):
            raise WrongType(
                "rescale",
                f"an image of {', '.join(PLAIN)} for a model that was fitted on one of these",
                f"{dtype} for a model of {self.dtype}",
                value="True",
                advice="Bring the image to the scale of the model first.",
            )
        if dtype.itemsize < self.dtype.itemsize:
            factor = np.iinfo(self.dtype).max // np.iinfo(dtype).max
            multiplied: NDArray[Any] = channels * self.dtype.type(factor)
            return multiplied
        factor = np.iinfo(dtype).max // np.iinfo(self.dtype).max
        # 16 bits less a factor have a place in float32.
        floats = np.float32 if dtype.itemsize <= 2 else np.float64
        divided: NDArray[Any] = channels / floats(factor)
        return divided

    def unit(self, dtype: np.dtype[Any]) -> float:
        """Return by what rescaled values are multiplied to be those of the image again."""
        return full_scale(dtype) / full_scale(self.dtype)


def rescaled(pixels: Pixels, kind: ValueKind) -> Pixels:
    """Bring an image to the scale of a kind; see `ValueKind.rescaled`."""
    channels = kind.rescaled(pixels.channels)
    return replace(pixels, channels=channels, dtype=channels.dtype)


def limits_of(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the least and the largest value of an integer dtype or of booleans."""
    if dtype.kind == "b":
        return 0.0, 1.0
    return float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)


def full_scale(dtype: np.dtype[Any]) -> float:
    """Return what counts as all light in a dtype."""
    return 1.0 if dtype.kind == "f" else limits_of(dtype)[1]


def _has_fractions(pixels: Pixels) -> bool:
    def in_part(start: int, stop: int) -> bool:
        part = pixels.take(start, stop)
        return bool((part != np.rint(part)).any())

    return any(map_spans(in_part, spans(pixels.n_pixels)))

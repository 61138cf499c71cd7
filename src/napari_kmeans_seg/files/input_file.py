"""An image file, or several whose channels are one image, and how a person wants it read."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..core.base.errors import reworded
from .images import read_image
from .limits import DEFAULT_MAX_PIXELS, check_size
from .part import Limits, read_mask, taking_part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from .base.image_file import ImageFile


@dataclass(frozen=True, eq=False)
class InputFile:
    """An image file of which more is said than its path; `pool` takes it, too.

    Attributes
    ----------
    path
        The file, or what an image of several files is called: there need be no such file then.
    axis
        Of the channels; "auto" for that which the file says.
    series
        Which of several images in it.
    limits
        Which pixels take part.
    channels
        Names and files of the channels, where each is a file of its own.
    mask
        The file of its mask, if it has one of its own.
    problem
        Why it cannot be read, if that is known before; else empty.
    max_pixels
        Most pixels of a file that is read.
    """

    path: Path
    axis: int | Literal["auto"] | None = "auto"
    series: int | None = None
    limits: Limits = field(default_factory=Limits)
    channels: tuple[tuple[str, Path], ...] = ()
    mask: Path | None = None
    problem: str = ""
    max_pixels: int = DEFAULT_MAX_PIXELS

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are read."""
        images = tuple(file for _, file in self.channels) or (self.path,)
        return images if self.mask is None else (*images, self.mask)

    def absolute(self) -> InputFile:
        """Name the files so that a process in another folder finds them."""
        return replace(
            self,
            path=self.path.absolute(),
            channels=tuple((name, file.absolute()) for name, file in self.channels),
            mask=self.mask and self.mask.absolute(),
        )

    def check(self) -> None:
        """Refuse, before anything is read, what is missing or too large.

        Raises
        ------
        OSError, ValueError
            As `check_size` does, or it is known why the image cannot be read.
        """
        if self.problem:
            raise FileNotFoundError(self.problem)
        for file in self.files:
            with _named(file, self.path):
                check_size(file, self.max_pixels)

    def open(self) -> tuple[ImageFile, npt.NDArray[np.bool_] | None]:
        """Read it, and say which of its pixels take part."""
        if self.problem:
            raise FileNotFoundError(self.problem)
        if self.channels:
            image = _of_channels(self.path, self.channels, self.series)
        else:
            image = read_image(self.path, self.series)
        if self.axis != "auto":
            image = image.with_channel_axis(self.axis)
        limits = self.limits
        if self.mask is not None:
            with _named(self.mask, self.path, "--mask "):
                limits = replace(limits, mask=read_mask(self.mask))
        return image, taking_part(image, limits)

    def to_json(self) -> dict[str, Any]:
        """Return what was asked for, so that JSON can hold it."""
        said = self.limits.to_json()
        if self.mask is not None:
            said["mask"] = str(self.mask)
        if self.series is not None:
            said["series"] = self.series
        if self.channels:
            said["channels"] = {name: str(file) for name, file in self.channels}
        return said


@contextmanager
def _named(file: Path, image: Path, before: str = "") -> Iterator[None]:
    """Name a file in what is wrong with it, where the image is called otherwise."""
    try:
        yield
    except (OSError, ValueError) as problem:
        if file == image:
            raise
        text = getattr(problem, "strerror", None) or str(problem)
        raise reworded(problem, f"{before}{file}: {text}") from problem


def _of_channels(
    path: Path, channels: tuple[tuple[str, Path], ...], series: int | None
) -> ImageFile:
    """Read files of one channel each as one image, whose axis of channels is before the last two.

    Raises
    ------
    OSError, ValueError
        One cannot be read, has channels itself, or is of another size or dtype than the first.
    """
    read: list[ImageFile] = []
    for _, file in channels:
        with _named(file, path):
            one = read_image(file, series)
            if one.channel_axis is not None:
                raise ValueError(
                    f"has {one.pixels.shape[one.channel_axis]} channels; --channels takes files of "
                    "one channel each"
                )
            if read and _form(one) != _form(read[0]):
                raise ValueError(
                    f"has {_form(one)}; --channels takes files alike, and {read[0].path.name} has "
                    f"{_form(read[0])}"
                )
            read.append(one)
    first, axis = read[0], read[0].pixels.ndim - 2
    names = tuple(name for name, _ in channels)
    letters = first.tiff.axes
    no_data = {one.tiff.no_data for one in read}
    missing: Any = None
    for one in read:
        if one.missing is not None:
            missing = one.missing if missing is None else missing | one.missing
    display = {"Channel": {"Name": list(names)}} if first.tiff.flavour == "ome" else {}
    return replace(
        first,
        path=path,
        pixels=_stacked([one.pixels for one in read], axis),
        channel_axis=axis,
        channel_names=names,
        missing=None if missing is None else np.expand_dims(missing, axis),
        warnings=tuple(
            f"{file.name}: {warning}"
            for (_, file), one in zip(channels, read, strict=True)
            for warning in one.warnings
        ),
        tiff=replace(
            first.tiff,
            axes=f"{letters[:axis]}C{letters[axis:]}",
            display=display,
            no_data=no_data.pop() if len(no_data) == 1 else "",
        ),
        picture=None,
        store=None,
    )


def _stacked(arrays: list[Any], axis: int) -> Any:
    if all(isinstance(one, np.ndarray) for one in arrays):
        return np.stack(arrays, axis)
    # Imported here: Dask takes a while, and most images are in memory.
    import dask.array as da

    return da.stack(arrays, axis)


def _form(image: ImageFile) -> str:
    turned = "" if image.tiff.turn == 1 else ", marked to be turned (Orientation)"
    return f"{' x '.join(map(str, image.pixels.shape))} pixels of {image.pixels.dtype}{turned}"

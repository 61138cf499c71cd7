"""The images of a pool, one by one: what is kept of each, and where to read it again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..base import array_checks
from ..base.checks import MAX_SMOOTHING
from ..base.stores import check_there
from ..image.averages import smooth
from ..image.colors import check_color_space
from ..image.pixels import Pixels, flatten
from ..model_parts.adapt import adapted
from ..model_parts.same_kind import Kind
from ..opening import is_read_lazily, is_unopened, open_image
from ..points.counting import Counted, count, count_values, packing_of
from ..points.reading import MOST_OF_ONE_CHANNEL


@dataclass(frozen=True)
class How:
    """How all images are read: the arguments of `pool`, and what the first image decided.

    Attributes
    ----------
    channel_axis, alpha, color_space, adapt, smoothing
        As for `pool`.
    dtype : numpy.dtype or None
        That of the first image, to which others are adapted; None as long as there is none.
    most : int
        Distinct values of one channel up to which they are counted.
    """

    channel_axis: int | None
    alpha: bool | None
    color_space: str
    adapt: str | None
    smoothing: float | tuple[float, ...]
    dtype: np.dtype[Any] | None = None
    most: int = MOST_OF_ONE_CHANNEL

    @property
    def smooths(self) -> bool:
        """Whether images are smoothed."""
        return bool(np.any(np.asarray(self.smoothing)))


class FileSays(NamedTuple):
    """What an image file says of its pixels.

    Attributes
    ----------
    channel_axis : int or None
        The axis of its channels.
    alpha : bool or None
        Whether the last one is opacity.
    is_color : bool
        Whether the first three are red, green and blue.
    names : tuple of str
        What it calls them.
    """

    channel_axis: int | None
    alpha: bool | None
    is_color: bool
    names: tuple[str, ...]

    @classmethod
    def of(cls, file: Any, how: How) -> "FileSays":
        """Return what an opened file says, where nothing else was given."""
        alpha = file.alpha if how.channel_axis is None else how.alpha
        return cls(file.channel_axis, alpha, bool(file.is_color), tuple(file.names_told))


@dataclass(frozen=True, eq=False)
class Part:
    """An image, or a chunk of one that is a Dask array.

    Attributes
    ----------
    name : str
        What it is called in messages.
    image : array-like, path or Unopened
        Where it is read.
    mask : array-like or None
        Where pixels take part.
    is_chunk : bool
        Whether no pixel of it needs to take part.
    says : FileSays or None
        Of a chunk: what the file says that it is of.
    """

    name: str
    image: Any
    mask: ArrayLike | None
    is_chunk: bool = False
    says: FileSays | None = None

    @property
    def can_be_read_again(self) -> bool:
        """Whether its pixels need not be kept in memory."""
        return is_file(self.image) or array_checks.is_lazy(self.image)

    def pixels(self, how: How) -> tuple[Pixels, FileSays | None]:
        """Read it; gives what its file says of it, too, or None."""
        image, mask, says = self.image, self.mask, self.says
        axis, alpha = how.channel_axis, how.alpha
        if is_file(image):
            file, mask = open_image(image, mask, axis)
            image, says = file.pixels, FileSays.of(file, how)
        if says is not None:
            axis, alpha = says.channel_axis, says.alpha
        else:
            image, axis = array_checks.of_layer(image, axis)
        if array_checks.is_lazy(image):
            image = np.asarray(image)
            mask = None if mask is None else np.asarray(mask)
        pixels = flatten(
            image, channel_axis=axis, alpha=alpha, mask=mask, may_be_empty=self.is_chunk
        )
        if pixels.n_valid:
            check_color_space(how.color_space, pixels)
        if how.adapt is not None:
            pixels = adapted(pixels, how.dtype or pixels.dtype)
        return pixels, says

    def summary(self, how: How, *, keep: bool = True) -> "Summary":
        """Read it, and say what is kept of it.

        Parameters
        ----------
        how : How
            How it is read.
        keep : bool
            Whether values that are not counted are given.
        """
        pixels, says = self.pixels(how)
        kind = Kind.of(pixels, is_color=None if says is None else says.is_color)
        names = () if says is None else says.names
        names = names if len(names) == pixels.n_channels else ()
        counted, rows, smoothed = None, None, None
        packing = packing_of(pixels.dtype, pixels.n_channels)
        if how.smooths:
            rows, smoothed = _rows(pixels), _rows(_smooth(pixels, how))
        elif packing is not None:
            counted = count(pixels, packing)
        else:
            rows = _rows(pixels)
            if pixels.n_channels == 1 and pixels.n_valid:
                counted = count_values(rows[:, 0])
                if counted.keys.size > how.most:
                    counted = None
            if counted is not None or not keep:
                rows = None
        form = replace(pixels, channels=pixels.channels[:, :0].copy(), valid=None, alpha=None)
        return Summary(kind, form, names, pixels.n_valid, counted, rows, smoothed)


@dataclass(frozen=True, eq=False)
class Summary:
    """What is kept of an image.

    Attributes
    ----------
    kind : Kind
        What it is.
    form : Pixels
        Its form, without a pixel.
    names : tuple of str
        What its file calls its channels.
    n_valid : int
        Pixels that take part.
    counted : Counted or None
        Its distinct values, where they are counted.
    rows, smoothed : (n_valid, n_channels) arrays or None
        Its values as they came, and smoothed, where they are not.
    """

    kind: Kind
    form: Pixels
    names: tuple[str, ...]
    n_valid: int
    counted: Counted | None
    rows: NDArray[Any] | None
    smoothed: NDArray[Any] | None


def is_file(image: Any) -> bool:
    """Whether an image is one that is opened to be read."""
    return isinstance(image, str | PathLike) or is_unopened(image)


def parts_of(name: str, image: Any, mask: ArrayLike | None, how: How) -> Iterator[Part]:
    """Give the chunks of an image that is a Dask array, which are read one by one, or the image.

    What is smoothed or adapted is read as a whole.
    """
    says, axis = None, how.channel_axis
    if is_file(image):
        image = absolute(image)
        is_whole = how.smooths or how.adapt or not is_read_lazily(image)
    else:
        is_whole = how.smooths or how.adapt or not array_checks.is_lazy(image)
    if is_whole:
        yield Part(name, image, mask)
        return
    # Imported here: Dask takes a while, and most images are in memory.
    import dask.array as da

    if is_file(image):
        file, mask = open_image(image, mask, axis)
        image, axis, says = file.pixels, file.channel_axis, FileSays.of(file, how)
    source = da.asarray(image)
    if axis is not None:
        axis = array_checks.axis("channel_axis", axis, source.ndim)
        source = source.rechunk({axis: -1})
    if not source.size or np.isnan(source.size):
        yield Part(name, image, mask, says=says)
        return

    def spatial(of_each: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(one for i, one in enumerate(of_each) if i != axis)

    inside = None if mask is None else da.asarray(mask)
    if inside is not None:
        array_checks.shape_of_mask(inside.shape, spatial(source.shape))
        inside = inside.rechunk(spatial(source.chunks))
    for index in np.ndindex(*source.numblocks):
        part = None if inside is None else inside.blocks[spatial(index)]
        yield Part(name, source.blocks[index], part, is_chunk=True, says=says)
    check_there(image)


def absolute(image: Any) -> Any:
    """Name a file so that a process in another folder finds it, or this one later."""
    return image.absolute() if is_unopened(image) else Path(image).absolute()


def named(number: int, image: Any) -> tuple[str, str]:
    """Call an image by its number and its file, and shortly."""
    number_of = f"images[{number}]"
    if not is_file(image):
        return number_of, number_of
    path = image.path if is_unopened(image) else Path(image)
    if not path.suffix:
        # A field of a plate is a number, and the plate was given, not the field.
        return path.as_posix(), path.as_posix()
    return f"{number_of} ({path.name})", path.name


def rows_again(part: Part, how: How, n_valid: int) -> NDArray[Any]:
    """Read the values of an image again, ``(n_valid, n_channels)``.

    Raises
    ------
    OSError
        If it cannot be read any more, or has changed; the message names it.
    """
    try:
        rows = _rows(part.pixels(how)[0])
    except (OSError, ValueError, TypeError) as error:
        raise OSError(f"{part.name} cannot be read again: {error}") from error
    if len(rows) != n_valid:
        raise OSError(f"{part.name} has changed while it was fitted. Run again.")
    return rows


def _rows(pixels: Pixels) -> NDArray[Any]:
    values = pixels.take(0, pixels.n_pixels)
    return np.ascontiguousarray(values.T)


def _smooth(pixels: Pixels, how: How) -> Pixels:
    sigma = array_checks.reals(
        "smoothing", how.smoothing, len(pixels.shape), "spatial axis", high=MAX_SMOOTHING
    )
    return smooth(pixels, sigma)

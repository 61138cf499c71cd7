"""An OME-Zarr image, read chunk by chunk when it is asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..base.image_file import ImageFile
from ..base.names import channel_names
from ..base.pyramid import Level, Pyramid, Version, chunks_of
from ..base.tiff_style import TiffStyle
from .groups import group_of, inside, is_zarr, kind_of, read_json, validated
from .plates import check_place, listed, series_of

if TYPE_CHECKING:
    from pathlib import Path

_LETTERS = {"time": "T", "channel": "C"}
UNITS = {
    "angstrom": ("nm", 0.1), "picometer": ("pm", 1.0), "nanometer": ("nm", 1.0),
    "micrometer": ("µm", 1.0), "millimeter": ("mm", 1.0), "centimeter": ("cm", 1.0),
    "decimeter": ("dm", 1.0), "meter": ("m", 1.0), "kilometer": ("km", 1.0), "inch": ("in", 1.0),
    "second": ("s", 1.0), "millisecond": ("ms", 1.0), "minute": ("min", 1.0), "hour": ("h", 1.0),
}  # fmt: skip


def read_store(path: Path, series: int | None = None) -> ImageFile:
    """Read an image of an OME-Zarr store, at full resolution, as a Dask array.

    Parameters
    ----------
    path
        The folder of an image, or of a series of them.
    series
        Which of a series, counted from 0; None for the first.

    Raises
    ------
    OSError
        There is no such image.
    ValueError
        It is no OME-Zarr image, of another version, or its metadata are not valid.
    """
    check_place(path)
    several: tuple[str, ...] = ()
    kind = kind_of(path)
    if kind in ("plate", "well"):
        first = listed(path)
        raise ValueError(
            f"is a {kind} of {len(first)} image(s); name one of them, such as {first[0]}"
        )
    if kind == "series":
        names = series_of(path)
        if not (0 <= (series or 0) < len(names)):
            raise ValueError(f"has no series {series}: it has {len(names)}, counted from 0")
        if series is None and len(names) > 1:
            several = (f"has {len(names)} series; the first is read, --series takes another",)
        path = path / names[series or 0]
    elif series:
        raise ValueError(f"has no series {series}: it has 1, counted from 0")
    return _read_image(path, several)


def pixels_said(path: Path) -> int:
    """Return how many pixels an image claims, channels not counted; 0 where nothing can be said."""
    try:
        pyramid, _ = _opened(path, [])
    except (OSError, ValueError):
        return 0
    shape = pyramid.levels[0].shape
    return math.prod(n for i, n in enumerate(shape) if i != pyramid.channel_axis)


def _read_image(path: Path, warnings: tuple[str, ...]) -> ImageFile:
    import dask.array as da

    said = [*warnings]
    pyramid, array = _opened(path, said)
    axis = pyramid.channel_axis
    axes = _letters(pyramid.axes)
    style = TiffStyle(axes, "ome", _scale(pyramid, axes, said), {})
    return ImageFile(
        path=path,
        pixels=da.from_array(array, chunks=chunks_of(pyramid)),
        channel_axis=axis,
        alpha=False,
        is_color=False,
        channel_names=_channel_names(pyramid, 1 if axis is None else array.shape[axis]),
        missing=None,
        warnings=tuple(said),
        tiff=style,
        store=pyramid,
    )


def _opened(path: Path, said: list[str]) -> tuple[Pyramid, Any]:
    """Check what an image says of itself, and open its largest level."""
    group = group_of(path)
    if group is None or group.kind != "image":
        raise _no_image(path)
    version = group.known_version
    several = group.ome["multiscales"]
    if not isinstance(several, list) or not several:
        raise ValueError("its multiscales are not valid: they name no pyramid")
    with validated("multiscales"):
        import yaozarrs

        module: Any = yaozarrs.v04 if version == "0.4" else yaozarrs.v05
        model = module.Multiscale.model_validate(several[0])
    if len(several) > 1:
        said.append(f"has {len(several)} pyramids; the first is read")
    axes = tuple(one.model_dump(exclude_none=True) for one in model.axes)
    levels, first = [], None
    for dataset in model.datasets:
        try:
            array = _array(inside(path, dataset.path), version)
        except FileNotFoundError:
            if first is None:
                raise
            said.append(f"lacks its level {dataset.path}, which its metadata name")
            continue
        if array.ndim != len(axes):
            raise ValueError(f"its array {dataset.path} has {array.ndim} axes, not {len(axes)}")
        first = array if first is None else first
        levels.append(Level(tuple(array.shape), _dumped(dataset.coordinateTransformations)))
    assert first is not None
    if first.dtype.kind not in "buif" or first.dtype.itemsize > 8:
        raise ValueError(f"has pixels of {first.dtype}; booleans, integers and floats are read")
    channels = [i for i, one in enumerate(axes) if one.get("type") == "channel"]
    omero = group.ome.get("omero")
    pyramid = Pyramid(
        version,
        axes,
        channels[0] if channels else None,
        tuple(levels),
        _dumped(model.coordinateTransformations or ()),
        tuple(first.chunks),
        tuple(first.shards) if first.shards else None,
        omero if isinstance(omero, dict) else None,
    )
    return pyramid, first


def _no_image(path: Path) -> Exception:
    if not path.exists():
        return FileNotFoundError("there is no such file")
    if (path / ".zarray").is_file() or _is_array_of_3(path):
        return ValueError(
            "is an array of Zarr without OME-Zarr metadata; a script reads it with "
            "dask.array.from_zarr"
        )
    if is_zarr(path):
        return ValueError("is a group of Zarr without multiscales, so no OME-Zarr image")
    return IsADirectoryError("is a folder; name the image files in it")


def _is_array_of_3(path: Path) -> bool:
    try:
        return read_json(path / "zarr.json").get("node_type") == "array"
    except (OSError, ValueError):
        return False


def _array(path: Path, version: Version) -> Any:
    """Open an array to read it. Its metadata must not have the reader run what they say."""
    import zarr

    file = path / (".zarray" if version == "0.4" else "zarr.json")
    if not file.is_file():
        raise FileNotFoundError(f"has no array {path.name}, which its metadata name")
    if _names_pickle(read_json(file)):
        raise ValueError(f"its array {path.name} is pickled, which could run any program")
    try:
        return zarr.open_array(str(path), mode="r", zarr_format=2 if version == "0.4" else 3)
    except MemoryError:
        raise
    except Exception as problem:
        # What makes no sense can fail anywhere in zarr, with any exception.
        text = " ".join(f"{type(problem).__name__}: {problem}".split())
        raise ValueError(f"its array {path.name} cannot be read: {text}") from problem


def _names_pickle(found: Any) -> bool:
    if isinstance(found, dict):
        codecs = (found.get("id"), found.get("name"))
        said = any(isinstance(one, str) and "pickle" in one.lower() for one in codecs)
        return said or any(_names_pickle(one) for one in found.values())
    return isinstance(found, list) and any(_names_pickle(one) for one in found)


def _dumped(transformations: Any) -> tuple[dict[str, Any], ...]:
    return tuple(one.model_dump(exclude_none=True) for one in transformations)


def _letters(axes: tuple[dict[str, Any], ...]) -> str:
    """Name axes as TIFF does: T, C, Z, Y, X, and Q for any other."""
    letters = [_LETTERS.get(str(one.get("type")), "Q") for one in axes]
    of_space = [i for i, one in enumerate(axes) if one.get("type") == "space"]
    for i, letter in zip(reversed(of_space), "XYZ", strict=False):
        letters[i] = letter
    return "".join(letters)


def _scale(pyramid: Pyramid, axes: str, said: list[str]) -> dict[str, Any]:
    """Return the size of a pixel, in the words of OME-TIFF; of no unit, none."""
    sizes = [1.0] * len(axes)
    for one in (*pyramid.levels[0].transformations, *pyramid.transformations):
        if one["type"] == "scale":
            sizes = [size * more for size, more in zip(sizes, one["scale"], strict=True)]
    scale: dict[str, Any] = {}
    for letter, size, axis in zip(axes, sizes, pyramid.axes, strict=True):
        unit = UNITS.get(str(axis.get("unit")))
        if letter not in "TZYX" or unit is None:
            continue
        if not 0 < size < math.inf:
            said.append(f"has a scale of {size} along {axis['name']}, which is no size: left out")
            continue
        key = "TimeIncrement" if letter == "T" else f"PhysicalSize{letter}"
        scale |= {key: size * unit[1], f"{key}Unit": unit[0]}
    return scale


def _channel_names(pyramid: Pyramid, n_channels: int) -> tuple[str, ...]:
    channels = (pyramid.omero or {}).get("channels")
    if not isinstance(channels, list):
        return ()
    labels = [one.get("label") if isinstance(one, dict) else None for one in channels]
    return channel_names(
        n_channels,
        pyramid.channel_axis,
        is_color=False,
        display={"Channel": {"Name": ["" if one is None else one for one in labels]}},
        bands=(),
        planes=(),
    )

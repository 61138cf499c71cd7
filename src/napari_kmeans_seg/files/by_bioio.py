"""Files of microscopes that are neither TIFF nor a picture: bioio reads them."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .base.image_file import ImageFile
from .base.names import channel_names
from .base.tiff_style import TiffStyle
from .tiff.decode import is_tiff

if TYPE_CHECKING:
    from pathlib import Path

    import dask.array as da

INSTALL = (
    'by bioio and its plugins: pip install "napari-kmeans-seg[bioio]" reads ND2 and LIF; for CZI, '
    "pip install bioio-czi, too"
)

_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"BM")
_OF_MICROSCOPES = {
    ".czi", ".dv", ".lif", ".lof", ".nd2", ".oib", ".oif", ".r3d", ".sldy", ".vsi", ".xlif",
}  # fmt: skip
_LETTERS = "TCZYXS"


def is_for_bioio(path: Path) -> bool:
    """Whether a file is called as those of microscopes are, and neither TIFF nor a picture."""
    if path.suffix.lower() not in _OF_MICROSCOPES or not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(8)
    return bool(start) and not (is_tiff(path) or start.startswith(_PICTURES))


def pixels_said(path: Path) -> int:
    """Return how many pixels the largest image of a file claims, channels not counted; 0: none."""
    try:
        opened = _opened(path)
        shapes = []
        for scene in opened.scenes:
            opened.set_scene(scene)
            pixels = opened.reader.xarray_dask_data
            sizes = zip(pixels.dims, pixels.shape, strict=True)
            shapes.append(math.prod(n for dim, n in sizes if dim not in "CS"))
    except (OSError, ValueError):
        return 0
    return max(shapes, default=0)


def read_by_bioio(path: Path, series: int | None = None) -> ImageFile:
    """Read an image of a file, plane by plane when it is asked for, as a Dask array.

    Parameters
    ----------
    path
        The file.
    series
        Which of its scenes, counted from 0; None for the first.

    Raises
    ------
    ValueError
        bioio is not installed, or none of its plugins reads the file.
    """
    opened = _opened(path)
    n, warnings = len(opened.scenes), []
    if not (0 <= (series or 0) < n):
        raise ValueError(f"has no series {series}: it has {n}, counted from 0")
    if series is None and n > 1:
        warnings.append(f"has {n} series; the first is read, --series takes another")
    try:
        opened.set_scene(series or 0)
        data = opened.reader.xarray_dask_data
        given = [str(one) for one in opened.channel_names or ()]
        sizes, properties = opened.physical_pixel_sizes, opened.dimension_properties
    except Exception as problem:
        raise _unread(problem) from problem
    pixels, axes = _without_singles(data.data, tuple(map(str, data.dims)))
    if pixels.dtype.kind not in "buif":
        raise ValueError(f"has pixels of {pixels.dtype}; booleans, integers and floats are read")
    if "S" in axes:
        # bioio-czi 3.0.1 gives the first sample three times, and otherwise blue before red.
        raise ValueError(
            "has colours, which the plugins of bioio give in other orders, or wrong; save it as "
            "TIFF or OME-Zarr"
        )
    axis = axes.index("C") if "C" in axes else None
    n_channels = 1 if axis is None else pixels.shape[axis]
    scale: dict[str, Any] = {}
    for letter in "ZYX":
        size = getattr(sizes, letter, None)
        if letter in axes and size is not None and 0 < size < math.inf:
            unit = getattr(getattr(properties, letter, None), "unit", None)
            # Of what says none its plugins give micrometres.
            known = {"None": "µm", "micrometer": "µm", "micron": "µm"}
            scale |= {
                f"PhysicalSize{letter}": float(size),
                f"PhysicalSize{letter}Unit": known.get(str(unit), str(unit)),
            }
    names = channel_names(
        n_channels,
        axis,
        is_color=False,
        display={"Channel": {"Name": given}},
        bands=(),
        planes=(),
    )
    return ImageFile(
        path=path,
        pixels=pixels,
        channel_axis=axis,
        alpha=False,
        is_color=False,
        channel_names=names,
        missing=None,
        warnings=tuple(warnings),
        tiff=TiffStyle(axes, "ome", scale, {"Channel": {"Name": list(names)}} if names else {}),
    )


def _opened(path: Path) -> Any:
    if find_spec("bioio") is None:
        raise ValueError(f"is a file of a microscope, which is read {INSTALL}")
    name = str(path.absolute())
    if "::" in name or "://" in name:
        raise ValueError("has :: or :// in its name, which bioio would take for an address")
    import bioio

    try:
        return bioio.BioImage(name)
    except Exception as problem:
        raise _unread(problem) from problem


def _unread(problem: Exception) -> ValueError:
    """Say an error of a plugin, which may be of any kind, in a line."""
    text = " ".join(f"{type(problem).__name__}: {problem}".split())
    if type(problem).__name__ == "UnsupportedFileFormatError":
        return ValueError(f"is damaged, or no plugin of bioio here reads it; it is read {INSTALL}")
    return ValueError(f"cannot be read by bioio: {text[:300]}")


def _without_singles(pixels: da.Array, dims: tuple[str, ...]) -> tuple[da.Array, str]:
    """Leave out axes of one step, which bioio's plugins add, but rows and columns."""
    kept = [i for i, dim in enumerate(dims) if dim in "YX" or pixels.shape[i] > 1]
    single = tuple(i for i in range(len(dims)) if i not in kept)
    axes = "".join(dims[i] if dims[i] in _LETTERS else "Q" for i in kept)
    return pixels.squeeze(single), axes

"""The files that images were opened from, where they still hold what the layers show."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.arrays import is_there
from ..base.describe import pixels_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from napari.layers import Layer

    Array = npt.NDArray[Any]

TIFF = (".tif", ".tiff")
_PICTURES = (".png", ".jpg", ".jpeg")
# Larger images are compared in parts, for a person waits meanwhile.
WHOLE_BYTES = 64 << 20
_N_BLOCKS, _BLOCK, _N_PAGES = 64, 1 << 16, 4


def files_of(layers: Sequence[Layer], whole_bytes: int = WHOLE_BYTES) -> tuple[str, ...]:
    """Find from which files images can be read as they are shown.

    Nothing unless each has a file of its own with the shape, dtype and values of the layer: it
    may be one of several that were stacked, or the layer may show other values by now. Of an
    image of more than `whole_bytes` only a sample is compared. An array of a Zarr store is named
    by its path in the store.
    """
    paths = [_array_of(layer) or str(layer.source.path or "") for layer in layers]
    if len(set(paths)) < len(paths):
        return ()
    both = zip(paths, layers, strict=True)
    in_files = all(is_zarr(path) or _holds(Path(path), layer, whole_bytes) for path, layer in both)
    return tuple(paths) if in_files else ()


def is_zarr(path: str) -> bool:
    """Whether a path is one of an array in a Zarr store."""
    described = Path(path) / "zarr.json"
    is_of_3 = described.is_file() and '"array"' in described.read_text(encoding="utf-8")
    return is_of_3 or (Path(path) / ".zarray").is_file()


def _array_of(layer: Layer) -> str:
    """Find the array of the store that a layer was opened from which it shows; "" for none."""
    store, pixels = Path(layer.source.path or ""), pixels_of(layer)
    if not store.is_dir() or not is_there(pixels):
        return ""
    # Whoever has opened a store has loaded the library, which we do not depend on.
    library: Any = sys.modules.get("zarr")
    if library is None:
        return ""
    try:
        opened = library.open(store, mode="r")
        arrays = [("", opened)] if hasattr(opened, "dtype") else list(opened.arrays())
        for name, array in arrays:
            if array.shape == pixels.shape and _plain(array.dtype) == _plain(pixels.dtype):
                corner = tuple(slice(0, 16) for _ in array.shape)
                if _same(np.asarray(array[corner]), np.asarray(pixels[corner])):
                    return str(store / name)
    except Exception:  # noqa: BLE001 - what cannot be read, for whatever reason, is not named
        return ""
    return ""


def _holds(path: Path, layer: Layer, whole_bytes: int) -> bool:
    """Whether a file, read as a script would, gives the pixels of a layer."""
    pixels, suffix = layer.data, path.suffix.lower()
    if not isinstance(pixels, np.ndarray) or suffix not in (*TIFF, *_PICTURES):
        return False  # lazy, or a pyramid
    try:
        if not path.is_file():
            return False
        holds = _tiff_holds if suffix in TIFF else _picture_holds
        return holds(path, pixels, whole_bytes)
    except Exception:  # noqa: BLE001 - what cannot be read, for whatever reason, is not named
        return False


def _picture_holds(path: Path, pixels: Array, whole_bytes: int) -> bool:
    # Imported here: it takes a while, and is seldom wanted.
    from skimage.io import imread

    return pixels.nbytes <= whole_bytes and _same(imread(path), pixels)


def _tiff_holds(path: Path, pixels: Array, whole_bytes: int) -> bool:
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        if tuple(series.shape) != pixels.shape or _plain(series.dtype) != _plain(pixels.dtype):
            return False
        if pixels.nbytes <= whole_bytes:
            return _same(tifffile.imread(path), pixels)
        if series.dataoffset is not None:
            stored = tifffile.memmap(path, mode="r")
            return all(_same(stored.flat[part], pixels.flat[part]) for part in _blocks(pixels.size))
        size, n = int(series.keyframe.size), len(series.pages)
        if size * n != pixels.size or size * pixels.itemsize > whole_bytes:
            return False
        for i in sorted({int(i) for i in np.linspace(0, n - 1, _N_PAGES)}):
            page = series.pages[i]
            part = pixels.flat[i * size : (i + 1) * size]
            if page is None or not _same(page.asarray().reshape(-1), part):
                return False
        return True


def _blocks(size: int) -> Iterator[slice]:
    """Cut blocks of values that are evenly spread."""
    for start in np.linspace(0, max(0, size - _BLOCK), _N_BLOCKS).astype(int).tolist():
        yield slice(start, start + _BLOCK)


def _same(stored: Array, pixels: Array) -> bool:
    if _plain(stored.dtype) != _plain(pixels.dtype):
        return False
    return np.array_equal(stored, pixels, equal_nan=pixels.dtype.kind in "fc")


def _plain(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Give a dtype in the byte order of this machine."""
    return np.dtype(dtype).newbyteorder("=")

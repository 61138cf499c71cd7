"""Image files: TIFF, PNG, JPEG, BMP, OME-Zarr and what bioio reads, as what they say they are.

One rule for pictures that are to be turned (EXIF or TIFF Orientation): pixels
are taken as they are stored, as napari and scikit-image read them, and all
results carry the same mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .by_bioio import is_for_bioio, read_by_bioio
from .ngff.plates import place_of
from .pictures import read_picture
from .tiff.decode import is_tiff
from .tiff.read import read_tiff

if TYPE_CHECKING:
    from pathlib import Path

    from .base.image_file import ImageFile


def is_read_lazily(path: Path) -> bool:
    """Whether the pixels of an image come as a Dask array."""
    return path.is_dir() or is_for_bioio(path)


def read_image(path: Path, series: int | None = None) -> ImageFile:
    """Read an image file, or an image of an OME-Zarr store, chunk by chunk when it is asked for.

    Parameters
    ----------
    path
        The file, or the folder of the image.
    series
        Which of several images in it, counted from 0; None for the picture at full resolution.

    Raises
    ------
    OSError
        There is no such file, it is a folder of files, or it may not be read.
    ValueError
        It is no regular file or no image, it is damaged or in terms that are not read, or it has no
        such series.
    """
    if path.is_dir() or place_of(path) is not None:
        # Imported here: Dask takes a while, and most images are files.
        from .ngff.image import read_store

        return read_store(path, series)
    if not path.exists():
        raise FileNotFoundError("there is no such file")
    if not path.is_file():
        raise ValueError("is no regular file")
    if path.stat().st_size == 0:
        raise ValueError("the file is empty")
    if is_for_bioio(path):
        return read_by_bioio(path, series)
    return read_tiff(path, series) if is_tiff(path) else read_picture(path, series)

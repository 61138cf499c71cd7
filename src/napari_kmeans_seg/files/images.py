"""Image files: TIFF, PNG, JPEG and BMP, read as what their files say that they are.

One rule for pictures that are to be turned (EXIF or TIFF Orientation): pixels
are taken as they are stored, as napari and scikit-image read them, and all
results carry the same mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .pictures import read_picture
from .tiff import read_tiff
from .tiff_decode import is_tiff

if TYPE_CHECKING:
    from pathlib import Path

    from .image_file import ImageFile


def read_image(path: Path, series: int | None = None) -> ImageFile:
    """Read an image file.

    Parameters
    ----------
    path
        The file.
    series
        Which of several images in it, counted from 0; None for the picture at full resolution.

    Raises
    ------
    OSError
        There is no such file, it is a folder, or it may not be read.
    ValueError
        It is no regular file or no image, it is damaged or in terms that are not read, or it has no
        such series.
    """
    if path.is_dir():
        raise IsADirectoryError("is a folder; name the image files in it")
    if not path.exists():
        raise FileNotFoundError("there is no such file")
    if not path.is_file():
        raise ValueError("is no regular file")
    if path.stat().st_size == 0:
        raise ValueError("the file is empty")
    return read_tiff(path, series) if is_tiff(path) else read_picture(path, series)

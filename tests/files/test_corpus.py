"""What is read of files of many kinds is what others show of them, or is refused with a reason."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_allclose
from PIL import Image, ImageOps

from napari_kmeans_seg.files.images import read_image

from .as_seen import digest, read_without_imagecodecs
from .corpus import HAS_IMAGEMAGICK, all_files

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from napari_kmeans_seg.files.base.image_file import ImageFile

    from .corpus import File


FILES = all_files()


def test_there_are_enough_of_them():
    assert len(FILES) >= (250 if HAS_IMAGEMAGICK else 150)
    assert len({file.name for file in FILES}) == len(FILES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("corpus")


def written(file: File, folder: Path) -> Path:
    """Write a file, once."""
    path = folder / file.name
    if not path.exists():
        file.write(path)
    return path


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_it_is_read_as_it_is_shown(folder, file):
    path = written(file, folder)
    image = read_image(path)
    if file.referee == "tifffile":
        expected = as_tifffile_has_it(path)
        assert image.pixels.dtype == expected.dtype
        assert_allclose(np.broadcast_to(image.pixels, expected.shape), expected, atol=0)
        return
    pixels = of_range_1(image)
    if file.referee == "pillow":
        pixels, expected = turned(pixels, image.tiff.turn), as_pillow_shows_it(path, image)
    else:
        expected = as_imagemagick_shows_it(path, image)
    if image.alpha:
        # Whatever colour there is where nothing is seen.
        visible = expected[..., -1] > 0
        assert_allclose(pixels[..., -1], expected[..., -1], atol=1e-4)
        pixels, expected = pixels[visible], expected[visible]
    assert_allclose(pixels, expected, atol=file.off / 255 + 1e-4)


def test_without_imagecodecs_each_is_the_same_or_says_how_to_get_it(folder):
    paths = [written(file, folder) for file in FILES]
    refused = []
    for path, found in zip(paths, read_without_imagecodecs(paths), strict=True):
        if isinstance(found, str):
            assert "pip install imagecodecs" in found, path.name
            refused.append(path.name)
        else:
            assert found == digest(read_image(path).pixels), path.name
    assert len(refused) < len(paths) / 5, refused


def of_range_1(image: ImageFile) -> npt.NDArray[np.float64]:
    """Return pixels from 0 to 1, channels last."""
    pixels = image.pixels
    if image.channel_axis is not None:
        pixels = np.moveaxis(pixels, image.channel_axis, -1)
    if pixels.dtype.kind == "u":
        return pixels / np.iinfo(pixels.dtype).max
    return pixels.astype(float)


def turned(pixels: npt.NDArray[Any], turn: int) -> npt.NDArray[Any]:
    """Turn rows and columns as a viewer does."""
    match turn:
        case 3:
            return pixels[::-1, ::-1]
        case 6:
            return np.rot90(pixels, -1)
        case 8:
            return np.rot90(pixels, 1)
    assert turn == 1
    return pixels


def as_tifffile_has_it(path: Path) -> npt.NDArray[Any]:
    with tifffile.TiffFile(path) as tiff:
        return max((series.asarray() for series in tiff.series), key=np.size)


def as_pillow_shows_it(path: Path, image: ImageFile) -> npt.NDArray[np.float64]:
    with Image.open(path) as picture:
        shown = ImageOps.exif_transpose(picture)
        if shown.mode in {"P", "CMYK", "YCbCr"}:
            shown = shown.convert("RGBA" if image.alpha else "RGB")
        pixels = np.asarray(shown)
        if shown.mode == "I":  # so older versions have grey of 16 bits
            pixels = pixels.astype(np.uint16)
    return pixels / np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else pixels.astype(float)


def as_imagemagick_shows_it(path: Path, image: ImageFile) -> npt.NDArray[np.float64]:
    n_channels = 1
    if image.channel_axis is not None:
        n_channels = image.pixels.shape[image.channel_axis]
    grey = n_channels < 3
    kind = "rgb" if grey or not image.alpha else "rgba"
    form = f"{kind}a:-" if grey else f"{kind}:-"
    shown = subprocess.run(
        ["convert", path, "-colorspace", "sRGB", "-depth", "16", form],
        capture_output=True,
        check=True,
    ).stdout
    shape = dict(zip(image.tiff.axes, image.pixels.shape, strict=True))
    height, width = shape["Y"], shape["X"]
    pixels = np.frombuffer(shown, "<u2").reshape(height, width, -1) / 65535
    if not grey:
        return pixels
    return pixels[..., 0] if n_channels == 1 else pixels[..., [0, 3]]

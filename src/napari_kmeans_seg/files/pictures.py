"""PNG, JPEG and BMP pictures, read and written by Pillow, but for deep PNG."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .base.color import to_srgb
from .base.image_file import ImageFile, PictureStyle
from .base.names import RGB_NAMES
from .base.odd_metadata import picture_without_metadata, read_or_leave_out
from .base.tiff_style import TiffStyle
from .png16 import PngMarks, is_png16, read_png16, write_png16

if TYPE_CHECKING:
    from io import BytesIO
    from pathlib import Path

    import numpy.typing as npt
    from PIL import Image as PillowImage

KINDS = "TIFF, PNG, JPEG or BMP"

_TURN = 0x0112
_TIFF_INCH = 2
_MOST_DPI = 1e6  # more than any device has, and all that JPEG and PNG can say


def read_picture(path: Path, wanted: int | None = None) -> ImageFile:
    """Read one frame of a PNG, JPEG or BMP, the first unless another is asked for.

    Raises
    ------
    ValueError
        It is no such picture, it is damaged, or it has no such frame.
    """
    from PIL import UnidentifiedImageError

    try:
        return _read(path, path, wanted)
    except (OSError, MemoryError):
        raise
    except ValueError as problem:
        # What stands beside the pixels may be why, and is no reason.
        raw = picture_without_metadata(path)
        try:
            image = None if raw is None else _read(path, raw, wanted)
        except ValueError:
            image = None
        if image is None:
            raise
        if isinstance(problem.__cause__, UnidentifiedImageError):
            why = "it is in disorder"
        else:
            why = str(problem.__cause__ or problem)
        warning = f"has metadata that cannot be read ({why}): left out"
        return replace(image, warnings=(warning, *image.warnings))


def _read(path: Path, source: Path | BytesIO, wanted: int | None) -> ImageFile:
    """Read a frame of a picture from its file, or from what was made of it."""
    from PIL import Image, UnidentifiedImageError

    # Pillow guards servers against pictures of more than 89 megapixels; here a
    # person names files of their own.
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(source, formats=("PNG", "JPEG", "BMP")) as picture:
            warnings = _frame(picture, wanted)
            turn = read_or_leave_out("EXIF data", lambda: _turn(picture), 1, warnings)
            style = _style(picture, turn)
            if is_png16(path):
                pixels: npt.NDArray[Any] = read_png16(path)
                alpha = pixels.shape[-1] in {2, 4}
            else:
                picture.load()
                pixels, alpha = _pixels(picture)
            dpi = style.options.get("dpi")
    except UnidentifiedImageError as problem:
        raise ValueError(f"is no image that can be read; {KINDS} is needed") from problem
    except MemoryError:
        raise
    except Exception as problem:
        # A damaged file can fail anywhere in the decoder, with any exception.
        raise ValueError(f"cannot be read as an image: {problem}") from problem
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    pixels, style = _managed(pixels, picture.mode, style, warnings)
    has_channels = pixels.ndim == 3
    is_color = has_channels and pixels.shape[-1] > 2
    return ImageFile(
        path=path,
        pixels=pixels,
        channel_axis=-1 if has_channels else None,
        alpha=alpha,
        is_color=is_color,
        channel_names=RGB_NAMES if is_color else (),
        missing=None,
        warnings=tuple(warnings),
        tiff=TiffStyle(
            axes="YXS" if has_channels else "YX",
            resolution=dpi,
            resolution_unit=_TIFF_INCH if dpi else 1,
            turn=turn,
        ),
        picture=style,
    )


def write_picture(path: Path, pixels: npt.NDArray[Any], style: PictureStyle) -> None:
    """Write pixels as a picture of the kind that they came from."""
    from PIL import Image

    if pixels.dtype == np.uint16 and pixels.ndim == 3:
        exif = style.options.get("exif")
        marks = PngMarks(
            dpi=style.options.get("dpi"),
            exif=None if exif is None else exif.tobytes().removeprefix(b"Exif\0\0"),
            profile=style.options.get("icc_profile"),
        )
        write_png16(path, pixels, marks)
        return
    Image.fromarray(pixels).save(path, format=style.format, **style.options)


def _frame(picture: PillowImage.Image, wanted: int | None) -> list[str]:
    """Go to the frame that is asked for; say so if there are others."""
    # A camera's JPEG may hold smaller views and maps of itself: no frames that are missed.
    n_frames = getattr(picture, "n_frames", 1)
    if wanted is not None and wanted >= n_frames:
        raise ValueError(f"has no series {wanted}: it has {n_frames}, counted from 0")
    if wanted:
        picture.seek(wanted)
    elif n_frames > 1 and wanted is None and picture.format == "PNG":
        return [f"holds {n_frames} frames; only the first is used, --series takes another"]
    return []


def _pixels(picture: PillowImage.Image) -> tuple[npt.NDArray[Any], bool]:
    """Return grey, RGB or inks, and whether an alpha channel comes last."""
    mode = picture.mode
    if mode.startswith("I"):  # 16-bit grey, the one integer mode of PNG
        grey = np.asarray(picture).astype(np.uint16)
        clear = picture.info.get("transparency")
        if clear is None:
            return grey, False
        return np.stack([grey, np.where(grey == clear, 0, 65535).astype(np.uint16)], -1), True
    if picture.has_transparency_data and mode in {"P", "RGB"}:
        mode = "RGBA"
    elif picture.has_transparency_data and mode == "L":
        mode = "LA"
    elif mode not in {"1", "L", "LA", "RGB", "RGBA", "CMYK"}:
        mode = "RGB"
    pixels = np.asarray(picture if mode == picture.mode else picture.convert(mode))
    if mode == "1":
        pixels = pixels.view(np.uint8) != 0  # Pillow's True has all bits set
    return pixels, mode[-1] == "A"


def _managed(
    pixels: npt.NDArray[Any], mode: str, style: PictureStyle, warnings: list[str]
) -> tuple[npt.NDArray[Any], PictureStyle]:
    """Return colours as sRGB; grey stays, and keeps its profile."""
    if pixels.ndim < 3 or pixels.shape[-1] < 3:
        return pixels, style
    options = dict(style.options)
    n_colors = 4 if mode == "CMYK" else 3
    managed = to_srgb(pixels[..., :n_colors], options.get("icc_profile"))
    source = managed.source or ("CMYK" if mode == "CMYK" else None)
    if source is not None:
        warnings.append(f"is converted from {source} to sRGB; its results are sRGB")
    if managed.note:
        warnings.append(managed.note)
    if source is not None or managed.note:
        options.pop("icc_profile", None)
    opacity = pixels[..., n_colors:]
    colors = managed.colors
    if opacity.size:
        colors = pixels if source is None else np.concatenate([colors, opacity], axis=-1)
    return colors, PictureStyle(style.format, options)


def _turn(picture: PillowImage.Image) -> int:
    turn = picture.getexif().get(_TURN, 1)
    return turn if turn in range(1, 9) else 1


def _style(picture: PillowImage.Image, turn: int) -> PictureStyle:
    kind = "JPEG" if picture.format == "MPO" else str(picture.format)
    options: dict[str, Any] = {"BMP": {}, "PNG": {"compress_level": 1}}.get(
        kind,
        # As near to exact as JPEG comes at a usual size: full colour resolution.
        {"quality": 95, "subsampling": 0},
    )
    if "dpi" in picture.info:
        x, y = (float(dots) for dots in picture.info["dpi"])
        if 0 < x < _MOST_DPI and 0 < y < _MOST_DPI:
            options["dpi"] = (x, y)
    if picture.info.get("icc_profile"):
        options["icc_profile"] = picture.info["icc_profile"]
    if turn != 1 and kind != "BMP":
        # This mark alone: the rest may hold a thumbnail of the original.
        from PIL import Image

        exif = Image.Exif()
        exif[_TURN] = turn
        options["exif"] = exif
    return PictureStyle(kind, options)

"""Image files in, result files out: TIFF, PNG, JPEG and BMP.

Pixels are taken as they are stored, as napari and scikit-image read them: a
photograph that a camera marked as turned (EXIF orientation) is not turned, but
its segmented picture carries the same mark and is shown the same way.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .core.file_set import write_together
from .odd_metadata import bare_picture, read_or_leave_out, write_with_less
from .png16 import is_png16, read_png16, write_png16
from .tiff_files import TiffStyle, is_tiff, read_tiff, write_tiff

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BytesIO
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd
    from PIL import Image as PillowImage

    from .core.file_exchange import Identity
    from .core.segmentation import Segmentation

KINDS = "TIFF, PNG, JPEG or BMP"

_EXIF_ORIENTATION = 0x0112
_TIFF_INCH = 2
_MOST_DPI = 1e6  # more than any device has, and all that JPEG and PNG can say


@dataclass(frozen=True)
class PictureStyle:
    """How a PNG, JPEG or BMP is saved again, as Pillow takes it."""

    format: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ImageFile:
    """An image and what its file says about it.

    Attributes
    ----------
    path
        Where it came from.
    pixels
        As stored; palette colours are looked up.
    channel_axis
        Axis of the channels, None for one channel.
    alpha
        Whether the last channel is opacity.
    channel_names
        What the channels are called in tables, without alpha; empty if unknown.
    warnings
        What a person should know of what was left out.
    tiff
        How a TIFF that belongs to the image is written: axes and pixel size.
    picture
        How the image's own kind is written, None for TIFF.
    """

    path: Path
    pixels: npt.NDArray[Any]
    channel_axis: int | None
    alpha: bool
    channel_names: tuple[str, ...]
    warnings: tuple[str, ...]
    tiff: TiffStyle
    picture: PictureStyle | None = None

    @property
    def own_axes(self) -> tuple[int, ...]:
        """The two numbers of the channel axis, counted from either end; none for one channel."""
        if self.channel_axis is None:
            return ()
        from_start = self.channel_axis % self.pixels.ndim
        return (from_start, from_start - self.pixels.ndim)


@dataclass(frozen=True)
class ResultPaths:
    """The three files that belong to one image."""

    labels: Path
    segmented: Path
    clusters: Path

    def __iter__(self) -> Iterator[Path]:
        return iter((self.labels, self.segmented, self.clusters))


def read_image(path: Path) -> ImageFile:
    """Read an image file.

    Raises
    ------
    OSError
        There is no such file, it is a folder, or it may not be read.
    ValueError
        It is no regular file or no image, or it is damaged.
    """
    if path.is_dir():
        raise IsADirectoryError("is a folder; name the image files in it")
    if not path.exists():
        raise FileNotFoundError("there is no such file")
    if not path.is_file():
        raise ValueError("is no regular file")
    if path.stat().st_size == 0:
        raise ValueError("the file is empty")
    if is_tiff(path):
        return _read_tiff(path)
    return _read_picture(path)


def result_paths(path: Path, folder: Path) -> ResultPaths:
    """Name the results of an image: `<stem>_labels.tif` and so on, always directly in `folder`."""
    ending = re.search(r"(\.ome)?\.[^.]+$", path.name[1:], flags=re.IGNORECASE)
    suffix = ending.group() if ending else ""
    # What some file system does not take in a name.
    stem = re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", path.name.removesuffix(suffix))
    return ResultPaths(
        labels=folder / f"{stem}_labels.tif",
        segmented=folder / f"{stem}_segmented{suffix}",
        clusters=folder / f"{stem}_clusters.csv",
    )


def cluster_table(image: ImageFile, segmentation: Segmentation) -> pd.DataFrame:
    """Return one row per cluster, with the file's names for the channels where it has some."""
    n_channels = segmentation.centroids.shape[1]
    if len(image.channel_names) == n_channels:
        return segmentation.to_dataframe(image.channel_names)
    return segmentation.to_dataframe(["intensity"] if n_channels == 1 else None)


def write_results(
    image: ImageFile,
    segmentation: Segmentation,
    paths: ResultPaths,
    *,
    overwrite: bool = False,
    since: Mapping[Path, Identity | None] | None = None,
) -> tuple[str, ...]:
    """Write labels, segmented image and table: all three or none, as `write_together` does.

    Returns
    -------
    tuple of str
        Warnings: what the image's file says and could not be written again.

    Raises
    ------
    FileExistsError
        One of them is there already and `overwrite` is False.
    OSError
        The folder cannot be written, or another process writes or wrote the same files.
    """
    # S, where it is left, would make a colour picture of the labels.
    labels_axes = "".join(
        letter for axis, letter in enumerate(image.tiff.axes) if axis not in image.own_axes
    ).replace("S", "Q")
    labels_style = replace(image.tiff, axes=labels_axes, display={}, sample_tags={})

    warnings: list[str] = []

    def write_segmented(path: Path) -> None:
        if image.picture is None:
            write_with_less(
                lambda style: write_tiff(path, segmentation.image, style),
                _less_and_less(image.tiff),
                warnings,
            )
        else:
            _write_picture(path, segmentation.image, image.picture)

    def write_labels(path: Path) -> None:
        write_with_less(
            lambda style: write_tiff(
                path, segmentation.labels, style, note=segmentation.parameters
            ),
            _less_and_less(labels_style),
            warnings,
        )

    write_together(
        {
            paths.labels: write_labels,
            paths.segmented: write_segmented,
            # Texts in quotes: names of channels are text, with whatever they begin.
            paths.clusters: lambda path: cluster_table(image, segmentation).to_csv(
                path, index=False, quoting=csv.QUOTE_NONNUMERIC
            ),
        },
        overwrite=overwrite,
        since=since,
    )
    return tuple(dict.fromkeys(warnings))


def _less_and_less(style: TiffStyle) -> Iterator[tuple[str, TiffStyle]]:
    yield "", style
    yield "names, look-up tables or ranges", replace(style, display={})
    unplaced = replace(style, display={}, extra_tags=(), resolution=None, resolution_unit=1)
    yield "a pixel size or a place on Earth", unplaced
    yield "metadata", replace(unplaced, flavour="plain", scale={})
    yield "metadata", TiffStyle(axes=style.axes)


def _read_tiff(path: Path) -> ImageFile:
    try:
        image = read_tiff(path)
    except MemoryError:
        raise
    except Exception as problem:
        # A damaged file can fail anywhere in the decoder, with any exception.
        raise ValueError(f"cannot be read as TIFF: {problem}") from problem
    return ImageFile(
        path=path,
        pixels=image.pixels,
        channel_axis=image.channel_axis,
        alpha=image.alpha,
        channel_names=image.channel_names,
        warnings=image.warnings,
        tiff=image.style,
    )


def _read_picture(path: Path) -> ImageFile:
    from PIL import UnidentifiedImageError

    try:
        return _open_picture(path, path)
    except (OSError, MemoryError):
        raise
    except ValueError as problem:
        # What stands beside the pixels may be why, and is no reason.
        bare = bare_picture(path)
        try:
            image = None if bare is None else _open_picture(path, bare)
        except ValueError:
            image = None
        if image is None:
            raise
        if isinstance(problem.__cause__, UnidentifiedImageError):
            why = "it is in disorder"
        else:
            why = str(problem.__cause__)
        told = f"has metadata that cannot be read ({why}): left out"
        return replace(image, warnings=(told, *image.warnings))


def _open_picture(path: Path, source: Path | BytesIO) -> ImageFile:
    from PIL import Image, UnidentifiedImageError

    warnings: list[str] = []

    # Pillow guards servers against pictures of more than 89 megapixels; here a
    # person names files of their own.
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(source, formats=("PNG", "JPEG", "BMP")) as picture:
            style = _picture_style(picture, warnings)
            if is_png16(path):
                pixels: npt.NDArray[Any] = read_png16(path)
                alpha = pixels.shape[-1] in {2, 4}
            else:
                picture.load()
                pixels, alpha = _pixels(picture)
            n_frames = getattr(picture, "n_frames", 1) if style.format == "PNG" else 1
            dpi = style.options.get("dpi")
    except UnidentifiedImageError as problem:
        raise ValueError(f"is no image that can be read; {KINDS} is needed") from problem
    except MemoryError:
        raise
    except Exception as problem:
        # As for TIFF: a damaged file can fail anywhere in the decoder.
        raise ValueError(f"cannot be read as an image: {problem}") from problem
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    if n_frames > 1:
        warnings.append(f"holds {n_frames} frames; only the first is used")
    coloured = pixels.ndim == 3
    return ImageFile(
        path=path,
        pixels=pixels,
        channel_axis=-1 if coloured else None,
        alpha=alpha,
        channel_names=("red", "green", "blue") if coloured and pixels.shape[-1] > 2 else (),
        warnings=tuple(warnings),
        tiff=TiffStyle(
            axes="YXS" if coloured else "YX",
            resolution=(float(dpi[0]), float(dpi[1])) if dpi else None,
            resolution_unit=_TIFF_INCH if dpi else 1,
        ),
        picture=style,
    )


def _pixels(picture: PillowImage.Image) -> tuple[npt.NDArray[Any], bool]:
    """Return what a person sees as grey or RGB, and whether an alpha channel comes last."""
    mode = picture.mode
    if picture.has_transparency_data and mode in {"P", "RGB"}:
        mode = "RGBA"
    elif picture.has_transparency_data and mode == "L":
        mode = "LA"
    elif mode not in {"1", "L", "LA", "RGB", "RGBA"} and not mode.startswith("I"):
        mode = "RGB"
    pixels = np.asarray(picture if mode == picture.mode else picture.convert(mode))
    if mode.startswith("I"):
        pixels = pixels.astype(np.uint16)  # 16-bit grey, the one integer mode of PNG
    return pixels, mode.endswith("A")


def _picture_style(picture: PillowImage.Image, warnings: list[str]) -> PictureStyle:
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
    if picture.info.get("icc_profile") and picture.mode in {"L", "RGB", "RGBA", "P"}:
        options["icc_profile"] = picture.info["icc_profile"]
    orientation = read_or_leave_out(
        "EXIF data", lambda: picture.getexif().get(_EXIF_ORIENTATION, 1), 1, warnings
    )
    if orientation in range(2, 9) and kind != "BMP":
        # This mark alone: the rest may hold a thumbnail of the original.
        from PIL import Image

        exif = Image.Exif()
        exif[_EXIF_ORIENTATION] = orientation
        options["exif"] = exif
    return PictureStyle(kind, options)


def _write_picture(path: Path, pixels: npt.NDArray[Any], style: PictureStyle) -> None:
    from PIL import Image

    if pixels.dtype == np.uint16 and pixels.ndim == 3:
        write_png16(path, pixels)
        return
    Image.fromarray(pixels).save(path, format=style.format, **style.options)

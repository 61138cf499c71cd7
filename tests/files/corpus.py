"""Files of many kinds, as tifffile, Pillow and ImageMagick write them, and who says what they show.

Run as a program it writes them into a folder and tells how many there are:
`python tests/files/corpus.py FOLDER`.
"""

from __future__ import annotations

import io
import itertools
import shutil
import subprocess
import sys
from collections import Counter
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image, ImageCms

if TYPE_CHECKING:
    from collections.abc import Callable

HAS_IMAGEMAGICK = shutil.which("convert") is not None
TURN = 274
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

Referee = Literal["pillow", "imagemagick", "tifffile"]


class File(NamedTuple):
    """A file that can be written, and who is asked what it shows; off by so many of 255 at most."""

    name: str
    write: Callable[[Path], object]
    referee: Referee
    off: float = 0


@cache
def picture() -> npt.NDArray[np.uint8]:
    """Return soft colours of all brightnesses, (48, 64, 3)."""
    rows, columns = np.mgrid[:48, :64]
    red = 30 + 3 * columns
    green = 40 + 4 * rows
    blue = 128 + 60 * np.sin(columns / 20) * np.cos(rows / 15)
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def opacity() -> npt.NDArray[np.uint8]:
    """Return opacity that is none, half and full."""
    return np.repeat(np.array([0, 128, 255], np.uint8), [10, 20, 34])[None].repeat(48, axis=0)


def as_dtype(pixels: npt.NDArray[np.uint8], dtype: str) -> npt.NDArray[Any]:
    """Spread 8 bits over a dtype."""
    if dtype == "bool":
        return pixels > 120
    if np.dtype(dtype).kind == "f":
        return (pixels / 255).astype(dtype)
    return pixels.astype(dtype) * np.dtype(dtype).type(np.iinfo(dtype).max // 255)


def all_files() -> list[File]:
    """Return all that this machine can write; fewer without ImageMagick."""
    files = [*_tifffile_grey(), *_tifffile_colors(), *_tifffile_others(), *_pillow()]
    if HAS_IMAGEMAGICK:
        return [*files, *_imagemagick()]
    return [file for file in files if file.referee != "imagemagick"]


def _write_tiff(path: Path, pixels: npt.NDArray[Any], **options: Any) -> None:
    tifffile.imwrite(path, pixels, **options)


def _turned(turn: int) -> dict[str, Any]:
    return {"extratags": [(TURN, "H", 1, turn, True)]} if turn != 1 else {}


def _pillow_unless_mapped(compression: str | None, turn: int) -> Referee:
    """Ask ImageMagick where Pillow maps a file into memory, and then does not turn it."""
    return "pillow" if compression or turn == 1 else "imagemagick"


def _tifffile_grey() -> list[File]:
    files = []
    depths = ["bool", "uint8", "uint16", "int16", "uint32", "float32", "float64"]
    for dtype, compression in itertools.product(depths, (None, "lzw", "zlib", "zstd")):
        if dtype == "bool" and compression is not None:
            continue
        grey = as_dtype(picture()[..., 0], dtype)
        write = partial(_write_tiff, pixels=grey, photometric="minisblack", compression=compression)
        files.append(File(f"grey_{dtype}_{compression}.tif", write, "tifffile"))
    for dtype, compression in itertools.product(("uint8", "uint16"), (None, "lzw", "zlib")):
        grey = as_dtype(picture()[..., 0], dtype)
        write = partial(_write_tiff, pixels=grey, photometric="miniswhite", compression=compression)
        referee: Referee = "pillow" if dtype == "uint8" else "imagemagick"
        files.append(File(f"white0_{dtype}_{compression}.tif", write, referee))
    return files


def _tifffile_colors() -> list[File]:
    files = []
    for dtype, compression, planar, alpha, turn in itertools.product(
        ("uint8", "uint16", "float32"),
        (None, "lzw", "zlib"),
        ("contig", "separate"),
        (None, "unassalpha", "assocalpha"),
        (1, 6),
    ):
        if (turn, planar) == (6, "separate") or (alpha and compression == "zlib"):
            continue
        colors = picture()
        if alpha == "assocalpha":
            colors = (colors * (opacity()[..., None] / 255)).astype(np.uint8)
        pixels = as_dtype(np.dstack([colors, opacity()]) if alpha else colors, dtype)
        if planar == "separate":
            pixels = np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
        write = partial(
            _write_tiff,
            pixels=pixels,
            photometric="rgb",
            planarconfig=planar,
            compression=compression,
            extrasamples=[alpha] if alpha else None,
            **_turned(turn),
        )
        referee: Referee = "tifffile"
        # Pillow knows no floats in colour, cuts 16 bits, and refuses opacity in planes.
        if dtype == "uint8" and not (planar == "separate" and alpha):
            referee = _pillow_unless_mapped(compression, turn)
        elif alpha == "assocalpha":
            referee = "imagemagick"
        off = 1 if referee == "imagemagick" else 0
        name = f"rgb_{dtype}_{compression}_{planar}_{alpha}_{turn}.tif"
        files.append(File(name, write, referee, off))
    return files


def _tifffile_others() -> list[File]:
    rgb, grey = picture(), picture()[..., 0]
    inks = np.asarray(Image.fromarray(rgb).convert("CMYK"))
    ramp = np.arange(256)
    palette = np.stack([ramp, 255 - ramp, np.full(256, 90)]).astype(np.uint16)
    index = grey // 2
    stack = np.stack([grey, 255 - grey, grey // 2])
    files = []
    for compression in (None, "lzw", "zlib"):
        for turn in (1, 8):
            files += [
                File(
                    f"cmyk_{compression}_{turn}.tif",
                    partial(
                        _write_tiff,
                        pixels=inks,
                        photometric="separated",
                        compression=compression,
                        **_turned(turn),
                    ),
                    _pillow_unless_mapped(compression, turn),
                    1,
                ),
                File(
                    f"palette_{compression}_{turn}.tif",
                    partial(
                        _write_tiff,
                        pixels=index,
                        photometric="palette",
                        colormap=palette * np.uint16(257),
                        compression=compression,
                        **_turned(turn),
                    ),
                    _pillow_unless_mapped(compression, turn),
                ),
            ]
        deep = inks.astype(np.uint16) * np.uint16(257)
        files += [
            File(
                f"cmyk16_{compression}.tif",
                partial(_write_tiff, pixels=deep, photometric="separated", compression=compression),
                "imagemagick",
                1,
            ),
            File(
                f"palette255_{compression}.tif",
                partial(
                    _write_tiff,
                    pixels=index,
                    photometric="palette",
                    colormap=palette,
                    compression=compression,
                ),
                "imagemagick",
            ),
        ]
    for compression, flavour in itertools.product(
        (None, "lzw", "zlib"), ("imagej", "ome", "plain")
    ):
        ending = "ome.tif" if flavour == "ome" else "tif"
        options = {} if flavour == "plain" else {flavour: True}
        write = partial(
            _write_tiff,
            pixels=stack,
            photometric="minisblack",
            compression=compression,
            metadata={"axes": "ZYX"},
            **options,
        )
        files.append(File(f"stack_{flavour}_{compression}.{ending}", write, "tifffile"))
    for planar, n_bands, dtype in itertools.product(
        ("contig", "separate"), (3, 4, 7), ("uint8", "uint16", "float32")
    ):
        bands = as_dtype(np.dstack([rgb, rgb, rgb])[..., :n_bands], dtype)
        if planar == "separate":
            bands = np.ascontiguousarray(np.moveaxis(bands, -1, 0))
        write = partial(_write_tiff, pixels=bands, photometric="minisblack", planarconfig=planar)
        files.append(File(f"bands_{n_bands}_{planar}_{dtype}.tif", write, "tifffile"))
    for compression in ("jpeg", "webp", "png", "jpeg2000", "jpegxl", "lerc"):
        lossy = compression == "jpeg"
        options = {"photometric": "ycbcr" if lossy else "rgb", "compression": compression}
        referee: Referee = "pillow" if lossy else "tifffile"
        files.append(
            File(f"rgb_{compression}.tif", partial(_write_tiff, pixels=rgb, **options), referee)
        )
    files.append(File("thumbnail_first.tif", _thumbnail_first, "tifffile"))
    return files


def _thumbnail_first(path: Path) -> None:
    with tifffile.TiffWriter(path) as tiff:
        small = np.ascontiguousarray(picture()[::4, ::4])
        tiff.write(small, photometric="rgb", subfiletype=1, metadata=None)
        tiff.write(picture(), photometric="rgb", metadata=None)


def _save(path: Path, mode: str, turn: int = 1, **options: Any) -> None:
    rgb = Image.fromarray(picture())
    if mode == "P":
        image = rgb.quantize(16)
    elif mode in {"LA", "RGBA"}:
        image = rgb.convert("L" if mode == "LA" else "RGB")
        image.putalpha(Image.fromarray(opacity()))
    elif mode == "I;16":
        image = Image.fromarray(as_dtype(picture()[..., 0], "uint16"))
    else:
        image = rgb.convert(mode)
    if turn != 1 and path.suffix == ".tif":
        options["tiffinfo"] = options.get("tiffinfo", {}) | {TURN: turn}
    elif turn != 1:
        options["exif"] = Image.Exif()
        options["exif"][TURN] = turn
    image.save(path, **options)


def _pillow_has_zstd() -> bool:
    try:
        Image.new("L", (4, 4)).save(io.BytesIO(), "TIFF", compression="zstd")
    except OSError:
        return False
    return True


def _pillow() -> list[File]:
    files = []
    for mode, compression in itertools.product(
        ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"),
        ("raw", "tiff_lzw", "packbits", "tiff_adobe_deflate", "zstd"),
    ):
        if compression == "zstd" and not _pillow_has_zstd():
            continue
        name = f"pillow_{mode.replace(';', '')}_{compression}.tif"
        write = partial(_save, mode=mode, compression=compression)
        files.append(File(name, write, "tifffile" if mode == "I;16" else "pillow"))
    for mode, compression in (("L", "jpeg"), ("RGB", "jpeg"), ("1", "group3"), ("1", "group4")):
        for turn in (1, 3, 6):
            name = f"pillow_{mode}_{compression}_{turn}.tif"
            write = partial(_save, mode=mode, compression=compression, turn=turn)
            files.append(File(name, write, "pillow"))
    for mode, compression in itertools.product(("1", "L"), ("raw", "tiff_lzw", "group4")):
        if (mode, compression) == ("L", "group4"):
            continue
        write = partial(_save, mode=mode, compression=compression, tiffinfo={262: 0})
        files.append(File(f"pillow_white0_{mode}_{compression}.tif", write, "pillow"))
    for ending, modes in (
        ("png", ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
        ("jpg", ("L", "RGB", "CMYK")),
        ("bmp", ("1", "L", "P", "RGB")),
    ):
        for mode, turn in itertools.product(modes, (1, 6)):
            if turn == 6 and ending == "bmp":
                continue
            name = f"pillow_{mode.replace(';', '')}_{turn}.{ending}"
            files.append(File(name, partial(_save, mode=mode, turn=turn), "pillow"))
    srgb = partial(_save, mode="RGB", icc_profile=SRGB)
    return [*files, *(File(f"srgb.{ending}", srgb, "pillow") for ending in ("tif", "png", "jpg"))]


def _convert(path: Path, options: list[str]) -> None:
    source = path.with_name(f"source_of_{path.stem}.png")
    Image.fromarray(picture()).save(source)
    done = subprocess.run(
        ["convert", source, *options, path], capture_output=True, text=True, check=False
    )
    source.unlink()
    assert done.returncode == 0, done.stderr


def _imagemagick() -> list[File]:
    half = ["-alpha", "set", "-channel", "A", "-evaluate", "set", "50%", "+channel"]
    grey = ["-colorspace", "gray"]
    white = ["-define", "quantum:polarity=min-is-white"]
    kinds: dict[str, tuple[list[str], float]] = {
        "rgb": ([], 0),
        "rgb_planes": (["-interlace", "plane"], 0),
        "rgb_tiled": (["-define", "tiff:tile-geometry=32x32"], 0),
        "rgba": (half, 0),
        "rgba_multiplied": ([*half, "-define", "tiff:alpha=associated"], 1),
        "grey": (grey, 0),
        "grey_alpha": ([*grey, *half], 0),
        "grey_white0": ([*grey, *white], 0),
        "palette": (["-colors", "12", "-type", "palette"], 0),
        "palette_alpha": ([*half, "-colors", "12", "-type", "palettealpha"], 1),
        "cmyk": (["-colorspace", "CMYK"], 1),
        "ycbcr": (["-colorspace", "YCbCr"], 1.5),
        "lab": (["-colorspace", "Lab"], 3),
        "turned": (["-orient", "LeftBottom"], 0),
        "big_endian": (["-define", "tiff:endian=msb"], 0),
    }
    files = []
    for (kind, (options, off)), depth in itertools.product(kinds.items(), ("8", "16")):
        if (kind, depth) == ("lab", "8"):
            continue  # ImageMagick's own a* and b* of 8 bits are off by one
        if (kind, depth) == ("palette", "16"):
            off = 1  # it shows a palette's 16 bits, of which we take 8 as Pillow does
        for compression in ("none", "lzw") if depth == "8" else ("zip",):
            all_options = [*options, "-depth", depth, "-compress", compression]
            write = partial(_convert, options=all_options)
            files.append(File(f"im_{kind}_{depth}_{compression}.tif", write, "imagemagick", off))
    for depth in ("1", "2", "4", "10", "12"):
        for kind, options in (("grey", [*grey, "-type", "grayscale"]), ("rgb", [])):
            write = partial(_convert, options=[*options, "-depth", depth])
            counts = kind == "grey" and depth in {"10", "12"}
            referee: Referee = "tifffile" if counts else "imagemagick"
            files.append(File(f"im_{kind}_of_{depth}_bits.tif", write, referee, 0.01))
    for compression in ("Group4", "Fax", "RLE"):
        for options in ([], ["-define", "tiff:fill-order=lsb"]):
            write = partial(_convert, options=["-monochrome", "-compress", compression, *options])
            files.append(File(f"im_{compression}_{len(options)}.tif", write, "imagemagick"))
    for compression in ("jpeg", "zstd", "lzma", "webp"):
        write = partial(_convert, options=["-compress", compression])
        files.append(File(f"im_{compression}.tif", write, "imagemagick", 2))
    for kind in ("PNG48", "PNG64", "PNG24", "PNG8", "PNG00"):
        for options in ([], ["-interlace", "PNG"]):
            write = partial(_convert_png, options=options, kind=kind)
            files.append(File(f"im_{kind}_{len(options)}.png", write, "imagemagick"))
    return files


def _convert_png(path: Path, options: list[str], kind: str) -> None:
    half = ["-alpha", "set", "-channel", "A", "-evaluate", "set", "50%", "+channel"]
    given = [*(half if kind == "PNG64" else []), *options]
    plain = path.with_name(f"{kind}_{path.name}")
    _convert(plain, [*given, "-define", f"png:format={kind.lower()}"])
    plain.replace(path)


def main() -> None:
    """Write all files, and tell how many of which kind there are."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    files = all_files()
    for file in files:
        file.write(folder / file.name)
    print(f"{len(files)} files:", dict(Counter(file.referee for file in files)))


if __name__ == "__main__":
    main()

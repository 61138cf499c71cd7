"""Mutate what image files say beside their pixels: the pixels must be read and results written.

Only pages and files that a description names, and that are not there, may refuse an image: these
pixels are lost, and the error says so.

    python tests/stress/mutated_metadata.py --seconds 600 --seed 1

Each case is told by its seed and number, and `--only NUMBER` repeats it.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import shutil
import struct
import tempfile
import time
import traceback
import warnings
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from napari_kmeans_seg import segment
from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.result_paths import result_paths
from napari_kmeans_seg.files.results import write_results

ODD = [
    *("", "0", "-1", "3", "4", "7", "1e308", "-inf", "nan", "65536", "4294967296", "1e400"),
    *("x", "é", "\x00", "<", '"', "&#0;", "XYCZT", "µm", "None", "True", "[]", "{}", "9" * 40),
]
_METADATA_TAGS = [270, 274, 282, 283, 296, 305, 306, 700, 33432, 33550, 34377, 34665, 34675, 42113]


def base_files() -> dict[str, bytes]:
    """Small files of each kind, with all that they say beside their pixels."""
    stack = np.arange(3 * 16 * 12, dtype=np.uint16).reshape(3, 16, 12)
    photo = np.random.default_rng(0).integers(0, 256, (16, 12, 3), np.uint8)
    made: dict[str, bytes] = {}

    def tiff(name: str, pixels: np.ndarray, **options) -> None:
        file = io.BytesIO()
        tifffile.imwrite(file, pixels, **options)
        made[name] = file.getvalue()

    size = {"resolution": (2.0, 2.0), "resolutionunit": "centimeter"}
    luts = [np.zeros((3, 256), np.uint8)] * 3
    imagej = {"axes": "CYX", "unit": "um", "spacing": 0.5, "Labels": list("abc"), "LUTs": luts}
    tiff("imagej.tif", stack, imagej=True, metadata=imagej, **size)
    ome = {"axes": "CYX", "Channel": {"Name": list("abc")}, "PhysicalSizeX": 0.5}
    tiff("ome.ome.tif", stack, ome=True, metadata=ome, photometric="minisblack")
    tiff("ome_time.ome.tif", stack, ome=True, metadata={"axes": "TYX"}, photometric="minisblack")
    geo = [(33550, 12, 3, (1.0, 1.0, 0.0), True), (42113, 2, 0, "-9999", True)]
    tiff("geo.tif", stack[0], extratags=geo, software="x", datetime=True, **size)
    tiff("plain.tif", stack, metadata={"axes": "ZYX"}, photometric="minisblack")
    tiff("photo.tif", photo, photometric="rgb", **size)
    exif = Image.Exif()
    exif[274], exif[305], exif[282] = 6, "software", 72.0
    for name, options in {"photo.png": {}, "photo.jpg": {"quality": 95}}.items():
        file = io.BytesIO()
        Image.fromarray(photo).save(
            file, {"png": "PNG", "jpg": "JPEG"}[name[-3:]], exif=exif, dpi=(72, 72), **options
        )
        made[name] = file.getvalue()
    return made


def mutated(content: bytes, name: str, chance: random.Random) -> bytes:
    """Change what is said of the pixels, and not the pixels."""
    if name.endswith(".png"):
        return _with_png_chunks(content, chance)
    if name.endswith(".jpg"):
        at = content.index(b"Exif\0\0") + 6
        (length,) = struct.unpack_from(">H", content, at - 8)
        return _flipped(content, at, at + length - 8, chance)
    return _with_tags(content, chance) if chance.random() < 0.5 else _with_text(content, chance)


def _flipped(content: bytes, start: int, stop: int, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(start, stop)] = chance.choice([0, 1, 255, chance.randrange(256)])
    return bytes(changed)


def _with_text(content: bytes, chance: random.Random) -> bytes:
    """Mutate the description, in place of the old one at the end of the file."""
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        tag = tiff.pages.first.tags.get(270)
        if tag is None:
            return _with_tags(content, chance)
        text = content[tag.valueoffset : tag.valueoffset + tag.count].rstrip(b"\0").decode("utf-8")
        entry = tag.offset
    for _ in range(chance.randint(1, 3)):
        parts = re.split(r"(\d+(?:\.\d+)?|[A-Za-z]+)", text)
        at = chance.randrange(len(parts))
        act = chance.random()
        if act < 0.6:
            parts[at] = chance.choice(ODD)
        elif act < 0.8:
            del parts[at]
        else:
            parts.insert(at, chance.choice([*parts, *ODD, "\nLUTs=3\n", "\nLabels=4\n"]))
        text = "".join(parts)
    new = text.encode("utf-8", "replace") + b"\0\0\0\0\0"
    changed = bytearray(content) + new
    struct.pack_into("<II", changed, entry + 4, len(new), len(content))
    return bytes(changed)


def _with_tags(content: bytes, chance: random.Random) -> bytes:
    """Give a metadata tag of the first page, or one that becomes one, another value."""
    changed = bytearray(content)
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        tags = {tag.code: tag.offset for tag in tiff.pages.first.tags}
    there = [code for code in tags if code in _METADATA_TAGS]
    if not there:
        there, tags = [305], {305: tags.get(305, tags[max(tags)])}
    for _ in range(chance.randint(1, 2)):
        at = tags[chance.choice(there)]
        kind = chance.choice([0, 1, 2, 3, 4, 5, 7, 11, 12, 13, 99])
        count = chance.choice([0, 1, 2, 3, 8, 200, 1 << 31])
        value = chance.choice([0, 1, 8, 100, len(content) - 4, 1 << 31, chance.randrange(1 << 32)])
        act = chance.random()
        if act < 0.4:
            struct.pack_into("<H", changed, at + 2, kind)
        if 0.3 < act < 0.7:
            struct.pack_into("<I", changed, at + 4, count)
        if act > 0.5:
            struct.pack_into("<I", changed, at + 8, value)
    return bytes(changed)


def _with_png_chunks(content: bytes, chance: random.Random) -> bytes:
    """Mutate chunks that are no pixels, with checksums that are right."""
    out, at = content[:8], 8
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        if kind in {b"eXIf", b"pHYs"} and body and chance.random() < 0.7:
            body = _flipped(body, 0, len(body), chance)
            if chance.random() < 0.3:
                body = body[: chance.randrange(len(body))]
        if kind == b"IDAT" and chance.random() < 0.4:
            extra = chance.choice([b"tEXt", b"iCCP", b"zTXt", b"iTXt", b"gAMA", b"eXIf", b"tIME"])
            junk = bytes(chance.randrange(256) for _ in range(chance.randrange(40)))
            if chance.random() < 0.3:
                junk = b"a\0\0" + zlib.compress(bytes(70_000_000 if chance.random() < 0.02 else 9))
            out += _chunk(extra, junk)
        out += _chunk(kind, body)
        at += 12 + length
    return out


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


# How an error says which pixels there should be and are not.
LOST = ("pages are missing", "is one file of several", "as one of its files")


def outcome(folder: Path, name: str, content: bytes) -> str:
    """Segment a file as the command line does; what went wrong, or nothing."""
    path = folder / name
    path.write_bytes(content)
    try:
        image = read_image(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = segment(image.pixels, 2, channel_axis=image.channel_axis, alpha=image.alpha)
            results = result_paths(path, folder)
            write_results(image, found, results, overwrite=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels = tifffile.imread(results.labels)
        if labels.size != found.labels.size:
            return f"labels of {labels.shape} were written for {found.labels.shape}"
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is what we look for
        if isinstance(problem, ValueError) and any(sign in str(problem) for sign in LOST):
            return ""
        last = traceback.extract_tb(
            problem.__cause__.__traceback__ if problem.__cause__ else problem.__traceback__
        )[-1]
        return f"{type(problem).__name__}: {problem} ({Path(last.filename).name}:{last.lineno})"
    return ""


def run(
    seconds: float, seed: int, only: int | None = None, most: int = 1 << 60
) -> dict[str, object]:
    """Go through cases until the time is up."""
    files, failures, n = base_files(), [], 0
    folder = Path(tempfile.mkdtemp(prefix="metadata-"))
    ends = time.monotonic() + seconds
    names = sorted(files)
    try:
        while time.monotonic() < ends:
            chance = random.Random(f"{seed} {n}")
            name = names[n % len(names)]
            if only in {None, n}:
                content = mutated(files[name], name, chance)
                if wrong := outcome(folder, name, content):
                    failures.append(f"{n} {name}: {wrong}")
            n += 1
            if only is not None and n > only:
                break
    finally:
        shutil.rmtree(folder)
    return {"mutated files": n, "failures": failures}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    given = parser.parse_args()
    told = run(given.seconds, given.seed, given.only)
    print(json.dumps(told, indent=1))  # noqa: T201
    raise SystemExit(bool(told["failures"]))

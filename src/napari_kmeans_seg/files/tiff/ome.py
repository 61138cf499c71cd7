"""What OME-XML says of a TIFF: which files belong to it, sizes and names."""

from __future__ import annotations

import math
import reprlib
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from .decode import is_tiff

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_PAGE_BYTES = 50  # of the header of a page, at least
_SCALE = ("PhysicalSizeX", "PhysicalSizeY", "PhysicalSizeZ", "TimeIncrement")


def check_parts(path: Path, names: Iterable[str]) -> None:
    """Refuse a set of files of which one is missing, or is elsewhere, or is no regular file.

    Who opens an image has not asked for files of other folders, and a FIFO never ends.

    Raises
    ------
    ValueError
        Names the file.
    """
    for name in names:
        if name in {"", ".", ".."} or any(letter in name for letter in "/\\\0"):
            raise ValueError(
                f"names {name!r} as one of its files; only files in its own folder are read"
            )
        part = path.parent / name
        if not part.exists():
            raise ValueError(f"is one file of several, and {name!r} of its folder is missing")
        if not part.is_file():
            raise ValueError(f"names {name!r} as one of its files, which is no regular file")


def xml_to_read(path: Path, xml: str) -> tuple[str | None, list[str]]:
    """Check the files that OME-XML names.

    Returns
    -------
    What is to be read in its place, or None, and warnings.

    Raises
    ------
    ValueError
        A file of the set is missing, is in another folder or is no regular TIFF file.
    """
    try:
        root = ET.fromstring(xml)
    except ET.ParseError:
        return None, []  # said when sizes and names are looked for
    replacement = None
    binary_only = root.find("{*}BinaryOnly")
    if binary_only is not None:
        companion = binary_only.get("MetadataFile", "")
        if not (path.parent / companion).exists() and not set(companion) & set("/\\\0"):
            missing = f"is one file of a set that {companion!r} describes, which is missing"
            return None, [f"{missing}: its pages are read as they lie"]
        check_parts(path, [companion])
        replacement = (path.parent / companion).read_text(encoding="utf-8")
        root = ET.fromstring(replacement)
    own = root.get("UUID") if binary_only is None else None
    blocks = root.findall("{*}Image/{*}Pixels/{*}TiffData")
    # Of each block the first counts, as for tifffile.
    parts = [part for block in blocks if (part := block.find("{*}UUID")) is not None]
    others = {
        part.get("FileName", "")
        for part in parts
        if own is None or part.text != own
        if part.get("FileName", "").casefold() != path.name.casefold()
    }
    every = {part.text for part in parts}
    if len(every) == len(others) == 1 and len(parts) == len(blocks):
        [name] = others
        if not (path.parent / name).exists():
            # All of it is in one file, which goes by another name now.
            for block in blocks:
                block.remove(block.find("{*}UUID"))  # type: ignore[arg-type]
            return ET.tostring(root, encoding="unicode"), []
    check_parts(path, others)
    for name in others:
        if not is_tiff(path.parent / name):
            raise ValueError(f"names {name!r} as one of its files, which is no TIFF")
    return replacement, []


def is_of_another_size(xml: str, width: int, height: int) -> bool:
    """Whether no image that OME-XML describes has this size: software that knows no OME cut it."""
    try:
        images = ET.fromstring(xml).findall("{*}Image/{*}Pixels")
    except ET.ParseError:
        return False
    sizes = {(image.get("SizeX"), image.get("SizeY")) for image in images}
    return bool(sizes) and (str(width), str(height)) not in sizes


def is_of_more_pages(xml: str, path: Path) -> bool:
    """Whether OME-XML speaks of more pages than there is room for in its files.

    tifffile makes a list of them all, which takes minutes and all memory.
    """
    try:
        images = ET.fromstring(xml).findall("{*}Image/{*}Pixels")
    except ET.ParseError:
        return False
    names = {name for image in images for one in image.iter() if (name := one.get("FileName"))}
    parts = {path, *(path.parent / name for name in names)}
    room = sum(part.stat().st_size for part in parts if part.is_file()) // _PAGE_BYTES
    try:
        pages = [math.prod(int(image.get(f"Size{axis}", 1)) for axis in "ZCT") for image in images]
        pages += [
            int(one.get("PlaneCount", 1))
            for image in images
            for one in image.findall("{*}TiffData")
        ]
    except ValueError:
        return False  # tifffile makes nothing of it
    return max(pages, default=0) > room


def metadata(xml: str, index: int, warnings: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return scale and display of an image; what makes no sense is left out, with a warning."""
    try:
        images = ET.fromstring(xml).findall("{*}Image/{*}Pixels")
    except ET.ParseError as problem:
        warnings.append(f"has OME metadata that cannot be read ({problem})")
        return {}, {}
    if index >= len(images):
        return {}, {}
    pixels = images[index]
    scale: dict[str, Any] = {}
    for key in _SCALE:
        text, unit = pixels.get(key), pixels.get(f"{key}Unit")
        if text is None:
            continue
        size = _size(text)
        if size is None:
            warnings.append(f"has {key}={reprlib.repr(text)}, which is no size: left out")
            continue
        scale[key] = size
        if unit is not None:
            scale[f"{key}Unit"] = unit
    names = [channel.get("Name", "") for channel in pixels.findall("{*}Channel")]
    return scale, {"Channel": {"Name": names}} if any(names) else {}


def _size(text: str) -> float | None:
    try:
        size = float(text)
    except ValueError:
        return None
    return size if 0 < size < math.inf else None  # nan is neither

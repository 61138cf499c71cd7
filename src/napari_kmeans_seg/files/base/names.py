"""What the channels of a TIFF are called: by OME, GDAL or ImageJ."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

RGB_NAMES = ("red", "green", "blue")

# What ImageJ and Bio-Formats put before a name: which of how many.
_COUNTERS = re.compile(r"^\s*(?:[cztCZT]:\d+/\d+[\s;-]*)+")


def channel_names(
    n_channels: int,
    axis: int | None,
    *,
    is_color: bool,
    display: dict[str, Any],
    bands: Sequence[str],
    planes: tuple[int, ...],
) -> tuple[str, ...]:
    """Return one name per channel, each once; none where the file says nothing.

    Parameters
    ----------
    n_channels
        How many, without opacity.
    axis
        Their axis, None for one channel.
    is_color
        Whether the first three are red, green and blue.
    display
        What OME or ImageJ say.
    bands
        GDAL's descriptions, "" where there is none.
    planes
        Length of each axis before rows and columns.
    """
    if is_color:
        plain = [*RGB_NAMES, *(f"sample_{4 + i}" for i in range(n_channels - 3))]
        return _unique([given or name for given, name in zip(bands, plain, strict=True)])
    names = [str(name) for name in display.get("Channel", {}).get("Name", ())]
    if len(names) != n_channels or not any(names):
        names = list(bands)
    if not any(names) and axis is not None:
        labels = display.get("Labels", ())
        # tifffile gives a single label as it is, and one that is a number as a number.
        names = _of_planes(labels, axis, planes) if isinstance(labels, list | tuple) else []
    if len(names) != n_channels or not any(names):
        return ()
    return _unique([name or f"band_{1 + i}" for i, name in enumerate(names)])


def band_descriptions(xml: str | None, n_samples: int) -> list[str]:
    """Return GDAL's description of each sample, "" where there is none."""
    names = [""] * n_samples
    for item in _items(xml):
        number = item.get("sample", "")
        if item.get("role") == "description" and number.isdecimal() and int(number) < n_samples:
            names[int(number)] = " ".join((item.text or "").split())
    return names


def descriptions_only(xml: str | None) -> str:
    """Return GDAL's metadata without what is not true of other pixels, statistics first of all."""
    root = ET.Element("GDALMetadata")
    root.extend(item for item in _items(xml) if item.get("role") == "description")
    return ET.tostring(root, encoding="unicode") if len(root) else ""


def _items(xml: str | None) -> list[ET.Element]:
    try:
        return ET.fromstring(xml).findall("Item") if isinstance(xml, str) else []
    except ET.ParseError:
        return []


def _of_planes(labels: Sequence[str], axis: int, planes: tuple[int, ...]) -> list[str]:
    """Return the names that ImageJ's labels of planes give to channels."""
    if axis >= len(planes) or len(labels) != np.prod(planes, dtype=int):
        return []
    of_first = np.arange(len(labels)).reshape(planes)
    where = tuple(slice(None) if i == axis else 0 for i in range(len(planes)))
    texts = [str(labels[i]) for i in of_first[where]]
    names = [_COUNTERS.sub("", (text.splitlines() or [""])[0]).strip() for text in texts]
    return names if len(set(names)) > 1 else []


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    seen: list[str] = []
    for name in names:
        number, new = 1, name
        while new in seen:
            number += 1
            new = f"{name}_{number}"
        seen.append(new)
    return tuple(seen)

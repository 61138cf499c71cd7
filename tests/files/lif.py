"""LIF files as Leica's microscopes write them: a header of XML, then the pixels of each."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

DIMENSIONS = {"x": 1, "y": 2, "z": 3}
"""The numbers of axes."""


def write_lif(
    path: Path,
    images: dict[str, np.ndarray],
    names: tuple[str, ...] = ("Green", "Red", "Blue"),
    microns: tuple[float, float, float] = (3.0, 0.5, 0.25),
) -> Path:
    """Write images of (channels, depth, rows, columns), by name, with the sizes of a voxel."""
    root = ET.Element("LMSDataContainerHeader", Version="2")
    top = ET.SubElement(root, "Element", Name=path.stem, UniqueID="0")
    ET.SubElement(top, "Memory", Size="0", MemoryBlockID="MemBlock_0")
    children = ET.SubElement(top, "Children")
    blocks = []
    for number, (name, planes) in enumerate(images.items(), 1):
        block = f"MemBlock_{number}"
        stored = np.ascontiguousarray(np.moveaxis(planes, 0, 1))
        element = ET.SubElement(children, "Element", Name=name, UniqueID=str(number))
        size = str(stored.nbytes)
        ET.SubElement(element, "Memory", Size=size, MemoryBlockID=block)
        _describe(element, stored, names, dict(zip("zyx", microns, strict=True)))
        blocks.append((block, stored.tobytes()))
    header = ET.tostring(root, encoding="unicode").encode("utf-16-le")
    content = struct.pack("<IIBI", 0x70, len(header) + 5, 0x2A, len(header) // 2) + header
    for block, pixels in blocks:
        called = block.encode("utf-16-le")
        length = 1 + 8 + 1 + 4 + len(called)
        content += struct.pack("<IIBQBI", 0x70, length, 0x2A, len(pixels), 0x2A, len(called) // 2)
        content += called + pixels
    path.write_bytes(content)
    return path


def _describe(
    element: ET.Element,
    stored: np.ndarray,
    names: tuple[str, ...],
    microns: dict[str, float],
) -> None:
    """Say what lies in a block: depth, then channels, then rows and columns."""
    data = ET.SubElement(ET.SubElement(element, "Data"), "Image")
    description = ET.SubElement(data, "ImageDescription")
    channels = ET.SubElement(description, "Channels")
    depth, n_channels, rows, columns = stored.shape
    plane = rows * columns * stored.itemsize
    for i in range(n_channels):
        ET.SubElement(
            channels, "ChannelDescription", DataType="0", ChannelTag="0",
            Resolution=str(8 * stored.itemsize), NameOfMeasuredQuantity="", Min="0", Max="255",
            Unit="", LUTName=names[i], IsLUTInverted="0", BytesInc=str(i * plane), BitInc="0",
        )  # fmt: skip
    dimensions = ET.SubElement(description, "Dimensions")
    steps = {"x": stored.itemsize, "y": columns * stored.itemsize, "z": n_channels * plane}
    for axis, n in zip("xyz", (columns, rows, depth), strict=True):
        if n > 1:
            ET.SubElement(
                dimensions, "DimensionDescription", DimID=str(DIMENSIONS[axis]),
                NumberOfElements=str(n), Origin="0", Length=repr(microns[axis] * 1e-6 * (n - 1)),
                Unit="m", BytesInc=str(steps[axis]), BitInc="0",
            )  # fmt: skip

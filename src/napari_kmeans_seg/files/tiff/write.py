"""TIFF files written so that axes, pixel size and the terms of the samples stay."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import tifffile

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from ..base.tiff_style import TiffStyle

NOTE = "napari-kmeans-seg"
"""The key under which a plain TIFF's JSON description holds the parameters."""

# ImageJ's file format knows these axes, in this order, and these dtypes; its
# files end at 4 GB.
_IMAGEJ_AXES = "TZCYXS"
_IMAGEJ_DTYPES = ("uint8", "uint16", "float32")
_IMAGEJ_BYTES = 4_000_000_000

_OME_AXES = "TZCYXS"
_TURN, _PROFILE, _NO_DATA = 274, 34675, 42113
_ASCII, _SHORT, _UNDEFINED = 2, 3, 7


def write_tiff(
    path: Path,
    pixels: npt.NDArray[Any],
    style: TiffStyle,
    note: dict[str, Any] | None = None,
    *,
    colors: npt.NDArray[np.uint16] | None = None,
) -> None:
    """Write pixels of the axes `style.axes`, compressed without loss (zlib).

    Parameters
    ----------
    path
        Where to write.
    pixels
        One axis for each letter of `style.axes`.
    style
        Pixel size and whose metadata to write. What the flavour cannot hold
        (a dtype or an axis that ImageJ does not know) becomes a plain TIFF.
    note
        JSON-able: stands in the file's description (ImageJ: Image > Show Info).
    colors
        The colours in which viewers show the values of labels, as `tifffile` takes them.
    """
    samples_axis = style.axes.index("S") if "S" in style.axes else None
    samples = style.storage.stored(pixels, samples_axis)
    metadata: dict[str, Any] = {"axes": style.axes, **style.scale, **style.display}
    options: dict[str, Any] = {}
    if _imagej_can_hold(samples, style):
        options["imagej"] = True
        if note is not None:
            metadata["Info"] = json.dumps({NOTE: note}, indent=1)
    elif style.flavour == "ome" and set(style.axes) <= set(_OME_AXES):
        options["ome"] = True
        if note is not None:
            metadata["Description"] = json.dumps({NOTE: note})
    else:
        # By the name alone tifffile would write OME, which has no such axes.
        options["ome"] = False
        metadata = {"axes": style.axes}
        if note is not None:
            metadata[NOTE] = note
    options["photometric"] = style.storage.photometric
    if samples_axis is not None and "imagej" not in options:
        options["extrasamples"] = style.storage.extrasamples
        options["planarconfig"] = "separate" if style.storage.planar else "contig"
    if style.resolution is not None:
        options["resolution"] = style.resolution
        options["resolutionunit"] = style.resolution_unit
    if colors is not None:
        if options.get("imagej"):
            # ImageJ has a table of 8 bits, and shows the values of 16 by their range.
            if pixels.dtype.itemsize == 1:
                metadata["LUTs"] = [(colors >> 8).astype("uint8")]
        else:
            options |= {"photometric": "palette", "colormap": colors}
    extra_tags = list(style.extra_tags)
    if style.turn != 1:
        extra_tags.append((_TURN, _SHORT, 1, style.turn, False))
    if style.no_data:
        extra_tags.append((_NO_DATA, _ASCII, 0, style.no_data, False))
    if (profile := style.storage.profile) is not None:
        extra_tags.append((_PROFILE, _UNDEFINED, len(profile), profile, False))
    # Level 1: a segmented picture is flat, higher levels cost time and gain little.
    tifffile.imwrite(
        path,
        samples,
        compression="zlib",
        compressionargs={"level": 1},
        metadata=metadata,
        extratags=extra_tags,
        **options,
    )


def _imagej_can_hold(pixels: npt.NDArray[Any], style: TiffStyle) -> bool:
    in_order = "".join(letter for letter in _IMAGEJ_AXES if letter in style.axes)
    if style.flavour != "imagej" or style.axes != in_order:
        return False
    if "S" in style.axes and (
        pixels.dtype.name != "uint8"
        or style.storage.photometric != "rgb"
        or style.storage.extrasamples
    ):
        return False
    return pixels.dtype.name in _IMAGEJ_DTYPES and pixels.nbytes < _IMAGEJ_BYTES

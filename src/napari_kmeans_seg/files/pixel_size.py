"""How large the pixels of a file are, where it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base.image_file import ImageFile
    from .base.tiff_style import TiffStyle

_SPELLINGS = {"um": "µm", "micron": "µm", "microns": "µm", "μm": "µm", "\\u00B5m": "µm"}
_LENGTHS = ("pm", "nm", "µm", "mm", "cm", "dm", "m", "km", "inch", "in")
# TIFF's numbers. Inches are left out: of a picture they are those of a print.
_UNITS_OF_TIFF = {3: "cm", 4: "mm", 5: "µm"}


def pixel_size(image: ImageFile, step_axis: int | None = None) -> tuple[str, float, str] | None:
    """Say what one pixel measures; steps along an axis that is named have no extent there.

    Returns
    -------
    tuple of str, float and str, or None
        "area" or, of a stack in depth, "volume"; how much, and the unit, e.g. "µm²". None where the
        file does not say it of all its axes of space, or says it in several units.
    """
    style = image.tiff
    x, y, z = _sides(style)
    z_axis = style.axes.find("Z")
    depth = z_axis not in (-1, step_axis) and image.pixels.shape[z_axis] > 1
    sides = [x, y, z] if depth else [x, y]
    size, units = 1.0, set()
    for side in sides:
        if side is None:
            return None
        size *= side[0]
        units.add(_SPELLINGS.get(side[1], side[1]))
    if len(units) > 1 or not units <= set(_LENGTHS):
        return None
    return ("volume", size, f"{units.pop()}³") if depth else ("area", size, f"{units.pop()}²")


def _sides(style: TiffStyle) -> list[tuple[float, str] | None]:
    """Give the length and the unit of a pixel along x, y and z."""
    scale = style.scale
    if style.flavour == "ome":
        named = (f"PhysicalSize{axis}" for axis in "XYZ")
        return [(scale[key], scale.get(f"{key}Unit", "µm")) if key in scale else None
                for key in named]  # fmt: skip
    if style.resolution is None:
        return [None, None, None]
    x, y = (1 / one for one in style.resolution)
    if style.flavour == "plain":
        unit = _UNITS_OF_TIFF.get(style.resolution_unit, "")
        return [(x, unit), (y, unit), None]
    unit = str(scale.get("unit", ""))
    depth = scale.get("spacing")
    sides = [(x, unit), (y, str(scale.get("yunit", unit)))]
    if not isinstance(depth, int | float) or depth <= 0:
        return [*sides, None]
    return [*sides, (float(depth), str(scale.get("zunit", unit)))]

"""How image files are read, as options say: which channels, which of several, which pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .output import reason_for, refuse

if TYPE_CHECKING:
    from pathlib import Path

    from ..core.cluster_colors import Colors
    from ..files.part import Limits


def reading_of(
    channel_axis: Any,
    series: int | None,
    limits: tuple[float | None, float | None, float | None],
    mask: Path | None,
    max_pixels: int,
) -> dict[str, Any]:
    """Gather how files are read; `limits` are the value of no data, the least and the largest."""
    return {
        "axis": channel_axis,
        "series": series,
        "limits": _limits(*limits, mask, max_pixels),
        "max_pixels": max_pixels,
    }


def _limits(
    no_data: float | None, low: float | None, high: float | None, mask: Path | None, max_pixels: int
) -> Limits:
    from ..files.limits import check_size
    from ..files.part import Limits, read_mask

    if low is not None and high is not None and low > high:
        refuse(f"--min {low} is above --max {high}")
    if mask is None:
        return Limits(no_data, low, high)
    try:
        check_size(mask, max_pixels)
        return Limits(no_data, low, high, read_mask(mask))
    except (OSError, ValueError) as problem:
        refuse(f"--mask {reason_for(mask, problem)}")


def refuse_few(colors: Colors | None, n_clusters: int) -> None:
    """End where a list has not a colour for each cluster."""
    if isinstance(colors, tuple) and len(colors) != n_clusters:
        refuse(f"--colors takes one for each of the {n_clusters} clusters; got {len(colors)}")

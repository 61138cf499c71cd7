"""What the widget says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_kmeans_seg import Segmentation


def breakable(name: str) -> str:
    """Let a long file name break into lines after its joints, by spaces of no width."""
    return re.sub(r"(?<=[_.\-/\\])(?=.)", "\u200b", name) if len(name) > 24 else name


def dropped(name: str, why: str) -> str:
    """Say that what happened to a layer while it was segmented has cost the result."""
    return f"“{name}” {why} while it ran; the result was dropped."


def summary(segmentation: Segmentation, seconds: float) -> str:
    """Say what came out, e.g. "5 clusters in 0.8 s, 12 iterations"."""
    n = segmentation.n_clusters
    text = f"{n} cluster{'s' if n != 1 else ''} in {seconds:.1f} s"
    if segmentation.n_iter:
        text += f", {segmentation.n_iter} iteration{'s' if segmentation.n_iter != 1 else ''}"
    return text


def warnings_of(segmentation: Segmentation) -> tuple[str, ...]:
    """Say what a person should know of the result."""
    if segmentation.converged:
        return segmentation.warnings
    return (*segmentation.warnings, "Not converged: allow more “Iterations”.")

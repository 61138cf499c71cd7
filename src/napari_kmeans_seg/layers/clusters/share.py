"""How much of an image some clusters are, together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..outputs.columns import columns_of, of_clusters

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from ..outputs.columns import Column


@dataclass(frozen=True)
class Share:
    """What some clusters are together.

    Attributes
    ----------
    n : int
        How many clusters.
    pixels : int
        Their pixels.
    of_image, of_clusters : float
        Percent of all pixels of the layer, and of those that are in a cluster. They differ where
        a region, no data or a deleted cluster is left out.
    counted : Column
        What pixels are called.
    size : float or None
        In the units of the layer; None where these are pixels.
    sized : Column or None
        What it is.
    """

    n: int
    pixels: int
    of_image: float
    of_clusters: float
    counted: Column
    size: float | None = None
    sized: Column | None = None

    @classmethod
    def of(cls, features: pd.DataFrame, labels: Iterable[int] | None = None) -> Share:
        """Sum up clusters.

        Parameters
        ----------
        features : DataFrame
            The features table of their layer, whose first row is the background.
        labels : iterable of int, optional
            The clusters; all of them by default.
        """
        rows = of_clusters(features)
        whole, inside = int(features["pixels"].sum()), int(rows["pixels"].sum())
        if labels is not None:
            rows = rows[rows["label"].isin([*labels])]
        columns = {column.name: column for column in columns_of(features)}
        sized = next((one for one in columns.values() if one.unit), None)
        if sized is not None and sized.unit.startswith("pixel"):
            sized = None
        pixels = int(rows["pixels"].sum())
        return cls(
            n=len(rows),
            pixels=pixels,
            of_image=100 * pixels / max(1, whole),
            of_clusters=100 * pixels / max(1, inside),
            counted=columns["pixels"],
            size=None if sized is None else float(rows[sized.name].sum()),
            sized=sized,
        )

    @property
    def text(self) -> str:
        """Say it, e.g. "61,621 pixels, 25.7 % of the image, 123.2 µm²"."""
        share = f"{self.of_image:.1f} % of the image"
        parts = [
            f"{self.pixels:,} {self.counted.title.lower()}",
            "the whole image" if self.of_image == 100 else share,
        ]
        if abs(self.of_image - self.of_clusters) >= 0.05 and self.of_clusters < 100:
            parts.append(f"{self.of_clusters:.1f} % of the clusters")
        if self.sized is not None:
            parts.append(f"{self.sized.written(self.size)} {self.sized.unit}")
        return ", ".join(parts)

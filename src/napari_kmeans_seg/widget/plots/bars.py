"""The counts that a histogram of clusters shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_kmeans_seg.core.base.cached import cached_property
from napari_kmeans_seg.layers.clusters.thresholds import shifted

from .frame import Axis, figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_kmeans_seg.layers.clusters.points import ClusterPoints, Members
    from napari_kmeans_seg.layers.clusters.thresholds import Threshold

# Of all pixels, how many may lie beyond either end of the axis, where it would else be so
# many times as long.
_BEYOND, _TIMES = 5e-4, 2.0


@dataclass(frozen=True, eq=False)
class Bars:
    """What a histogram shows.

    Attributes
    ----------
    points : ClusterPoints
        The values.
    members : Members
        How many pixels of each value are in which cluster.
    thresholds : tuple of Threshold
        In ascending order; none where there are none to be had.
    movable : bool
        Whether they can be moved.
    name : str
        Of the channel.
    sampling : float
        Pixels of the image for each one that was read.
    """

    points: ClusterPoints
    members: Members
    thresholds: tuple[Threshold, ...]
    movable: bool
    name: str
    sampling: float

    @cached_property
    def across(self) -> Axis:
        """As far as all pixels, or nearly all where a few are far away, and all thresholds."""
        values, step, members = self.points.values[0], self.points.step, self.members
        if not members.point.size:
            return Axis.of(self.name, float(values[0]), float(values[0] + step))
        counts = np.bincount(members.point, members.count, minlength=values.size)
        share = np.cumsum(counts) / counts.sum()
        first, last = np.flatnonzero(counts)[[0, -1]]
        begin = int(np.searchsorted(share, _BEYOND))
        end = min(int(np.searchsorted(share, 1 - _BEYOND)), int(last))
        margin = max(3.0, 0.1 * (end - begin)) * step
        inside = [values[begin] - margin, values[end] + margin]
        for one in self.thresholds:
            inside += [one.at - margin, one.at + margin]
        low, high = float(values[first]), float(values[last] + step)
        least, most = max(low, min(inside)), min(high, max(inside))
        texts = ["", ""]
        if high - low > _TIMES * (most - least):
            texts = ["≤ " if least > low else "", "≥ " if most < high else ""]
            low, high = least, most
        if self.points.exact:
            # Whole values: each has a bar of its own or shares it with whole others.
            low, high = float(np.floor(low)), float(np.ceil(high))
        largest = high - step if self.points.exact else high
        span = high - low
        return Axis(
            self.name, low, high, texts[0] + figure(low, span), texts[1] + figure(largest, span)
        )

    def table(
        self, labels: Sequence[int], room: int, moved: tuple[Threshold, float] | None
    ) -> npt.NDArray[np.float64]:
        """Count the pixels of each cluster in each bar.

        Parameters
        ----------
        labels : sequence of int
            The clusters, ascending.
        room : int
            Most bars that there is room for.
        moved : tuple of Threshold and float, optional
            A threshold that is dragged, and where it is.

        Returns
        -------
        (n_clusters, n_bars) array
            Pixels.
        """
        low, high, step = self.across.low, self.across.high, self.points.step
        n_bars = max(1, min(round((high - low) / step), room))
        members = self.members if moved is None else shifted(self.points, self.members, *moved)
        middle = self.points.values[0][members.point] + step / 2
        bar = np.clip((middle - low) / (high - low) * n_bars, 0, n_bars - 1).astype(np.intp)
        row, known = np.searchsorted(labels, members.label), np.isin(members.label, labels)
        flat = row[known] * n_bars + bar[known]
        counts = np.bincount(flat, members.count[known], minlength=len(labels) * n_bars)
        return counts.reshape(len(labels), n_bars).astype(np.float64)

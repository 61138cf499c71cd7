"""The thresholds between clusters of one channel, and moving them by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg.core.arguments import ARGUMENTS

from ..outputs.columns import means
from ..outputs.record import ThresholdMoved
from .edits import PixelChange
from .points import OTHER_SHAPE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from napari_kmeans_seg.core.base.parallel import Progress

    from .clusters import Clusters
    from .distribution import ClusterValues
    from .points import ClusterPoints, Members

_COMPARED_AT_ONCE = 1 << 22
"""Pixels that are compared at a time, so that the work can be stopped."""

_CLEAR = 3
"""Levels on either side of a clear threshold, at least."""


@dataclass(frozen=True)
class Threshold:
    """A value at which one cluster ends and another begins.

    Attributes
    ----------
    lower, upper : int
        The clusters below and above.
    at : float
        The largest value of the lower one. Of integers it is one.
    low, high : float
        The neighbouring thresholds, between which it may lie: values above `low` belong to
        the lower cluster, those up to `high` to the upper one. Infinite at the ends.
    """

    lower: int
    upper: int
    at: float
    low: float
    high: float


def moved_by_hand(clusters: Clusters) -> list[float]:
    """List where thresholds were moved to, the first first."""
    edits = clusters.record.edits
    return [float(edit.at) for edit in edits if isinstance(edit, ThresholdMoved)]


def overlap(clusters: Clusters) -> str:
    """Say why clusters overlap in value."""
    used, source = clusters.record.arguments, clusters.record.source
    blurring = {
        **{one.blurs: np.any(used.get(one.name, 0)) for one in ARGUMENTS.values() if one.blurs},
        "steps that are clustered each by itself": source.step_axis is not None,
        "cleaning": source.specks > 0,
    }
    found = [name for name, there in blurring.items() if there]
    why = " and ".join(found) or "pixels that were painted"
    return f"By {why} the clusters overlap in value, so there are no thresholds between them."


def thresholds_of(
    points: ClusterPoints, members: Members, moved: Sequence[float] = ()
) -> tuple[Threshold, ...] | None:
    """Find the values of one channel at which the cluster changes.

    Parameters
    ----------
    points : ClusterPoints
        The values.
    members : Members
        How many pixels of each are in which cluster.
    moved : sequence of float
        Where thresholds were moved to by hand: there they stay while no pixel lies in between.
        Others lie in the middle between two clusters.

    Returns
    -------
    tuple of Threshold or None
        In ascending order; None where clusters overlap in value.
    """
    order = np.lexsort((members.count, members.point))
    point, label = members.point[order], members.label[order]
    # Of several clusters at one value the most frequent counts.
    last = np.append(point[1:] != point[:-1], True)
    where, owner = point[last], label[last]
    ends = np.flatnonzero(owner[1:] != owner[:-1])
    if not set(point[~last].tolist()) <= _cut_by_thresholds(points, where, ends):
        return None
    values = points.values[0]
    below = values[where[ends]] + (0 if points.exact else points.step)
    above = values[where[ends + 1]]
    at = (below + above) / 2
    if points.exact:
        at = np.floor(at)
    for one in moved:
        at[(below <= one) & (one < above)] = one
    edges = [-np.inf, *at.tolist(), np.inf]
    return tuple(
        Threshold(int(owner[end]), int(owner[end + 1]), edges[i + 1], edges[i], edges[i + 2])
        for i, end in enumerate(ends)
    )


def _cut_by_thresholds(
    points: ClusterPoints, where: npt.NDArray[np.intp], ends: npt.NDArray[np.intp]
) -> set[int]:
    """Find the levels that may hold pixels of two clusters without these overlapping.

    A threshold may cut a level that is more than one value. But where clusters change from
    level to level they overlap.
    """
    if points.exact:
        return set()
    lengths = np.diff(ends, prepend=-1, append=where.size - 1)
    clear = ends[np.minimum(lengths[1:], lengths[:-1]) >= _CLEAR]
    return {*where[clear].tolist(), *where[clear + 1].tolist()}


@dataclass(frozen=True, eq=False)
class Reassignment:
    """What becomes of two clusters when the threshold between them is moved.

    Attributes
    ----------
    threshold : Threshold
        As it was.
    at : float
        Where it is moved to.
    labels : array
        The labels that were read.
    change : PixelChange or None
        None where no pixel lies in between.
    counts : pair of int
        Pixels of the lower and of the upper cluster then.
    means : pair of float
        Their means.
    """

    threshold: Threshold
    at: float
    labels: npt.NDArray[Any]
    change: PixelChange | None
    counts: tuple[int, int]
    means: tuple[float, float]


def reassignment(
    clusters: Clusters, values: ClusterValues, threshold: Threshold, at: float
) -> Callable[[Progress], Reassignment]:
    """Prepare to move a threshold: gives the work, for any thread, whose result `move` takes.

    Only pixels between the old and the new place change, and of these only those of the two
    clusters: what was painted or deleted by hand stays.

    Raises
    ------
    ValueError
        If it would pass its neighbour, or if the pixels are not in memory.
    """
    if not threshold.low <= at <= threshold.high:
        raise ValueError("A threshold cannot pass the next one. Merge clusters instead.")
    labels = clusters.layer.data
    if not isinstance(labels, np.ndarray) or not isinstance(values.image.data, np.ndarray):
        raise ValueError(
            "Thresholds can be moved where image and labels are in memory and are no pyramids."
        )
    lower, upper = threshold.lower, threshold.upper
    rising = at > threshold.at
    loser, winner = (upper, lower) if rising else (lower, upper)
    name = clusters.name(loser)

    def work(progress: Progress) -> Reassignment:
        image = values.image.levels[0][0]
        if image.shape != labels.shape:
            raise ValueError(OTHER_SHAPE)
        pixels, flat = image.reshape(-1), labels.reshape(-1)
        where = np.empty(flat.size, bool)
        counts, sums = np.zeros(2, np.int64), np.zeros(2)
        for start in range(0, flat.size, _COMPARED_AT_ONCE):
            progress(start / flat.size, "Moving the threshold")
            part = slice(start, start + _COMPARED_AT_ONCE)
            value, label = pixels[part], flat[part]
            if rising:
                moved = (label == loser) & (value > threshold.low) & (value <= at)
            else:
                moved = (label == loser) & (value > at) & (value <= threshold.high)
            where[part] = moved
            after = np.where(moved, winner, label)
            for i, one in enumerate((lower, upper)):
                inside = value[after == one].astype(np.float64)
                inside = inside[np.isfinite(inside)]
                counts[i] += np.count_nonzero(after == one)
                # Relative to the threshold: sums of small differences keep their digits.
                sums[i] += float((inside - at).sum())
        if not counts.all():
            raise ValueError(f"That would leave “{name}” without pixels. Merge it instead.")
        change = None
        if where.any():
            where = where.reshape(labels.shape)
            change = PixelChange.of(where, labels, np.asarray(winner, labels.dtype), labels.dtype)
        found = at + sums / counts
        return Reassignment(
            threshold, at, labels, change, (int(counts[0]), int(counts[1])),
            (float(found[0]), float(found[1])),
        )  # fmt: skip

    return work


def move(clusters: Clusters, found: Reassignment) -> bool:
    """Move a threshold, as one step that can be undone. Gives whether any pixel changed."""
    if clusters.layer.data is not found.labels:
        raise ValueError("The clusters were changed meanwhile. Move the threshold again.")
    if found.change is None:
        return False
    threshold, table = found.threshold, clusters.table
    column = means(table)[0]
    pair = (threshold.lower, threshold.upper)
    for label, count, mean in zip(pair, found.counts, found.means, strict=True):
        table.loc[table["label"] == label, ["pixels", column]] = count, mean
    table["pixels"] = table["pixels"].astype(np.int64)
    low, high = (one if np.isfinite(one) else None for one in (threshold.low, threshold.high))
    edit = ThresholdMoved(*pair, start=threshold.at, at=found.at, low=low, high=high)
    clusters.do(
        f"Move the threshold {pair[0]} | {pair[1]} to {found.at:.6g}",
        table, pixels=found.change, edit=edit,
    )  # fmt: skip
    return True


def shifted(points: ClusterPoints, members: Members, threshold: Threshold, at: float) -> Members:
    """Count how many pixels of each value clusters would have if a threshold was moved."""
    values = points.values[0][members.point]
    label = members.label.copy()
    if at > threshold.at:
        inside = (values > threshold.low) & (values <= at)
        label[inside & (label == threshold.upper)] = threshold.lower
    else:
        inside = (values > at) & (values <= threshold.high)
        label[inside & (label == threshold.lower)] = threshold.upper
    return replace(members, label=label)

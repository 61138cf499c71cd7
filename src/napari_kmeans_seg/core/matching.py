"""Which clusters of a step are those of the step before."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .base.array_checks import is_lazy
from .base.notes import LabelsByPlace, LabelsUncertain
from .base.parallel import Tick, part_of
from .levels import PyramidSegmentation, relabelled
from .segmentation import Segmentation

MIXED = 0.1
"""Intersection over union from which on a cluster is a part of what was at a place before."""

STAYED = 0.5
"""Intersection over union above which a cluster is the one that was at its place before. Only one
can be: another one would need half of the same pixels, too."""


def match(steps: Sequence[Segmentation], tick: Tick) -> list[Segmentation]:
    """Give the clusters of each step the labels of those of the step before that are the same.

    First goes where their pixels are: what has more than half of the pixels of both in common is
    the same, however its value has changed, be it past those of others. Where it was not sure which
    is which in the step before, as of things that are as bright as each other there, the same holds
    of the last step in which it was. Of the rest it is the assignment with the least sum of
    two costs: how far apart the mean values are (squared, in standard deviations of all means), and
    how little of their pixels lie in the same place (one less intersection over union). So what
    moves away keeps the label of its value. That the two weigh alike is a heuristic. A step that
    has more clusters than all steps before gives those that are left new labels.
    """
    n = len(steps)
    known = np.empty((0, steps[0].centroids.shape[1]))
    # In which step it was last sure which cluster has each label.
    sure = np.empty(0, np.intp)
    tables: list[NDArray[np.int64]] = []
    matched: list[Segmentation] = []
    for i, step in enumerate(steps):
        scale = np.nanstd(np.concatenate([known, step.centroids]), axis=0)
        scale[scale == 0] = 1
        distance = ((known[:, np.newaxis] - step.centroids) / scale) ** 2
        # A cluster without pixels has no mean, and may get any label that is left.
        by_value = np.nan_to_num(distance.sum(axis=-1), nan=1e9)
        shared = np.zeros_like(by_value)
        looks = sorted({i - 1, *sure.tolist()}, reverse=True) if i else []
        for nth, look in enumerate(looks):
            rows, columns = (~(shared > STAYED).any(axis=axis) for axis in (1, 0))
            if nth:
                rows &= sure == look
            if not (rows.any() and columns.any()):
                continue
            before = np.zeros_like(shared)
            # The first entry of the table is label 0, which is no cluster.
            comparing = part_of(tick, (i + nth / len(looks)) / n, (i + (nth + 1) / len(looks)) / n)
            before[tables[look][1:] - 1] = _shared(steps[look], step, comparing)
            # How little is shared counts for the last step alone.
            free = np.outer(rows, columns) & (before > STAYED) if nth else True
            np.copyto(shared, before, where=free)
        olds, news = _assigned(by_value + 1 - shared, shared > STAYED)
        table = np.zeros(step.n_clusters + 1, np.int64)
        table[news + 1] = olds + 1
        left = np.flatnonzero(table[1:] == 0)
        table[left + 1] = len(known) + 1 + np.arange(left.size)
        known = np.concatenate([known, step.centroids[left]])
        seen = np.flatnonzero(step.counts)
        known[table[seen + 1] - 1] = step.centroids[seen]
        tables.append(table)
        crossed, unsure = _doubts(by_value, shared, olds, news, step)
        sure = np.concatenate([sure, np.full(left.size, i)])
        doubtful = np.union1d(unsure, np.flatnonzero(_mixed(shared)))
        sure[np.setdiff1d(table[seen + 1] - 1, doubtful)] = i
        notes = step.notes
        if crossed.size:
            notes += (LabelsByPlace(labels=_plain(crossed)),)
        if unsure.size:
            notes += (LabelsUncertain(labels=_plain(unsure)),)
        matched.append(replace(step, notes=notes))
    return [relabelled(step, t, len(known)) for step, t in zip(matched, tables, strict=True)]


def _assigned(
    cost: NDArray[np.float64], stayed: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Assign rows to columns: those that stayed, and the others at the least cost."""
    from scipy.optimize import linear_sum_assignment  # slow to import

    olds, news = np.nonzero(stayed)
    rows, columns = (np.flatnonzero(~stayed.any(axis=axis)) for axis in (1, 0))
    a, b = linear_sum_assignment(cost[np.ix_(rows, columns)])
    return np.concatenate([olds, rows[a]]), np.concatenate([news, columns[b]])


def _doubts(
    by_value: NDArray[np.float64],
    shared: NDArray[np.float64],
    olds: NDArray[np.intp],
    news: NDArray[np.intp],
    step: Segmentation,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find of which labels place and value disagree, and of which neither shows where they are.

    Of those of the steps before, counted from 0.
    """
    from scipy.optimize import linear_sum_assignment

    there = step.counts[news] > 0
    olds, news = olds[there], news[there]
    stayed = shared[olds, news] > STAYED
    # Whoever stayed, by their values alone.
    a, b = olds[stayed], news[stayed]
    otherwise = linear_sum_assignment(by_value[np.ix_(a, b)])[1]
    # Whoever did not: costs that hardly change if two of them change places.
    c, d = olds[~stayed], news[~stayed]
    cost = (by_value + 1 - shared)[np.ix_(c, d)]
    own = np.diagonal(cost)
    more = cost + cost.T - own - own[:, np.newaxis]
    np.fill_diagonal(more, np.inf)
    # By how much two labels might cost less the other way round, and still be as good.
    return a[otherwise != np.arange(a.size)], c[(more < 0.1).any(axis=0)]


def _mixed(shared: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which clusters, none of which has stayed, have gone to the same two or more.

    So do those of pixels that are as bright as each other, which go to either by chance: a third
    of the pixels of both is in common then, of any one with any other.
    """
    parts = (shared > MIXED).astype(np.intp)
    common = parts @ parts.T
    np.fill_diagonal(common, 0)
    mixed: NDArray[np.bool_] = common.max(axis=1, initial=0) > 1
    mixed &= ~(shared > STAYED).any(axis=1)
    return mixed


def _plain(labels: NDArray[np.intp]) -> tuple[int, ...]:
    return tuple(sorted((labels + 1).tolist()))


def _shared(before: Segmentation, now: Segmentation, tick: Tick) -> NDArray[np.float64]:
    """Intersection over union of the clusters of two steps, ``(n_before, n_now)``."""
    # Of a pyramid that is lazy the smallest level is enough.
    level = -1 if is_lazy(before.labels) else 0
    one, other = (
        step.levels[level] if isinstance(step, PyramidSegmentation) else step
        for step in (before, now)
    )
    pairs = one._pairs(other, tick)
    both = pairs[1:, 1:]
    either = pairs[1:].sum(axis=1)[:, np.newaxis] + pairs[:, 1:].sum(axis=0) - both
    shared: NDArray[np.float64] = both / np.maximum(either, 1)
    return shared

"""Which clusters of a step are those of the step before."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .base.array_checks import is_lazy
from .base.note import Note
from .base.notes import LabelsByPlace, LabelsUncertain
from .base.parallel import Tick, part_of
from .levels import PyramidSegmentation, relabelled
from .segmentation import Segmentation

STAYED = 0.5
"""Intersection over union above which a cluster is the one that was at its place before. Only one
can be: another one would need half of the same pixels, too."""


def match(steps: Sequence[Segmentation], tick: Tick) -> list[Segmentation]:
    """Give the clusters of each step the labels of those of the step before that are the same.

    First goes where their pixels are: what has more than half of the pixels of both in common is
    the same, however its value has changed, be it past those of others. Of those that have not, the
    same holds of the step before that one. Of the rest it is the assignment with the least sum of
    two costs: how far apart the mean values are (squared, in standard deviations of all means), and
    how little of their pixels lie in the same place (one less intersection over union). So what
    moves away keeps the label of its value. That the two weigh alike is a heuristic. A step that
    has more clusters than all steps before gives those that are left new labels.
    """
    n = len(steps)
    known = np.empty((0, steps[0].centroids.shape[1]))
    tables: list[NDArray[np.int64]] = []
    matched: list[Segmentation] = []
    for i, step in enumerate(steps):
        scale = np.nanstd(np.concatenate([known, step.centroids]), axis=0)
        scale[scale == 0] = 1
        distance = ((known[:, np.newaxis] - step.centroids) / scale) ** 2
        # A cluster without pixels has no mean, and may get any label that is left.
        by_value = np.nan_to_num(distance.sum(axis=-1), nan=1e9)
        shared = np.zeros_like(by_value)
        # What has lost its place in the step before may have it from the one before that: where two
        # are as bright as each other in a step, their pixels go to either by chance.
        for back in range(1, min(i, 2) + 1):
            rows, columns = (~(shared > STAYED).any(axis=axis) for axis in (1, 0))
            if not (rows.any() and columns.any()):
                break
            before = np.zeros_like(shared)
            # The first entry of the table is label 0, which is no cluster.
            comparing = part_of(tick, (i + (back - 1) / 2) / n, (i + back / 2) / n)
            before[tables[-back][1:] - 1] = _shared(steps[i - back], step, comparing)
            # How little is shared counts for the last step alone.
            free = np.outer(rows, columns) & (before > STAYED) if back > 1 else True
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
        matched.append(
            replace(step, notes=(*step.notes, *_doubts(by_value, shared, olds, news, step)))
        )
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
) -> list[Note]:
    """Say of which labels place and value disagree, or show nothing at all."""
    from scipy.optimize import linear_sum_assignment

    there = step.counts[news] > 0
    olds, news = olds[there], news[there]
    stayed = shared[olds, news] > STAYED
    found: list[Note] = []
    # Whoever stayed, by their values alone.
    a, b = olds[stayed], news[stayed]
    otherwise = linear_sum_assignment(by_value[np.ix_(a, b)])[1]
    if (crossed := a[otherwise != np.arange(a.size)] + 1).size:
        found.append(LabelsByPlace(labels=_plain(crossed)))
    # Whoever did not: costs that hardly change if two of them change places.
    a, b = olds[~stayed], news[~stayed]
    cost = (by_value + 1 - shared)[np.ix_(a, b)]
    own = np.diagonal(cost)
    more = cost + cost.T - own - own[:, np.newaxis]
    np.fill_diagonal(more, np.inf)
    # By how much two labels might cost less the other way round, and still be as good.
    if (unsure := a[(more < 0.1).any(axis=0)] + 1).size:
        found.append(LabelsUncertain(labels=_plain(unsure)))
    return found


def _plain(labels: NDArray[np.intp]) -> tuple[int, ...]:
    return tuple(sorted(labels.tolist()))


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

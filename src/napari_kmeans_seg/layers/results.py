"""Segmentations that are more than one array: pyramids, and steps that stand for themselves."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from napari_kmeans_seg import Segmentation
from napari_kmeans_seg.core.image.pixels import spread
from napari_kmeans_seg.core.labelling import pairs_of
from napari_kmeans_seg.core.parallel import no_tick
from napari_kmeans_seg.core.points.sums import join_means

from .arrays import concatenate, is_lazy, look_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_kmeans_seg.core.parallel import Tick

COMPARED_PIXELS = 1 << 20
"""Pixels of a step in memory, evenly spread, whose labels are compared with those before."""


@dataclass(frozen=True, eq=False)
class PyramidSegmentation(Segmentation):
    """A segmentation of the largest level, with those of the smaller levels.

    Attributes
    ----------
    levels : tuple of Segmentation
        Each level by the same centroids, the largest first; `centroids` and `counts` are those of
        the largest on all of them.
    """

    levels: tuple[Segmentation, ...]

    @classmethod
    def of(cls, levels: Sequence[Segmentation]) -> PyramidSegmentation:
        """Join the segmentations of all levels, the largest first.

        What decides the order and the colours of labels is the largest level's on all of them:
        nothing changes its colour while a person zooms.
        """
        largest, *smaller = levels
        return cls(**_values(largest), levels=(largest, *(_of(one, largest) for one in smaller)))

    @cached_property
    def image(self) -> Any:
        """The largest level, each pixel painted with its centroid."""
        return self.levels[0].image

    def _look_up(self, table: np.ndarray[Any, Any]) -> Any:
        return look_up(table, self.labels)

    def merge(self, *groups: Sequence[int]) -> PyramidSegmentation:
        """Join clusters on every level; see `Segmentation.merge`."""
        return PyramidSegmentation.of([level.merge(*groups) for level in self.levels])


@dataclass(frozen=True, eq=False)
class StepsSegmentation(Segmentation):
    """The steps of one axis, each clustered by itself, with labels that mean the same.

    `centroids` are the means over all steps, `inertia` and `n_iter` the sums.

    Attributes
    ----------
    steps : tuple of Segmentation
        One for each step, of length 1 along the axis, all with the same number of
        clusters; one that a step has not has a count of 0 there.
    axis : int
        The axis along which the steps lie.
    """

    steps: tuple[Segmentation, ...]
    axis: int

    @classmethod
    def of(
        cls, steps: Sequence[Segmentation], axis: int, tick: Tick = no_tick
    ) -> StepsSegmentation:
        """Join segmentations of the steps, matching their labels from step to step."""
        return cls.join(_match(steps, tick), axis)

    @classmethod
    def join(cls, steps: Sequence[Segmentation], axis: int) -> StepsSegmentation:
        """Join segmentations of the steps whose labels match already."""
        n_clusters = steps[0].n_clusters
        counts, centroids = join_means(
            np.tile(np.arange(n_clusters), len(steps)),
            np.concatenate([step.counts for step in steps]),
            np.concatenate([step.centroids for step in steps]),
            n_clusters,
        )
        parameters = {**steps[0].parameters, "each_step_of_axis": axis}
        values = _values(steps[0]) | {
            "labels": concatenate([step.labels for step in steps], axis),
            "centroids": centroids,
            "counts": counts,
            "inertia": float(sum(step.inertia for step in steps)),
            "n_iter": sum(step.n_iter for step in steps),
            "converged": all(step.converged for step in steps),
            "warnings": tuple(
                dict.fromkeys(
                    f"Step {i}: {warning}" for i, s in enumerate(steps) for warning in s.warnings
                )
            ),
            "model": replace(steps[0].model, parameters=parameters),
        }
        return cls(**values, steps=tuple(steps), axis=axis)

    @cached_property
    def image(self) -> Any:
        """Each step painted with its own centroids."""
        axis = self.axis
        channel_axis = self.model.channel_axis
        if channel_axis is not None and channel_axis % (self.labels.ndim + 1) <= axis:
            axis += 1
        return concatenate([step.image for step in self.steps], axis)

    def _look_up(self, table: np.ndarray[Any, Any]) -> Any:
        return look_up(table, self.labels)

    def merge(self, *groups: Sequence[int]) -> StepsSegmentation:
        """Join clusters in every step; see `Segmentation.merge`."""
        table = relabelling(self, *groups)
        n_clusters = int(table.max())
        return self.join([relabelled(step, table, n_clusters) for step in self.steps], self.axis)


def levels_of(segmentation: Segmentation) -> tuple[Segmentation, ...]:
    """Give the segmentation of each level of a pyramid, or the only one there is."""
    if isinstance(segmentation, PyramidSegmentation):
        return segmentation.levels
    if isinstance(segmentation, StepsSegmentation):
        steps = zip(*(levels_of(step) for step in segmentation.steps), strict=True)
        return tuple(StepsSegmentation.join(level, segmentation.axis) for level in steps)
    return (segmentation,)


def relabelling(segmentation: Segmentation, *groups: Sequence[int]) -> np.ndarray[Any, Any]:
    """Say which label each label becomes when clusters are merged."""
    plain = {one.name: getattr(segmentation, one.name) for one in fields(Segmentation)}
    plain["labels"] = np.arange(segmentation.n_clusters + 1, dtype=np.uint16)
    return Segmentation(**plain).merge(*groups).labels


def relabelled(
    segmentation: Segmentation, table: np.ndarray[Any, Any], n_clusters: int
) -> Segmentation:
    """Give clusters other labels.

    Parameters
    ----------
    segmentation : Segmentation
        The clusters.
    table : (n + 1,) array of int
        The new label of each label; label 0 stays 0. Clusters of the same label are joined.
    n_clusters : int
        The largest new label. One that no cluster gets has a count of 0.

    Returns
    -------
    Segmentation
        Of the same kind.
    """
    if isinstance(segmentation, PyramidSegmentation):
        return PyramidSegmentation.of(
            [relabelled(level, table, n_clusters) for level in segmentation.levels]
        )
    smallest = np.min_scalar_type(n_clusters)
    home = np.asarray(table[1:], np.intp) - 1
    counts, centroids = join_means(home, segmentation.counts, segmentation.centroids, n_clusters)
    return replace(
        segmentation,
        labels=look_up(np.asarray(table).astype(smallest), segmentation.labels),
        centroids=centroids,
        counts=counts,
    )


def _of(level: Segmentation, largest: Segmentation) -> Segmentation:
    """Take over means and counts of the largest level, but for clusters that only this one has."""
    means = largest.centroids
    means = np.where(np.isnan(means), level.centroids, means)
    return replace(level, centroids=means, counts=largest.counts)


def _match(steps: Sequence[Segmentation], tick: Tick) -> list[Segmentation]:
    """Give the clusters of each step the labels of those of the step before that are the same.

    The assignment with the least sum of two costs: how far apart the mean values are (squared, in
    standard deviations of all means), and how little of their pixels lie in the same place (one
    less intersection over union). So what becomes brighter than something else keeps its label
    where it stays, and what moves keeps it where its values do. That the two weigh alike is a
    heuristic. A step that has more clusters than all steps before gives those that are left
    new labels.
    """
    known = np.empty((0, steps[0].centroids.shape[1]))
    tables: list[np.ndarray[Any, Any]] = []
    for i, step in enumerate(steps):

        def comparing(part: float, i: int = i) -> None:
            tick((i + part) / len(steps))

        scale = np.nanstd(np.concatenate([known, step.centroids]), axis=0)
        scale[scale == 0] = 1
        distance = ((known[:, np.newaxis] - step.centroids) / scale) ** 2
        # A cluster without pixels has no mean, and may get any label that is left.
        cost = np.nan_to_num(distance.sum(axis=-1), nan=1e9)
        if i:
            # The first entry of the table is label 0, which is no cluster.
            cost[tables[-1][1:] - 1] += 1 - _shared(steps[i - 1], step, comparing)
        olds, news = linear_sum_assignment(cost)
        table = np.zeros(step.n_clusters + 1, np.int64)
        table[news + 1] = olds + 1
        left = np.flatnonzero(table[1:] == 0)
        table[left + 1] = len(known) + 1 + np.arange(left.size)
        known = np.concatenate([known, step.centroids[left]])
        seen = np.flatnonzero(step.counts)
        known[table[seen + 1] - 1] = step.centroids[seen]
        tables.append(table)
    return [relabelled(step, t, len(known)) for step, t in zip(steps, tables, strict=True)]


def _shared(before: Segmentation, now: Segmentation, tick: Tick) -> np.ndarray[Any, Any]:
    """Intersection over union of the clusters of two steps, ``(n_before, n_now)``."""
    # Of a pyramid that is lazy the smallest level is enough.
    level = -1 if is_lazy(before.labels) else 0
    one, other = (levels_of(step)[level].labels for step in (before, now))
    shape = (before.n_clusters + 1, now.n_clusters + 1)
    if is_lazy(one):
        # Imported here: Dask takes a while, and most images are in memory.
        from napari_kmeans_seg.core.lazy.prepared import count_pairs

        pairs = count_pairs(one, other, shape, tick)
    else:
        tick(0)
        where = spread(one.size, COMPARED_PIXELS)
        pairs = pairs_of(one.reshape(-1)[where], other.reshape(-1)[where], shape)
    both = pairs[1:, 1:]
    either = pairs[1:].sum(axis=1)[:, np.newaxis] + pairs[:, 1:].sum(axis=0) - both
    shared: np.ndarray[Any, Any] = both / np.maximum(either, 1)
    return shared


def _values(segmentation: Segmentation) -> dict[str, Any]:
    return {one.name: getattr(segmentation, one.name) for one in fields(Segmentation)}

"""Segmentations of the levels of a pyramid, and other labels for clusters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .base.arrays import look_up
from .base.cached import cached_property
from .points.sums import join_means
from .segmentation import Segmentation, plain_values


@dataclass(frozen=True, eq=False, repr=False)
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
    def of(cls, levels: Sequence[Segmentation]) -> "PyramidSegmentation":
        """Join the segmentations of all levels, the largest first.

        What decides the order and the colours of labels is the largest level's on all of them:
        nothing changes its colour while a person zooms.
        """
        largest, *smaller = levels
        return cls(
            **plain_values(largest), levels=(largest, *(_of(one, largest) for one in smaller))
        )

    @cached_property
    def image(self) -> Any:
        """The largest level, each pixel painted with its centroid."""
        return self.levels[0].image

    def _look_up(self, table: np.ndarray[Any, Any]) -> Any:
        return look_up(table, self.labels)

    def merge(self, *groups: Sequence[int]) -> "PyramidSegmentation":
        """Join clusters on every level; see `Segmentation.merge`."""
        return PyramidSegmentation.of([level.merge(*groups) for level in self.levels])


def relabelling(segmentation: Segmentation, *groups: Sequence[int]) -> np.ndarray[Any, Any]:
    """Say which label each label becomes when clusters are merged."""
    labels = np.arange(segmentation.n_clusters + 1, dtype=np.uint16)
    return Segmentation(**plain_values(segmentation) | {"labels": labels}).merge(*groups).labels


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
        Of the same kind. Its model gives the new labels, too.
    """
    if isinstance(segmentation, PyramidSegmentation):
        return PyramidSegmentation.of(
            [relabelled(level, table, n_clusters) for level in segmentation.levels]
        )
    smallest, model = np.min_scalar_type(n_clusters), segmentation.model
    home = np.asarray(table[1:], np.intp) - 1
    counts, centroids = join_means(home, segmentation.counts, segmentation.centroids, n_clusters)
    into = dict(enumerate(np.asarray(table).tolist()[1:], 1))
    # The largest label is one of the model's, though none of its clusters may have it.
    into.setdefault(n_clusters, n_clusters)
    return replace(
        segmentation,
        labels=look_up(np.asarray(table).astype(smallest), segmentation.labels),
        centroids=centroids,
        counts=counts,
        model=model.relabelled(into, centroids),
    )


def _of(level: Segmentation, largest: Segmentation) -> Segmentation:
    """Take over means and counts of the largest level, but for clusters that only this one has."""
    means = largest.centroids
    means = np.where(np.isnan(means), level.centroids, means)
    return replace(level, centroids=means, counts=largest.counts)

"""Segmentations of the steps of an axis, with labels that mean the same in all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .base.array_checks import is_lazy
from .base.arrays import concatenate, look_up
from .base.cached import cached_property
from .base.errors import NoPixels
from .base.note import Note
from .base.notes import BlankSteps
from .base.parallel import Tick, no_tick
from .levels import PyramidSegmentation, relabelled, relabelling
from .matching import match
from .points.sums import join_means
from .segmentation import Segmentation, plain_values


@dataclass(frozen=True, eq=False, repr=False)
class BlankSegmentation(Segmentation):
    """A step of which no pixel takes part: label 0 all over."""

    blank: Any

    @cached_property
    def image(self) -> Any:
        """Nothing but the alpha of the step, if it has any."""
        return self.blank


@dataclass(frozen=True, eq=False, repr=False)
class Blank:
    """A step of which no pixel takes part.

    Attributes
    ----------
    levels : tuple of array
        Its pixels; of a pyramid those of each level.
    channel_axis : int or None
        The axis of its channels.
    alpha : bool
        Whether the last channel is alpha.
    """

    levels: tuple[Any, ...]
    channel_axis: int | None
    alpha: bool

    def like(self, found: Segmentation) -> Segmentation:
        """Segment it, with the clusters of another step, of which it has no pixel."""
        each = [
            self._level(level, of) for level, of in zip(self.levels, levels_of(found), strict=True)
        ]
        return PyramidSegmentation.of(each) if len(each) > 1 else each[0]

    def _level(self, level: Any, found: Segmentation) -> Segmentation:
        axis, shape = self.channel_axis, list(level.shape)
        if axis is not None:
            del shape[axis]
        library, chunks = _library_of(level), {}
        if is_lazy(level):
            each = list(level.chunks)
            if axis is not None:
                del each[axis]
            chunks = {"chunks": each}
        labels = library.zeros(shape, dtype=found.labels.dtype, **chunks)
        image = library.zeros_like(level)
        if self.alpha and axis is not None:
            is_alpha = np.arange(level.shape[axis]) == level.shape[axis] - 1
            ahead = level.ndim - 1 - axis % level.ndim
            image = library.where(is_alpha.reshape(-1, *[1] * ahead), level, image)
        return BlankSegmentation(
            **plain_values(found)
            | {
                "labels": labels,
                "centroids": np.full_like(found.centroids, np.nan),
                "counts": np.zeros_like(found.counts),
                "inertia": 0.0,
                "n_iter": 0,
                "converged": True,
                "notes": (),
            },
            blank=image,
        )


Step = Segmentation | Blank


def _library_of(array: Any) -> Any:
    if is_lazy(array):
        # Imported here: Dask takes a while, and most images are in memory.
        import dask.array as da

        return da
    return np


def _is_blank(step: Segmentation) -> bool:
    return isinstance(levels_of(step)[0], BlankSegmentation)


def _note_blank(steps: Sequence[Segmentation]) -> tuple[Note, ...]:
    """Note of which steps no pixel takes part, if there are some."""
    blank = tuple(i for i, step in enumerate(steps) if _is_blank(step))
    return (BlankSteps(steps=blank),) if blank else ()


@dataclass(frozen=True, eq=False, repr=False)
class StepsSegmentation(Segmentation):
    """The steps of one axis, each clustered by itself, with labels that mean the same.

    `centroids` are the means over all steps, `inertia` and `n_iter` the sums. A step of which no
    pixel takes part has label 0 all over, and a warning names it.

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
        cls,
        steps: Sequence[Step],
        axis: int,
        tick: Tick = no_tick,
        *,
        matched: bool = False,
    ) -> "StepsSegmentation":
        """Join segmentations of the steps, whose labels are matched already or are here.

        Raises
        ------
        ValueError
            If all steps are blank.
        """
        found = [step for step in steps if isinstance(step, Segmentation)]
        if not found:
            raise NoPixels
        same = iter(found if matched else match(found, tick))
        every: list[Step] = [step if isinstance(step, Blank) else next(same) for step in steps]
        like = next(step for step in every if isinstance(step, Segmentation))
        return cls.join(
            [step.like(like) if isinstance(step, Blank) else step for step in every], axis
        )

    @classmethod
    def join(cls, steps: Sequence[Segmentation], axis: int) -> "StepsSegmentation":
        """Join segmentations of the steps whose labels match already."""
        first = next((step for step in steps if not _is_blank(step)), steps[0])
        n_clusters = first.n_clusters
        counts, centroids = join_means(
            np.tile(np.arange(n_clusters), len(steps)),
            np.concatenate([step.counts for step in steps]),
            np.concatenate([step.centroids for step in steps]),
            n_clusters,
        )
        parameters = {**first.parameters, "each_step_of_axis": axis}
        values = plain_values(first) | {
            "labels": concatenate([step.labels for step in steps], axis),
            "centroids": centroids,
            "counts": counts,
            "inertia": float(sum(step.inertia for step in steps)),
            "n_iter": sum(step.n_iter for step in steps),
            "converged": all(step.converged for step in steps),
            "notes": (
                *dict.fromkeys(
                    replace(note, step=i) for i, step in enumerate(steps) for note in step.notes
                ),
                *_note_blank(steps),
            ),
            "model": replace(first.model, parameters=parameters),
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

    @property
    def _removed(self) -> frozenset[int]:
        return frozenset.intersection(*(step.model.removed for step in self.steps))

    def _look_up(self, table: np.ndarray[Any, Any]) -> Any:
        return look_up(table, self.labels)

    def merge(self, *groups: Sequence[int]) -> "StepsSegmentation":
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

"""What may be done to labels after clustering: take out specks, number objects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.ndimage import distance_transform_edt
from scipy.ndimage import label as pieces_of
from skimage.measure import label

from napari_kmeans_seg.core.base import checks
from napari_kmeans_seg.core.base.notes import CountsBeforeSpecks, ObjectsMissing
from napari_kmeans_seg.core.base.parallel import portion, within
from napari_kmeans_seg.core.levels import PyramidSegmentation
from napari_kmeans_seg.core.steps import StepsSegmentation

from .arrays import is_lazy, sums_per_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from napari_kmeans_seg import Segmentation
    from napari_kmeans_seg.core.base.parallel import Progress

PYRAMID_PIXELS = 1 << 27
"""Pixels of the largest level of a lazy pyramid whose objects are numbered, in memory."""


@dataclass(frozen=True)
class CleanUp:
    """What is done to the labels; by default nothing.

    Attributes
    ----------
    specks : int
        Connected pieces of a cluster with fewer pixels go to the cluster around them.
    objects : tuple of int
        Clusters whose connected pieces become objects, each with a number of its own.
    per_plane : bool
        Whether pieces are connected within planes (the last two axes) only.
    """

    specks: int = 0
    objects: tuple[int, ...] = ()
    per_plane: bool = True

    def __post_init__(self) -> None:
        """Check what was given."""
        given = {
            "specks": checks.integer("specks", self.specks, 0),
            "objects": checks.integers("objects", self.objects, 1),
            "per_plane": checks.flag("per_plane", self.per_plane),
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)

    def check(self, levels: Sequence[Any], spatial: slice) -> None:
        """Refuse, before any work is done, what takes too much memory where an image is lazy.

        Parameters
        ----------
        levels : sequence of array
            The image, or the levels of a pyramid, the largest first.
        spatial : slice
            Which of their axes are no channels.
        """
        largest = levels[0]
        if not is_lazy(largest):
            return
        shape = largest.shape[spatial]
        n_pixels = int(np.prod(shape, dtype=float))
        if self.objects and len(levels) > 1 and n_pixels > PYRAMID_PIXELS:
            raise ValueError(
                "Objects of a lazy pyramid are numbered in memory, which is done for up "
                f"to {PYRAMID_PIXELS:,} pixels; this one has {n_pixels:,}. Choose the "
                "displayed plane, or open one level of it as a layer."
            )
        if self.specks:
            from .lazy_cleanup import reach_of_specks

            reach_of_specks(shape, largest.chunks[spatial], self.specks, per_plane=self.per_plane)

    def without_specks(
        self, segmentation: Segmentation, progress: Progress | None = None
    ) -> Segmentation:
        """Give a segmentation with its specks merged into what is around them."""
        if not self.specks:
            return segmentation
        if isinstance(segmentation, PyramidSegmentation):
            full = np.prod(segmentation.labels.shape, dtype=float)
            n = len(segmentation.levels)
            levels = []
            for i, level in enumerate(segmentation.levels):
                # The same size in the world on every level.
                own = replace(self, specks=round(self.specks * level.labels.size / full))
                levels.append(own.without_specks(level, within(progress, i / n, (i + 1) / n)))
            return PyramidSegmentation.of(levels)
        if isinstance(segmentation, StepsSegmentation):
            n = len(segmentation.steps)
            steps = [
                self.without_specks(step, within(progress, i / n, (i + 1) / n))
                for i, step in enumerate(segmentation.steps)
            ]
            return StepsSegmentation.join(steps, segmentation.axis)
        if not is_lazy(segmentation.labels):
            labels = self._merge(segmentation.labels)
            n, channels = segmentation.n_clusters + 1, segmentation._pixels.channels
            return _summed(segmentation, labels, sums_per_label(labels.reshape(-1), channels, n))
        # Imported here: Dask takes a while, and most images are in memory.
        from .lazy_cleanup import merge_specks_of_chunks, sums_of_chunks

        labels = merge_specks_of_chunks(
            self._merge, segmentation.labels, self.specks, per_plane=self.per_plane
        )
        tick = portion(progress, 0, 1, "Counting labels")
        sums = sums_of_chunks(labels, segmentation, tick)
        if sums is not None:
            return _summed(segmentation, labels, sums)
        notes = (*segmentation.notes, CountsBeforeSpecks())
        return replace(segmentation, labels=labels, notes=notes)

    def note_missing_objects(self, segmentation: Segmentation) -> Segmentation:
        """Let a result warn of clusters whose objects are wanted, but which it does not have."""
        n = segmentation.n_clusters
        missing = sorted({label for label in self.objects if label > n})
        if not missing:
            return segmentation
        note = ObjectsMissing(labels=tuple(missing), n_clusters=n)
        return replace(segmentation, notes=(*segmentation.notes, note))

    def _merge(self, labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        labels = labels.copy()
        for plane in _planes(labels, per_plane=self.per_plane):
            _merge_specks(plane, self.specks)
        return labels

    def instances(
        self, labels: Any, progress: Progress | None = None
    ) -> tuple[Any, npt.NDArray[np.int64]]:
        """Give each connected piece of the chosen clusters a number.

        Returns
        -------
        numbers : array of int32
            Lazy where the labels are, though all of these are read once.
        sizes : (n_pieces,) array of int
            Pixels of each.
        """
        if is_lazy(labels):
            from .lazy_cleanup import number_pieces

            tick = portion(progress, 0, 1, "Numbering objects")
            return number_pieces(labels, self.objects, tick, per_plane=self.per_plane)
        # Pieces of two chosen clusters that touch are one object.
        chosen = np.isin(labels, self.objects)
        found = np.zeros(labels.shape, np.int32)
        n = 0
        pairs = zip(
            _planes(chosen, per_plane=self.per_plane),
            _planes(found, per_plane=self.per_plane),
            strict=True,
        )
        for inside, numbers in pairs:
            pieces, n_pieces = pieces_of(inside)
            numbers[...] = np.where(pieces, pieces + n, 0)
            n += n_pieces
        return found, np.bincount(found.ravel(), minlength=n + 1)[1:].astype(np.int64)

    def objects_of_levels(
        self, levels: Sequence[Any], progress: Progress | None = None
    ) -> tuple[list[Any], pd.DataFrame]:
        """Give objects numbers on the largest level, and find the same ones on the others.

        Parameters
        ----------
        levels : sequence of array
            The labels of each level of a pyramid, the largest first, or of the only array.
        progress : callable, optional
            As for `segment`.

        Returns
        -------
        levels : list of array
            The number of the object at each pixel.
        table : DataFrame
            The size of each object, in pixels.
        """
        largest = levels[0]
        if len(levels) > 1 and is_lazy(largest):
            # A look at a small level would compute all of the largest.
            from napari_kmeans_seg.core.lazy.chunks import load

            largest = load(largest, portion(progress, 0, 1, "Numbering objects"))
        numbers, sizes = self.instances(largest, progress)
        table = pd.DataFrame({"label": np.arange(1, sizes.size + 1), "pixels": sizes})
        # An object has the same number on every level.
        return [_at_level(numbers, level.shape) for level in levels], table


def _summed(segmentation: Segmentation, labels: Any, sums: npt.NDArray[np.float64]) -> Segmentation:
    """Give a segmentation other labels, with the counts and means of their pixels."""
    n, totals = sums[1:, :1], sums[1:, 1:]
    means = np.divide(totals, n, out=np.full(totals.shape, np.nan), where=n > 0)
    counts = n[:, 0].astype(np.int64)
    return replace(segmentation, labels=labels, counts=counts, centroids=means)


def _at_level(labels: Any, shape: tuple[int, ...]) -> Any:
    """Take the labels of the largest level of a pyramid at the pixels of a smaller one."""
    if labels.shape == shape:
        return labels
    sizes = zip(labels.shape, shape, strict=True)
    return labels[np.ix_(*(((np.arange(n) + 0.5) * full / n).astype(int) for full, n in sizes))]


def _merge_specks(labels: npt.NDArray[Any], size: int) -> None:
    pieces = _pieces(labels)
    n_pixels = np.bincount(pieces.ravel())
    small = n_pixels < size
    small[0] = False
    specks = small[pieces]
    # Never into what is outside: each speck goes to the nearest pixel that has a label.
    taken = specks | (labels == 0)
    if not specks.any() or taken.all():
        return
    nearest = distance_transform_edt(taken, return_distances=False, return_indices=True)
    labels[specks] = labels[tuple(index[specks] for index in nearest)]


def _pieces(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Give each connected piece of each label a number; 0 is no label."""
    pieces: npt.NDArray[Any]
    if labels.ndim <= 3:
        pieces = label(labels.astype(np.int32), background=0, connectivity=1)
        return pieces
    # scikit-image takes no more axes.
    pieces = np.zeros(labels.shape, np.int32)
    n = 0
    for one in np.unique(labels[labels > 0]):
        found, n_found = pieces_of(labels == one)
        pieces += np.where(found, found + n, 0)
        n += n_found
    return pieces


def _planes(array: npt.NDArray[Any], *, per_plane: bool) -> Iterator[npt.NDArray[Any]]:
    if not per_plane or array.ndim <= 2:
        yield array
        return
    for index in np.ndindex(array.shape[:-2]):
        yield array[index]

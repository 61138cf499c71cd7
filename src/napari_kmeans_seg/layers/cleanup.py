"""What may be done to labels after clustering: take out specks, tell objects apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.ndimage import distance_transform_edt
from skimage.measure import label

from .arrays import is_lazy
from .results import PyramidSegmentation, StepsSegmentation

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from napari_kmeans_seg import Segmentation


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

    def without_specks(self, segmentation: Segmentation) -> Segmentation:
        """Give a segmentation with its specks merged into what is around them.

        Raises
        ------
        ValueError
            If its labels are lazy.
        """
        if not self.specks:
            return segmentation
        if isinstance(segmentation, PyramidSegmentation):
            full = np.prod(segmentation.labels.shape, dtype=float)
            # The same size in the world on every level.
            levels = [
                replace(self, specks=round(self.specks * level.labels.size / full)).without_specks(
                    level
                )
                for level in segmentation.levels
            ]
            return PyramidSegmentation.of(levels)
        if isinstance(segmentation, StepsSegmentation):
            steps = [self.without_specks(step) for step in segmentation.steps]
            return StepsSegmentation.join(steps, segmentation.axis)
        _in_memory(segmentation.labels, "Merging specks")
        labels = segmentation.labels.copy()
        for plane in _planes(labels, per_plane=self.per_plane):
            _merge_specks(plane, self.specks)
        counts = np.bincount(labels.ravel(), minlength=segmentation.n_clusters + 1)[1:]
        return replace(segmentation, labels=labels, counts=counts.astype(np.int64))

    def instances(self, labels: Any) -> npt.NDArray[np.int32]:
        """Give each connected piece of the chosen clusters a number.

        Raises
        ------
        ValueError
            If the labels are lazy.
        """
        _in_memory(labels, "Telling objects apart")
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
            pieces, n_pieces = label(inside, return_num=True, connectivity=1)
            numbers[...] = np.where(pieces, pieces + n, 0)
            n += n_pieces
        return found


def at_level(labels: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Take the labels of the largest level of a pyramid at the pixels of a smaller one."""
    if labels.shape == shape:
        return labels
    sizes = zip(labels.shape, shape, strict=True)
    return labels[np.ix_(*(((np.arange(n) + 0.5) * full / n).astype(int) for full, n in sizes))]


def object_table(instances: npt.NDArray[np.int32]) -> pd.DataFrame:
    """Tell the size of each object, in pixels."""
    pixels = np.bincount(instances.ravel())[1:]
    return pd.DataFrame({"label": np.arange(1, pixels.size + 1), "pixels": pixels})


def _merge_specks(labels: npt.NDArray[Any], size: int) -> None:
    pieces = label(labels.astype(np.int32), background=0, connectivity=1)
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


def _planes(array: npt.NDArray[Any], *, per_plane: bool) -> Iterator[npt.NDArray[Any]]:
    if not per_plane or array.ndim <= 2:
        yield array
        return
    for index in np.ndindex(array.shape[:-2]):
        yield array[index]


def _in_memory(labels: Any, what: str) -> None:
    if is_lazy(labels):
        raise ValueError(
            f"{what} takes an image in memory; this one is lazy. Choose the displayed plane, or "
            "load the image into memory first."
        )

"""What one piece of work on clusters changed, so that it can be taken back and done again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..outputs.columns import by_hand
from .painting import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from napari.layers import Layer
    from napari.utils.colormaps import LabelColormapBase

    from ..outputs.record import Record
    from .painting import Place, Shown


@dataclass(frozen=True, eq=False)
class PixelChange:
    """Labels in memory, of some pixels, before and after. It holds these pixels only.

    Attributes
    ----------
    where : array of uint8
        One bit per pixel: whether it is among them.
    before, after : array
        Their labels, or the one label of all.
    dtypes : pair of dtype
        Of the whole array before and after.
    """

    where: npt.NDArray[np.uint8]
    before: npt.NDArray[Any]
    after: npt.NDArray[Any]
    dtypes: tuple[np.dtype[Any], np.dtype[Any]]

    @classmethod
    def of(
        cls,
        where: npt.NDArray[np.bool_],
        labels: npt.NDArray[Any],
        after: npt.NDArray[Any],
        dtype: np.dtype[Any],
    ) -> PixelChange:
        """Note what will become of the labels at `where`."""
        # Several times as fast as by the mask itself.
        before = labels.reshape(-1)[np.flatnonzero(where)]
        return cls(np.packbits(where), before, np.asarray(after), (labels.dtype, dtype))

    def mask(self, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
        """Give the pixels as a mask."""
        bits = np.unpackbits(self.where, count=int(np.prod(shape)))
        return bits.view(bool).reshape(shape)

    def inverse(self) -> PixelChange:
        """Give the change that takes this one back."""
        return PixelChange(self.where, self.after, self.before, self.dtypes[::-1])

    def apply(self, labels: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """Give the labels with the change made, and the pixels it is about.

        A pixel that was painted by hand since stays as it is.
        """
        where = self.mask(labels.shape)
        changed = np.array(labels, np.result_type(labels.dtype, *self.dtypes), order="C")
        flat, inside, n = changed.reshape(-1), where.reshape(-1), 0
        for start in range(0, flat.size, AT_ONCE):
            slab = flat[start : start + AT_ONCE]
            places = np.flatnonzero(inside[start : start + AT_ONCE])
            these = slice(n, n + places.size)
            was, will = (one[these] if one.ndim else one for one in (self.before, self.after))
            now = slab[places]
            slab[places] = np.where(now == was, will, now)
            n += places.size
        dtype = self.dtypes[1]
        if changed.dtype != dtype and changed.max(initial=0) <= np.iinfo(dtype).max:
            changed = changed.astype(dtype)
        return changed, where


@dataclass(frozen=True, eq=False)
class LazyChange:
    """Labels that are computed when they are asked for, before and after.

    Attributes
    ----------
    where : bool array of Dask
        The pixels it is about.
    before, after : array of Dask
        All labels.
    """

    where: Any
    before: Any
    after: Any

    def inverse(self) -> LazyChange:
        """Give the change that takes this one back."""
        return LazyChange(self.where, self.after, self.before)

    def apply(self, labels: Any) -> tuple[Any, Any]:
        """Give the labels with the change made, and the pixels it is about."""
        import dask.array as da

        if labels.name == self.before.name:
            return self.after, self.where
        # Somebody has set others since: what is not as it was stays.
        return da.where(self.where & (labels == self.before), self.after, labels), self.where


Change = PixelChange | LazyChange


@dataclass(frozen=True, eq=False)
class State:
    """What there is of a result beside its pixels, before or after a piece of work.

    Attributes
    ----------
    table : DataFrame
        The features table.
    record : Record
        What the layers' metadata hold.
    colormap : LabelColormapBase
        The colours of the clusters.
    opacity : float
        How opaque they are.
    masks : tuple of Layer
        Layers that the piece of work adds.
    images : mapping
        By layer and level: what segmented images show at the pixels that change, where the
        table does not say it. It is known once the work has been done.
    """

    table: pd.DataFrame
    record: Record
    colormap: LabelColormapBase
    opacity: float
    masks: tuple[Layer, ...] = ()
    images: Mapping[Place, Shown] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Step:
    """One piece of work on the clusters of a result.

    Attributes
    ----------
    what : str
        In words, e.g. "Merge Cluster 1, Cluster 2".
    before, after : State
        What there was, and what there is by it.
    pixels : tuple of Change
        The labels that change, of each level.
    """

    what: str
    before: State
    after: State
    pixels: tuple[Change, ...] = ()

    def inverse(self) -> Step:
        """Give the step that takes this one back."""
        changes = tuple(change.inverse() for change in self.pixels)
        return Step(self.what, self.after, self.before, changes)

    @property
    def nbytes(self) -> int:
        """The memory that its pixels take."""
        kept: list[Any] = [*self.before.images.values(), *self.after.images.values()]
        for change in self.pixels:
            kept += [change.where, change.before, change.after]
        kept += [layer.data for layer in (*self.before.masks, *self.after.masks)]
        return sum(one.nbytes for one in kept if isinstance(one, np.ndarray))


def members(labels: Any, group: Sequence[int]) -> Any:
    """Find the pixels of clusters: a mask, lazy where the labels are."""
    if not isinstance(labels, np.ndarray):
        return labels.map_blocks(members, list(group), dtype=bool)
    if labels.dtype.kind != "u" or labels.dtype.itemsize > 2:
        return np.isin(labels, group)
    # Ten times as fast as NumPy's own.
    table = np.zeros(int(np.iinfo(labels.dtype).max) + 1, bool)
    table[list(group)] = True
    return table[labels]


def relabelling(labels: Any, group: Sequence[int], label: int) -> Change:
    """Note that clusters get another label, which the labels' dtype can hold."""
    where = members(labels, group)
    if isinstance(labels, np.ndarray):
        return PixelChange.of(where, labels, np.asarray(label, labels.dtype), labels.dtype)
    import dask.array as da

    return LazyChange(where, labels, da.where(where, labels.dtype.type(label), labels))


def splitting(labels: Any, label: int, parts: Any, new: Sequence[int]) -> Change:
    """Note that a cluster gets several labels.

    Parameters
    ----------
    labels : array
        The labels.
    label : int
        The cluster.
    parts : array
        Counts the parts of the cluster from 1 on, and is 0 elsewhere.
    new : sequence of int
        The label of each part.
    """
    dtype = labels.dtype
    if max(new) > np.iinfo(dtype).max:
        dtype = np.min_scalar_type(max(new))
    table = np.array([0, *new], dtype)
    if isinstance(labels, np.ndarray):
        where = parts > 0
        return PixelChange.of(where, labels, table[parts[where]], dtype)
    import dask.array as da

    where = (labels == label) & (parts > 0)
    found = parts.map_blocks(lambda block: table[block], dtype=dtype)
    return LazyChange(where, labels, da.where(where, found, labels.astype(dtype)))


def table_after(old: pd.DataFrame, new: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Change a table from old to new, keeping what a person wrote into it since it was old.

    Rows go by the column "label". Columns that were added by hand stay, and so does a name
    or a cell of such a column of which `now` says something else than `old`.
    """
    result = new.set_index("label", drop=False).rename_axis(None)
    old, now = (table.set_index("label", drop=False) for table in (old, now))
    rows = result.index.intersection(now.index)
    for column in by_hand(now):
        if column in result.columns and column in old.columns:
            both = rows.intersection(old.index)
            theirs, ours = now.loc[both, column], old.loc[both, column]
            edited = both[~((theirs == ours) | (theirs.isna() & ours.isna())).to_numpy(bool)]
            if len(edited):
                result[column] = result[column].astype(object)
                result.loc[edited, column] = now.loc[edited, column].astype(object)
                result[column] = result[column].infer_objects()
        elif column not in old.columns and column not in result.columns:
            result[column] = now[column].reindex(result.index)
    return result.reset_index(drop=True)


def listed(names: Iterable[Any]) -> str:
    """Write a list of names in words."""
    return ", ".join(str(name) for name in names)

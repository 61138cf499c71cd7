"""What one piece of work on clusters changed, so that it can be taken back and done again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from napari.layers import Layer
    from napari.utils.colormaps import LabelColormapBase


@dataclass(frozen=True, eq=False)
class PixelChange:
    """Labels of some pixels before and after. It holds these pixels only.

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
        return cls(np.packbits(where), labels[where], np.asarray(after), (labels.dtype, dtype))

    def mask(self, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
        """Give the pixels as a mask."""
        bits = np.unpackbits(self.where, count=int(np.prod(shape)))
        return bits.view(bool).reshape(shape)

    def apply(
        self, labels: npt.NDArray[Any], *, back: bool
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """Give the labels with the change made, or taken back, and the pixels it is about.

        A pixel that was painted by hand since stays as it is.
        """
        where = self.mask(labels.shape)
        old, new = (self.after, self.before) if back else (self.before, self.after)
        changed = labels.astype(np.result_type(labels.dtype, *self.dtypes))
        now = changed[where]
        changed[where] = np.where(now == old, new, now)
        dtype = self.dtypes[0 if back else 1]
        if changed.dtype != dtype and changed.max(initial=0) <= np.iinfo(dtype).max:
            changed = changed.astype(dtype)
        return changed, where


@dataclass(frozen=True, eq=False)
class Step:
    """One piece of work on the clusters of a result.

    Attributes
    ----------
    what : str
        In words, e.g. "Merge Cluster 1, Cluster 2".
    tables : pair of DataFrame
        The features table before and after.
    records : pair of dict
        What the layers' metadata tell, before and after.
    colors : pair of LabelColormapBase
        What the clusters wear, before and after.
    pixels : PixelChange or None
        The labels that changed.
    added : tuple of Layer
        Layers that were added.
    """

    what: str
    tables: tuple[pd.DataFrame, pd.DataFrame]
    records: tuple[dict[str, Any], dict[str, Any]]
    colors: tuple[LabelColormapBase, LabelColormapBase]
    pixels: PixelChange | None = None
    added: tuple[Layer, ...] = ()


def table_after(old: pd.DataFrame, new: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Change a table from old to new, keeping what a person wrote into it since it was old.

    Rows go by the column "label". Columns that were added by hand stay, and so does a cell
    of which `now` says something else than `old`.
    """
    result = new.set_index("label", drop=False).rename_axis(None)
    old, now = (table.set_index("label", drop=False) for table in (old, now))
    rows = result.index.intersection(now.index)
    for column in now.columns:
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

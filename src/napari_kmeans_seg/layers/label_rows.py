"""The rows of a features table: one per label from 0 on, as napari wants them.

Napari's own features table takes the number of a row for the label, and the first row for
the background. So there is a row for label 0, and one for a label that no cluster has (any
more), in which only the pixels are told.
"""

from __future__ import annotations

from functools import reduce
from operator import mul
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .describe import is_time

if TYPE_CHECKING:
    from napari.layers import Layer

LARGEST = np.iinfo(np.uint16).max
"""The largest label that has a row; what a person paints with larger ones is not counted."""

QUANTITIES = ("length", "area", "volume", "size")
"""What the pixels of a cluster are called in the units of the layer."""


def every_label(table: pd.DataFrame, n_pixels: int) -> pd.DataFrame:
    """Give each label from 0 to the largest its row.

    Parameters
    ----------
    table : DataFrame
        Has columns "label" and "pixels", and rows for some labels from 1 on.
    n_pixels : int
        Of the layer: what no row counts is background.
    """
    known = table.set_index("label")
    n_labels = int(known.index.max()) + 1 if len(known) else 1
    every = known.reindex(pd.RangeIndex(n_labels, name="label"))
    every["pixels"] = every["pixels"].fillna(0).astype(np.int64)
    every.loc[0, "pixels"] = max(0, n_pixels - int(every["pixels"].sum()))
    return every.reset_index()[table.columns]


def of_clusters(features: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of the clusters: those with pixels, or a mean of those they had."""
    known = ~np.isnan(features[means(features)].to_numpy(float)).all(axis=1)
    there = (features["pixels"].to_numpy() > 0) | known
    return features[there & (features["label"].to_numpy() > 0)].copy()


def means(table: pd.DataFrame) -> list[str]:
    """Name the columns that hold the means of the channels."""
    return [column for column in table.columns if str(column).startswith("mean_")]


def by_hand(table: pd.DataFrame) -> list[str]:
    """Name the columns that people fill in: names, and whatever they added."""
    counted = ("index", "label", "pixels", "percent", *means(table))
    sizes = tuple(f"{quantity} [" for quantity in QUANTITIES)
    return [
        column
        for column in table.columns
        if column not in counted and not str(column).startswith(sizes)
    ]


def n_pixels_of(layer: Layer) -> int:
    """Count the pixels of a layer; of a pyramid, those of its largest level."""
    data = layer.data[0] if layer.multiscale else layer.data
    return int(np.prod(data.shape))


def cluster_table(
    clusters: pd.DataFrame, layer: Layer, step_axis: int | None = None
) -> pd.DataFrame:
    """Make the features table of a Labels layer: one row per label, the background's first.

    Parameters
    ----------
    clusters : DataFrame
        What `Segmentation.to_dataframe` gives: one row per cluster.
    layer : Layer
        The layer that shows them: its scale, affine and units give the sizes.
    step_axis : int, optional
        The axis of which each step was clustered by itself.

    Returns
    -------
    DataFrame
        Row i is about label i, as napari's own features table has it: row 0 about the
        background, of which only pixels and size are told. The columns are `index` (by
        this column napari finds the row of a label), `label`, `pixels`, `percent`, the size
        in the units of the layer, e.g. `area [µm²]` or `volume [µm³]`, and the mean of each
        channel.
    """
    # A label that was not painted as a seed has no cluster.
    found = clusters[clusters["pixels"] > 0]
    return with_sizes(every_label(found, n_pixels_of(layer)), layer, step_axis)


def with_sizes(table: pd.DataFrame, layer: Layer, step_axis: int | None = None) -> pd.DataFrame:
    """Add what pixel counts are in the units of a layer, and the column that napari looks up.

    An axis of time, or one whose steps were clustered each by itself, is none of space: a
    series of pictures has an area, summed over its steps, and no volume.
    """
    space = [axis for axis in range(layer.ndim) if axis != step_axis and not is_time(layer, axis)]
    space = space or [*range(layer.ndim)]
    matrix = layer.affine.linear_matrix @ np.diag(layer.scale)
    pixel_size = abs(float(np.linalg.det(matrix[np.ix_(space, space)])))
    units = [layer.units[axis] for axis in space]
    unit = reduce(mul, units)
    quantity = QUANTITIES[min(len(units), 4) - 1]
    # Places and wavenumbers, say, in one array are neither area nor volume.
    if any(axis.dimensionality != units[0].dimensionality for axis in units):
        quantity = QUANTITIES[-1]
    place = table.columns.get_loc("percent" if "percent" in table else "pixels") + 1
    table.insert(place, f"{quantity} [{unit:~P}]", table["pixels"] * pixel_size)
    table.insert(0, "index", table["label"])
    return table

"""The rows of a features table: one per label from 0 on, as napari wants them.

Napari's own features table takes the number of a row for the label, and the first row for
the background. So there is a row for label 0, and one for a label that no cluster has (any
more), in which only the pixels are told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

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

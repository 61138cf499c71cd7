"""The columns of the cluster table: what each is called, and what becomes of it.

The features table of a Labels layer has one row per label from 0 on. Napari's own features table
takes the number of a row for the label, and the first row for the background. So there is a row
for label 0, and one for a label that no cluster has (any more), in which there are only pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial, reduce
from math import isfinite
from operator import mul
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from napari_kmeans_seg.core.points.sums import join_means

from ..base.describe import is_channel, is_time
from .record import ClusterRecord, Record, default_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from napari.layers import Layer

LARGEST_LABEL = np.iinfo(np.uint16).max
"""The largest label that has a row; what a person paints with larger ones is not counted."""

QUANTITIES = ("length", "area", "volume", "size")
"""What the pixels of a cluster are called in the units of the layer."""

BACKGROUND = "background"
"""The name of label 0."""

_MEAN = "mean_"
# Channels that we have named, and not a person.
_CHANNELS = ("red", "green", "blue", "intensity")


@dataclass(frozen=True, eq=False)
class Parts:
    """What a cluster is split into: of each part its label, pixels and mean, and the new names.

    Attributes
    ----------
    labels : sequence of int
    counts : (n_parts,) array of int
    means : (n_parts, n_channels) array
    names : sequence of str
    """

    labels: Sequence[int]
    counts: npt.NDArray[np.int64]
    means: npt.NDArray[np.float64]
    names: Sequence[str]


@dataclass(frozen=True)
class Column:
    """A column of the cluster table.

    Attributes
    ----------
    name : str
        As the features table has it.
    kind : str
        "label", "name", "count", "mean"; "derived" from these and from where the layer lies;
        "own" for what a person added.
    title, tip : str
        What a person reads above it, and more about it.
    unit : str
        Of a size.
    merged : callable or None
        Takes the rows of clusters that are merged, the smallest label first; gives the cell of
        the merged one. None where it is that of the first, or follows from others.
    split : callable or None
        Takes the `Parts` of a cluster; gives their cells. None where each has that of the whole.
    written : callable
        Writes a cell for people.
    """

    name: str
    kind: Literal["label", "name", "count", "mean", "derived", "own"]
    title: str
    tip: str
    unit: str = ""
    merged: Callable[[pd.DataFrame], Any] | None = None
    split: Callable[[Parts], Sequence[Any]] | None = None
    written: Callable[[Any], str] = str


def _number(value: Any) -> str:
    """Write a number in digits that all can read, until they are more than a column holds."""
    if not isinstance(value, int | float):
        return str(value)
    whole = value == round(value) if isfinite(value) else False
    if abs(value) < 1e10 and (whole or abs(value) >= 1000):
        return f"{value:,.0f}"
    return f"{value:,.4g}"


def _merged_name(rows: pd.DataFrame) -> str:
    """Take the first name that a person gave, or that of the smallest label."""
    both = zip(rows["label"], rows["name"], strict=True)
    given = [name for label, name in both if name != default_name(label)]
    return str(given[0] if given else rows["name"].iloc[0])


def _merged_mean(rows: pd.DataFrame, column: str) -> float:
    counts, values = rows["pixels"].to_numpy(np.int64), rows[[column]].to_numpy(float)
    # Without any pixel there is no mean; that of before keeps its place.
    if not counts.any():
        return float(values[0, 0])
    return float(join_means(np.zeros(len(rows), np.intp), counts, values, 1)[1][0, 0])


INDEX = Column("index", "derived", "", "By this column napari finds the row of a label.")
LABEL = Column(
    "label", "label", "Label", "The label.",
    merged=lambda rows: rows["label"].iloc[0],
    split=lambda parts: parts.labels,
)  # fmt: skip
NAME = Column(
    "name", "name", "Name", "Double-click or press F2 to rename.",
    merged=_merged_name,
    split=lambda parts: parts.names,
)  # fmt: skip
PIXELS = Column(
    "pixels", "count", "Pixels", "Number of pixels.",
    merged=lambda rows: rows["pixels"].sum(),
    split=lambda parts: parts.counts.tolist(),
    written=lambda value: f"{int(value):,}",
)  # fmt: skip
PERCENT = Column(
    "percent", "derived", "%", "Percent of all pixels that are in a cluster.",
    written=lambda value: f"{value:.1f}",
)  # fmt: skip
VOXELS = replace(PIXELS, title="Voxels", tip="Number of voxels.")
_FIXED = {one.name: one for one in (INDEX, LABEL, NAME, PIXELS, PERCENT)}


def size(name: str) -> Column:
    """Make the column of sizes, e.g. "area [µm²]"."""
    unit = name.partition(" [")[2]
    return Column(
        name, "derived", name[:1].upper() + name[1:],
        f"{name}; of a series, in all steps together.",
        unit=unit.removesuffix("]"), written=_number,
    )  # fmt: skip


def mean(name: str, place: int, *, of_layers: bool = False) -> Column:
    """Make the column of the means of a channel, the number `place` of them."""
    channel = name.removeprefix(_MEAN)
    # The names of layers stand as they are.
    title = channel.capitalize() if channel in _CHANNELS and not of_layers else channel
    return Column(
        name, "mean", title, f"Mean {channel} of the cluster's pixels.",
        merged=partial(_merged_mean, column=name),
        split=lambda parts: parts.means[:, place].tolist(), written=_number,
    )  # fmt: skip


def own(name: str) -> Column:
    """Make a column that a person added."""
    return Column(name, "own", name, name, written=_number)


def columns_of(features: pd.DataFrame, *, of_layers: bool = False) -> list[Column]:
    """Say what the columns of a features table are. No other place goes by their names.

    Parameters
    ----------
    features : DataFrame
        The features table of a Labels layer.
    of_layers : bool
        Whether channels are called as layers are.
    """
    found, n_means = [], 0
    names = [*map(str, features.columns)]
    deep = any(name.startswith("volume [") for name in names)
    for name in names:
        if deep and name == PIXELS.name:
            found.append(VOXELS)
        elif name in _FIXED:
            found.append(_FIXED[name])
        elif name.startswith(_MEAN):
            found.append(mean(name, n_means, of_layers=of_layers))
            n_means += 1
        elif name.startswith(tuple(f"{quantity} [" for quantity in QUANTITIES)):
            found.append(size(name))
        else:
            found.append(own(name))
    return found


def means(features: pd.DataFrame) -> list[str]:
    """Name the columns that hold the means of the channels."""
    return [column.name for column in columns_of(features) if column.kind == "mean"]


def by_hand(features: pd.DataFrame) -> list[str]:
    """Name the columns that people fill in: names, and whatever they added."""
    return [one.name for one in columns_of(features) if one.kind in ("name", "own")]


# -- rows -------------------------------------------------------------------------------


def of_clusters(features: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of the clusters: those with pixels, or a mean of those they had."""
    known = ~np.isnan(features[means(features)].to_numpy(float)).all(axis=1)
    there = (features["pixels"].to_numpy() > 0) | known
    return features[there & (features["label"].to_numpy() > 0)].copy()


def named(rows: pd.DataFrame) -> pd.DataFrame:
    """Give rows of clusters their column of names, where they have none yet."""
    if "name" not in rows.columns:
        place = int(rows.columns.get_loc("label")) + 1
        rows.insert(place, "name", [default_name(label) for label in rows["label"]])
    return rows


def merged(rows: pd.DataFrame) -> pd.DataFrame:
    """Make one row of several, the smallest label first, each column in its way."""
    row = rows.iloc[:1].copy()
    for column in columns_of(rows):
        if column.merged is not None:
            row[column.name] = column.merged(rows)
    return row


def split(row: pd.DataFrame, parts: Parts) -> pd.DataFrame:
    """Make several rows of one, each column in its way."""
    rows = pd.concat([row] * len(parts.labels))
    for column in columns_of(row):
        if column.split is not None:
            rows[column.name] = column.split(parts)
    return rows


def counted(counts: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of clusters that were counted anew what people filled into the old ones."""
    rows = counts.merge(old[["label", *by_hand(old)]], how="left", on="label")
    if "name" in rows:
        usual = rows["label"].map(default_name)
        rows["name"] = rows["name"].where(rows["name"].fillna("") != "", usual)
    return rows


def painted_by_hand(layer: Layer) -> bool:
    """Whether the table counts other pixels than a run or a step has last written."""
    features, record = getattr(layer, "features", None), Record.of(layer)
    if features is None or record is None:
        return False
    rows = of_clusters(features)
    rows = rows[rows["pixels"] > 0]
    written = {one.label: one for one in record.clusters if one.pixels > 0}
    if {one.label: one.pixels for one in written.values()} != dict(
        zip(rows["label"].tolist(), rows["pixels"].tolist(), strict=True)
    ):
        return True
    # As many pixels may have come as have gone.
    last = np.array([written[label].mean for label in rows["label"]]).reshape(len(rows), -1)
    now = rows[means(rows)].to_numpy(float)
    return last.shape == now.shape and not np.allclose(last, now, rtol=1e-9, equal_nan=True)


def records_of(rows: pd.DataFrame) -> tuple[ClusterRecord, ...]:
    """Note clusters as they are in their rows."""
    each = zip(
        rows["label"], rows["name"], rows["pixels"], rows[means(rows)].to_numpy(float), strict=True
    )
    return tuple(ClusterRecord.of(*one) for one in each)


def renamed(written: Sequence[ClusterRecord], rows: pd.DataFrame) -> tuple[ClusterRecord, ...]:
    """Give clusters the names in their rows. What is noted of their pixels stays.

    Else what was painted by hand would pass for what a run or a step has written.
    """
    names = dict(zip(rows["label"].tolist(), rows["name"].tolist(), strict=True))
    labels = {one.label for one in written}
    painted = [replace(one, pixels=0) for one in records_of(rows) if one.label not in labels]
    return (*(replace(one, name=names.get(one.label, one.name)) for one in written), *painted)


# -- the whole table --------------------------------------------------------------------


def completed(
    rows: pd.DataFrame,
    layer: Layer,
    step_axis: int | None = None,
    old: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Make the features table of clusters: a row for each label, with all that follows.

    Parameters
    ----------
    rows : DataFrame
        One row per cluster: label, pixels, the mean of each channel, what people filled in.
    layer : Layer
        The layer that shows them: its scale, affine and units give the sizes.
    step_axis : int, optional
        The axis of which each step was clustered by itself.
    old : DataFrame, optional
        The table before: what people filled in for labels that have no cluster stays.

    Returns
    -------
    DataFrame
        Row i is about label i, row 0 about the background, of which there are only pixels and
        size. The columns are `index`, `label`, `name` (once there are names), `pixels`,
        `percent`, the size in the units of the layer, e.g. `area [µm²]` or `volume [µm³]`, the
        mean of each channel, and what people added.
    """
    percent = 100 * rows["pixels"] / max(1, rows["pixels"].sum())
    plain = rows[["label", "pixels"]].assign(percent=percent)
    plain = pd.concat([plain, rows[means(rows)]], axis=1)
    table = object_table(plain, layer, step_axis)
    if old is not None:
        known = pd.concat([rows, old[~old["label"].isin(rows["label"])]])
        known = known.set_index("label").reindex(table["label"])
        others = rows.columns.difference(table.columns, sort=False)
        table = pd.concat([table, known[others].set_axis(table.index)], axis=1)
        if "name" in table:
            table["name"] = table["label"].map(rows.set_index("label")["name"]).fillna("")
            table.loc[0, "name"] = BACKGROUND
    return table


def object_table(objects: pd.DataFrame, layer: Layer, step_axis: int | None = None) -> pd.DataFrame:
    """Make the features table of what has labels: a row for each of them from 0 on, and its size.

    Parameters
    ----------
    objects : DataFrame
        Has columns "label" and "pixels", and rows for some labels from 1 on.
    layer : Layer
        The layer that shows them.
    step_axis : int, optional
        The axis of which each step was clustered by itself.
    """
    # A copy is in one piece: pandas warns of many columns that were written one by one.
    known = objects.copy().set_index("label")
    n_labels = int(known.index.max()) + 1 if len(known) else 1
    every = known.reindex(pd.RangeIndex(n_labels, name="label"))
    every["pixels"] = every["pixels"].fillna(0).astype(np.int64)
    # What no row counts is background.
    every.loc[0, "pixels"] = max(0, _n_pixels(layer) - int(every["pixels"].sum()))
    table = every.reset_index()[objects.columns]
    name, pixel_size = _size_of(layer, step_axis)
    place = table.columns.get_loc("percent" if "percent" in table else "pixels") + 1
    table.insert(place, name, table["pixels"] * pixel_size)
    table.insert(0, "index", table["label"])
    return table


def _n_pixels(layer: Layer) -> int:
    """Count the pixels of a layer; of a pyramid, those of its largest level."""
    data = layer.data[0] if layer.multiscale else layer.data
    return int(np.prod(data.shape))


def _size_of(layer: Layer, step_axis: int | None) -> tuple[str, float]:
    """Say what the size of a pixel is called in the units of a layer, and how much it is.

    An axis of time or of channels, or one whose steps were clustered each by itself, is none of
    space: a series of pictures has an area, summed over its steps, and no volume.
    """
    space = [
        axis
        for axis in range(layer.ndim)
        if axis != step_axis and not is_time(layer, axis) and not is_channel(layer, axis)
    ]
    space = space or [*range(layer.ndim)]
    matrix = layer.affine.linear_matrix @ np.diag(layer.scale)
    units = [layer.units[axis] for axis in space]
    quantity = QUANTITIES[min(len(units), 4) - 1]
    # Places and wavenumbers, say, in one array are neither area nor volume.
    if any(axis.dimensionality != units[0].dimensionality for axis in units):
        quantity = QUANTITIES[-1]
    pixel_size = abs(float(np.linalg.det(matrix[np.ix_(space, space)])))
    return f"{quantity} [{reduce(mul, units):~P}]", pixel_size

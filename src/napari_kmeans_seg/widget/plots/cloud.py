"""The points that a scatter plot of clusters shows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_kmeans_seg.core.image.color_spaces import COLOR_SPACES
from napari_kmeans_seg.core.image.colors import color_values
from napari_kmeans_seg.layers.outputs.columns import means

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd

    from napari_kmeans_seg.layers.clusters.distribution import ClusterValues
    from napari_kmeans_seg.layers.clusters.points import ClusterPoints, Members


class Plane(NamedTuple):
    """Two channels of a colour space, to draw points by.

    Attributes
    ----------
    title : str
        What a person chooses it by.
    space : str
        One of `COLOR_SPACES`.
    across, up : int
        The channels.
    """

    title: str
    space: str
    across: int
    up: int


def planes(values: ClusterValues) -> list[Plane]:
    """List the planes there are to choose from."""
    found = []
    for space in COLOR_SPACES.values():
        if space.from_rgb is None or values.image.rgb:
            names = space.axes or values.names
            for i, j, title in sorted(space.planes) or _any_two(names):
                found.append(Plane(title or f"{names[i]}, {names[j]}", space.name, i, j))
    return found


def _any_two(names: Sequence[str]) -> list[tuple[int, int, str]]:
    return [(i, j, "") for i, j in combinations(range(len(names)), 2)]


def first_plane(values: ClusterValues) -> int:
    """Choose the plane in which clusters of this colour space are separated best."""
    best = (*COLOR_SPACES[values.color_space].planes, (0, 1))[0]
    for place, (_, space, *axes) in enumerate(planes(values)):
        if (space, *axes) == (values.color_space, *best[:2]):
            return place
    return 0


@dataclass(frozen=True, eq=False)
class Cloud:
    """What a scatter plot shows.

    Attributes
    ----------
    members : Members
        Which points belong to which clusters.
    values : (n_channels, n_points) array
        In the units of the image.
    across, up : (n_points,) array
        Where they are drawn.
    centroids : dict
        Where the centroid of each label is drawn.
    channels : list of str
        Names of the channels.
    axes : pair of str
        What is drawn across and up.
    sampling : float
        Pixels of the image for each one that was read.
    """

    members: Members
    values: npt.NDArray[np.float64]
    across: npt.NDArray[np.float64]
    up: npt.NDArray[np.float64]
    centroids: dict[int, tuple[float, float]]
    channels: list[str]
    axes: tuple[str, str]
    sampling: float

    @classmethod
    def of(
        cls,
        values: ClusterValues,
        points: ClusterPoints,
        members: Members,
        table: pd.DataFrame,
        plane: Plane,
    ) -> Cloud:
        """Place the points of an image, and the centroids of the table, in a plane."""
        i, j = plane.across, plane.up
        dots = _in(plane.space, points.values, values)
        # A person may have added columns of their own.
        columns = means(table)[: len(values.names)]
        rings = _in(plane.space, table[columns].to_numpy(float).T, values)[[i, j]].T
        centroids = {
            int(label): (float(x), float(y))
            for label, (x, y) in zip(table["label"], rings, strict=True)
            if np.isfinite([x, y]).all()
        }
        names = COLOR_SPACES[plane.space].axes or values.names
        axes = names[i], names[j]
        return cls(
            members, points.values, dots[i], dots[j], centroids, values.names, axes,
            points.pixels_each,
        )  # fmt: skip


def _in(
    space: str, colors: npt.NDArray[np.float64], values: ClusterValues
) -> npt.NDArray[np.float64]:
    """Bring colours, `(n_channels, n)`, to another space."""
    if COLOR_SPACES[space].from_rgb is None or not colors.size:
        return colors
    dtype = np.dtype(values.image.data.dtype)
    top = float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0
    return color_values(np.clip(colors / top, 0, 1), space)

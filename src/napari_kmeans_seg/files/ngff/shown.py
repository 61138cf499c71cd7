"""A plate of results as layers: all fields of all wells, and clusters by name and colour.

For napari, which asks for it where a store is called as our results of plates are. Nothing of
napari is imported: its readers describe layers in tuples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.base.cached import cached_property
from .groups import LABELS, group_of, inside
from .image import UNITS, read_store
from .plates import fields_of, plate_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from ..base.pyramid import Pyramid

    LayerTuple = tuple[Any, dict[str, Any], str]


def get_reader(path: str | Sequence[str]) -> Callable[[Any], list[LayerTuple]] | None:
    """Return what reads a path, if it is a plate that holds results; napari's way of asking."""
    if not isinstance(path, str):
        if len(path) != 1:
            return None
        path = path[0]
    plate = Path(path)
    group = group_of(plate)
    if group is None or group.kind != "plate":
        return None
    return lambda _: layers_of(plate)


def layers_of(plate: Path) -> list[LayerTuple]:
    """Return the layers of a plate of results: the image in mean colours, the labels, the wells.

    Raises
    ------
    ValueError
        It is no such plate.
    """
    grid = _Grid.of(plate)
    image, labels = grid.first, read_store(grid.first.path / "labels" / LABELS)
    assert image.store is not None
    assert labels.store is not None
    flat = labels.store
    names = [*image.channel_names]
    axis = image.channel_axis
    of_image = {"name": "segmented" if axis is None else [f"segmented: {one}" for one in names]}
    where = _where(flat)
    return [
        (
            grid.levels(image.store, image.pixels.dtype, ""),
            (of_image if names or axis is None else {}) | {"channel_axis": axis} | where,
            "image",
        ),
        (
            grid.levels(flat, labels.pixels.dtype, f"labels/{LABELS}"),
            {"name": "clusters", **_clusters(grid.places.values()), **where},
            "labels",
        ),
        grid.wells({key: one[-2:] for key, one in where.items()}),
    ]


@dataclass(frozen=True)
class _Grid:
    """Where the fields of a plate are shown: those of a well in rows that make nearly a square.

    Attributes
    ----------
    shape
        Rows and columns of wells.
    well_shape
        Rows and columns of fields in each.
    wells_at
        The place of each well.
    places
        The field at each place, counted in fields.
    """

    shape: tuple[int, int]
    well_shape: tuple[int, int]
    wells_at: dict[str, tuple[int, int]]
    places: dict[tuple[int, int], Path]

    @classmethod
    def of(cls, plate: Path) -> _Grid:
        said = plate_of(plate)
        wells = {one["path"]: (one["rowIndex"], one["columnIndex"]) for one in said["wells"]}
        fields = {well: fields_of(inside(plate, well)) for well in wells}
        most = max(map(len, fields.values()))
        n_columns = math.ceil(math.sqrt(most))
        n_rows = math.ceil(most / n_columns)
        places = {
            (row * n_rows + i // n_columns, column * n_columns + i % n_columns): inside(
                plate, f"{well}/{name}"
            )
            for well, (row, column) in wells.items()
            for i, name in enumerate(fields[well])
        }
        shape = (len(said["rows"]), len(said["columns"]))
        return cls(shape, (n_rows, n_columns), wells, places)

    @cached_property
    def first(self) -> Any:
        """The first field: the others are alike."""
        return read_store(next(iter(self.places.values())))

    def levels(self, pyramid: Pyramid, dtype: np.dtype[Any], group: str) -> list[Any]:
        """Return the levels of all fields side by side, read where they are looked at."""
        import dask.array as da

        tiles = {place: str(field / group) for place, field in self.places.items()}
        levels = []
        for i, level in enumerate(pyramid.levels):
            *others, height, width = level.shape
            n_rows, n_columns = (n * m for n, m in zip(self.shape, self.well_shape, strict=True))
            chunks = (*((1,) * n for n in others), (height,) * n_rows, (width,) * n_columns)
            meta = np.empty((0,) * len(chunks), dtype)
            of_level = {"tiles": tiles, "level": str(i)}
            levels.append(da.map_blocks(_tile, chunks=chunks, dtype=dtype, meta=meta, **of_level))
        return levels

    def wells(self, where: dict[str, Any]) -> LayerTuple:
        """Return a layer that draws the wells and names them."""
        of_well = np.array(self.well_shape) * self.first.store.levels[0].shape[-2:]
        corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0]])
        shapes = [(corners + place) * of_well for place in self.wells_at.values()]
        described = {
            "name": "wells",
            "shape_type": "rectangle",
            "edge_color": "gray",
            "edge_width": of_well.min() / 100,
            "face_color": "transparent",
            "features": {"well": list(self.wells_at)},
            "text": {"string": "{well}", "anchor": "upper_left", "color": "white"},
        }
        return shapes, described | where, "shapes"


def _tile(
    *, tiles: dict[tuple[int, int], str], level: str, block_info: Any = None
) -> npt.NDArray[Any]:
    """Read a field; where there is none it is black, and what is larger than the first is cut."""
    import zarr

    this = block_info[None]
    found: npt.NDArray[Any] = np.zeros(this["chunk-shape"], this["dtype"])
    *others, row, column = this["chunk-location"]
    path = tiles.get((row, column))
    if path is not None:
        array: Any = zarr.open_array(f"{path}/{level}", mode="r")
        *_, height, width = found.shape
        part = array[(*(slice(i, i + 1) for i in others), slice(height), slice(width))]
        found[tuple(map(slice, part.shape))] = part
    return found


def _where(flat: Pyramid) -> dict[str, Any]:
    """Return the scale of a pixel of the labels, and its units where all are known."""
    sizes = np.ones(len(flat.axes))
    for one in (*flat.levels[0].transformations, *flat.transformations):
        if one["type"] == "scale":
            sizes = sizes * one["scale"]
    units = [str(one.get("unit")) for one in flat.axes]
    known = all(one in UNITS for one in units)
    return {"scale": tuple(sizes)} | ({"units": tuple(units)} if known else {})


def _clusters(fields: Any) -> dict[str, Any]:
    """Return the colours of the labels, and their names and sizes in all fields together."""
    colors: dict[int | None, Any] = {None: (0, 0, 0, 0), 0: (0, 0, 0, 0)}
    names: dict[int, str] = {}
    pixels: dict[int, int] = {}
    for field in fields:
        group = group_of(field / "labels" / LABELS)
        said = {} if group is None else group.ome.get("image-label", {})
        for one in said.get("colors", ()):
            colors[one["label-value"]] = tuple(value / 255 for value in one["rgba"])
        for one in said.get("properties", ()):
            label = one["label-value"]
            names[label] = one["name"]
            pixels[label] = pixels.get(label, 0) + one["pixels"]
    labels, n = sorted(names), sum(pixels.values())
    return {
        "colormap": colors,
        "features": {
            "index": labels,
            "name": [names[one] for one in labels],
            "pixels": [pixels[one] for one in labels],
            "percent": [100 * pixels[one] / n for one in labels],
        },
    }

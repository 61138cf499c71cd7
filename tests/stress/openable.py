"""Images of all kinds that can be opened in a viewer, and what is drawn over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import skimage.data

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Image, Layer

Number = float
"""From 0 to 1."""


def placed(ndim: int, one: Number) -> dict[str, Any]:
    """Say where a layer lies: as it comes, or by scale, units, place or rotation."""
    um = ("um",) * ndim
    depth = (2.0,) * (ndim - 2)
    ways: list[dict[str, Any]] = [
        {},
        {},
        {"scale": (*depth, 0.65, 0.65), "units": um},
        {"scale": (*depth, 0.3, 0.7), "units": um, "translate": (1.5,) * (ndim - 2) + (10.1, -7.3)},
        {"translate": (3.0,) * (ndim - 2) + (100, 0.5)},
        {"rotate": 20 if ndim == 2 else np.eye(ndim), "scale": (*depth, 0.5, 0.5)},
    ]
    return ways[int(one * len(ways))]


def images(folder: Path) -> list[Callable[[Any, Number], list[Any]]]:
    """Give what opens images in a viewer, and returns the layers that are to be clustered.

    Parameters
    ----------
    folder : Path
        Where files are, that some are opened from.
    """
    coins, coffee = skimage.data.coins()[40:140, 20:150], skimage.data.coffee()[90:180, 200:310]
    cell = skimage.data.cell()[200:300, 200:310]
    deep = np.stack([np.roll(coins, 7 * i, 1) // (1 + i % 3) for i in range(4)])
    bleached = np.stack([(coins * 0.9**i).astype(np.uint16) * 90 for i in range(5)])
    chance = np.random.default_rng(0)
    noise = chance.normal(0, 1, (80, 90)).astype(np.float32) + cell[:80, :90] / 20
    noise = noise.astype(np.float32)
    noise[5:12, 5:30], noise[40, 40] = np.nan, np.inf
    alpha = np.dstack([coffee, np.where(coffee[..., 0] > 190, 0, 255).astype(np.uint8)])
    stains = np.stack([coffee[..., i].astype(np.uint16) * 50 for i in range(3)])
    save = {"coins.tif": coins, "coffee.png": coffee, "deep.tif": deep}
    for name, array in save.items():
        _save(folder / name, array)

    def plain(data: Any, name: str, **more: Any) -> Callable[[Any, Number], list[Any]]:
        def add(viewer: Any, one: Number) -> list[Any]:
            first = data[0] if isinstance(data, list) else data
            ndim = first.ndim - bool(more.get("rgb"))
            copied = [each.copy() for each in data] if isinstance(data, list) else data.copy()
            return [viewer.add_image(copied, name=name, **placed(ndim, one), **more)]

        return add

    def file(name: str) -> Callable[[Any, Number], list[Any]]:
        return lambda viewer, _: viewer.open(str(folder / name), plugin="napari")

    def channels(viewer: Any, one: Number) -> list[Any]:
        where = placed(2, one)
        names = ("dapi", "gfp", "a/b")
        each = zip(stains, names, strict=True)
        return [
            viewer.add_image(data.copy(), name=name, blending="additive", **where)
            for data, name in each
        ]

    def deep_channels(viewer: Any, one: Number) -> list[Any]:
        where = placed(3, one)
        return [
            viewer.add_image(data.copy(), name=name, blending="additive", **where)
            for data, name in ((deep, "red"), (deep[::-1], "region"))
        ]

    time = {"axis_labels": ("t", "y", "x")}
    return [
        plain(coins, "coins"),
        plain(coffee, "coffee", rgb=True),
        plain(alpha, "alpha", rgb=True),
        plain(noise, "noise"),
        plain(cell.astype(np.uint16) * 200, "16 bits"),
        plain(cell.astype(np.int16) * 90 - 5000, "negative"),
        plain(cell.astype(float) / 7, "float64"),
        plain(coins > 120, "bool"),
        plain(deep, "volume"),
        plain(bleached, "series", **time),
        plain(bleached[:1], "one plane"),
        plain(stains, "stains", axis_labels=("c", "y", "x")),
        plain(np.stack([stains, stains // 2]), "mixed", axis_labels=("t", "c", "y", "x")),
        plain(da.from_array(coins, chunks=64), "lazy"),
        plain(da.from_array(bleached, chunks=(1, 64, 64)), "lazy series", **time),
        plain([coffee[::step, ::step] for step in (1, 2)], "pyramid", rgb=True, multiscale=True),
        plain([deep[:, ::s, ::s] for s in (1, 2)], "deep pyramid", multiscale=True),
        channels,
        deep_channels,
        *map(file, save),
    ]


def _save(path: Path, array: Any) -> None:
    from napari.utils.io import imsave

    imsave(str(path), array)


# -- what is drawn over them --------------------------------------------------------------


def over(image: Image, axes: list[int]) -> dict[str, Any]:
    """Say where a layer lies that has some axes of an image, and lies over it."""
    where = {
        "scale": tuple(image.scale[axis] for axis in axes),
        "translate": tuple(image.translate[axis] for axis in axes),
        "units": tuple(str(image.units[axis]) for axis in axes),
    }
    if image.ndim == len(axes) == 2:
        where["rotate"] = image.rotate
    return where


def add_region(viewer: Any, image: Image, axes: list[int], one: Number, other: Number) -> Layer:
    """Draw a region over an image, whose results have these axes."""
    shape = [np.shape(image.data[0] if image.multiscale else image.data)[axis] for axis in axes]
    height, width = shape[-2:]
    plane = np.zeros((height, width), np.uint8)
    plane[height // 5 : height * 4 // 5 - 1, 5 : width // 2] = 1
    plane[height // 3 :, width // 2 : width - 7] = 2
    flat, deep = over(image, axes[-2:]), over(image, axes)
    at = int(other * shape[0])
    first = [at] * (len(axes) - 2)
    box = np.array([[5, 8], [5, width - 9], [height - 12, width - 9], [height - 12, 8]], float)
    slant = np.array([[3.2, 4.7], [height / 2, width - 3.3], [height - 2.5, width / 3]])
    lifted = [
        np.hstack([np.broadcast_to(first, (len(one), len(first))), one]) for one in (box, slant)
    ]
    painted = np.zeros(shape, np.uint8)
    painted[...] = plane
    painted[..., : int(other * 9), :] = 0
    alone = np.zeros(shape, np.uint8)
    alone[tuple(first)] = plane
    small = {**flat, "scale": tuple(4 * one for one in flat["scale"])}
    fine = {**flat, "scale": tuple(1000 * one for one in flat["scale"]), "units": ("nm", "nm"),
            "translate": tuple(1000 * one for one in flat["translate"])}  # fmt: skip
    if flat["units"][0] != "micrometer":
        fine = flat
    ways: list[Callable[[], Layer]] = [
        lambda: viewer.add_labels(painted, name="tissue", **deep),
        lambda: viewer.add_labels(plane, name="flat", **flat),
        lambda: viewer.add_labels(plane[::4, ::4].copy(), name="coarse", **small),
        lambda: viewer.add_labels(plane, name="fine", **fine),
        lambda: viewer.add_labels(alone, name="one of them", **deep),
        lambda: viewer.add_shapes([box], shape_type="rectangle", name="box", **flat),
        lambda: viewer.add_shapes(
            [slant, box / 2], shape_type=["polygon", "ellipse"], name="drawn", **flat
        ),
        lambda: viewer.add_shapes(lifted[:1], shape_type="rectangle", name="on a plane", **deep),
        lambda: viewer.add_shapes(
            [lifted[1], lifted[0] * ([0.5] * len(first) + [1, 1])], shape_type="polygon",
            name="on two planes", **deep,
        ),
    ]  # fmt: skip
    return ways[int(one * len(ways))]()


def add_seeds(viewer: Any, image: Image, axes: list[int], one: Number, other: Number) -> Layer:
    """Set seeds on an image, whose results have these axes."""
    shape = [np.shape(image.data[0] if image.multiscale else image.data)[axis] for axis in axes]
    chance, deep = np.random.default_rng(int(other * 1000)), over(image, axes)
    places = chance.integers(0, shape, (3 + int(other * 3), len(shape)))
    if one < 0.5:
        return viewer.add_points(places, name="points", **deep)
    painted = np.zeros(shape, np.uint16)
    for label, place in zip((7, 3, 300, 5, 1, 2), places, strict=False):
        painted[(*place[:-2], slice(place[-2], place[-2] + 5), slice(place[-1], place[-1] + 5))] = (
            label
        )
    return viewer.add_labels(painted, name="classes", **deep)

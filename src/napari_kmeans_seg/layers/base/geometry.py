"""Where the pixels of a layer lie in the world, as one matrix.

A placement is the `(ndim + 1, ndim + 1)` matrix that takes data coordinates, and a 1, to
world coordinates. Layers with fewer axes than others lie along the last ones, as napari
has it.

Where two worlds meet, those of two layers or that of a layer and of a viewer, lengths are
converted from the units of one to those of the other as napari's canvas does, and here only.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.transforms import Affine, CompositeAffine
from scipy.ndimage import affine_transform

from .arrays import results_keep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    from napari.components import ViewerModel
    from napari.layers import Layer

    Matrix = npt.NDArray[np.float64]
    Vector = npt.NDArray[np.float64]
    # Those of pint, one for each axis, as napari has them.
    Units = tuple[Any, ...]


_DECIMALS = 9
"""Of coordinates in pixels: with more the last ones are those of rounding."""

_HALF_WAY = 10.0**-_DECIMALS


def placement(layer: Layer) -> Matrix:
    """Read where a layer lies: scale, rotation, shear, translation and affine in one.

    World coordinates are in the units of the layer.
    """
    matrix = np.eye(layer.ndim + 1)
    origin = np.asarray(layer.data_to_world(np.zeros(layer.ndim)), float)
    for axis in range(layer.ndim):
        unit = np.eye(layer.ndim)[axis]
        matrix[:-1, axis] = np.asarray(layer.data_to_world(unit), float) - origin
    matrix[:-1, -1] = origin
    return matrix


def conversion(units: Units, others: Units) -> npt.NDArray[np.float64]:
    """Say by what lengths are multiplied to have them in other units: one factor for each axis.

    As on napari's canvas, nothing is converted where an axis of both has a length in one and
    pixels or a time in the other: then all numbers are taken as they are. Axes are compared from
    the last; the first ones that the others lack keep their units.
    """
    factors = np.ones(len(units))
    n = min(len(units), len(others))
    last = list(zip(units[len(units) - n :], others[len(others) - n :], strict=True))
    if all(one.dimensionality == other.dimensionality for one, other in last):
        factors[len(units) - n :] = [float((1 * one).to(other).magnitude) for one, other in last]
    return factors


def in_units(matrix: Matrix, units: Units, others: Units) -> Matrix:
    """Give a placement whose world coordinates are in `units` as one in other units."""
    return np.diag([*conversion(units, others), 1.0]) @ matrix


def from_viewer(viewer: ViewerModel, layer: Layer, vector: Sequence[float]) -> Vector:
    """Take a position or a direction in a viewer's world to the world of a layer."""
    found = np.asarray(vector, float)
    # None where its layers measure lengths and other things along the same axis.
    units = viewer.layers.units
    return found if units is None else found * conversion(units[-len(found) :], layer.units)


def shifted(matrix: Matrix, offset: npt.ArrayLike) -> Matrix:
    """Place an array that begins at `offset` of the one that the matrix places."""
    move = np.eye(len(matrix))
    move[:-1, -1] = offset
    return matrix @ move


def of_level(matrix: Matrix, shape: Sequence[int], level_shape: Sequence[int]) -> Matrix:
    """Place a smaller level of a pyramid whose largest level the matrix places.

    A pixel of a smaller level covers several of the largest, so its centre is theirs.
    """
    factor = np.asarray(shape, float) / np.asarray(level_shape, float)
    zoom = np.diag([*factor, 1.0])
    zoom[:-1, -1] = (factor - 1) / 2
    return matrix @ zoom


def without_channels(matrix: Matrix, axis: int, n_channels: int) -> Matrix:
    """Place the results of an image that the matrix places, and whose channels lie along an axis.

    Where they keep that axis, its one step spans all channels, so that they are seen over each.
    """
    if results_keep(axis, len(matrix) - 1):
        span = np.eye(len(matrix))
        span[axis, axis], span[axis, -1] = n_channels, (n_channels - 1) / 2
        return matrix @ span
    return np.delete(np.delete(matrix, axis, 0), axis, 1)


def sliced(spatial: dict[str, Any], axes: list[int]) -> dict[str, Any]:
    """Say where a layer lies that has only some axes of another."""
    parts = ("scale", "translate", "rotate", "shear")
    plain = CompositeAffine(**{key: spatial[key] for key in parts}).set_slice(axes)
    return {
        **{key: getattr(plain, key) for key in parts},
        "affine": Affine(affine_matrix=np.asarray(spatial["affine"])).set_slice(axes),
        "units": [spatial["units"][axis] for axis in axes],
        "axis_labels": [spatial["axis_labels"][axis] for axis in axes],
    }


def between(image: Matrix, other: Matrix) -> Matrix:
    """Take data coordinates of the image to those of another layer: `(m + 1, n + 1)`.

    Half way between two pixels it is the upper one, whatever part of the image is asked for.
    """
    m = len(other) - 1
    found = np.asarray(np.linalg.inv(other) @ image[-m - 1 :], float)
    found[:-1, -1] += _HALF_WAY
    return found


def with_fixed(matrix: Matrix, through: Mapping[int, int]) -> Matrix:
    """Fix some of the coordinates that a matrix gives, each at an index."""
    matrix = matrix.copy()
    for axis, index in through.items():
        matrix[axis] = 0
        matrix[axis, -1] = index
    return matrix


def into(image: Matrix, other: Matrix, coordinates: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Take data coordinates of another layer to those of the image.

    Where the other layer has fewer axes, only the last ones are given.
    """
    n, m = len(image) - 1, len(other) - 1
    vertices = np.asarray(coordinates, float)
    world = vertices @ other[:-1, :-1].T + other[:-1, -1]
    if m < n:
        first = np.broadcast_to(image[: n - m, -1], (len(world), n - m))
        world = np.hstack([first, world])
    inverse = np.linalg.inv(image)
    found: npt.NDArray[np.float64] = world @ inverse[:-1, :-1].T + inverse[:-1, -1]
    # What lies on a pixel lies there in every part of the image.
    return np.round(found[:, n - min(m, n) :], _DECIMALS)


def resampled(
    labels: Any,
    labels_placement: Matrix,
    shape: Sequence[int],
    image: Matrix,
    through: Mapping[int, int] = MappingProxyType({}),
) -> npt.NDArray[Any]:
    """Read labels at the pixels of an image, 0 beyond their edge.

    Parameters
    ----------
    labels : array of int
        With as many axes as the image, or fewer.
    labels_placement, image : matrix
        Where the labels and the image lie.
    shape : sequence of int
        Of the image.
    through : mapping of int to int
        The index along each axis of the labels at which they are read for all of the image.

    Returns
    -------
    array of int
        In this shape.
    """
    m, n = labels.ndim, len(shape)
    matrix = with_fixed(between(image, labels_placement), through)
    if np.allclose(matrix[:-1, : n - m], 0):
        # The same for every step along the first axes.
        plane = _resample(labels, matrix[:, n - m :], tuple(shape[n - m :]))
        return np.broadcast_to(plane, tuple(shape))
    first = np.zeros((n - m, n + 1))
    return _resample(labels[(np.newaxis,) * (n - m)], np.vstack([first, matrix]), tuple(shape))


def _resample(labels: Any, matrix: Matrix, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    if labels.shape == shape and np.allclose(matrix, np.eye(len(matrix)), atol=1e-6):
        return np.asarray(labels)
    # Only what the image covers is read, for the labels may be lazy.
    corners = np.array(np.meshgrid(*([-0.5, n - 0.5] for n in shape), indexing="ij"))
    corners = corners.reshape(len(shape), -1).T @ matrix[:-1, :-1].T + matrix[:-1, -1]
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, labels.shape)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 2, 0, labels.shape)
    if (high <= low).any():
        return np.zeros(shape, labels.dtype)
    part = np.asarray(labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))])
    if not part.any():
        return np.zeros(shape, labels.dtype)
    return np.asarray(
        affine_transform(
            part,
            matrix[:-1, :-1],
            matrix[:-1, -1] - low,
            output_shape=shape,
            order=0,
            mode="grid-constant",
        )
    )

"""L*u*v*: lightness, and a plane in which mixtures of two lights lie on a straight line."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from napari_kmeans_seg import segment
from napari_kmeans_seg.core.image.color_spaces import COLOR_SPACES

LUV = COLOR_SPACES["luv"]
COFFEE = skimage.data.coffee()[::4, ::4]


def luv_of(*colors: tuple[float, float, float]) -> np.ndarray:
    assert LUV.from_rgb is not None
    return LUV.from_rgb(np.array(colors, float))


def encoded(light: np.ndarray) -> np.ndarray:
    """Encode light from 0 to 1 as sRGB does."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def test_lightness_goes_from_black_to_white_and_grey_has_no_colour() -> None:
    greys = luv_of((0, 0, 0), (0.2, 0.2, 0.2), (0.5, 0.5, 0.5), (1, 1, 1))
    np.testing.assert_allclose(greys[[0, -1], 0], [0, 100], atol=1e-3)
    assert (np.diff(greys[:, 0]) > 0).all()
    np.testing.assert_allclose(greys[:, 1:], 0, atol=0.05)


def test_colours_have_the_coordinates_that_the_standard_gives_them() -> None:
    # Of red, green and blue of sRGB with the white of D65.
    expected = [[53.24, 175.01, 37.76], [87.74, -83.08, 107.40], [32.30, -9.40, -130.34]]
    np.testing.assert_allclose(luv_of((1, 0, 0), (0, 1, 0), (0, 0, 1)), expected, atol=0.1)


def test_mixtures_of_two_lights_lie_on_a_straight_line() -> None:
    one, other = np.array([0.9, 0.1, 0.2]), np.array([0.1, 0.3, 0.8])
    light = np.linspace(one, other, 7)
    lightness, *plane = luv_of(*encoded(light)).T
    u, v = np.array(plane) / lightness
    way = np.array([u[-1] - u[0], v[-1] - v[0]])
    beside = (u - u[0]) * way[1] - (v - v[0]) * way[0]
    np.testing.assert_allclose(beside / np.hypot(*way), 0, atol=1e-3)


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_an_image_is_clustered_by_these_coordinates(kind: str) -> None:
    image = COFFEE if kind == "uint8" else (COFFEE / 255).astype(kind)
    found = segment(image, 4, channel_axis=-1, color_space="luv", tol=0)
    colors = luv_of(*(image.reshape(-1, 3) / (255 if kind == "uint8" else 1)))
    means = np.array([colors[found.labels.ravel() == label].mean(axis=0) for label in range(1, 5)])
    nearest = ((colors[:, np.newaxis] - means) ** 2).sum(axis=-1).argmin(axis=1) + 1
    assert np.mean(nearest == found.labels.ravel()) > 0.999
    assert found.parameters["color_space"] == "luv"

"""Images that properties of any k-means are shown on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import numpy as np
import skimage.color
import skimage.data
import skimage.filters
from hypothesis import settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

few = settings(deadline=None, max_examples=25, derandomize=True)

small = st.tuples(
    st.lists(st.integers(0, 255), min_size=8, max_size=90), st.integers(1, 4), st.integers(2, 7)
)


def photograph() -> NDArray[np.uint8]:
    return skimage.data.coffee()[::2, ::2]


def stains() -> NDArray[np.float64]:
    """Three channels of floats that do not repeat: (256, 256, 3)."""
    return skimage.color.rgb2hed(skimage.data.immunohistochemistry()[::2, ::2])


def textures() -> NDArray[np.float32]:
    """Five channels of a grey photograph: (256, 256, 5) float32."""
    camera = skimage.data.camera()[::2, ::2].astype(np.float32)
    blurs = [skimage.filters.gaussian(camera, sigma) for sigma in (1, 2, 4)]
    return np.stack([camera, *blurs, skimage.filters.sobel(camera)], axis=-1).astype(np.float32)


def start_of(pixels: NDArray[Any], n_clusters: int, seed: int) -> NDArray[Any]:
    """Choose different pixels as centroids to start from."""
    return np.random.default_rng(seed).permutation(np.unique(pixels, axis=0))[:n_clusters]


def small_image(drawn: tuple[list[int], int, int]) -> tuple[NDArray[np.uint8], int]:
    """Pixels of some channels, and a number of clusters."""
    values, n_channels, n_clusters = drawn
    pixels = np.resize(np.array(values, np.uint8), (len(values) // n_channels, n_channels))
    return pixels, min(n_clusters, len(np.unique(pixels, axis=0)))

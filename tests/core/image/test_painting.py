"""The segmented image holds the colour of each pixel's cluster, in small and in large images."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg import segment
from napari_kmeans_seg.core.base.parallel import CHUNK
from napari_kmeans_seg.core.image.painting import paint


@pytest.mark.parametrize("n_clusters", [3, 200])
@pytest.mark.parametrize("n_channels", [None, 1, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("odd", [0, 1])
def test_each_pixel_wears_the_colour_of_its_cluster(dtype, n_channels, n_clusters, odd):
    size = CHUNK + 2 + odd
    shape, axis = ((size,), None) if n_channels is None else ((size, n_channels), -1)
    random = np.random.default_rng(n_clusters)
    values = np.stack([1 + random.permutation(250) for _ in range(n_channels or 1)], axis=1)
    image = values.astype(dtype)[random.integers(0, 250, size)].reshape(shape)

    found = segment(image, n_clusters, channel_axis=axis)

    assert found.image.dtype == image.dtype
    assert len(np.unique(found.labels)) == n_clusters
    painted = found.image.reshape(size, -1)[:, : found.palette.shape[1]]
    np.testing.assert_array_equal(painted, found.palette[found.labels])


@pytest.mark.parametrize("labels_dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("size", [0, 1, 2, 7, CHUNK + 1, 2 * CHUNK + 5])
@pytest.mark.parametrize("n_bytes", [*range(1, 18), 24])
def test_colours_of_any_number_of_bytes_stand_side_by_side(n_bytes, size, labels_dtype):
    random = np.random.default_rng(n_bytes)
    palette = random.integers(0, 256, (256, n_bytes), np.uint8)
    labels = random.integers(0, 256, size).astype(labels_dtype)
    # What lies before and behind stays as it is.
    held = np.full((size + 2) * n_bytes, 77, np.uint8)

    painted = paint(palette, labels, held[n_bytes:-n_bytes])

    np.testing.assert_array_equal(painted, palette[labels])
    assert (held[:n_bytes] == 77).all()
    assert (held[-n_bytes:] == 77).all()


@pytest.mark.parametrize("dtype", ["bool", "int16", "float32"])
def test_bits_of_colours_are_kept(dtype):
    palette = np.array([[0, 1, 0], [1, 0, 1]]).astype(dtype)
    if dtype == "float32":
        palette[0] = [np.nan, -0.0, np.inf]

    painted = paint(palette, np.array([1, 0, 1, 1, 0], np.uint8))

    assert painted.dtype == dtype
    assert painted.tobytes() == palette[[1, 0, 1, 1, 0]].tobytes()

"""The segmented image holds the colour of each pixel's cluster, in small and in large images."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg import segment
from napari_kmeans_seg.core.parallel import CHUNK


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

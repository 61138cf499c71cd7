"""Means and inertia have the digits that exact sums give them, whatever they are summed over."""

from __future__ import annotations

from math import fsum

import numpy as np
import pytest

from napari_kmeans_seg import segment

SIGNALS = {
    "noise": lambda random, n: random.normal(0, 1e3, n),
    "on a large offset": lambda random, n: random.normal(0, 1, n) + 1e6,
    "positive and skewed": lambda random, n: random.lognormal(0, 2, n),
    "few far off": lambda random, n: np.where(np.arange(n) % 1000, random.normal(size=n), 1e9),
    "tiny": lambda random, n: random.normal(0, 1e-200, n),
    "huge": lambda random, n: random.normal(0, 1e200, n),
    "single precision": lambda random, n: random.normal(0, 30, n).astype(np.float32),
    "integers": lambda random, n: random.integers(-(2**40), 2**40, n),
}


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("n", [1, 1000, 600_003])
@pytest.mark.parametrize("name", SIGNALS)
def test_the_mean_of_all_pixels_is_that_of_exact_sums(name, n, n_channels):
    random = np.random.default_rng(n)
    channels = [SIGNALS[name](random, n) for _ in range(n_channels)]

    found = segment(np.stack(channels, axis=1), 1, channel_axis=-1)

    for mean, channel in zip(found.centroids[0], channels, strict=True):
        values = channel.tolist()
        exact = fsum(values) / n
        # What a mean near 0 is worth depends on the values.
        np.testing.assert_allclose(mean, exact, rtol=0, atol=4e-15 * np.abs(channel).max())
    if name not in {"tiny", "huge"}:  # squares of which doubles do not hold
        squares = [
            ((one - one.mean(dtype=np.longdouble)) ** 2).sum() for one in map(wide, channels)
        ]
        np.testing.assert_allclose(found.inertia, float(sum(squares)), rtol=1e-11)


def wide(channel: np.ndarray) -> np.ndarray:
    return channel.astype(np.longdouble)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_means_of_many_clusters_are_those_of_exact_sums(dtype):
    random = np.random.default_rng(0)
    image = random.gamma(2, 20, (300_000, 2)).clip(0, 255).astype(dtype)

    found = segment(image, 250, channel_axis=-1)

    for label in range(1, 251):
        own = image[found.labels == label].tolist()
        exact = [fsum(column) / len(own) for column in zip(*own, strict=True)]
        np.testing.assert_allclose(found.centroids[label - 1], exact, rtol=1e-13)

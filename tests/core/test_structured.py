"""Images on which a start from a few pixels, or from coarse bins, would end in a poor optimum."""

from __future__ import annotations

from collections.abc import Callable

import dask.array as da
import numpy as np
import pytest
from sklearn.cluster import KMeans

from napari_kmeans_seg import prepare, segment

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

PERIOD = 64


def montage(n_channels: int) -> np.ndarray:
    """Tiles of eight kinds of pixels, with bright lines between them."""
    random = np.random.default_rng(n_channels)
    kinds = random.uniform(0, 1, (8, n_channels))[random.integers(8, size=(1024, 1024))]
    image = kinds + random.normal(0, 0.03, kinds.shape)
    image[:, ::PERIOD] = random.normal(5, 0.01, (1024, 1024 // PERIOD, n_channels))
    return image.astype(np.float32)


def usual_inertia(image: np.ndarray, n_clusters: int) -> float:
    """The median of scikit-learn's per pixel, over five seeds."""
    pixels = image.reshape(-1, image.shape[-1])[:: 1 + image.size // 500_000]
    inertias = [KMeans(n_clusters, random_state=i).fit(pixels).inertia_ for i in range(5)]
    return float(np.median(inertias) / len(pixels))


@pytest.mark.parametrize("n_channels", [1, 2, 4])
def test_lines_at_the_distance_of_samples(n_channels: int) -> None:
    """All samples once lay on the lines: the clusters had up to 35 times the usual inertia."""
    image = montage(n_channels)

    found = segment(image, 6, channel_axis=-1)

    assert found.inertia / image[..., 0].size < 1.1 * usual_inertia(image, 6)


def test_lines_in_chunks(dask_limits: Callable[..., None]) -> None:
    dask_limits(load_bytes=0, sample_values=1 << 14)
    image = montage(2)

    found = segment(da.from_array(image, chunks=(512, 512, 2)), 6, channel_axis=-1)

    assert found.inertia / image[..., 0].size < 1.1 * usual_inertia(image, 6)


def spots(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Few bright pixels of some kinds on a dark background."""
    image = random.gamma(2, 1, shape)
    for share in (3e-4, 1e-3, 3e-3, 1e-2):
        color = random.uniform(0, 1, shape[-1]) * random.choice([30, 300, 3000])
        image[random.random(shape[:2]) < share] += color
    return image


def tails(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Noise of which some pixels lie very far off."""
    return random.standard_t(1.5, shape)


def no_data(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A skewed signal, and half of the image without any."""
    image = random.lognormal(0, 1.5, shape)
    image[:, : shape[1] // 2] = -1e4
    return image


@pytest.mark.parametrize("n_channels", [2, 5])
@pytest.mark.parametrize("draw", [spots, tails, no_data])
def test_what_is_rare_and_far_off_gets_its_clusters(draw: Draw, n_channels: int) -> None:
    """With means of bins, and of neighbours of equal weight, it was up to 138 times as much."""
    for seed in range(3):
        image = draw(np.random.default_rng(seed), (200, 200, n_channels))

        found = segment(image, 12, channel_axis=-1)

        # As far as scikit-learn's are spread among themselves.
        assert found.inertia / image[..., 0].size < 1.1 * usual_inertia(image, 12)


def test_a_heavy_tail_of_one_channel_is_not_one_coarse_point() -> None:
    """It was 2.9 times the optimum: all that lay above 15 of 16 quantiles was one coarse point."""
    image = np.exp(np.random.default_rng(3).normal(0, 4, (512, 512)))
    prepared = prepare(image)

    found = prepared.segment(5, init="k-means++")

    assert found.inertia < 1.01 * prepared.segment(5, init="optimal").inertia

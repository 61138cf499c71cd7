"""From the same start, the end is scikit-learn's on all pixels; from our own, at least as good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import skimage.color
import skimage.data
import skimage.filters
from sklearn.cluster import KMeans

from napari_kmeans_seg import Segmentation, segment

if TYPE_CHECKING:
    from numpy.typing import NDArray

Image = tuple["NDArray[np.generic]", "int | None"]


def uint16_micrograph() -> Image:
    """A grey micrograph with the many values of a 16-bit camera: (330, 550)."""
    smooth = skimage.filters.gaussian(skimage.data.cell()[::2], 1.5)
    return np.round(smooth * 60_000).astype(np.uint16), None


def stains() -> Image:
    """Haematoxylin, eosin and DAB of a tissue section: (256, 256, 3) float64, none repeats."""
    return skimage.color.rgb2hed(skimage.data.immunohistochemistry()[::2, ::2]), -1


def texture_features() -> Image:
    """Grey level, two blurs and an edge of a photograph, channels first: (4, 256, 256) float32."""
    camera = skimage.data.camera()[::2, ::2].astype(np.float32) / 255
    blurs = [skimage.filters.gaussian(camera, sigma) for sigma in (1, 4)]
    return np.stack([camera, *blurs, skimage.filters.sobel(camera)]).astype(np.float32), 0


def depth() -> Image:
    """Disparities of a stereo pair, float32 and not finite where unknown: (250, 371)."""
    return skimage.data.stereo_motorcycle()[2][::2, ::2].astype(np.float32), None


IMAGES = {
    "photograph, uint8 RGB": lambda: (skimage.data.coffee(), -1),
    "retina, uint8 RGB": lambda: (skimage.data.retina()[::5, ::5], -1),
    "micrograph, uint8 grey": lambda: (skimage.data.cell(), None),
    "micrograph, uint16 grey": uint16_micrograph,
    "stains, float64, three channels": stains,
    "textures, float32, four channels": texture_features,
    "moon, float32 grey": lambda: (
        skimage.filters.gaussian(skimage.data.moon(), 1).astype(np.float32)[::2, ::2],
        None,
    ),
}


def as_features(image: NDArray[np.generic], channel_axis: int | None) -> NDArray[np.float64]:
    if channel_axis is None:
        return image.reshape(-1, 1).astype(np.float64)
    channels = np.moveaxis(image, channel_axis, -1)
    return channels.reshape(-1, channels.shape[-1]).astype(np.float64)


def spread_start(features: NDArray[np.float64], n_clusters: int) -> NDArray[np.float64]:
    """Points near distinct pixel values, spread over the brightness.

    A little off the values, so that no pixel lies exactly midway between two of them: there
    both neighbours are right, and scikit-learn leaves it to rounding.
    """
    values = np.unique(features, axis=0)
    values = values[np.argsort(values.sum(axis=1), kind="stable")]
    start = values[np.linspace(0, len(values) - 1, n_clusters + 2).astype(int)[1:-1]]
    return start + np.ptp(features) * 1e-4 * np.sqrt(np.arange(2, n_clusters + 2))[:, np.newaxis]


def plain_lloyd(features: NDArray[np.float64], init: NDArray[np.float64]) -> KMeans:
    fitted = KMeans(len(init), init=init, n_init=1, tol=0, max_iter=1000, algorithm="lloyd").fit(
        features
    )
    assert fitted.n_iter_ < 1000, "scikit-learn did not come to rest"
    return fitted


def assert_same(
    found: Segmentation, expected: KMeans, inside: NDArray[np.bool_] | None = None
) -> None:
    """Same labels, centroids and inertia, once scikit-learn's clusters are put in our order."""
    order = np.argsort(expected.cluster_centers_.mean(axis=1))
    rank = np.argsort(order)
    labels = found.labels if inside is None else found.labels[inside]
    np.testing.assert_array_equal(labels.reshape(-1), rank[expected.labels_] + 1)
    np.testing.assert_allclose(
        found.centroids, expected.cluster_centers_[order], rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(found.inertia, expected.inertia_, rtol=1e-9)
    np.testing.assert_array_equal(found.counts, np.bincount(rank[expected.labels_]))
    assert found.converged


@pytest.mark.parametrize("n_clusters", [2, 5, 9])
@pytest.mark.parametrize("name", IMAGES)
def test_from_the_same_start_to_the_same_end(name: str, n_clusters: int) -> None:
    image, channel_axis = IMAGES[name]()
    features = as_features(image, channel_axis)
    init = spread_start(features, n_clusters)
    found = segment(image, n_clusters, channel_axis=channel_axis, init=init, tol=0, max_iter=1000)
    assert_same(found, plain_lloyd(features, init))


def test_only_pixels_in_the_mask_take_part() -> None:
    image = skimage.data.coffee()
    rows, columns = np.ogrid[:400, :600]
    mask = (rows - 200) ** 2 + (columns - 300) ** 2 < 180**2
    features = image[mask].astype(np.float64)
    init = spread_start(features, 6)
    found = segment(image, 6, channel_axis=-1, mask=mask, init=init, tol=0, max_iter=1000)
    assert_same(found, plain_lloyd(features, init), mask)
    assert not found.labels[~mask].any()


def test_float_pixels_outside_the_mask_or_not_finite_do_not_count() -> None:
    image, _ = depth()
    mask = np.zeros(image.shape, bool)
    mask[20:, 30:-40] = True
    inside = mask & np.isfinite(image)
    assert np.count_nonzero(mask & ~inside) > 0, "the picture holds values that are not finite"
    features = as_features(image[inside], None)
    init = spread_start(features, 5)
    with pytest.warns(UserWarning, match="NaN"):
        found = segment(image, 5, mask=mask, init=init, tol=0, max_iter=1000)
    assert_same(found, plain_lloyd(features, init), inside)
    assert not found.labels[~inside].any()


def test_transparent_pixels_do_not_count_and_alpha_is_no_channel() -> None:
    image = np.dstack([skimage.data.coffee(), np.full((400, 600), 255, np.uint8)])
    image[100:200, :, 3] = 0
    image[200:300, :, 3] = 7
    opaque = image[..., 3] > 0
    features = image[opaque][:, :3].astype(np.float64)
    init = spread_start(features, 4)
    found = segment(image, 4, channel_axis=-1, init=init, tol=0, max_iter=1000)
    assert_same(found, plain_lloyd(features, init), opaque)


@pytest.mark.parametrize("n_clusters", [5, 16])
@pytest.mark.parametrize(
    "name", ["photograph, uint8 RGB", "retina, uint8 RGB", "stains, float64, three channels"]
)
def test_default_settings_find_a_minimum_as_good(name: str, n_clusters: int) -> None:
    """Inertia of the typical run, at most 1 % above that of scikit-learn's defaults."""
    image, channel_axis = IMAGES[name]()
    features = as_features(image, channel_axis)
    ours = [
        segment(image, n_clusters, channel_axis=channel_axis, seed=seed).inertia
        for seed in range(7)
    ]
    theirs = [
        KMeans(n_clusters, n_init=1, random_state=seed).fit(features).inertia_ for seed in range(7)
    ]
    assert np.median(ours) <= 1.01 * np.median(theirs)


@pytest.mark.parametrize("name", ["micrograph, uint8 grey", "micrograph, uint16 grey"])
def test_default_settings_on_grey_are_never_worse(name: str) -> None:
    """One channel is clustered to the optimum, which no run of scikit-learn goes below."""
    image, _ = IMAGES[name]()
    features = as_features(image, None)
    theirs = KMeans(6, n_init=5, random_state=0).fit(features).inertia_
    assert segment(image, 6).inertia <= theirs * (1 + 1e-12)

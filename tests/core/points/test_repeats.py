"""Whether values repeat or not, clusters are those of all pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_kmeans_seg import segment

from .. import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

N = 1 << 19


@pytest.mark.parametrize("n_clusters", [4, 40])
@pytest.mark.parametrize("times", ["in a row", "far apart", "one value often"])
def test_an_image_of_few_floats_gets_the_optimum_of_its_values(times, n_clusters):
    few = np.random.default_rng(0).gamma(2, 30, 1 << 12).astype(np.float32)
    image = np.repeat(few, N // few.size) if times == "in a row" else np.tile(few, N // few.size)
    if times == "one value often":
        image[few.size :] = few[0]

    found = segment(image, n_clusters, tol=0)

    if times != "one value often":
        expected = segment(few, n_clusters, init="optimal", tol=0)
        np.testing.assert_allclose(found.centroids, expected.centroids, rtol=1e-12)
        np.testing.assert_allclose(found.inertia, expected.inertia * (N // few.size), rtol=1e-9)
    plain.assert_at_rest(found, image[:, np.newaxis].astype(float))


def colours(own: float) -> NDArray[np.uint8]:
    """Pixels of which a share has a colour of its own, the others are black."""
    number = np.random.default_rng(0).permutation(1 << 24)[:N]
    number[round(own * N) :] = 0
    return np.stack([number >> 16, number >> 8, number], axis=1).astype(np.uint8)


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("own", [0.01, 0.45, 0.52, 1])
def test_colours_get_their_clusters_however_many_pixels_have_one_of_their_own(own, mixed):
    image = colours(own)
    if mixed:
        image = np.random.default_rng(1).permutation(image)

    found = segment(image, 6, channel_axis=-1, tol=0, max_iter=3000)

    assert found.converged
    assert found.counts.sum() == N
    plain.assert_at_rest(found, plain.rows(image))


def test_as_floats_they_get_the_same_ones():
    image = colours(0.5)[::4]
    start = np.array([[10, 20, 30], [60, 200, 70], [200, 60, 90], [220, 210, 200]]) + 0.3
    args = {"channel_axis": -1, "init": start, "tol": 0, "max_iter": 3000}

    counted, one_by_one = segment(image, 4, **args), segment(image.astype(np.float32), 4, **args)

    np.testing.assert_array_equal(one_by_one.labels, counted.labels)
    np.testing.assert_allclose(one_by_one.centroids, counted.centroids, rtol=1e-12)
    np.testing.assert_allclose(one_by_one.inertia, counted.inertia, rtol=1e-12)
    assert one_by_one.n_iter == counted.n_iter


@pytest.mark.parametrize("n_values", [300, 30_000])
def test_wide_pixels_that_repeat_weigh_as_often_as_they_stand(n_values):
    random = np.random.default_rng(0)
    colors = random.integers(0, 1 << 16, (n_values, 3)).astype(np.uint16)
    image = np.concatenate([colors[random.integers(0, n_values, 200_000)], colors])
    start = colors[:5] + 0.5

    found = segment(image, 5, channel_axis=-1, init=start, tol=0, max_iter=3000)

    # Each colour as often as it stands is what plain Lloyd makes of all pixels.
    expected = plain.by_brightness(plain.lloyd(plain.rows(image), start))
    np.testing.assert_array_equal(found.labels - 1, expected.labels)
    np.testing.assert_allclose(found.centroids, expected.centroids, rtol=1e-11)

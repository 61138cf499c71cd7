"""What must hold of Lloyd's algorithm, whatever the image."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings

from napari_kmeans_seg import segment

from .images import few, photograph, small, small_image, stains, start_of, textures

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.mark.parametrize("image", [photograph(), stains(), textures()], ids=["u8", "f64", "f32"])
def test_inertia_never_rises_from_one_iteration_to_the_next(image: NDArray[Any]) -> None:
    values = image.reshape(-1, image.shape[-1])
    init = np.unique(values, axis=0)[::97][:6]
    steps = []
    for n in range(1, 60):
        steps.append(segment(image, 6, channel_axis=-1, init=init, tol=0, max_iter=n))
        if steps[-1].converged:
            break
    inertia = np.array([step.inertia for step in steps])
    assert (np.diff(inertia) <= 1e-13 * inertia[:-1]).all()
    assert inertia[-1] < inertia[0]
    assert [step.n_iter for step in steps] == list(range(1, len(steps) + 1))
    assert not any(step.converged for step in steps[:-1])


@given(drawn=small, seed=st.integers(0, 99), dtype=st.sampled_from(["uint8", "int32", "float64"]))
@few
def test_inertia_never_rises_on_any_image(
    drawn: tuple[list[int], int, int], seed: int, dtype: str
) -> None:
    pixels, k = small_image(drawn)
    init = start_of(pixels, k, seed)
    image = pixels.astype(dtype)
    steps = [
        segment(image, k, channel_axis=-1, alpha=False, init=init, tol=0, max_iter=n).inertia
        for n in range(1, 12)
    ]
    assert (np.diff(steps) <= 1e-12 * max(1.0, steps[0])).all()


@pytest.mark.parametrize("n_clusters", [8, 40])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_what_has_come_to_rest_stays_where_it_is(dtype: str, n_clusters: int) -> None:
    """Whatever way was taken to it: one that overshoots must not stop uphill."""
    for seed in range(6):
        colors = np.random.default_rng(seed).integers(0, 256, (3000, 3)).astype(dtype)
        found = segment(colors, n_clusters, channel_axis=-1, seed=seed, tol=0, max_iter=3000)
        assert found.converged
        again = segment(colors, n_clusters, channel_axis=-1, init=found.centroids, tol=0)
        assert again.n_iter <= 2, "one more where a mean was rounded"
        np.testing.assert_array_equal(again.labels, found.labels)
        np.testing.assert_allclose(again.centroids, found.centroids, rtol=1e-12)


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize(
    "image", [photograph(), stains(), textures()], ids=["uint8", "float64", "float32"]
)
def test_with_tol_0_no_pixel_has_a_nearer_centroid_and_centroids_are_means(
    image: NDArray[Any], init: str
) -> None:
    found = segment(image, 7, channel_axis=-1, init=init, tol=0, max_iter=3000)
    assert found.converged
    pixels = image.reshape(-1, image.shape[-1]).astype(np.float64)
    squares = ((pixels[:, np.newaxis] - found.centroids) ** 2).sum(axis=2)
    labels = found.labels.reshape(-1) - 1
    np.testing.assert_array_equal(labels, squares.argmin(axis=1))
    means = [pixels[labels == i].mean(axis=0) for i in range(7)]
    np.testing.assert_allclose(found.centroids, means, rtol=1e-12)
    np.testing.assert_allclose(found.inertia, squares.min(axis=1).sum(), rtol=1e-12)


@given(
    values=st.lists(st.integers(0, 12), min_size=6, max_size=60),
    n_channels=st.integers(1, 3),
    n_clusters=st.integers(2, 9),
    init=st.sampled_from(["k-means++", "random", "optimal", "array"]),
    seed=st.integers(0, 99),
)
@settings(few, max_examples=300)
def test_pixels_between_two_centroids_rest_too(
    values: list[int], n_channels: int, n_clusters: int, init: Any, seed: int
) -> None:
    """Of equally near centroids pixels go to the first, in the order that clusters end in."""
    pixels = np.resize(np.array(values, np.uint8), (len(values) // n_channels, n_channels))
    n_clusters = min(n_clusters, len(np.unique(pixels, axis=0)))
    if init == "array":
        init = np.random.default_rng(seed).integers(0, 13, (n_clusters, n_channels))
    elif init == "optimal" and n_channels > 1:
        init = "auto"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a start may have a centroid twice
        found = segment(pixels, n_clusters, channel_axis=-1, init=init, seed=seed, tol=0)
    assume(found.converged)
    squares = ((pixels[:, np.newaxis] - found.centroids) ** 2).sum(axis=2)
    own = squares[np.arange(len(pixels)), found.labels - 1]
    np.testing.assert_allclose(own, squares.min(axis=1), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.inertia, own.sum(), rtol=1e-12, atol=1e-12)


def test_more_iterations_and_more_runs_are_never_worse() -> None:
    image = photograph()
    once = segment(image, 8, channel_axis=-1, init="random", tol=0, max_iter=2).inertia
    longer = segment(image, 8, channel_axis=-1, init="random", tol=0, max_iter=300).inertia
    assert longer <= once
    runs = [
        segment(image, 8, channel_axis=-1, init="random", n_init=n, seed=3).inertia
        for n in (1, 2, 5)
    ]
    assert runs == sorted(runs, reverse=True)


def test_of_starts_that_end_equally_well_but_for_rounding_the_first_counts() -> None:
    # 0.3 - 0.2 is a little less than 0.2 - 0.1: as floats these are not quite evenly spaced.
    values = [0.1, 0.2, 0.3]
    ends = set()
    for seed in range(10):
        one = segment(values, 2, init="random", seed=seed, tol=0)
        best = segment(values, 2, init="random", seed=seed, tol=0, n_init=20)
        np.testing.assert_array_equal(best.labels, one.labels)
        ends.add(bytes(one.labels))
    assert len(ends) == 2, "both ends are found"

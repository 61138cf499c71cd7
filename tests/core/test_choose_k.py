"""How many clusters there are."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg import choose_k


def kinds_of_tissue(means: list[float], dtype: str) -> np.ndarray:
    """Draw an image of stripes that differ by much more than their noise."""
    image = np.random.default_rng(0).normal(0, 3, (128, 64 * len(means)))
    return (image + np.repeat(means, 64)).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
@pytest.mark.parametrize("means", [[60, 180], [40, 110, 200], [30, 90, 150, 220]])
def test_as_many_clusters_are_suggested_as_there_are_kinds_of_tissue(
    means: list[float], dtype: str
) -> None:
    curve = choose_k(kinds_of_tissue(means, dtype))
    assert curve.suggestion == len(means)
    assert curve.n_clusters[curve.elbow.argmax()] == len(means)
    assert curve.n_clusters[curve.silhouette.argmax()] == len(means)


def test_the_elbow_does_not_depend_on_where_the_numbers_begin() -> None:
    image = kinds_of_tissue([40, 110, 200], "uint8")
    whole, part = choose_k(image, range(1, 9)), choose_k(image, range(2, 9))
    np.testing.assert_allclose(part.elbow, whole.elbow[1:], rtol=1e-12)
    assert whole.elbow[0] == pytest.approx(0, abs=1e-12)

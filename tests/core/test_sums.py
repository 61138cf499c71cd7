"""Sums per label are added up in the order of the points, so that their bits are known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg.core.sums import sums_by_label


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.intp])
@pytest.mark.parametrize("n", [1, 1000, 100_003])
def test_numbers_are_added_in_the_order_of_the_points(n, dtype):
    random = np.random.default_rng(n)
    index = random.integers(0, 200, n).astype(dtype)
    rows = random.normal(0, 1e3, (3, n)) + 1e6

    found = sums_by_label(index, [*rows, None], 250)

    assert found.shape == (250, 4)
    expected = np.zeros((250, 4))
    np.add.at(expected, index, np.vstack([rows, np.ones(n)]).T)
    np.testing.assert_array_equal(found, expected)


def test_no_points_have_no_sum():
    found = sums_by_label(np.empty(0, np.uint8), [np.empty(0)], 4)

    np.testing.assert_array_equal(found, np.zeros((4, 1)))
    assert found.dtype == np.float64

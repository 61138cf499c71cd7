"""Along the curve each point is next to the one before it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg.core import curve
from napari_kmeans_seg.core.curve import along_curve, places_in_z_order


@pytest.mark.parametrize(("n_axes", "side"), [(1, 100), (2, 64), (3, 16), (4, 8)])
def test_the_curve_visits_every_cell_of_a_cube_step_by_step(n_axes, side):
    grid = np.indices((side,) * n_axes).reshape(n_axes, -1).astype(float)

    order, places = along_curve(grid)

    assert (np.sort(order) == np.arange(order.size)).all()
    assert (np.abs(np.diff(grid[:, order], axis=1)).sum(axis=0) == 1).all()
    assert (np.diff(places.astype(int)) > 0).all()


def test_places_that_begin_alike_lie_in_one_cell():
    colors = np.random.default_rng(0).integers(0, 256, (3, 20_000)).astype(float)
    colors[:, :8] = np.stack(np.meshgrid([0, 255], [0, 255], [0, 255])).reshape(3, 8)

    order, places = along_curve(colors)

    for n_bits, side in ((3, 128), (12, 16), (21, 2)):
        cells = places >> np.uint32(curve.PLACE_BITS - n_bits)
        starts = np.flatnonzero(np.concatenate([[True], cells[1:] != cells[:-1]]))
        along = colors[:, order]
        low, high = (ufunc.reduceat(along, starts, axis=1) for ufunc in (np.minimum, np.maximum))
        np.testing.assert_array_equal(low // side, high // side)


def test_in_z_order_the_bits_of_the_axes_take_turns():
    x, y, z = grid = np.indices((256, 256, 2)).reshape(3, -1)

    places, by_rank = places_in_z_order(grid.astype(float))

    expected = np.zeros(x.size, int)
    for bit in range(8):
        for axis, value in enumerate((x, y, z)):
            expected += (value >> bit) % 2 << (3 * bit + axis)
    np.testing.assert_array_equal(places, expected)
    assert not by_rank


@pytest.mark.parametrize("far", [1e6, 1e30])
def test_values_far_from_the_others_do_not_leave_them_in_few_cells(far):
    features = np.random.default_rng(1).normal(0, 1, (3, 10_000))
    features[:, 0] = far

    _, places = along_curve(features)

    assert len(np.unique(places)) > 5000
    assert places_in_z_order(features)[1], "places follow the ranks"


def test_points_in_one_place_are_in_order():
    order, places = along_curve(np.zeros((2, 1000)))

    assert (places == places[0]).all()
    np.testing.assert_array_equal(order, np.arange(1000))


def test_threads_change_nothing(monkeypatch):
    features = np.random.default_rng(2).normal(0, 1, (3, 10_000))
    order, places = along_curve(features)
    monkeypatch.setattr(curve, "PIECE", 999)

    again = along_curve(features)

    np.testing.assert_array_equal(again[0], order)
    np.testing.assert_array_equal(again[1], places)

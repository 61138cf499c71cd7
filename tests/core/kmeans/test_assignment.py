"""Points that are assigned to many centroids."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg.core.kmeans.assignment import Assignment
from napari_kmeans_seg.core.kmeans.points import WeightedPoints

from .. import plain

POINTS = np.random.default_rng(0).integers(-500, 500, (2, 9000)).astype(float)


class Stop(Exception):
    """A person has pressed Cancel."""


def test_a_stop_is_noticed_within_some_hundred_million_distances():
    points = WeightedPoints(POINTS, np.ones(9000))
    assert len(points.pieces) == 1
    said = []

    def stop_at_the_second(part):
        said.append(part)
        if len(said) > 1:
            raise Stop

    with pytest.raises(Stop):
        Assignment(points, 65_535).move(np.resize(POINTS.T, (65_535, 2)) + 0.5, stop_at_the_second)
    assert 0 < said[-1] < 1


def test_pieces_that_are_cut_up_change_nothing():
    points, centroids = WeightedPoints(POINTS, np.ones(9000)), POINTS.T[:40] + 0.25
    many = np.vstack([centroids, np.full((65_000, 2), 9e5)])
    assigned, few = Assignment(points, len(many)), Assignment(points, 40)
    assigned.move(many)
    few.move(centroids)
    np.testing.assert_array_equal(assigned.labels, plain.nearest(POINTS.T, centroids))
    np.testing.assert_array_equal(assigned.counts[:40], few.counts)
    np.testing.assert_array_equal(assigned.totals[:40], few.totals)
    assert assigned.inertia == few.inertia

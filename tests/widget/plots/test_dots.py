"""Dots as a picture."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg.widget.plots.dots import paint_dots

RED, BLUE, FAINT = (255, 0, 0, 255), (0, 0, 255, 255), (255, 0, 0, 51)
RIM = np.array([255, 255, 255, 255], np.uint8)


def paint(place, diameter, color, rim_width=0.0):
    return paint_dots(
        (40, 60),
        np.array(place, float).reshape(-1, 2),
        np.array(diameter, float),
        np.array(color, np.uint8).reshape(-1, 4),
        RIM,
        rim_width,
    )


def test_a_dot_has_its_place_its_colour_and_its_area():
    picture = paint([(20.5, 10.5)], [9], [RED])
    assert picture.shape == (40, 60, 4)
    assert tuple(picture[10, 20]) == RED
    assert picture[..., 3].sum() / 255 == pytest.approx(np.pi * 4.5**2, rel=0.05)
    rows, columns = np.nonzero(picture[..., 3])
    assert (rows.mean(), columns.mean()) == (10, 20)


def test_later_dots_cover_earlier_ones():
    for first, second in ((RED, BLUE), (BLUE, RED)):
        picture = paint([(20, 20), (22, 20)], [9, 9], [first, second])
        assert tuple(picture[20, 21]) == second


def test_small_dots_after_large_ones_are_seen():
    picture = paint([(20, 20), (20, 20)], [15, 4], [RED, BLUE])
    assert tuple(picture[20, 20]) == BLUE
    assert tuple(picture[20, 25]) == RED


def test_a_rim_lies_around_all_opaque_dots_not_between_them():
    picture = paint([(20, 20), (24, 20), (45, 20)], [9, 9, 9], [RED, BLUE, FAINT], rim_width=2)
    assert tuple(picture[20, 14]) == tuple(RIM)
    assert not (picture[18:23, 17:27] == RIM).all(axis=-1).any()
    # Faint ones have none, and are premultiplied as Qt wants them.
    assert tuple(picture[20, 45]) == (51, 0, 0, 51)
    assert not (picture[:, 38:] == RIM).all(axis=-1).any()


def test_dots_at_the_edge_are_cut_and_none_is_lost():
    picture = paint([(0, 0), (60, 40), (-500, 20)], [9, 9, 9], [RED, BLUE, RED])
    assert tuple(picture[0, 0]) == RED
    assert tuple(picture[39, 59]) == BLUE
    assert tuple(picture[20, 0]) == RED
    assert not picture[10:15, 20:].any()


def test_without_dots_there_is_nothing():
    assert not paint([], [], []).any()

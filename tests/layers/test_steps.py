"""Steps that are clustered each by itself: a label means the same thing in all of them."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image

from napari_kmeans_seg.layers import LayerImage

N_STEPS = 9
# Four things: what is around, a large square, and two that cross in brightness.
LEFT, RIGHT, LARGE = (slice(10, 30), slice(5, 25)), (slice(10, 30), slice(30, 50)), slice(36, 58)


def crossing(dtype: str = "uint8", n_channels: int = 0) -> np.ndarray:
    """One thing becomes slowly brighter than another, with noise."""
    shape = (N_STEPS, 60, 60, *[n_channels] * bool(n_channels))
    series = np.full(shape, 20.0)
    series[:, LARGE, LARGE] = 220
    for i in range(N_STEPS):
        # Between two steps they have the same value, never at one.
        series[i][LEFT] = 70 + 10 * i
        series[i][RIGHT] = 145 - 10 * i
    series += np.random.default_rng(0).normal(0, 1, shape)
    return series.astype(dtype)


def labels_of(data, axis: int = 0, k: int = 4, **layer) -> np.ndarray:
    source = replace(LayerImage.of(Image(data, **layer)), step_axis=axis)
    return np.asarray(source.segment(n_clusters=k).labels)


def told_apart(labels: np.ndarray, axis: int = 0) -> list[list[int]]:
    """The label of each of the four things at each step, which nearly all of its pixels have."""
    found = []
    for step in np.moveaxis(labels, axis, 0):
        things = [step[LEFT], step[RIGHT], step[LARGE, LARGE], step[:8]]
        counts = [np.bincount(thing.ravel()) for thing in things]
        assert all(one.max() > 0.95 * one.sum() for one in counts)
        found.append([int(one.argmax()) for one in counts])
    return found


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_things_that_cross_in_brightness_keep_their_labels(dtype):
    assert told_apart(labels_of(crossing(dtype))) == [[2, 3, 4, 1]] * N_STEPS


def test_so_they_do_in_colour_along_another_axis_and_in_a_lazy_array():
    series = crossing(n_channels=3)
    series[:, LEFT[0], LEFT[1], 2] += 25
    assert told_apart(labels_of(series, rgb=True)) == [[2, 3, 4, 1]] * N_STEPS
    grey = np.moveaxis(crossing(), 0, 1)
    assert told_apart(labels_of(grey, axis=1), axis=1) == [[2, 3, 4, 1]] * N_STEPS
    for chunks in ((1, 25, 60), (4, 60, 20)):
        lazy = da.from_array(crossing(), chunks=chunks)
        assert told_apart(labels_of(lazy)) == [[2, 3, 4, 1]] * N_STEPS


def test_in_a_pyramid_they_keep_them_on_every_level():
    series = crossing()
    source = LayerImage.of(Image([series, series[:, ::2, ::2]], multiscale=True))
    found = replace(source, step_axis=0).segment(n_clusters=4)
    assert told_apart(found.labels) == [[2, 3, 4, 1]] * N_STEPS


def test_in_a_pyramid_in_memory_they_are_matched_as_without_it():
    # Noise, in which it hangs on few pixels what is matched with what.
    series = np.random.default_rng(5).random((5, 24, 30, 3), np.float32)
    pyramid = [series, series[:, ::2, ::2]]
    plain = labels_of(series, k=2, rgb=True)
    np.testing.assert_array_equal(labels_of(pyramid, k=2, rgb=True, multiscale=True), plain)


def test_things_that_move_away_keep_the_label_of_their_brightness():
    series = np.full((6, 60, 90), 20, np.uint8)
    for i in range(6):
        series[i, 10:18, 15 * i : 15 * i + 8] = 120
        series[i, 30:38, 80 - 15 * i : 88 - 15 * i] = 200
    series += np.random.default_rng(0).integers(0, 5, series.shape, np.uint8)
    labels = labels_of(series, k=3)
    np.testing.assert_array_equal(labels, 1 + (series > 100) + (series > 180))


def test_things_that_bleach_keep_their_labels():
    first = crossing()[0].astype(float)
    series = np.stack([first * 0.8**i for i in range(8)])
    assert told_apart(labels_of(series)) == [[2, 3, 4, 1]] * 8


def test_what_is_gone_for_a_while_comes_back_with_its_label():
    series = np.stack([crossing()[0]] * 4)
    series[1:3][:, LARGE, LARGE] = 20
    series = np.where(series > 180, 220, np.where(series > 100, 145, np.where(series > 40, 70, 20)))
    with pytest.warns(UserWarning, match="3 distinct values"):
        labels = labels_of(series.astype(np.uint8))
    assert [step[40, 40] for step in labels] == [4, 1, 1, 4]
    assert (labels[:, 15, 10] == 2).all()
    assert (labels[:, 15, 40] == 3).all()

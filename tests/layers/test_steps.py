"""Steps that are clustered each by itself: a label means the same thing in all of them."""

from __future__ import annotations

import warnings
from dataclasses import replace
from inspect import signature

import dask.array as da
import numpy as np
import pytest
import tifffile
from napari.layers import Image, Labels

from napari_kmeans_seg import segment, segment_steps
from napari_kmeans_seg.layers import LayerImage, Region, Seeds
from napari_kmeans_seg.layers.results import levels_of

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


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("n_alike", [1, 2, 5])
def test_things_as_bright_as_each_other_for_some_steps_keep_their_labels_after_them(
    n_alike, order, seed
):
    bands = np.repeat([0, 1, 2], 20)[:, np.newaxis] * np.ones(60, int)
    first = [10, 60, *[110] * n_alike, 160, 210][::order]
    values = np.array([first, [110] * len(first), [250] * len(first)])
    noise = np.random.default_rng(seed).normal(0, 3, (len(first), 60, 60))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that place and value disagree, or say nothing
        steps = segment_steps(values.T[:, bands] + noise, n_clusters=3, step_axis=0)
    differ = [0, 1, -2, -1]
    assert (steps.labels[differ] == steps.labels[0]).mean() > 0.99


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


def static(values, noise: float = 0) -> np.ndarray:
    """Three things that never move, with these values at each step: (n, 30, 60)."""
    series = np.repeat(np.array(values, float)[:, np.newaxis, :], 20, axis=2).reshape(-1, 1, 60)
    series = np.repeat(series, 30, axis=1)
    return (series + np.random.default_rng(0).normal(0, noise, series.shape)).astype("float32")


@pytest.mark.parametrize("noise", [0, 8])
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    "values",
    [
        [[50, 120, 200], [250, 120, 200], [250, 120, 200]],
        [[50, 120, 200], [205, 135, 55], [50, 120, 200]],
        [[50, 120, 200], [160, 20, 100]],
    ],
)
def test_what_stays_keeps_its_label_past_two_others_in_brightness_and_when_all_is_inverted(
    values, lazy, noise
):
    series = static(values, noise)
    data = da.from_array(series, chunks=(1, 30, 60)) if lazy else series
    source = replace(LayerImage.of(Image(data)), step_axis=0)
    found = source.segment(n_clusters=3)
    for step in np.asarray(found.labels):
        things = [np.bincount(step[:, 20 * i : 20 * i + 20].ravel(), minlength=4) for i in range(3)]
        assert [int(one.argmax()) for one in things] == [1, 2, 3]
    assert "Step 1: Labels" in " ".join(found.warnings)
    assert "were given by place, since their clusters stay where they were" in " ".join(
        found.warnings
    )


def test_nothing_is_said_where_place_and_value_tell_the_same():
    series = static([[50, 120, 200], [40, 90, 160], [30, 80, 150]])
    assert segment_steps(series, 3).warnings == ()


def test_what_moves_to_where_nothing_tells_it_apart_is_said_to_be_uncertain():
    series = np.zeros((2, 40, 90), np.uint8)
    series[0, 5:15, 5:15], series[0, 25:35, 5:15] = 100, 200
    series[1, 5:15, 70:80], series[1, 25:35, 70:80] = 149, 151
    with pytest.warns(UserWarning, match="uncertain: neither place nor value"):
        found = segment_steps(series, 3)
    assert len(found.steps) == 2


# -- steps without pixels ---------------------------------------------------------------


def halves(n: int = 4) -> np.ndarray:
    series = np.zeros((n, 20, 30), np.float32)
    series[:, :, 15:] = 9
    return series


@pytest.mark.parametrize("lazy", [False, True])
def test_a_step_without_a_pixel_is_label_0_and_a_warning_names_it(lazy):
    series = halves(6)
    series[[0, 2, 3]] = np.nan
    data = da.from_array(series, chunks=(1, 20, 30)) if lazy else series
    source = replace(LayerImage.of(Image(data)), step_axis=0)
    found = source.segment(n_clusters=2)
    labels = np.asarray(found.labels)
    assert not labels[[0, 2, 3]].any()
    np.testing.assert_array_equal(labels[[1, 4, 5]], 1 + (series[[1, 4, 5]] > 5))
    assert "Steps 0 and 2 to 3 have no pixel that takes part: label 0 there." in found.warnings
    np.testing.assert_array_equal(np.asarray(found.image)[[1, 4, 5]], series[[1, 4, 5]])
    assert not np.asarray(found.image)[0].any()
    assert found.counts.tolist() == [900, 900]
    merged = found.merge((1, 2))
    assert np.asarray(merged.labels).max() == 1
    assert any("Steps 0 and 2" in one for one in merged.warnings)


def test_so_is_a_transparent_one_and_one_outside_the_region_or_without_colour_seeds():
    rgba = np.full((3, 20, 30, 4), 255, np.uint8)
    rgba[:, :, 15:, :3] = 40
    rgba[1, ..., 3] = 0
    source = replace(LayerImage.of(Image(rgba, rgb=True)), step_axis=0)
    found = source.segment(n_clusters=2)
    assert [np.unique(one).tolist() for one in found.labels] == [[1, 2], [0], [1, 2]]
    np.testing.assert_array_equal(found.image[..., 3], rgba[..., 3])

    painted = np.zeros((4, 20, 30), np.uint8)
    painted[:2, 5:] = 1
    region = Region.of(Labels(painted, name="reg"))
    source = replace(LayerImage.of(Image(halves())), step_axis=0, region=region)
    found = source.segment(n_clusters=2)
    assert [np.unique(one).tolist() for one in found.labels] == [[0, 1, 2], [0, 1, 2], [0], [0]]

    nowhere = Region.of(Labels(painted, translate=(0, 900, 900), name="far"))
    with pytest.raises(ValueError, match="“far” misses the image"):
        replace(source, region=nowhere).segment(n_clusters=2)


def test_a_blank_step_of_a_pyramid_is_blank_on_every_level():
    series = halves(3)
    series[1] = np.nan
    layer = Image([series, series[:, ::2, ::2]], multiscale=True)
    found = replace(LayerImage.of(layer), step_axis=0).segment(n_clusters=2)
    for level in levels_of(found):
        assert [np.unique(one).tolist() for one in level.labels] == [[1, 2], [0], [1, 2]]


# -- without layers ---------------------------------------------------------------------


@pytest.mark.parametrize("lazy", [False, True])
def test_segment_steps_gives_what_the_dock_gives(lazy):
    series = np.moveaxis(crossing(n_channels=2), -1, 0)
    data = da.from_array(series, chunks=(2, 1, 60, 60)) if lazy else series
    with pytest.warns(UserWarning, match="were given by place"):
        found = segment_steps(data, 4, step_axis=1, channel_axis=0, normalize=True)
    layers = [Image(one) for one in series]
    source = replace(LayerImage.of(*layers), step_axis=0)
    same = source.segment(n_clusters=4, normalize=True)
    np.testing.assert_array_equal(np.asarray(found.labels), same.labels)
    np.testing.assert_array_equal(np.asarray(found.image), same.image)
    assert told_apart(np.asarray(found.labels)) == [[2, 3, 4, 1]] * N_STEPS
    assert len(found.steps) == N_STEPS


@pytest.mark.filterwarnings("ignore:Step")
def test_segment_steps_takes_a_file_whose_axes_it_knows(tmp_path):
    channels_first = np.moveaxis(crossing(n_channels=2), -1, 1)
    file = tmp_path / "series.ome.tif"
    tifffile.imwrite(file, channels_first, metadata={"axes": "TCYX"})
    found = segment_steps(file, 4)
    expected = segment_steps(channels_first, 4, channel_axis=1)
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert found.parameters["channel_axis"] == 1


def test_segment_steps_says_what_it_cannot_take():
    series = halves()
    with pytest.raises(ValueError, match="step_axis takes an axis of the image"):
        segment_steps(series, 2, step_axis=3)
    with pytest.raises(ValueError, match="another axis than channel_axis; got 0 for both"):
        segment_steps(series, 2, step_axis=0, channel_axis=-3)
    with pytest.raises(ValueError, match="at least one pixel"):
        segment_steps(np.full_like(series, np.nan), 2)
    mask = np.zeros(series.shape, bool)
    mask[1] = True
    with pytest.warns(UserWarning, match="Steps 0 and 2 to 3 have no pixel"):
        found = segment_steps(series, 2, mask=mask)
    assert (found.labels[1] > 0).all()


def test_segment_steps_takes_what_segment_takes_with_the_same_defaults():
    plain, steps = (dict(signature(one).parameters) for one in (segment, segment_steps))
    assert steps.pop("step_axis").default == 0
    assert steps == plain


@pytest.mark.filterwarnings("ignore:Step")
def test_each_step_has_a_model_that_gives_its_labels():
    series = crossing()
    found = segment_steps(series, 4)
    assert told_apart(found.labels) == [[2, 3, 4, 1]] * N_STEPS
    for i, step in enumerate(found.steps):
        np.testing.assert_array_equal(step.model.predict(series[i : i + 1]).labels, step.labels)
    np.testing.assert_array_equal(found.to_dataframe()["label"], [1, 2, 3, 4])


@pytest.mark.filterwarnings("ignore:The image has 2 distinct values")
@pytest.mark.parametrize("numbers", [(1, 2, 3), (3, 1, 2), (4, 9, 6)])
@pytest.mark.parametrize("first", [0, 1])
def test_seeds_keep_their_numbers_in_steps_that_have_fewer_values(numbers, first):
    pixels = np.zeros((2, 4, 4), np.uint8)
    pixels[first, 1], pixels[first, 2:] = 90, 200
    pixels[1 - first, 2:] = 190
    painted = np.zeros(pixels.shape, np.uint8)
    painted[first, [0, 1, 2], 0] = numbers
    source = replace(LayerImage.of(Image(pixels)), step_axis=0, seeds=Seeds.of(Labels(painted)))
    found = source.segment()
    low, middle, high = numbers
    np.testing.assert_array_equal(found.labels[first, :, 0], [low, middle, high, high])
    np.testing.assert_array_equal(found.labels[1 - first, :, 0], [low, low, high, high])
    assert set(found.to_dataframe()["label"]) >= {*numbers}


def test_a_step_outside_a_lazy_mask_is_label_0():
    series = crossing()[:3]
    mask = np.ones(series.shape, bool)
    mask[1] = False
    with pytest.warns(UserWarning, match="Step 1 has no pixel that takes part"):
        found = segment_steps(series, 4, mask=da.from_array(mask, chunks=(1, 60, 60)))
    labels = np.asarray(found.labels)
    assert not labels[1].any()
    assert told_apart(labels[[0, 2]]) == [[2, 3, 4, 1]] * 2

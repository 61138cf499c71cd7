"""Integers of 64 bits that no float can hold: what they differ by decides, or it is said."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
import skimage.data

from napari_kmeans_seg import choose_k, pool, prepare, segment, segment_steps
from napari_kmeans_seg.core.base.notes_on_kind import DigitsLost

if TYPE_CHECKING:
    from numpy.typing import NDArray

COINS, COFFEE = skimage.data.coins()[::2, ::2], skimage.data.coffee()[::4, ::4]

SHIFTS = [(np.uint64, 1 << 60), (np.uint64, (1 << 63) + 5), (np.int64, -(1 << 60) - 77)]

HOW: list[dict[str, Any]] = [
    {},
    {"normalize": True},
    {"spatial_weight": 0.5},
    {"fit_scale": 0.5},
    {"init": "random", "n_init": 2},
    {"tol": 0.0},
]


def shifted(image: NDArray[Any], dtype: Any, by: int) -> NDArray[Any]:
    """Add a constant without a float in between."""
    return (image.astype(np.int64).view(np.uint64) + np.uint64(by % (1 << 64))).view(dtype)


def quietly(function: Any, *args: Any, **how: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **how)


@pytest.mark.parametrize("how", HOW, ids=str)
@pytest.mark.parametrize(("dtype", "by"), SHIFTS)
def test_labels_are_those_of_the_same_image_from_0(dtype: Any, by: int, how: dict[str, Any]):
    for image, axis in ((COINS, None), (COFFEE, -1)):
        more = how if axis is None else {**how, "channel_weights": (1, 0.5, 2)}
        plain = segment(image.astype(np.int64), 4, channel_axis=axis, **more)
        large = shifted(image, dtype, by)
        found = quietly(segment, large, 4, channel_axis=axis, **more)
        # Samples are drawn by their values: others stand for all, and may lead elsewhere.
        assert found.inertia == pytest.approx(plain.inertia, rel=0.01)
        if "spatial_weight" not in how:
            assert (found.labels == plain.labels).mean() > 0.9
        again = quietly(found.model.predict, large)
        np.testing.assert_array_equal(again.labels, found.labels)


@pytest.mark.parametrize(("dtype", "by"), SHIFTS)
def test_smoothed_values_keep_all_digits_of_integers(dtype: Any, by: int):
    spread = COINS.astype(np.int64) * 1000
    for sigma in (1, 50):
        plain, large = segment(spread, 4, smoothing=sigma), shifted(spread, dtype, by)
        found = quietly(segment, large, 4, smoothing=sigma)
        assert (found.labels == plain.labels).mean() > 0.999
        np.testing.assert_array_equal(quietly(found.model.predict, large).labels, found.labels)


@pytest.mark.parametrize(("dtype", "by"), SHIFTS)
def test_suggestions_and_adapted_models_are_those_of_the_same_image_from_0(dtype: Any, by: int):
    large = shifted(COINS, dtype, by)
    assert quietly(choose_k, large).suggestion == choose_k(COINS.astype(np.int64)).suggestion
    model = quietly(pool([COINS.astype(dtype)], adapt="scale").fit, 4)
    expected = quietly(model.predict, COINS.astype(dtype)).labels
    assert len(np.unique(expected)) == 4
    np.testing.assert_array_equal(quietly(model.predict, large).labels, expected)


@pytest.mark.parametrize(("dtype", "by"), SHIFTS)
def test_it_is_said_that_means_have_fewer_digits(dtype: Any, by: int):
    large = shifted(COINS, dtype, by)
    unit = int(np.spacing(float(abs(by))))
    for found in (
        quietly(segment, large, 4),
        quietly(segment, large, 4, smoothing=2),
        quietly(segment, da.from_array(large, chunks=60), 4),
        quietly(segment_steps, large[np.newaxis], 4, step_axis=0),
        quietly(quietly(segment, large, 4).model.predict, large),
        quietly(prepare(large).classify, [[float(by)], [float(by + 2000)]]),
    ):
        (note,) = [one for one in found.notes if isinstance(one, DigitsLost)]
        assert note.unit == unit
        assert f"rounded to multiples of {unit:,}" in str(note)
    with pytest.warns(UserWarning, match="beyond 2\\^53"):
        segment(large, 4)


def test_nothing_is_said_where_floats_hold_what_counts():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        segment(shifted(COINS, np.uint64, 1 << 52), 4)
        # From 0 on: what is rounded is nothing beside how far values are apart.
        segment(COINS.astype(np.uint64) << np.uint64(50), 4)

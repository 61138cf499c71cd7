"""Progress is told often and only forward, and stops the work when it raises."""

from __future__ import annotations

import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import skimage.data

from napari_kmeans_seg import KMeansModel, choose_k, prepare, segment
from napari_kmeans_seg.core.base.parallel import n_threads, never_falling

if TYPE_CHECKING:
    from collections.abc import Callable

STOP = 1.0
"""Seconds in which a stop must work: no two calls may be farther apart."""


def clocks() -> tuple[float, float]:
    """Tell the time, and how long our own processors worked."""
    return time.perf_counter(), time.process_time()


def passed(times: list[tuple[float, float]]) -> np.ndarray:
    """Seconds between clocks, without those in which the machine did other things."""
    return np.diff(times, axis=0).min(axis=1)


class StopError(Exception):
    pass


class Record:
    """Remembers when it was called, from where and with what; stops the work at `stop_at`."""

    def __init__(self, stop_at: float = np.inf) -> None:
        self.stop_at = stop_at
        self.fractions: list[float] = []
        self.stages: list[str] = []
        self.threads: set[int] = set()
        self.times = [clocks()]
        self.stopped: tuple[float, float] | None = None

    def __call__(self, fraction: float, stage: str) -> None:
        self.times.append(clocks())
        self.fractions.append(fraction)
        self.stages.append(stage)
        self.threads.add(threading.get_ident())
        if fraction >= self.stop_at:
            self.stopped = self.times[-1]
            raise StopError

    def longest_silence(self) -> tuple[float, str]:
        """Seconds, and the stage after which nothing was heard."""
        gaps = passed([*self.times, clocks()])
        return float(gaps.max()), ["start", *self.stages][int(gaps.argmax())]


def noise(dtype: str, n_channels: int, megapixels: int = 12) -> np.ndarray:
    random = np.random.default_rng(0)
    shape = (3000, 1000 * megapixels // 3, n_channels)
    if dtype.startswith("float"):
        return random.random(shape, dtype=dtype)
    return random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@pytest.mark.parametrize(("dtype", "n_channels"), [("uint8", 3), ("uint16", 1), ("float32", 3)])
def test_twelve_megapixels_of_noise_never_go_silent(dtype: str, n_channels: int) -> None:
    record = Record()
    segment(noise(dtype, n_channels), channel_axis=-1, max_iter=10, progress=record)
    seconds, stage = record.longest_silence()
    assert seconds <= STOP, f"after {stage}"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"n_clusters": 12, "n_init": 3, "init": "random"},
        {"color_space": "lab"},
        {"color_space": "hsv", "normalize": True},
        {"smoothing": 2.0},
        {"fit_scale": 0.5},
        {"fit_scale": 0.5, "smoothing": 1.0},
        {"spatial_weight": 0.5, "max_iter": 10},
        {"init": "float"},
    ],
    ids=str,
)
def test_fractions_only_rise_from_0_to_1(arguments: dict[str, Any]) -> None:
    image = skimage.data.coffee()
    if arguments == {"init": "float"}:
        image, arguments = image + np.random.default_rng(0).random(image.shape), {}
    record = Record()
    segment(image, channel_axis=-1, progress=record, **arguments)
    assert record.fractions == sorted(record.fractions)
    assert record.fractions[-1] == 1
    assert min(record.fractions) >= 0
    assert all(isinstance(fraction, float) for fraction in record.fractions)
    assert all(isinstance(stage, str) and stage for stage in record.stages)
    assert record.threads == {threading.get_ident()}, "called from the calling thread only"


def test_progress_changes_nothing() -> None:
    image = skimage.data.coffee()
    silent = segment(image, channel_axis=-1)
    told = segment(image, channel_axis=-1, progress=Record())
    np.testing.assert_array_equal(told.labels, silent.labels)
    assert told.inertia == silent.inertia


def others_than_the_pool() -> set[threading.Thread]:
    """The threads that run, but for those that are kept for the next call."""
    every = threading.enumerate()
    assert sum(one.name.startswith("napari-kmeans-seg") for one in every) <= n_threads()
    return {one for one in every if not one.name.startswith("napari-kmeans-seg")}


@pytest.mark.parametrize("stop_at", [0.0, 0.05, 0.2, 0.405, 0.75, 0.95])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_an_exception_from_progress_stops_the_work_at_once(dtype: str, stop_at: float) -> None:
    image = noise(dtype, 3, 6)
    others = others_than_the_pool()
    record = Record(stop_at)
    with pytest.raises(StopError):
        segment(image, 8, channel_axis=-1, max_iter=10, progress=record)
    assert record.stopped is not None
    assert passed([record.stopped, clocks()]) < STOP
    assert others_than_the_pool() <= others, "no thread of its own is left"
    again = segment(image[:64, :64], 3, channel_axis=-1)
    assert again.counts.sum() == 64 * 64, "the next call works as ever"


def test_every_fraction_can_be_the_last() -> None:
    """However far it is, an exception comes out as it is, and leaves the image as it was."""
    image = skimage.data.coffee()[::3, ::3].copy()
    before = image.copy()
    record = Record()
    prepared = prepare(image, channel_axis=-1)
    prepared.segment(6, progress=record)
    for fraction in record.fractions[:: max(1, len(record.fractions) // 15)]:
        with pytest.raises(StopError):
            prepared.segment(6, progress=Record(fraction))
    np.testing.assert_array_equal(image, before)
    expected = segment(image, 6, channel_axis=-1)
    np.testing.assert_array_equal(prepared.segment(6).labels, expected.labels)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError])
def test_any_exception_comes_out_as_it_is(kind: type[BaseException]) -> None:
    def progress(fraction: float, stage: str) -> None:
        raise kind("from outside")

    with pytest.raises(kind, match="from outside"):
        segment(skimage.data.coffee(), channel_axis=-1, progress=progress)


def test_grey_levels_and_re_runs_tell_progress_too() -> None:
    record = Record()
    prepared = prepare(skimage.data.cell(), progress=record)
    assert record.fractions == sorted(record.fractions)
    assert record.fractions[-1] == 1
    record = Record()
    prepared.segment(4, progress=record)
    assert record.fractions == sorted(record.fractions)
    assert record.fractions[-1] == 1


def test_a_prediction_tells_progress_and_stops() -> None:
    image = skimage.data.coffee()
    model = segment(image, channel_axis=-1).model
    record = Record()
    model.predict(image, progress=record)
    assert record.fractions == sorted(record.fractions)
    assert record.fractions[-1] == 1
    with pytest.raises(StopError):
        model.predict(image, progress=Record(0.3))


COFFEE = skimage.data.coffee()


@cache
def blurring_model() -> KMeansModel:
    return segment(COFFEE, 9, channel_axis=-1, smoothing=40).model


KINDS: dict[str, Callable[[Record], object]] = {
    "until no pixel changes": lambda told: segment(
        COFFEE, 20, channel_axis=-1, tol=0, n_init=2, progress=told
    ),
    "a wide blur": lambda told: segment(
        np.tile(COFFEE, (3, 3, 1)), 4, channel_axis=-1, smoothing=500, progress=told
    ),
    "a wide blur inside a mask": lambda told: segment(
        COFFEE, 4, channel_axis=-1, smoothing=300, mask=COFFEE[..., 0] > 60, progress=told
    ),
    "equal rows of init": lambda told: segment(
        COFFEE, 2_000, channel_axis=-1, init=np.zeros((2_000, 3)), max_iter=3, progress=told
    ),
    "many clusters": lambda told: segment(
        COFFEE[::3, ::3], 5_000, channel_axis=-1, max_iter=2, progress=told
    ),
    "position": lambda told: segment(COFFEE, 8, channel_axis=-1, spatial_weight=0.5, progress=told),
    "sorted floats": lambda told: segment(
        np.random.default_rng(0).normal(size=3 << 20), 9, init="optimal", progress=told
    ),
    "numbers of clusters": lambda told: choose_k(
        COFFEE, (2, 3, 90), channel_axis=-1, progress=told
    ),
    "a model": lambda told: blurring_model().predict(COFFEE, progress=told),
}


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_waits_half_a_second_for_a_word_and_it_never_falls(kind: str) -> None:
    blurring_model()
    told = Record()
    KINDS[kind](told)
    assert (np.diff(told.fractions) >= 0).all()
    assert told.threads == {threading.get_ident()}
    silence, stage = told.longest_silence()
    assert silence < 0.5, stage


@pytest.mark.parametrize("calls", [2, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_stopped_ends_within_half_a_second(kind: str, calls: int) -> None:
    blurring_model()
    told = Record()

    def stop(fraction: float, stage: str) -> None:
        told(fraction, stage)
        if len(told.fractions) >= calls:
            told.stopped = told.times[-1]
            raise StopError

    with pytest.raises(StopError):
        KINDS[kind](stop)  # type: ignore[arg-type]
    assert told.stopped is not None
    assert passed([told.stopped, clocks()]).max() < 0.5


def test_what_is_stopped_has_ended_when_the_exception_comes_out() -> None:
    before = threading.active_count()
    told = Record(stop_at=0.5)
    with pytest.raises(StopError):
        segment(COFFEE, 300, channel_axis=-1, tol=0, progress=told)
    working = [one.name for one in threading.enumerate() if one.name.endswith("-work_0")]
    assert not working
    assert threading.active_count() <= before + n_threads()


def test_progress_that_would_fall_stands_still() -> None:
    told = Record()
    tell = never_falling(told)
    assert tell is not None
    for fraction in (0.1, 0.5, 0.2, 0.6, 1.5):
        tell(fraction, "Stage")
    assert told.fractions == [0.1, 0.5, 0.5, 0.6, 1.0]


@pytest.mark.parametrize("init", ["auto", "k-means++", "random", "rows"])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_as_many_clusters_as_values_are_these_values_and_none_is_drawn(
    init: str, n_channels: int
) -> None:
    values = np.arange(3000)
    image = np.stack([values, values[::-1] // 7][:n_channels], axis=-1).reshape(60, 50, -1)
    rows = np.repeat(np.linspace(0, 2999, 6000)[:, np.newaxis], n_channels, axis=1)
    calls: list[float] = []
    arguments: dict[str, Any] = {
        "channel_axis": -1,
        "progress": lambda fraction, _: calls.append(fraction),
    }
    pixels = image.astype(np.uint16)
    if init == "rows":
        with pytest.warns(UserWarning, match="3,000 distinct values"):
            found = segment(pixels, 6000, init=rows, **arguments)
    else:
        found = segment(pixels, 3000, init=init, **arguments)
    assert np.array_equal(np.sort(found.centroids[:, 0]), values)
    assert found.inertia == 0
    assert np.unique(found.labels).size == 3000
    assert len(calls) < 1500  # a draw of each would tell of each


def test_progress_goes_on_while_many_centroids_are_matched_with_more_rows() -> None:
    image = prepare(np.arange(3000, dtype=np.uint16).reshape(60, 50))
    rows, times = np.linspace(0, 2999, 60_000)[:, np.newaxis], [clocks()]

    with pytest.warns(UserWarning, match="3,000 distinct values"):
        found = image.segment(
            60_000, init=rows, keep_order=True, progress=lambda *_: times.append(clocks())
        )

    is_kept = ~np.isnan(found.centroids[:, 0])
    assert np.array_equal(found.centroids[is_kept, 0], np.arange(3000))
    assert passed([*times, clocks()]).max() < 0.5

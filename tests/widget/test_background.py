"""One piece of work on a thread of its own."""

from __future__ import annotations

import gc
import time

import numpy as np
import pytest

from napari_kmeans_seg import segment
from napari_kmeans_seg.widget.background import BackgroundWork, CancelledError


class Owner:
    """Somebody who waits."""


def count_for_ever(progress) -> None:
    while True:
        progress(0.5, "Counting")
        time.sleep(0.01)


def test_the_result_is_what_the_function_returns():
    owner = Owner()
    work = BackgroundWork(lambda progress: progress(0.25, "Adding") or 1 + 1, owner)
    assert not work.done
    work.start()
    assert work.wait(5)
    assert work.result() == 2
    assert (work.fraction, work.stage) == (0.25, "Adding")


def test_what_the_dock_tells_is_not_warned_of_as_well():
    owner, image = Owner(), np.zeros((3, 3), np.uint8)
    work = BackgroundWork(lambda _progress: segment(image, 2), owner)
    work.start()  # a warning would be an error here
    assert work.wait(5)
    assert "1 distinct value" in work.result().warnings[0]
    with pytest.warns(UserWarning, match="1 distinct value"):
        segment(image, 2)


def test_an_error_comes_out_of_the_result():
    owner = Owner()
    work = BackgroundWork(lambda _progress: 1 / 0, owner)
    work.start()
    assert work.wait(5)
    with pytest.raises(ZeroDivisionError):
        work.result()


def test_cancelling_stops_it_at_its_next_report():
    owner = Owner()
    work = BackgroundWork(count_for_ever, owner)
    work.start()
    work.cancel()
    assert work.wait(5)
    with pytest.raises(CancelledError):
        work.result()


def test_a_result_that_comes_after_cancelling_is_not_given_out():
    owner = Owner()
    work = BackgroundWork(lambda _progress: "too late", owner)
    work.cancel()
    work.start()
    assert work.wait(5)
    with pytest.raises(CancelledError):
        work.result()


def test_it_stops_when_nobody_waits_any_more():
    owner = Owner()
    work = BackgroundWork(count_for_ever, owner)
    work.start()
    del owner
    gc.collect()
    assert work.wait(5)

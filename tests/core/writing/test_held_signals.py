"""Signals wait until work is done that they must not cut in two, and are obeyed then."""

from __future__ import annotations

import signal
import sys
import threading

import pytest

from napari_kmeans_seg.core.writing.held_signals import HeldSignals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def test_ctrl_c_waits_until_the_work_is_done():
    done = []

    def work() -> None:
        with HeldSignals():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["all of it"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_is_let_through_holds_the_next_one():
    done = []

    def work() -> None:
        with HeldSignals() as held:
            try:
                with held.let_through():
                    signal.raise_signal(signal.SIGINT)
                    done.append("never")
            finally:
                signal.raise_signal(signal.SIGINT)
                done.append("cleared away")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["cleared away"]


def test_one_that_came_before_is_obeyed_when_signals_are_let_through():
    done = []

    def work() -> None:
        with HeldSignals() as held:
            signal.raise_signal(signal.SIGINT)
            with held.let_through():
                done.append("never")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == []


@pytest.mark.parametrize("kept", [signal.SIG_IGN, signal.SIG_DFL])
def test_what_python_does_not_handle_stays_as_it_is(kept):
    before = signal.signal(signal.SIGTERM, kept)
    try:
        with HeldSignals():
            assert signal.getsignal(signal.SIGTERM) is kept
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_are_left_alone():
    found = []

    def work() -> None:
        with HeldSignals():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]

"""One timer of a dock, and work on threads of their own."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest
from qtpy.QtCore import QEventLoop, QObject, QTimer

from napari_kmeans_seg import segment
from napari_kmeans_seg.widget.base.task import Clock, Task

from ..hands import threads


def count_for_ever(progress) -> None:
    while True:
        progress(0.5, "Counting")
        time.sleep(0.01)


def wait_for(release: threading.Event, result):
    """Make work that ends when it is let."""

    def work(progress):
        progress(0.25, "Waiting")
        assert release.wait(10)
        return result

    return work


@pytest.fixture
def parent(qapp):
    made = QObject()
    yield made
    gc.collect()


@pytest.fixture
def clock(parent) -> Clock:
    return Clock(parent)


@pytest.fixture
def said() -> list:
    return []


@pytest.fixture
def start(said):
    """Start a task that notes what comes of it."""
    return lambda task, work: task.start(
        work, lambda result: said.append(("done", result)), lambda error: said.append(error)
    )


# -- the clock


def test_what_is_to_be_called_later_is_called_once_in_the_order_of_time(clock, qtbot):
    called = []
    calls = [lambda one=one: called.append(one) for one in "abc"]
    for call, after in zip(calls, (60, 0, 20), strict=True):
        clock.call(call, after)
    assert clock.awaits(calls[0])
    assert not called, "not at once"
    qtbot.waitUntil(lambda: len(called) == 3)
    qtbot.wait(80)
    assert called == ["b", "c", "a"]
    assert not clock.awaits(calls[0])


def test_asked_for_again_it_waits_from_then_on(clock, qtbot):
    times = []
    note = lambda: times.append(time.perf_counter())  # noqa: E731
    for _ in range(4):
        clock.call(note, 80)
        qtbot.wait(30)
        last = time.perf_counter()
    qtbot.waitUntil(lambda: bool(times))
    assert len(times) == 1
    assert times[0] > last + 0.03


def test_what_is_forgotten_is_not_called(clock, qtbot):
    called = []
    first, second = (lambda: called.append(1)), (lambda: called.append(2))
    # Of two that are due at once the first may forget the second.
    clock.call(lambda: clock.forget(second))
    clock.call(second)
    clock.call(first, 10)
    clock.forget(first)
    qtbot.wait(40)
    assert called == []


def test_a_callback_that_lets_the_interface_go_on_does_not_keep_others_waiting(clock, qtbot):
    called, loop = [], QEventLoop()

    def enter() -> None:
        loop.exec()
        called.append("left")

    clock.call(enter)
    clock.call(lambda: called.append("meanwhile"), 20)
    clock.call(loop.quit, 40)
    qtbot.waitUntil(lambda: len(called) == 2)
    assert called == ["meanwhile", "left"]


def test_an_error_of_one_callback_does_not_keep_others_waiting(clock, qtbot):
    called = []

    def fail() -> None:
        raise LookupError("gone")

    with qtbot.captureExceptions() as errors:
        clock.call(fail)
        clock.call(lambda: called.append(1))
        qtbot.waitUntil(lambda: bool(called))
    assert [kind for kind, _, _ in errors] == [LookupError]


@pytest.mark.parametrize("end", ["closed", "destroyed"])
def test_nothing_is_called_once_it_is_closed(parent, clock, start, said, qtbot, end):
    task, called = Task(clock), []
    clock.call(lambda: called.append(1), 20)
    start(task, count_for_ever)
    if end == "closed":
        clock.close()
        clock.call(lambda: called.append(2))
        start(task, count_for_ever)
    else:
        parent.deleteLater()
    qtbot.waitUntil(lambda: not threads())
    qtbot.wait(40)
    assert not task.busy
    assert (called, said) == ([], [])
    if end == "closed":
        clock.open()
        start(task, lambda _progress: 3)
        qtbot.waitUntil(lambda: said == [("done", 3)])


# -- a task


def test_the_result_is_handed_out_on_the_thread_of_the_interface(clock, qtbot):
    task, found, release = Task(clock), [], threading.Event()
    task.start(
        wait_for(release, 2),
        lambda result: found.append((result, threading.current_thread(), task.busy)),
        found.append,
    )
    qtbot.waitUntil(lambda: task.fraction == 0.25)
    assert (task.busy, task.stage) == (True, "Waiting")
    release.set()
    qtbot.waitUntil(lambda: bool(found))
    assert found == [(2, threading.main_thread(), False)]
    assert (task.busy, task.fraction, task.stage) == (False, 0, "")


def test_how_far_it_is_is_shown_meanwhile(clock, said, start, qtbot):
    shown, release = [], threading.Event()
    task = Task(clock, lambda: shown.append(task.fraction))
    start(task, wait_for(release, 1))
    qtbot.waitUntil(lambda: 0.25 in shown)
    release.set()
    qtbot.waitUntil(lambda: said == [("done", 1)])
    n = len(shown)
    qtbot.wait(120)
    assert len(shown) == n


def test_what_the_dock_tells_is_not_warned_of_as_well(clock, said, start, qtbot):
    image = np.zeros((3, 3), np.uint8)
    start(Task(clock), lambda _progress: segment(image, 2))  # a warning would be an error here
    qtbot.waitUntil(lambda: bool(said))
    assert "1 distinct value" in said[0][1].warnings[0]
    with pytest.warns(UserWarning, match="1 distinct value"):
        segment(image, 2)


@pytest.mark.parametrize("where", ["work", "done"])
def test_an_error_is_handed_out(clock, said, qtbot, where):
    task = Task(clock)

    def divide(_) -> float:
        return 1 / 0

    if where == "work":
        task.start(divide, pytest.fail, said.append)
    else:
        task.start(lambda _progress: 1, divide, said.append)
    qtbot.waitUntil(lambda: bool(said))
    assert [type(error) for error in said] == [ZeroDivisionError]
    assert not task.busy


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_whatever_ends_the_thread_ends_the_task(clock, start, said, qtbot, kind):
    task = Task(clock)

    def leave(_progress):
        raise kind("a library has left")

    start(task, leave)
    qtbot.waitUntil(lambda: not task.busy)
    assert str(said[0]) == f"The work was ended by {kind.__name__}: a library has left"
    assert isinstance(said[0].__cause__, kind)


def test_what_leaves_while_the_result_is_shown_ends_the_task_and_goes_on(clock, said, qtbot):
    """Such as another plugin's hook that is called when a layer is added."""
    task = Task(clock)

    def leave(_result):
        raise GeneratorExit("a hook has left")

    with qtbot.captureExceptions() as errors:
        task.start(lambda _progress: 1, leave, said.append)
        qtbot.waitUntil(lambda: bool(said))
    assert str(said[0]) == "The work was ended by GeneratorExit: a hook has left"
    assert [kind for kind, _, _ in errors] == [GeneratorExit]
    assert not task.busy


def test_where_no_thread_can_be_started_the_work_is_done_all_the_same(clock, start, said, qtbot):
    before = threading.stack_size(1 << 46)
    try:
        start(Task(clock), lambda _progress: threading.current_thread())
    finally:
        threading.stack_size(before)
    qtbot.waitUntil(lambda: bool(said))
    assert said == [("done", threading.main_thread())]


def test_cancelling_stops_it_at_its_next_report_and_nobody_hears_of_it(clock, start, said, qtbot):
    task = Task(clock)
    start(task, count_for_ever)
    assert len(threads()) == 1
    task.cancel()
    assert not task.busy
    qtbot.waitUntil(lambda: not threads())
    qtbot.wait(30)
    assert said == []


def test_a_result_that_comes_after_cancelling_is_not_given_out(clock, start, said, qtbot):
    task, release = Task(clock), threading.Event()
    start(task, wait_for(release, "too late"))
    task.cancel()
    release.set()
    qtbot.waitUntil(lambda: not threads())
    qtbot.wait(30)
    assert said == []


def test_the_newest_work_counts(clock, start, said, qtbot):
    task, release = Task(clock), threading.Event()
    start(task, wait_for(release, "old"))
    start(task, wait_for(release, "new"))
    release.set()
    qtbot.waitUntil(lambda: not threads())
    qtbot.waitUntil(lambda: not task.busy)
    assert said == [("done", "new")]


@pytest.mark.parametrize("end", ["done", "failed", "cancelled"])
def test_what_has_ended_holds_nothing_though_its_thread_is_kept(clock, qtbot, end):
    """As Dask keeps the threads that have asked it to compute."""

    class Image:
        pass

    image, kept, told, task = Image(), [], [], Task(clock)
    gone = weakref.ref(image)

    def work(progress, image=image):
        kept.append(threading.current_thread())
        while end == "cancelled":
            progress(0.5, "Waiting")
        if end == "failed":
            raise ValueError("no image")
        return image

    def tell(how, _what, _image):
        told.append(how)

    task.start(
        work,
        lambda result, image=image: tell("done", result, image),
        lambda error, image=image: tell("failed", error, image),
    )
    del work, image
    qtbot.waitUntil(lambda: bool(kept))
    if end == "cancelled":
        task.cancel()
    else:
        qtbot.waitUntil(lambda: told == [end])
    qtbot.waitUntil(lambda: not threads())
    gc.collect()
    assert gone() is None


def test_it_stops_when_nobody_waits_any_more(parent, qtbot):
    """Without a word: neither cancelled nor closed."""
    clock = Clock(parent)
    task = Task(clock)
    task.start(count_for_ever, pytest.fail, pytest.fail)
    clock.forget(task._look)
    del task, clock
    gc.collect()
    qtbot.waitUntil(lambda: not threads())


def test_the_dock_has_one_timer(viewer, dock):
    widget = dock()
    ours = [one for one in widget.native.findChildren(QTimer) if type(one.parent()) is Clock]
    assert len(ours) == 1

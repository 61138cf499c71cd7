"""Pieces of work on all cores."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import dask.array as da
import numpy as np
import pytest
import skimage.data
from dask import threaded

from napari_kmeans_seg import segment
from napari_kmeans_seg.core.base import parallel
from napari_kmeans_seg.core.base.parallel import map_spans, spans


@pytest.fixture(params=[1, 2, 5])
def cores(request, monkeypatch):
    """Work as a machine with so many cores would."""
    monkeypatch.setattr(parallel, "n_threads", lambda: request.param)
    parallel._pool.cache_clear()
    yield request.param
    parallel._pool().shutdown()
    parallel._pool.cache_clear()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 100])
def test_results_come_in_the_order_of_the_pieces(cores, n):
    def late_if_even(start, stop):
        time.sleep(0.001 * (start % 2 == 0))
        return start, stop

    assert list(map_spans(late_if_even, spans(n, 1))) == spans(n, 1)


def test_all_cores_work_and_no_more(cores):
    working, most, who = [], [], Counter()

    def work(start, _stop):
        working.append(start)
        most.append(len(working))
        who[threading.get_ident()] += 1
        time.sleep(0.005)
        working.remove(start)

    list(map_spans(work, spans(60, 1)))
    assert max(most) <= cores
    assert min(2, cores) <= len(who) <= cores
    # The calling thread is one of them.
    assert threading.get_ident() in who


def test_few_results_wait_for_the_one_who_takes_them(cores):
    made = []
    results = map_spans(lambda start, _: made.append(start), spans(1000, 1))
    for taken, _ in enumerate(results, 1):
        time.sleep(0.001 * (taken < 50))
        assert len(made) <= taken + 2 * cores


def test_what_takes_the_results_may_use_all_cores_itself(cores):
    def inner(start, stop):
        return sum(map_spans(lambda a, b: b - a, spans(stop - start, 3)))

    total = sum(inner(0, n) for n in map_spans(lambda _, stop: stop, spans(40, 1)))
    assert total == sum(range(1, 41))


def test_callers_on_many_threads_do_not_wait_for_each_other_for_ever(cores):
    def call(n):
        return sum(map_spans(lambda start, stop: stop - start, spans(n, 7)))

    with ThreadPoolExecutor(8) as callers:
        assert list(callers.map(call, range(1000, 1040))) == list(range(1000, 1040))


def test_an_error_in_a_piece_comes_out_in_its_place_and_nothing_goes_on(cores):
    working, begun, seen = [], [], []

    def work(start, _stop):
        begun.append(start)
        working.append(start)
        time.sleep(0.002)
        working.remove(start)
        if start == 20:
            raise ZeroDivisionError("piece 20")
        return start

    with pytest.raises(ZeroDivisionError, match="piece 20"):
        seen.extend(map_spans(work, spans(1000, 1)))
    assert not working
    assert max(begun) <= 20 + 2 * cores
    time.sleep(0.02)
    assert max(begun) <= 20 + 2 * cores


def test_a_stop_by_the_caller_leaves_nothing_running(cores):
    working, done = [], []

    def work(start, _stop):
        working.append(start)
        time.sleep(0.002)
        working.remove(start)

    def tick(fraction):
        done.append(fraction)
        if fraction > 0.1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(map_spans(work, spans(200, 1), tick))
    assert not working
    assert done == sorted(done)
    assert done[0] == 0


def test_a_caller_that_needs_no_more_results_leaves_nothing_running(cores):
    working = []

    def work(start, _stop):
        working.append(start)
        time.sleep(0.002)
        working.remove(start)
        return start

    results = map_spans(work, spans(200, 1))
    assert next(results) == 0
    results.close()
    assert not working


def test_pieces_that_report_to_nobody_stop_with_the_work_that_they_are_part_of(cores):
    done, calls = [], []

    def slow(start, _stop):
        time.sleep(0.01)
        done.append(start)

    def stop(_part):
        calls.append(None)
        if len(calls) > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parallel.alive(lambda _: list(map_spans(slow, spans(5000, 1))), stop)
    assert 0 < len(done) < 2500


@pytest.mark.parametrize(
    ("n", "size", "number"), [(7, 7, 1), (8, 7, 2), (1000, 99, 12), (442740, 1 << 18, 2)]
)
def test_pieces_cover_all_and_are_an_even_number_of_equal_ones(n, size, number):
    pieces = spans(n, size)
    assert [start for start, _ in pieces] == [0, *(stop for _, stop in pieces[:-1])]
    assert pieces[-1][1] == n
    lengths = [stop - start for start, stop in pieces]
    assert len(lengths) == number
    assert max(lengths) <= size
    assert max(lengths) - min(lengths) <= number


@pytest.fixture
def no_threads():
    """As in a container whose limits let no thread be started."""
    parallel._pool.cache_clear()
    before = threading.stack_size(1 << 46)
    with pytest.raises(RuntimeError, match="start new thread"):
        threading.Thread(target=int).start()
    yield
    threading.stack_size(before)
    parallel._pool().shutdown()
    parallel._pool.cache_clear()


@pytest.mark.parametrize("lazy", [False, True])
def test_where_no_thread_can_be_started_the_calling_one_works(no_threads, monkeypatch, lazy):
    monkeypatch.setattr(parallel, "n_threads", lambda: 3)
    monkeypatch.setattr(threaded, "default_pool", None)
    assert list(map_spans(lambda start, _: start, spans(30, 1))) == list(range(30))
    image = np.resize(skimage.data.coffee(), (2000, 600, 3))
    expected = segment(image, 4, channel_axis=-1)
    given = da.from_array(image, chunks=(500, 600, 3)) if lazy else image
    found = segment(given, 4, channel_axis=-1)
    assert found.inertia == expected.inertia
    assert found.counts.sum() == image.size // 3


def test_threads_are_used_once_they_can_be_started_again(no_threads, monkeypatch):
    monkeypatch.setattr(parallel, "n_threads", lambda: 3)
    who = set()

    def work(start, _stop):
        who.add(threading.get_ident())
        time.sleep(0.002)

    list(map_spans(work, spans(30, 1)))
    assert who == {threading.get_ident()}
    threading.stack_size(0)
    list(map_spans(work, spans(30, 1)))
    assert len(who) > 1

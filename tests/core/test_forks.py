"""Processes that are forked from one in which threads segment, or have done so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")

FORKS = Path(__file__).parents[1] / "stress/forks.py"


def python(*arguments: str) -> str:
    """Run Python, and give what it prints. A process of its own: this one has other threads."""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        stdout=subprocess.PIPE,
        timeout=1200,  # of a machine that is shared; what hangs is told within a minute
        check=False,
        text=True,
    )
    return ended.stdout


def test_no_child_of_a_hundred_waits_for_a_thread_that_it_does_not_have() -> None:
    told = json.loads(python(str(FORKS), "--forks", "100"))
    assert told == {"forks": 100, "failures": []}


def test_work_that_is_half_done_goes_on_in_a_child_and_can_be_dropped_there() -> None:
    told = python(
        "-c",
        """
import os
import time
from napari_kmeans_seg.core.base import parallel
parallel.n_threads = lambda: 3
results = parallel.map_spans(lambda start, _: time.sleep(0.01) or start, parallel.spans(40, 1))
assert [next(results) for _ in range(3)] == [0, 1, 2]
for drop in (False, True):
    pid = os.fork()
    if not pid:
        if drop:
            results.close()
        else:
            assert list(results) == list(range(3, 40))
        os._exit(0)
    ends = time.monotonic() + 60
    while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < ends:
        time.sleep(0.01)
    print(ended[1] if ended[0] else os.kill(pid, 9) or "hung")
assert list(results) == list(range(3, 40))
""",
    )
    assert told.split() == ["0", "0"]


@pytest.mark.parametrize("lazy", [False, True])
def test_a_pool_of_forked_processes_serves_where_a_result_is_there(lazy: bool) -> None:
    told = python(
        "-c",
        f"""
import multiprocessing
import dask.array as da
import numpy as np
import skimage.data
from napari_kmeans_seg import segment
image = skimage.data.coins()
image = da.from_array(image, chunks=100) if {lazy} else image
result = segment(image, 4)
expected = np.asarray(result.labels)
def again(k):
    found = segment(image, k)
    return np.asarray(found.labels), np.asarray(result.model.predict(image).labels)
with multiprocessing.get_context("fork").Pool(2) as pool:
    for labels, predicted in pool.map_async(again, [4] * 6).get(300):
        assert np.array_equal(labels, expected) and np.array_equal(predicted, expected)
print("done")
""",
    )
    assert told.strip() == "done"


def test_a_child_does_not_wait_for_a_lock_of_dask_that_another_thread_holds() -> None:
    told = python(
        "-c",
        """
import os
import threading
import time
import dask.array as da
import numpy as np
from dask import config, threaded, tokenize
from dask.utils import SerializableLock
from napari_kmeans_seg import segment
of_file = SerializableLock()
image = da.from_array(np.arange(64.0).reshape(8, 8), chunks=4, lock=of_file)
labels = segment(image, 3).labels.compute()
locks = [config.config_lock, threaded.pools_lock, tokenize.tokenize_lock, of_file]
# Before Python 3.12.
properties = (vars(da.Array)[name] for name in ("shape", "numblocks"))
locks += [one.lock for one in properties if hasattr(one, "lock")] or [of_file] * 2
for lock in locks:
    held = threading.Event()
    def hold():
        with lock:
            held.set()
            time.sleep(0.3)
    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    pid = os.fork()
    if not pid:
        same = np.array_equal(segment(image, 3).labels.compute(scheduler="threads"), labels)
        with config.set({"array.chunk-size": "1MiB"}):
            os._exit(not same)
    ends = time.monotonic() + 60
    while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < ends:
        time.sleep(0.01)
    print(ended[1] if ended[0] else os.kill(pid, 9) or "hung")
    thread.join()
""",
    )
    assert told.split() == ["0"] * 6


def test_a_fork_does_not_stand_in_the_way_of_a_thread_that_takes_two_locks() -> None:
    told = python(
        "-c",
        """
import faulthandler
import os
import threading
import time
import dask
from dask.tokenize import tokenize
import napari_kmeans_seg.core.lazy.chunks
faulthandler.dump_traceback_later(60, exit=True)
within = threading.Event()
class Named:
    def __dask_tokenize__(self):
        within.set()
        time.sleep(0.3)
        with dask.config.set({"array.chunk-size": "1MiB"}):
            return "named"
thread = threading.Thread(target=tokenize, args=(Named(),))
thread.start()
within.wait()
pid = os.fork()
if not pid:
    tokenize(1)
    os._exit(0)
print(os.waitpid(pid, 0)[1])
thread.join()
""",
    )
    assert told.split() == ["0"]


def test_a_fork_does_not_wait_for_a_thread_that_waits_for_it() -> None:
    told = python(
        "-c",
        """
import faulthandler
import os
import threading
from dask.tokenize import tokenize_lock
from napari_kmeans_seg.core.lazy import chunks, forks
faulthandler.dump_traceback_later(60, exit=True)
forks.PATIENCE = 0.2
held, forked = threading.Event(), threading.Event()
def hold():
    with tokenize_lock:
        held.set()
        forked.wait()
thread = threading.Thread(target=hold)
thread.start()
held.wait()
pid = os.fork()
if not pid:
    os._exit(0)
forked.set()
thread.join()
print(os.waitpid(pid, 0)[1], tokenize_lock.acquire(blocking=False))
""",
    )
    assert told.split() == ["0", "True"]

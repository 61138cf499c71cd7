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


def test_no_class_of_dask_is_changed() -> None:
    told = python(
        "-c",
        """
from dask.utils import SerializableLock
before = dict(vars(SerializableLock))
import napari_kmeans_seg.core.lazy.chunks
print(dict(vars(SerializableLock)) == before)
""",
    )
    assert told.strip() == "True"


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


def test_a_fork_waits_in_vain_for_a_thread_that_waits_for_it_and_its_child_does_not_wait() -> None:
    told = python(
        "-c",
        """
import os
import signal
import threading
import dask.array as da
import numpy as np
from dask import config, threaded
from dask.tokenize import tokenize, tokenize_lock
from dask.utils import SerializableLock
from napari_kmeans_seg import segment
from napari_kmeans_seg.core.lazy import forks
import napari_kmeans_seg.core.lazy.chunks
signal.alarm(60)
forks.PATIENCE = 0.2
of_file = SerializableLock()
image = da.from_array(np.arange(64.0).reshape(8, 8), chunks=4, lock=of_file)
for lock in (config.config_lock, threaded.pools_lock, tokenize_lock, of_file):
    held, forked = threading.Event(), threading.Event()
    def hold():
        with lock:
            held.set()
            forked.wait()
    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    pid = os.fork()
    if not pid:
        signal.alarm(30)
        segment(image, 3).labels.compute(scheduler="threads")
        with config.set({"array.chunk-size": "1MiB"}):
            os._exit(0)
    forked.set()
    thread.join()
    print(os.waitpid(pid, 0)[1], lock.acquire(blocking=False))
    lock.release()
""",
    )
    assert told.split() == ["0", "True"] * 4


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("taken_by", ["dask", "person"])
def test_what_is_called_for_a_chunk_forks_under_its_own_lock_and_goes_on_in_both(
    taken_by: str, scheduler: str
) -> None:
    told = python(
        "-c",
        f"""
import os
import signal
import threading
import time
import dask.array as da
import numpy as np
from dask.utils import SerializableLock
from napari_kmeans_seg import segment
import napari_kmeans_seg.core.lazy.chunks
signal.alarm(60)
pixels = np.arange(64.0).reshape(8, 8)
pids, in_child = [], not {scheduler == "synchronous"}
of_file = SerializableLock()
def fork():
    if not pids:
        began = time.monotonic()
        pids.append(os.fork())
        if not pids[0]:
            signal.alarm(30)
            if in_child:  # its other threads are not there
                free = da.from_array(pixels, chunks=4)
                os._exit(not np.array_equal(segment(free, 3).labels.compute(), expected))
        else:
            print(time.monotonic() - began < 5)
class Source:
    shape, dtype, ndim = pixels.shape, pixels.dtype, 2
    def __getitem__(self, index):
        if started:
            fork()
        return pixels[index]
def under_lock(block):
    with of_file:
        fork()
    return block
started = False
expected = segment(da.from_array(pixels, chunks=4), 3).labels.compute()
if {taken_by == "dask"}:
    image = da.from_array(Source(), chunks=4, lock=of_file, name="source")
else:
    image = da.from_array(pixels, chunks=4).map_blocks(under_lock, meta=pixels[:0, :0])
started = True
same = np.array_equal(image.compute(scheduler={scheduler!r}), pixels)
same = same and of_file.acquire(blocking=False)
if pids[0]:
    print(os.waitpid(pids[0], 0)[1], same)
else:
    os._exit(not same)
""",
    )
    assert told.split() == ["True", "0", "True"]


def test_a_fork_gets_its_turn_where_threads_hand_a_lock_over_without_a_gap() -> None:
    told = python(
        "-c",
        """
import os
import signal
import threading
import time
import dask.array as da
import numpy as np
from dask.utils import SerializableLock
from napari_kmeans_seg import segment
from napari_kmeans_seg.core.lazy import forks
import napari_kmeans_seg.core.lazy.chunks
signal.alarm(100)
forks.PATIENCE = 60
locks, done = [SerializableLock(), SerializableLock()], threading.Event()
image = da.from_array(np.arange(64.0).reshape(8, 8), chunks=4, lock=locks[0])
def hold(lock):
    while not done.is_set():
        with lock:
            time.sleep(0.01)
threads = [threading.Thread(target=hold, args=(lock,)) for lock in locks * 2]
for thread in threads:
    thread.start()
time.sleep(0.1)
began = time.monotonic()
pid = os.fork()
if not pid:
    signal.alarm(30)
    segment(image, 3).labels.compute(scheduler="threads")
    os._exit(0)
print(time.monotonic() - began < 30)
done.set()
print(os.waitpid(pid, 0)[1])
""",
    )
    assert told.split() == ["True", "0"]

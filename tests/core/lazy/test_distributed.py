"""Dask arrays on real clusters, larger than memory, and with chunks that fail."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import dask
import dask.array as da
import numpy as np
import pytest
import skimage.data
import zarr
from distributed import Client, Future, LocalCluster

from napari_kmeans_seg import choose_k, segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

K = 5


@pytest.fixture
def photograph() -> np.ndarray:
    return np.tile(skimage.data.astronaut(), (2, 2, 1))


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster),
    ):
        yield cluster


def on_disk(image: np.ndarray, folder: Path) -> da.Array:
    """Store an image where worker processes can read it for themselves."""
    store = str(folder / "image.zarr")
    array = zarr.open_array(
        store, mode="w", shape=image.shape, dtype=image.dtype, chunks=(256, 256, 3)
    )
    array[:] = image
    return da.from_array(array, chunks=array.chunks)


def test_two_worker_processes_give_what_memory_gives(
    photograph: np.ndarray, cluster: LocalCluster, tmp_path: Path
) -> None:
    expected = segment(photograph, K, channel_axis=-1)
    found = segment(on_disk(photograph, tmp_path), K, channel_axis=-1)
    assert isinstance(found.labels, da.Array)
    np.testing.assert_array_equal(found.centroids, expected.centroids)
    np.testing.assert_array_equal(found.counts, expected.counts)
    assert found.inertia == expected.inertia
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)
    np.testing.assert_array_equal(found.image.compute(), expected.image)


def test_worker_processes_bring_floats_to_a_fixed_point_of_all_pixels(
    photograph: np.ndarray,
    cluster: LocalCluster,
    tmp_path: Path,
    dask_limits: Callable[..., None],
) -> None:
    dask_limits(load_bytes=0, sample_values=50_000)
    part = photograph[:512, :512]
    noise = np.random.default_rng(0).normal(0, 1, part.shape)
    floats = (part + noise).astype(np.float32)
    found = segment(on_disk(floats, tmp_path), K, channel_axis=-1, tol=0)
    assert found.converged
    rest = segment(floats, K, init=found.centroids, channel_axis=-1, tol=0)
    np.testing.assert_array_equal(found.labels.compute(), rest.labels)
    np.testing.assert_allclose(found.centroids, rest.centroids, rtol=1e-9)


# The scheduler says that it lost a worker, which is what this test is about.
@pytest.mark.filterwarnings("ignore::UserWarning:distributed")
def test_a_worker_that_is_killed_takes_nothing_with_it(
    photograph: np.ndarray, cluster: LocalCluster, tmp_path: Path
) -> None:
    expected = segment(photograph, K, channel_axis=-1)
    image = on_disk(photograph, tmp_path)
    started = tmp_path / "started"

    def slow(block: np.ndarray) -> np.ndarray:
        started.touch()
        time.sleep(0.2)
        return block

    victim = next(iter(cluster.workers.values())).pid
    killed = threading.Event()

    def kill() -> None:
        while not started.exists():
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)
        killed.set()

    thread = threading.Thread(target=kill)
    thread.start()
    slow_image = image.map_blocks(slow, dtype=image.dtype, meta=np.empty((0, 0, 0), image.dtype))
    started.unlink(missing_ok=True)
    found = segment(slow_image, K, channel_axis=-1)
    thread.join()
    assert killed.is_set()
    np.testing.assert_array_equal(found.centroids, expected.centroids)
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_any_scheduler_gives_the_same(photograph: np.ndarray, scheduler: str) -> None:
    expected = segment(photograph, K, channel_axis=-1)
    with dask.config.set(scheduler=scheduler):
        found = segment(da.from_array(photograph, chunks=(200, 300, 3)), K, channel_axis=-1)
        np.testing.assert_array_equal(found.labels.compute(), expected.labels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_chunk_that_cannot_be_read_is_named(dtype: type[np.generic]) -> None:
    def read(block: np.ndarray, block_info: dict | None = None) -> np.ndarray:
        if block_info and block_info[0]["chunk-location"] == (1, 2):
            raise OSError("disk on fire")
        return block

    image = da.from_array(skimage.data.coins().astype(dtype), chunks=100)
    broken = image.map_blocks(read, dtype=dtype, meta=np.empty((0, 0), dtype))
    with pytest.raises(
        OSError, match=r"cannot be read, \(1, 2\) \[100:200, 200:300\]: disk on fire"
    ):
        segment(broken, K)


def test_each_chunk_is_read_once_for_the_fit_and_none_for_the_labels() -> None:
    reads: list[tuple[int, ...]] = []

    def read(block: np.ndarray, block_info: dict | None = None) -> np.ndarray:
        if block_info:
            reads.append(block_info[0]["chunk-location"])
        return block

    image = da.from_array(skimage.data.coins(), chunks=100)
    counted = image.map_blocks(read, dtype=image.dtype, meta=np.empty((0, 0), image.dtype))
    found = segment(counted, K)
    assert sorted(reads) == sorted(np.ndindex(*counted.numblocks))
    reads.clear()
    assert found.labels.shape == found.image.shape == image.shape
    assert not reads


def test_of_twenty_gigapixels_only_part_is_read_and_it_is_said(
    dask_limits: Callable[..., None],
) -> None:
    # The limit is lowered, so that the test takes seconds: two chunks instead of 128.
    dask_limits(fit_pixels=1 << 25)
    reads = []

    def make(block_info: dict | None = None) -> np.ndarray:
        reads.append(1)
        return np.resize(skimage.data.coins(), (4096, 4096))

    image = da.map_blocks(
        make, chunks=((4096,) * 36, (4096,) * 36), dtype=np.uint8, meta=np.empty((0, 0), np.uint8)
    )
    assert image.size > 20e9
    with pytest.warns(UserWarning, match="Fitted on 2 of 1,296 chunks"):
        found = segment(image, 4)
    assert len(reads) == 2
    assert found.labels.shape == image.shape
    expected = segment(np.resize(skimage.data.coins(), (4096, 4096)), 4)
    corner = found.labels[:64, :64].compute()
    np.testing.assert_array_equal(corner, expected.labels[:64, :64])


def test_a_lazy_mask_limits_where_clusters_are(photograph: np.ndarray) -> None:
    mask = np.zeros(photograph.shape[:2], bool)
    mask[100:700, 300:900] = True
    expected = segment(photograph, K, channel_axis=-1, mask=mask)
    lazy = da.from_array(photograph, chunks=(300, 300, 3))
    found = segment(lazy, K, channel_axis=-1, mask=da.from_array(mask, chunks=128))
    np.testing.assert_array_equal(found.centroids, expected.centroids)
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)


def test_cancelling_stops_the_reading() -> None:
    reads = []

    def read(block: np.ndarray) -> np.ndarray:
        reads.append(1)
        return block

    image = da.zeros((8192, 8192), chunks=1024, dtype=np.uint8)
    watched = image.map_blocks(read, dtype=np.uint8, meta=np.empty((0, 0), np.uint8))

    class StopError(Exception):
        pass

    def stop(_fraction: float, _stage: str) -> None:
        raise StopError

    with pytest.raises(StopError):
        segment(watched, 2, progress=stop)
    assert not reads


def test_numbers_of_clusters_are_scored_as_in_memory(photograph: np.ndarray) -> None:
    numbers = range(2, 6)
    expected = choose_k(photograph, numbers, channel_axis=-1)
    found = choose_k(da.from_array(photograph, chunks=(300, 300, 3)), numbers, channel_axis=-1)
    np.testing.assert_array_equal(found.inertia, expected.inertia)
    assert found.suggestion == expected.suggestion


def slow_image() -> da.Array:
    """Read an image for about ten seconds, by two workers."""

    def slow(block: np.ndarray) -> np.ndarray:
        time.sleep(0.3)
        return block

    image = da.from_array(np.resize(skimage.data.coins(), (2000, 2000)), chunks=250)
    return image.map_blocks(slow, dtype=image.dtype, meta=np.empty((0, 0), image.dtype))


def cancelled(client: Client) -> None:
    client.cancel([Future(key, client) for key in list(client.futures)], force=True)


@pytest.mark.filterwarnings("ignore::UserWarning:distributed")
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (cancelled, "image was not read: its computation was cancelled on the Dask cluster"),
        (Client.close, "the Dask client was closed, or its scheduler is gone"),
        (Client.shutdown, "the Dask client was closed, or its scheduler is gone"),
        (lambda client: client.cluster.scale(0), "all workers of the Dask cluster are gone"),
    ],
)
def test_what_befalls_a_cluster_is_told_in_words_at_once(
    cluster: LocalCluster, dask_limits: Callable[..., None], fault, said: str
) -> None:
    dask_limits(seconds_without_workers=1)
    image, failed = slow_image(), []

    def strike() -> None:
        failed.append(time.monotonic())
        fault(Client.current())

    timer = threading.Timer(1, strike)
    timer.start()
    with pytest.raises(OSError, match=said):
        segment(image, 3)
    # A second of patience, and what the scheduler takes to notice.
    assert time.monotonic() - failed[0] < 8
    timer.join()


def test_work_on_a_cluster_can_be_left_while_a_chunk_is_read(cluster: LocalCluster) -> None:
    image, calls = slow_image(), []

    class StopError(Exception):
        pass

    def stop(_fraction: float, _stage: str) -> None:
        calls.append(time.monotonic())
        if calls[-1] - calls[0] > 0.6:
            raise StopError

    with pytest.raises(StopError):
        segment(image, 3, progress=stop)
    assert time.monotonic() - calls[-1] < 2
    found = segment(image[:250, :250], 3)
    assert found.counts.sum() == 250 * 250, "the cluster serves as ever"

"""Images whose pixels are lost while they are read: an error, not zeros."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
import skimage.data
import zarr

from napari_kmeans_seg import choose_k, prepare, segment

if TYPE_CHECKING:
    from pathlib import Path

GONE = "image is read from a store that is gone"


@pytest.fixture(params=[2, 3])
def store(tmp_path, request) -> Path:
    path = tmp_path / "coins.zarr"
    zarr.create_array(path, data=skimage.data.coins(), chunks=(60, 60), zarr_format=request.param)
    return path


def losing(path: Path, at: tuple[int, int] = (1, 1), dtype=np.uint8) -> da.Array:
    """Read a store that is lost when one of its chunks was read."""

    def lose(block: np.ndarray, block_info: dict | None = None) -> np.ndarray:
        if block_info and block_info[0]["chunk-location"] == at:
            shutil.rmtree(path, ignore_errors=True)
        return block.astype(dtype)

    return da.from_zarr(path).map_blocks(lose, dtype=dtype, meta=np.empty((0, 0), dtype))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("work", [segment, lambda image, k: choose_k(image, range(2, k + 1))])
def test_a_store_that_vanishes_while_it_is_read_is_an_error(store, dtype, work):
    with pytest.raises(OSError, match=GONE):
        work(losing(store, dtype=dtype), 3)


def test_so_it_is_where_the_labels_are_computed_later(store):
    found = segment(da.from_zarr(store), 3)
    assert found.labels.compute().max() == 3
    shutil.rmtree(store)
    for later in (found.labels, found.image, found.mask(1)):
        with pytest.raises(OSError, match=GONE):
            later.compute()


def test_so_it_is_of_a_zarr_array_that_is_read_into_memory(store):
    array = zarr.open_array(store, mode="r")
    assert segment(array, 3).labels.max() == 3
    shutil.rmtree(store)
    with pytest.raises(OSError, match=GONE):
        segment(array, 3)


def test_a_missing_chunk_of_a_store_that_is_there_is_its_fill_value(store):
    coins = skimage.data.coins().copy()
    array = zarr.open_array(store, mode="r+")
    array[60:120, 60:120] = coins[60:120, 60:120] = 0
    (missing,) = [one for one in store.rglob("*") if one.parts[-2:] == ("1", "1")] or [
        store / "1.1"
    ]
    missing.unlink(missing_ok=True)
    found = segment(da.from_zarr(store), 3)
    np.testing.assert_array_equal(found.labels.compute(), segment(coins, 3).labels)


def test_a_mapped_file_that_has_shrunk_is_an_error_and_not_the_end_of_the_process(tmp_path):
    """In a process of its own, which would be killed by a signal.

    On one core, so that nobody reads at the moment when it shrinks.
    """
    code = """
import sys, warnings
import numpy as np
from napari_kmeans_seg import choose_k, prepare, segment
from napari_kmeans_seg.core.base import parallel
parallel.n_threads = lambda: 1
path = sys.argv[1]
for dtype in ("uint8", "uint16", "float32"):
    image = np.random.default_rng(0).integers(0, 200, (3000, 1000)).astype(dtype)
    for offset, part in ((0, slice(None)), (4096 + 8, slice(5, -5, 2))):
        for early in (True, False):
            with open(path, "wb") as file:
                file.write(bytes(offset))
                file.write(image.tobytes())
            mapped = np.memmap(path, dtype, "r", offset, image.shape)[part]
            def shrink(*_):
                with open(path, "r+b") as file:
                    file.truncate(100)
            if early:
                shrink()
            for work in (segment, prepare, choose_k):
                try:
                    work(mapped, *((3,) if work is segment else ()), progress=shrink)
                except OSError as error:
                    print(type(error).__name__, str(error)[:49])
"""
    told = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "mapped")],
        capture_output=True,
        check=False,
        text=True,
        env=os.environ,
    )
    assert told.returncode == 0, told.stderr
    said = "OSError image is mapped from a file that has shrunk: it n"
    assert told.stdout.splitlines() == [said] * 36


@pytest.mark.parametrize("work", ["segment", "choose_k", "classify"])
def test_one_that_shrinks_after_it_was_prepared_is_an_error_before_it_is_read(tmp_path, work):
    np.save(tmp_path / "coins.npy", skimage.data.coins())
    prepared = prepare(np.load(tmp_path / "coins.npy", mmap_mode="r"))
    os.truncate(tmp_path / "coins.npy", 100)
    with pytest.raises(OSError, match="mapped from a file that has shrunk"):
        getattr(prepared, work)([[50], [90]] if work == "classify" else 3)


def test_a_mapped_file_that_is_whole_is_read_as_ever(tmp_path):
    coins = skimage.data.coins()
    np.save(tmp_path / "coins.npy", coins)
    mapped = np.load(tmp_path / "coins.npy", mmap_mode="r")
    np.testing.assert_array_equal(segment(mapped, 3).labels, segment(coins, 3).labels)
    assert prepare(mapped[::2, 3:]).segment(2).labels.max() == 2

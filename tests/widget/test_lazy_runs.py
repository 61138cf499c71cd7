"""Runs on lazy layers, and what may go wrong with these while they run."""

from __future__ import annotations

import shutil
import threading

import dask.array as da
import numpy as np
import pytest
import zarr
from napari.utils.notifications import notification_manager

from .hands import threads


class Disk:
    """Chunks of 100 x 100 pixels, of which each may wait or fail to be read."""

    def __init__(self) -> None:
        self.broken: tuple[int, int] | None = None
        self.slow = threading.Event()
        self.seconds = 0.1
        self.answers = threading.Event()
        self.reading = threading.Event()
        image = np.add.outer(np.arange(1600) // 9, np.arange(1600) // 16).astype(np.uint8)
        lazy = da.from_array(image, chunks=100)
        self.image = lazy.map_blocks(self.read, dtype=np.uint8, meta=np.empty((0, 0), np.uint8))

    def read(self, block: np.ndarray, block_info: dict | None = None) -> np.ndarray:
        self.reading.set()
        if block_info and block_info[0]["chunk-location"] == self.broken:
            raise OSError("disk on fire")
        if self.slow.is_set():
            self.answers.wait(self.seconds)
        return block


@pytest.fixture
def disk() -> Disk:
    return Disk()


def names(viewer) -> list[str]:
    return [layer.name for layer in viewer.layers]


@pytest.mark.parametrize("form", ["single", "pyramid"])
def test_a_chunk_that_cannot_be_read_is_named_and_nothing_is_added(
    viewer, dock, finish, disk, form
):
    data = [disk.image, disk.image[::2, ::2]] if form == "pyramid" else disk.image
    viewer.add_image(data, name="slide", multiscale=form == "pyramid", contrast_limits=(0, 255))
    widget = dock()
    disk.broken = (3, 7)
    with notification_manager:
        notification_manager.records.clear()
        widget.run()
        finish(widget)
        told = [record.message for record in notification_manager.records]
    assert widget.state == "error"
    said = "“slide”: image has a chunk that cannot be read, (3, 7) [300:400, 700:800]: disk on fire"
    assert said in widget.message.value
    assert "run again" in widget.message.value
    assert len(told) == 1
    assert names(viewer) == ["slide"]
    disk.broken = None
    widget.run()
    finish(widget)
    assert widget.state == "done"
    assert names(viewer) == ["slide", "slide k-means", "slide clusters"]


def test_a_chunk_that_fails_leaves_the_result_of_before_as_it_was(viewer, dock, finish, disk):
    viewer.add_image(disk.image, name="slide", contrast_limits=(0, 255))
    widget = dock()
    widget.run()
    finish(widget)
    labels = viewer.layers["slide clusters"]
    before, features = labels.data, labels.features.copy()
    disk.broken = (0, 0)
    widget.n_clusters.value = 3
    widget.run()
    finish(widget)
    assert widget.state == "error"
    assert labels.data is before
    assert labels.features.equals(features)
    assert len(names(viewer)) == 3


def test_other_data_while_a_lazy_layer_is_read_leave_no_result(viewer, dock, finish, disk):
    layer = viewer.add_image(disk.image, name="slide", contrast_limits=(0, 255))
    widget = dock()
    disk.slow.set()
    disk.reading.clear()
    widget.run()
    assert disk.reading.wait(10)
    disk.slow.clear()
    other = da.zeros((400, 400), chunks=100, dtype=np.uint8)
    layer.data = other
    finish(widget)
    assert widget.state == "cancelled"
    assert "got other data" in widget.message.value
    assert names(viewer) == ["slide"]
    assert layer.data is other


def test_a_run_on_a_slow_store_is_cancelled_at_once(viewer, dock, qtbot, disk):
    viewer.add_image(disk.image, name="slide", contrast_limits=(0, 255))
    widget = dock()
    disk.seconds = 60
    disk.slow.set()
    disk.reading.clear()
    widget.run()
    qtbot.waitUntil(disk.reading.is_set, timeout=10_000)
    widget.cancel()
    assert widget.state == "cancelled"
    assert threads(), "the interface goes on at once, the store is still waited for"
    disk.answers.set()
    qtbot.waitUntil(lambda: not threads(), timeout=10_000)
    assert names(viewer) == ["slide"]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_store_that_disappears_is_reported_and_nothing_is_added(
    viewer, dock, finish, coffee, tmp_path, zarr_format
):
    path = tmp_path / "coffee.zarr"
    zarr.create_array(path, data=coffee, chunks=(40, 60, 3), zarr_format=zarr_format)
    (layer,) = viewer.open(path, plugin="napari", rgb=True, name="coffee")
    widget = dock()
    armed, gone = threading.Event(), threading.Event()
    image = layer.data

    def lose(block: np.ndarray, block_info: dict | None = None) -> np.ndarray:
        if armed.is_set() and block_info and block_info[0]["chunk-location"] == (9, 9, 0):
            shutil.rmtree(path, ignore_errors=True)
            gone.set()
        return block

    layer.data = image.map_blocks(lose, dtype=np.uint8, meta=np.empty((0, 0, 0), np.uint8))
    armed.set()
    widget.run()
    finish(widget)
    assert gone.is_set()
    assert widget.state == "error"
    assert "The store of “coffee” disappeared while it was read" in widget.message.value
    assert names(viewer) == ["coffee"]


def test_planes_that_napari_cannot_draw_are_added_hidden_and_it_is_said(
    viewer, dock, finish, dask_limits
):
    # Of 2 chunks instead of 128, so that it takes seconds.
    dask_limits(fit_pixels=1 << 25)
    tile = np.add.outer(np.arange(4096) // 32, np.arange(4096) // 32).astype(np.uint8)

    def make(block_info: dict | None = None) -> np.ndarray:
        return tile

    huge = da.map_blocks(
        make, chunks=((4096,) * 36,) * 2, dtype=np.uint8, meta=np.empty((0, 0), np.uint8)
    )
    viewer.add_image(huge, name="huge", visible=False, contrast_limits=(0, 255))
    widget = dock()
    widget.run()
    finish(widget)
    assert widget.state == "done"
    assert "Fitted on 2 of 1,296 chunks" in widget.warning.value
    assert "The layers are hidden" in widget.warning.value
    assert not viewer.layers["huge clusters"].visible
    assert not viewer.layers["huge k-means"].visible

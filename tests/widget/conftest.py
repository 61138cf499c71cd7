"""A real napari window with the widget in its dock."""

from __future__ import annotations

import gc
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from unittest.mock import patch

import dask.array as da
import numpy as np
import pytest
from npe2 import PluginManifest

from .hands import forget_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import napari
    from napari.layers import Labels
    from npe2 import DiscoverResults

    from napari_kmeans_seg.widget import KMeansWidget
    from napari_kmeans_seg.widget.table.cluster_table import ClusterTable


@pytest.fixture(autouse=True)
def what_earlier_tests_left_is_not_searched_for_garbage() -> None:
    """Spare half of the time of a long run.

    napari collects garbage whenever a layer goes, and keeps thousands of objects (menus,
    commands, settings) of each window that was ever open.
    """
    from napari.utils.action_manager import action_manager

    # Before 0.9 each window that was ever open hears of each key of a new one.
    with suppress(AttributeError):
        action_manager.events.shortcut_changed.disconnect()
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def manifests_are_read_once() -> Iterator[None]:
    """Spare a tenth of the time of a test: each window reads those of all plugins twice."""
    found = list(PluginManifest.discover())

    def discover(paths: tuple[str, ...] = ()) -> Iterator[DiscoverResults]:
        return iter(found)

    with patch.object(PluginManifest, "discover", discover):
        yield


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """No test leaves a thread of ours behind, however it ends."""
    yield
    for thread in threading.enumerate():
        if thread.name == "napari-kmeans-seg":
            thread.join(5)
            assert not thread.is_alive(), "a run was not stopped"


@pytest.fixture(autouse=True)
def settings_folder(tmp_path, monkeypatch) -> Iterator[Path]:
    """Settings of one test's own, as napari's fixture `plugin_settings` has it.

    That one cannot serve: it leaves no plugin registered.
    """
    from napari import settings

    file = tmp_path / "settings.yaml"
    monkeypatch.setattr(settings.get_settings(), "config_path", file)
    # Where napari 0.9 and newer look for those of plugins.
    monkeypatch.setattr(settings, "_CFG_PATH", str(file), raising=False)
    forget_settings()
    yield tmp_path
    forget_settings()


@pytest.fixture
def viewer(make_napari_viewer) -> napari.Viewer:
    return make_napari_viewer(show=True)


@pytest.fixture
def dock(viewer) -> Callable[[], KMeansWidget]:
    """Open the widget the way a script does."""
    return lambda: viewer.window.add_plugin_dock_widget("napari-kmeans-seg")[1]


@pytest.fixture
def finish(qtbot) -> Callable[[KMeansWidget], None]:
    """Wait until a run has ended, in whatever way."""

    def wait(widget: KMeansWidget) -> None:
        qtbot.waitUntil(lambda: widget.state != "running", timeout=30_000)

    return wait


@pytest.fixture(scope="session")
def big() -> np.ndarray:
    """Twenty megapixels of coloured noise: some seconds of work."""
    return np.random.default_rng(0).integers(0, 256, (4000, 5000, 3), np.uint8)


@pytest.fixture
def on_disk(coffee) -> tuple[da.Array, list[bool]]:
    """The coffee cup in four chunks, and a list: while anything is in it, the disk is gone."""
    gone: list[bool] = []

    def read(block: np.ndarray) -> np.ndarray:
        if gone:
            raise OSError("the disk is gone")
        return block

    return da.from_array(coffee, chunks=(400, 100, 3)).map_blocks(read, dtype=np.uint8), gone


@pytest.fixture
def laid_out(qtbot) -> Callable[[KMeansWidget], None]:
    """Wait until the buttons below the table have their size: before, a click misses them."""

    def wait(widget: KMeansWidget) -> None:
        button = widget.clusters.extras.script
        qtbot.waitUntil(lambda: button.height() >= button.minimumSizeHint().height())

    return wait


@pytest.fixture
def widget(viewer, dock, finish, laid_out, coffee) -> KMeansWidget:
    """The widget after a run on the coffee cup, four clusters."""
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.n_clusters.value = 4
    widget.run()
    finish(widget)
    laid_out(widget)
    return widget


@pytest.fixture
def table(widget) -> ClusterTable:
    """The table of these clusters."""
    return widget.clusters


@pytest.fixture
def labels(viewer, table) -> Labels:
    """The layer of these clusters."""
    return viewer.layers["coffee clusters"]

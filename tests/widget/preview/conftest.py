"""Live preview, by itself and in the dock."""

from __future__ import annotations

import dask.array as da
import pytest

from napari_kmeans_seg.layers import LayerImage
from napari_kmeans_seg.widget.base.napari_versions import camera_of
from napari_kmeans_seg.widget.base.state import DockState, Refusal, Request
from napari_kmeans_seg.widget.base.task import Clock
from napari_kmeans_seg.widget.preview import Preview

BOTH = ("image", "labels")


@pytest.fixture
def shown() -> list:
    return []


@pytest.fixture
def preview(viewer, shown):
    clock, state = Clock(viewer.window._qt_window), DockState(lambda: Refusal(ValueError()))
    made = Preview(viewer, lambda _, outputs, __: shown.append(outputs), pytest.fail, clock, state)
    yield made
    made.stop()
    clock.close()


@pytest.fixture
def ask(viewer, preview):
    def request(layer, n_clusters, kinds=BOTH, **parameters):
        parameters = {"n_clusters": n_clusters, **parameters}
        preview.request(Request.of(LayerImage.of(layer), parameters, kinds))

    return request


@pytest.fixture
def rest(qtbot, preview):
    return lambda: qtbot.waitUntil(lambda: not preview.busy, timeout=20_000)


@pytest.fixture
def live(viewer, dock, qtbot):
    """Open the widget with live preview on, and give it and a way to wait until all rests."""
    widget = dock()
    widget.live.value = True

    def rest() -> None:
        qtbot.waitUntil(lambda: not widget.preview.busy, timeout=20_000)

    rest()
    return widget, rest


@pytest.fixture
def part(viewer, coffee, request):
    """A lazy image with a preview of the part in view."""
    layer = viewer.add_image(da.from_array(coffee, chunks=(100, 100, 3)), name="coffee", rgb=True)
    camera_of(viewer).zoom *= 2
    request.getfixturevalue("qtbot").wait(100)
    return layer, *request.getfixturevalue("live")

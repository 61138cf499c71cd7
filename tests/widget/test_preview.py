"""Live preview in a real napari window."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from skimage.transform import resize

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers import LayerImage
from napari_kmeans_seg.widget.preview import Preview

BOTH = ("image", "labels")


class Heartbeat:
    """Notes how long the interface's thread was blocked."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.longest = 0.0
        self._timer = QTimer()
        self._timer.setInterval(5)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last)
        self._last = now


@pytest.fixture
def shown() -> list:
    return []


@pytest.fixture
def preview(viewer, shown):
    made = Preview(
        viewer, lambda outputs, _: shown.append(outputs), pytest.fail, viewer.window._qt_window
    )
    yield made
    made.stop()


@pytest.fixture
def ask(viewer, preview):
    def request(layer, n_clusters, kinds=BOTH, **parameters):
        preview.request(LayerImage.of(layer), {"n_clusters": n_clusters, **parameters}, kinds)

    return request


@pytest.fixture
def rest(qtbot, preview):
    return lambda: qtbot.waitUntil(lambda: not preview.busy, timeout=20_000)


def test_the_labels_follow_at_once_and_the_image_when_all_rests(
    viewer, ask, rest, shown, qtbot, coffee
):
    layer = viewer.add_image(coffee, name="coffee")
    ask(layer, 3)
    qtbot.waitUntil(lambda: len(shown) == 1, timeout=10_000)
    assert [one.name for one in viewer.layers] == ["coffee", "coffee clusters"]
    rest()
    assert {one.name for one in viewer.layers} == {"coffee", "coffee clusters", "coffee k-means"}
    expected = segment(coffee, 3, channel_axis=-1)
    np.testing.assert_array_equal(viewer.layers["coffee clusters"].data, expected.labels)
    np.testing.assert_array_equal(viewer.layers["coffee k-means"].data, expected.image)


def test_only_the_newest_setting_counts(viewer, ask, rest, shown, coffee):
    layer = viewer.add_image(coffee, name="coffee")
    for k in range(2, 12):
        ask(layer, k)
    ours = [one for one in threading.enumerate() if one.name == "napari-kmeans-seg"]
    assert len(ours) == 1
    rest()
    assert [one.segmentation.n_clusters for one in shown] == [2, 11, 11]
    expected = segment(coffee, 11, channel_axis=-1).labels
    np.testing.assert_array_equal(viewer.layers["coffee clusters"].data, expected)
    assert len(viewer.layers) == 3


@pytest.mark.parametrize("setting", [{"color_space": "lab"}, {"smoothing": 2}, {"seed": 3}])
def test_every_setting_gives_what_a_run_would(viewer, ask, rest, coffee, setting):
    layer = viewer.add_image(coffee, name="coffee")
    ask(layer, 4)
    ask(layer, 4, **setting)
    rest()
    expected = segment(coffee, 4, channel_axis=-1, **setting).labels
    np.testing.assert_array_equal(viewer.layers["coffee clusters"].data, expected)


def test_other_data_are_read_anew(viewer, ask, rest, shown, coffee):
    layer = viewer.add_image(coffee, name="coffee")
    ask(layer, 3)
    rest()
    layer.data = coffee[::-1]
    ask(layer, 3)
    rest()
    expected = segment(coffee[::-1], 3, channel_axis=-1).labels
    np.testing.assert_array_equal(viewer.layers["coffee clusters"].data, expected)


def test_a_layer_that_goes_or_changes_while_it_is_segmented_gets_no_clusters(
    viewer, ask, rest, shown, coffee
):
    layer = viewer.add_image(coffee, name="coffee")
    ask(layer, 3)
    layer.data = coffee[:100].copy()
    rest()
    ask(layer, 3)
    viewer.layers.remove(layer)
    rest()
    assert shown == []
    assert len(viewer.layers) == 0


def test_what_was_painted_by_hand_is_left_alone(viewer, ask, rest, coffee):
    layer = viewer.add_image(coffee, name="coffee")
    ask(layer, 3, kinds=("labels",))
    rest()
    painted = viewer.layers["coffee clusters"]
    painted.data[:20, :20] = 7
    painted.refresh()
    ask(layer, 4, kinds=("labels",))
    ask(layer, 5, kinds=("labels",))
    rest()
    assert (painted.data[:20, :20] == 7).all()
    assert len(viewer.layers) == 3


def test_twelve_megapixels_follow_within_a_third_of_a_second(
    viewer, ask, rest, shown, qtbot, coffee
):
    """And the window goes on: apart from napari's own drawing it is hardly ever blocked."""
    big = resize(coffee, (3000, 4000), order=1, preserve_range=True)
    big += np.random.default_rng(0).normal(0, 3, big.shape)
    layer = viewer.add_image(np.clip(big, 0, 255).astype(np.uint8), name="big")
    ask(layer, 2, kinds=("labels",))
    rest()
    taken, blocked = [], []
    for k in (3, 5, 8, 4, 6):
        n_shown, start, heartbeat = len(shown), time.perf_counter(), Heartbeat()
        ask(layer, k, kinds=("labels",))
        qtbot.waitUntil(lambda n_shown=n_shown: len(shown) > n_shown, timeout=10_000)
        taken.append(time.perf_counter() - start)
        qtbot.wait(100)  # the drawing
        blocked.append(heartbeat.longest)
        assert viewer.layers["big clusters"].data.max() == k
    # The best of five, for the machine may have other things to do.
    assert min(taken) < 0.3
    assert min(blocked) < 0.1


# -- in the widget


def test_the_clusters_follow_k_while_live_preview_is_on(viewer, dock, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.n_clusters.value = 2
    assert len(viewer.layers) == 1
    widget.live.native.click()
    for k in (3, 8):
        widget.n_clusters.value = k
        qtbot.waitUntil(lambda k=k: widget.message.value.startswith(f"{k} clusters"), timeout=9000)
        assert viewer.layers["coffee clusters"].data.max() == k
        assert widget.clusters.view.sorted.rowCount() == k
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=9000)
    widget.live.native.click()
    widget.n_clusters.value = 4
    assert not widget.preview.busy
    assert viewer.layers["coffee clusters"].data.max() == 8


def test_the_points_go_with_the_image(viewer, dock, qtbot, coffee):
    layer = viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.live.value = True
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=9000)
    assert widget.preview._points.source is not None
    layer.data = coffee[:50]
    assert widget.preview._points.source is None
    widget.n_clusters.value = 3
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=9000)
    assert widget.preview._points.source is not None
    viewer.layers.remove(layer)
    assert widget.preview._points.source is None


def test_closing_the_dock_ends_the_preview(viewer, dock, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.live.value = True
    viewer.window.remove_dock_widget("all")
    assert not widget.preview.busy

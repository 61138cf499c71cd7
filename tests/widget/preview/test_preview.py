"""Live preview by itself: what is drawn, when, and what is left alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from qtpy.QtCore import QTimer

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers import LayerImage


def test_the_labels_follow_at_once_and_the_image_when_all_rests(
    viewer, ask, rest, shown, qtbot, coffee
):
    layer = viewer.add_image(coffee, name="coffee")
    ask(layer, 3)
    qtbot.waitUntil(lambda: len(shown) == 1, timeout=10_000)
    assert [one.name for one in viewer.layers] == ["coffee", "coffee clusters"]
    rest()
    # On top, for the image would hide which clusters are dimmed.
    assert [one.name for one in viewer.layers] == ["coffee", "coffee k-means", "coffee clusters"]
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


def test_the_window_goes_on_while_twelve_megapixels_are_segmented(
    viewer, ask, rest, shown, qtbot, coffee
):
    """How long it stands still is told by `python -m benchmarks.responsive 12 rgb`."""
    layer = viewer.add_image(np.tile(coffee, (7, 7, 1)), name="large")
    beats = []
    heart = QTimer()
    heart.setInterval(5)
    heart.timeout.connect(lambda: beats.append(len(shown)))
    ask(layer, 2, kinds=("labels",))
    heart.start()
    rest()
    heart.stop()
    assert beats.count(0) > 2
    assert viewer.layers["large clusters"].data.max() == 2


def test_to_go_to_and_fro_between_two_images_reads_each_once(
    viewer, ask, rest, preview, shown, coffee, histology, monkeypatch, qtbot
):
    read = []
    prepare = LayerImage.prepare
    monkeypatch.setattr(
        LayerImage,
        "prepare",
        lambda self, **rest: read.append(self.name) or prepare(self, **rest),
    )
    layers = [viewer.add_image(coffee, name="one"), viewer.add_image(histology, name="other")]
    for k in (3, 4, 5):
        for layer in layers:
            ask(layer, k, kinds=("labels",))
            rest()
    assert read == ["one", "other"]
    assert [one.segmentation.n_clusters for one in shown] == [3, 3, 4, 4, 5, 5]
    qtbot.wait(100)  # the drawing
    viewer.layers.remove(layers[0])
    preview.drop_stale()
    assert [one.source.name for one in preview._points.requests] == ["other"]

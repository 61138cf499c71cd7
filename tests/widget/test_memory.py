"""What is held of images and results in a long session."""

from __future__ import annotations

import gc
from weakref import ref

import pytest

from napari_kmeans_seg.layers.clusters import Clusters

from .hands import threads


@pytest.mark.parametrize("closed", ["layers", "dock and layers"])
def test_nothing_is_held_of_an_image_that_is_closed_though_the_dock_is_known(
    viewer, qtbot, coffee, closed
):
    dock, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    data = coffee[::4, ::4].copy()
    layer = viewer.add_image(data, name="coffee")
    gone = [ref(data), ref(layer)]
    del data, layer
    widget.live.value = True
    widget.see.expand()
    widget.n_clusters.value = 4
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=20_000)
    widget.run()
    qtbot.waitUntil(lambda: widget.state == "done", timeout=20_000)
    gone.append(ref(widget.clusters.clusters))
    widget.clusters.select([1, 2])
    widget.clusters.merge()
    widget.clusters.split(2)
    qtbot.waitUntil(lambda: not widget.clusters._splitting.busy, timeout=20_000)
    qtbot.waitUntil(lambda: not widget.cluster_plot.busy, timeout=20_000)
    widget.clusters.extract()
    gone += [ref(one) for one in viewer.layers]
    if closed == "dock and layers":
        viewer.window.remove_dock_widget(dock)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: not threads())
    qtbot.wait(600)
    # What PySide6 wraps goes a round after that which wrapped it.
    for _ in range(3):
        gc.collect()
    assert [one() for one in gone] == [None] * len(gone)
    assert not [one for one in gc.get_objects() if type(one) is Clusters]
    assert widget.native is not None

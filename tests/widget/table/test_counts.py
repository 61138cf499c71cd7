"""What is painted is counted, whatever the dock shows meanwhile, and without it."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtTest import QTest


def stroke(labels, where, label):
    """Paint as napari's brush does."""
    inside = np.zeros(labels.data.shape, bool)
    inside[where] = True
    labels.data_setitem(np.nonzero(inside), label)


def told(labels):
    table = labels.features.set_index("label")
    return table[["pixels", "mean_red", "mean_green", "mean_blue"]].to_numpy(float)[1:]


def true(labels, image):
    """Count what is displayed."""
    rows = []
    for label in range(1, int(labels.data.max()) + 1):
        inside = labels.data == label
        rows.append([inside.sum(), *image[inside].mean(axis=0)])
    return np.array(rows)


def is_counted(labels, image, qtbot):
    qtbot.waitUntil(lambda: np.allclose(told(labels), true(labels, image)), timeout=5000)
    np.testing.assert_allclose(told(labels), true(labels, image))


@pytest.mark.parametrize("after", [0, 50, 310])
def test_paint_is_counted_while_another_image_is_looked_at(
    viewer, table, labels, coffee, cell, qtbot, after
):
    viewer.add_image(cell, name="cell")
    viewer.layers.selection.active = labels
    stroke(labels, np.s_[50:150, 50:300], 1)
    QTest.qWait(after)
    viewer.layers.selection.active = viewer.layers["cell"]
    assert not table.isVisible()
    is_counted(labels, coffee, qtbot)


@pytest.mark.parametrize("after", [0, 50, 310])
def test_paint_is_counted_while_the_dock_is_closed(viewer, table, labels, coffee, qtbot, after):
    stroke(labels, np.s_[50:150, 50:300], 2)
    QTest.qWait(after)
    viewer.window.remove_dock_widget("all")
    is_counted(labels, coffee, qtbot)


def test_paint_is_counted_after_the_dock_was_closed(viewer, table, labels, coffee, dock, qtbot):
    viewer.window.remove_dock_widget("all")
    stroke(labels, np.s_[50:150, 50:300], 2)
    is_counted(labels, coffee, qtbot)
    labels.undo()
    is_counted(labels, coffee, qtbot)
    stroke(labels, np.s_[:20, :20], 3)
    widget = dock()
    is_counted(labels, coffee, qtbot)
    qtbot.waitUntil(lambda: widget.clusters.clusters is not None)
    rows = widget.clusters.clusters.table
    assert rows["pixels"].tolist() == true(labels, coffee)[:, 0].tolist()


def test_paint_before_there_was_a_dock_is_counted_once_there_is_one(viewer, dock, coffee, qtbot):
    from napari_kmeans_seg.layers import LayerImage, Outputs

    source = LayerImage.of(viewer.add_image(coffee, name="coffee"))
    labels = Outputs.paint(source, source.segment(n_clusters=3)).show(viewer)["labels"]
    stroke(labels, np.s_[50:150, 50:300], 2)
    dock()
    is_counted(labels, coffee, qtbot)


def test_a_swap_of_as_many_pixels_is_counted(viewer, table, labels, coffee, qtbot):
    before = told(labels)
    brightness = coffee.mean(axis=-1)
    darkest = np.argsort(np.where(labels.data == 2, brightness, np.inf), axis=None)[:2000]
    brightest = np.argsort(np.where(labels.data == 1, brightness, -1), axis=None)[-2000:]
    swapped = labels.data.copy()
    swapped.flat[darkest], swapped.flat[brightest] = 1, 2
    labels.data_setitem(np.nonzero(swapped != labels.data), swapped[swapped != labels.data])
    is_counted(labels, coffee, qtbot)
    after = told(labels)
    np.testing.assert_array_equal(after[:, 0], before[:, 0])
    assert (np.abs(after[:2, 1:] - before[:2, 1:]) > 0.1).all()


def test_nothing_is_counted_again_where_nothing_was_painted(viewer, table, labels, qtbot):
    from napari_kmeans_seg.widget.table.counts import counts_of

    counts, written = counts_of(table.clusters), []
    qtbot.waitUntil(lambda: not counts.busy)
    labels.events.features.connect(lambda: written.append(1))
    labels.refresh()
    assert counts.busy
    qtbot.waitUntil(lambda: not counts.busy)
    assert not written


def test_the_table_of_a_run_is_of_the_image_as_it_was_then(viewer, widget, labels, coffee, qtbot):
    from napari_kmeans_seg.widget.table.counts import counts_of

    before = labels.features.copy()
    viewer.layers["coffee"].data = coffee[::-1].copy()
    labels.refresh()
    counts = counts_of(widget.clusters.clusters)
    qtbot.waitUntil(lambda: not counts.busy)
    assert labels.features.equals(before), "or a later run would take it for a person's own"

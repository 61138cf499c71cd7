"""The histogram of grey clusters and its thresholds, moved by mouse and keyboard."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtTest import QTest

from ..hands import CONTROL, NONE, SHIFT
from .pointer import LEFT, click, drag


def test_a_dragged_threshold_makes_the_labels_anew_and_can_be_undone(viewer, ran, settle, cell):
    widget = ran(cell)
    plot = widget.cluster_plot
    labels = viewer.layers["image clusters"]
    before = labels.data.copy()
    edges = [one.at for one in plot.histogram.bars.thresholds]
    at = drag(plot.histogram, 1, 12)
    assert at > edges[1]
    settle(plot)
    expected = np.digitize(cell, [edges[0], at, edges[2]], right=True) + 1
    np.testing.assert_array_equal(labels.data, expected)
    assert [one.at for one in plot.histogram.bars.thresholds] == [edges[0], at, edges[2]]
    counts = labels.features.set_index("label")["pixels"].loc[[1, 2, 3, 4]].tolist()
    assert counts == np.bincount(expected.ravel())[1:].tolist()
    # Where one has dragged, one takes back.
    widget.native.window().activateWindow()
    plot.histogram.setFocus()
    QTest.qWait(20)
    QTest.keyClick(plot.histogram, Qt.Key.Key_Z, CONTROL)
    np.testing.assert_array_equal(labels.data, before)
    QTest.keyClick(plot.histogram, Qt.Key.Key_Z, CONTROL | SHIFT)
    np.testing.assert_array_equal(labels.data, expected)


def test_while_it_is_dragged_the_bars_show_what_will_be(ran, cell):
    histogram = ran(cell).cluster_plot.histogram
    before = histogram._table()
    start = QPoint(round(histogram.line(1)), 20)
    QTest.mousePress(histogram, LEFT, NONE, start)
    QTest.mouseMove(histogram, start + QPoint(15, 0))
    after = histogram._table()
    assert after[1].sum() > before[1].sum()
    assert after[2].sum() < before[2].sum()
    np.testing.assert_array_equal(after.sum(axis=0), before.sum(axis=0))
    QTest.mouseMove(histogram, start)
    QTest.mouseRelease(histogram, LEFT, NONE, start)
    np.testing.assert_array_equal(histogram._table(), before)


def test_a_threshold_stops_at_its_neighbour(viewer, ran, settle, cell):
    plot = ran(cell).cluster_plot
    labels = viewer.layers["image clusters"].data
    one = plot.histogram.bars.thresholds[1]
    assert drag(plot.histogram, 1, 500) == one.high
    settle(plot)
    # Nothing of the cluster would be left.
    assert "without pixels" in plot.note.text()
    assert viewer.layers["image clusters"].data is labels
    assert plot.histogram.at is None


def test_arrow_keys_move_the_marked_threshold(viewer, ran, settle, cell):
    plot = ran(cell).cluster_plot
    histogram = plot.histogram
    plot.window().activateWindow()
    histogram.setFocus()
    QTest.keyClick(histogram, Qt.Key.Key_Up)
    at = histogram.threshold.at
    assert histogram.focused == 1
    for _ in range(3):
        QTest.keyClick(histogram, Qt.Key.Key_Right)
    QTest.keyClick(histogram, Qt.Key.Key_Left, SHIFT)
    assert histogram.at == at - 7
    QTest.keyClick(histogram, Qt.Key.Key_Escape)
    assert histogram.at is None
    QTest.keyClick(histogram, Qt.Key.Key_Right)
    QTest.keyClick(histogram, Qt.Key.Key_Return)
    settle(plot)
    assert histogram.bars.thresholds[1].at == at + 1
    between = (cell > at) & (cell <= at + 1)
    assert (viewer.layers["image clusters"].data[between] == 2).all()


def test_what_keys_moved_is_put_once_they_rest(ran, settle, cell, qtbot):
    widget = ran(cell)
    histogram = widget.cluster_plot.histogram
    for _ in range(4):
        QTest.keyClick(histogram, Qt.Key.Key_Right)
    assert widget.clusters.clusters.undoable is None
    qtbot.waitUntil(lambda: widget.clusters.clusters.undoable is not None, timeout=5000)
    assert widget.clusters.clusters.undoable.startswith("Move the threshold 1 | 2")


def test_a_click_on_a_bar_selects_its_cluster(ran, cell):
    widget = ran(cell)
    histogram = widget.cluster_plot.histogram
    lines = [histogram.line(i) for i in range(3)]
    click(histogram, QPointF((lines[0] + lines[1]) / 2, 60))
    assert widget.clusters.selected == [2]
    told = histogram.text_at((lines[0] + lines[1]) / 2)
    values, cluster = told.splitlines()
    first, _, last = values.removeprefix("intensity ").partition(" to ")
    n = ((cell >= int(first)) & (cell <= int(last or first))).sum()
    assert cluster == f"Cluster 2: {n:,} pixels"
    assert histogram.text_at(lines[0]).startswith("Cluster 1 up to ")


def test_counts_are_drawn_by_the_scale_that_is_chosen(ran, cell):
    plot = ran(cell).cluster_plot
    names = []
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Down, Qt.Key.Key_Down):
        QTest.keyClick(plot.axes, key)
        names.append(plot.histogram.axes[1].name)
        assert plot.histogram.grab().width() > 0
    assert names == ["pixels (√)", "pixels", "pixels (log)"]


def test_painted_pixels_leave_no_threshold_and_it_says_why(viewer, ran, settle, cell):
    plot = ran(cell).cluster_plot
    labels = viewer.layers["image clusters"]
    labels.paint((300, 300), 3)
    labels.selected_label = 1
    labels.brush_size = 40
    labels.paint((100, 100), 1)
    settle(plot)
    assert plot.histogram.bars.thresholds == ()
    assert plot.note.text().startswith("By pixels that were painted")
    labels.undo()
    labels.undo()
    settle(plot)
    assert len(plot.histogram.bars.thresholds) == 3


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_other_values_are_dragged_as_well(viewer, ran, settle, cell, dtype):
    image = (cell.astype(np.float64) * 250).astype(dtype) / (63750 if dtype == np.float32 else 1)
    image = image.astype(dtype)
    plot = ran(image).cluster_plot
    at = drag(plot.histogram, 0, -8)
    settle(plot)
    edges = [one.at for one in plot.histogram.bars.thresholds]
    assert edges[0] == at
    expected = np.digitize(image, [at, *edges[1:]], right=True) + 1
    assert (viewer.layers["image clusters"].data != expected).mean() < 1e-3


def test_a_constant_image_is_one_bar(ran):
    plot = ran(np.full((30, 40), 7, np.uint8)).cluster_plot
    assert plot.histogram.bars.thresholds == ()
    assert plot.histogram.axes[0].low_text == plot.histogram.axes[0].high_text == "7"
    assert plot.histogram.grab().width() > 0


def test_one_cluster_has_no_threshold(ran, cell):
    plot = ran(cell, k=1).cluster_plot
    assert plot.histogram.bars.thresholds == ()
    QTest.keyClick(plot.histogram, Qt.Key.Key_Right)
    assert plot.histogram.at is None


def test_two_hundred_and_fifty_five_clusters_are_drawn_and_moved(viewer, ran, settle):
    image = (np.arange(300 * 300) % 60_000).astype(np.uint16).reshape(300, 300)
    plot = ran(image, k=255).cluster_plot
    assert len(plot.histogram.bars.thresholds) == 254
    labels = viewer.layers["image clusters"].data
    QTest.keyClick(plot.histogram, Qt.Key.Key_Right)
    QTest.keyClick(plot.histogram, Qt.Key.Key_Return)
    settle(plot)
    assert (viewer.layers["image clusters"].data != labels).sum() == 2
    assert len(plot.histogram.bars.thresholds) == 254


def test_of_a_lazy_image_it_says_how_many_pixels_it_looked_at(ran):
    image = da.random.default_rng(0).integers(0, 256, (3000, 3000), np.uint8, chunks=1000)
    plot = ran(image).cluster_plot
    n = plot.histogram.bars.points.home.size
    assert n < image.size
    assert plot.note.text().endswith(f"Drawn from {n:,} of {image.size:,} pixels.")
    assert plot.note.text().startswith("Thresholds can be moved only where image and labels")
    assert plot.histogram.near(plot.histogram.line(0)) is None

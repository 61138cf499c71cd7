"""The cluster table in a real napari window, by mouse."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_kmeans_seg.widget.table.model import SWATCH

from ..hands import CONTROL, NONE, canvas_at_rest, canvas_colors, click, press, rows


def test_there_is_no_table_before_there_are_clusters(viewer, dock, coffee):
    widget = dock()
    assert not widget.clusters.isVisible()
    viewer.add_image(coffee)
    assert not widget.clusters.isVisible()


def test_the_table_tells_what_the_features_tell(table, labels):
    assert table.isVisible()
    told, features = rows(table), labels.features
    assert [row[0] for row in told] == ["Cluster 1", "Cluster 2", "Cluster 3", "Cluster 4"]
    assert [row[1] for row in told] == [f"{n:,}" for n in features["pixels"][1:]]
    shown = table.view.sorted
    header = [shown.headerData(i, Qt.Orientation.Horizontal) for i in range(shown.columnCount())]
    assert header == ["", "Name", "Pixels", "%", "Red", "Green", "Blue"]


def test_a_size_is_told_where_it_is_not_the_number_of_pixels(viewer, dock, finish, coffee):
    viewer.add_image(coffee, scale=(0.5, 0.5), units=("um", "um"))
    widget = dock()
    widget.run()
    finish(widget)
    shown = widget.clusters.view.sorted
    header = [shown.headerData(i, Qt.Orientation.Horizontal) for i in range(shown.columnCount())]
    assert header == ["", "Name", "Pixels", "%", "Area [µm²]", "Red", "Green", "Blue"]
    for row in rows(widget.clusters):
        pixels, area = (float(row[i].replace(",", "")) for i in (1, 3))
        assert area == pytest.approx(pixels / 4, rel=1e-3)


def test_layers_keep_their_names_in_the_header(viewer, dock, finish, coffee):
    names = ["BPAE_actin", "DAPI", "red"]
    for i, name in enumerate(names):
        viewer.add_image(coffee[..., i], name=name)
    viewer.layers.selection = set(viewer.layers)
    widget = dock()
    widget.run()
    finish(widget)
    shown = widget.clusters.view.sorted
    header = [shown.headerData(i, Qt.Orientation.Horizontal) for i in range(shown.columnCount())]
    assert header == ["", "Name", "Pixels", "%", *names]


def test_numbers_are_written_as_people_read_them(table, labels, qtbot):
    for value, shown in (
        (47_770.0, "47,770"),
        (8953.0, "8,953"),
        (47_770.25, "47,770"),
        (1_234_567_890.0, "1,234,567,890"),
        (3e12, "3e+12"),
        (87.123456, "87.12"),
        (0.0123456, "0.01235"),
        (0.0, "0"),
        (float("nan"), "nan"),
    ):
        features = labels.features.copy()
        for column in ("mean_red", "mean_green"):
            features[column] = features[column].astype(float)
            features.loc[1, column] = value
        labels.features = features

        def are_shown(shown: str = shown) -> None:
            assert [rows(table)[0][column] for column in (3, 4)] == [shown, shown]

        qtbot.waitUntil(are_shown)


def test_the_swatch_is_the_colour_on_the_canvas(table, labels):
    def swatch(row):
        pixmap = table.view.sorted.index(row, SWATCH).data(Qt.ItemDataRole.DecorationRole)
        return pixmap.pixmap(14, 14).toImage().pixelColor(5, 5).getRgb()[:3]

    for row in range(4):
        np.testing.assert_allclose(swatch(row), labels.colormap.map(row + 1)[:3] * 255, atol=1)
    table._clusters.recolor({2: "lime"})
    assert swatch(1) == (0, 255, 0)


def test_every_column_sorts_by_its_numbers(table, labels):
    header = table.view.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(2) + 8, header.height() // 2)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, NONE, place)
    pixels = [int(row[1].replace(",", "")) for row in rows(table)]
    assert pixels in (sorted(pixels), sorted(pixels)[::-1])
    for column in range(table.view.sorted.columnCount()):
        table.view.sortByColumn(column, Qt.SortOrder.DescendingOrder)
        shown = [
            table.view.sorted.index(row, column).data(Qt.ItemDataRole.UserRole) for row in range(4)
        ]
        assert shown == sorted(shown, reverse=True)


def test_selected_clusters_stand_out_on_the_canvas(table, labels):
    plain = labels.colormap.map(np.arange(1, 5))
    click(table, 1)
    click(table, 3, modifier=CONTROL)
    assert table.selected == [2, 4]
    shown = labels.colormap.map(np.arange(1, 5))
    np.testing.assert_allclose(shown[3], plain[3])
    hues = [color[:3] / color.max() for color in (shown[1], plain[1])]
    assert shown[1].sum() > plain[1].sum(), "a dark one is lighter beside a dark veil"
    np.testing.assert_allclose(*(color / color.max() for color in hues), atol=0.02)
    np.testing.assert_allclose(shown[[0, 2]], [[0, 0, 0, 0.85]] * 2, rtol=1e-6)
    table.view.clearSelection()
    np.testing.assert_allclose(labels.colormap.map(np.arange(1, 5)), plain)


def test_a_click_on_the_canvas_selects_the_row(viewer, table, labels, qtbot):
    viewer.reset_view()
    native = canvas_at_rest(viewer, qtbot)
    middle = QPoint(native.width() // 2, native.height() // 2)
    QTest.mouseClick(native, Qt.MouseButton.LeftButton, NONE, middle)
    y, x = np.round(viewer.cursor.position).astype(int)
    assert table.selected == [int(labels.data[y, x])]
    # A drag moves the canvas and selects nothing else.
    before = table.selected
    QTest.mousePress(native, Qt.MouseButton.LeftButton, NONE, middle)
    QTest.mouseMove(native, middle + QPoint(120, 60))
    QTest.mouseRelease(native, Qt.MouseButton.LeftButton, NONE, middle + QPoint(120, 60))
    assert table.selected == before


def test_clusters_are_hidden_by_their_tick(table, labels):
    box = table.view.visualRect(table.view.sorted.index(1, SWATCH))
    place = QPoint(box.left() + 10, box.center().y())
    QTest.mouseClick(table.view.viewport(), Qt.MouseButton.LeftButton, NONE, place)
    assert labels.colormap.map(2)[3] == 0
    QTest.mouseClick(table.view.viewport(), Qt.MouseButton.LeftButton, NONE, place)
    assert labels.colormap.map(2)[3] > 0


def test_a_cluster_is_split_on_a_thread(table, labels, qtbot):
    click(table, 1)
    table.split(3)
    assert not table.actions_["split"].isEnabled()
    qtbot.waitUntil(lambda: len(rows(table)) == 6, timeout=10_000)
    assert table.selected == [2, 5, 6]
    assert table.actions_["undo"].toolTip().startswith("Undo: Split Cluster 2")


def test_masks_are_extracted_and_the_table_stays(viewer, table):
    click(table, 0)
    click(table, 1, modifier=CONTROL)
    press(table, Qt.Key.Key_E, CONTROL)
    assert [layer.name for layer in viewer.layers][-2:] == ["Cluster 1 mask", "Cluster 2 mask"]
    assert table.isVisible()
    table.actions_["extract_joined"].trigger()
    assert viewer.layers[-1].name == "Cluster 1 + Cluster 2 mask"
    viewer.layers.selection.active = viewer.layers[-1]
    assert table.isVisible()


def test_another_image_has_its_own_table_or_none(viewer, table, cell):
    labels = viewer.layers["coffee clusters"]
    plain = labels.colormap.map(1)
    click(table, 1)
    viewer.add_image(cell, name="cell")
    assert not table.isVisible()
    np.testing.assert_allclose(labels.colormap.map(1), plain)
    viewer.layers.selection.active = labels
    assert table.isVisible()
    viewer.layers.remove(labels)
    assert not table.isVisible()


def test_another_run_shows_its_clusters(widget, table, finish):
    click(table, 1)
    widget.n_clusters.value = 6
    widget.run()
    finish(widget)
    QTest.qWait(10)
    assert len(rows(table)) == 6
    assert table.selected == []


def test_nothing_is_left_when_the_dock_is_closed(viewer, table, labels):
    plain = labels.colormap.map(1)
    click(table, 1)
    assert (labels.colormap.map(1) != plain).any()
    callbacks = len(labels.events.features.callbacks), len(labels.events.colormap.callbacks)
    assert len(viewer.mouse_drag_callbacks) > 0
    viewer.window.remove_dock_widget("all")
    np.testing.assert_allclose(labels.colormap.map(1), plain)
    assert not any("_on_canvas_click" in repr(one) for one in viewer.mouse_drag_callbacks)
    left = [repr(one) for one in labels.events.features.callbacks]
    assert not any("ClusterTable" in one or "SeenSwitch" in one for one in left)
    assert len(left) < callbacks[0]


def test_a_dark_cluster_stands_out_among_pale_ones(table, labels):
    plain = canvas_colors(labels)
    assert plain[0, :3].max() < 0.35, "dark"
    click(table, 0)
    shown = canvas_colors(labels)
    np.testing.assert_allclose(shown[0], plain[0])
    assert (shown[1:, :3].min(axis=1) > 0.55).all()
    table.view.clearSelection()
    np.testing.assert_allclose(canvas_colors(labels), plain)

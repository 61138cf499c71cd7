"""The numbers of the table leave napari whole, in a real napari window."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QGuiApplication
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QColorDialog, QFileDialog

from napari_kmeans_seg.widget.table.counts import counts_of
from napari_kmeans_seg.widget.table.model import NAME

from ..hands import CONTROL, SHIFT, click, paint, press


def clipboard() -> pd.DataFrame:
    """What a spreadsheet would get."""
    return pd.read_csv(io.StringIO(QGuiApplication.clipboard().text()), sep="\t")


@pytest.fixture
def save_as(monkeypatch, tmp_path):
    """Answer the dialog that asks for a file; gives what it was asked."""
    asked = []

    def answer(name, chosen="Comma-separated values (*.csv)"):
        def ask(_parent, title, proposed, formats):
            asked.append((title, proposed, formats))
            return (str(tmp_path / name), chosen) if name else ("", "")

        monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
        return asked

    return answer


def test_all_rows_go_to_the_clipboard_by_key_with_all_columns_and_digits(table, labels):
    click(table, 0)
    press(table, Qt.Key.Key_A, CONTROL)
    press(table, Qt.Key.Key_C, CONTROL)
    header, *lines, _ = (
        line.split("\t") for line in QGuiApplication.clipboard().text().split("\n")
    )
    cells = dict(zip(header, zip(*lines, strict=True), strict=True))
    assert cells.pop("name") == ("Cluster 1", "Cluster 2", "Cluster 3", "Cluster 4")
    assert {"index", *cells} == set(labels.features)
    for name, column in cells.items():
        expected = labels.features[name][1:].tolist()
        assert [type(one)(cell) for cell, one in zip(column, expected, strict=True)] == expected
    assert table.message.text() == "4 rows copied."


def test_selected_rows_go_in_the_order_that_is_seen(table):
    table.view.sortByColumn(NAME, Qt.SortOrder.DescendingOrder)
    table.select([1, 3])
    press(table, Qt.Key.Key_C, CONTROL)
    assert clipboard()["label"].tolist() == [3, 1]
    QTest.mouseClick(table.extras.table, Qt.MouseButton.LeftButton)
    assert clipboard()["label"].tolist() == [4, 3, 2, 1]
    assert table.message.text() == "Table copied."


def test_keys_do_what_the_buttons_do_and_tooltips_name_them(table, save_as, monkeypatch):
    asked = save_as("")
    click(table, 1)
    QGuiApplication.clipboard().clear()
    press(table, Qt.Key.Key_L, CONTROL | SHIFT)
    assert len(clipboard()) == 4
    press(table, Qt.Key.Key_M, CONTROL | SHIFT)
    assert "k-means" in QGuiApplication.clipboard().text()
    press(table, Qt.Key.Key_E, CONTROL | SHIFT)
    assert len(asked) == 1
    asked_color = []
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: asked_color.append(1) or QColor())
    press(table, Qt.Key.Key_H, CONTROL | SHIFT)
    assert asked_color == [1]
    for one in table.extras.actions_:
        assert f"({one.shortcut().toString()})" in one.toolTip()


def test_a_table_is_saved_under_the_name_that_is_given(table, labels, save_as, tmp_path):
    asked = save_as("mine.csv")
    QTest.mouseClick(table.extras.file, Qt.MouseButton.LeftButton)
    [(_, proposed, formats)] = asked
    assert proposed == "coffee clusters.csv"
    assert "(*.csv);;" in formats
    saved = pd.read_csv(tmp_path / "mine.csv", comment="#")
    assert saved["pixels"].tolist() == labels.features["pixels"][1:].tolist()
    assert table.message.text() == "Saved as mine.csv."


def test_a_name_without_an_ending_gets_the_chosen_one_and_replaces_nothing(
    table, save_as, tmp_path
):
    save_as("mine", "Tab-separated values (*.tsv)")
    table.extras.file.click()
    assert len(pd.read_csv(tmp_path / "mine.tsv", sep="\t", comment="#")) == 4
    (tmp_path / "mine.tsv").write_text("another")
    table.extras.file.click()
    assert (tmp_path / "mine.tsv").read_text() == "another", "the dialog asked of “mine” only"
    assert "The table was not saved" in table.message.text()


def test_what_was_just_painted_is_in_the_numbers(viewer, table, labels, qtbot):
    paint(viewer, labels, qtbot)
    assert counts_of(table.clusters).busy, "it is still to be counted"
    QTest.mouseClick(table.extras.table, Qt.MouseButton.LeftButton)
    counts = np.bincount(labels.data.ravel(), minlength=5)[1:]
    assert clipboard()["pixels"].tolist() == counts.tolist()


@pytest.mark.parametrize("specks", [0, 100, 1000])
def test_every_number_that_is_copied_is_of_the_pixels_in_its_row(
    viewer, dock, finish, histology, specks
):
    viewer.add_image(histology, name="tissue", scale=(0.5, 0.5), units=("um", "um"))
    widget = dock()
    widget.n_clusters.value = 6
    widget.inputs.specks.value = specks
    widget.run()
    finish(widget)
    labels, table = viewer.layers["tissue clusters"], widget.clusters

    def compare():
        table.extras.copy_table()
        copied = clipboard().set_index("label")
        assert set(copied.index) == set(np.unique(labels.data)) - {0}
        for label, row in copied.iterrows():
            inside = labels.data == label
            assert row["pixels"] == inside.sum()
            means = row[["mean_red", "mean_green", "mean_blue"]].to_numpy(float)
            np.testing.assert_allclose(means, histology[inside].mean(axis=0))
            np.testing.assert_allclose(row["percent"], 100 * inside.sum() / (labels.data > 0).sum())
            np.testing.assert_allclose(row["area [µm²]"], inside.sum() / 4)

    compare()
    table.select([2, 3])
    table.actions_["merge"].trigger()
    compare()
    table.select([1])
    table.actions_["delete"].trigger()
    compare()
    labels.brush_size = 60
    labels.paint((250, 250), 4)
    compare()
    table.actions_["undo"].trigger()
    compare()

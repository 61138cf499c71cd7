"""The table of a result for other programs."""

from __future__ import annotations

import io
import json

import numpy as np
import openpyxl
import pandas as pd
import pytest
from napari.components import ViewerModel

from napari_kmeans_seg import __version__
from napari_kmeans_seg.layers import LayerImage, Outputs, PartInView
from napari_kmeans_seg.layers.clusters import clusters_of
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.tables import clusters_as_text, save_clusters, table_formats
from napari_kmeans_seg.layers.source.view import View

NAME = 'a "photo" #1,\n=2\t²'


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def clusters(viewer, coffee):
    layer = viewer.add_image(coffee, name=NAME, scale=(0.3, 0.3), units=("um", "um"))
    source = LayerImage.of(layer)
    Outputs.paint(source, source.segment(n_clusters=4, seed=3)).show(viewer)
    return clusters_of(viewer, layer)


def expected(clusters, coffee):
    """What NumPy counts on the labels, to the last digit that doubles have."""
    labels, n = clusters.layer.data, clusters.layer.data.size
    for label in (1, 2, 3, 4):
        inside = labels == label
        pixels = int(inside.sum())
        area = pixels * float(clusters.layer.scale[0] * clusters.layer.scale[1])
        yield label, pixels, 100 * pixels / n, area, *coffee[inside].mean(axis=0, dtype=float)


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".tsv", "\t")])
def test_pandas_reads_a_saved_table_whole(clusters, coffee, tmp_path, suffix, separator):
    path = tmp_path / f"table{suffix}"
    clusters.rename(2, "the cup, #2")
    save_clusters(path, clusters.layer)
    table = pd.read_csv(path, sep=separator, comment="#")
    columns = ["label", "name", "pixels", "percent", "area [µm²]"]
    assert list(table) == [*columns, "mean_red", "mean_green", "mean_blue"]
    assert table["name"].tolist() == ["Cluster 1", "the cup, #2", "Cluster 3", "Cluster 4"]
    told = table.drop(columns="name").to_numpy()
    np.testing.assert_allclose(told, [*expected(clusters, coffee)], rtol=1e-13)
    # To the last bit by Python, for the reader of older pandas may be off by one.
    digits = pd.read_csv(path, sep=separator, comment="#", dtype=str)
    for name in [*columns[2:], "mean_red", "mean_green", "mean_blue"]:
        assert list(map(float, digits[name])) == clusters.layer.features[name][1:].tolist()


def test_comments_say_what_gave_the_numbers(clusters, tmp_path):
    path = tmp_path / "table.csv"
    save_clusters(path, clusters.layer)
    lines = [line for line in path.read_text("utf-8").split("\n") if line.startswith("# ")]
    about = {key: json.loads(value) for key, _, value in (one[2:].partition(": ") for one in lines)}
    assert about == {
        "image": NAME,
        "layer": clusters.layer.name,
        "method": methods_text(clusters.layer),
        "napari-kmeans-seg": __version__,
        "parameters": clusters.record.arguments,
    }
    assert (about["parameters"]["n_clusters"], about["parameters"]["seed"]) == (4, 3)


def test_excel_has_the_numbers_and_what_gave_them(clusters, coffee, tmp_path):
    path = tmp_path / "table.xlsx"
    clusters.rename(1, "=1+1")
    save_clusters(path, clusters.layer)
    table = pd.read_excel(path, sheet_name="clusters")
    told = table.drop(columns="name").to_numpy()
    np.testing.assert_allclose(told, [*expected(clusters, coffee)], rtol=1e-13)
    about = pd.read_excel(path, sheet_name="about", index_col=0)["value"]
    assert json.loads(about["parameters"])["n_clusters"] == 4
    cell = openpyxl.load_workbook(path)["clusters"]["B2"]
    assert (cell.data_type, cell.value) == ("s", "'=1+1"), "a text, and no formula"


def test_the_clipboard_gets_tabs_a_header_and_all_digits(clusters, coffee):
    text = clusters_as_text(clusters.layer, [3, 1])
    header, *rows, end = text.split("\n")
    assert header.split("\t")[:4] == ["label", "name", "pixels", "percent"]
    assert [row.split("\t")[0] for row in rows] == ["3", "1"]
    assert end == ""
    assert '"' not in text
    every = list(expected(clusters, coffee))
    for row, label in zip(rows, (3, 1), strict=True):
        cells = row.split("\t")
        numbers = [float(cell) for i, cell in enumerate(cells) if i != 1]
        np.testing.assert_allclose(numbers, every[label - 1], rtol=1e-13)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("x";"y")'])
def test_a_spreadsheet_runs_no_name(clusters, tmp_path, name):
    clusters.rename(1, name)
    clusters.layer.features["note"] = name
    save_clusters(tmp_path / "table.csv", clusters.layer)
    saved = pd.read_csv(tmp_path / "table.csv", comment="#", dtype=str)
    copied = pd.read_csv(io.StringIO(clusters_as_text(clusters.layer)), sep="\t", dtype=str)
    for table in (saved, copied):
        assert table["name"][0] == table["note"][0] == f"'{name}"
        assert table["name"][1] == "Cluster 2"


def test_a_negative_mean_stays_a_number(viewer):
    image = np.array([[-3.25, -3.25], [4.5, 4.5]])
    source = LayerImage.of(viewer.add_image(image))
    Outputs.paint(source, source.segment(n_clusters=2)).show(viewer)
    text = clusters_as_text(clusters_of(viewer, viewer.layers[0]).layer)
    assert pd.read_csv(io.StringIO(text), sep="\t")["mean_intensity"].tolist() == [-3.25, 4.5]


def test_other_endings_are_refused_in_words(clusters, tmp_path):
    with pytest.raises(ValueError, match=r"“table.doc” must end in .csv or .tsv or .xlsx"):
        save_clusters(tmp_path / "table.doc", clusters.layer)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_replaced_that_nobody_agreed_to(clusters, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        save_clusters(path, clusters.layer)
    assert path.read_text() == "mine"
    save_clusters(path, clusters.layer, overwrite=True)
    assert "Cluster 1" in path.read_text("utf-8")


def test_excel_is_offered_only_where_pandas_can_write_it(monkeypatch):
    assert list(table_formats()) == [".csv", ".tsv", ".xlsx"]
    monkeypatch.setattr("napari_kmeans_seg.layers.export.tables.find_spec", lambda _: None)
    assert list(table_formats()) == [".csv", ".tsv"]


def test_a_preview_is_nobodys_numbers(viewer, coffee, tmp_path):
    layer = viewer.add_image(coffee, name="photo")
    layer.corner_pixels = np.array([[0, 0], [99, 99]])
    source = PartInView.of_image(LayerImage.of(layer), View.of(viewer, layer))
    Outputs.paint(source, source.segment(n_clusters=3), ("labels",)).show(viewer)
    preview = viewer.layers[-1]
    for take in (clusters_as_text, lambda one: save_clusters(tmp_path / "t.csv", one)):
        with pytest.raises(ValueError, match="Press Run"):
            take(preview)
    assert list(tmp_path.iterdir()) == []

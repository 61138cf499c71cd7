"""What the columns of the cluster table are called, and what becomes of their cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.layers import Labels

from napari_kmeans_seg.layers.outputs import columns
from napari_kmeans_seg.layers.outputs.columns import Parts, columns_of, completed, object_table


@pytest.fixture
def rows() -> pd.DataFrame:
    """Three clusters as the features table has them, one of them empty."""
    return pd.DataFrame(
        {
            "index": [1, 2, 4],
            "label": [1, 2, 4],
            "name": ["Cluster 1", "vessel", "Cluster 4"],
            "pixels": [10, 30, 0],
            "percent": [25.0, 75.0, 0.0],
            "area [µm²]": [2.5, 7.5, 0.0],
            "mean_red": [10.0, 20.0, np.nan],
            "mean_my stain": [1.0, 2.0, np.nan],
            "note": ["a", "b", "c"],
        }
    )


def test_columns_say_what_they_are(rows):
    found = {column.name: column for column in columns_of(rows)}
    assert list(found) == list(rows.columns)
    kinds = [column.kind for column in found.values()]
    assert kinds == ["derived", "label", "name", "count", *["derived"] * 2, *["mean"] * 2, "own"]
    titles = [column.title for column in found.values()]
    assert titles[2:] == ["Name", "Pixels", "%", "Area [µm²]", "Red", "my stain", "note"]
    assert found["area [µm²]"].unit == "µm²"
    assert found["area [µm²]"].tip == "area [µm²]; of a series, in all steps together."
    assert found["mean_my stain"].tip == "Mean my stain of the cluster's pixels."


def test_channels_that_are_layers_keep_their_names(rows):
    titles = [one.title for one in columns_of(rows, of_layers=True) if one.kind == "mean"]
    assert titles == ["red", "my stain"]


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("pixels", 1234567, "1,234,567"),
        ("percent", 12.345, "12.3"),
        ("mean_red", 0.123456, "0.1235"),
        ("mean_red", 1234.4, "1,234"),
        ("mean_red", 3e12, "3e+12"),
        ("mean_red", float("nan"), "nan"),
        ("area [µm²]", 2.0, "2"),
        ("note", "seen twice", "seen twice"),
    ],
)
def test_cells_are_written_for_people(rows, column, value, text):
    [found] = [one for one in columns_of(rows) if one.name == column]
    assert found.written(value) == text


def test_clusters_are_merged_column_by_column(rows):
    row = columns.merged(rows).iloc[0]
    assert (row["label"], row["name"], row["pixels"], row["note"]) == (1, "vessel", 40, "a")
    assert (row["mean_red"], row["mean_my stain"]) == (17.5, 1.75)


def test_of_clusters_without_pixels_the_mean_of_the_first_stays(rows):
    row = columns.merged(rows.assign(pixels=0)).iloc[0]
    assert (row["pixels"], row["mean_red"]) == (0, 10.0)


def test_a_cluster_is_split_column_by_column(rows):
    parts = Parts([2, 5], np.array([10, 20]), np.array([[18.0, 1.0], [21.0, 2.5]]), ["a 1", "a 2"])
    found = columns.split(rows.iloc[1:2], parts)
    assert found["label"].tolist() == [2, 5]
    assert found["name"].tolist() == ["a 1", "a 2"]
    assert found["pixels"].tolist() == [10, 20]
    assert found["mean_red"].tolist() == [18.0, 21.0]
    assert found["mean_my stain"].tolist() == [1.0, 2.5]
    assert found["note"].tolist() == ["b", "b"]


def test_what_is_counted_anew_keeps_what_people_wrote(rows):
    counts = rows[["label", "pixels", "mean_red", "mean_my stain"]].iloc[1:].copy()
    counts.loc[len(rows)] = [7, 5, 1.0, 1.0]
    found = columns.counted(counts.astype({"label": int}), rows).set_index("label")
    assert found["name"].to_dict() == {2: "vessel", 4: "Cluster 4", 7: "Cluster 7"}
    assert found["note"].fillna("").to_dict() == {2: "b", 4: "c", 7: ""}


def test_the_table_has_a_row_for_each_label_and_all_that_follows(rows):
    layer = Labels(np.zeros((10, 5), np.uint8), scale=(0.5, 0.5), units=("um", "um"))
    table = completed(rows.iloc[:2], layer, old=rows)
    assert table["label"].tolist() == table["index"].tolist() == [0, 1, 2]
    assert table["name"].tolist() == ["background", "Cluster 1", "vessel"]
    assert table["pixels"].tolist() == [10, 10, 30]
    assert table["percent"].tolist()[1:] == [25.0, 75.0]
    [size] = [one for one in columns_of(table) if one.unit]
    assert size.name.startswith("area [")
    assert table[size.name].tolist() == [2.5, 2.5, 7.5]
    assert table["note"].fillna("").tolist() == ["", "a", "b"]


def test_objects_have_sizes_and_no_percent():
    layer = Labels(np.zeros((4, 3, 5), np.uint8), scale=(3, 0.5, 0.5))
    table = object_table(pd.DataFrame({"label": [1, 2], "pixels": [4, 6]}), layer, step_axis=0)
    assert table.columns.tolist() == ["index", "label", "pixels", "area [pixel²]"]
    assert table["area [pixel²]"].tolist() == [12.5, 1.0, 1.5]

"""What a result keeps in its metadata, and what is read from it: also by a later version."""

from __future__ import annotations

import json
from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from napari.layers import Labels

from napari_kmeans_seg.core.base.notes import Plain, WithoutPixels
from napari_kmeans_seg.layers import METADATA_KEY, LayerImage, Outputs
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.python_script import python_script
from napari_kmeans_seg.layers.outputs import record
from napari_kmeans_seg.layers.outputs.record import (
    ClusterRecord,
    Deleted,
    Merged,
    PaintedByHand,
    Record,
    Split,
    ThresholdMoved,
)

from ..golden_results import RUNS, blocks, run, split

OLD = json.loads(Path(__file__).with_name("records_of_schema_1.json").read_text(encoding="utf-8"))


def layer_of(old) -> Labels:
    labels = Labels(np.zeros(old["shape"], np.uint8), name="old")
    labels.features = pd.DataFrame(old["features"])
    labels.metadata[METADATA_KEY] = old["record"]
    return labels


@pytest.mark.parametrize("name", OLD)
def test_records_of_the_first_schema_give_texts_and_scripts_and_what_they_said_in_words(name):
    old = OLD[name]
    layer = layer_of(old)
    assert methods_text(layer) == old["methods"]
    if old["script"] is not None:
        assert python_script(layer) == old["script"]


@pytest.mark.parametrize("name", OLD)
def test_a_record_that_is_written_is_read_as_it_was(name):
    layer = layer_of(OLD[name])
    before = Record.of_result(layer)
    before.write(layer)
    written = layer.metadata[METADATA_KEY]
    assert written["schema"] == record.SCHEMA
    text = json.dumps(written)
    assert json.dumps(json.loads(text)) == text
    assert Record.of_result(layer) == before


def test_what_a_record_of_the_first_schema_said_stays_as_it_was():
    record = Record.of_result(layer_of(OLD["floats with holes"]))
    said = "30 pixels are NaN or infinite and were left out (label 0)."
    assert record.notes == (Plain(text=said),)


def test_a_note_of_a_later_version_stays_in_words():
    old = OLD["floats with holes"]
    later = {"kind": "Later", "n": 3}
    layer = layer_of({**old, "record": {**old["record"], "schema": 2, "notes": [later]}})
    assert Record.of_result(layer).notes == (Plain(text=old["record"]["warnings"][0]),)
    assert old["record"]["warnings"][0] in methods_text(layer)
    assert old["record"]["warnings"][0] in python_script(layer)


def test_edits_are_written_under_names_that_people_can_read():
    edits = {
        Merged((1, 3)): {"merge": [1, 3]},
        Deleted((2,)): {"delete": [2]},
        Split(2, (2, 4, 5)): {"split": 2, "into": 3, "labels": [2, 4, 5]},
        ThresholdMoved(1, 2, 4.0, 6.0, None, 9.0): {
            "threshold": [1, 2],
            "at": 6.0,
            "from": 4.0,
            "where": [None, 9.0],
        },
        PaintedByHand(): {"painted": True},
    }
    layer = layer_of(OLD["alpha"])
    plain = Record.of_result(layer)
    changed = replace(plain, edits=tuple(edits))
    changed.write(layer)
    assert layer.metadata[METADATA_KEY]["edits"] == list(edits.values())
    assert Record.of_result(layer).edits == tuple(edits)


def test_a_run_notes_clusters_that_only_the_copy_has():
    image = np.zeros((8, 24), np.uint8)
    image[:, 8:16] = 200
    image[:, 16:][np.indices((8, 8)).sum(axis=0) % 2 > 0] = 200  # 100 in a copy of half the size
    with pytest.warns(UserWarning, match="had no pixels"):
        result = run(image, k=3, fit_scale=0.5)
    record = result.clusters.record
    assert record.notes == (WithoutPixels(left_out=1, found=3),)
    assert record.first == (1, 2)
    text = methods_text(result.clusters.layer)
    assert "grouped into 2 clusters" in text
    assert "3 clusters were asked for; the others had no pixels." in text


def test_means_of_clusters_without_pixels_are_the_same_means():
    assert ClusterRecord.of(1, "a", 0, [np.float64("nan")]) == ClusterRecord.of(1, "a", 0, [nan])


def test_what_is_no_result_has_no_record():
    layer = Labels(np.zeros((4, 4), np.uint8), name="drawn")
    assert Record.of(layer) is None
    with pytest.raises(ValueError, match="“drawn” is no result of k-means; choose one"):
        Record.of_result(layer)
    result = run(blocks([[0, 0, 0], [200, 0, 0]]), k=2)
    assert Record.of(result.clusters.extract([1])[0]) is None


def test_the_image_follows_work_on_labels_that_were_painted_as_seeds():
    result = RUNS["painted seeds"]()  # labels 2, 5 and 9: the others have no mean
    image = next(one for one in result.others if one.name == "image k-means")
    result.clusters.merge([2, 5])
    joined = image.data[result.clusters.layer.data == 2]
    assert len(np.unique(joined, axis=0)) == 1


def test_the_parts_of_a_cluster_get_hues_that_no_other_has():
    result = RUNS["grey"]()
    clusters = result.clusters
    split(clusters, 2)
    hues = clusters.colors.of_each(clusters.labels)
    assert len({tuple(np.round(hue, 2)) for hue in hues.values()}) == 4


def test_mean_colours_stay_mean_colours_whatever_was_painted_and_however_the_image_is_shown():
    result = RUNS["colour"]()
    clusters = result.clusters
    clusters.layer.data_setitem((np.arange(3), np.arange(3)), 2)
    clusters.take_counts(clusters.recount()(None))
    result.viewer.layers["image"].contrast_limits = (0, 50)
    clusters.merge([1, 3])
    mean = clusters.table.set_index("label").loc[1, ["mean_red", "mean_green", "mean_blue"]]
    np.testing.assert_allclose(clusters.colors.of(1)[:3], mean.to_numpy(float) / 255, atol=1e-3)
    assert clusters.colors.palette == "mean"


def test_the_palette_is_known_through_choices_undo_and_runs():
    result = RUNS["colour"]()
    clusters, layer = result.clusters, result.clusters.layer
    assert clusters.colors.palette == "mean"
    clusters.recolor_all("distinct")
    assert clusters.colors.palette == "distinct"
    clusters.recolor({1: "red"})
    assert clusters.colors.palette == "own"
    clusters.undo()
    assert clusters.colors.palette == "distinct"
    clusters.colors.show(highlighted={1})
    assert clusters.colors.palette == "distinct"
    clusters.undo()
    clusters.colors.show(highlighted=())
    assert clusters.colors.palette == "mean"
    layer.colormap = clusters.colors.with_colors({2: "blue"}, clusters.labels)
    assert clusters.colors.palette == "own"
    clusters.merge([1, 3])
    clusters.undo()
    np.testing.assert_allclose(clusters.colors.of(2), (0, 0, 1, 1))
    assert clusters.colors.palette == "own"


def test_mean_colours_need_channels_that_are_colours():
    result = RUNS["two layers"]()
    with pytest.raises(ValueError, match="Mean colours need the image, with one channel or red"):
        result.clusters.recolor_all("mean")


def test_a_palette_that_was_chosen_stays_the_palette_of_later_runs():
    result = RUNS["grey"]()
    clusters, image = result.clusters, result.viewer.layers["image"]
    clusters.recolor_all("mean")
    source = LayerImage.of(image)
    shown = Outputs.paint(source, source.segment(n_clusters=6)).show(result.viewer)
    assert shown["labels"] is clusters.layer
    assert clusters.colors.palette == "mean"
    low, high = image.contrast_limits
    greys = (clusters.table["mean_intensity"].to_numpy() - low) / (high - low)
    colors = np.array([*clusters.colors.of_each(clusters.labels).values()])
    np.testing.assert_allclose(colors[:, 0], greys, atol=1e-3)
    clusters.recolor({2: "red"})
    Outputs.paint(source, source.segment(n_clusters=3)).show(result.viewer)
    assert clusters.colors.palette == "own"
    np.testing.assert_allclose(clusters.colors.of(2), (1, 0, 0, 1))

"""Work on clusters is one step with one signal, and its inverse takes it back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_kmeans_seg.layers.clusters import history
from napari_kmeans_seg.layers.clusters.edits import PixelChange, relabelling
from napari_kmeans_seg.layers.outputs.record import Record

from ..golden_results import RUNS, split


@pytest.fixture
def heard():
    """A result, and what is told at each signal: labels, table, record, whether it is whole."""
    result = RUNS["colour"]()
    clusters, said = result.clusters, []

    def look() -> None:
        record = Record.of_result(clusters.layer)
        labels = sorted({*np.unique(clusters.layer.data).tolist()} - {0})
        same = labels == clusters.labels == [one.label for one in record.clusters]
        said.append((same, clusters.is_changing))

    clusters.changed.connect(look)
    return result, said


@pytest.mark.parametrize(
    "work",
    [
        lambda clusters: clusters.merge([1, 3]),
        lambda clusters: clusters.delete([2]),
        lambda clusters: split(clusters, 2),
        lambda clusters: clusters.rename(2, "vessel"),
        lambda clusters: clusters.recolor({1: "red"}),
        lambda clusters: clusters.recolor_all("distinct"),
        lambda clusters: clusters.extract([1]),
    ],
)
def test_each_piece_of_work_is_one_signal_when_all_layers_agree(heard, work):
    result, said = heard
    work(result.clusters)
    assert said == [(True, False)]
    result.clusters.undo()
    result.clusters.redo()
    assert said == [(True, False)] * 3


def test_what_was_painted_is_counted_within_the_same_signal(heard):
    result, said = heard
    result.clusters.layer.data_setitem((np.arange(5), np.arange(5)), 2)
    result.clusters.merge([1, 3])
    assert said == [(True, False)]
    assert result.clusters.table["pixels"].tolist() == [355, 185]


def test_meanwhile_layers_say_that_they_change(heard):
    result, said = heard
    clusters, changing = result.clusters, []
    clusters.layer.events.features.connect(lambda: changing.append(clusters.is_changing))
    clusters.merge([1, 3])
    assert changing
    assert all(changing)
    assert len(said) == 1


def test_work_that_is_refused_leaves_nothing_changing(heard):
    result, _ = heard
    with pytest.raises(ValueError, match="One cluster must stay"):
        result.clusters.delete([1, 2, 3])
    assert not result.clusters.is_changing
    assert result.clusters.undoable is None


def test_the_inverse_of_a_change_takes_it_back():
    labels = np.random.default_rng(0).integers(0, 5, (9, 11), np.uint8)
    change = relabelling(labels, [2, 3], 1)
    changed, where = change.apply(labels)
    back, again = change.inverse().apply(changed)
    np.testing.assert_array_equal(back, labels)
    np.testing.assert_array_equal(where, again)
    np.testing.assert_array_equal(where, (labels == 2) | (labels == 3))


def test_the_inverse_of_a_change_to_a_wider_dtype_gives_the_narrow_one_again():
    labels = np.array([[0, 1], [2, 2]], np.uint8)
    change = PixelChange.of(labels == 2, labels, np.array([300, 2]), np.dtype(np.uint16))
    wide, _ = change.apply(labels)
    assert wide.dtype == np.uint16
    back, _ = change.inverse().apply(wide)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, labels)


def test_a_step_that_is_taken_leaves_the_step_that_was_given_as_it_was():
    result = RUNS["steps"]()
    clusters = result.clusters
    split(clusters, 2)
    [step] = clusters._done
    plain = replace(step, before=replace(step.before, images={}))
    clusters.undo()
    taken = clusters._take(plain)
    assert plain.before.images == {}
    assert taken.before.images.keys() == step.before.images.keys() != set()


def test_steps_take_no_more_memory_than_the_layers_that_they_are_about():
    result = RUNS["colour"]()
    clusters, layer = result.clusters, result.clusters.layer
    images = [one for one in result.viewer.layers if "k-means" in one.name]
    room = layer.data.nbytes + sum(one.data.nbytes for one in images)
    clusters.least_bytes = 0
    named = 0
    for i in range(60):
        clusters.merge([1, 2])
        clusters.undo()
        clusters.delete([2])
        clusters.undo()
        clusters.redo()
        clusters.undo()
        clusters.extract([1 + i % 2])
        named += 1
    assert sum(step.nbytes for step in clusters._done) <= room
    assert 1 < len(clusters._done) < named
    before = layer.data.copy()
    while clusters.undoable:
        clusters.undo()
    np.testing.assert_array_equal(layer.data, before)


def test_the_last_step_can_be_taken_back_however_large_it_is(monkeypatch):
    result = RUNS["colour"]()
    monkeypatch.setattr(history.Step, "nbytes", 1 << 40)
    before = result.clusters.layer.data.copy()
    result.clusters.delete([2])
    result.clusters.merge([1, 3])
    result.clusters.undo()
    assert result.clusters.undoable is None
    result.clusters.redo()
    result.clusters.undo()
    np.testing.assert_array_equal(result.clusters.layer.data, np.where(before == 2, 0, before))

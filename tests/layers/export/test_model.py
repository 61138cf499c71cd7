"""A model that is saved gives the labels, names and colours of the result, whatever was done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers._source import layer_source

from napari_kmeans_seg import KMeansModel
from napari_kmeans_seg.layers import LayerImage, Outputs, Seeds
from napari_kmeans_seg.layers.clusters import Clusters, clusters_of
from napari_kmeans_seg.layers.clusters.distribution import ClusterValues
from napari_kmeans_seg.layers.clusters.thresholds import (
    move,
    moved_by_hand,
    reassignment,
    thresholds_of,
)
from napari_kmeans_seg.layers.export.model import model_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def run(viewer: ViewerModel, source: LayerImage, n_clusters: int = 5, **named) -> Clusters:
    found = source.segment(n_clusters=n_clusters, **named)
    return clusters_of(viewer, Outputs.paint(source, found).show(viewer)["labels"])


def saved(clusters: Clusters, folder: Path) -> tuple[KMeansModel, tuple[str, ...]]:
    """Save the model, and read it as another session would."""
    colors = clusters.colors.of_each(clusters.labels)
    model, left_out = model_of(clusters.layer, colors)
    model.save(folder / "model.json")
    return KMeansModel.load(folder / "model.json"), left_out


def split(clusters: Clusters, label: int, n_parts: int) -> None:
    clusters.split(label, clusters.parts(label, n_parts)(None))


def everything(clusters: Clusters) -> None:
    clusters.merge((1, 3))
    split(clusters, 2, 3)
    clusters.rename(2, "brown tissue")
    clusters.delete([4])
    clusters.merge((2, 6))
    clusters.recolor({1: (1, 0.5, 0, 1)})
    split(clusters, 1, 2)


WORK: dict[str, Callable[[Clusters], object]] = {
    "nothing": lambda _: None,
    "a merge": lambda clusters: clusters.merge((1, 4)),
    "a deletion": lambda clusters: clusters.delete([2, 5]),
    "a split": lambda clusters: split(clusters, 3, 2),
    "everything": everything,
    "undone work": lambda clusters: (everything(clusters), clusters.undo(), clusters.undo()),
}


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize(
    "arguments", [{}, {"color_space": "lab", "normalize": True}, {"smoothing": 1.5}], ids=str
)
def test_labels_names_and_colours_are_those_of_the_result(
    viewer, histology, tmp_path, work, arguments
) -> None:
    image = histology[::4, ::4]
    clusters = run(viewer, LayerImage.of(viewer.add_image(image)), **arguments)
    WORK[work](clusters)
    model, left_out = saved(clusters, tmp_path)
    assert not left_out
    found = model.predict(image)
    layer = clusters.layer
    np.testing.assert_array_equal(found.labels, layer.data)
    counts = {label: n for label, n in enumerate(found.counts.tolist(), 1) if n}
    table = clusters.table
    assert counts == {
        label: n for label, n in zip(table["label"], table["pixels"], strict=True) if n
    }
    for label in clusters.labels:
        name = model.names.get(label, f"Cluster {label}")
        assert name == clusters.name(label)
        color = clusters.colors.of_each([label])[label][:3]
        shown = [int(model.colors[label][i : i + 2], 16) for i in (1, 3, 5)]
        np.testing.assert_allclose(shown, np.asarray(color) * 255, atol=0.51)
    np.testing.assert_allclose(
        found.centroids[np.array(clusters.labels) - 1],
        model.centroids[np.array(clusters.labels) - 1],
        rtol=1e-6,
    )


def test_dragged_thresholds_are_carried(viewer, cell, tmp_path) -> None:
    source = LayerImage.of(viewer.add_image(cell))
    clusters = run(viewer, source, 4)
    for which, by in ((0, 7), (2, -5), (1, 3)):
        values = ClusterValues.of(clusters)
        points = values.read(clusters.layer.data)
        members = points.members(clusters.layer.data)
        threshold = thresholds_of(points, members, moved_by_hand(clusters))[which]
        moved = reassignment(clusters, values, threshold, threshold.at + by)(lambda *_: None)
        assert move(clusters, moved)
    clusters.delete([1])
    model, left_out = saved(clusters, tmp_path)
    assert not left_out
    np.testing.assert_array_equal(model.predict(cell).labels, clusters.layer.data)


def test_what_a_model_cannot_carry_is_said(viewer, histology, tmp_path) -> None:
    image = histology[::4, ::4]
    clusters = run(viewer, LayerImage.of(viewer.add_image(image)))
    layer = clusters.layer
    layer.data_setitem(tuple(np.indices((5, 5)).reshape(2, -1)), np.full(25, 3))
    clusters.take_counts(clusters.recount()(None))
    _, left_out = saved(clusters, tmp_path)
    assert left_out == ("Pixels that were painted by hand are no part of the model.",)


def test_steps_by_themselves_have_no_one_model(viewer, cell, tmp_path) -> None:
    stack = np.stack([cell[:64, :64], cell[64:128, 64:128]])
    source = replace(LayerImage.of(viewer.add_image(stack)), step_axis=0)
    clusters = run(viewer, source, 3)
    with pytest.raises(ValueError, match="Each step has clusters of its own"):
        saved(clusters, tmp_path)


def test_a_model_has_the_names_of_the_layers_that_were_channels(viewer, cell, tmp_path) -> None:
    pair = [viewer.add_image(cell, name="DAPI"), viewer.add_image(255 - cell, name="GFP")]
    model, _ = saved(run(viewer, LayerImage.of(*pair), 2), tmp_path)
    assert model.channel_names == ("DAPI", "GFP")


def test_a_model_has_the_names_of_channels_inside_a_layer(viewer, cell, tmp_path) -> None:
    planes = np.stack([cell, 255 - cell])
    unnamed = LayerImage.of(viewer.add_image(planes), channel_axis=0)
    assert saved(run(viewer, unnamed, 2), tmp_path)[0].channel_names == ()
    path, metadata = tmp_path / "a.ome.tif", {"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP"]}}
    tifffile.imwrite(path, planes, ome=True, metadata=metadata, photometric="minisblack")
    with layer_source(path=str(path), reader_plugin="napari"):
        layer = viewer.add_image(planes, name="file")
    named = LayerImage.of(layer, channel_axis=0)
    assert saved(run(viewer, named, 2), tmp_path)[0].channel_names == ("DAPI", "GFP")


@pytest.mark.filterwarnings("ignore:The image has 3 distinct values")
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("numbers", [(1, 2, 3), (7, 2, 5), (300, 4, 1)])
@pytest.mark.parametrize("missing", [False, True])
def test_painted_seeds_keep_their_numbers(viewer, tmp_path, fixed, numbers, missing):
    pixels = np.repeat(np.array([[10, 12, 60, 62, 200, 202]], np.uint8), 6, axis=0)
    painted = np.zeros(pixels.shape, np.uint16)
    painted[0, [0, 2, 4]] = numbers
    if missing:
        pixels[:, ::2] += 2
        painted[1, 0] = 9
    seeds = Seeds.of(viewer.add_labels(painted), fixed=fixed)
    clusters = run(viewer, replace(LayerImage.of(viewer.add_image(pixels)), seeds=seeds))
    model, left_out = saved(clusters, tmp_path)
    assert left_out == ()
    found = model.predict(pixels)
    np.testing.assert_array_equal(found.labels, clusters.layer.data)
    assert set(np.unique(found.labels)) <= {*numbers, 9}
    assert "edit" not in repr(model), "nobody has worked on the clusters"
    for row in clusters.layer.features.itertuples():
        if row.label and row.pixels:
            assert found.counts[row.label - 1] == row.pixels
    if missing:
        return
    clusters.merge(numbers[:2])
    split(clusters, numbers[2], 2)
    model, _ = saved(clusters, tmp_path)
    assert "2 edits" in repr(model)
    np.testing.assert_array_equal(model.predict(pixels).labels, clusters.layer.data)

"""What metadata and features of the layers say of the run and of the clusters."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_kmeans_seg import __version__
from napari_kmeans_seg.layers import (
    METADATA_KEY,
    LayerImage,
    Outputs,
)
from napari_kmeans_seg.layers.clusters import clusters_of

from .running import run


def test_the_metadata_tell_how_the_layers_came_to_be(viewer, source):
    segmentation = LayerImage.of(source).segment(n_clusters=3)
    for output in run(viewer, source).values():
        told = json.loads(json.dumps(output.metadata[METADATA_KEY]))
        assert told["version"] == __version__
        assert told["source"] == "coffee"
        assert told["parameters"]["n_clusters"] == 3
        assert told["parameters"] == segmentation.parameters
        assert told["inertia"] == segmentation.inertia
        assert told["n_iter"] == segmentation.n_iter
        assert told["converged"] == segmentation.converged
        assert told["counts"] == segmentation.counts.tolist()
        np.testing.assert_array_equal(told["centroids"], segmentation.centroids)


def test_the_features_table_has_a_row_per_cluster_below_that_of_the_background(viewer, source):
    segmentation = LayerImage.of(source).segment(n_clusters=3)
    features = run(viewer, source)["labels"].features
    assert features["index"].tolist() == features["label"].tolist() == [0, 1, 2, 3]
    assert features["pixels"].tolist() == [0, *segmentation.counts]
    assert features["percent"].sum() == pytest.approx(100)
    means = features[["mean_red", "mean_green", "mean_blue"]]
    np.testing.assert_allclose(means[1:], segmentation.centroids)
    assert means.loc[0].isna().all()


def test_napari_tells_the_row_of_the_label_under_the_cursor(viewer, source):
    labels = run(viewer, source)["labels"]
    label = int(labels.data[100, 100])
    pixels = labels.features["pixels"][label]
    status = labels.get_status((100, 100), world=True)
    assert f"pixels: {pixels}" in status["coordinates"]


@pytest.mark.parametrize(
    ("shape", "scale", "units", "affine", "column", "size"),
    [
        ((20, 30), (0.5, 0.25), ("µm", "µm"), None, "area [µm²]", 0.125),
        ((20, 30), (1, 1), None, None, "area [pixel²]", 1),
        ((20, 30), (1, 1), ("mm", "mm"), np.diag([2, 3, 1]), "area [mm²]", 6),
        ((4, 20, 30), (2, 0.5, 0.5), ("µm",) * 3, None, "volume [µm³]", 0.5),
        ((4, 20, 30), (2, 0.5, 0.5), ("s", "µm", "µm"), None, "area [µm²]", 0.25),
        ((4, 20, 30), (2, 0.5, 0.5), ("µm", "µm", "mm**-1"), None, "size [µm²/mm]", 0.5),
    ],
)
def test_sizes_are_given_in_the_units_of_the_layer(
    viewer, shape, scale, units, affine, column, size
):
    data = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    layer = viewer.add_image(data, scale=scale, units=units, affine=affine)
    features = run(viewer, layer)["labels"].features
    np.testing.assert_allclose(features[column], features["pixels"] * size)


def test_an_axis_of_time_or_of_steps_is_none_of_space(viewer):
    data = np.random.default_rng(0).integers(0, 255, (4, 20, 30), np.uint8)
    series = viewer.add_image(data, scale=(2, 0.5, 0.5), axis_labels=("t", "y", "x"))
    features = run(viewer, series)["labels"].features
    np.testing.assert_allclose(features["area [pixel²]"], features["pixels"] * 0.25)
    stack = viewer.add_image(data, scale=(2, 0.5, 0.5))
    steps = replace(LayerImage.of(stack), step_axis=0)
    labels = Outputs.paint(steps, steps.segment(n_clusters=3)).show(viewer)["labels"]
    sizes = labels.features["pixels"] * 0.25
    np.testing.assert_allclose(labels.features["area [pixel²]"], sizes)
    clusters_of(viewer, labels).merge([1, 2])
    assert "area [pixel²]" in labels.features.columns

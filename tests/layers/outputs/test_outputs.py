"""A segmentation becomes layers: which, where, and with which pixels."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_kmeans_seg.layers import (
    LayerImage,
    Outputs,
)

from .running import ASKEW, names, run


def test_one_image_and_one_labels_layer_are_added_right_above_the_source(viewer, source):
    viewer.add_points([[1, 1]], name="on top")
    run(viewer, source)
    assert [layer.name for layer in viewer.layers] == [
        "coffee",
        "coffee k-means",
        "coffee clusters",
        "on top",
    ]
    assert isinstance(viewer.layers["coffee k-means"], Image)
    assert isinstance(viewer.layers["coffee clusters"], Labels)


def test_fresh_outputs_lie_above_the_earlier_ones_that_are_left_alone(viewer, source):
    viewer.add_points([[1, 1]], name="on top")
    for output in run(viewer, source).values():
        output.data[0, 0] += 1
    run(viewer, source)
    assert names(viewer) == [
        "coffee",
        "coffee k-means",
        "coffee clusters",
        "coffee k-means [1]",
        "coffee clusters [1]",
        "on top",
    ]


def test_the_result_of_one_layer_lies_above_that_of_several(viewer, cell):
    layers = [viewer.add_image(np.roll(cell, i), name=f"channel {i}") for i in range(3)]
    together = LayerImage.of(*layers)
    Outputs.paint(together, together.segment(n_clusters=3)).show(viewer)
    before = names(viewer)
    run(viewer, layers[0])
    assert names(viewer) == [*before, "channel 0 k-means [1]", "channel 0 clusters"]


def test_a_result_lies_above_another_image_that_would_hide_it(viewer, source, coffee):
    viewer.add_image(coffee, name="another", rgb=True)
    run(viewer, source)
    assert names(viewer) == ["coffee", "another", "coffee k-means", "coffee clusters"]


def test_a_fresh_image_stays_below_the_labels_that_are_written_to(viewer, source):
    outputs = run(viewer, source)
    outputs["image"].data[0, 0] += 1
    assert run(viewer, source)["labels"] is outputs["labels"]
    assert names(viewer) == ["coffee", "coffee k-means", "coffee k-means [1]", "coffee clusters"]


def test_outputs_that_are_written_to_keep_their_place_below_others(viewer, source, coffee):
    run(viewer, source)
    run(viewer, viewer.add_image(coffee, name="another", rgb=True))
    before = names(viewer)
    run(viewer, source)
    assert names(viewer) == before


def test_only_the_wanted_outputs_are_added(viewer, source):
    run(viewer, source, kinds=["labels"])
    assert [layer.name for layer in viewer.layers] == ["coffee", "coffee clusters"]


def test_the_pixels_of_the_outputs_are_those_of_the_segmentation(viewer, source):
    segmentation = LayerImage.of(source).segment(n_clusters=3)
    run(viewer, source)
    np.testing.assert_array_equal(viewer.layers["coffee clusters"].data, segmentation.labels)
    np.testing.assert_array_equal(viewer.layers["coffee k-means"].data, segmentation.image)
    assert viewer.layers["coffee k-means"].rgb


def test_the_source_stays_selected(viewer, source):
    viewer.layers.selection.active = source
    run(viewer, source)
    assert viewer.layers.selection.active is source
    assert set(viewer.layers.selection) == {source}


def test_a_selection_of_several_layers_stays(viewer, source):
    points = viewer.add_points([[1, 1]])
    viewer.layers.selection = {source, points}
    run(viewer, source)
    assert set(viewer.layers.selection) == {source, points}


@pytest.mark.parametrize("rgb", [True, False])
def test_outputs_lie_where_their_source_lies(viewer, coffee, rgb):
    layer = viewer.add_image(coffee if rgb else coffee[..., 0], name="tilted", rgb=rgb, **ASKEW)
    for output in run(viewer, layer).values():
        np.testing.assert_allclose(output.scale, layer.scale)
        np.testing.assert_allclose(output.translate, layer.translate)
        np.testing.assert_allclose(output.rotate, layer.rotate)
        np.testing.assert_allclose(output.shear, layer.shear)
        np.testing.assert_allclose(output.affine.affine_matrix, layer.affine.affine_matrix)
        assert output.units == layer.units
        assert output.axis_labels == layer.axis_labels
        np.testing.assert_allclose(output.extent.world, layer.extent.world)


def test_a_stack_of_rgb_pictures_stays_a_stack_of_rgb_pictures(viewer, coffee):
    stack = np.stack([coffee[:50, :60], coffee[50:100, :60]])
    layer = viewer.add_image(stack, rgb=True, units=("s", "µm", "µm"), scale=(2, 0.5, 0.5))
    outputs = run(viewer, layer)
    assert outputs["image"].rgb
    assert outputs["image"].ndim == outputs["labels"].ndim == 3
    assert outputs["labels"].data.shape == stack.shape[:-1]


def test_a_grey_output_is_shown_as_its_source_is(viewer, cell):
    layer = viewer.add_image(
        cell, name="cell", colormap="magma", contrast_limits=(10, 99), gamma=0.7
    )
    image = run(viewer, layer)["image"]
    assert image.colormap.name == "magma"
    assert tuple(image.contrast_limits) == (10, 99)
    assert image.gamma == pytest.approx(0.7)


def test_a_person_can_paint_on_the_labels(viewer, source):
    labels = run(viewer, source)["labels"]
    labels.paint((20, 20), 3)
    assert labels.data[20, 20] == 3
    labels.undo()

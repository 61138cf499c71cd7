"""A layer becomes an array and arguments for `segment`."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Shapes

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers import LayerImage, Region, Seeds, describe


def test_a_grey_layer_is_segmented_as_its_array(cell):
    by_layer = LayerImage.of(Image(cell)).segment(n_clusters=3, seed=1)
    by_array = segment(cell, n_clusters=3, seed=1)
    np.testing.assert_array_equal(by_layer.labels, by_array.labels)


def test_an_rgb_layer_is_segmented_by_colour(coffee):
    by_layer = LayerImage.of(Image(coffee, rgb=True)).segment(n_clusters=3, seed=1)
    by_array = segment(coffee, n_clusters=3, channel_axis=-1, seed=1)
    assert by_layer.labels.shape == coffee.shape[:2]
    np.testing.assert_array_equal(by_layer.labels, by_array.labels)


def test_the_last_of_four_channels_is_alpha_whatever_the_dtype(coffee):
    rgba = np.ones((*coffee.shape[:2], 4), np.float32)
    rgba[..., :3] = coffee / 255
    rgba[:50, ..., 3] = 0
    segmentation = LayerImage.of(Image(rgba, rgb=True)).segment(n_clusters=3)
    assert segmentation.centroids.shape == (3, 3)
    assert not segmentation.labels[:50].any(), "transparent pixels take no part"
    assert segmentation.labels[50:].all()


def test_three_values_on_the_last_axis_of_a_grey_layer_are_no_channels():
    stack = np.random.default_rng(0).integers(0, 255, (20, 20, 3), np.uint8)
    segmentation = LayerImage.of(Image(stack, rgb=False)).segment(n_clusters=2)
    assert segmentation.labels.shape == stack.shape


def test_of_a_pyramid_the_largest_level_is_segmented(coffee):
    pyramid = Image([coffee, coffee[::2, ::2]], rgb=True, multiscale=True)
    assert LayerImage.of(pyramid).segment(n_clusters=2).labels.shape == coffee.shape[:2]


def test_a_lazy_array_is_computed_only_when_it_is_segmented(cell):
    computed = []

    def read(block: np.ndarray) -> np.ndarray:
        computed.append(block.shape)
        return block

    lazy = da.from_array(cell, chunks=200).map_blocks(read, dtype=cell.dtype, meta=cell[:0, :0])
    layer = Image(lazy, contrast_limits=(0, 255))
    computed.clear()
    source = LayerImage.of(layer)
    assert describe(layer) == "550 × 660 pixels, grey, uint8, lazy"
    assert not computed
    assert source.segment(n_clusters=2).labels.shape == cell.shape
    assert computed


def test_a_layer_is_found_again_after_renaming_and_not_after_removal(cell):
    viewer = ViewerModel()
    layer = viewer.add_image(cell, name="cell")
    source = LayerImage.of(layer)
    layer.name = "another"
    assert source.layer_in(viewer) is layer
    viewer.layers.remove(layer)
    assert source.layer_in(viewer) is None


@pytest.mark.parametrize(
    ("shape", "rgb", "words"),
    [
        ((40, 60), False, "60 × 40 pixels, grey, uint8"),
        ((40, 60, 3), True, "60 × 40 pixels, RGB, uint8"),
        ((40, 60, 4), True, "60 × 40 pixels, RGBA, uint8"),
        ((7, 40, 60), False, "7 × 40 × 60 pixels, grey, uint8"),
    ],
)
def test_a_layer_is_described_in_plain_words(shape, rgb, words):
    assert describe(Image(np.zeros(shape, np.uint8), rgb=rgb)) == words


@pytest.mark.parametrize(
    ("read", "other", "takes"),
    [
        (LayerImage.of, Shapes(), "one of napari's Image layers; got Shapes"),
        (LayerImage.of, Labels(np.ones((3, 3), int)), "one of napari's Image layers; got Labels"),
        (Region.of, Image(np.ones((3, 3))), "one of napari's Labels or Shapes layers; got Image"),
        (Seeds.of, Image(np.ones((3, 3))), "one of napari's Labels or Points layers; got Image"),
    ],
)
def test_a_layer_of_another_kind_is_refused_by_its_kind(read, other, takes):
    with pytest.raises(TypeError, match=f"layer takes {takes}"):
        read(other)

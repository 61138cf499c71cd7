"""Functions that take an image take a napari layer, as people pass it in napari's console."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points

from napari_kmeans_seg import choose_k, prepare, segment, segment_steps


def test_a_layer_stands_for_its_pixels(coffee, cell):
    expected = segment(coffee, 3, channel_axis=-1)
    viewer = ViewerModel()
    layer = viewer.add_image(coffee)
    for image in (layer, viewer.layers[0], Image([coffee, coffee[::2, ::2]], rgb=True)):
        np.testing.assert_array_equal(segment(image, 3).labels, expected.labels)
    np.testing.assert_array_equal(prepare(layer).segment(3).labels, expected.labels)
    np.testing.assert_array_equal(expected.model.predict(layer).labels, expected.labels)
    assert choose_k(layer, [2, 3]).n_clusters.tolist() == [2, 3]
    grey = segment(Image(cell), 3)
    np.testing.assert_array_equal(grey.labels, segment(cell, 3).labels)
    np.testing.assert_array_equal(segment(Labels(grey.labels), 3).labels, grey.labels)
    series = Image(np.stack([coffee[:40], coffee[40:80]]), rgb=True)
    assert segment_steps(series, 3).labels.shape == (2, 40, 600)
    bands = Image(np.moveaxis(coffee, -1, 0))
    np.testing.assert_array_equal(segment(bands, 3, channel_axis=0).labels, expected.labels)


def test_a_layer_that_holds_no_image_is_refused_with_what_to_pass(coffee):
    with pytest.raises(TypeError, match=r"got a Points layer\. Pass an Image layer, or its data"):
        segment(Points([[1, 2]]), 2)
    with pytest.raises(ValueError, match="channel_axis takes 2, or None, for an RGB layer; got 0"):
        segment(Image(coffee, rgb=True), 2, channel_axis=0)

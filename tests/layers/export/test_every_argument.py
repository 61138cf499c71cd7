"""Methods text and copied script know every argument that a person can set."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from napari.components import ViewerModel

from napari_kmeans_seg.core.arguments import FIELDS
from napari_kmeans_seg.layers import LayerImage, Outputs
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.python_script import python_script

IMAGE = skimage.data.coffee()[::4, ::4]

# For each a value that is not its default.
OTHER = {
    "n_clusters": 3,
    "init": "random",
    "n_init": 2,
    "seed": 7,
    "tol": 1e-3,
    "max_iter": 1,
    "fit_scale": 0.5,
    "color_space": "lab",
    "smoothing": 1.5,
    "spatial_weight": 0.5,
    "channel_weights": [1.0, 2.0, 0.5],
    "normalize": True,
}


def texts_of(**arguments):
    viewer = ViewerModel()
    source = LayerImage.of(viewer.add_image(IMAGE, name="image"))
    segmentation = source.segment(**arguments)
    layer = Outputs.paint(source, segmentation).show(viewer)["labels"]
    return methods_text(layer), python_script(layer), segmentation.labels


@pytest.fixture(scope="module")
def plain():
    return texts_of()


def test_every_argument_has_another_value_here():
    assert set(OTHER) == set(FIELDS)
    assert all(FIELDS[name].default != value for name, value in OTHER.items())


@pytest.mark.parametrize("name", FIELDS)
def test_an_argument_that_is_not_its_default_is_in_text_and_script(plain, name, monkeypatch):
    text, script, labels = texts_of(**{name: OTHER[name]})
    assert text != plain[0]
    assert f"{name}=" in script
    assert (f"{name}=" in plain[1]) == (name in ("n_clusters", "init"))  # as "auto" was resolved
    # The script gives the result that it was copied from.
    monkeypatch.setattr("tifffile.imread", lambda _: IMAGE)
    space: dict = {}
    exec(script, space)
    np.testing.assert_array_equal(space["labels"], labels)

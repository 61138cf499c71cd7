"""What a script cannot give it says at its top, and nothing else: paint, and other pixels."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_kmeans_seg.layers import LayerImage
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.python_script import python_script

from .copied import gives_it, run, save


def top(script: str) -> str:
    """What stands above the imports."""
    return script.partition("import ")[0]


def test_what_was_painted_is_owned_up_to_after_a_cluster_was_named(viewer, coffee, folder):
    save("image.tif", coffee)
    result = run(viewer, LayerImage.of(viewer.add_image(coffee, rgb=True)))
    before = result.layer.data.copy()
    result.layer.data[:50, :50] = 2
    result.layer.data[50:60, :50] = 9
    result.take_counts(result.recount()(None))
    result.rename(3, "cup")
    result.rename(9, "spoon")
    script = python_script(result.layer)
    assert "names = {3: 'cup', 9: 'spoon'}" in script
    for text in (methods_text(result.layer), top(script)):
        assert "relabelled by hand" in text
    result.undo()
    result.undo()
    assert "relabelled by hand" in methods_text(result.layer)
    result.redo()
    result.layer.data = before
    result.take_counts(result.recount()(None))
    assert "by hand" not in methods_text(result.layer) + python_script(result.layer)
    assert gives_it(result)


@pytest.mark.parametrize("cut", [0, 7])
def test_other_pixels_of_the_image_are_no_work_by_hand(viewer, coffee, folder, cut):
    save("image.tif", coffee)
    layer = viewer.add_image(coffee, rgb=True)
    result = run(viewer, LayerImage.of(layer))
    means = result.table.filter(like="mean").to_numpy()
    layer.data = coffee[::-1][cut:].copy()
    assert result.is_of_other_pixels
    result.merge([1, 3])
    np.testing.assert_allclose(result.table.filter(like="mean").loc[[2, 4]], means[[1, 3]])
    with pytest.raises(ValueError, match="has other pixels by now"):
        result.parts(2, 2)
    assert "by hand" not in methods_text(result.layer)
    script, found = python_script(result.layer, changed=result.changed_since), {}
    assert "by hand" not in script
    assert "has other pixels by now" in top(script)
    exec(script, found)
    np.testing.assert_array_equal(found["labels"], result.layer.data)
    result.layer.data[:50, :50] = 4
    assert "by hand" not in methods_text(result.layer)
    result.take_counts(result.recount()(None))
    assert "relabelled by hand" in methods_text(result.layer)
    layer.data = coffee
    assert not result.is_of_other_pixels


@pytest.mark.parametrize("make", [da.asarray, lambda image: [image, image[::2, ::2]]])
def test_pixels_that_stay_are_the_same_of_every_kind_of_layer(viewer, coffee, make):
    layer = viewer.add_image(make(coffee), rgb=True)
    result = run(viewer, LayerImage.of(layer))
    layer.contrast_limits, layer.name = (10, 200), "cup"
    assert not result.is_of_other_pixels
    layer.data = make(coffee[::-1])
    assert result.is_of_other_pixels

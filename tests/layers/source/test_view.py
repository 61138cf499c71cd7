"""The part of an image in view is segmented like an image of its own, and lies where it does."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import zarr
from napari.components import ViewerModel

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers import (
    CleanUp,
    LayerImage,
    Outputs,
    PartInView,
    Region,
    Seeds,
    is_shown,
    linked_layers,
    to_preview,
)

PLACE = {"scale": (2, 3), "rotate": 20, "shear": [0.1], "translate": (5, 6)}


def looked_at(layer, low, high):
    """What napari does when it draws: say which pixels are in view."""
    layer.corner_pixels = np.array([low, high])
    return layer


def shown(viewer, part, **parameters):
    segmentation = part.segment(**parameters)
    return Outputs.paint(part, segmentation, ("labels",)).show(viewer)["labels"]


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def test_an_image_in_memory_is_previewed_as_a_whole(viewer, coffee):
    image = LayerImage.of(viewer.add_image(coffee, rgb=True))
    assert to_preview(viewer, image) is image


@pytest.mark.parametrize("form", ["Dask", "Zarr", "pyramid", "large"])
def test_of_other_images_the_part_in_view_is(viewer, coffee, form):
    data = {
        "Dask": da.from_array(coffee, chunks=(100, 100, 3)),
        "Zarr": zarr.create_array({}, data=coffee, chunks=(100, 100, 3)),
        "pyramid": [coffee, coffee[::2, ::2]],
        "large": np.tile(coffee, (11, 7, 1)),
    }[form]
    layer = viewer.add_image(data, rgb=True, multiscale=form == "pyramid", **PLACE)
    level = 1 if form == "pyramid" else 0
    step = level + 1
    looked_at(layer, (40, 50), (119, 209))
    part = to_preview(viewer, LayerImage.of(layer))
    labels = shown(viewer, part, n_clusters=4)
    pixels = coffee[::step, ::step][40:120, 50:210]
    np.testing.assert_array_equal(labels.data, segment(pixels, 4, channel_axis=-1).labels)
    corner = np.array([40, 50]) * step + (step - 1) / 2
    for offset in ((0, 0), (79, 0), (0, 159)):
        world = layer.data_to_world(corner + np.array(offset) * step)
        np.testing.assert_allclose(labels.data_to_world(offset), world)


def test_what_has_more_pixels_than_a_screen_is_thinned_out(viewer, coffee):
    large = np.tile(coffee, (11, 7, 1))
    layer = viewer.add_image(da.from_array(large), rgb=True, **PLACE)
    part = to_preview(viewer, LayerImage.of(looked_at(layer, (0, 0), (4399, 4199))))
    assert part.view.step == (3, 3)
    labels = shown(viewer, part, n_clusters=4)
    expected = segment(large[1:4398:3, 1::3], 4, channel_axis=-1).labels
    np.testing.assert_array_equal(labels.data, expected)
    np.testing.assert_allclose(labels.data_to_world((0, 0)), layer.data_to_world((1, 1)))
    np.testing.assert_allclose(labels.data_to_world((9, 7)), layer.data_to_world((28, 22)))


def test_what_is_given_in_pixels_of_the_image_is_scaled(viewer, coffee):
    large = np.tile(coffee, (6, 4, 1))[:2100, :2000]
    layer = viewer.add_image(da.from_array(large), rgb=True)
    image = LayerImage.of(looked_at(layer, (0, 0), (2099, 1999)))
    part = to_preview(viewer, replace(image, clean_up=CleanUp(specks=40)))
    assert part.view.zoom == (2, 2)
    assert part.clean_up.specks == 10
    labels = part.segment(n_clusters=4, smoothing=3, fit_scale=0.25).labels
    plain = segment(large[::2, ::2], 4, channel_axis=-1, smoothing=1.5, fit_scale=0.5)
    np.testing.assert_array_equal(labels, CleanUp(10).without_specks(plain).labels)


def test_of_a_stack_it_is_the_displayed_plane(viewer, cell):
    stack = np.stack([cell, cell // 2, cell // 3])
    layer = viewer.add_image(da.from_array(stack), scale=(4, 1, 1), translate=(1, 0, 0))
    viewer.dims.set_current_step(0, 1)
    image = LayerImage.of(looked_at(layer, (0, 10, 20), (0, 99, 119)))
    part = to_preview(viewer, image)
    labels = shown(viewer, part, n_clusters=3)
    assert labels.data.shape == (1, 90, 100)
    np.testing.assert_array_equal(labels.data[0], segment(cell[10:100, 20:120] // 2, 3).labels)
    np.testing.assert_allclose(labels.data_to_world((0, 0, 0)), (5, 10, 20))
    assert is_shown(viewer, part)
    viewer.dims.set_current_step(0, 2)
    assert not is_shown(viewer, part)


def test_in_three_dimensions_it_is_the_whole_volume(viewer, cell):
    stack = np.stack([cell, cell // 2, cell // 3])
    layer = viewer.add_image(da.from_array(stack))
    viewer.dims.ndisplay = 3
    part = to_preview(viewer, LayerImage.of(layer))
    assert part.levels[0][0].shape == stack.shape


def test_several_layers_are_clustered_together(viewer, coffee):
    channels = [np.ascontiguousarray(coffee[..., i]) for i in range(3)]
    layers = [viewer.add_image(da.from_array(one)) for one in channels]
    looked_at(layers[0], (40, 50), (119, 209))
    part = to_preview(viewer, LayerImage.of(*layers))
    expected = segment(coffee[40:120, 50:210], 4, channel_axis=-1).labels
    np.testing.assert_array_equal(part.segment(n_clusters=4).labels, expected)


def test_region_and_seeds_lie_where_they_do(viewer, coffee):
    layer = viewer.add_image(da.from_array(coffee), rgb=True, **PLACE)
    image = LayerImage.of(looked_at(layer, (100, 100), (299, 399)))
    place = {key: getattr(layer, key) for key in ("scale", "rotate", "shear", "translate")}
    inside = np.zeros(coffee.shape[:2], int)
    inside[150:250, 50:350] = inside[:40] = 1
    # The first two points are not in view, but count.
    points = np.array([[20, 20], [20, 500], [160, 200], [240, 300]])
    region = Region.of(viewer.add_labels(inside, **place))
    seeds = Seeds.of(viewer.add_points(points, **place), fixed=True)
    part = to_preview(viewer, replace(image, region=region, seeds=seeds))
    whole = LayerImage.of(viewer.add_image(coffee, rgb=True, **PLACE))
    whole = replace(whole, region=region, seeds=seeds)
    expected = whole.segment().labels[100:300, 100:400]
    assert set(np.unique(expected)) == {0, 1, 2, 3, 4}
    np.testing.assert_array_equal(part.segment().labels, expected)


def test_a_preview_is_told_from_a_result_and_lies_above_it(viewer, coffee):
    layer = viewer.add_image(da.from_array(coffee), rgb=True, name="coffee")
    image = LayerImage.of(looked_at(layer, (100, 100), (299, 399)))
    whole = image.segment(n_clusters=3)
    Outputs.paint(image, whole).show(viewer)
    part = to_preview(viewer, image)
    assert isinstance(part, PartInView)
    labels = shown(viewer, part, n_clusters=4)
    names = ["coffee", "coffee k-means", "coffee clusters", "coffee clusters preview"]
    assert [one.name for one in viewer.layers] == names
    record = labels.metadata["napari-kmeans-seg"]
    assert record["preview_of"]["start"] == [100, 100]
    assert linked_layers(viewer, image.link_id, "labels") == [viewer.layers["coffee clusters"]]

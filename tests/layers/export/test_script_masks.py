"""The script of a result knows which pixels take part, and where clusters start."""

from __future__ import annotations

import warnings
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_kmeans_seg.layers import CleanUp, LayerImage, Region, Seeds
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.python_script import python_script

from .copied import gives_it, labels_of, run, save, work_on


@pytest.mark.parametrize("chosen", [(), (1, 3)])
@pytest.mark.parametrize("n_layers", [1, 2])
def test_a_plane_within_a_region_of_the_whole_stack(viewer, stack, folder, chosen, n_layers):
    painted = np.zeros(stack.shape, np.uint8)
    painted[:, 20:100, 10:90], painted[2:4, :50], painted[3:, 100:] = 1, 2, 3
    layers = [viewer.add_image(stack, name=name) for name in "ab"[:n_layers]]
    for name in ("a", "b", "image"):
        save(f"{name}.tif", stack)
    save("region.tif", painted)
    region = Region.of(viewer.add_labels(painted, name="mine"), chosen)
    result = run(viewer, replace(LayerImage.of(*layers), plane={0: 3}, region=region))
    assert gives_it(result)


@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("chosen", [(), (1, 3)])
def test_a_region(viewer, coffee, folder, everywhere, chosen):
    painted = np.zeros(coffee.shape[:2], np.uint8)
    painted[50:200, 100:300], painted[200:300, 50:100], painted[300:, 300:] = 1, 2, 3
    save("image.tif", coffee)
    save("region.tif", painted)
    region = Region.of(viewer.add_labels(painted, name="mine"), chosen, everywhere=everywhere)
    image = viewer.add_image(coffee, rgb=True)
    result = run(viewer, replace(LayerImage.of(image), region=region))
    assert "region_name = 'mine'" in python_script(result.layer)
    assert gives_it(result)
    text = methods_text(result.layer)
    assert "inside the region “mine”" + (", labels 1 and 3;" if chosen else ";") in text
    assert ("all pixels were labelled" in text) == everywhere
    work_on(result)
    assert gives_it(result)


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_region_of_each_step(viewer, stack, folder, everywhere):
    painted = np.zeros(stack.shape, np.uint8)
    painted[:, 20:80, 30:90] = 1
    save("image.tif", stack)
    save("region.tif", painted)
    region = Region.of(viewer.add_labels(painted), everywhere=everywhere)
    image = viewer.add_image(stack)
    assert gives_it(run(viewer, replace(LayerImage.of(image), region=region, step_axis=0)))


@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("kind", ["same", "flat", "coarse", "drawn"])
def test_a_region_of_a_pyramid_is_saved_once(viewer, stack, folder, kind, everywhere):
    half = stack[:, ::2, ::2]
    save("image.tif", stack)
    save("image_level1.tif", half)
    where = {"scale": (2, 0.65, 0.65), "translate": (1, 10.1, -7.3)}
    image = viewer.add_image([stack, half], multiscale=True, **where)
    flat = {name: value[1:] for name, value in where.items()}
    painted = np.zeros(stack.shape, np.uint8)
    painted[:, 21:80, 31:90] = 1
    if kind == "same":
        area = viewer.add_labels(painted, **where)
    elif kind == "flat":
        area = viewer.add_labels(painted[0], **flat)
    elif kind == "coarse":
        area = viewer.add_labels(painted[0, ::4, ::4], **flat | {"scale": (2.6, 2.6)})
    else:
        area = viewer.add_shapes([[20.5, 30], [20.5, 90], [80, 60]], shape_type="polygon", **flat)
    if kind != "drawn":
        save("region.tif", area.data)
    region = Region.of(area, everywhere=everywhere)
    result = run(viewer, replace(LayerImage.of(image), region=region), 3, fit_scale=0.5)
    assert "level" not in python_script(result.layer).partition("region_name")[2]
    assert gives_it(result)


def test_a_coarse_region_of_a_rotated_lazy_image_ends_at_the_same_pixels(viewer, cell, folder):
    image = cell[:100, :130].copy()
    save("image.tif", image)
    lazy = da.from_array(image, chunks=64)
    layer = viewer.add_image(lazy, scale=(0.5, 0.5), rotate=20, translate=(10.1, -7.3))
    painted = np.zeros((25, 33), np.uint8)
    painted[5:20, 3:30] = 1
    where = {"rotate": 20, "translate": layer.translate}
    area = viewer.add_labels(painted, scale=(2, 2), **where)
    save("region.tif", painted)
    result = run(viewer, replace(LayerImage.of(layer), region=Region.of(area)), 3)
    np.testing.assert_array_equal(labels_of(result), np.asarray(result.layer.data))


def test_a_layer_called_region_does_not_take_the_file_of_the_region(viewer, coffee, folder):
    layers = [viewer.add_image(coffee[..., i], name=name) for i, name in enumerate(("b", "region"))]
    painted = np.zeros(coffee.shape[:2], np.uint8)
    painted[50:200, 100:300] = 1
    for name, image in (("b", coffee[..., 0]), ("region", coffee[..., 1]), ("_region", painted)):
        save(f"{name}.tif", image)
    region = Region.of(viewer.add_labels(painted, name="mine"))
    result = run(viewer, replace(LayerImage.of(*layers), region=region))
    assert "imread('_region.tif')" in python_script(result.layer)
    assert gives_it(result)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("steps", [False, True])
def test_painted_seeds(viewer, stack, folder, fixed, steps):
    painted = np.zeros(stack.shape, np.uint8)
    order = np.argsort(stack[2], axis=None)
    for label, place in ((7, 100), (3, 9000), (5, 16_000)):
        painted[2].flat[order[place : place + 50]] = label
    save("image.tif", stack)
    seeds = Seeds.of(viewer.add_labels(painted, name="mine"), fixed=fixed)
    source = LayerImage.of(viewer.add_image(stack))
    result = run(viewer, replace(source, seeds=seeds, step_axis=0 if steps else None))
    assert set(result.labels) == {3, 5, 7}
    assert gives_it(result)
    assert "the seeds “mine”" in methods_text(result.layer)
    assert ("nearest of 3 seed colours" in methods_text(result.layer)) == fixed
    assert ("Lloyd" in methods_text(result.layer)) != fixed
    work_on(result)
    assert gives_it(result)


@pytest.mark.parametrize("fixed", [False, True])
def test_points_as_seeds(viewer, coffee, folder, fixed):
    save("image.tif", coffee)
    points = viewer.add_points([(200, 300), (20, 20), (350, 500), (200, 301)])
    seeds = Seeds.of(points, fixed=fixed)
    source = LayerImage.of(viewer.add_image(coffee, rgb=True))
    result = run(viewer, replace(source, seeds=seeds))
    assert gives_it(result)
    work_on(result)
    assert gives_it(result)


@pytest.mark.parametrize("per_plane", [False, True])
def test_merged_specks(viewer, stack, folder, per_plane):
    save("image.tif", stack)
    source = LayerImage.of(viewer.add_image(stack))
    result = run(viewer, replace(source, clean_up=CleanUp(specks=20, per_plane=per_plane)))
    assert gives_it(result)
    assert "Connected pieces of fewer than 20 pixels" in methods_text(result.layer)
    work_on(result)
    assert gives_it(result)


@pytest.mark.parametrize("kind", ["flat labels", "coarse labels", "one plane", "shapes", "own"])
@pytest.mark.parametrize("plane", [None, {0: 3}])
def test_a_region_of_another_size_or_with_fewer_axes(viewer, stack, folder, kind, plane):
    save("image.tif", stack)
    layer = viewer.add_image(stack, scale=(2, 0.5, 0.5), units=("um",) * 3)
    small = {"scale": (500, 500), "units": ("nm", "nm")}
    painted = np.zeros((128, 128), np.uint8)
    painted[20:101, 10:81] = 2
    outline = [[6, 10, 5], [6, 50, 5], [6, 50, 40]]
    options = {}
    if kind == "flat labels":
        area = viewer.add_labels(painted, **small)
    elif kind == "coarse labels":
        area = viewer.add_labels(painted[::4, ::4], scale=(2000, 2000), units=("nm", "nm"))
    elif kind == "one plane":
        deep = np.zeros(stack.shape, np.uint8)
        deep[3] = painted
        area = viewer.add_labels(deep, scale=(2, 0.5, 0.5), units=("um",) * 3)
    else:
        where = {"scale": (1, 1, 1), "units": ("um",) * 3}
        area = viewer.add_shapes([outline], shape_type="polygon", **where)
        options = {"own_planes": kind == "own"}
    if "labels" in kind or kind == "one plane":
        save("region.tif", area.data)
    source = replace(LayerImage.of(layer), region=Region.of(area, **options), plane=plane)
    result = run(viewer, source, n_clusters=3)
    assert gives_it(result)
    assert result.layer.data.any()


@pytest.mark.parametrize("fixed", [False, True])
def test_seeds_of_steps_of_which_some_have_no_pixel(viewer, folder, fixed):
    pixels = np.array([[[0, 0, 8, 9]], [[np.nan] * 4], [[1, 0, 9, 6]]], np.float32)
    painted = np.zeros(pixels.shape, np.uint8)
    painted[0, 0, 0], painted[0, 0, 2] = 2, 1
    tifffile.imwrite("image.tif", pixels, photometric="minisblack")
    source = LayerImage.of(viewer.add_image(pixels))
    seeds = Seeds.of(viewer.add_labels(painted), fixed=fixed)
    result = run(viewer, replace(source, step_axis=0, seeds=seeds))
    assert gives_it(result)
    assert not result.layer.data[1].any()
    assert result.layer.data[0, 0, 0] == 2


@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("seeded", [False, True])
def test_a_region_of_each_step_beside_values_that_are_left_out(
    viewer, stack, folder, n_layers, seeded
):
    pixels = stack.copy()
    pixels[:, :, :30] = 0
    painted = np.zeros(stack.shape, np.uint8)
    painted[:, 20:80, 20:90] = 1
    for name in ("image", "a", "b"):
        save(f"{name}.tif", pixels)
    save("region.tif", painted)
    layers = [viewer.add_image(pixels, name=name) for name in "ab"[:n_layers]]
    region = Region.of(viewer.add_labels(painted), everywhere=True)
    source = replace(LayerImage.of(*layers), region=region, left_out=(0,), step_axis=0)
    if seeded:
        points = [(0, 30, 50), (5, 60, 70), (5, 40, 80)]
        source = replace(source, seeds=Seeds.of(viewer.add_points(points)))
    result = run(viewer, source)
    assert not result.layer.data[pixels == 0].any()
    assert result.layer.data[:, 100:, 30:].any()
    assert gives_it(result)


@pytest.mark.parametrize("left_out", [(), (0,)])
@pytest.mark.parametrize("seeded", [False, True])
def test_steps_that_a_region_misses(viewer, stack, folder, left_out, seeded):
    painted = np.zeros(stack.shape, np.uint8)
    painted[[0, 1, 3, 5], 20:80, 30:90] = 1
    pixels = stack.copy()
    pixels[:, :30] = 0
    pixels[1] = 0
    save("image.tif", pixels)
    save("region.tif", painted)
    region = Region.of(viewer.add_labels(painted), everywhere=True)
    source = replace(LayerImage.of(viewer.add_image(pixels)), region=region, step_axis=0)
    source = replace(source, left_out=left_out)
    if seeded:
        points = [(0, 40, 50), (5, 60, 70), (5, 40, 80)]
        source = replace(source, seeds=Seeds.of(viewer.add_points(points)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the plane of zeros has one value
        result = run(viewer, source, n_clusters=3)
        assert not result.layer.data[[2, 4]].any()
        assert result.layer.data[0, 100:].all()
        assert gives_it(result)


@pytest.mark.parametrize("numbers", [(3, 1, 2), (9, 4, 6)])
@pytest.mark.parametrize("fixed", [False, True])
def test_seeds_of_steps_of_which_some_have_fewer_values(viewer, folder, fixed, numbers):
    pixels = np.zeros((3, 4, 4), np.uint8)
    pixels[0, :2], pixels[0, 2], pixels[1], pixels[2, 1] = 9, 100, 9, 9
    painted = np.zeros(pixels.shape, np.uint8)
    painted[0, [0, 2, 3], 0] = numbers
    tifffile.imwrite("image.tif", pixels, photometric="minisblack")
    source = LayerImage.of(viewer.add_image(pixels))
    seeds = Seeds.of(viewer.add_labels(painted), fixed=fixed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the fewer values
        result = run(viewer, replace(source, step_axis=0, seeds=seeds))
        assert set(result.labels) == set(numbers)
        assert gives_it(result)

"""The script of a result gives this very result, whatever it was made of."""

from __future__ import annotations

import ast
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import tifffile
from napari.layers._source import layer_source

from napari_kmeans_seg.layers import LayerImage, Region, Seeds
from napari_kmeans_seg.layers.clusters.edits import PixelChange
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.opened_files import files_of
from napari_kmeans_seg.layers.export.python_script import python_script
from napari_kmeans_seg.layers.outputs.record import ThresholdMoved

from .copied import gives_it, run, save, work_on


def top(script: str) -> str:
    """What stands above the imports."""
    return script.partition("import ")[0]


def test_several_layers(viewer, coffee, folder):
    layers = [viewer.add_image(coffee[..., i], name=name) for i, name in enumerate("rgb")]
    for i, name in enumerate("rgb"):
        save(f"{name}.tif", coffee[..., i])
    result = run(viewer, LayerImage.of(*layers), normalize=True)
    assert gives_it(result)
    call = "segment(image, n_clusters=4, channel_axis=-3, normalize=True, init='k-means++')"
    assert call in python_script(result.layer)
    assert "on 3 channels (r, g and b)" in methods_text(result.layer)
    work_on(result)
    assert gives_it(result)


def test_images_are_called_as_they_are_by_now(viewer, coffee, folder):
    layers = [viewer.add_image(coffee[..., i], name=name) for i, name in enumerate("ab")]
    result = run(viewer, LayerImage.of(*layers))
    layers[0].name, layers[1].name = "x.tif", "nuclei"
    names = [layer.name for layer in result.sources()]
    for i, name in enumerate(names):
        save(f"{name}.tif", coffee[..., i])
    script, found = python_script(result.layer, names=names), {}
    assert "layer_name = ['x.tif', 'nuclei']" in script
    exec(script, found)
    np.testing.assert_array_equal(found["labels"], result.layer.data)


def test_a_plane(viewer, stack, folder):
    save("image.tif", stack)
    source = replace(LayerImage.of(viewer.add_image(stack)), plane={0: 2})
    result = run(viewer, source)
    assert gives_it(result)
    assert "Only the plane at 2 along axis 0 was clustered." in methods_text(result.layer)
    work_on(result)
    assert gives_it(result)


def test_a_plane_of_several_layers(viewer, stack, folder):
    layers = [viewer.add_image(stack, name="a"), viewer.add_image(stack[::-1], name="b")]
    save("a.tif", stack)
    save("b.tif", stack[::-1])
    result = run(viewer, replace(LayerImage.of(*layers), plane={0: 1}))
    work_on(result)
    assert gives_it(result)


@pytest.mark.parametrize("init", ["auto", "k-means++"])
def test_each_step_of_an_axis(viewer, stack, folder, init):
    save("image.tif", stack)
    source = replace(LayerImage.of(viewer.add_image(stack)), step_axis=0)
    result = run(viewer, source, init=init)
    assert gives_it(result)
    assert "Each step of axis 0 was clustered by itself" in methods_text(result.layer)
    work_on(result)
    assert gives_it(result)


def test_each_step_of_several_layers(viewer, stack, folder):
    layers = [viewer.add_image(stack, name="a"), viewer.add_image(stack[::-1], name="b")]
    save("a.tif", stack)
    save("b.tif", stack[::-1])
    assert gives_it(run(viewer, replace(LayerImage.of(*layers), step_axis=0)))


@pytest.mark.parametrize("fit_scale", [1.0, 0.5, 0.4])
def test_a_pyramid(viewer, coffee, folder, fit_scale):
    half = coffee[::2, ::2]
    save("image.tif", coffee)
    save("image_level1.tif", half)
    layer = viewer.add_image([coffee, half], rgb=True, multiscale=True)
    result = run(viewer, LayerImage.of(layer), fit_scale=fit_scale)
    assert gives_it(result)
    assert ("Fitted on level 1 of the pyramid" in methods_text(result.layer)) == (fit_scale < 1)
    work_on(result)
    assert gives_it(result)


@pytest.mark.parametrize("everywhere", [None, False, True])
def test_a_plane_of_a_pyramid(viewer, stack, folder, everywhere):
    half = stack[::2, ::2, ::2]
    save("image.tif", stack)
    save("image_level1.tif", half)
    source = LayerImage.of(viewer.add_image([stack, half], multiscale=True))
    source = replace(source, plane={0: 3})
    if everywhere is not None:
        painted = np.zeros(stack.shape, np.uint8)
        painted[:, 20:80, 30:90] = 1
        save("region.tif", painted)
        region = Region.of(viewer.add_labels(painted), everywhere=everywhere)
        source = replace(source, region=region)
    assert gives_it(run(viewer, source, n_clusters=3, fit_scale=0.5))


def test_the_file_that_an_image_was_opened_from_is_named(viewer, coffee, folder):
    save("cup.tif", coffee)
    layer = viewer.add_image(coffee, rgb=True, name="my cup")
    result = run(viewer, LayerImage.of(layer))
    assert files_of(result.sources()) == ()
    assert "layer_name = 'my cup'" in python_script(result.layer)
    with layer_source(path=str(folder / "cup.tif")):  # as napari does when it opens a file
        opened = viewer.add_image(coffee, rgb=True)
    result = run(viewer, LayerImage.of(opened))
    (path,) = files_of(result.sources())
    script, found = python_script(result.layer, path), {}
    assert f"imread('{folder / 'cup.tif'}')" in script
    exec(script, found)
    np.testing.assert_array_equal(found["labels"], result.layer.data)


def test_what_was_painted_by_hand_is_owned_up_to(viewer, coffee, folder):
    save("image.tif", coffee)
    result = run(viewer, LayerImage.of(viewer.add_image(coffee, rgb=True)))
    assert "by hand" not in methods_text(result.layer) + python_script(result.layer)
    before = result.layer.data.copy()
    result.layer.data[:50, :50] = 2
    result.take_counts(result.recount()(None))
    assert methods_text(result.layer).partition(" [Lloyd")[0].endswith("relabelled by hand.")
    assert "relabelled by hand" in top(python_script(result.layer))
    result.merge([1, 3])
    assert "by hand. Clusters 1 and 3 were merged." in methods_text(result.layer)
    script = python_script(result.layer)
    assert "relabelled by hand" in top(script)
    assert script.index("# Here pixels were relabelled by hand.") < script.index("[1, 3])] = 1")
    exec(script, {})
    result.undo()
    result.layer.data = before
    result.take_counts(result.recount()(None))
    assert "by hand" not in python_script(result.layer)


def test_a_threshold_that_was_moved(viewer, cell, folder):
    save("image.png", cell)
    result = run(viewer, LayerImage.of(viewer.add_image(cell)), 3)
    data = result.layer.data
    at = int(cell[data == 1].max())
    high = int(cell[data == 2].max())
    where = (data == 2) & (cell <= at + 5)
    change = PixelChange.of(where, data, np.asarray(1, data.dtype), data.dtype)
    edit = ThresholdMoved(1, 2, start=at, at=at + 5, low=None, high=high)
    result.do("Move", result.table, pixels=change, edit=edit)
    found: dict = {}
    exec(python_script(result.layer, "image.png"), found)
    np.testing.assert_array_equal(found["labels"], result.layer.data)
    assert f"clusters 1 and 2 was moved from {at} to {at + 5} by hand" in methods_text(result.layer)


def test_the_planes_of_a_stack_are_not_taken_for_channels(viewer, stack, folder):
    save("image.tif", stack[:3])
    assert gives_it(run(viewer, LayerImage.of(viewer.add_image(stack[:3]))))


BREAKS = [
    "\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1d",
    "\x1e",
    "\x85",
    "\u2028",
    "\u2029",
    "\0",
    "\udc80",
]


@pytest.mark.parametrize("broken_by", [*BREAKS, "'", '"', "\\", "imread('x.png')", "segment("])
def test_a_name_is_no_code(viewer, cell, folder, broken_by):
    """Whatever stands in the name of a layer, a region, a channel or a file, none of it is run."""
    name = f"a{broken_by}raise SystemExit('run')  # {broken_by}"
    if broken_by == "\udc80":
        name = "a\udc80"  # what a file's name that is no UTF-8 becomes
    image = cell[:60, :80].astype(np.uint16) * 9
    painted = np.ones(image.shape, np.uint8)
    save("image.tif", image)
    save("region.tif", painted)
    region = Region.of(viewer.add_labels(painted, name=name), ())
    source = LayerImage.of(viewer.add_image(image, name=name))
    result = run(viewer, replace(source, region=region))
    work_on(result)
    assert gives_it(result)
    script = python_script(result.layer)
    assert not any(mark in script for mark in BREAKS[1:])
    assert all(line.isprintable() for line in script.split("\n"))
    assert name in {
        node.value for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Constant)
    }

    two = [viewer.add_image(image, name=f"{i}{name}") for i in range(2)]
    script = python_script(run(viewer, LayerImage.of(*two)).layer)
    named = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.List)]
    assert [f"{i}{name}" for i in range(2)] in [
        ast.literal_eval(one)
        for one in named
        if all(isinstance(element, ast.Constant) for element in one.elts)
    ]

    script = python_script(result.layer, f"{name}.tif")
    assert f"{name}.tif" in {
        node.value for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Constant)
    }
    assert "from tifffile import imread" in script


def test_no_comment_of_a_script_holds_text_from_outside(viewer, stack, folder):
    region = Region.of(viewer.add_labels(np.ones(stack.shape, np.uint8), name="OUTSIDE"), (1,))
    layers = [viewer.add_image(stack, name=f"OUTSIDE {i}") for i in range(2)]
    result = run(viewer, replace(LayerImage.of(*layers), plane={0: 2}, region=region))
    work_on(result)
    result.rename(result.labels[0], "OUTSIDE")
    result.layer.metadata["napari-kmeans-seg"]["version"] = "OUTSIDE\nraise SystemExit"
    lines = python_script(result.layer).splitlines()
    assert any("OUTSIDE" in line for line in lines)
    assert not [line for line in lines if "OUTSIDE" in line.partition("#")[2]]
    ast.parse("\n".join(lines))


def test_steps_of_which_some_have_no_pixel(viewer, stack, folder):
    pixels = stack.astype(np.float32)
    pixels[[1, 4]] = np.nan
    tifffile.imwrite("image.tif", pixels, photometric="minisblack")
    source = replace(LayerImage.of(viewer.add_image(pixels)), step_axis=0)
    result = run(viewer, source, n_clusters=3)
    with pytest.warns(UserWarning, match="Steps 1 and 4 have no pixel"):
        assert gives_it(result)
    assert "Steps 1 and 4 had no pixel that took part." in methods_text(result.layer)


def test_an_array_of_a_zarr_store_is_named_by_its_path(viewer, stack, folder):
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group("cells.zarr", mode="w")
    for level, data in enumerate((stack, stack[:, ::2, ::2])):
        group.create_array(str(level), data=data, chunks=(1, 64, 64))
    with layer_source(path=str(folder / "cells.zarr"), reader_plugin="napari"):
        whole = viewer.add_image(da.from_zarr("cells.zarr/0"), name="one")
        pyramid = [da.from_zarr(f"cells.zarr/{i}") for i in (0, 1)]
        levels = viewer.add_image(pyramid, multiscale=True, name="levels")
    for layer in (whole, levels):
        [path] = files_of([layer])
        assert path == str(folder / "cells.zarr" / "0")
        result = run(viewer, LayerImage.of(layer), n_clusters=3)
        script, found = python_script(result.layer, path), {}
        assert f"image = np.asarray(from_zarr({path!r}))" in script
        assert "imread" not in script
        exec(script, found)
        labels = result.layer.data[0] if result.layer.multiscale else result.layer.data
        np.testing.assert_array_equal(found["labels"], np.asarray(labels))
    with layer_source(path=str(folder / "cells.zarr"), reader_plugin="napari"):
        other = viewer.add_image(da.from_zarr("cells.zarr/0") + 1)
    assert files_of([other]) == ()


def test_a_store_whose_path_holds_quotes_is_read_at_its_levels(viewer, stack, folder):
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group("it's 10.zarr", mode="w")
    for level, data in enumerate((stack, stack[:, ::2, ::2])):
        group.create_array(str(level), data=data, chunks=(1, 64, 64))
    pyramid = [da.from_zarr(f"it's 10.zarr/{i}") for i in (0, 1)]
    with layer_source(path=str(folder / "it's 10.zarr"), reader_plugin="napari"):
        layer = viewer.add_image(pyramid, multiscale=True)
    result, found = run(viewer, LayerImage.of(layer), n_clusters=3, fit_scale=0.5), {}
    exec(python_script(result.layer, *files_of([layer])), found)
    np.testing.assert_array_equal(found["labels"], np.asarray(result.layer.data[0]))


def test_names_and_dtype_of_the_labels_are_those_of_the_layer(viewer, coffee, folder):
    save("image.tif", coffee)
    result = run(viewer, LayerImage.of(viewer.add_image(coffee)))
    result.rename(2, "the table's “edge”")
    script, found = python_script(result.layer), {}
    exec(script, found)
    assert found["names"] == {2: "the table's “edge”"}
    work_on(result)
    exec(python_script(result.layer), found)
    assert found["labels"].dtype == result.layer.data.dtype == np.uint8
    seeds = viewer.add_points([[10, 10], [200, 300]])
    result = run(viewer, replace(LayerImage.of(viewer.layers[0]), seeds=Seeds.of(seeds)))
    exec(python_script(result.layer), found)
    assert found["labels"].dtype == result.layer.data.dtype


def test_four_channels_of_an_axis_are_not_taken_for_rgb_with_alpha(viewer, folder):
    pixels = np.zeros((4, 2, 3), np.uint8)
    pixels[3] = [[0, 0, 200], [0, 200, 200]]
    pixels[0, 0, 0] = 5
    tifffile.imwrite("image.tif", pixels, photometric="minisblack")
    source = LayerImage.of(viewer.add_image(pixels), channel_axis=0)
    result = run(viewer, source, n_clusters=2)
    assert gives_it(result)
    result.split(1, result.parts(1, 2)(None))
    assert gives_it(result)


@pytest.mark.parametrize("everywhere", [None, False, True])
@pytest.mark.parametrize("blank", [False, True])
def test_each_step_of_a_pyramid(viewer, stack, folder, everywhere, blank):
    pixels = stack.copy()
    pixels[:, :, :40] = 0
    if blank:
        pixels[2] = 0
    half = pixels[:, ::2, ::2]
    painted = np.zeros(stack.shape, np.uint8)
    painted[:, 20:80, 30:90] = 1
    tifffile.imwrite("image.tif", pixels, photometric="minisblack")
    tifffile.imwrite("image_level1.tif", half, photometric="minisblack")
    save("region.tif", painted)
    layer = viewer.add_image([pixels, half], multiscale=True)
    source = replace(LayerImage.of(layer), step_axis=0, left_out=(0,) if blank else ())
    if everywhere is not None:
        area = viewer.add_labels([painted, painted[:, ::2, ::2]], multiscale=True)
        source = replace(source, region=Region.of(area, everywhere=everywhere))
    assert gives_it(run(viewer, source, n_clusters=3, fit_scale=0.5))


@pytest.mark.parametrize("steps", [False, True])
def test_a_stack_as_narrow_as_colours_is_taken_for_one_without_a_warning(viewer, folder, steps):
    pixels = np.random.default_rng(0).integers(0, 200, (40, 40, 3), np.uint8)
    tifffile.imwrite("image.tif", pixels, photometric="minisblack")
    source = LayerImage.of(viewer.add_image(pixels, rgb=False))
    result = run(viewer, replace(source, step_axis=2 if steps else None), n_clusters=3)
    assert "channel_axis=None" in python_script(result.layer)
    assert gives_it(result)
    result.split(1, result.parts(1, 2)(None))
    assert gives_it(result)

"""The script of a result gives this very result, whatever it was made of."""

from __future__ import annotations

import ast
import warnings
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers._source import layer_source
from skimage.io import imsave

from napari_kmeans_seg.layers import CleanUp, LayerImage, Outputs, Region, Seeds
from napari_kmeans_seg.layers.clusters import Clusters, clusters_of
from napari_kmeans_seg.layers.clusters.edits import PixelChange
from napari_kmeans_seg.layers.describe import pixels_of
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.opened_files import files_of
from napari_kmeans_seg.layers.export.python_script import python_script
from napari_kmeans_seg.layers.outputs.record import ThresholdMoved


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the script finds its files."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def stack(cell) -> np.ndarray:
    """Six parts of a micrograph, from dark to bright: (6, 128, 128) uint16."""
    parts = [cell[60 * i : 60 * i + 128, 40 * i : 40 * i + 128] for i in range(6)]
    return np.stack([part.astype(np.uint16) * (20 + i) for i, part in enumerate(parts)])


def save(name: str, image: np.ndarray) -> None:
    imsave(name, image, check_contrast=False)


def run(viewer, source: LayerImage, n_clusters=4, **parameters) -> Clusters:
    found = source.segment(n_clusters=n_clusters, **parameters)
    return clusters_of(viewer, Outputs.paint(source, found).show(viewer)["labels"])


def labels_of(clusters: Clusters) -> np.ndarray:
    """What the script gives."""
    script, found = python_script(clusters.layer), {}
    exec(script, found)
    tree = list(ast.walk(ast.parse(script)))
    imports = [one for one in tree if isinstance(one, ast.Import | ast.ImportFrom)]
    imported = {alias.asname or alias.name for one in imports for alias in one.names}
    used = {one.id for one in tree if isinstance(one, ast.Name)}
    assert imported <= used, "nothing is imported for nothing"
    assert found["labels"].dtype == pixels_of(clusters.layer).dtype
    return found["labels"]


def gives_it(clusters: Clusters) -> bool:
    """Whether the script gives the labels of the layer."""
    layer = clusters.layer
    np.testing.assert_array_equal(
        labels_of(clusters), layer.data[0] if layer.multiscale else layer.data
    )
    return True


def work_on(clusters: Clusters) -> None:
    """Merge, split and delete."""
    a, b, c = clusters.labels[:3]
    clusters.merge([a, b])
    clusters.split(c, clusters.parts(c, 2)(None))
    clusters.delete([a])


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


def test_a_plane(viewer, stack, folder):
    save("image.tif", stack)
    source = replace(LayerImage.of(viewer.add_image(stack)), plane={0: 2})
    result = run(viewer, source)
    assert gives_it(result)
    assert "Only the plane at 2 along axis 0 was clustered." in methods_text(result.layer)
    work_on(result)
    assert gives_it(result)


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
    result.layer.data[:50, :50] = 2
    result.take_counts(result.recount()(None))
    assert methods_text(result.layer).partition(" [Lloyd")[0].endswith("relabelled by hand.")
    assert "relabelled by hand since" in python_script(result.layer)
    result.merge([1, 3])
    assert "by hand. Clusters 1 and 3 were merged." in methods_text(result.layer)
    assert python_script(result.layer).count("by hand") == 1
    exec(python_script(result.layer), {})


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
    save("region_level1.tif", painted[:, ::2, ::2])
    layer = viewer.add_image([pixels, half], multiscale=True)
    source = replace(LayerImage.of(layer), step_axis=0, left_out=(0,) if blank else ())
    if everywhere is not None:
        area = viewer.add_labels([painted, painted[:, ::2, ::2]], multiscale=True)
        source = replace(source, region=Region.of(area, everywhere=everywhere))
    assert gives_it(run(viewer, source, n_clusters=3, fit_scale=0.5))


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

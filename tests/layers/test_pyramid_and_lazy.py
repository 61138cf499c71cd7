"""Levels that are fitted, levels that are labelled, and pixels that are never computed."""

from __future__ import annotations

import shutil
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import skimage.data
import xarray
import zarr
from napari.components import ViewerModel
from napari.layers import Image, Points

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers import CleanUp, LayerImage, Outputs, Region, Seeds, describe


def show(viewer, source, segmentation):
    return Outputs.paint(source, segmentation).show(viewer)


def levels_of(image: np.ndarray) -> list[np.ndarray]:
    return [image, image[::2, ::2], image[::4, ::4]]


def test_each_level_is_labelled_by_the_same_centroids(coffee):
    viewer = ViewerModel()
    layer = viewer.add_image(levels_of(coffee), multiscale=True, rgb=True, name="coffee")
    outputs = show(viewer, LayerImage.of(layer), LayerImage.of(layer).segment(n_clusters=4))
    plain = segment(coffee, 4, channel_axis=-1)
    for level, expected in zip(outputs["labels"].data, levels_of(plain.labels), strict=True):
        np.testing.assert_array_equal(level, expected)
    for level, expected in zip(outputs["image"].data, levels_of(plain.image), strict=True):
        np.testing.assert_array_equal(level, expected)


def test_the_fit_scale_chooses_the_level(coffee):
    layer = Image(levels_of(coffee), multiscale=True, rgb=True)
    found = LayerImage.of(layer).segment(n_clusters=4, fit_scale=0.5)
    half = segment(coffee[::2, ::2], 4, channel_axis=-1)
    np.testing.assert_array_equal(found.levels[1].labels, half.labels)
    np.testing.assert_array_equal(
        found.labels, half.model.predict(coffee).labels, "the largest level by the same model"
    )
    assert found.counts.sum() == coffee.shape[0] * coffee.shape[1]
    assert found.warnings == ("Fitted on level 1 of the pyramid (200 × 300 pixels).",)


def test_a_lazy_pyramid_is_fitted_on_the_level_that_memory_allows(coffee, dask_limits):
    dask_limits(load_bytes=coffee[::2, ::2].nbytes)
    computed = []

    def read(block, block_info=None):
        computed.append(block_info[0]["shape"])
        return block

    lazy = [
        da.from_array(level, chunks=(100, 100, 3)).map_blocks(
            read, dtype=level.dtype, meta=level[:0, :0]
        )
        for level in levels_of(coffee)
    ]
    viewer = ViewerModel()
    layer = viewer.add_image(lazy, multiscale=True, rgb=True, name="slide")
    computed.clear()
    source = LayerImage.of(layer)
    found = source.segment(n_clusters=4)
    assert set(computed) == {(200, 300, 3)}, "no other level is read"
    half = segment(coffee[::2, ::2], 4, channel_axis=-1)
    np.testing.assert_array_equal(found.levels[1].labels.compute(), half.labels)
    assert found.counts.tolist() == (half.counts * 4).tolist(), "scaled to the largest"
    assert "pixel counts are estimated from it" in found.warnings[0]
    outputs = show(viewer, source, found)
    assert outputs["labels"].multiscale
    expected = half.model.predict(coffee).labels
    np.testing.assert_array_equal(np.asarray(outputs["labels"].data[0]), expected)
    assert show(viewer, source, found)["labels"] is outputs["labels"], "written to again"


def test_outputs_of_lazy_layers_are_compared_and_replaced_without_computing_them(coffee):
    computed = []

    def read(block):
        computed.append(block.shape)
        return block

    big = da.from_array(np.tile(coffee, (4, 4, 1)), chunks=(400, 600, 3)).map_blocks(
        read, dtype=np.uint8, meta=coffee[:0, :0]
    )
    viewer = ViewerModel()
    layer = viewer.add_image(big, rgb=True, name="big")
    computed.clear()
    source = LayerImage.of(layer)
    segmentation = source.segment(n_clusters=3)
    assert computed == [(400, 600, 3)] * 16, "each chunk is read once"
    painted = Outputs.paint(source, segmentation)
    assert len(computed) == 16
    labels = painted.show(viewer)["labels"]
    shown = len(computed)
    assert Outputs.paint(source, source.segment(n_clusters=2)).show(viewer)["labels"] is labels
    assert len(computed) <= shown + 16 + shown
    labels.data = labels.data + 1
    again = Outputs.paint(source, segmentation).show(viewer)["labels"]
    assert again is not labels, "what a person put there is left alone"


def test_a_chunk_that_cannot_be_read_is_named(coffee):
    broken = []

    def read(block, block_info=None):
        if broken and block_info[0]["chunk-location"] == (0, 1, 0):
            raise RuntimeError("bad sector")
        return block

    lazy = da.from_array(coffee, chunks=(100, 100, 3)).map_blocks(
        read, dtype=np.uint8, meta=coffee[:0, :0]
    )
    layer = Image(lazy, rgb=True)
    broken.append(True)
    named = r"cannot be read, \(0, 1, 0\) \[0:100, 100:200, 0:3\]: bad sector.*run again"
    with pytest.raises(OSError, match=named):
        LayerImage.of(layer).segment(n_clusters=2)
    with pytest.raises(OSError, match=named):
        LayerImage.of(layer).prepare()
    points = Seeds.of(Points([[300, 300], [50, 150]], name="seeds"))
    around = r"around the point of “seeds” at pixel \(50, 150\): bad sector.*run again"
    with pytest.raises(OSError, match=around):
        replace(LayerImage.of(layer), seeds=points).segment()


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("form", ["Zarr", "Dask", "inline", "changed", "pyramid", "plane"])
def test_a_store_that_disappears_while_it_is_read_is_named(tmp_path, coffee, zarr_format, form):
    path = tmp_path / "image.zarr"
    store = zarr.create_array(path, data=coffee, chunks=(100, 100, 3), zarr_format=zarr_format)
    data = {
        "Zarr": lambda: store,
        # As napari opens it.
        "Dask": lambda: da.from_zarr(store),
        "inline": lambda: da.from_array(store, inline_array=True),
        "changed": lambda: 255 - da.from_zarr(store).rechunk((130, 130, 3))[:300],
        "pyramid": lambda: [da.from_zarr(store), da.from_zarr(store)[::2, ::2]],
        "plane": lambda: da.from_zarr(store)[np.newaxis],
    }[form]()
    source = LayerImage.of(Image(data, rgb=True, name="coffee", multiscale=form == "pyramid"))
    assert source.segment(n_clusters=2).n_clusters == 2

    def lose(fraction, _stage):
        if fraction > 0.5:
            shutil.rmtree(path, ignore_errors=True)

    with pytest.raises(OSError, match="“coffee” disappeared while it was read"):
        source.segment(n_clusters=2, progress=lose)
    # Nor are values that nobody wrote counted to find a number of clusters.
    with pytest.raises(OSError, match="“coffee” disappeared while it was read"):
        source.prepare()


def test_regions_and_seeds_serve_lazy_images_as_they_do_those_in_memory(coffee):
    painted = np.zeros((40, 60), np.uint8)
    painted[2:5, 2:8], painted[30:33, 40:50] = 4, 2
    viewer = ViewerModel()
    area = viewer.add_shapes([[[20, 30], [20, 500], [350, 450]]], shape_type="polygon")
    coarse = viewer.add_labels(painted, scale=(10, 10), translate=(4.5, 4.5))
    points = viewer.add_points([[30, 40], [200, 300], [300, 400]])
    found = []
    for data in (coffee, da.from_array(coffee, chunks=(150, 150, 3))):
        source = LayerImage.of(Image(data, rgb=True))
        ways = (
            {"region": Region.of(area)},
            {"region": Region.of(area, everywhere=True)},
            {"region": Region.of(coarse, [4])},
            {"seeds": Seeds.of(points)},
            {"seeds": Seeds.of(points, fixed=True)},
            {"seeds": Seeds.of(coarse, fixed=True), "region": Region.of(area)},
        )
        results = [replace(source, **chosen).segment(n_clusters=3) for chosen in ways]
        found += [np.asarray(result.labels) for result in results]
    half = len(found) // 2
    for in_memory, lazy in zip(found[:half], found[half:], strict=True):
        np.testing.assert_array_equal(in_memory, lazy)
    mask = np.zeros(coffee.shape[:2], bool)
    mask[20:50, 20:80] = True
    np.testing.assert_array_equal(found[2] > 0, mask)
    assert np.unique(found[5]).tolist() == [0, 2, 4]


@pytest.mark.parametrize("form", ["single", "pyramid", "everywhere"])
def test_lazy_layers_are_smoothed_as_those_in_memory(coffee, form):
    viewer = ViewerModel()
    area = viewer.add_shapes([[[20, 30], [20, 500], [350, 450]]], shape_type="polygon")
    region = Region.of(area, everywhere=True) if form == "everywhere" else None
    found = []
    for hold in (np.asarray, lambda level: da.from_array(level, chunks=(150, 130, 3))):
        levels = [hold(level) for level in levels_of(coffee)]
        layer = Image(levels if form == "pyramid" else levels[0], rgb=True)
        source = replace(LayerImage.of(layer), region=region)
        found.append(source.segment(n_clusters=4, smoothing=2))
    memory, lazy = found
    np.testing.assert_array_equal(lazy.labels, memory.labels)
    np.testing.assert_array_equal(lazy.image, memory.image)
    np.testing.assert_array_equal(lazy.counts, memory.counts)


@pytest.mark.parametrize("lazy", [False, True])
def test_an_array_of_xarray_is_what_it_holds(coffee, lazy):
    """One in memory was taken for a lazy one, of which less is previewed and shown."""
    viewer = ViewerModel()
    held = da.from_array(coffee, chunks=(200, 600, 3)) if lazy else coffee
    layer = viewer.add_image(xarray.DataArray(held, dims=["y", "x", "c"]), name="coffee")
    source = LayerImage.of(layer)
    outputs = show(viewer, source, source.segment(n_clusters=4))
    assert source.is_lazy == lazy
    assert describe(layer).endswith("lazy") == lazy
    assert isinstance(outputs["labels"].data, da.Array) == lazy
    plain = segment(coffee, 4, channel_axis=-1)
    np.testing.assert_array_equal(np.asarray(outputs["labels"].data), plain.labels)


def test_an_object_has_one_number_on_every_level():
    image = np.zeros((64, 64), np.uint8)
    image[4:20, 4:20] = image[40:60, 8:30] = image[6:24, 36:50] = 200
    viewer = ViewerModel()
    layer = viewer.add_image([image, image[::2, ::2]], multiscale=True)
    source = replace(LayerImage.of(layer), clean_up=CleanUp(objects=(2,)))
    levels = show(viewer, source, source.segment(n_clusters=2))["objects"].data
    assert levels[0].max() == 3
    np.testing.assert_array_equal(levels[1], levels[0][1::2, 1::2])


def test_counts_of_a_sample_are_scaled_so_that_sizes_are_right(dask_limits):
    dask_limits(load_bytes=0, sample_values=5_000, exact_pixels=0)
    image = np.random.default_rng(0).random((200, 300), np.float32)
    image[:50] = np.nan
    viewer = ViewerModel()
    layer = viewer.add_image(
        da.from_array(image, chunks=(50, 100)), contrast_limits=(0, 1), scale=(2, 2)
    )
    source = LayerImage.of(layer)
    with pytest.warns(UserWarning, match="NaN"), pytest.warns(UserWarning, match="sample of"):
        found = source.segment(n_clusters=3)
    assert abs(int(found.counts.sum()) - 150 * 300) <= 3
    assert "scaled up to the whole" in found.warnings[-1]
    features = show(viewer, source, found)["labels"].features
    clusters = features[features["label"] > 0]
    assert clusters["area [pixel²]"].sum() == pytest.approx(4 * 150 * 300, abs=12)


RGBA = np.dstack([skimage.data.coffee(), np.full((400, 600), 200, np.uint8)])
RGBA[:120, :200, 3] = 0


@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("kind", ["uint8", "float32", "RGBA"])
def test_counts_of_a_region_are_those_of_the_labels(kind, everywhere):
    image = RGBA if kind == "RGBA" else RGBA[..., :3].astype(kind) / (1 if kind == "uint8" else 255)
    image = image.astype("uint8" if kind == "RGBA" else kind)
    viewer = ViewerModel()
    area = viewer.add_shapes([[[20, 30], [20, 500], [350, 450]]], shape_type="polygon")
    lazy = da.from_array(image, chunks=(150, 150, image.shape[-1]))
    layer = viewer.add_image(lazy, rgb=True)
    source = replace(LayerImage.of(layer), region=Region.of(area, everywhere=everywhere))
    found = source.segment(n_clusters=3)
    counts = np.bincount(np.asarray(found.labels).ravel(), minlength=4)[1:]
    np.testing.assert_array_equal(found.counts, counts)
    expected = replace(source, data=image).segment(n_clusters=3)
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_allclose(found.centroids, expected.centroids, rtol=1e-6)


def test_where_labels_are_too_many_to_be_counted_it_is_said(coffee, dask_limits):
    dask_limits(exact_pixels=0)
    viewer = ViewerModel()
    area = viewer.add_shapes([[[20, 30], [20, 500], [350, 450]]], shape_type="polygon")
    layer = viewer.add_image(da.from_array(coffee, chunks=(150, 150, 3)), rgb=True)
    source = replace(LayerImage.of(layer), region=Region.of(area, everywhere=True))
    found = source.segment(n_clusters=3)
    assert (
        "counts and means are those of the part where the clusters were found"
        in (found.warnings[-1])
    )


TILE = np.add.outer(np.arange(4096) // 32, np.arange(4096) // 32).astype(np.uint8)


@pytest.fixture
def huge(dask_limits):
    """A plane of 20 gigapixels, and the list of the chunks that are read of it."""
    # Of 2 chunks instead of 128, so that it takes seconds.
    dask_limits(fit_pixels=1 << 25)
    reads = []

    def make(block_info=None):
        reads.append(block_info[None]["chunk-location"])
        return TILE

    image = da.map_blocks(
        make, chunks=((4096,) * 35,) * 2, dtype=np.uint8, meta=np.empty((0, 0), np.uint8)
    )
    viewer = ViewerModel()
    layer = viewer.add_image(image, visible=False, contrast_limits=(0, 255))
    reads.clear()
    return viewer, LayerImage.of(layer), reads


def test_of_a_huge_image_only_the_chunks_of_the_region_are_read_and_all_of_these(huge):
    viewer, source, reads = huge
    area = viewer.add_shapes([[[9000, 4000], [9000, 4200], [9200, 4200]]], shape_type="polygon")
    found = replace(source, region=Region.of(area)).segment(n_clusters=3)
    assert sorted(reads) == [(2, 0), (2, 1)]
    inside = np.asarray(found.labels[9000:9201, 4000:4201])
    np.testing.assert_array_equal(found.counts, np.bincount(inside.ravel())[1:])
    assert not any("Fitted on" in note for note in found.warnings)
    assert "hidden" in found.warnings[-1]


def test_a_region_that_misses_a_huge_image_is_reported(huge):
    viewer, source, reads = huge
    area = viewer.add_shapes([[[-900, 400], [-900, 420], [-920, 420]]], shape_type="polygon")
    with pytest.raises(ValueError, match="misses the image"):
        replace(source, region=Region.of(area)).segment(n_clusters=3)
    assert not reads


@pytest.mark.parametrize("kind", ["points", "labels"])
def test_seeds_on_a_huge_image_read_the_chunks_where_they_lie(huge, kind):
    viewer, source, reads = huge
    if kind == "points":
        layer = viewer.add_points([[9000, 4000], [9000, 4200]])
    else:
        painted = np.zeros((1400, 1400), np.uint8)
        painted[90, 40:42], painted[91, 42:44] = 1, 2
        # One of its pixels covers 100 x 100 of the image.
        layer = viewer.add_labels(painted, scale=(100, 100), translate=(49.5, 49.5))
    seeds = Seeds.of(layer, fixed=True)
    where = source.placement
    numbers, centroids, _ = seeds.start(source.data, where, None, alpha=False)
    assert set(reads) == {(2, 0), (2, 1)}
    assert numbers.tolist() == [1, 2]
    if kind == "points":
        expected = [TILE[9000 - 8192, 4000], TILE[9000 - 8192, 104]]
        np.testing.assert_allclose(centroids[:, 0], expected, atol=1)
    else:
        rows = [slice(9000 - 8192, 9100 - 8192), slice(9100 - 8192, 9200 - 8192)]
        both = [np.hstack([TILE[rows[0], 4000:], TILE[rows[0], :104]]), TILE[rows[1], 104:304]]
        np.testing.assert_allclose(centroids[:, 0], [part.mean() for part in both])


@pytest.mark.parametrize("form", ["single", "pyramid", "steps"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "huge float32"])
def test_progress_only_grows_whatever_is_read_how_often(dtype, form, dask_limits):
    if dtype.startswith("huge"):
        dask_limits(load_bytes=0, sample_values=2_000)
    image = np.random.default_rng(0).integers(0, 200, (3, 64, 80)).astype(dtype.split()[-1])
    levels = [da.from_array(one, chunks=(1, 20, 30)) for one in (image, image[:, ::2, ::2])]
    viewer = ViewerModel()
    area = viewer.add_shapes([[[5, 5], [5, 50], [50, 50]]], shape_type="polygon")
    source = replace(
        LayerImage.of(Image(levels if form == "pyramid" else levels[0])),
        region=Region.of(area, everywhere=True),
        clean_up=CleanUp(specks=3),
        step_axis=0 if form == "steps" else None,
    )
    told = []
    source.segment(n_clusters=3, progress=lambda fraction, stage: told.append((fraction, stage)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[0] < 0.2
    assert fractions[-1] == pytest.approx(1)
    assert {"Clustering", "Counting labels"} <= {stage.split(",")[0] for _, stage in told}

"""Specks and objects of lazy labels are those of the same labels in memory."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from scipy.ndimage import gaussian_filter

from napari_kmeans_seg.layers import CleanUp, LayerImage, Outputs


def noise(shape: tuple[int, ...], seed: int = 0, sigma: float = 2.5) -> np.ndarray:
    """Blobs of many sizes that run across chunks."""
    smooth = gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    smooth += gaussian_filter(np.random.default_rng(seed + 1).normal(size=shape), 0.7) / 9
    return np.clip(smooth / smooth.std() * 40 + 128, 0, 255).astype(np.uint8)


def both(image: np.ndarray, chunks: tuple[int, ...], clean_up: CleanUp, **layer) -> list:
    """Segment an image in memory and as a Dask array."""
    return [
        replace(LayerImage.of(Image(data, **layer)), clean_up=clean_up).segment(n_clusters=4)
        for data in (image, da.from_array(image, chunks=chunks))
    ]


def same_objects(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays number the same pieces, in whatever order."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return pairs.shape[1] == np.unique(one).size == np.unique(other).size


@pytest.mark.parametrize(
    ("shape", "chunks", "size", "per_plane"),
    [
        ((200, 260), (37, 64), 12, True),
        ((200, 260), (200, 90), 40, True),
        ((5, 90, 80), (2, 33, 80), 15, True),
        ((14, 60, 50), (3, 21, 25), 8, False),
        ((2, 5, 40, 50), (1, 2, 21, 25), 4, False),
    ],
)
@pytest.mark.parametrize("planes", ["whole", "in parts"])
def test_specks_of_a_lazy_image_are_merged_as_in_memory(
    shape, chunks, size, per_plane, planes, dask_limits
):
    if planes == "in parts":
        dask_limits(plane_pixels=0)
    memory, lazy = both(noise(shape), chunks, CleanUp(specks=size, per_plane=per_plane))
    assert isinstance(lazy.labels, da.Array)
    found = np.asarray(lazy.labels)
    np.testing.assert_array_equal(found, memory.labels)
    assert (found != np.asarray(both(noise(shape), chunks, CleanUp())[1].labels)).any()
    np.testing.assert_array_equal(lazy.counts, np.bincount(found.ravel(), minlength=5)[1:])
    np.testing.assert_array_equal(np.asarray(lazy.image), memory.image)


def test_specks_of_a_lazy_colour_image_with_alpha_are_painted_over(coffee):
    image = np.dstack([coffee, np.full(coffee.shape[:2], 255, np.uint8)])
    image[:90, :150, 3] = 0
    memory, lazy = both(image, (130, 170, 4), CleanUp(specks=20), rgb=True)
    np.testing.assert_array_equal(np.asarray(lazy.labels), memory.labels)
    np.testing.assert_array_equal(np.asarray(lazy.image), memory.image)


@pytest.mark.parametrize("shape", [(90, 120), (3, 50, 60)])
def test_specks_among_specks_go_where_they_go_in_memory(shape):
    # Every pixel is a speck, but for two large pieces.
    tile = np.array([[0, 60], [120, 180]], np.uint8)
    image = np.broadcast_to(np.tile(tile, (shape[-2] // 2, shape[-1] // 2)), shape).copy()
    image[..., 4:9, 3:9], image[..., -9:-4, 40:] = 0, 180
    chunks = (*[1] * (len(shape) - 2), 20, 25)
    memory, lazy = both(image, chunks, CleanUp(specks=6))
    assert np.unique(memory.labels).tolist() == [1, 4]
    np.testing.assert_array_equal(np.asarray(lazy.labels), memory.labels)


def test_what_would_be_too_much_to_read_around_a_chunk_is_refused_in_plain_words():
    source = LayerImage.of(Image(da.zeros((500, 4000, 4000), chunks=(1, 2000, 2000), dtype="u1")))
    source = replace(source, clean_up=CleanUp(specks=500, per_plane=False))
    with pytest.raises(ValueError, match=r"Specks of up to 500 .* is lazy: give"):
        source.segment(n_clusters=1)


def test_counts_of_specks_that_are_too_many_to_count_again_are_reported(dask_limits):
    dask_limits(exact_pixels=0)
    _, lazy = both(noise((90, 80)), (40, 40), CleanUp(specks=10))
    assert lazy.warnings[-1] == "Pixel counts and means are those before specks were merged."


@pytest.mark.parametrize(
    ("shape", "chunks", "per_plane"),
    [
        ((200, 260), (37, 64), True),
        ((200, 260), (200, 1), True),
        ((6, 90, 80), (4, 33, 80), True),
        ((14, 60, 50), (3, 21, 25), False),
        ((2, 5, 40, 50), (1, 2, 21, 25), False),
    ],
)
def test_objects_of_a_lazy_image_are_those_in_memory(shape, chunks, per_plane):
    clean_up = CleanUp(objects=(1, 3), per_plane=per_plane)
    viewer = ViewerModel()
    found, tables = [], []
    image = noise(shape)
    for data in (image, da.from_array(image, chunks=chunks)):
        source = replace(LayerImage.of(viewer.add_image(data)), clean_up=clean_up)
        outputs = Outputs.paint(source, source.segment(n_clusters=4)).show(viewer)
        found.append(outputs["objects"].data)
        tables.append(outputs["objects"].features.set_index("label")["pixels"])
    memory, lazy = found
    assert isinstance(lazy, da.Array)
    assert lazy.dtype == memory.dtype == np.int32
    lazy = np.asarray(lazy)
    assert memory.max() > 20
    assert same_objects(memory, lazy)
    np.testing.assert_array_equal(np.bincount(lazy.ravel()), tables[1])
    assert sorted(tables[0][1:]) == sorted(tables[1][1:])


def test_a_ring_through_all_chunks_is_one_object_and_touching_corners_are_two():
    labels = np.ones((40, 40), np.uint8)
    labels[3:37, 3:37] = 2
    labels[6:34, 6:34] = 1
    labels[8:10, 8:10] = labels[10:12, 10:12] = 2
    numbers, sizes = CleanUp(objects=(2,)).instances(da.from_array(labels, chunks=10))
    numbers = np.asarray(numbers)
    assert sizes.tolist() == [34**2 - 28**2, 4, 4]
    assert numbers[3, 3] == numbers[36, 36] == 1
    assert numbers[9, 9] != numbers[10, 10]


def test_no_object_at_all_is_no_error():
    labels = da.ones((40, 40), chunks=10, dtype=np.uint8)
    numbers, sizes = CleanUp(objects=(2,)).instances(labels)
    assert sizes.size == 0
    assert not np.asarray(numbers).any()


def test_each_chunk_is_read_once_to_tell_objects_apart_and_one_to_show_it():
    reads = []

    def read(block, block_info=None):
        reads.append(block_info[0]["chunk-location"])
        return block

    labels = da.from_array(noise((80, 80)) // 64, chunks=20)
    labels = labels.map_blocks(read, dtype=np.uint8, meta=np.empty((0, 0), np.uint8))
    numbers, _ = CleanUp(objects=(2, 3)).instances(labels)
    assert sorted(reads) == sorted(np.ndindex(4, 4))
    reads.clear()
    numbers[:20, 20:40].compute()
    assert reads == [(0, 1)]


def test_objects_can_be_cancelled():
    labels = da.zeros((8192, 8192), chunks=1024, dtype=np.uint8)

    class StopError(Exception):
        pass

    def stop(_fraction, _stage):
        raise StopError

    with pytest.raises(StopError):
        CleanUp(objects=(1,)).instances(labels, stop)


def test_objects_of_a_lazy_pyramid_are_told_apart_in_memory_or_refused():
    image = noise((120, 160))
    levels = [da.from_array(each, chunks=50) for each in (image, image[::2, ::2])]
    viewer = ViewerModel()
    layer = viewer.add_image(levels, multiscale=True, contrast_limits=(0, 255))
    source = replace(LayerImage.of(layer), clean_up=CleanUp(objects=(2,)))
    segmentation = source.segment(n_clusters=3)
    large, small = Outputs.paint(source, segmentation).show(viewer)["objects"].data
    np.testing.assert_array_equal(large > 0, np.asarray(segmentation.labels) == 2)
    np.testing.assert_array_equal(small, large[1::2, 1::2])
    huge = [da.zeros((n, 16_384), dtype="u1") for n in (16_384, 8_192)]
    source = LayerImage.of(viewer.add_image(huge, multiscale=True, contrast_limits=(0, 255)))
    source = replace(source, clean_up=CleanUp(objects=(2,)))
    with pytest.raises(ValueError, match=r"up to 134,217,728 pixels; this one has 268,435,456\. C"):
        source.segment(n_clusters=3)


def test_outputs_that_napari_could_not_draw_are_added_hidden_and_none_of_them_is_computed(
    dask_limits,
):
    # Of 2 chunks instead of 128, so that it takes seconds.
    dask_limits(fit_pixels=1 << 25)
    reads = []
    tile = np.resize(noise((64, 64)), (4096, 4096))

    def make(block_info=None):
        reads.append(1)
        return tile

    image = da.map_blocks(
        make, chunks=((4096,) * 35,) * 2, dtype=np.uint8, meta=np.empty((0, 0), np.uint8)
    )
    assert image.size > 20e9
    viewer = ViewerModel()
    # Shown, napari would compute all 20 gigapixels of it, too.
    layer = viewer.add_image(image, visible=False, contrast_limits=(0, 255))
    source = LayerImage.of(layer)
    with pytest.warns(UserWarning, match="Fitted on 2 of 1,225 chunks"):
        segmentation = source.segment(n_clusters=3)
    assert "hidden: to show one, napari computes all 143,360 × 143,360" in segmentation.warnings[-1]
    reads.clear()
    outputs = Outputs.paint(source, segmentation).show(viewer)
    assert not outputs["labels"].visible
    assert not outputs["image"].visible
    assert not reads
    corner = np.asarray(outputs["labels"].data[:64, :64])
    np.testing.assert_array_equal(np.unique(corner), [1, 2, 3])

"""What is drawn in other units than the image's lies where the canvas shows it."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points, Shapes

from napari_kmeans_seg.layers import LayerImage, Region, Seeds, displayed_plane
from napari_kmeans_seg.layers.base.describe import mismatch

MICRONS = {"scale": (0.5, 0.5), "units": ("um", "um")}
NANOMETRES = {"scale": (500, 500), "units": ("nm", "nm")}


def halves(shape=(30, 40)) -> np.ndarray:
    """Dark on the left, bright on the right."""
    image = np.zeros(shape, np.uint8)
    image[..., shape[-1] // 2 :] = 200
    return image


def corner() -> np.ndarray:
    part = np.zeros((30, 40), np.uint8)
    part[:10, :10] = 1
    return part


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    "area",
    [
        Labels(corner(), **NANOMETRES),
        Labels(corner(), scale=(0.5e-3, 0.5e-3), units=("mm", "mm"), translate=(1e-9, 0)),
        Shapes([[-0.25, -0.25], [9.25, 9.25]], shape_type="rectangle", **NANOMETRES),
    ],
)
def test_a_region_in_other_units_covers_the_pixels_that_it_is_seen_on(area, lazy):
    image = halves()
    image[3, 3] = 90  # two values there
    data = da.from_array(image, chunks=(16, 16)) if lazy else image
    source = replace(LayerImage.of(Image(data, **MICRONS)), region=Region.of(area))
    labels = np.asarray(source.segment(n_clusters=2).labels)
    np.testing.assert_array_equal(labels > 0, corner() > 0)


def test_a_region_without_units_is_taken_by_its_numbers_as_the_canvas_takes_it():
    area = Labels(corner(), scale=(0.5, 0.5))
    viewer = ViewerModel()
    layer = viewer.add_image(halves() + np.arange(40, dtype=np.uint8), **MICRONS)
    viewer.add_layer(area)
    assert viewer.layers.units is None, "nor does napari convert anything here"
    source = replace(LayerImage.of(layer), region=Region.of(area))
    np.testing.assert_array_equal(source.segment(n_clusters=2).labels > 0, corner() > 0)


@pytest.mark.parametrize("kind", [Points, Labels])
def test_seeds_in_other_units_stand_on_the_pixels_that_they_are_seen_on(kind):
    image = halves()
    image[15:] += 20
    painted = np.zeros_like(image)
    for label, place in enumerate([(5, 5), (5, 30), (20, 5)], 1):
        painted[place] = label
    seeds = Seeds.of(
        Labels(painted, **NANOMETRES)
        if kind is Labels
        else Points([[5, 5], [5, 30], [20, 5]], **NANOMETRES)
    )
    labels = replace(LayerImage.of(Image(image, **MICRONS)), seeds=seeds).segment().labels
    assert (labels[2, 2], labels[2, 35], labels[25, 2]) == (1, 2, 3)


def test_the_displayed_plane_is_the_one_on_the_canvas_in_whatever_units_the_viewer_is():
    viewer = ViewerModel()
    stack = np.stack([halves() + z for z in range(8)]).astype(np.uint8)
    image = viewer.add_image(stack, scale=(2, 0.5, 0.5), units=("um",) * 3)
    for units in (("um",) * 3, ("nm",) * 3, ("mm", "nm", "um")):
        viewer.layers.units = units
        viewer.dims.set_current_step(0, 3)
        np.testing.assert_array_equal(image._slice.image.raw, stack[3])
        assert displayed_plane(viewer, image) == {0: 3}
    viewer.layers.units = None
    viewer.add_points([[0, 0, 0]], units=("nm",) * 3)
    viewer.dims.set_point(0, 5 * 2000)
    np.testing.assert_array_equal(image._slice.image.raw, stack[5])
    assert displayed_plane(viewer, image) == {0: 5}


def test_steps_are_limited_by_a_region_in_other_units():
    series = np.stack([halves()] * 4)
    series[:, 3, 3] = 90
    layer = Image(series, scale=(1, 0.5, 0.5), units=("s", "um", "um"))
    for area in (
        Labels(corner(), **NANOMETRES),
        Labels(np.stack([corner()] * 4), scale=(1000, 500, 500), units=("ms", "nm", "nm")),
    ):
        source = replace(LayerImage.of(layer), step_axis=0, region=Region.of(area))
        labels = source.segment(n_clusters=2).labels
        np.testing.assert_array_equal(labels > 0, np.stack([corner() > 0] * 4))


def test_layers_of_the_same_place_in_other_units_are_clustered_together():
    first = Image(halves(), name="a", **MICRONS)
    other = Image(halves().T.reshape(30, 40), name="b", **NANOMETRES)
    assert mismatch(first, other) is None
    assert LayerImage.of(first, other).segment(n_clusters=2).n_clusters == 2
    elsewhere = Image(halves(), name="c", scale=(50, 50), units=("nm", "nm"))
    assert "“c” lies elsewhere than “a”" in str(mismatch(first, elsewhere))
    pixels = Image(halves(), name="d", scale=(0.5, 0.5))
    assert "other units" in str(mismatch(first, pixels))

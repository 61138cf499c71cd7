"""Regions limit where clusters are found: where they are seen, and as they were at the run."""

from __future__ import annotations

from dataclasses import replace

import cloudpickle
import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_kmeans_seg.layers import LayerImage, Outputs, Region, Seeds


@pytest.mark.parametrize("chosen", [(), (3, 5)])
def test_a_region_that_is_painted_on_after_a_run_leaves_the_result_as_it_is(coffee, chosen):
    viewer = ViewerModel()
    painted = np.zeros(coffee.shape[:2], np.uint8)
    painted[50:200, 80:300] = 3
    area = viewer.add_labels(painted)
    layer = viewer.add_image(da.from_array(coffee, chunks=(150, 150, 3)), rgb=True)
    source = replace(LayerImage.of(layer), region=Region.of(area, chosen))
    labels = source.segment(n_clusters=3).labels
    before = labels.compute()
    area.data[100:300] = 5 - area.data[100:300]
    np.testing.assert_array_equal(labels.compute(), before)


def test_a_region_lies_where_it_is_seen_whatever_the_transforms(cell):
    viewer = ViewerModel()
    image = viewer.add_image(cell, scale=(0.5, 0.5), rotate=20, translate=(100, 50))
    corners = np.array([[100, 120], [100, 300], [400, 300], [400, 120]])
    world = np.array([image.data_to_world(corner) for corner in corners])
    # The same corners on a layer with another scale.
    area = viewer.add_shapes([world / 3], shape_type="polygon", scale=(3, 3))
    source = replace(LayerImage.of(image), region=Region.of(area))
    labels = source.segment(n_clusters=2).labels
    assert labels[101:400, 121:300].all()
    assert np.count_nonzero(labels) <= 301 * 181


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 99, (5, 20, 20), np.uint8)


def square(*plane, at=3) -> np.ndarray:
    """A square of 7 x 7 pixels."""
    corners = [(at, at), (at, at + 6), (at + 6, at + 6), (at + 6, at)]
    return np.array([(*plane, *corner) for corner in corners], float)


def planes(labels) -> list[int]:
    return np.unique(np.nonzero(np.asarray(labels))[0]).tolist()


@pytest.mark.parametrize("step_axis", [None, 0])
@pytest.mark.parametrize("kind", ["shapes", "labels"])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_region_drawn_on_one_plane_of_a_stack_counts_on_all_and_says_so(
    stack, step_axis, kind, lazy
):
    viewer = ViewerModel()
    image = viewer.add_image(da.from_array(stack, chunks=(2, 9, 20)) if lazy else stack)
    if kind == "shapes":
        area = viewer.add_shapes([square(3)], shape_type="polygon", name="mine")
    else:
        painted = np.zeros_like(stack)
        painted[3, 3:10, 3:10] = 1
        area = viewer.add_labels(painted, name="mine")
    source = replace(LayerImage.of(image), region=Region.of(area), step_axis=step_axis)
    found = source.segment(n_clusters=2)
    labels = np.asarray(found.labels)
    assert planes(labels) == [0, 1, 2, 3, 4]
    assert (labels > 0).any(0).sum() == 49
    assert "“mine” is drawn on one plane and counts on all" in " ".join(found.warnings)

    own = Region.of(area, own_planes=True)
    found = replace(source, region=own, step_axis=None).segment(n_clusters=2)
    assert planes(found.labels) == [3]
    assert "“mine” counts only on the plane that it is drawn on" in " ".join(found.warnings)


def test_shapes_on_several_planes_count_on_their_own_and_flat_ones_on_all(stack):
    viewer = ViewerModel()
    image = viewer.add_image(stack, scale=(2, 1, 1))
    source = LayerImage.of(image)
    several = viewer.add_shapes([square(2), square(6, at=10)], shape_type="polygon")
    found = replace(source, region=Region.of(several)).segment(n_clusters=2)
    assert planes(found.labels) == [1, 3]
    assert "the 2 planes that it is drawn on" in " ".join(found.warnings)
    found = replace(source, region=Region.of(several, own_planes=False)).segment(n_clusters=2)
    assert planes(found.labels) == [0, 1, 2, 3, 4]
    flat = viewer.add_shapes([square()], shape_type="polygon")
    found = replace(source, region=Region.of(flat)).segment(n_clusters=2)
    assert planes(found.labels) == [0, 1, 2, 3, 4]
    assert found.warnings == ()


def test_the_labels_of_a_region_are_sent_to_other_machines_once_and_not_with_each_chunk(coffee):
    viewer = ViewerModel()
    painted = np.ones(coffee.shape[:2], np.uint8)
    area = viewer.add_labels(painted)
    layer = viewer.add_image(da.from_array(coffee, chunks=(50, 50, 3)), rgb=True)
    where = LayerImage.of(layer).placement
    mask = Region.of(area).mask(layer.data, painted.shape, where, -1)
    assert mask.npartitions == 96
    sent = [len(cloudpickle.dumps(task)) for task in dict(mask.__dask_graph__()).values()]
    assert sum(sent) < 2 * painted.nbytes
    assert mask.compute().all()


@pytest.mark.parametrize("role", ["region", "seeds"])
def test_a_result_that_is_region_or_seeds_of_a_run_is_not_written_to_by_it(coffee, role):
    viewer = ViewerModel()
    layer = viewer.add_image(coffee, name="coffee")
    source = LayerImage.of(layer)
    shown = Outputs.paint(source, source.segment(n_clusters=4)).show(viewer)
    first, before = shown["labels"], shown["labels"].data.copy()
    marks = Region.of(first, (1, 2)) if role == "region" else Seeds.of(first)
    source = replace(source, **{role: marks})
    made = []
    for _ in range(2):
        again = Outputs.paint(source, source.segment(n_clusters=3)).show(viewer)
        made.append((again["labels"], again["labels"].data.copy()))
    np.testing.assert_array_equal(first.data, before)
    assert made[0][0] is made[1][0] is not first, "one more layer, which the next run writes to"
    np.testing.assert_array_equal(made[0][1], made[1][1])
    assert viewer.layers.index(made[0][0]) > viewer.layers.index(first)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("fit_scale", [1.0, 0.25])
@pytest.mark.parametrize("how", ["labels", "values"])
def test_a_region_of_which_smaller_levels_have_no_pixel_is_segmented(lazy, fit_scale, how):
    pixels = np.zeros((16, 16), np.uint8)
    pixels[4, 4], pixels[4, 12] = 40, 90
    levels = [pixels, np.zeros((8, 8), np.uint8), np.zeros((4, 4), np.uint8)]
    given = [da.from_array(level, chunks=8) for level in levels] if lazy else levels
    source = LayerImage.of(Image(given, multiscale=True))
    if how == "labels":
        painted = (pixels > 0).astype(np.uint8)
        source = replace(source, region=Region.of(Labels(painted)))
    else:
        source = replace(source, left_out=(0,))
    found = source.segment(n_clusters=2, fit_scale=fit_scale)
    labels = [np.asarray(level.labels) for level in found.levels]
    np.testing.assert_array_equal(labels[0], np.digitize(pixels, [1, 60]))
    assert not labels[1].any()
    assert not labels[2].any()
    assert [np.asarray(level.image).shape for level in found.levels] == [(16, 16), (8, 8), (4, 4)]
    assert found.counts.tolist() == [1, 1]

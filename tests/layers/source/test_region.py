"""Regions limit where clusters are found: where they are seen, and as they were at the run."""

from __future__ import annotations

from dataclasses import replace

import cloudpickle
import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel

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


def test_a_shape_in_a_stack_limits_its_own_plane_and_a_flat_one_all():
    stack = np.random.default_rng(0).integers(0, 99, (5, 20, 20), np.uint8)
    viewer = ViewerModel()
    image = viewer.add_image(stack, scale=(2, 1, 1))
    deep = viewer.add_shapes([[[6, 3, 3], [6, 3, 9], [6, 9, 9], [6, 9, 3]]], shape_type="polygon")
    flat = viewer.add_shapes([[[3, 3], [3, 9], [9, 9], [9, 3]]], shape_type="polygon")
    source = LayerImage.of(image)
    labels = replace(source, region=Region.of(deep)).segment(n_clusters=2).labels
    assert np.unique(np.nonzero(labels)[0]).tolist() == [3]
    labels = replace(source, region=Region.of(flat)).segment(n_clusters=2).labels
    assert labels[:, 4:9, 4:9].all()
    assert not labels[:, 10:].any()


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

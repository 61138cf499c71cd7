"""What the plots of clusters are drawn from: the values of the image, and where clusters meet."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from skimage.io import imsave

from napari_kmeans_seg.layers import CleanUp, LayerImage, Outputs
from napari_kmeans_seg.layers.clusters import clusters_of
from napari_kmeans_seg.layers.clusters.distribution import ClusterValues
from napari_kmeans_seg.layers.clusters.points import N_COLORS
from napari_kmeans_seg.layers.clusters.thresholds import (
    move,
    moved_by_hand,
    overlap,
    reassignment,
    shifted,
    thresholds_of,
)
from napari_kmeans_seg.layers.export.python_script import python_script
from napari_kmeans_seg.layers.source.view import PartInView, View


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def clustered(viewer):
    """Segment images; gives the clusters."""

    def run(*images, n_clusters=4, layer=None, change=lambda source: source, **parameters):
        layers = [viewer.add_image(image, **(layer or {})) for image in images]
        source = change(LayerImage.of(*layers))
        segmentation = source.segment(n_clusters=n_clusters, **parameters)
        shown = Outputs.paint(source, segmentation).show(viewer)
        return clusters_of(viewer, shown["labels"])

    return run


def gathered(clusters, **limits):
    values = replace(ClusterValues.of(clusters), **limits)
    points = values.read(clusters.layer.data)
    return values, points, points.members(clusters.layer.data)


def still(_fraction, _stage):
    """Ask for no stop."""


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", ">u2", "int32", "uint64"])
def test_integers_are_counted_value_by_value(viewer, clustered, cell, dtype):
    grey = cell.astype(np.int64) - (128 if dtype == "int8" else 0)
    image = (grey * (200 if dtype == ">u2" else 1)).astype(dtype)
    clusters = clustered(image)
    _, points, members = gathered(clusters)
    assert points.exact
    labels = clusters.layer.data
    for label in clusters.labels:
        values, counts = np.unique(image[labels == label], return_counts=True)
        mine = members.label == label
        np.testing.assert_array_equal(points.values[0, members.point[mine]], values)
        np.testing.assert_array_equal(members.count[mine], counts)


def test_thresholds_lie_where_one_cluster_ends_and_the_next_begins(viewer, clustered, cell):
    clusters = clustered(cell, n_clusters=5)
    _, points, members = gathered(clusters)
    found = thresholds_of(points, members)
    assert [(one.lower, one.upper) for one in found] == [(1, 2), (2, 3), (3, 4), (4, 5)]
    at = [one.at for one in found]
    np.testing.assert_array_equal(np.digitize(cell, at, right=True) + 1, clusters.layer.data)
    assert [one.low for one in found] == [-np.inf, *at[:-1]]
    assert [one.high for one in found] == [*at[1:], np.inf]


def test_a_cluster_that_was_merged_around_another_has_two_thresholds(viewer, clustered, cell):
    clusters = clustered(cell, n_clusters=3)
    clusters.merge([1, 3])
    _, points, members = gathered(clusters)
    found = thresholds_of(points, members)
    assert [(one.lower, one.upper) for one in found] == [(1, 2), (2, 1)]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_thresholds_of_floats_are_fine_and_nan_is_left_out(viewer, clustered, cell, dtype, scale):
    image = (cell / 255 * scale).astype(dtype)
    image[:20] = np.nan
    with pytest.warns(UserWarning, match="NaN"):
        clusters = clustered(image)
    _, points, members = gathered(clusters)
    assert members.count.sum() == (clusters.layer.data > 0).sum()
    at = [one.at for one in thresholds_of(points, members)]
    told = np.where(np.isfinite(image), np.digitize(image, at, right=True) + 1, 0)
    assert (told != clusters.layer.data).mean() < 1e-4


def test_a_few_values_far_away_do_not_blur_the_others(viewer, clustered, cell):
    image = cell.astype(np.float32)
    image[0, 0] = 1e9
    clusters = clustered(image, n_clusters=3, init=[[20], [90], [200]], max_iter=1)
    _, points, _ = gathered(clusters)
    assert points.step < 1e6


def test_clusters_that_overlap_in_value_have_no_thresholds(viewer, clustered, cell):
    for number, smoothed in enumerate((cell, cell / np.float32(255))):
        clusters = clustered(smoothed, smoothing=2.0)
        _, points, members = gathered(clusters)
        assert points.exact == (number == 0)
        assert thresholds_of(points, members) is None
        assert overlap(clusters).startswith("By smoothing the clusters overlap")


@pytest.mark.parametrize("value", [0, 7, -3.5])
def test_a_constant_image_has_one_bar_and_no_threshold(viewer, clustered, value):
    image = np.full((20, 30), value)
    with pytest.warns(UserWarning, match="1 distinct value"):
        clusters = clustered(image)
    _, points, members = gathered(clusters)
    assert members.count.tolist() == [600]
    assert thresholds_of(points, members) == ()
    at = points.values[0, members.point[0]]
    assert at <= value <= at + points.step


@pytest.mark.parametrize("top", [2.0**63, 1e300, 1e-310])
def test_extreme_values_are_told_apart(viewer, clustered, top):
    image = np.linspace(0, 1, 1000).reshape(20, 50) * top
    image = image.astype(np.uint64) if top == 2.0**63 else image
    clusters = clustered(image, n_clusters=3)
    _, points, members = gathered(clusters)
    assert [(one.lower, one.upper) for one in thresholds_of(points, members)] == [(1, 2), (2, 3)]


def test_two_hundred_and_fifty_five_clusters_have_a_threshold_less(viewer, clustered):
    image = np.arange(300 * 300, dtype=np.uint16).reshape(300, 300) % 60_000
    clusters = clustered(image, n_clusters=255)
    _, points, members = gathered(clusters)
    assert len(thresholds_of(points, members)) == 254


def test_colours_become_few_points_that_hold_all_pixels(viewer, clustered, coffee):
    clusters = clustered(coffee)
    values, points, members = gathered(clusters)
    assert values.names == ["red", "green", "blue"]
    assert 1000 < points.values.shape[1] <= N_COLORS
    for label, n in zip(clusters.table["label"], clusters.table["pixels"], strict=True):
        assert members.count[members.label == label].sum() == n
    mean = (points.values[:, members.point] * members.count).sum(axis=1) / members.count.sum()
    np.testing.assert_allclose(mean, coffee.reshape(-1, 3).mean(axis=0), rtol=0.02)


def test_few_colours_are_points_as_they_are(viewer, clustered):
    colors = np.random.default_rng(0).integers(0, 256, (50, 3), np.uint8)
    image = colors[np.arange(4000).reshape(40, 100) % 50]
    clusters = clustered(image)
    _, points, members = gathered(clusters)
    assert points.exact
    assert sorted(map(tuple, points.values.T.tolist())) == sorted(map(tuple, colors.tolist()))
    assert set(members.count) == {80}


def test_several_layers_are_channels_with_their_names(viewer, clustered, coffee):
    red, blue = (np.ascontiguousarray(coffee[..., i]) for i in (0, 2))
    clusters = clustered(red, blue.astype(np.uint8), layer={"name": "dye"})
    values, points, members = gathered(clusters)
    assert values.names == ["dye", "dye [1]"]
    assert points.values.shape[0] == 2
    assert members.count.sum() == red.size


def test_many_channels_are_gathered_as_well(viewer, clustered):
    random = np.random.default_rng(0)
    layers = [random.normal(size=(60, 70)).astype(np.float32) for _ in range(12)]
    clusters = clustered(*layers)
    _, points, members = gathered(clusters)
    assert points.values.shape[0] == 12
    assert members.count.sum() == 60 * 70


def test_a_plane_of_a_stack_is_read_where_it_lies(viewer, clustered, cell):
    stack = np.stack([cell, cell // 2, cell // 4])
    clusters = clustered(stack, change=lambda source: replace(source, plane={0: 1}))
    _, points, members = gathered(clusters)
    assert members.count.sum() == cell.size
    assert points.values[0, members.point].max() == (cell // 2).max()


def test_of_a_preview_the_part_is_read_that_it_shows(viewer, clustered, coffee):
    lazy = da.from_array(coffee, chunks=(100, 100, 3))
    view = View(
        level=0, start=(50, 100), stop=(250, 500), step=(2, 4), origin=(50.5, 101.5), zoom=(2, 4)
    )

    clusters = clustered(lazy, change=lambda source: PartInView.of_image(source, view))
    _, points, members = gathered(clusters)
    assert members.count.sum() == points.n_pixels == 100 * 100
    pixels = coffee[50:250:2, 100:500:4].reshape(-1, 3)
    mean = (points.values[:, members.point] * members.count).sum(axis=1) / members.count.sum()
    np.testing.assert_allclose(mean, pixels.mean(axis=0))


def test_pixels_outside_a_cluster_do_not_count(viewer, clustered, cell):
    clusters = clustered(cell)
    gone = int(clusters.table["pixels"].iloc[0])
    clusters.delete([1])
    _, _, members = gathered(clusters)
    assert members.count.sum() == cell.size - gone
    assert 0 not in members.label


def test_of_a_lazy_image_some_windows_are_read(viewer, clustered):
    computed = []

    def block(block_info):
        place = block_info[None]["chunk-location"]
        computed.append(place)
        random = np.random.default_rng(place)
        return random.integers(0, 256, (512, 512), np.uint8)

    image = da.map_blocks(block, chunks=((512,) * 10, (512,) * 10), dtype=np.uint8)
    clusters = clustered(image)
    computed.clear()
    _, points, members = gathered(clusters)
    assert 0 < len(set(computed)) <= 16
    assert points.home.size == members.count.sum() <= 16 * 512 * 512
    assert points.pixels_each > 6


def test_of_very_many_floats_a_sample_is_read_and_thresholds_move_all(clustered, cell):
    random = np.random.default_rng(0)
    image = np.tile(cell, (2, 2)) + random.random((1320, 1100), np.float32)
    clusters = clustered(image)
    values, points, members = gathered(clusters, homes_limit=1 << 20)
    assert points.home.size < image.size
    threshold = thresholds_of(points, members)[1]
    move(clusters, reassignment(clusters, values, threshold, threshold.at + 10)(still))
    second = (image > threshold.low + 1) & (image <= threshold.at + 10)
    assert (clusters.layer.data[second] == 2).all()
    small = clustered(image.astype(np.uint8))
    assert gathered(small, homes_limit=1 << 20)[1].home.size == image.size


def test_of_a_pyramid_a_level_is_read(viewer, clustered, coffee):
    big = np.tile(coffee, (6, 6, 1))
    clusters = clustered([big, big[::2, ::2], big[::4, ::4]])
    _, points, members = gathered(clusters)
    assert points.level == 1
    assert points.n_pixels == big[..., 0].size
    assert members.count.sum() <= big[::2, ::2, 0].size


def test_an_image_that_is_gone_or_changed_is_said(viewer, clustered, cell):
    clusters = clustered(cell)
    values, labels = ClusterValues.of(clusters), clusters.layer.data
    with pytest.raises(ValueError, match="no longer has the shape"):
        values.read(labels[:100])
    viewer.layers[0].data = cell[:100]
    with pytest.raises(ValueError, match="has other pixels by now"):
        ClusterValues.of(clusters)
    viewer.layers[0].data = cell
    assert ClusterValues.of(clusters).read(labels).n_pixels == cell.size
    viewer.layers.remove(viewer.layers[0])
    with pytest.raises(ValueError, match="no longer in the viewer"):
        ClusterValues.of(clusters)


# -- moving a threshold -----------------------------------------------------------------------


@pytest.mark.parametrize("by", [9, -9])
def test_a_moved_threshold_makes_the_labels_anew(viewer, clustered, cell, by):
    clusters = clustered(cell)
    before = clusters.layer.data.copy()
    values, points, members = gathered(clusters)
    threshold = thresholds_of(points, members)[1]
    at = threshold.at + by
    assert move(clusters, reassignment(clusters, values, threshold, at)(still))
    edges = [one.at for one in thresholds_of(points, members)]
    edges[1] = at
    expected = np.digitize(cell, edges, right=True) + 1
    np.testing.assert_array_equal(clusters.layer.data, expected)
    # The table, the segmented image and the metadata follow.
    for label, pixels, mean in clusters.table[["label", "pixels", "mean_intensity"]].to_numpy():
        assert pixels == (expected == label).sum()
        assert mean == pytest.approx(cell[expected == label].mean())
    means = clusters.table["mean_intensity"].to_numpy()
    image = next(layer for layer in viewer.layers if layer.name.endswith("k-means"))
    changed = expected != before
    np.testing.assert_array_equal(image.data[changed], np.rint(means)[expected[changed] - 1])
    record = clusters.layer.metadata["napari-kmeans-seg"]
    assert record["counts"] == clusters.table["pixels"].tolist()
    assert record["edits"][-1]["threshold"] == [2, 3]
    assert record["edits"][-1]["at"] == at
    # What the plot shows while it is dragged is what comes out.
    again = points.members(clusters.layer.data)
    dragged = shifted(points, members, threshold, at)
    one, two = (sorted(zip(m.point, m.label, m.count, strict=True)) for m in (again, dragged))
    assert one == two
    assert "threshold" in clusters.undo()
    np.testing.assert_array_equal(clusters.layer.data, before)
    clusters.redo()
    np.testing.assert_array_equal(clusters.layer.data, expected)


def test_the_script_of_a_result_moves_the_threshold_as_well(clustered, cell, tmp_path):
    clusters = clustered(cell)
    for index, by in ((0, 7), (2, -11)):
        values, points, members = gathered(clusters)
        threshold = thresholds_of(points, members)[index]
        move(clusters, reassignment(clusters, values, threshold, threshold.at + by)(still))
    image = tmp_path / "cell.tif"
    imsave(image, cell, check_contrast=False)
    found = {}
    exec(python_script(clusters.layer, str(image)), found)
    np.testing.assert_array_equal(found["labels"], clusters.layer.data)


def test_what_was_painted_or_deleted_by_hand_stays(viewer, clustered, cell):
    clusters = clustered(cell)
    values, points, members = gathered(clusters)
    threshold = thresholds_of(points, members)[0]
    clusters.layer.data[:30] = 4
    clusters.layer.data[30:60] = 0
    move(clusters, reassignment(clusters, values, threshold, threshold.at + 20)(still))
    assert (clusters.layer.data[:30] == 4).all()
    assert (clusters.layer.data[30:60] == 0).all()


def test_a_threshold_within_a_gap_changes_nothing(viewer, clustered):
    image = np.repeat(np.array([10, 200], np.uint8), 50).reshape(10, 10)
    clusters = clustered(image, n_clusters=2)
    values, points, members = gathered(clusters)
    (threshold,) = thresholds_of(points, members)
    assert threshold.at == 105
    assert not move(clusters, reassignment(clusters, values, threshold, 150.0)(still))
    assert clusters.undoable is None


def test_a_threshold_stays_where_it_was_put(clustered, cell):
    image = cell.astype(np.uint16) * 200
    clusters = clustered(image)
    values, points, members = gathered(clusters)
    threshold = thresholds_of(points, members)[0]
    at = threshold.at + 1017
    move(clusters, reassignment(clusters, values, threshold, at)(still))
    members = points.members(clusters.layer.data)
    assert thresholds_of(points, members)[0].at != at
    assert thresholds_of(points, members, moved_by_hand(clusters))[0].at == at


def test_thresholds_do_not_pass_each_other_nor_empty_a_cluster(viewer, clustered, cell):
    clusters = clustered(cell)
    values, points, members = gathered(clusters)
    one = thresholds_of(points, members)[1]
    with pytest.raises(ValueError, match="cannot pass"):
        reassignment(clusters, values, one, one.high + 1)
    before = clusters.layer.data
    with pytest.raises(ValueError, match="without pixels"):
        reassignment(clusters, values, one, one.low)(still)
    assert clusters.layer.data is before


def test_labels_that_were_changed_meanwhile_are_not_overwritten(viewer, clustered, cell):
    clusters = clustered(cell)
    values, points, members = gathered(clusters)
    one = thresholds_of(points, members)[0]
    found = reassignment(clusters, values, one, one.at + 5)(still)
    clusters.merge([3, 4])
    with pytest.raises(ValueError, match="changed meanwhile"):
        move(clusters, found)


def test_steps_that_are_clustered_each_by_itself_have_no_thresholds_in_common(clustered, cell):
    stack = np.stack([cell, cell // 2])
    clusters = clustered(stack, change=lambda source: replace(source, step_axis=0))
    _, points, members = gathered(clusters)
    assert thresholds_of(points, members) is None
    assert overlap(clusters).startswith("By steps that are clustered each by itself")


def test_specks_that_were_cleaned_leave_no_thresholds(viewer, clustered, cell):
    cleaned = CleanUp(specks=50)
    clusters = clustered(cell, change=lambda source: replace(source, clean_up=cleaned))
    _, points, members = gathered(clusters)
    assert thresholds_of(points, members) is None
    assert overlap(clusters).startswith("By cleaning the clusters overlap")

"""Work on clusters of every kind of layer: pyramids, lazy arrays, several layers, planes, steps."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers import METADATA_KEY, LayerImage, Outputs
from napari_kmeans_seg.layers.clusters import Clusters, clusters_of


def run(viewer, source: LayerImage, n_clusters=4, **parameters) -> Clusters:
    """Segment, show the outputs, and give the clusters of the result."""
    found = source.segment(n_clusters=n_clusters, **parameters)
    shown = Outputs.paint(source, found).show(viewer)
    clusters = clusters_of(viewer, shown["labels"])
    assert clusters is not None
    return clusters


def levels(layer) -> list[np.ndarray]:
    """All pixels of a layer."""
    return [np.asarray(level) for level in (layer.data if layer.multiscale else [layer.data])]


def state(viewer) -> list:
    """All that a person can see of the layers."""
    return [
        (
            layer.name,
            [(level.dtype.str, level.tobytes()) for level in levels(layer)],
            layer.features.to_csv() if isinstance(layer, Labels) else "",
            repr(layer.metadata),
        )
        for layer in viewer.layers
    ]


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


FORMS = ("pyramid", "lazy", "lazy pyramid")


@pytest.fixture(params=FORMS)
def form(request) -> str:
    return request.param


@pytest.fixture
def result(viewer, coffee, form) -> Clusters:
    """The coffee cup, as a pyramid, in chunks, or both."""
    sizes = [coffee, coffee[::2, ::2]] if "pyramid" in form else [coffee]
    if "lazy" in form:
        sizes = [da.from_array(one, chunks=(128, 150, 3)) for one in sizes]
    layer = viewer.add_image(
        sizes if "pyramid" in form else sizes[0],
        name="coffee",
        rgb=True,
        multiscale="pyramid" in form,
        contrast_limits=(0, 255),
    )
    return run(viewer, LayerImage.of(layer))


def test_clusters_are_merged_and_deleted_on_every_level_and_in_every_chunk(
    viewer, coffee, result, form
):
    labels, image = viewer.layers["coffee clusters"], viewer.layers["coffee k-means"]
    before, start = levels(labels), state(viewer)
    result.merge([1, 3])
    result.delete([4])
    merged = coffee[np.isin(before[0], (1, 3))].mean(axis=0)
    np.testing.assert_allclose(result.table.filter(like="mean_").iloc[0], merged)
    assert result.labels == [1, 2]
    for was, now, painted in zip(before, levels(labels), levels(image), strict=True):
        expected = np.where(was == 3, 1, np.where(was == 4, 0, was))
        np.testing.assert_array_equal(now, expected)
        assert now.dtype == was.dtype
        assert set(map(tuple, painted[now == 1])) == {tuple(np.round(merged))}
        assert (painted[now == 0] == 0).all()
    after = state(viewer)
    result.undo()
    result.undo()
    assert state(viewer) == start
    result.redo()
    result.redo()
    assert state(viewer) == after


def test_lazy_labels_stay_lazy_and_are_the_old_ones_again(viewer, result, form):
    labels = viewer.layers["coffee clusters"]
    before = labels.data
    result.merge([1, 3])
    result.undo()
    if form == "lazy":
        assert isinstance(labels.data, da.Array)
        assert labels.data.name == before.name
    elif form == "lazy pyramid":
        assert [level.name for level in labels.data] == [level.name for level in before]
    # So the next run may write to it.
    run(viewer, LayerImage.of(viewer.layers["coffee"]), 3)
    assert len(viewer.layers) == 3


def test_masks_of_a_pyramid_or_a_lazy_image_are_extracted_as_such(viewer, result, form):
    labels = viewer.layers["coffee clusters"]
    (mask,) = result.extract([2, 3], joined=True)
    assert mask.multiscale == labels.multiscale
    for inside, of in zip(levels(mask), levels(labels), strict=True):
        np.testing.assert_array_equal(inside, np.isin(of, (2, 3)))
    if form == "lazy":
        assert isinstance(mask.data, da.Array)


def test_names_and_colours_of_a_pyramid_or_a_lazy_image_are_a_persons_own(viewer, result, form):
    result.rename(2, "cup")
    result.recolor({2: "lime"})
    assert result.layer.features["name"][2] == "cup"
    np.testing.assert_array_equal(result.layer.colormap.map(2), [0, 1, 0, 1])


def test_a_cluster_is_split_on_every_level_and_in_every_chunk(viewer, coffee, result, form):
    labels = viewer.layers["coffee clusters"]
    before, start = levels(labels), state(viewer)
    new = result.split(2, result.parts(2, 3)(None))
    assert new == [2, 5, 6]
    parts = segment(coffee, 3, channel_axis=-1, mask=before[0] == 2)
    for was, now in zip(before, levels(labels), strict=True):
        np.testing.assert_array_equal(now > 0, was > 0)
        np.testing.assert_array_equal(now[was != 2], was[was != 2])
        assert set(np.unique(now[was == 2])) == {2, 5, 6}
    same = levels(labels)[0] == np.where(parts.labels, np.array([0, *new])[parts.labels], before[0])
    assert same.mean() > 0.999
    assert result.table["pixels"].sum() == coffee.shape[0] * coffee.shape[1]
    result.undo()
    assert state(viewer) == start


# -- several layers, planes, steps


@pytest.fixture
def channels(viewer, coffee) -> list:
    return [viewer.add_image(coffee[..., i], name=name) for i, name in enumerate("rgb")]


def test_images_that_were_clustered_together_lead_to_their_result(viewer, channels):
    result = run(viewer, LayerImage.of(*channels))
    assert clusters_of(viewer, *channels) is result
    assert clusters_of(viewer, channels[0]) is None
    assert clusters_of(viewer, *channels[:2]) is None


def test_a_plane_leads_to_its_result(viewer):
    layer = viewer.add_image(np.random.default_rng(0).integers(0, 255, (3, 20, 20), np.uint8))
    result = run(viewer, replace(LayerImage.of(layer), plane={0: 1}))
    assert clusters_of(viewer, layer) is result


def test_clusters_of_several_layers_are_merged_in_each_segmented_image(viewer, channels, coffee):
    result = run(viewer, LayerImage.of(*channels), normalize=True)
    start, before = state(viewer), result.layer.data.copy()
    result.merge([1, 2])
    inside = np.isin(before, (1, 2))
    for i, name in enumerate("rgb"):
        painted = viewer.layers[f"{name} k-means"].data
        assert set(painted[inside]) == {round(coffee[..., i][inside].mean())}
    result.undo()
    assert state(viewer) == start


def test_a_cluster_of_several_layers_is_split_by_all_of_them(viewer, channels, coffee):
    result = run(viewer, LayerImage.of(*channels), normalize=True)
    before = result.layer.data.copy()
    result.split(2, result.parts(2, 2)(None))
    parts = segment(coffee, 2, channel_axis=-1, normalize=True, mask=before == 2).labels
    np.testing.assert_array_equal(
        result.layer.data, np.where(parts > 0, np.array([0, 2, 5])[parts], before)
    )
    for i, name in enumerate("rgb"):
        painted = viewer.layers[f"{name} k-means"].data
        assert set(painted[parts == 2]) == {round(coffee[..., i][parts == 2].mean())}
    viewer.layers.remove(channels[1])
    with pytest.raises(ValueError, match="can be split only while its image is in the viewer"):
        result.parts(2, 2)


def test_a_cluster_of_a_plane_is_split_by_that_plane(viewer):
    data = np.random.default_rng(0).integers(0, 255, (3, 20, 20), np.uint8)
    layer = viewer.add_image(data)
    result = run(viewer, replace(LayerImage.of(layer), plane={0: 1}), 3)
    before = result.layer.data.copy()
    result.split(1, result.parts(1, 2)(None))
    parts = segment(data[1:2], 2, mask=before == 1).labels
    np.testing.assert_array_equal(
        result.layer.data, np.where(parts > 0, np.array([0, 1, 4])[parts], before)
    )


def test_steps_that_have_colours_of_their_own_get_them_back(viewer):
    data = np.random.default_rng(0).integers(0, 100, (3, 20, 20), np.uint8)
    layer = viewer.add_image(data + (np.arange(3, dtype=np.uint8) * 70)[:, None, None])
    result = run(viewer, replace(LayerImage.of(layer), step_axis=0), 3)
    start = state(viewer)
    result.merge([1, 2])
    assert state(viewer) != start
    result.undo()
    assert state(viewer) == start


# -- painted by hand


@pytest.fixture
def painted(viewer, coffee) -> Clusters:
    return run(viewer, LayerImage.of(viewer.add_image(coffee, name="coffee", rgb=True)))


def recount(clusters: Clusters) -> None:
    clusters.take_counts(clusters.recount()(None))


def told(clusters: Clusters) -> dict[int, tuple]:
    """What the table tells of each label: pixels and means."""
    return {
        row["label"]: (row["pixels"], row[["mean_red", "mean_green", "mean_blue"]].tolist())
        for _, row in clusters.table.iterrows()
    }


def is_right(clusters: Clusters, coffee) -> bool:
    """Whether the table tells what the pixels tell."""
    pixels = clusters.layer.data
    table = clusters.table
    assert table["percent"].sum() == pytest.approx(100)
    assert table["area [pixel²]"].tolist() == table["pixels"].tolist()
    return all(
        n == np.count_nonzero(pixels == label)
        and np.allclose(mean, coffee[pixels == label].mean(axis=0))
        for label, (n, mean) in told(clusters).items()
    )


def test_what_is_painted_by_hand_counts(painted, coffee):
    painted.layer.data[:100, :50] = 2
    assert not is_right(painted, coffee)
    recount(painted)
    assert is_right(painted, coffee)
    painted.layer.data[:100, :50] = 0
    recount(painted)
    assert painted.layer.features["pixels"][0] == 5000


def test_nothing_is_written_where_nothing_was_painted(viewer, painted):
    start = state(viewer)
    assert painted.recount()(None) is None
    assert state(viewer) == start


def test_paint_that_is_taken_back_leaves_no_trace(viewer, painted):
    start, before = state(viewer), painted.layer.data[:100, :50].copy()
    painted.layer.data[:100, :50] = 2
    recount(painted)
    assert state(viewer) != start
    painted.layer.data[:100, :50] = before
    recount(painted)
    assert state(viewer) == start
    run(viewer, LayerImage.of(viewer.layers["coffee"]), 3)
    assert len(viewer.layers) == 3, "the next run writes to it"


def test_a_label_that_was_painted_by_hand_is_a_cluster_too(viewer, painted, coffee):
    painted.layer.data[:100, :50] = 9
    painted.rename(1, "dark")
    recount(painted)
    assert painted.labels == [1, 2, 3, 4, 9]
    assert painted.name(9) == "Cluster 9"
    assert is_right(painted, coffee)
    painted.merge([2, 9])
    assert is_right(painted, coffee)
    assert (painted.layer.data[:100, :50] == 2).all()


def test_a_cluster_that_was_painted_over_keeps_its_name_until_its_pixels_come_back(
    viewer, painted, coffee
):
    painted.rename(3, "cup")
    start, before = state(viewer), painted.layer.data.copy()
    painted.layer.data[before == 3] = 1
    recount(painted)
    assert painted.labels == [1, 2, 3, 4]
    assert painted.table["pixels"].tolist()[2] == 0
    np.testing.assert_array_equal(painted.layer.data[before == 3], 1)
    painted.layer.data[...] = before
    recount(painted)
    assert state(viewer) == start


def test_a_step_counts_what_was_painted_before_it(painted, coffee):
    painted.layer.data[:100, :50] = 4
    painted.merge([1, 2])
    assert is_right(painted, coffee)
    painted.layer.data[100:200, :50] = 4
    painted.undo()
    assert is_right(painted, coffee)
    painted.layer.data[200:300, :50] = 4
    painted.redo()
    assert is_right(painted, coffee)
    painted.layer.data[:10] = 3
    painted.delete([1])
    assert is_right(painted, coffee)


def test_a_step_that_changes_no_pixel_leaves_the_counts_of_what_was_painted(painted, coffee):
    painted.rename(1, "table")
    painted.layer.data[:100, :50] = 4
    recount(painted)
    assert is_right(painted, coffee)
    painted.undo()
    assert is_right(painted, coffee)
    painted.layer.data[100:200, :50] = 4
    recount(painted)
    painted.redo()
    assert is_right(painted, coffee)
    assert painted.name(1) == "table"


@pytest.mark.filterwarnings("ignore:.*NaN or infinite")
def test_a_cluster_that_was_painted_over_pixels_that_are_no_numbers_can_be_split(viewer, cell):
    holes = cell.astype(np.float32)
    holes[:20] = np.nan
    clusters = run(viewer, LayerImage.of(viewer.add_image(holes, name="holes")))
    clusters.layer.data[:10, :30] = 2
    inside = clusters.layer.data == 2
    parts = clusters.split(2, clusters.parts(2, 2)(None))
    labels = clusters.layer.data
    assert (labels[:10, :30] == 2).all(), "they have no value to be split by"
    assert set(np.unique(labels[inside])) == set(parts)
    counts = clusters.table.set_index("label")["pixels"]
    assert all(counts[label] == np.count_nonzero(labels == label) for label in clusters.labels)
    clusters.undo()
    np.testing.assert_array_equal(clusters.layer.data == 2, inside)


def test_without_the_image_pixels_are_counted_and_means_stay(viewer, painted):
    before = told(painted)
    viewer.layers.remove("coffee")
    painted.layer.data[:100, :50] = 4
    recount(painted)
    after = told(painted)
    assert after[4][0] == np.count_nonzero(painted.layer.data == 4) > before[4][0]
    assert after[4][1] == before[4][1]


def test_the_record_tells_the_counts_of_the_last_step(painted):
    painted.layer.data[:100, :50] = 4
    painted.merge([1, 2])
    counts = painted.layer.metadata[METADATA_KEY]["counts"]
    assert counts == [np.count_nonzero(painted.layer.data == label) for label in (1, 3, 4)]


def test_counting_reads_no_lazy_image(viewer, painted, coffee):
    def never(_block):
        raise AssertionError("computed")

    before = told(painted)
    lazy = da.from_array(coffee, chunks=(100, 100, 3))
    viewer.layers["coffee"].visible = False
    viewer.layers["coffee"].data = lazy.map_blocks(never, dtype=coffee.dtype, meta=coffee[:0])
    painted.layer.data[:100, :50] = 4
    recount(painted)
    assert told(painted)[4][0] > before[4][0]
    assert told(painted)[4][1] == before[4][1]

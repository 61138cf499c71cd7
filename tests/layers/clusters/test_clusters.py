"""Work on the clusters of a result, and taking it back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.colormaps import CyclicLabelColormap
from skimage.color import rgb2lab

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers import METADATA_KEY, LayerImage, Outputs
from napari_kmeans_seg.layers.clusters import Clusters, clusters_of
from napari_kmeans_seg.layers.outputs.colors import distinct_colors


def run(viewer, layer, n_clusters=4, **parameters):
    """Segment a layer and show the outputs, as the widget does."""
    source = LayerImage.of(layer)
    found = source.segment(n_clusters=n_clusters, **parameters)
    return Outputs.paint(source, found).show(viewer)


def state(viewer) -> list:
    """All that a person can see of the layers."""
    return [
        (
            layer.name,
            np.asarray(layer.data).tobytes(),
            str(layer.data.dtype),
            layer.features.to_csv() if isinstance(layer, Labels) else "",
            json.dumps(layer.metadata, sort_keys=True),
            layer.colormap.model_dump_json() if isinstance(layer, Labels) else "",
        )
        for layer in viewer.layers
    ]


def split(clusters: Clusters, label: int, n: int) -> list[int]:
    return clusters.split(label, clusters.parts(label, n)(None))


def mean_of(image, labels, label):
    return image[labels == label].mean(axis=0)


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def result(viewer, coffee) -> Clusters:
    """The coffee cup in four clusters."""
    layer = viewer.add_image(coffee, name="coffee", rgb=True)
    run(viewer, layer)
    return clusters_of(viewer, layer)


def test_only_a_result_has_clusters(viewer, result, cell):
    labels = viewer.layers["coffee clusters"]
    assert clusters_of(viewer, labels) is result
    assert clusters_of(viewer, viewer.layers["coffee"]) is result
    assert clusters_of(viewer, None) is None
    assert clusters_of(viewer, viewer.add_image(cell)) is None
    assert clusters_of(viewer, viewer.add_labels(labels.data)) is None


def test_merged_clusters_are_one(viewer, result, coffee):
    labels, image = viewer.layers["coffee clusters"], viewer.layers["coffee k-means"]
    before = labels.data.copy()
    assert result.merge([3, 1]) == 1
    expected = np.where(before == 3, 1, before)
    np.testing.assert_array_equal(labels.data, expected)
    assert labels.data.dtype == before.dtype
    table = labels.features
    assert result.labels == [1, 2, 4]
    assert table["label"].tolist() == table["index"].tolist() == [0, 1, 2, 3, 4]
    assert table["pixels"].tolist() == [np.count_nonzero(expected == n) for n in range(5)]
    assert table["name"].tolist() == ["background", "Cluster 1", "Cluster 2", "", "Cluster 4"]
    assert table["percent"].sum() == pytest.approx(100)
    np.testing.assert_array_equal(table["area [pixel²]"], table["pixels"])
    mean = mean_of(coffee, expected, 1)
    np.testing.assert_allclose(table.filter(like="mean_").loc[1], mean)
    assert table.filter(like="mean_").loc[[0, 3]].isna().all(axis=None)
    assert set(map(tuple, image.data[expected == 1])) == {tuple(np.round(mean))}
    np.testing.assert_allclose(labels.colormap.map(1)[:3], mean / 255, atol=1e-6)
    for layer in (labels, image):
        told = layer.metadata[METADATA_KEY]
        assert told["n_clusters"] == 3
        assert told["labels"] == [1, 2, 4]
        assert told["counts"] == table["pixels"][[1, 2, 4]].tolist()
        assert told["edits"] == [{"merge": [1, 3]}]
        json.dumps(told)


def test_mean_colours_of_twelve_bits_stay_mean_colours_when_clusters_are_merged(viewer, coffee):
    source = viewer.add_image(coffee.astype(np.uint16) * 16, name="coffee", rgb=True)
    run(viewer, source)
    clusters = clusters_of(viewer, source)
    clusters.merge([1, 3])
    labels = viewer.layers["coffee clusters"]
    low, high = source.contrast_limits
    mean = mean_of(source.data, labels.data, 1)
    shown = np.clip((mean - low) / (high - low), 0, 1)
    np.testing.assert_allclose(labels.colormap.map(1)[:3], shown, atol=1e-6)


def test_a_cluster_is_split_by_k_means_on_its_own_pixels(viewer, result, coffee):
    labels, image = viewer.layers["coffee clusters"], viewer.layers["coffee k-means"]
    before = labels.data.copy()
    assert split(result, 2, 3) == [2, 5, 6]
    parts = segment(coffee, 3, channel_axis=-1, mask=before == 2).labels
    expected = np.where(parts > 0, np.array([0, 2, 5, 6])[parts], before)
    np.testing.assert_array_equal(labels.data, expected)
    assert labels.features["label"].tolist() == [0, 1, 2, 3, 4, 5, 6]
    for label, row in zip(range(1, 7), result.table.itertuples(), strict=True):
        mean = mean_of(coffee, expected, label)
        np.testing.assert_allclose((row.mean_red, row.mean_green, row.mean_blue), mean)
        assert set(map(tuple, image.data[expected == label])) == {tuple(np.round(mean))}
        np.testing.assert_allclose(labels.colormap.map(label)[:3], mean / 255, atol=1e-6)


def test_more_parts_than_a_byte_can_count_are_told_apart(viewer):
    layer = viewer.add_image(np.arange(300, dtype=np.uint16).reshape(20, 15), name="ramp")
    run(viewer, layer, 255)
    result = clusters_of(viewer, layer)
    before = state(viewer)
    result.merge(range(2, 256))
    assert len(split(result, 2, 2)) == 2
    result.undo()
    result.undo()
    assert state(viewer) == before
    label = int(np.argmax(result.table["pixels"])) + 1
    assert split(result, label, 2) == [label, 256]
    assert result.layer.data.max() == 256
    result.undo()
    assert state(viewer) == before


def test_deleted_clusters_are_background(viewer, result):
    labels, image = viewer.layers["coffee clusters"], viewer.layers["coffee k-means"]
    gone = np.isin(labels.data, (2, 3))
    result.delete([2, 3])
    assert (labels.data[gone] == 0).all()
    assert (image.data[gone] == 0).all()
    assert (labels.data[~gone] > 0).all()
    assert result.labels == [1, 4]
    assert result.table["percent"].sum() == pytest.approx(100)
    assert labels.features["pixels"][0] == gone.sum()


def test_names_and_colours_are_a_persons_own(viewer, result):
    labels = viewer.layers["coffee clusters"]
    assert result.name(2) == "Cluster 2"
    result.rename(2, " the cup ")
    assert result.name(2) == "the cup"
    assert labels.features["name"].tolist()[1:] == [
        "Cluster 1",
        "the cup",
        "Cluster 3",
        "Cluster 4",
    ]
    pixels = viewer.layers["coffee k-means"].data.copy()
    result.recolor({2: "lime"})
    np.testing.assert_array_equal(labels.colormap.map(2), [0, 1, 0, 1])
    np.testing.assert_array_equal(viewer.layers["coffee k-means"].data, pixels)
    assert result.merge([1, 2]) == 1
    assert result.name(1) == "the cup"
    assert split(result, 1, 2) == [1, 5]
    assert (result.name(1), result.name(5)) == ("the cup 1", "the cup 2")


def test_extracted_clusters_are_masks_that_lie_where_the_labels_do(viewer, coffee):
    layer = viewer.add_image(coffee, name="coffee", scale=(0.5, 0.25), units="µm")
    run(viewer, layer)
    result = clusters_of(viewer, layer)
    result.rename(3, "cup")
    one, two = result.extract([3, 1])
    (both,) = result.extract([3, 1], joined=True)
    labels = viewer.layers["coffee clusters"].data
    assert [one.name, two.name] == ["Cluster 1 mask", "cup mask"]
    assert both.name == "Cluster 1 + cup mask"
    np.testing.assert_array_equal(two.data, labels == 3)
    np.testing.assert_array_equal(both.data, np.isin(labels, (1, 3)))
    np.testing.assert_array_equal(both.scale, (0.5, 0.25))
    assert viewer.layers.index(both) == len(viewer.layers) - 1
    result.undo()
    assert both not in viewer.layers
    result.redo()
    assert both in viewer.layers


def test_all_work_is_taken_back_and_done_again(viewer, result):
    states = [state(viewer)]
    for work in (
        lambda: result.merge([1, 2]),
        lambda: split(result, 3, 2),
        lambda: result.rename(3, "cup"),
        lambda: result.recolor({4: "red"}),
        lambda: result.delete([1]),
        lambda: result.extract([3, 4]),
        lambda: result.recolor(distinct_colors(result.labels), "Distinct colours"),
    ):
        work()
        states.append(state(viewer))
    assert result.undoable == "Distinct colours"
    for before in reversed(states[:-1]):
        result.undo()
        assert state(viewer) == before
    assert result.undoable is None
    assert result.redoable == "Merge Cluster 1, Cluster 2"
    for after in states[1:]:
        result.redo()
        assert state(viewer) == after
    assert result.redoable is None
    result.undo()
    result.rename(4, "table")
    assert result.redoable is None


def test_what_was_painted_in_between_is_kept(viewer, result):
    labels = viewer.layers["coffee clusters"]
    before = labels.data.copy()
    result.merge([1, 2])
    labels.data[:10, :10] = 4
    labels.features = labels.features.assign(remark=["", "dark", "", "gone", ""])
    result.undo()
    assert (labels.data[:10, :10] == 4).all()
    before[:10, :10] = 4
    np.testing.assert_array_equal(labels.data, before)
    assert labels.features["remark"].tolist() == ["", "dark", "", "gone", ""]
    assert result.labels == [1, 2, 3, 4]


def test_a_changed_result_is_left_alone_by_the_next_run(viewer, result):
    original = result.layer.data.copy()
    result.merge([1, 2])
    changed = [(layer, layer.data.copy()) for layer in viewer.layers]
    run(viewer, viewer.layers["coffee"], 3)
    assert len(viewer.layers) == 5
    for layer, data in changed:
        np.testing.assert_array_equal(layer.data, data)
    newest = clusters_of(viewer, viewer.layers["coffee"])
    assert newest is not result
    newest.merge([1, 3])
    for layer, data in changed:
        np.testing.assert_array_equal(layer.data, data)
    result.undo()
    np.testing.assert_array_equal(result.layer.data, original)
    assert newest.labels == [1, 2]


def test_a_result_whose_work_was_taken_back_is_written_to_again(viewer, result):
    result.merge([1, 2])
    result.undo()
    run(viewer, viewer.layers["coffee"], 3)
    assert len(viewer.layers) == 3
    assert result.labels == [1, 2, 3]
    assert result.redoable is None


@pytest.mark.parametrize(
    ("work", "complaint"),
    [
        (lambda result: result.merge([2]), "at least two"),
        (lambda result: result.merge([2, 2]), "at least two"),
        (lambda result: result.merge([2, 9]), "no cluster 9; there are 1, 2, 3, 4"),
        (lambda result: result.rename(1, "  "), "needs a name"),
        (lambda result: result.rename(1, "Cluster 2"), "already"),
        (lambda result: result.parts(1, 1), "2 or more"),
        (lambda result: result.delete([]), "Select"),
        (lambda result: result.delete([1, 2, 3, 4]), "One cluster must stay"),
        (lambda result: result.extract([]), "Select"),
        (lambda result: result.recolor({7: "red"}), "no cluster 7"),
        (lambda result: result.undo(), "nothing to undo"),
        (lambda result: result.redo(), "nothing to redo"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(viewer, result, work, complaint):
    before = state(viewer)
    with pytest.raises(ValueError, match=complaint):
        work(result)
    assert state(viewer) == before
    assert result.undoable is None


@pytest.mark.filterwarnings("ignore:The image has 1 distinct value")
def test_a_cluster_of_one_value_cannot_be_split(viewer):
    layer = viewer.add_image(np.repeat([[0, 9]], 5, axis=0).astype(np.uint8))
    run(viewer, layer, 2)
    result = clusters_of(viewer, layer)
    with pytest.raises(ValueError, match=r"“Cluster 1” have one value"):
        split(result, 1, 2)
    viewer.layers.remove(layer)
    with pytest.raises(ValueError, match="only while its image is in the viewer"):
        result.parts(1, 2)


def test_a_cluster_that_changed_while_it_was_split_is_left_alone(viewer, result):
    parts = result.parts(2, 2)(None)
    result.layer.data[result.layer.data == 1] = 2
    before = state(viewer)
    with pytest.raises(ValueError, match="was changed"):
        result.split(2, parts)
    assert state(viewer) == before


def test_grey_results_and_pixels_with_alpha_are_worked_on_alike(viewer, coffee, cell):
    alpha = np.full((*coffee.shape[:2], 1), 200, np.uint8)
    for image in (cell, cell / 255, cell > 90, np.concatenate([coffee, alpha], axis=-1)):
        layer = viewer.add_image(image, rgb=image.ndim == 3)
        painted = run(viewer, layer, 2 if image.dtype == bool else 3)["image"]
        result = clusters_of(viewer, layer)
        original = painted.data.copy()
        result.merge([1, 2])
        assert painted.data.dtype == original.dtype
        changed = result.layer.data == 1
        colors = painted.data[changed][:, :3] if image.ndim == 3 else painted.data[changed]
        assert len(np.unique(colors, axis=0)) == 1
        if image.ndim == 3:
            assert (painted.data[..., 3] == 200).all()
        result.undo()
        np.testing.assert_array_equal(painted.data, original)
        viewer.layers.clear()


def test_highlighting_dims_the_others_and_ends_without_a_trace(viewer, result):
    labels = result.layer
    before = state(viewer)
    color = result.colors.of(2)
    result.colors.show(highlighted={2}, hidden={3})
    np.testing.assert_array_equal(labels.colormap.map(2), color)
    veil = labels.colormap.map(0)
    assert 0.5 < veil[3] < 1, "the original is seen, dimmed"
    np.testing.assert_array_equal(labels.colormap.map(1), veil)
    np.testing.assert_array_equal(labels.colormap.map(3), veil, "and so where one is hidden")
    np.testing.assert_array_equal(result.colors.of(3)[3], 1)
    result.colors.show(highlighted=(), hidden=())
    assert state(viewer) == before


def test_a_run_while_clusters_are_highlighted_brings_its_own_colours(viewer, result):
    result.colors.show(highlighted={2})
    run(viewer, viewer.layers["coffee"], 3)
    assert len(viewer.layers) == 3
    means = result.layer.features.filter(like="mean_").to_numpy()
    np.testing.assert_allclose(result.layer.colormap.map(3)[:3], means[3] / 255, atol=1e-6)
    assert result.colors.highlighted == frozenset()


@pytest.mark.parametrize(
    "seen",
    [
        np.eye(3),
        # Protanopia and deuteranopia, in linear red, green and blue (Machado 2009).
        [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
        [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    ],
)
@pytest.mark.parametrize(("n", "apart"), [(5, 31), (8, 22), (16, 10)])
def test_distinct_hues_are_told_apart_by_colour_blind_people_too(seen, n, apart):
    hues = np.array(list(distinct_colors(range(n)).values()))[:, :3]
    linear = np.where(hues <= 0.04045, hues / 12.92, ((hues + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.transpose(seen), 0, 1)
    shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    lab = rgb2lab(shown[np.newaxis])[0]
    distances = np.linalg.norm(lab[:, np.newaxis] - lab, axis=-1)
    assert distances[~np.eye(n, dtype=bool)].min() > apart


def test_colours_chosen_in_napari_are_taken_over(viewer, result):
    result.colors.show(highlighted={2})
    result.layer.colormap = CyclicLabelColormap(
        colors=np.array([[0, 0, 0, 0], [1, 0, 0, 1], [0, 1, 0, 1]])
    )
    assert result.colors.highlighted == frozenset()
    np.testing.assert_array_equal(result.colors.of(1), result.layer.colormap.map(1))


def test_a_layer_that_is_gone_is_let_go(viewer, coffee):
    import gc
    import weakref

    layer = viewer.add_image(coffee)
    known = weakref.ref(run(viewer, layer)["labels"])
    clusters_of(viewer, layer).merge([1, 2])
    viewer.layers.clear()
    del layer
    gc.collect()
    assert known() is None

"""What is visible after a run, by kind of image, and what a later run leaves alone."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_kmeans_seg.layers import LayerImage, Outputs, Region
from napari_kmeans_seg.layers.clusters import clusters_of
from napari_kmeans_seg.layers.outputs.appearance import Backdrop, ResultLayers, background_of

BOTH = ("image", "labels")


@pytest.fixture
def viewer():
    return ViewerModel()


def run(viewer, *layers, kinds=BOTH, k=3, **scope):
    source = replace(LayerImage.of(*layers), **scope)
    return Outputs.paint(source, source.segment(n_clusters=k), kinds).show(viewer)


def visible(viewer):
    return [layer.name for layer in viewer.layers if layer.visible]


def images(viewer, kind, coffee):
    match kind:
        case "photograph":
            return [viewer.add_image(coffee, name="a")]
        case "one channel":
            return [viewer.add_image(coffee[..., 0], name="a")]
        case "several layers":
            words = {"blending": "additive"}
            return [viewer.add_image(coffee[..., i], name="abc"[i], **words) for i in range(3)]
        case "volume":
            return [viewer.add_image(np.stack([coffee[..., 0]] * 3), name="a")]
    return [viewer.add_image(da.from_array(coffee[..., 0], chunks=100), name="a")]


@pytest.mark.parametrize(
    "kind", ["photograph", "one channel", "several layers", "volume", "lazy image"]
)
def test_a_result_looks_like_one_thing(viewer, coffee, kind):
    layers = images(viewer, kind, coffee)
    before = visible(viewer)
    shown = run(viewer, *layers)
    assert visible(viewer) == [*before, shown["labels"].name]
    assert shown["labels"].opacity == 1
    assert len(viewer.layers) == 2 * len(layers) + 1, "all layers are there"


@pytest.mark.parametrize(
    ("kind", "palette"),
    [("photograph", "mean"), ("dim", "distinct"), ("dim on disk, bright on the canvas", "mean")],
)
def test_a_dim_photograph_gets_hues_that_are_told_apart(viewer, coffee, kind, palette):
    image = coffee if kind == "photograph" else (coffee * 0.22).astype(np.uint16)
    layer = viewer.add_image(image, rgb=True)
    layer.contrast_limits = (0, 60 if "bright" in kind else 255)
    shown = run(viewer, layer)
    assert clusters_of(viewer, shown["labels"]).colors.palette == palette


def test_a_run_beside_a_result_of_a_persons_own_hides_that(viewer, coffee):
    image = viewer.add_image(coffee, name="a")
    first = run(viewer, image)["labels"]
    clusters_of(viewer, first).merge([1, 2])
    second = run(viewer, image)["labels"]
    assert second is not first
    assert visible(viewer) == ["a", second.name], "where a cluster is hidden the original is seen"
    first.visible = True
    run(viewer, image, k=4)
    assert first.visible, "what a person has set since stays"


def test_results_of_several_regions_stay_beside_each_other(viewer, coffee):
    image = viewer.add_image(coffee, name="a")
    found = []
    for part in (np.s_[:100], np.s_[200:]):
        inside = np.zeros(coffee.shape[:2], np.uint8)
        inside[part] = 1
        region = Region.of(Labels(inside, name="region"))
        found.append(run(viewer, image, region=region)["labels"])
        found[-1].name = f"of {part}"
    assert [layer.visible for layer in found] == [True, True]


def test_a_segmented_image_alone_is_seen_and_nothing_shines_through(viewer, coffee):
    layers = images(viewer, "several layers", coffee)
    shown = run(viewer, *layers, kinds=("image",))
    assert visible(viewer) == [layer.name for layer in shown.values()]
    layers[0].visible = True
    run(viewer, *layers, kinds=("image",), k=4)
    assert layers[0].visible, "what a person has set since stays"


def test_a_segmented_image_is_not_hidden_by_clusters_of_before(viewer, coffee):
    image = viewer.add_image(coffee, name="a")
    labels = run(viewer, image)["labels"]
    shown = run(viewer, image, kinds=("image",), k=5)
    assert shown["image"].visible
    assert not labels.visible
    assert run(viewer, image, k=6) == {"image": shown["image"], "labels": labels}


def test_what_is_seen_is_read_from_the_layers(viewer, coffee):
    image = viewer.add_image(coffee, name="a")
    shown = run(viewer, image)
    result = ResultLayers.of(viewer, shown["labels"])
    assert (result.sources, result.images, result.labels, result.others) == (
        [image], [shown["image"]], [shown["labels"]], [],
    )  # fmt: skip
    assert result.seen == "clusters"
    for seen in ("original", "segmented", "clusters"):
        result.show(seen)
        assert result.seen == seen
    shown["image"].visible = True
    assert result.seen is None


def test_the_background_is_the_largest_cluster_and_never_the_only_one(viewer):
    grey = np.repeat(np.array([10, 10, 10, 200], np.uint8), 50).reshape(10, 20)
    image = viewer.add_image(grey, name="a")
    labels = run(viewer, image, k=2)["labels"]
    assert background_of(labels.features) == 1
    image.data = 210 - grey
    assert background_of(run(viewer, image, k=2)["labels"].features) == 2
    assert background_of(run(viewer, image, k=1)["labels"].features) is None


@pytest.mark.parametrize(("low", "high", "dark"), [(0, 255, False), (0, 4000, True)])
def test_whether_an_image_is_dark_is_a_matter_of_how_it_is_shown(viewer, coffee, low, high, dark):
    image = viewer.add_image(coffee[..., 0].astype(np.uint16), contrast_limits=(low, high))
    table = run(viewer, image)["labels"].features
    assert Backdrop.of(table, [image], deep=False).dark == dark

"""Every column of the table is what NumPy finds on the labels, whatever was done to them."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels, Points, Shapes
from scipy.ndimage import gaussian_filter

from napari_kmeans_seg.layers import CleanUp, LayerImage, Outputs, Region, Seeds
from napari_kmeans_seg.layers.clusters import clusters_of
from napari_kmeans_seg.layers.clusters.distribution import ClusterValues
from napari_kmeans_seg.layers.clusters.thresholds import move, reassignment, thresholds_of

SCALE = {"scale": (0.5, 0.25), "units": ("um", "um")}
SIZE = "area [µm²]"


def run(viewer, *images, k=4, rgb=None, scope=None, layer=SCALE, **parameters):
    """Segment images, and give their clusters."""
    names = ["image", "other", "third"]
    layers = [
        viewer.add_image(one, name=name, rgb=rgb, **layer)
        for one, name in zip(images, names, strict=False)
    ]
    source = replace(LayerImage.of(*layers), **(scope or {}))
    outputs = Outputs.paint(source, source.segment(n_clusters=k, **parameters)).show(viewer)
    return clusters_of(viewer, outputs["labels"])


def channels_of(clusters):
    """Give the values of each channel, as they are in the viewer: {name: array}."""
    sources = clusters.sources()
    if not sources[0].rgb:
        names = ["intensity"] if len(sources) == 1 else [one.name for one in sources]
        arrays = [one.data[0] if one.multiscale else one.data for one in sources]
    else:
        names = ["red", "green", "blue"]
        data = sources[0].data[0] if sources[0].multiscale else sources[0].data
        arrays = [data[..., i] for i in range(3)]
    return {name: np.asarray(one, float) for name, one in zip(names, arrays, strict=True)}


def check(clusters, size=(SIZE, 0.125), plane=None):
    """Compare each column, and each row, with NumPy on the displayed labels."""
    layer = clusters.layer
    labels = np.asarray(layer.data[0] if layer.multiscale else layer.data)
    channels = channels_of(clusters)
    if plane is not None:
        channels = {name: one[plane] for name, one in channels.items()}
    table = layer.features
    known = {"index", "label", "name", "pixels", "percent", size[0]}
    assert set(table) - {"name"} == known - {"name"} | {f"mean_{name}" for name in channels}
    inside = int((labels > 0).sum())
    assert table["label"].tolist() == table["index"].tolist() == list(range(len(table)))
    assert set(np.unique(labels)) <= set(table["label"])
    for _, row in table.iterrows():
        of_label = labels == row["label"]
        n = int(of_label.sum())
        assert row["pixels"] == n, row["label"]
        assert row[size[0]] == pytest.approx(n * size[1])
        if row["label"] == 0:
            continue
        if n:
            assert row["percent"] == pytest.approx(100 * n / inside)
            for name, values in channels.items():
                true = values[of_label].mean()
                assert row[f"mean_{name}"] == pytest.approx(true, rel=1e-9), (row["label"], name)


def speckled(shape=(60, 80), seed=0):
    """Soft shapes under strong noise: many specks."""
    random = np.random.default_rng(seed)
    soft = gaussian_filter(random.normal(size=shape), 6)
    return np.clip(128 + 900 * soft + random.normal(0, 25, shape), 0, 255).astype(np.uint8)


def colors():
    return np.stack([speckled(seed=i) for i in range(3)], -1)


BOX = Shapes([[[5, 5], [5, 70], [50, 70], [50, 5]]], name="box", scale=(0.5, 0.25))
SEEDS = Points([[10, 10], [30, 40], [50, 70]], name="seeds", scale=(0.5, 0.25))
LEVELS = [np.kron(colors(), np.ones((2, 2, 1), np.uint8)), colors()]


@pytest.mark.parametrize("size", [3, 20, 100, 1000])
@pytest.mark.parametrize("kind", ["grey", "colour", "layers", "lazy", "lazy colour"])
def test_without_specks(kind, size):
    viewer, scope = ViewerModel(), {"clean_up": CleanUp(specks=size)}
    match kind:
        case "grey":
            clusters = run(viewer, speckled(), scope=scope)
        case "colour":
            clusters = run(viewer, colors(), rgb=True, scope=scope, smoothing=1.0)
        case "layers":
            clusters = run(viewer, *np.moveaxis(colors(), -1, 0), scope=scope, normalize=True)
        case "lazy":
            lazy = da.from_array(speckled(), chunks=(32, 40))
            clusters = run(viewer, lazy, scope=scope, layer=SCALE | {"contrast_limits": (0, 255)})
        case "lazy colour":
            lazy = da.from_array(colors(), chunks=(32, 40, 2))
            clusters = run(viewer, lazy, rgb=True, scope=scope)
    check(clusters)


RUNS = {
    "grey": lambda v: run(v, speckled()),
    "floats with holes": lambda v: run(
        v, np.where(speckled() > 250, np.nan, speckled() / 255).astype(np.float32)
    ),
    "colour": lambda v: run(v, colors(), rgb=True),
    "lab": lambda v: run(v, colors(), rgb=True, color_space="lab", channel_weights=[0, 1, 1]),
    "hsv, normalized": lambda v: run(v, colors(), rgb=True, color_space="hsv", normalize=True),
    "position": lambda v: run(v, colors(), rgb=True, spatial_weight=1.0),
    "smoothed": lambda v: run(v, speckled(), smoothing=2.0),
    "fitted on a copy": lambda v: run(v, speckled(), fit_scale=0.25),
    "layers": lambda v: run(v, *np.moveaxis(colors(), -1, 0), normalize=True),
    "region": lambda v: run(v, colors(), rgb=True, scope={"region": Region.of(BOX)}),
    "everywhere": lambda v: run(
        v, colors(), rgb=True, scope={"region": Region.of(BOX, everywhere=True)}
    ),
    "seeds": lambda v: run(v, speckled(), scope={"seeds": Seeds.of(SEEDS)}),
    "fixed seeds": lambda v: run(v, speckled(), scope={"seeds": Seeds.of(SEEDS, fixed=True)}),
    "pyramid": lambda v: run(v, LEVELS, rgb=True, layer=SCALE | {"multiscale": True}),
    "smaller level": lambda v: run(
        v, LEVELS, rgb=True, layer=SCALE | {"multiscale": True}, fit_scale=0.5
    ),
    "lazy": lambda v: run(
        v,
        da.from_array(speckled(), chunks=30),
        layer=SCALE | {"contrast_limits": (0, 255)},
        fit_scale=0.5,
    ),
}


def stroke(clusters, label, where):
    """Paint by napari's brush, and let the pixels be counted."""
    mask = np.zeros(clusters.layer.data.shape, bool)
    mask[where] = True
    clusters.layer.data_setitem(np.nonzero(mask), label)
    clusters.take_counts(clusters.recount()(None))


def threshold(clusters):
    """Move a threshold to the middle of the upper cluster."""
    values = ClusterValues.of(clusters)
    points = values.read(clusters.layer.data)
    found = thresholds_of(points, points.members(clusters.layer.data))
    one = found[0]
    assert move(clusters, reassignment(clusters, values, one, one.at + 9)(lambda *_: None))


@pytest.mark.filterwarnings("ignore:.* NaN or infinite:UserWarning")
@pytest.mark.parametrize("name", RUNS)
def test_after_a_run_and_work_on_it(name):
    viewer = ViewerModel()
    clusters = RUNS[name](viewer)
    check(clusters)
    first = clusters.labels
    clusters.merge(first[:2])
    check(clusters)
    if name not in ("lazy",):
        clusters.split(first[2], clusters.parts(first[2], 2)(None))
        check(clusters)
    clusters.rename(first[0], "mine")
    check(clusters)
    clusters.delete([first[2]])
    check(clusters)
    while clusters.undoable:
        clusters.undo()
        check(clusters)
    while clusters.redoable:
        clusters.redo()
        check(clusters)


@pytest.mark.filterwarnings("ignore:.* NaN or infinite:UserWarning")
@pytest.mark.parametrize("name", ["grey", "colour", "layers", "region", "floats with holes"])
def test_after_painting(name):
    viewer = ViewerModel()
    clusters = RUNS[name](viewer)
    layer = clusters.layer
    stroke(clusters, 2, np.s_[10:30, 10:40])
    check(clusters)
    stroke(clusters, 0, np.s_[15:20, :])
    check(clusters)
    stroke(clusters, 9, np.s_[40:44, :10])
    check(clusters)
    clusters.merge([1, 2])
    check(clusters)
    layer.undo()
    stroke(clusters, 3, np.s_[:4, :4])
    check(clusters)
    clusters.undo()
    check(clusters)


@pytest.mark.parametrize("name", ["grey", "colour"])
def test_a_swap_of_as_many_pixels_changes_the_means(name):
    viewer = ViewerModel()
    clusters = RUNS[name](viewer)
    labels, before = clusters.layer.data, clusters.table
    bright = clusters.source().data.reshape(*labels.shape, -1).mean(-1)
    for label, other, pick in ((1, 2, np.argmin), (2, 1, np.argmax)):
        for _ in range(20):
            inside = np.where(labels == label, bright, np.inf if pick is np.argmin else -np.inf)
            labels.flat[pick(inside)] = 200 + other
    clusters.layer.data = np.where(labels > 200, labels - 200, labels)
    clusters.take_counts(clusters.recount()(None))
    check(clusters)
    after = clusters.table
    assert after["pixels"].tolist() == before["pixels"].tolist()
    assert (
        (after.filter(like="mean").iloc[:2] != before.filter(like="mean").iloc[:2]).to_numpy().all()
    )
    clusters.merge([3, 4])
    told = [type(edit).__name__ for edit in clusters.record.edits]
    assert told == ["PaintedByHand", "Merged"], "the script would not give these labels"


def test_after_thresholds():
    viewer = ViewerModel()
    clusters = RUNS["grey"](viewer)
    threshold(clusters)
    check(clusters)
    clusters.undo()
    check(clusters)


def test_steps_and_planes():
    stack = np.stack([speckled(seed=i) for i in range(3)])
    layer = {"scale": (2.0, 0.5, 0.25), "units": ("um",) * 3}
    viewer = ViewerModel()
    clean_up = CleanUp(specks=30)
    clusters = run(viewer, stack, layer=layer, scope={"step_axis": 0, "clean_up": clean_up})
    check(clusters)
    clusters.merge([1, 2])
    check(clusters)
    viewer = ViewerModel()
    clusters = run(viewer, stack, layer=layer, scope={"clean_up": clean_up})
    check(clusters, size=("volume [µm³]", 0.25))
    viewer = ViewerModel()
    clusters = run(viewer, stack, layer=layer, scope={"plane": {0: 1}, "clean_up": clean_up})
    check(clusters, size=("volume [µm³]", 0.25), plane=np.s_[1:2])


def test_labels_painted_as_seeds_keep_their_numbers():
    viewer = ViewerModel()
    brush = np.zeros((60, 80), np.uint8)
    brush[:5, :5], brush[30:35, 40:50], brush[50:, 70:] = 2, 5, 9
    seeds = Seeds.of(Labels(brush, name="brush", scale=(0.5, 0.25)))
    clusters = run(viewer, speckled(), scope={"seeds": seeds, "clean_up": CleanUp(specks=20)})
    check(clusters)

"""Channels along an axis of one layer: found, clustered together, and left out of the result."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image
from napari.layers._source import layer_source
from napari_builtins.io import napari_get_reader

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers import (
    LayerImage,
    Outputs,
    Region,
    Seeds,
    describe,
    displayed_plane,
    proposed_channels,
)
from napari_kmeans_seg.layers.clusters import clusters_of
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.python_script import python_script
from napari_kmeans_seg.layers.outputs.record import Record


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def series(coffee) -> np.ndarray:
    """Times, channels, planes, rows, columns: (4, 3, 2, 60, 80) uint8; each time another part."""
    first_last = np.moveaxis(coffee, -1, 0)
    parts = [[first_last[:, 60 * i : 60 * i + 60, x : x + 80] for x in (50, 300)] for i in range(4)]
    return np.moveaxis(np.array(parts), 2, 1)


def show(viewer, source: LayerImage, n_clusters=4, **parameters):
    found = source.segment(n_clusters=n_clusters, **parameters)
    return Outputs.paint(source, found).show(viewer)


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("lazy", [False, True])
def test_the_result_has_the_other_axes_and_the_values_that_segment_gives(
    viewer, coffee, axis, lazy
):
    data = np.ascontiguousarray(np.moveaxis(coffee, -1, axis))
    expected = segment(data, 4, channel_axis=axis)
    shown_data = da.from_array(data, chunks=data.shape) if lazy else data
    layer = viewer.add_image(shown_data, scale=(2, 0.5, 0.5), units=("um",) * 3, rgb=False)
    shown = show(viewer, LayerImage.of(layer, channel_axis=axis))
    np.testing.assert_array_equal(np.asarray(shown["labels"].data), expected.labels)
    np.testing.assert_array_equal(np.asarray(shown["image"].data), expected.image)
    np.testing.assert_array_equal(shown["image"].scale, layer.scale)
    names = ["mean_channel 0", "mean_channel 1", "mean_channel 2"]
    assert [one for one in shown["labels"].features if one.startswith("mean")] == names
    other = [(0.5, 0.5), (2, 0.5)][axis]
    np.testing.assert_array_equal(shown["labels"].scale, other)
    assert "area [µm²]" in shown["labels"].features


def test_where_channels_are_neither_first_nor_last_the_result_is_seen_over_each_of_them(
    viewer, series
):
    layer = viewer.add_image(
        series,
        scale=(10, 1, 3, 0.5, 0.5),
        translate=(0, 0, 7, 1, 2),
        axis_labels=tuple("tczyx"),
        units=("s", "pixel", "um", "um", "um"),
    )
    assert proposed_channels(layer) == 1
    labels = show(viewer, LayerImage.of(layer, channel_axis=1))["labels"]
    expected = segment(series, 4, channel_axis=1)
    np.testing.assert_array_equal(labels.data, expected.labels[:, np.newaxis])
    assert "volume [µm³]" in labels.features, "neither time nor channels are space"
    for t in range(4):
        for c in range(3):
            viewer.dims.current_step = (t, c, 1, 0, 0)
            np.testing.assert_array_equal(layer._slice.image.raw, series[t, c, 1])
            np.testing.assert_array_equal(labels._slice.image.raw, expected.labels[t, 1])


def test_planes_steps_region_and_seeds_go_by_the_other_axes(viewer, series):
    layer = viewer.add_image(series, axis_labels=tuple("tczyx"))
    source = LayerImage.of(layer, channel_axis=1)
    viewer.dims.current_step = (2, 1, 1, 0, 0)
    plane = displayed_plane(viewer, layer, 1)
    assert plane == {0: 2, 2: 1}
    shown = show(viewer, replace(source, plane=plane))
    expected = segment(series[2:3, :, 1:2], 4, channel_axis=1)
    np.testing.assert_array_equal(shown["labels"].data, expected.labels[:, np.newaxis])
    np.testing.assert_array_equal(shown["image"].data, expected.image)
    np.testing.assert_array_equal(shown["labels"]._slice.image.raw, expected.labels[0, 0])

    steps = replace(source, step_axis=0).segment(n_clusters=4)
    for t, step in enumerate(steps.steps):
        alone = segment(series[t], 4, channel_axis=0)
        assert step.inertia == alone.inertia

    painted = np.zeros(series.shape[2:], np.uint8)
    painted[:, 10:30, 20:60] = 1
    region = Region.of(viewer.add_labels(painted))
    labels = replace(source, region=region).segment(n_clusters=4).labels
    np.testing.assert_array_equal(labels > 0, np.broadcast_to(painted > 0, labels.shape))

    places = [[0, 0, 0, 5, 5], [3, 0, 1, 50, 70]]
    seeds = Seeds.of(viewer.add_points(places), fixed=True)
    labels = replace(source, seeds=seeds).segment().labels
    assert (labels[0, 0, 0, 5, 5], labels[3, 0, 1, 50, 70]) == (1, 2)


def test_a_pyramid_has_channels_on_every_level(viewer, coffee):
    large = np.moveaxis(coffee, -1, 0)
    pyramid = [large, large[:, ::2, ::2]]
    layer = viewer.add_image(pyramid, multiscale=True, rgb=False)
    shown = show(viewer, LayerImage.of(layer, channel_axis=0))
    expected = segment(large, 4, channel_axis=0)
    np.testing.assert_array_equal(shown["labels"].data[0], expected.labels)
    assert [one.shape for one in shown["labels"].data] == [(400, 600), (200, 300)]
    assert [one.shape for one in shown["image"].data] == [(3, 400, 600), (3, 200, 300)]


@pytest.mark.parametrize("axes", ["cyx", "tczyx"])
@pytest.mark.parametrize("lazy", [False, True])
def test_work_on_the_clusters_follows_and_the_script_gives_it(
    viewer, coffee, series, axes, lazy, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    data = np.moveaxis(coffee, -1, 0) if axes == "cyx" else series
    tifffile.imwrite("image.tif", data, photometric="minisblack")
    shown_data = da.from_array(data, chunks=-1) if lazy else data
    layer = viewer.add_image(shown_data, axis_labels=tuple(axes))
    source = LayerImage.of(layer, channel_axis=axes.index("c"))
    shown = show(viewer, source, normalize=True)
    clusters = clusters_of(viewer, shown["labels"])
    assert clusters is not None
    before = np.asarray(shown["labels"].data)
    clusters.split(4, clusters.parts(4, 2)(None))
    clusters.merge([1, 2])
    after = np.asarray(shown["labels"].data)
    image = np.asarray(shown["image"].data)
    assert image.shape == data.shape
    means = clusters.table.set_index("label").filter(like="mean").loc[1].to_numpy()
    at = source.form(image)[after == 1]
    np.testing.assert_array_equal(at, np.broadcast_to(np.rint(means), at.shape))
    np.testing.assert_array_equal(before[after == 3], 3)
    found: dict[str, np.ndarray] = {}
    exec(python_script(shown["labels"]), found)
    np.testing.assert_array_equal(found["labels"], after)
    text = methods_text(shown["labels"])
    assert text == methods_text(shown["image"])
    assert "on 3 channels (channel 0, channel 1 and channel 2)" in text
    record = Record.of_result(shown["labels"])
    assert record.source.channels_along == axes.index("c")
    again = Record.from_json(record.to_json(), shown["labels"].data.shape)
    assert again == record


# -- what is proposed -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "labels", "axis"),
    [
        ((3, 60, 80), None, 0),
        ((30, 60, 80), None, None),
        ((2, 60, 80), None, None),
        ((3, 60, 80), ("z", "y", "x"), None),
        ((3, 60, 80), ("t", "y", "x"), None),
        ((30, 60, 80), ("Channel", "y", "x"), 0),
        ((60, 80, 30), ("y", "x", "band"), 2),
        ((4, 2, 5, 60, 80), tuple("tczyx"), 1),
        ((4, 2, 5, 60, 80), None, None),
        ((60, 80), ("c", "x"), None),
        ((24, 25, 14, 3), None, 3),
        ((25, 14, 4), None, 2),
    ],
)
def test_channels_are_proposed_where_names_or_a_first_axis_of_three_say_so(shape, labels, axis):
    assert proposed_channels(Image(np.zeros(shape, np.uint8), axis_labels=labels)) == axis


def test_three_pictures_of_a_unit_of_time_are_a_series():
    layer = Image(np.zeros((3, 60, 80)), units=("s", "um", "um"))
    assert proposed_channels(layer) is None


@pytest.mark.parametrize(
    ("shape", "options", "axis", "names"),
    [
        (
            (2, 5, 60, 80),
            {"metadata": {"axes": "CZYX", "Channel": {"Name": ["DAPI", "GFP"]}}, "ome": True},
            0,
            ("DAPI", "GFP"),
        ),
        (
            (4, 2, 60, 80),
            {"imagej": True, "metadata": {"axes": "TCYX"}},
            1,
            ("channel 0", "channel 1"),
        ),
        ((3, 60, 80), {"imagej": True, "metadata": {"axes": "ZYX"}}, None, ()),
        (
            (3, 60, 80),
            {"photometric": "rgb", "planarconfig": "separate"},
            0,
            ("red", "green", "blue"),
        ),
        ((3, 60, 80), {"photometric": "minisblack", "metadata": None}, 0, ()),
        ((60, 80, 6), {"photometric": "minisblack", "planarconfig": "contig"}, 2, ()),
    ],
)
def test_what_the_file_says_of_its_axes_is_proposed(viewer, tmp_path, shape, options, axis, names):
    path = tmp_path / f"image{'.ome' if options.get('ome') else ''}.tif"
    tifffile.imwrite(path, np.zeros(shape, np.uint8), **options)
    # As the viewer opens it, without asking which plugins there are.
    [(data, *_)] = napari_get_reader(str(path))(str(path))
    with layer_source(path=str(path), reader_plugin="napari"):
        layer = viewer.add_image(data)
    assert layer.data.shape == shape
    assert not layer.rgb
    assert proposed_channels(layer) == axis
    if names:
        assert LayerImage.of(layer, channel_axis=axis).channel_names == list(names)


def test_a_layer_with_channels_is_called_by_its_picture():
    layer = Image(np.zeros((3, 60, 80), np.uint8))
    assert describe(layer, 0) == "80 × 60 pixels, 3 channels along axis 0, uint8"
    layer = Image(np.zeros((4, 2, 5, 60, 80), np.uint8), axis_labels=tuple("tczyx"))
    assert describe(layer, 1) == "4 × 5 × 60 × 80 pixels, 2 channels along c, uint8"


def test_an_axis_that_cannot_hold_channels_is_refused(coffee):
    with pytest.raises(ValueError, match=r"channel_axis=0 takes a layer without colours; “cup”"):
        LayerImage.of(Image(coffee, name="cup"), channel_axis=0)
    grey = Image(np.zeros((3, 60, 80)), name="g")
    with pytest.raises(ValueError, match=r"from -3 to 2; got 3"):
        LayerImage.of(grey, channel_axis=3)
    with pytest.raises(ValueError, match="single layer; got 2"):
        LayerImage.of(grey, grey, channel_axis=0)

"""Live preview of the part of an image that is in view."""

from __future__ import annotations

import gc
import threading
from weakref import ref

import dask.array as da
import numpy as np
import pytest

from napari_kmeans_seg import segment
from napari_kmeans_seg.widget.base.napari_versions import camera_of

PREVIEW = "coffee clusters preview"


def test_of_a_lazy_image_the_part_in_view_is_shown_and_said_to_be_one(viewer, part, qtbot):
    layer, widget, _ = part
    assert widget.message.value.endswith(
        "Preview of the part in view. Press Run for the whole image."
    )
    assert [one.name for one in viewer.layers] == ["coffee", PREVIEW]
    preview = viewer.layers[PREVIEW]

    def is_in_view():
        low, high = layer.corner_pixels
        return preview.data.shape == tuple(high - low + 1) and (preview.translate == low).all()

    # An older napari does not say at once that the dock has left less room to the canvas.
    qtbot.waitUntil(is_in_view, timeout=3000)
    assert preview.data.shape[0] < 400


def test_it_follows_the_settings_and_the_camera(viewer, part):
    layer, widget, rest = part
    widget.n_clusters.value = 8
    rest()
    preview = viewer.layers[PREVIEW]
    assert preview.data.max() == 8
    camera_of(viewer).center = (0, 50, 60)
    rest()
    low, high = layer.corner_pixels
    np.testing.assert_array_equal(preview.translate, low)
    pixels = np.asarray(layer.data[low[0] : high[0] + 1, low[1] : high[1] + 1])
    np.testing.assert_array_equal(preview.data, segment(pixels, 8, channel_axis=-1).labels)
    viewer.reset_view()
    rest()
    assert preview.data.shape == (400, 600)
    assert len(viewer.layers) == 2


def test_it_follows_the_size_of_the_canvas(viewer, part, qtbot):
    layer, _, rest = part
    preview, window = viewer.layers[PREVIEW], viewer.window._qt_window
    before = preview.data.shape
    window.resize(window.width(), window.height() - 300)
    qtbot.waitUntil(lambda: preview.data.shape != before, timeout=10_000)
    rest()
    low, high = layer.corner_pixels
    assert preview.data.shape == tuple(high - low + 1)
    assert preview.data.shape[0] < before[0]


def test_it_follows_the_plane(viewer, cell, request):
    viewer.add_image(da.from_array(np.stack([cell, 255 - cell])), name="coffee")
    viewer.dims.set_current_step(0, 0)
    widget, rest = request.getfixturevalue("live")
    viewer.dims.set_current_step(0, 1)
    rest()
    assert viewer.layers[PREVIEW].translate[0] == 1
    assert widget.state == "done"


def test_a_run_on_the_whole_image_takes_its_place(viewer, part, finish, coffee):
    _, widget, rest = part
    widget.run()
    finish(widget)
    assert {one.name for one in viewer.layers} == {"coffee", "coffee clusters", "coffee k-means"}
    labels = viewer.layers["coffee clusters"]
    expected = segment(coffee, 5, channel_axis=-1).labels
    np.testing.assert_array_equal(np.asarray(labels.data), expected)
    widget.n_clusters.value = 3
    rest()
    assert viewer.layers[PREVIEW].data.max() == 3
    np.testing.assert_array_equal(np.asarray(labels.data), expected)


def test_the_table_of_the_last_run_is_told_apart_from_the_preview(viewer, part, finish):
    _, widget, rest = part
    note = widget.clusters.whose
    widget.run()
    finish(widget)
    assert not note.isVisible(), "the run is what is seen"
    widget.n_clusters.value = 3
    rest()
    assert widget.clusters.view.rows.rowCount() == 5
    assert note.isVisible()
    viewer.layers.selection.active = viewer.layers[PREVIEW]
    assert widget.clusters.view.rows.rowCount() == 3
    assert not note.isVisible(), "these are the preview's own"
    viewer.layers.selection.active = viewer.layers["coffee"]
    assert note.isVisible()
    widget.live.value = False
    assert not note.isVisible()
    assert widget.message.value == "Ready."


@pytest.mark.parametrize("end", ["switched off", "source gone", "other data", "dock closed"])
def test_it_goes_when_nobody_asks_for_it_any_more(viewer, part, end, qtbot):
    layer, widget, _ = part
    if end == "switched off":
        widget.live.native.click()
    elif end == "source gone":
        viewer.layers.remove(layer)
    elif end == "other data":
        widget.live.value = False
        layer.data = da.zeros((50, 50, 3), dtype=np.uint8)
    else:
        viewer.window.remove_dock_widget("all")
    qtbot.waitUntil(lambda: PREVIEW not in viewer.layers, timeout=5000)
    camera_of(viewer).zoom *= 2
    qtbot.wait(400)
    assert PREVIEW not in viewer.layers


def test_what_a_person_painted_on_it_is_left_to_them(viewer, part):
    _, widget, rest = part
    preview = viewer.layers[PREVIEW]
    preview.paint((30, 30), 7)
    widget.n_clusters.value = 3
    rest()
    assert len(viewer.layers) == 3
    widget.live.value = False
    assert [one.name for one in viewer.layers] == ["coffee", PREVIEW]
    assert viewer.layers[PREVIEW].data[30, 30] == 7


def test_what_is_out_of_view_is_reported_and_shown_once_it_is_back(viewer, part, coffee):
    _, widget, rest = part
    camera_of(viewer).center = (0, 5000, 5000)
    rest()
    before = viewer.layers[PREVIEW].data
    widget.n_clusters.value = 3
    assert widget.message.value == (
        "✖ “coffee” is not in view: pan or zoom to it for a preview, or press Run."
    )
    assert viewer.layers[PREVIEW].data is before
    viewer.reset_view()
    rest()
    assert viewer.layers[PREVIEW].data.max() == 3
    assert viewer.layers[PREVIEW].data.shape == (400, 600)


def test_a_region_that_is_out_of_view_is_reported(viewer, part):
    layer, widget, rest = part
    corner = viewer.add_shapes([[[0, 0], [0, 9], [9, 9], [9, 0]]], name="corner")
    viewer.layers.selection.active = layer
    widget.inputs.region.value = str(corner.unique_id)
    rest()
    assert "“corner” is not in view" in widget.message.value


def test_a_chunk_that_cannot_be_read_is_reported(viewer, on_disk, live, qtbot):
    widget, _ = live
    data, gone = on_disk
    viewer.add_image(data, name="coffee", rgb=True)
    gone.append(True)
    widget.n_clusters.value = 3
    qtbot.waitUntil(lambda: widget.state == "error", timeout=9000)
    assert "the disk is gone" in widget.message.value
    assert len(viewer.layers) == 1


# -- what is left behind


def test_closing_the_dock_ends_the_preview(viewer, dock, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.live.value = True
    viewer.window.remove_dock_widget("all")
    assert not widget.preview.busy


def test_many_moves_leave_nothing_behind(viewer, ask, rest, shown, coffee):
    """Neither layers nor threads nor pixels."""
    layer = viewer.add_image(coffee, name="coffee")
    made = []
    for i in range(30):
        ask(layer, 2 + i % 7, kinds=("labels",))
        rest()
        made += [ref(shown.pop().arrays["labels"]), ref(viewer.layers["coffee clusters"].data)]
    gc.collect()
    # That which is shown, and its copy that a person may paint on.
    assert sum(one() is not None for one in made) <= 2
    assert len(viewer.layers) == 2
    assert not any(one.name == "napari-kmeans-seg" for one in threading.enumerate())

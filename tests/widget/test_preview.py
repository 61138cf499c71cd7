"""Live preview in a real napari window."""

from __future__ import annotations

import gc
import threading
from weakref import ref

import dask.array as da
import numpy as np
import pytest
from qtpy.QtCore import QTimer

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers import LayerImage, linked_layers
from napari_kmeans_seg.widget.napari_versions import camera_of
from napari_kmeans_seg.widget.preview import Preview
from napari_kmeans_seg.widget.state import DockState, Refusal, Request
from napari_kmeans_seg.widget.task import Clock

from .hands import threads

BOTH = ("image", "labels")


@pytest.fixture
def shown() -> list:
    return []


@pytest.fixture
def preview(viewer, shown):
    clock, state = Clock(viewer.window._qt_window), DockState(lambda: Refusal(ValueError()))
    made = Preview(viewer, lambda _, outputs, __: shown.append(outputs), pytest.fail, clock, state)
    yield made
    made.stop()
    clock.close()


@pytest.fixture
def ask(viewer, preview):
    def request(layer, n_clusters, kinds=BOTH, **parameters):
        parameters = {"n_clusters": n_clusters, **parameters}
        preview.request(Request.of(LayerImage.of(layer), parameters, kinds))

    return request


@pytest.fixture
def rest(qtbot, preview):
    return lambda: qtbot.waitUntil(lambda: not preview.busy, timeout=20_000)


def test_the_labels_follow_at_once_and_the_image_when_all_rests(
    viewer, ask, rest, shown, qtbot, coffee
):
    layer = viewer.add_image(coffee, name="coffee")
    ask(layer, 3)
    qtbot.waitUntil(lambda: len(shown) == 1, timeout=10_000)
    assert [one.name for one in viewer.layers] == ["coffee", "coffee clusters"]
    rest()
    # On top, for the image would hide which clusters are dimmed.
    assert [one.name for one in viewer.layers] == ["coffee", "coffee k-means", "coffee clusters"]
    expected = segment(coffee, 3, channel_axis=-1)
    np.testing.assert_array_equal(viewer.layers["coffee clusters"].data, expected.labels)
    np.testing.assert_array_equal(viewer.layers["coffee k-means"].data, expected.image)


def test_only_the_newest_setting_counts(viewer, ask, rest, shown, coffee):
    layer = viewer.add_image(coffee, name="coffee")
    for k in range(2, 12):
        ask(layer, k)
    ours = [one for one in threading.enumerate() if one.name == "napari-kmeans-seg"]
    assert len(ours) == 1
    rest()
    assert [one.segmentation.n_clusters for one in shown] == [2, 11, 11]
    expected = segment(coffee, 11, channel_axis=-1).labels
    np.testing.assert_array_equal(viewer.layers["coffee clusters"].data, expected)
    assert len(viewer.layers) == 3


@pytest.mark.parametrize("setting", [{"color_space": "lab"}, {"smoothing": 2}, {"seed": 3}])
def test_every_setting_gives_what_a_run_would(viewer, ask, rest, coffee, setting):
    layer = viewer.add_image(coffee, name="coffee")
    ask(layer, 4)
    ask(layer, 4, **setting)
    rest()
    expected = segment(coffee, 4, channel_axis=-1, **setting).labels
    np.testing.assert_array_equal(viewer.layers["coffee clusters"].data, expected)


def test_other_data_are_read_anew(viewer, ask, rest, shown, coffee):
    layer = viewer.add_image(coffee, name="coffee")
    ask(layer, 3)
    rest()
    layer.data = coffee[::-1]
    ask(layer, 3)
    rest()
    expected = segment(coffee[::-1], 3, channel_axis=-1).labels
    np.testing.assert_array_equal(viewer.layers["coffee clusters"].data, expected)


def test_a_layer_that_goes_or_changes_while_it_is_segmented_gets_no_clusters(
    viewer, ask, rest, shown, coffee
):
    layer = viewer.add_image(coffee, name="coffee")
    ask(layer, 3)
    layer.data = coffee[:100].copy()
    rest()
    ask(layer, 3)
    viewer.layers.remove(layer)
    rest()
    assert shown == []
    assert len(viewer.layers) == 0


def test_what_was_painted_by_hand_is_left_alone(viewer, ask, rest, coffee):
    layer = viewer.add_image(coffee, name="coffee")
    ask(layer, 3, kinds=("labels",))
    rest()
    painted = viewer.layers["coffee clusters"]
    painted.data[:20, :20] = 7
    painted.refresh()
    ask(layer, 4, kinds=("labels",))
    ask(layer, 5, kinds=("labels",))
    rest()
    assert (painted.data[:20, :20] == 7).all()
    assert len(viewer.layers) == 3


def test_the_window_goes_on_while_twelve_megapixels_are_segmented(
    viewer, ask, rest, shown, qtbot, coffee
):
    """How long it stands still is told by `python -m benchmarks.responsive 12 rgb`."""
    layer = viewer.add_image(np.tile(coffee, (7, 7, 1)), name="large")
    beats = []
    heart = QTimer()
    heart.setInterval(5)
    heart.timeout.connect(lambda: beats.append(len(shown)))
    ask(layer, 2, kinds=("labels",))
    heart.start()
    rest()
    heart.stop()
    assert beats.count(0) > 2
    assert viewer.layers["large clusters"].data.max() == 2


# -- in the widget


def test_the_clusters_follow_k_while_live_preview_is_on(viewer, dock, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.n_clusters.value = 2
    assert len(viewer.layers) == 1
    widget.live.native.click()
    for k in (3, 8):
        widget.n_clusters.value = k
        qtbot.waitUntil(lambda k=k: widget.message.value.startswith(f"{k} clusters"), timeout=9000)
        assert viewer.layers["coffee clusters"].data.max() == k
        assert widget.clusters.view.sorted.rowCount() == k
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=9000)
    widget.live.native.click()
    widget.n_clusters.value = 4
    assert not widget.preview.busy
    assert viewer.layers["coffee clusters"].data.max() == 8


def test_the_points_go_with_the_image(viewer, dock, qtbot, coffee):
    layer = viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.live.value = True
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=9000)
    assert len(widget.preview._points.requests) == 1
    layer.data = coffee[:50]
    assert widget.preview._points.requests == ()
    widget.n_clusters.value = 3
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=9000)
    assert len(widget.preview._points.requests) == 1
    viewer.layers.remove(layer)
    assert widget.preview._points.requests == ()


def test_to_go_to_and_fro_between_two_images_reads_each_once(
    viewer, ask, rest, preview, shown, coffee, histology, monkeypatch, qtbot
):
    read = []
    prepare = LayerImage.prepare
    monkeypatch.setattr(
        LayerImage,
        "prepare",
        lambda self, **rest: read.append(self.name) or prepare(self, **rest),
    )
    layers = [viewer.add_image(coffee, name="one"), viewer.add_image(histology, name="other")]
    for k in (3, 4, 5):
        for layer in layers:
            ask(layer, k, kinds=("labels",))
            rest()
    assert read == ["one", "other"]
    assert [one.segmentation.n_clusters for one in shown] == [3, 3, 4, 4, 5, 5]
    qtbot.wait(100)  # the drawing
    viewer.layers.remove(layers[0])
    preview.drop_stale()
    assert [one.source.name for one in preview._points.requests] == ["other"]


@pytest.fixture
def live(viewer, dock, qtbot):
    """Open the widget with live preview on, and give it and a way to wait until all rests."""
    widget = dock()
    widget.live.value = True

    def rest() -> None:
        qtbot.waitUntil(lambda: not widget.preview.busy, timeout=20_000)

    rest()
    return widget, rest


def the_labels(viewer, widget):
    """The labels that are shown, and those of a run on the settings there are."""
    request = widget._state.request
    [layer] = linked_layers(viewer, request.source.link_id, "labels")
    return layer.data, request.source.segment(**request.parameters).labels


def add_square(viewer):
    return viewer.add_shapes([[[50, 50], [50, 250], [300, 250], [300, 50]]], name="square")


def add_spots(viewer):
    return viewer.add_points([[20, 20], [200, 300], [300, 100]], name="spots")


@pytest.mark.parametrize("what", ["specks", "region", "everywhere", "seeds", "fixed seeds"])
def test_the_clusters_follow_what_else_is_chosen(viewer, coffee, what, request):
    layer = viewer.add_image(coffee, name="coffee")
    others = {"region": add_square(viewer), "seeds": add_spots(viewer)}
    viewer.layers.selection.active = layer
    widget, rest = request.getfixturevalue("live")
    before = the_labels(viewer, widget)[0].copy()
    if what == "specks":
        widget.inputs.specks.value = 60
    elif what in ("region", "everywhere"):
        widget.inputs.region.value = str(others["region"].unique_id)
        widget.inputs.everywhere.value = what == "everywhere"
    else:
        widget.inputs.seeds.value = str(others["seeds"].unique_id)
        widget.inputs.fixed.value = what == "fixed seeds"
    rest()
    now, expected = the_labels(viewer, widget)
    np.testing.assert_array_equal(now, expected)
    assert (now != before).any()


def test_the_clusters_follow_the_scope_and_the_displayed_plane(viewer, cell, request):
    viewer.add_image(np.stack([cell, cell // 2, 255 - cell, cell // 3]), name="cells")
    viewer.dims.set_current_step(0, 1)
    widget, rest = request.getfixturevalue("live")
    for scope in ("plane", 0):
        widget.inputs.scope.value = scope
        rest()
        now, expected = the_labels(viewer, widget)
        np.testing.assert_array_equal(now, expected)
    widget.inputs.scope.value = "plane"
    rest()
    viewer.dims.set_current_step(0, 2)
    rest()
    now, expected = the_labels(viewer, widget)
    np.testing.assert_array_equal(now, expected)
    assert viewer.layers["cells clusters plane"].translate[0] == 2


def test_the_clusters_follow_whether_channels_are_normalized(viewer, coffee, request):
    layers = [viewer.add_image(coffee[..., i] // (1 + 9 * i), name="RGB"[i]) for i in range(3)]
    viewer.layers.selection = set(layers)
    widget, rest = request.getfixturevalue("live")
    before = the_labels(viewer, widget)[0].copy()
    widget.inputs.normalize.value = False
    rest()
    now, expected = the_labels(viewer, widget)
    np.testing.assert_array_equal(now, expected)
    assert (now != before).any()


def test_the_clusters_follow_a_region_and_seeds_that_are_drawn(viewer, coffee, request):
    layer = viewer.add_image(coffee, name="coffee")
    square, spots = add_square(viewer), add_spots(viewer)
    # Two of the spots lie in the region, at least.
    square.add_rectangles([spots.data.min(axis=0) - 9, spots.data.max(axis=0) + 9])
    viewer.layers.selection.active = layer
    widget, rest = request.getfixturevalue("live")
    widget.inputs.region.value = str(square.unique_id)
    widget.inputs.seeds.value = str(spots.unique_id)
    rest()
    for change in (lambda: square.add_rectangles([[0, 0], [40, 40]]), lambda: spots.add([30, 30])):
        before = the_labels(viewer, widget)[0].copy()
        change()
        rest()
        now, expected = the_labels(viewer, widget)
        np.testing.assert_array_equal(now, expected)
        assert (now != before).any()


def test_a_region_of_painted_labels_is_followed_but_not_one_that_follows_itself(
    viewer, coffee, request, qtbot
):
    layer = viewer.add_image(coffee, name="coffee")
    painted = viewer.add_labels(np.zeros(coffee.shape[:2], int), name="painted")
    painted.data[:100] = 1
    viewer.layers.selection.active = layer
    widget, rest = request.getfixturevalue("live")
    widget.inputs.region.value = str(painted.unique_id)
    rest()
    painted.paint((300, 300), 1)
    rest()
    now, expected = the_labels(viewer, widget)
    np.testing.assert_array_equal(now, expected)
    assert now[300, 300]
    [ours] = linked_layers(viewer, str(layer.unique_id), "labels")
    widget.inputs.region.value = str(ours.unique_id)
    rest()
    shown = []
    widget.preview._shown = lambda *_: shown.append(1)
    qtbot.wait(700)
    assert shown == []


def test_other_data_are_followed(viewer, coffee, request):
    layer = viewer.add_image(coffee, name="coffee")
    widget, rest = request.getfixturevalue("live")
    layer.data = coffee[::-1]
    rest()
    now, expected = the_labels(viewer, widget)
    np.testing.assert_array_equal(now, expected)


# -- what is outdated


def test_what_is_said_of_a_preview_is_not_said_of_the_image_that_is_active_by_then(
    viewer, dock, qtbot, coffee, cell
):
    viewer.add_image(cell, name="cell")
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.live.value = True
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=9000)
    widget.n_clusters.value = 8
    viewer.layers.selection.active = viewer.layers["cell"]
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=9000)
    assert viewer.layers["coffee clusters"].data.max() == 8, "it was asked for"
    assert "coffee k-means" in viewer.layers
    assert widget.message.value == "Ready."
    viewer.layers.selection.active = viewer.layers["coffee"]
    assert widget.message.value.startswith("8 clusters")


def test_of_an_image_that_is_not_asked_for_any_more_nothing_is_shown(
    viewer, ask, rest, shown, qtbot, coffee, histology
):
    one, other = viewer.add_image(coffee, name="one"), viewer.add_image(histology, name="other")
    ask(one, 3)
    ask(other, 4)
    rest()
    assert [outputs.source.name for outputs in shown] == ["other", "other"]
    # Nor is the slower part of it taken up again.
    ask(one, 3)
    qtbot.waitUntil(lambda: len(shown) == 3, timeout=9000)
    ask(other, 5)
    rest()
    qtbot.wait(500)
    assert [outputs.source.name for outputs in shown[2:]] == ["one", "other", "other"]
    assert "one k-means" not in viewer.layers


def test_in_whatever_order_things_are_moved_only_what_is_asked_for_is_drawn(
    viewer, dock, qtbot, coffee, histology
):
    """Three hundred moves of the slider, of the selection, of layers, and of data."""
    random = np.random.default_rng(0)
    # Vispy stumbles over layers that go before they are drawn.
    viewer.window._qt_viewer.canvas.native.hide()
    images = {"coffee": coffee[:40, :50].copy(), "tissue": histology[:30, :40].copy()}
    for name, image in images.items():
        viewer.add_image(image, name=name)
    widget = dock()
    widget.live.value = True
    preview, asked, numbers = widget.preview, [], []
    request, shown = preview.request, preview._shown

    def note(one) -> None:
        asked.append(one)
        request(one)

    def check(drawn, outputs, seconds) -> None:
        assert drawn.images == asked[-1].images, "outdated"
        assert drawn.is_current(viewer)
        numbers.append(max(i for i, one in enumerate(asked) if one.result == drawn.result))
        shown(drawn, outputs, seconds)
        assert widget.state != "done" or widget._state.said.of == widget._state.images

    preview.request, preview._shown = note, check
    moves = ["k"] * 12 + ["switch"] * 4 + ["data", "live"] * 2 + ["remove"]
    for move in random.choice(moves, 300):
        here = [layer for layer in viewer.layers if layer.name in images]
        if move == "k" or not here:
            widget.n_clusters.value = int(random.integers(2, 12))
        elif move == "switch":
            viewer.layers.selection.active = here[random.integers(len(here))]
        elif move == "remove":
            viewer.layers.remove(here[random.integers(len(here))])
        elif move == "data":
            layer = here[random.integers(len(here))]
            layer.data = layer.data[::-1].copy()
        else:
            widget.live.value = not widget.live.value
        for name in images.keys() - {layer.name for layer in viewer.layers}:
            if random.random() < 0.3:
                viewer.add_image(images[name], name=name)
        qtbot.wait(int(random.integers(0, 40)))
    assert len(numbers) > 20
    for name in images.keys() - {layer.name for layer in viewer.layers}:
        viewer.add_image(images[name], name=name)
    viewer.layers.selection.active = viewer.layers["tissue"]
    widget.live.value = True
    widget.n_clusters.value = 13
    qtbot.waitUntil(lambda: not preview.busy, timeout=9000)
    now, expected = the_labels(viewer, widget)
    np.testing.assert_array_equal(now, expected)
    assert now.max() == 13
    assert len(threads()) == 0


# -- of a part of the image


PREVIEW = "coffee clusters preview"


@pytest.fixture
def part(viewer, coffee, request):
    """A lazy image with a preview of the part in view."""
    layer = viewer.add_image(da.from_array(coffee, chunks=(100, 100, 3)), name="coffee", rgb=True)
    camera_of(viewer).zoom *= 2
    request.getfixturevalue("qtbot").wait(100)
    return layer, *request.getfixturevalue("live")


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


def test_a_chunk_that_cannot_be_read_is_reported(viewer, coffee, live, qtbot):
    widget, _ = live
    gone = []

    def read(block):
        if gone:
            raise OSError("the disk is gone")
        return block

    data = da.from_array(coffee, chunks=(400, 100, 3)).map_blocks(read, dtype=np.uint8)
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

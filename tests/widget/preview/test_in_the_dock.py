"""Live preview of what is chosen in the dock, and only of what is asked for by now."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg.layers import linked_layers

from ..hands import threads


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

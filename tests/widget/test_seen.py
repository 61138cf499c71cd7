"""What is seen after a run, in real windows: pixels of the canvas, the switch, the table."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from scipy.ndimage import gaussian_filter

from .canvas import apart, contrast, inner_places, pixels, seen_at, swatches
from .hands import click, press

# Below it nobody can tell two colours apart.
SAME = 1.0


def spots(seed, height, size=240):
    """Lights in the dark, of 12 bits in 16, as a camera gives them."""
    random = np.random.default_rng(seed)
    picture = np.zeros((size, size))
    picture[tuple(random.integers(20, size - 20, (2, 14)))] = 1
    picture = gaussian_filter(picture, 11)
    noise = random.normal(200, 15, picture.shape)
    return (picture / picture.max() * height + noise).clip(0, 4095).astype(np.uint16)


def steps(values, side=60):
    """Upright stripes of these greys."""
    return np.repeat(np.array(values, np.uint8), side)[np.newaxis].repeat(120, 0)


def open_kind(viewer, kind, coffee):
    """Open an image of a kind, and say how many clusters to look for."""
    match kind:
        case "photograph":
            viewer.add_image(coffee, name="image")
        case "black":
            viewer.add_image(steps([0, 2, 5, 9]), name="image", contrast_limits=(0, 255))
        case "white":
            viewer.add_image(steps([246, 250, 253, 255]), name="image", contrast_limits=(0, 255))
        case "fluorescence":
            viewer.add_image(spots(0, 3000), name="image")
        case "channels":
            for i, color in enumerate(("blue", "green", "red")):
                viewer.add_image(
                    spots(i, 3000), name=f"stain {i}", colormap=color, blending="additive"
                )
            viewer.layers.selection = set(viewer.layers)


@pytest.fixture
def ran(viewer, dock, finish, laid_out, coffee, qtbot):
    """Run on an image of a kind."""

    def run(kind, k=4):
        open_kind(viewer, kind, coffee)
        widget = dock()
        widget.n_clusters.value = k
        widget.run()
        finish(widget)
        laid_out(widget)
        assert widget.state == "done"
        return widget, next(one for one in viewer.layers if "clusters" in one.name)

    return run


KINDS = ["photograph", "black", "white", "fluorescence", "channels"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_colour_in_the_table_is_the_colour_on_the_canvas(viewer, qtbot, ran, kind):
    widget, labels = ran(kind)
    extras = widget.clusters.extras
    for palette in range(extras.colors.count()):
        extras.colors.setCurrentIndex(palette)
        extras.colors.activated.emit(palette)
        shown, told = seen_at(viewer, qtbot, labels), swatches(widget.clusters)
        assert len(told) == 4
        for label, color in told.items():
            assert apart(color, shown[label]) < SAME, (label, color, shown[label])


@pytest.mark.parametrize("kind", KINDS)
def test_a_hidden_cluster_shows_the_original_alone(viewer, qtbot, ran, coffee, kind):
    widget, labels = ran(kind)
    places = inner_places(labels)
    widget.seen.buttons["original"].click()
    original = seen_at(viewer, qtbot, labels, places)
    widget.seen.buttons["clusters"].click()
    before = seen_at(viewer, qtbot, labels, places)
    click(widget.clusters, 1)
    press(widget.clusters, Qt.Key.Key_Space)
    assert widget.clusters.selected == [2]
    after = seen_at(viewer, qtbot, labels, places)
    np.testing.assert_array_equal(after[2], original[2])
    for label in (1, 3, 4):
        np.testing.assert_array_equal(after[label], before[label], "hidden is not highlighted")
    press(widget.clusters, Qt.Key.Key_Space)
    assert apart(seen_at(viewer, qtbot, labels, places)[2], after[2]) > SAME


@pytest.mark.parametrize("seen", ["original", "segmented"])
def test_a_cluster_that_is_hidden_elsewhere_is_hidden_among_the_clusters(
    viewer, qtbot, ran, coffee, seen
):
    """In the segmented image a tick changed no pixel."""
    widget, labels = ran("photograph")
    places = inner_places(labels)
    before = seen_at(viewer, qtbot, labels, places)
    widget.seen.buttons["original"].click()
    original = seen_at(viewer, qtbot, labels, places)
    widget.seen.buttons[seen].click()
    click(widget.clusters, 1)
    assert widget.seen.buttons[seen].isChecked(), "to select a row says nothing of what is seen"
    press(widget.clusters, Qt.Key.Key_Space)
    assert widget.seen.buttons["clusters"].isChecked()
    after = seen_at(viewer, qtbot, labels, places)
    np.testing.assert_array_equal(after[2], original[2])
    for label in (1, 3, 4):
        np.testing.assert_array_equal(after[label], before[label])


@pytest.mark.parametrize("kind", KINDS)
def test_the_selected_cluster_stands_out_and_the_others_are_dimmed(viewer, qtbot, ran, kind):
    widget, labels = ran(kind)
    places = inner_places(labels)
    for label in (1, 2, 3, 4):
        widget.clusters.select([label])
        shown, told = seen_at(viewer, qtbot, labels, places), swatches(widget.clusters)
        assert apart(told[label], shown[label]) < SAME
        for other in {1, 2, 3, 4} - {label}:
            assert contrast(shown[label], shown[other]) >= 3, (label, other)
    if kind in ("fluorescence", "channels"):
        brightest = {label: int(color.max()) for label, color in shown.items()}
        assert brightest[4] > max(brightest[label] for label in (1, 2, 3)), "not darker than these"


def test_one_switch_shows_the_original_the_segmented_image_or_the_clusters(viewer, qtbot, ran):
    widget, labels = ran("channels")
    sources = [viewer.layers[f"stain {i}"] for i in range(3)]
    images = [viewer.layers[f"stain {i} k-means"] for i in range(3)]

    def seen():
        QTest.qWait(50)
        pressed = [name for name, one in widget.seen.buttons.items() if one.isChecked()]
        visible = [[one.visible for one in group] for group in (sources, images, [labels])]
        return pressed, [all(one) if len(set(one)) == 1 else None for one in visible]

    assert seen() == (["clusters"], [True, False, True]), "at first"
    widget.seen.buttons["original"].click()
    assert seen() == (["original"], [True, False, False])
    widget.seen.buttons["segmented"].click()
    assert seen() == (["segmented"], [False, True, False]), "nothing shines through"
    widget.seen.buttons["clusters"].click()
    assert seen() == (["clusters"], [True, False, True])
    images[0].visible = True
    assert seen()[0] == [], "a view of one's own"
    labels.visible = images[0].visible = False
    assert seen()[0] == ["original"], "whoever uses napari's list sees it in the dock"


def test_a_later_run_leaves_what_a_person_has_set(viewer, qtbot, ran, finish):
    widget, labels = ran("channels")
    names = [one.name for one in viewer.layers]
    widget.seen.buttons["segmented"].click()
    viewer.layers["stain 1 k-means"].visible = False
    labels.opacity = 0.4
    before = [(one.name, one.visible, one.opacity) for one in viewer.layers]
    widget.n_clusters.value = 3
    widget.run()
    finish(widget)
    assert [one.name for one in viewer.layers] == names, "into the same layers"
    assert [(one.name, one.visible, one.opacity) for one in viewer.layers] == before


def test_outside_a_region_the_original_stays(viewer, qtbot, dock, finish, coffee):
    image = viewer.add_image(coffee, name="image")
    box = [[100, 150], [100, 450], [300, 450], [300, 150]]
    region = viewer.add_shapes([box], name="region")
    region.visible = False
    viewer.layers.selection.active = image
    widget = dock()
    widget.inputs.region.value = str(region.unique_id)
    widget.run()
    finish(widget)
    labels = viewer.layers["image clusters"]
    places = {0: (30, 30), 1: (380, 580)}
    widget.seen.buttons["original"].click()
    original = seen_at(viewer, qtbot, labels, places)
    for seen in ("clusters", "segmented"):
        widget.seen.buttons[seen].click()
        shown = seen_at(viewer, qtbot, labels, places)
        for place in places:
            np.testing.assert_array_equal(shown[place], original[place])


def test_only_a_segmented_image_is_seen_where_there_are_no_clusters(viewer, dock, finish, coffee):
    open_kind(viewer, "channels", coffee)
    widget = dock()
    widget.more_options.add_labels.value = False
    widget.run()
    finish(widget)
    QTest.qWait(50)
    seen = {one.name: one.visible for one in viewer.layers}
    assert seen == {name: "k-means" in name for name in seen}
    assert widget.seen.isVisible()
    assert widget.seen.buttons["segmented"].isChecked()
    assert not widget.seen.buttons["clusters"].isEnabled()


def settle(widget, qtbot):
    """Wait until the switch has followed what was done."""
    QTest.qWait(20)
    waiting = (widget.seen._follow, widget.seen._say, widget.clusters._read)
    qtbot.waitUntil(lambda: not any(map(widget._clock.awaits, waiting)))


def blob(shape=(24, 60, 60)):
    """A bright ball in the dark."""
    grid = np.indices(shape)
    middle = np.array(shape).reshape(-1, 1, 1, 1) / 2
    inside = (((grid - middle) / middle) ** 2).sum(axis=0) < 0.5
    return np.where(inside, 200, 10).astype(np.uint8)


def test_in_3d_the_largest_cluster_is_hidden_until_a_person_shows_it(viewer, dock, finish, qtbot):
    viewer.add_image(blob(), name="image")
    widget = dock()
    widget.n_clusters.value = 2
    widget.run()
    finish(widget)
    table, labels = widget.clusters, viewer.layers["image clusters"]
    header = table.view.sorted.headerData(2, Qt.Orientation.Horizontal)
    assert header == "Voxels"

    def hidden():
        settle(widget, qtbot)
        return set(table.clusters.colors.hidden), widget.seen.note.isVisible()

    assert hidden() == (set(), False)
    viewer.dims.ndisplay = 3
    assert hidden() == ({1}, True)
    assert "“Cluster 1”" in widget.seen.note.text()
    middle = pixels(viewer, qtbot)[10:-10, 10:-10].reshape(-1, 3)
    hue = (255 * labels.get_color(2)[:3]).round()
    reddish = (middle[:, 0] > 100) & (middle[:, 2] < middle[:, 0])
    assert hue[0] > 200
    assert reddish.any(), "the ball is seen, and no block around it"
    viewer.dims.ndisplay = 2
    assert hidden() == (set(), False)
    viewer.dims.ndisplay = 3
    assert hidden() == ({1}, True)
    table.view.rows.hide_or_show([1])
    assert hidden() == (set(), False)
    viewer.dims.ndisplay = 2
    viewer.dims.ndisplay = 3
    assert hidden() == (set(), False), "what a person has shown stays"


def test_a_run_in_3d_hides_the_largest_cluster_of_each_new_result(viewer, dock, finish, qtbot):
    viewer.add_image(blob(), name="image")
    viewer.dims.ndisplay = 3
    widget = dock()
    for k in (2, 3):
        widget.n_clusters.value = k
        widget.run()
        finish(widget)
        settle(widget, qtbot)
        pixels_of = viewer.layers["image clusters"].features["pixels"]
        assert widget.clusters.clusters.colors.hidden == {int(pixels_of[1:].idxmax())}


def test_objects_are_outlines_on_the_clusters(viewer, dock, finish, cell):
    viewer.add_image(cell, name="image")
    widget = dock()
    widget.inputs.objects.value = "5"
    widget.run()
    finish(widget)
    objects = viewer.layers["image objects"]
    assert objects.visible
    assert objects.contour > 0


def test_the_switch_goes_with_live_preview(viewer, qtbot, ran):
    widget, labels = ran("photograph")
    widget.seen.buttons["segmented"].click()
    widget.live.value = True
    widget.n_clusters.value = 6
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=9000)
    settle(widget, qtbot)
    assert labels.data.max() == 6
    assert widget.seen.buttons["segmented"].isEnabled()
    assert widget.seen.buttons["segmented"].isChecked()
    assert not labels.visible, "a preview shows nothing that a person has hidden"

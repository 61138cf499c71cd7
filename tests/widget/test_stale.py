"""Nothing in the dock is stale: what is said is so, of what is shown, and says of what."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QPushButton

from .hands import at_rest


@pytest.fixture
def copied(qtbot):
    """Copy the script, and wait until it is there."""

    def copy(widget):
        widget.clusters.extras.script.click()
        qtbot.waitUntil(lambda: not widget.clusters.extras.busy)
        return QGuiApplication.clipboard().text()

    return copy


def test_what_was_copied_is_said_of_its_layer_until_it_is_another_one(
    viewer, widget, table, copied, cell, finish
):
    assert "n_clusters=4" in copied(widget)
    assert table.message.text() == "Python script of “coffee clusters” copied."
    table.select([1, 2])
    table.actions_["merge"].trigger()
    assert not table.message.isVisible(), "the script is of what was before"
    copied(widget)
    assert table.message.isVisible()
    viewer.add_image(cell, name="cell")
    widget.run()
    finish(widget)
    QTest.qWait(30)
    assert table.isVisible()
    assert not table.message.isVisible()


def test_the_script_of_another_image_leaves_the_clipboard_before_the_new_one_is_there(
    viewer, widget, copied, cell, finish, qtbot
):
    old = copied(widget)
    viewer.add_image(cell, name="cell")
    widget.run()
    finish(widget)
    widget.clusters.extras.script.click()
    assert QGuiApplication.clipboard().text() != old
    qtbot.waitUntil(lambda: not widget.clusters.extras.busy)
    assert "cell" in QGuiApplication.clipboard().text()
    assert widget.clusters.message.text() == "Python script of “cell clusters” copied."


def test_the_number_of_clusters_is_that_of_the_table(viewer, widget, table, labels):
    assert widget.message.value.startswith("4 clusters in")
    said = widget.message.value
    table.select([1, 2])
    table.actions_["merge"].trigger()
    QTest.qWait(30)
    assert widget.message.value.startswith("3 clusters after work by hand.")
    table.actions_["undo"].trigger()
    QTest.qWait(30)
    assert widget.message.value == said
    labels.data_setitem(np.nonzero(labels.data == 1), 2)
    QTest.qWait(800)
    assert widget.message.value.startswith("3 clusters after work by hand.")
    labels.undo()
    QTest.qWait(800)
    assert widget.message.value == said
    viewer.layers.remove(labels)
    viewer.layers.remove(viewer.layers["coffee k-means"])
    assert widget.message.value == "Ready."


def test_objects_of_a_new_run_are_said_to_be_those_where_clusters_were_edited(widget, table):
    widget.inputs.objects.value = "2"
    assert widget.options_said.value == "Objects of 2."
    table.select([1, 2])
    table.actions_["merge"].trigger()
    QTest.qWait(30)
    assert "without the work by hand" in widget.options_said.value
    table.actions_["undo"].trigger()
    QTest.qWait(30)
    assert widget.options_said.value == "Objects of 2."


# -- which image, which result


@pytest.mark.parametrize("kind", ["shapes", "points", "labels"])
def test_the_dock_follows_the_result_it_made_while_something_is_drawn(
    viewer, dock, finish, coffee, kind
):
    viewer.add_image(coffee, name="coffee")
    drawn = getattr(viewer, f"add_{kind}")(*([np.zeros((400, 600), int)] * (kind == "labels")))
    assert viewer.layers.selection.active == drawn
    widget = dock()
    assert widget.layer_name.value == "coffee", "the only image there is"
    widget.run()
    finish(widget)
    assert viewer.layers.selection.active == drawn
    QTest.qWait(30)
    assert widget.clusters.isVisible()
    assert widget.clusters.clusters.layer.name == "coffee clusters"
    assert widget.seen.buttons["clusters"].isChecked()
    widget.clusters.select([1, 2])
    widget.clusters.actions_["merge"].trigger()
    widget.run()
    finish(widget)
    QTest.qWait(30)
    newest = [one for one in viewer.layers if one.name.startswith("coffee clusters")][-1]
    assert newest.name != "coffee clusters", "the merged one is a person's own"
    assert widget.clusters.clusters.layer.name == newest.name


def test_of_several_images_none_is_guessed_while_something_is_drawn(viewer, dock, coffee, cell):
    viewer.add_image(coffee, name="coffee")
    viewer.add_image(cell, name="cell")
    viewer.add_shapes()
    widget = dock()
    assert widget.layer_name.value == "No image layer is active"
    assert not widget.run_button.enabled


# -- options that are left over


def test_weights_belong_to_their_channels_and_are_said_beside_run(viewer, dock, coffee, qtbot):
    photo = viewer.add_image(coffee, name="photo")
    widget = dock()
    qtbot.waitUntil(lambda: widget.run_button.visible)
    options = widget.more_options
    assert not widget.options_said.visible
    options.fields["color_space"].value = "lab"
    options.fields["channel_weights"].value = "0 1 1"
    assert widget.options_said.visible
    assert widget.options_said.value == "Lab, lightness ignored."
    line, run = widget.options_said.native, widget.run_button.native
    assert (
        abs(
            run.mapToGlobal(run.rect().topLeft()).y()
            - line.mapToGlobal(line.rect().bottomLeft()).y()
        )
        < 40
    )
    stains = [viewer.add_image(coffee[..., i], name=f"stain {i}") for i in range(3)]
    viewer.layers.selection = set(stains)
    QTest.qWait(30)
    assert options.fields["channel_weights"].value == ""
    assert options.parameters["channel_weights"] is None
    assert not widget.options_said.visible
    options.fields["channel_weights"].value = "1 0 2"
    assert widget.options_said.value == "Stain 1 ignored, stain 2 × 2."
    viewer.layers.selection.active = photo
    QTest.qWait(30)
    assert widget.options_said.value == "Lab, lightness ignored."
    options.fields["color_space"].value = "rgb"
    assert options.fields["channel_weights"].value == "", "red is not lightness"


def test_whatever_is_not_at_its_default_is_said_in_words(viewer, dock, coffee, qtbot):
    viewer.add_image(coffee, name="photo")
    region = viewer.add_shapes([[[10, 10], [10, 90], [90, 90], [90, 10]]], name="box")
    viewer.layers.selection.active = viewer.layers["photo"]
    widget = dock()
    qtbot.waitUntil(lambda: widget.run_button.visible)
    fields = widget.more_options.fields
    changes = {
        "init": ("random", "Random start."),
        "n_init": (5, "Best of 5 starts."),
        "seed": (7, "Seed 7."),
        "tol": (0.0, "Tolerance 0."),
        "max_iter": (20, "20 iterations at most."),
        "fit_scale": (25.0, "Found on a copy of 25 %."),
        "color_space": ("hsv", "HSV."),
        "smoothing": (2.0, "Smoothed by 2 pixels."),
        "spatial_weight": (0.5, "Position × 0.5."),
        "channel_weights": ("1 0 0.5", "Green ignored, blue × 0.5."),
        "normalize": (True, "Channels normalized."),
    }
    assert {*changes} == {*fields}
    for name, (value, said) in changes.items():
        default = fields[name].value
        fields[name].value = value
        assert (widget.options_said.value, widget.options_said.visible) == (said, True)
        fields[name].value = default
        assert not widget.options_said.visible
    widget.inputs.specks.value = 20
    widget.inputs.region.value = str(region.unique_id)
    widget.more_options.add_labels.value = False
    assert widget.options_said.value == "No labels, in “box”, no pieces below 20 pixels."


# -- percent of what


def test_the_line_below_the_table_says_percent_of_what(viewer, dock, finish, coffee, qtbot):
    viewer.add_image(coffee, name="coffee", scale=(0.5, 0.5), units=("um", "um"))
    widget = dock()
    widget.n_clusters.value = 4
    widget.run()
    finish(widget)
    table, labels = widget.clusters, viewer.layers["coffee clusters"]
    assert table.total.text() == "All 4: 240,000 pixels, the whole image, 60,000 µm²"

    def buttons():
        each = table.findChildren(QPushButton)
        return [one.mapToGlobal(one.rect().topLeft()).y() for one in each]

    before = at_rest(buttons, qtbot)
    table.select([2, 3])
    assert at_rest(buttons, qtbot) == before, "nothing moves below the mouse"
    n = int(np.isin(labels.data, [2, 3]).sum())
    expected = f"2 selected: {n:,} pixels, {n / 2400:.1f} % of the image, {n / 4:,.0f} µm²"
    assert table.total.text() == expected
    table.select([1])
    table.actions_["delete"].trigger()
    rest = int((labels.data > 0).sum())
    assert f"{rest / 2400:.1f} % of the image" in table.total.text()
    table.select([2, 3])
    told = table.total.text()
    assert f"{n / 2400:.1f} % of the image, {100 * n / rest:.1f} % of the clusters" in told
    header = table.view.sorted.headerData(3, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert "in a cluster" in header
    labels.data_setitem(np.nonzero(labels.data == 2), 0)
    QTest.qWait(800)
    assert f"{(labels.data == 3).sum():,} pixels" in table.total.text()

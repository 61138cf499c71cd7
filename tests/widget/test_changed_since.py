"""What is changed in place after a run: the dock sees it, and what it says stays so."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtTest import QTest

BOX = [[50, 60], [50, 400], [300, 400], [300, 60]]


@pytest.fixture
def ran(viewer, dock, finish, laid_out, coffee):
    """Run on an array that can be written into, in a region or from seeds if wanted."""

    def run(**chosen):
        image = viewer.add_image(coffee.copy(), name="coffee")
        widget = dock()
        widget.n_clusters.value = 4
        for name, make in chosen.items():
            layer = make()
            viewer.layers.selection.active = image
            getattr(widget.inputs, name).value = str(layer.unique_id)
        widget.run()
        finish(widget)
        laid_out(widget)
        assert widget.state == "done"
        return widget

    return run


def text_of(widget, qtbot, action):
    """Press one of the buttons that copy a text, and give it."""
    clipboard, extras = QGuiApplication.clipboard(), widget.clusters.extras
    clipboard.setText("")
    QTest.mouseClick(getattr(extras, action), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not extras.busy and bool(clipboard.text()))
    return clipboard.text()


@pytest.mark.parametrize("action", ["methods", "script", "table"])
def test_whoever_asks_for_something_reads_that_pixels_were_written_into_the_image(
    viewer, ran, qtbot, finish, action
):
    widget = ran()
    image, note = viewer.layers["coffee"], widget.clusters.whose
    assert "by now" not in text_of(widget, qtbot, action)
    assert not note.isVisible()
    image.data[:100] = 0  # nobody hears of this
    copied = text_of(widget, qtbot, action)
    if action != "table":
        assert copied.removeprefix("# ").startswith("The image has other pixels by now. This ")
    assert "copied. The image has other pixels by now." in widget.clusters.message.text()
    qtbot.waitUntil(note.isVisible)
    assert "not of its pixels now" in note.text()
    assert widget.message.value == "Ready.", "what was said is of the pixels as they were"
    widget.run()
    finish(widget)
    assert not note.isVisible()
    assert widget.message.value.startswith("4 clusters")
    assert "by now" not in text_of(widget, qtbot, action)


def test_a_saved_table_and_model_say_that_the_image_was_changed(viewer, ran, tmp_path):
    widget = ran()
    viewer.layers["coffee"].data[5:9] = 7
    extras = widget.clusters.extras
    extras.save_table(tmp_path / "table.csv")
    assert extras._clusters is not None
    said = widget.clusters.message.text()
    assert said == "Saved as table.csv. The image has other pixels by now."
    assert "has other pixels by now" in (tmp_path / "table.csv").read_text().partition("\nlabel")[0]
    extras.save_model(tmp_path / "model.json")
    assert "has other pixels by now" in widget.clusters.message.text()


def test_an_image_that_is_drawn_anew_with_other_pixels_is_seen_at_once(viewer, ran, qtbot):
    widget = ran()
    image, table = viewer.layers["coffee"], widget.clusters
    before = table.clusters.table.copy()
    image.data[::2] = 255
    image.refresh()
    qtbot.waitUntil(table.whose.isVisible)
    assert "not of its pixels now" in table.whose.text()
    assert table.clusters.table.equals(before)


def test_live_preview_reads_an_image_again_that_was_written_into(viewer, ran, qtbot):
    widget = ran()
    image, labels = viewer.layers["coffee"], viewer.layers["coffee clusters"]
    widget.live.value = True
    widget.n_clusters.value = 3
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=9000)
    image.data[:] = 0
    image.data[:200] = 200
    widget.n_clusters.value = 2
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=9000)
    np.testing.assert_array_equal(labels.data, 1 + (image.data[..., 0] > 0))
    assert not widget.clusters.whose.isVisible()
    assert widget.message.value.startswith("2 clusters")


@pytest.mark.parametrize("kind", ["labels", "shapes", "seeds"])
def test_a_region_that_is_painted_after_the_run_is_said_to_be_another_one(
    viewer, ran, qtbot, finish, kind
):
    painted = np.zeros((400, 600), np.uint8)
    painted[50:300, 60:400] = 1
    painted[310:320, 10:300] = 2
    what = "seeds" if kind == "seeds" else "region"
    make = {
        "labels": lambda: viewer.add_labels(painted, name="tissue"),
        "shapes": lambda: viewer.add_shapes([BOX], name="tissue"),
        "seeds": lambda: viewer.add_labels(painted, name="tissue"),
    }
    widget = ran(**{what: make[kind]})
    note, layer = widget.clusters.whose, viewer.layers["tissue"]
    QTest.qWait(800)
    assert not note.isVisible()
    if kind == "shapes":
        layer.add([[310, 10], [310, 90], [390, 90]], shape_type="polygon")
    else:
        layer.brush_size = 20
        layer.paint((350, 500), 2)
    qtbot.waitUntil(note.isVisible)
    assert f"Clusters of the {what} as" in note.text()
    now = "The seeds are others by now." if kind == "seeds" else "The region is another one by now."
    assert text_of(widget, qtbot, "script").startswith(f"# {now} This script is of ")
    assert text_of(widget, qtbot, "methods").startswith(f"{now} This text is of ")
    assert text_of(widget, qtbot, "table").startswith("label\t")
    assert widget.clusters.message.text() == f"Table copied. {now}"
    viewer.layers.selection.active = viewer.layers["coffee"]
    widget.run()
    finish(widget)
    QTest.qWait(800)
    assert not note.isVisible()
    assert "by now" not in text_of(widget, qtbot, "script")

"""Colours and texts of a result, in a real napari window."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QGuiApplication
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog
from skimage.io import imsave

from napari_kmeans_seg import KMeansModel, __version__


@pytest.fixture
def ran(viewer, dock, finish, laid_out):
    """Run on an image; gives the table."""

    def run(image):
        viewer.add_image(image, name="image")
        widget = dock()
        widget.run()
        finish(widget)
        laid_out(widget)
        return widget.clusters

    return run


@pytest.fixture
def copy_script(qtbot):
    """Press the button, and wait until the files are read."""

    def press(table):
        QTest.mouseClick(table.extras.script, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: not table.extras.busy)

    return press


def choose(table, text):
    """Choose colours by keyboard."""
    box = table.extras.colors
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home if text == "Mean colours" else Qt.Key.Key_End)
    assert box.currentText() == text


def test_one_switch_changes_all_colours(viewer, ran, coffee):
    table = ran(coffee)
    labels = viewer.layers["image clusters"]
    assert table.extras.colors.currentText() == "Mean colours"
    means = labels.colormap.map(np.arange(1, 6))
    choose(table, "Distinct hues")
    hues = labels.colormap.map(np.arange(1, 6))
    apart = np.linalg.norm(hues[:, np.newaxis, :3] - hues[:, :3], axis=-1)
    assert apart[~np.eye(5, dtype=bool)].min() > 0.3
    choose(table, "Mean colours")
    np.testing.assert_allclose(labels.colormap.map(np.arange(1, 6)), means, atol=1e-6)
    table.undo()
    assert table.extras.colors.currentText() == "Distinct hues"


def test_grey_clusters_can_wear_their_greys(viewer, ran, cell):
    table = ran(cell)
    labels = viewer.layers["image clusters"]
    assert table.extras.colors.currentText() == "Distinct hues"
    choose(table, "Mean colours")
    greys = labels.colormap.map(np.arange(1, 6))
    low, high = viewer.layers["image"].contrast_limits
    expected = (labels.features["mean_intensity"][1:] - low) / (high - low)
    np.testing.assert_allclose(greys[:, 0], expected, atol=1e-6)
    np.testing.assert_array_equal(greys[:, 0], greys[:, 2])


def test_an_opacity_that_a_person_has_set_stays(viewer, ran, coffee):
    table = ran(coffee)
    labels = viewer.layers["image clusters"]
    labels.opacity = 0.9
    choose(table, "Distinct hues")
    assert labels.opacity == 0.9
    table.undo()
    assert labels.opacity == 0.9


def test_texts_are_put_on_the_clipboard(ran, coffee, copy_script):
    table = ran(coffee)
    clipboard = QGuiApplication.clipboard()
    QTest.mouseClick(table.extras.methods, Qt.MouseButton.LeftButton)
    assert f"napari-kmeans-seg {__version__}" in clipboard.text()
    assert table.message.text() == "Methods text of “image clusters” copied."
    copy_script(table)
    assert table.message.text() == "Python script of “image clusters” copied."
    assert "segment(image, n_clusters=5, channel_axis=" in clipboard.text()


def test_a_large_file_is_compared_while_the_interface_goes_on(
    viewer, dock, finish, laid_out, copy_script, qtbot, tmp_path
):
    path = tmp_path / "large.png"
    image = np.random.default_rng(0).integers(0, 250, (2000, 2000, 3), np.uint8)
    imsave(path, image, check_contrast=False)
    viewer.open(path, plugin="napari")
    widget = dock()
    widget.run()
    finish(widget)
    laid_out(widget)
    extras, beats = widget.clusters.extras, []
    QTest.mouseClick(extras.script, Qt.MouseButton.LeftButton)
    assert extras.script.text() == "Reading files …"
    assert not extras.script.isEnabled()
    beat = QTimer()
    beat.timeout.connect(lambda: beats.append(extras.busy))
    beat.start(1)
    qtbot.waitUntil(lambda: not extras.busy)
    beat.stop()
    assert any(beats), "the interface went on meanwhile"
    assert extras.script.text() == "Copy as Python"
    assert f"imread({str(path)!r})" in QGuiApplication.clipboard().text()


def test_a_file_that_holds_other_pixels_than_were_clustered_is_not_named(
    viewer, dock, finish, laid_out, copy_script, coffee, tmp_path
):
    """The image was turned, clustered, and turned back: its file holds what it shows."""
    path = tmp_path / "cup.png"
    imsave(path, coffee, check_contrast=False)
    (layer,) = viewer.open(path, plugin="napari")
    widget, clipboard = dock(), QGuiApplication.clipboard()
    layer.data = coffee[::-1].copy()
    widget.run()
    finish(widget)
    laid_out(widget)
    layer.data = coffee.copy()
    copy_script(widget.clusters)
    assert str(path) not in clipboard.text()
    assert "layer_name = 'cup'" in clipboard.text()
    assert "has other pixels by now" in clipboard.text().partition("import ")[0]


def test_a_dock_that_closes_while_files_are_read_copies_nothing(viewer, ran, coffee):
    table = ran(coffee)
    QGuiApplication.clipboard().setText("mine")
    QTest.mouseClick(table.extras.script, Qt.MouseButton.LeftButton)
    viewer.window.remove_dock_widget("all")
    QTest.qWait(100)
    assert not table.extras.busy
    assert QGuiApplication.clipboard().text() == "mine"


def test_the_script_can_be_copied_again_in_a_dock_that_was_closed_while_files_were_read(
    viewer, dock, finish, laid_out, copy_script, coffee
):
    viewer.add_image(coffee, name="image")
    widget = dock()
    widget.run()
    finish(widget)
    laid_out(widget)
    script = widget.clusters.extras.script
    QTest.mouseClick(script, Qt.MouseButton.LeftButton)
    viewer.window.remove_dock_widget(widget.native)
    viewer.window.add_dock_widget(widget)
    assert (script.text(), script.isEnabled()) == ("Copy as Python", True)
    laid_out(widget)
    copy_script(widget.clusters)
    assert "segment(" in QGuiApplication.clipboard().text()


def test_distinct_hues_stay_and_grow_with_another_run(viewer, ran, coffee, dock, finish):
    table = ran(coffee)
    labels = viewer.layers["image clusters"]
    choose(table, "Distinct hues")
    hues = labels.colormap.map(np.arange(1, 6))
    table.select([2])
    widget = dock()
    widget.n_clusters.value = 8
    widget.run()
    finish(widget)
    QTest.qWait(50)
    grown = labels.colormap.map(np.arange(1, 9))
    np.testing.assert_allclose(grown[:5], hues, atol=1e-6)
    assert len(np.unique(grown, axis=0)) == 8
    assert not (grown == (1, 0, 1, 1)).all(axis=1).any(), "magenta is what was painted by hand"
    assert table.extras.colors.currentText() == "Distinct hues"


def test_a_model_is_saved_with_what_was_done_and_labels_the_image_alike(
    viewer, ran, coffee, tmp_path, monkeypatch
):
    table = ran(coffee)
    path = tmp_path / "model.json"
    table.select([1, 3])
    table.merge()
    table.select([2])
    table.delete()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    table.extras.model.click()
    assert table.message.text() == "Saved as model.json."
    labels = next(layer for layer in viewer.layers if isinstance(layer, Labels))
    found = KMeansModel.load(path).predict(coffee)
    np.testing.assert_array_equal(found.labels, labels.data)


def test_a_model_that_cannot_be_written_says_why(ran, coffee, tmp_path):
    table = ran(coffee)
    table.extras.save_model(tmp_path / "nowhere" / "model.json")
    assert "nowhere" in table.message.text()


def test_what_was_just_painted_is_owned_up_to_in_what_is_copied(viewer, ran, coffee, copy_script):
    table = ran(coffee)
    labels = viewer.layers["image clusters"]
    clipboard = QGuiApplication.clipboard()
    labels.brush_size = 60
    # Pressed before the brush has rested, so that nothing is counted yet.
    labels.paint((100, 100), 2)
    table.extras.methods.click()
    assert "relabelled by hand" in clipboard.text()
    labels.paint((300, 100), 3)
    copy_script(table)
    assert "relabelled by hand" in clipboard.text().partition("import ")[0]


def test_the_script_calls_an_image_as_it_is_called_by_now(viewer, ran, coffee, copy_script):
    table = ran(coffee)
    viewer.layers["image"].name = "cup"
    copy_script(table)
    assert "layer_name = 'cup'" in QGuiApplication.clipboard().text()

"""The last settings come back next time."""

from __future__ import annotations

import pytest
import yaml
from napari import settings as napari_settings
from napari._qt.dialogs.preferences_dialog import PreferencesDialog
from qtpy.QtWidgets import QSpinBox

from napari_kmeans_seg.widget import KMeansWidget

from ..hands import forget_settings

NAME = "napari-kmeans-seg"


@pytest.fixture
def stored(settings_folder):
    return settings_folder / f"{NAME}.yaml"


@pytest.fixture
def close(viewer, qtbot):
    """Close a dock, and forget what napari has read of the settings: so begins a new session."""

    def close_and_forget(widget):
        viewer.window.remove_dock_widget(widget.native)
        forget_settings()

    return close_and_forget


def another(viewer):
    widget = KMeansWidget(viewer)
    viewer.window.add_dock_widget(widget, name="another")
    return widget


def test_k_and_options_come_back_next_time(viewer, dock, close, stored):
    widget = dock()
    widget.n_clusters.value = 12
    options = widget.more_options
    options.init.value = "k-means++"
    options.smoothing.value = 1.5
    options.tol.value = 0.000025
    options.add_image.value = False
    options.channel_weights.value = "1 1 0"
    close(widget)
    assert "n_clusters: 12" in stored.read_text()
    again = another(viewer)
    assert again.n_clusters.value == 12
    assert again.cluster_count.slider.value == 12
    assert again.more_options.parameters["init"] == "k-means++"
    assert again.more_options.parameters["smoothing"] == 1.5
    assert again.more_options.parameters["tol"] == 0.000025
    assert again.more_options.kinds == ("labels",)
    assert again.more_options.channel_weights.value == "", "it belongs to an image"


def test_settings_are_written_once_they_rest(dock, qtbot, stored):
    widget = dock()
    for k in range(2, 20):
        widget.n_clusters.value = k
    assert not stored.exists()
    qtbot.waitUntil(lambda: stored.exists() and "n_clusters: 19" in stored.read_text())


def test_a_setting_is_kept_where_the_window_closes_at_once(viewer, dock, stored, qtbot):
    widget = dock()
    qtbot.waitUntil(widget.native.isVisible)
    widget.n_clusters.value = 12
    viewer.close()
    assert "n_clusters: 12" in stored.read_text()


def test_optimal_is_kept_while_a_colour_image_cannot_have_it(viewer, dock, close, coffee, cell):
    viewer.add_image(cell)
    widget = dock()
    widget.more_options.init.value = "optimal"
    viewer.add_image(coffee)
    assert widget.more_options.parameters["init"] == "auto"
    close(widget)
    again = another(viewer)
    assert again.more_options.parameters["init"] == "auto"
    viewer.layers.selection.active = viewer.layers[0]
    assert again.more_options.parameters["init"] == "optimal"


def test_nothing_is_written_when_nothing_was_changed(viewer, dock, close, stored, coffee):
    viewer.add_image(coffee)
    close(dock())
    assert not stored.exists()


def test_reset_brings_back_the_first_values_and_forgets(viewer, dock, close, stored):
    widget = dock()
    first = widget.more_options.parameters
    widget.more_options.seed.value = 9
    close(widget)
    widget = another(viewer)
    assert widget.more_options.seed.value == 9
    widget.more_options.reset_button.native.click()
    assert widget.more_options.parameters == first
    close(widget)
    assert "seed" not in stored.read_text()
    assert another(viewer).more_options.parameters == first


def test_the_demo_shows_the_first_values_and_leaves_the_last_settings_alone(viewer, dock, close):
    widget = dock()
    widget.n_clusters.value = 12
    widget.more_options.init.value = "optimal"
    close(widget)
    demo = another(viewer)
    demo.start_afresh()
    assert (demo.n_clusters.value, demo.more_options.init.value) == (5, "auto")
    demo.n_clusters.value = 3
    close(demo)
    again = another(viewer)
    assert (again.n_clusters.value, again.more_options.init.value) == (12, "optimal")


def test_two_docks_keep_each_what_was_changed_in_it(viewer, dock, close):
    one, other = dock(), another(viewer)
    one.n_clusters.value = 3
    other.more_options.seed.value = 7
    close(one)
    close(other)
    again = another(viewer)
    assert (again.n_clusters.value, again.more_options.seed.value) == (3, 7)


def test_a_colour_space_is_kept_while_a_grey_image_has_none(viewer, dock, close, coffee, cell):
    viewer.add_image(coffee)
    widget = dock()
    widget.more_options.color_space.value = "hsv"
    viewer.add_image(cell)
    close(widget)
    again = another(viewer)
    assert again.more_options.parameters["color_space"] == "rgb", "the image is grey"
    viewer.layers.selection.active = viewer.layers[0]
    assert again.more_options.parameters["color_space"] == "hsv"


@pytest.mark.parametrize(
    "text",
    [
        "kmeans: {n_clusters: 0, seed: 4}",
        "kmeans: {n_clusters: many, init: '', seed: 4}",
        "kmeans: {seed: 4, color_space: cmyk}",
        "kmeans: {seed: 4, tol: small}",
        "kmeans: {seed: 4, tol: '7'}",
    ],
)
def test_stored_values_that_cannot_be_are_the_first_values(dock, stored, text):
    stored.write_text(text)
    widget = dock()
    assert widget.n_clusters.value == 5
    assert widget.more_options.parameters["init"] == "auto"
    assert widget.more_options.parameters["color_space"] == "rgb"
    assert widget.more_options.tol.value == 1e-4
    assert widget.more_options.seed.value == 4, "this one can be"


def test_every_napari_reads_and_writes_the_same_file(viewer, dock, close, stored):
    stored.write_text("kmeans: {n_clusters: 12, tol: '2.5e-05'}")
    widget = dock()
    assert (widget.n_clusters.value, widget.more_options.tol.value) == (12, 0.000025)
    widget.more_options.seed.value = 7
    close(widget)
    kept = {"n_clusters": 12, "tol": "2.5e-05", "seed": 7}
    assert yaml.safe_load(stored.read_text()) == {"kmeans": kept}


def test_they_stay_when_napari_is_updated(viewer, dock, close, monkeypatch):
    with monkeypatch.context() as older:
        older.delattr(napari_settings, "get_plugin_settings", raising=False)
        widget = dock()
        widget.n_clusters.value = 12
        close(widget)
        again = another(viewer)
        assert again.n_clusters.value == 12
        again.more_options.seed.value = 7
        close(again)
    updated = another(viewer)
    assert (updated.n_clusters.value, updated.more_options.seed.value) == (12, 7)


@pytest.mark.parametrize("text", ["{[", "- a list", "kmeans: 3", "\x00\x01"])
def test_a_broken_file_is_ignored(viewer, dock, finish, stored, text, cell):
    stored.write_text(text)
    viewer.add_image(cell)
    widget = dock()
    assert widget.n_clusters.value == 5
    widget.n_clusters.value = 2
    widget.run()
    finish(widget)
    assert widget.state == "done"


def test_a_folder_that_cannot_be_written_is_no_error(viewer, dock, close, settings_folder):
    widget = dock()
    # A folder in the place of the file, for root may write anywhere.
    (settings_folder / f"{NAME}.yaml").mkdir()
    widget.n_clusters.value = 2
    close(widget)


@pytest.mark.skipif(
    not hasattr(napari_settings, "get_plugin_settings"),
    reason="napari has preferences of plugins since 0.9",
)
def test_naparis_preferences_show_them_and_leave_the_others_alone(viewer, dock, close):
    widget = dock()
    widget.more_options.tol.value = 0.000025
    close(widget)
    dialog = PreferencesDialog(viewer.window._qt_window)
    pages = [dialog._list.item(i).text() for i in range(dialog._list.count())]
    assert "K-means segmentation" in pages
    form = dialog._stack.widget(pages.index("K-means segmentation"))
    clusters = next(box for box in form.findChildren(QSpinBox) if box.value() == 5)
    clusters.setValue(7)
    dialog.accept()
    again = another(viewer)
    assert again.n_clusters.value == 7
    assert again.more_options.tol.value == 0.000025


def test_the_folded_title_tells_which_options_are_not_as_at_first(viewer, dock, close):
    first = dock()
    title = first.more.button
    assert title.text() == "▸ More options"
    first.more_options.smoothing.value = 2
    first.more_options.add_image.value = False
    assert title.text() == "▸ More options (2 changed)"
    assert title.toolTip() == "Changed from the default: Smoothing, Segmented image."
    close(first)
    again = another(viewer)
    assert again is not first
    assert again.more.button.text() == "▸ More options (2 changed)"
    again.more_options.reset()
    assert again.more.button.text() == "▸ More options"
    assert again.more.button.toolTip() == ""

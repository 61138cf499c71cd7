"""When the plot of the clusters is drawn, and what it follows, in a real napari window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPointF
from qtpy.QtTest import QTest

from napari_kmeans_seg.widget.plots.frame import Look

from .pointer import colors_in, like, of, spot


def test_nothing_is_read_while_it_is_folded(viewer, dock, finish, coffee):
    viewer.add_image(coffee)
    widget = dock()
    widget.run()
    finish(widget)
    QTest.qWait(50)
    plot = widget.cluster_plot
    assert not plot.isVisible()
    assert not plot.busy
    widget.see.expand()
    assert plot.busy


def test_before_there_are_clusters_it_says_how_to_get_some(viewer, dock, coffee, settle):
    viewer.add_image(coffee)
    widget = dock()
    widget.see.expand()
    settle(widget.cluster_plot)
    assert widget.cluster_plot.note.text().startswith("Run")
    assert not widget.cluster_plot.scatter.isVisible()


def test_colours_are_drawn_as_a_scatter_plot_in_the_colours_of_the_canvas(viewer, ran, coffee):
    plot = ran(coffee).cluster_plot
    labels = viewer.layers["image clusters"]
    assert plot.scatter.isVisible()
    assert not plot.histogram.isVisible()
    drawn = colors_in(plot.scatter)
    assert all(like(of(labels, label), drawn) for label in range(1, 5))
    means = labels.features.set_index("label").loc[[1, 2, 3, 4], ["mean_red", "mean_green"]]
    for label, mean in means.iterrows():
        assert plot.scatter.cloud.centroids[label] == tuple(mean)


def test_grey_values_are_drawn_as_a_histogram(viewer, ran, cell):
    plot = ran(cell).cluster_plot
    labels = viewer.layers["image clusters"]
    assert plot.histogram.isVisible()
    assert not plot.scatter.isVisible()
    drawn = colors_in(plot.histogram)
    assert all(like(of(labels, label), drawn) for label in range(1, 5))
    assert plot.histogram.axes[0].name == "intensity"
    assert plot.note.text() == ""


def test_it_follows_colours_and_steps(viewer, ran, settle, coffee):
    widget = ran(coffee)
    plot, clusters = widget.cluster_plot, widget.clusters.clusters
    clusters.recolor({2: "lime"})
    settle(plot)
    assert like((0, 255, 0), colors_in(plot.scatter))
    clusters.merge([1, 2])
    settle(plot)
    assert set(plot.scatter.cloud.members.label) == set(plot.scatter.cloud.centroids) == {1, 3, 4}
    clusters.undo()
    settle(plot)
    assert set(plot.scatter.cloud.centroids) == {1, 2, 3, 4}


def test_work_that_leaves_the_pixels_alone_reads_none(ran, settle, coffee):
    widget = ran(coffee)
    plot, clusters = widget.cluster_plot, widget.clusters.clusters
    found = plot._found
    clusters.rename(2, "tissue")
    clusters.recolor_all("distinct")
    assert plot.busy
    settle(plot)
    assert plot._found is found
    assert like(of(clusters.layer, 2), colors_in(plot.scatter))
    clusters.merge([1, 2])
    settle(plot)
    assert plot._found is not found


def test_nothing_is_followed_until_a_piece_of_work_is_done(ran, settle, coffee):
    widget = ran(coffee)
    plot, table = widget.cluster_plot, widget.clusters
    settle(plot)
    layer = table.clusters.layer
    with table.clusters.changing():
        # What a step does to the layer, one after the other.
        layer.data = np.where(layer.data == 2, 1, layer.data)
        layer.features = layer.features.assign(new=1)
        layer.colormap = {**layer.colormap.color_dict, 1: "lime"}
        assert not plot.busy
        assert not widget.clusters._clock.awaits(table._read)
    assert plot.busy
    assert widget.clusters._clock.awaits(table._read)
    settle(plot)
    assert 2 not in plot.scatter.cloud.members.label
    assert like((0, 255, 0), colors_in(plot.scatter))


@pytest.mark.parametrize("kind", ["scatter", "histogram"])
def test_it_is_drawn_also_while_the_new_clusters_are_still_read(ran, coffee, kind):
    widget = ran(coffee if kind == "scatter" else coffee[..., 0])
    plot, clusters = getattr(widget.cluster_plot, kind), widget.clusters.clusters
    for labels in ([3, 4], [1, 2]):
        clusters.merge(labels)
        # The colours are those of now, the points those of before.
        plot.show_look(Look.of(clusters))
        plot.grab()
        for x in range(0, plot.width(), 10):
            told = plot.text_at(QPointF(x, 50) if kind == "scatter" else x)
            assert "Label 4" not in told
            assert "Cluster 4" not in told
    clusters.undo()
    clusters.undo()
    plot.show_look(Look.of(clusters))
    plot.grab()


def test_columns_that_a_person_adds_do_no_harm(viewer, ran, settle, coffee):
    plot = ran(coffee).cluster_plot
    plot.axes.setCurrentText("a*, b*")
    labels = viewer.layers["image clusters"]
    labels.features = labels.features.assign(mean_diameter=3.5)
    labels.data = labels.data.copy()
    settle(plot)
    assert plot.scatter.isVisible()
    assert plot.scatter.cloud.axes == ("a*", "b*")


def test_what_is_hidden_is_not_drawn_and_what_is_not_selected_is_faint(ran, settle, coffee):
    widget = ran(coffee)
    plot, table = widget.cluster_plot, widget.clusters
    table.clusters.recolor({1: "red", 2: "lime", 3: "blue", 4: "yellow"})
    settle(plot)
    table.clusters.colors.show(hidden=[2])
    settle(plot)
    drawn = colors_in(plot.scatter)
    assert not like((0, 255, 0), drawn, atol=40)
    assert like((255, 0, 0), drawn)
    table.clusters.colors.show(hidden=[1, 2, 3, 4])
    settle(plot)
    assert not like((255, 0, 0), colors_in(plot.scatter), atol=40)
    table.clusters.colors.show(hidden=[2])
    table.select([3])
    settle(plot)
    drawn = colors_in(plot.scatter)
    assert like((0, 0, 255), drawn)
    assert not like((255, 0, 0), drawn)


def test_live_preview_is_followed(ran, settle, coffee, qtbot):
    widget = ran(coffee)
    widget.live.value = True
    for k in (5, 7):
        widget.n_clusters.value = k
        qtbot.waitUntil(lambda: not widget.preview.busy, timeout=20_000)
        settle(widget.cluster_plot)
        assert set(widget.cluster_plot.scatter.cloud.centroids) == set(range(1, k + 1))


def test_another_image_is_followed(viewer, ran, settle, coffee, cell, finish):
    widget = ran(coffee)
    plot = widget.cluster_plot
    viewer.add_image(cell, name="cell")
    settle(plot)
    assert plot.note.text().startswith("Run")
    widget.run()
    finish(widget)
    settle(plot)
    assert plot.histogram.isVisible()
    viewer.layers.selection.active = viewer.layers["image clusters"]
    settle(plot)
    assert plot.scatter.isVisible()
    viewer.layers.remove("image")
    viewer.layers.selection.active = viewer.layers["image clusters"]
    plot._follow()
    settle(plot)
    assert "no longer" in plot.note.text()


def test_it_follows_the_theme_at_once(viewer, ran, coffee):
    plot = ran(coffee).cluster_plot.scatter
    for theme in ("light", "dark"):
        viewer.theme = theme
        QTest.qWait(50)
        place = plot.box().bottomLeft().toPoint()
        drawn = plot.grab().toImage().pixelColor(place.x() + 30, place.y())
        assert like(drawn.getRgb()[:3], [plot.ink("highlight").getRgb()[:3]], atol=40)
        assert plot.grab().toImage().pixelColor(place.x() + 2, 2) == plot.ink("background")


def test_it_fits_a_dock_of_three_hundred_pixels(ran, coffee):
    plot = ran(coffee).cluster_plot
    assert plot.minimumSizeHint().width() <= 280
    plot.resize(280, plot.height())
    for label in (1, 4):
        assert plot.scatter.rect().contains(spot(plot.scatter, label).toPoint())


# -- coming and going -------------------------------------------------------------------------


def test_nothing_is_left_when_the_dock_is_closed(viewer, ran, coffee):
    plot = ran(coffee).cluster_plot
    labels = viewer.layers["image clusters"]
    events = [labels.events[name] for name in ("data", "labels_update", "colormap", "features")]
    assert any(plot in _owners(event) for event in events)
    plot._read()
    viewer.window.remove_dock_widget("all")
    assert not any(plot in _owners(event) for event in [*events, viewer.events.theme])
    assert plot._found is None
    assert not plot.busy


def test_folded_again_it_lets_go_of_the_pixels(ran, settle, coffee):
    widget = ran(coffee)
    widget.see.button.click()
    assert widget.cluster_plot._found is None
    widget.see.expand()
    settle(widget.cluster_plot)
    assert widget.cluster_plot.scatter.isVisible()


def _owners(event):
    """The objects whose methods are called."""
    return [one[0]() for one in event.callbacks if isinstance(one, tuple)]

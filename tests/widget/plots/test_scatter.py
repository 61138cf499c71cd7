"""The scatter plot of clusters of colours, in a real napari window."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from ..hands import CONTROL, SHIFT
from .pointer import click, spot


def test_a_click_on_a_centroid_selects_its_row(ran, coffee):
    widget = ran(coffee)
    scatter, table = widget.cluster_plot.scatter, widget.clusters
    click(scatter, spot(scatter, 2))
    assert table.selected == [2]
    click(scatter, spot(scatter, 4), CONTROL)
    assert table.selected == [2, 4]
    click(scatter, spot(scatter, 2), SHIFT)
    assert table.selected == [4]
    click(scatter, scatter.box().topLeft())
    assert table.selected == []


def test_a_dot_tells_its_colour_its_pixels_and_its_cluster(viewer, ran):
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 20:] = 40, 120, 200
    image[:, 50:] = 250, 10, 60
    image[0, 50] = 251, 90, 60
    widget = ran(image, k=3)
    scatter = widget.cluster_plot.scatter
    dot = scatter.place(251, 90, scatter.axes)
    label = int(viewer.layers["image clusters"].data[0, 50])
    told = f"Cluster {label}\nred 251, green 90, blue 60\n1 pixel"
    assert scatter.text_at(dot) == told
    click(scatter, dot)
    assert widget.clusters.selected == [label]
    assert scatter.text_at(spot(scatter, label)) == f"Cluster {label}: centroid"


def test_axes_are_chosen_by_keyboard(ran, coffee, settle):
    plot = ran(coffee).cluster_plot
    assert plot.scatter.cloud.axes == ("red", "green")
    plot.axes.setFocus()
    QTest.keyClick(plot.axes, Qt.Key.Key_Down)
    assert plot.scatter.cloud.axes == ("red", "blue")
    QTest.keyClick(plot.axes, Qt.Key.Key_End)
    assert plot.axes.currentText() == "u*, v*"
    # The choice stays for the next result on the same kind of image.
    plot._read()
    settle(plot)
    assert plot.axes.currentText() == "u*, v*"


def test_what_was_clustered_in_lab_is_drawn_in_lab(ran, coffee, settle):
    plot = ran(coffee, color_space="lab").cluster_plot
    assert plot.scatter.cloud.axes == ("a*", "b*")
    assert -130 < plot.scatter.cloud.across.min() < plot.scatter.cloud.across.max() < 130
    # Chosen anew when the colour space is another, not with each run.
    plot.axes.setCurrentIndex(0)
    plot._read()
    settle(plot)
    assert plot.axes.currentIndex() == 0


def test_several_layers_give_their_names_to_the_axes(viewer, dock, finish, settle, coffee):
    names = ["nuclei", "actin", "tubulin"]
    layers = [viewer.add_image(coffee[..., i], name=name) for i, name in enumerate(names)]
    widget = dock()
    widget.see.expand()
    viewer.layers.selection = set(layers)
    widget.run()
    finish(widget)
    viewer.layers.selection.active = next(x for x in viewer.layers if "clusters" in x.name)
    plot = widget.cluster_plot
    settle(plot)
    assert [plot.axes.itemText(i) for i in range(plot.axes.count())] == [
        "nuclei, actin",
        "nuclei, tubulin",
        "actin, tubulin",
    ]
    assert plot.scatter.cloud.axes == ("nuclei", "actin")

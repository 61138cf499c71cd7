"""Which layer the dock takes, and what it says where there is none."""

from __future__ import annotations

import numpy as np

from .hands import names, push


def test_an_empty_viewer_says_what_to_do(dock):
    widget = dock()
    assert widget.state == "empty"
    assert "Open an image" in widget.layer_kind.value
    assert not widget.run_button.enabled


def test_an_empty_viewer_offers_a_sample(viewer, dock, qtbot):
    widget = dock()
    button = widget.target.sample_button
    qtbot.waitUntil(lambda: button.visible)
    push(qtbot, button)
    assert names(viewer) == ["coffee"]
    assert widget.state == "ready"
    assert not button.visible
    viewer.layers.clear()
    assert button.visible


def test_the_widget_follows_the_active_layer(viewer, dock, coffee, cell):
    widget = dock()
    viewer.add_image(coffee, name="coffee")
    assert widget.state == "ready"
    assert widget.layer_name.value == "coffee"
    assert widget.layer_kind.value == "600 × 400 pixels, RGB, uint8"
    grey = viewer.add_image(cell, name="cell")
    assert widget.layer_name.value == "cell"
    assert "grey" in widget.layer_kind.value
    grey.name = "renamed"
    assert widget.layer_name.value == "renamed"
    grey.data = cell[:50, :40].astype(np.float32)
    assert widget.layer_kind.value == "40 × 50 pixels, grey, float32"
    viewer.layers.selection.active = viewer.layers["coffee"]
    assert widget.layer_name.value == "coffee"


def test_a_layer_that_is_no_image_is_named(viewer, dock, cell, coffee):
    widget = dock()
    viewer.add_image(coffee, name="coffee")
    viewer.add_image(cell, name="cell")
    viewer.add_points([[1, 1]], name="dots")
    assert "“dots” is not an image" in widget.layer_kind.value
    assert not widget.run_button.enabled
    viewer.layers.selection.active = viewer.layers["cell"]
    assert widget.run_button.enabled


def test_who_works_on_the_clusters_of_an_image_can_run_it_again(
    viewer, dock, finish, qtbot, cell, coffee
):
    """Run was greyed out once somebody clicked the clusters, to paint or to pick on them."""
    viewer.add_image(coffee, name="coffee")
    viewer.add_image(cell, name="cell")
    widget = dock()
    push(qtbot, widget.run_button)
    finish(widget)
    viewer.layers.selection.active = viewer.layers["coffee"]
    assert widget.layer_name.value == "coffee"
    viewer.layers.selection.active = viewer.layers["cell clusters"]
    assert widget.layer_name.value == "cell"
    assert widget.state == "done"
    widget.n_clusters.value = 3
    push(qtbot, widget.run_button)
    finish(widget)
    assert names(viewer) == ["coffee", "cell", "cell k-means", "cell clusters"]
    assert viewer.layers["cell clusters"].data.max() == 3
    assert viewer.layers.selection.active.name == "cell clusters"


def test_who_sets_seeds_or_draws_a_region_can_run_the_image(
    viewer, dock, finish, qtbot, cell, coffee
):
    widget = dock()
    viewer.add_image(coffee, name="coffee")
    viewer.add_image(cell, name="cell")
    shapes = viewer.add_shapes([[[5, 5], [50, 50]]], shape_type="rectangle", name="where")
    assert not widget.run_button.enabled
    widget.inputs.region.value = str(shapes.unique_id)
    viewer.layers.selection.active = viewer.layers["cell"]
    viewer.layers.selection.active = shapes
    assert widget.layer_name.value == "cell"
    push(qtbot, widget.run_button)
    finish(widget)
    assert viewer.layers.selection.active is shapes
    assert widget.layer_name.value == "cell", "not the segmented image, active for a moment"
    assert widget.message.value.startswith("5 clusters")
    assert widget.run_button.enabled
    widget.live.value = True
    widget.n_clusters.value = 3
    labels = viewer.layers["cell clusters"]
    qtbot.waitUntil(lambda: np.asarray(labels.data).max() == 3, timeout=10_000)
    widget.live.value = False
    assert names(viewer) == ["coffee", "cell", "cell k-means", "cell clusters", "where"]
    widget.inputs.region.value = ""
    assert "“where” is not an image" in widget.layer_kind.value
    assert not widget.run_button.enabled


def test_a_selection_without_two_images_is_no_source(viewer, dock, cell):
    widget = dock()
    layers = {viewer.add_image(cell), viewer.add_points([[1, 1]])}
    viewer.layers.selection = layers
    viewer.layers.selection.active = None
    viewer.layers.selection = layers
    assert "one image" in widget.layer_kind.value
    assert not widget.run_button.enabled


def test_an_image_that_is_open_already_is_found(viewer, dock, cell):
    viewer.add_image(cell, name="cell")
    widget = dock()
    assert widget.layer_name.value == "cell"
    assert widget.run_button.enabled

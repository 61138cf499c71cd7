"""The dock widget in a real napari window."""

from __future__ import annotations

import warnings

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import Qt

from napari_kmeans_seg import segment

from .hands import at_rest, names, push

# -- a run


@pytest.mark.parametrize("kind", ["RGB", "RGBA", "grey", "float", "3D", "uint16"])
def test_run_adds_the_segmented_image_and_the_labels(
    viewer, dock, finish, qtbot, coffee, cell, kind
):
    opaque = np.full((*coffee.shape[:2], 1), 255, np.uint8)
    image = {
        "RGB": coffee,
        "RGBA": np.concatenate([coffee, opaque], axis=-1),
        "grey": cell,
        "float": cell / 255,
        "3D": np.stack([cell, cell[::-1]]),
        "uint16": cell.astype(np.uint16) * 200,
    }[kind]
    rgb = kind.startswith("RGB")
    viewer.add_image(image, name="picture", rgb=rgb)
    widget = dock()
    assert widget.n_clusters.value == 5
    widget.n_clusters.value = 3
    push(qtbot, widget.run_button)
    assert widget.state == "running"
    finish(widget)

    assert widget.state == "done"
    assert widget.message.value.startswith("3 clusters in ")
    assert not widget.warning.visible
    assert names(viewer) == ["picture", "picture k-means", "picture clusters"]
    expected = segment(image, 3, channel_axis=-1 if rgb else None)
    segmented, labels = viewer.layers["picture k-means"], viewer.layers["picture clusters"]
    assert isinstance(segmented, Image)
    assert isinstance(labels, Labels)
    assert segmented.rgb == rgb
    np.testing.assert_array_equal(labels.data, expected.labels)
    np.testing.assert_array_equal(segmented.data, expected.image)


@pytest.mark.parametrize("kind", ["pyramid", "Dask array"])
def test_pyramids_and_lazy_arrays_are_segmented_at_full_size(
    viewer, dock, finish, qtbot, coffee, kind
):
    if kind == "pyramid":
        viewer.add_image([coffee, coffee[::2, ::2]], name="coffee", multiscale=True, rgb=True)
    else:
        viewer.add_image(da.from_array(coffee, chunks=(100, 100, 3)), name="coffee", rgb=True)
    widget = dock()
    push(qtbot, widget.run_button)
    finish(widget)
    assert widget.state == "done"
    expected = segment(coffee, 5, channel_axis=-1)
    shown = [viewer.layers[name] for name in ("coffee clusters", "coffee k-means")]
    labels, image = (layer.data[0] if layer.multiscale else layer.data for layer in shown)
    np.testing.assert_array_equal(np.asarray(labels), expected.labels)
    np.testing.assert_array_equal(np.asarray(image), expected.image)
    assert [layer.multiscale for layer in shown] == [kind == "pyramid"] * 2
    push(qtbot, widget.run_button)
    finish(widget)
    assert names(viewer) == ["coffee", "coffee k-means", "coffee clusters"]


def test_run_again_writes_to_the_same_layers(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    push(qtbot, widget.run_button)
    finish(widget)
    layers = list(viewer.layers)
    layers[2].opacity = 0.2
    assert widget.layer_name.value == "coffee", "the source stays active"
    widget.n_clusters.value = 2
    push(qtbot, widget.run_button)
    finish(widget)
    assert [id(layer) for layer in viewer.layers] == [id(layer) for layer in layers]
    assert layers[2].data.max() == 2
    assert layers[2].opacity == 0.2


def test_labels_painted_while_it_runs_are_not_lost(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    push(qtbot, widget.run_button)
    finish(widget)
    labels = viewer.layers["coffee clusters"]
    push(qtbot, widget.run_button)
    labels.paint((50, 50), 4)
    painted = labels.data.copy()
    finish(widget)
    np.testing.assert_array_equal(labels.data, painted)
    assert names(viewer) == ["coffee", "coffee k-means", "coffee clusters", "coffee clusters [1]"]


def test_a_renamed_output_is_kept(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    push(qtbot, widget.run_button)
    finish(widget)
    viewer.layers["coffee k-means"].name = "figure 2"
    push(qtbot, widget.run_button)
    finish(widget)
    assert sorted(names(viewer)) == ["coffee", "coffee clusters", "coffee k-means", "figure 2"]


def test_outputs_lie_where_their_source_lies(viewer, dock, finish, qtbot, cell):
    layer = viewer.add_image(
        cell, name="cell", scale=(0.5, 0.25), rotate=30, translate=(3, 4), units=("µm", "µm")
    )
    widget = dock()
    push(qtbot, widget.run_button)
    finish(widget)
    for output in viewer.layers[1:]:
        np.testing.assert_allclose(output.extent.world, layer.extent.world)
        assert output.units == layer.units
    assert "area [µm²]" in viewer.layers["cell clusters"].features


def test_the_options_reach_the_segmentation(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    options = widget.more_options
    options.init.value = "random"
    options.n_init.value = 2
    options.seed.value = 7
    options.tol.value = 0.01
    options.max_iter.value = 50
    options.fit_percent.value = 50
    options.add_image.value = False
    push(qtbot, widget.run_button)
    finish(widget)
    assert widget.state == "done"
    assert names(viewer) == ["coffee", "coffee clusters"]
    used = viewer.layers["coffee clusters"].metadata["napari-kmeans-seg"]["parameters"]
    assert (used["init"], used["n_init"], used["seed"]) == ("random", 2, 7)
    assert (used["tol"], used["max_iter"], used["fit_scale"]) == (0.01, 50, 0.5)


def test_the_default_options_are_those_of_segment(dock):
    assert dock().more_options.parameters == {
        "init": "auto",
        "n_init": 1,
        "seed": 0,
        "tol": 1e-4,
        "max_iter": 300,
        "fit_scale": 1,
        "color_space": "rgb",
        "smoothing": 0,
        "spatial_weight": 0,
        "normalize": False,
        "channel_weights": None,
    }


def test_a_warning_stands_in_the_widget(viewer, dock, finish, qtbot):
    two_values = np.zeros((20, 20), np.uint8)
    two_values[:5] = 9
    viewer.add_image(two_values, name="stripes")
    widget = dock()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        push(qtbot, widget.run_button)
        finish(widget)
    assert widget.state == "done"
    assert widget.message.value.startswith("2 clusters")
    assert widget.warning.visible
    assert "2 distinct values, fewer than “Clusters” 5" in widget.warning.value
    assert viewer.layers["stripes clusters"].data.max() == 2
    viewer.add_image(two_values, name="another")
    assert not widget.warning.visible, "it was about the other layer"


def test_a_run_that_did_not_converge_says_what_to_do(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.more_options.max_iter.value = 1
    widget.more_options.tol.value = 0
    push(qtbot, widget.run_button)
    finish(widget)
    assert widget.state == "done"
    assert "Not converged: allow more “Iterations”" in widget.warning.value
    assert widget.more_options.max_iter.label == "⚠ Iterations", "it stands next to the cause"
    widget.more_options.max_iter.value = 300
    widget.more_options.tol.value = 1e-4
    widget.run()
    finish(widget)
    assert widget.more_options.max_iter.label == "Iterations"


def test_a_mark_leaves_the_fields_in_line(viewer, dock, finish, qtbot, coffee):
    viewer.add_image(coffee, name="coffee")
    widget = dock()
    widget.more.expand()
    options = widget.more_options
    fields = options.channel_weights.native, options.smoothing.native, options.seed.native
    qtbot.waitUntil(lambda: len({field.x() for field in fields}) == 1)
    options.channel_weights.value = "1, 2"
    widget.run()
    finish(widget)
    assert options.channel_weights.label == "⚠ Weights"
    assert len(set(at_rest(lambda: [field.x() for field in fields], qtbot))) == 1


def test_what_was_said_of_a_result_is_said_again_with_its_image(viewer, dock, finish, cell):
    viewer.add_image(cell, name="cell")
    widget = dock()
    widget.run()
    finish(widget)
    said = widget.message.value
    viewer.add_points([[1, 1]], name="dots")
    assert widget.message.value == said, "the dots are about the only image"
    viewer.add_image(cell[::-1], name="third")
    viewer.layers.selection.active = viewer.layers["dots"]
    assert widget.message.value == ""
    viewer.layers.selection.active = viewer.layers["cell"]
    assert (widget.state, widget.message.value) == ("done", said)
    viewer.add_image(cell, name="another")
    assert widget.message.value == "Ready."


# -- how it looks


def test_it_fits_a_dock_of_300_pixels(viewer, dock, qtbot, coffee):
    viewer.add_image(coffee, name="a_long_name_of_a_file-" * 4, rgb=True)
    widget = dock()
    assert widget.layer_name.value.replace("\u200b", "") == viewer.layers[0].name
    widget.more.expand()
    widget.where.expand()
    assert at_rest(lambda: widget.native.minimumSizeHint().width(), qtbot) <= 300


def test_more_options_are_folded_at_first(viewer, dock, qtbot):
    widget = dock()
    more = widget.more
    assert not more.content.isVisible()
    qtbot.mouseClick(more.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(more.content.isVisible)
    assert more.button.text() == "▾ More options"
    more.button.setFocus()
    qtbot.keyClick(more.button, Qt.Key.Key_Space)
    assert not more.content.isVisible()
    assert more.button.text() == "▸ More options"


def test_every_field_has_a_tooltip(dock):
    widget = dock()
    options = widget.more_options
    fields = [
        *(widget.n_clusters, widget.run_button, widget.cancel_button),
        *(options.init, options.n_init, options.seed, options.tol, options.max_iter),
        *(options.fit_percent, options.add_image, options.add_labels),
    ]
    assert all(field.tooltip for field in fields)

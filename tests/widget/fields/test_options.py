"""The fields under "More options"."""

from __future__ import annotations

import numpy as np
import pytest

from napari_kmeans_seg import segment


@pytest.fixture
def widget(viewer, dock, coffee):
    viewer.add_image(coffee, name="coffee")
    return dock()


def test_every_option_is_an_argument_of_segment(viewer, widget, finish, coffee):
    options = widget.more_options
    options.color_space.value = "lab"
    options.smoothing.value = 1.5
    options.spatial_weight.value = 0.2
    options.normalize.value = True
    options.channel_weights.value = "1, 2  0.5"
    widget.run()
    finish(widget)
    expected = segment(
        coffee,
        channel_axis=-1,
        color_space="lab",
        smoothing=1.5,
        spatial_weight=0.2,
        normalize=True,
        channel_weights=[1, 2, 0.5],
    )
    np.testing.assert_array_equal(viewer.layers["coffee clusters"].data, expected.labels)


def test_reset_brings_back_what_was_at_first(widget):
    options = widget.more_options
    first, kinds = options.parameters, options.kinds
    options.color_space.value = "hsv"
    options.channel_weights.value = "1 1 0"
    options.seed.value = 9
    options.fit_percent.value = 50
    options.add_image.value = False
    assert options.parameters != first
    options.reset_button.native.click()
    assert options.parameters == first
    assert options.kinds == kinds


@pytest.mark.parametrize(
    ("weights", "complaint"), [("1, red", "one number"), ("1, 2", "“Weights”")]
)
def test_bad_weights_are_reported_and_change_nothing(
    viewer, widget, finish, qtbot, weights, complaint
):
    widget.more_options.channel_weights.value = weights
    widget.run()
    finish(widget)
    assert widget.state == "error"
    assert complaint in widget.message.value
    assert len(viewer.layers) == 1
    widget.live.value = True
    qtbot.waitUntil(lambda: not widget.preview.busy, timeout=9000)
    assert len(viewer.layers) == 1


def test_colour_spaces_are_offered_for_colours_only(viewer, widget, finish, cell):
    colors = widget.more_options.color_space
    colors.value = "lab"
    viewer.add_image(cell, name="cell")
    assert not colors.enabled
    assert "Only RGB images" in colors.tooltip
    widget.run()
    finish(widget)
    assert widget.state == "done", "Lab of a grey image would be an error"
    viewer.layers.selection.active = viewer.layers["coffee"]
    assert colors.enabled
    assert colors.value == "lab", "what was chosen comes back"
    assert "to the eye" in colors.tooltip
    viewer.add_image(cell)
    widget.more_options.reset()
    viewer.layers.selection.active = viewer.layers["coffee"]
    assert colors.value == "rgb"


def test_optimal_is_offered_for_one_channel_only(viewer, widget, cell):
    init = widget.more_options.init
    assert "optimal" not in init.choices
    init.value = "random"
    viewer.add_image(cell, name="grey")
    assert "optimal" in init.choices
    assert init.value == "random", "it was chosen"
    init.value = "optimal"
    viewer.add_image(cell, name="another channel")
    viewer.layers.selection = set(viewer.layers[1:])
    assert init.value == "auto", "two channels"
    viewer.layers.selection.active = viewer.layers["grey"]
    assert init.value == "optimal"


def test_channels_of_several_layers_are_normalized_by_their_own_field(viewer, widget, cell):
    normalize = widget.more_options.normalize
    assert normalize.enabled
    normalize.value = True
    for name in ("one", "another"):
        viewer.add_image(cell, name=name)
    viewer.layers.selection = set(viewer.layers[1:])
    assert not normalize.enabled, "that beside the number of clusters counts"
    assert "Normalize each channel" in normalize.tooltip
    viewer.layers.selection.active = viewer.layers["coffee"]
    assert normalize.enabled
    assert normalize.value
    assert "Normalize each channel" not in normalize.tooltip

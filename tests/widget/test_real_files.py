"""What the dock calls real files, as napari's own reader opens them, and what comes out of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import skimage.data

FOLDER = Path(skimage.data.__file__).parent

SAYS = {
    "coffee.png": ("600 × 400 pixels, RGB, uint8", (400, 600)),
    "retina.jpg": ("1411 × 1411 pixels, RGB, uint8", (1411, 1411)),
    "cell.png": ("550 × 660 pixels, grey, uint8", (660, 550)),
    "logo.png": ("500 × 500 pixels, RGBA, uint8", (500, 500)),
    "chessboard_RGB.png": ("200 × 200 pixels, RGB, uint8", (200, 200)),
    "phantom.png": ("400 × 400 pixels, RGB, uint8", (400, 400)),
    "multipage.tif": ("2 × 15 × 10 pixels, grey, uint8", (2, 15, 10)),
    "multipage_rgb.tif": (
        "2 × 10 × 10 pixels, 3 channels along axis 1, float64",
        (2, 1, 10, 10),
    ),
    "lfw_subset.npy": ("200 × 25 × 25 pixels, grey, float64", (200, 25, 25)),
    "no_time_for_that_tiny.gif": (
        "24 × 25 × 14 pixels, 3 channels along axis 3, uint8",
        (24, 25, 14),
    ),
}


@pytest.mark.parametrize("name", SAYS)
def test_a_file_is_called_what_it_is(viewer, dock, finish, name):
    widget = dock()
    viewer.open(FOLDER / name, plugin="napari")
    says, shape = SAYS[name]
    assert widget.layer_kind.value == says
    widget.n_clusters.value = 2
    widget.run()
    finish(widget)
    assert widget.state == "done"
    labels = next(layer for layer in viewer.layers if layer.name.endswith("clusters"))
    assert labels.data.shape == shape

"""What the dock calls real files, as napari's own reader opens them, and what comes out of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import tifffile

FOLDER = Path(skimage.data.__file__).parent

SAYS = {
    "coffee.png": ("600 × 400 pixels, RGB, uint8", (400, 600)),
    "retina.jpg": ("1411 × 1411 pixels, RGB, uint8", (1411, 1411)),
    "cell.png": ("550 × 660 pixels, grey, uint8", (660, 550)),
    "logo.png": ("500 × 500 pixels, RGBA, uint8", (500, 500)),
    "chessboard_RGB.png": ("200 × 200 pixels, RGB, uint8", (200, 200)),
    "phantom.png": ("400 × 400 pixels, RGB, uint8", (400, 400)),
    "horse.png": ("400 × 328 pixels, RGBA, uint8", (328, 400)),
    "ihc.png": ("512 × 512 pixels, RGB, uint8", (512, 512)),
    "hubble_deep_field.jpg": ("1000 × 872 pixels, RGB, uint8", (872, 1000)),
    "page.png": ("384 × 191 pixels, grey, uint8", (191, 384)),
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


def test_a_file_is_called_what_it_is(viewer, dock, finish):
    widget = dock()
    widget.n_clusters.value = 2
    for name, (says, shape) in SAYS.items():
        viewer.open(FOLDER / name, plugin="napari")
        assert widget.layer_kind.value == says, name
        widget.run()
        finish(widget)
        assert widget.state == "done", name
        labels = next(layer for layer in viewer.layers if layer.name.endswith("clusters"))
        assert labels.data.shape == shape, name
        viewer.layers.clear()


@pytest.mark.parametrize(("planar", "axis"), [("separate", 0), ("contig", 2)])
def test_two_hundred_bands_are_channels(viewer, dock, finish, tmp_path, planar, axis):
    random = np.random.default_rng(0)
    spectra = 3000 + 80 * np.cumsum(random.normal(size=(2, 200)), axis=1)
    field = np.kron(random.integers(0, 2, (8, 10)), np.ones((6, 6), int))
    cube = (spectra[field] + random.normal(0, 20, (*field.shape, 200))).astype(np.uint16)
    cube = np.moveaxis(cube, -1, axis)
    path = tmp_path / "bands.tif"
    tifffile.imwrite(path, cube, photometric="minisblack", planarconfig=planar)
    widget = dock()
    viewer.open(path, plugin="napari")
    assert widget.layer_kind.value == f"60 × 48 pixels, 200 channels along axis {axis}, uint16"
    widget.n_clusters.value = 2
    widget.run()
    finish(widget)
    labels = next(layer for layer in viewer.layers if layer.name.endswith("clusters"))
    assert len({*zip(labels.data.ravel().tolist(), field.ravel().tolist(), strict=True)}) == 2
    assert len(labels.features.filter(like="mean").columns) == 200
    first = np.moveaxis(cube, axis, -1)[labels.data == 1].mean(axis=0)
    means = labels.features.set_index("label").filter(like="mean").loc[1]
    np.testing.assert_allclose(means, first, rtol=1e-6)

"""Beside a region the segmented image shows what the original shows."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_kmeans_seg.layers import LayerImage, Outputs, Region

INSIDE = np.zeros((40, 60), np.uint8)
INSIDE[10:30, 15:50] = 1


def pictures(kind):
    color = np.random.default_rng(0).integers(1, 256, (40, 60, 3), np.uint8)
    match kind:
        case "colour":
            return [color], {"rgb": True}
        case "alpha":
            opaque = np.full((40, 60, 1), 255, np.uint8)
            return [np.concatenate([color, opaque], -1)], {"rgb": True}
        case "grey":
            return [color[..., 0]], {}
        case "big-endian":
            return [color[..., 0].astype(">u2") * 99], {}
        case "floats":
            return [color[..., 0].astype(np.float32) / 255], {}
        case "layers":
            return [*np.moveaxis(color, -1, 0)], {}
        case "lazy":
            return [da.from_array(color[..., 0], chunks=16)], {"contrast_limits": (0, 255)}
        case "lazy colour":
            return [da.from_array(color, chunks=(16, 16, 3))], {"rgb": True}
    return [[np.kron(color, np.ones((2, 2, 1), np.uint8)), color]], {"multiscale": True}


@pytest.mark.parametrize(
    "kind",
    ["colour", "alpha", "grey", "big-endian", "floats", "layers", "lazy", "lazy colour", "pyramid"],
)
def test_the_original_stays_beside_a_region(kind):
    viewer, (images, words) = ViewerModel(), pictures(kind)
    layers = [viewer.add_image(image, name=f"s{i}", **words) for i, image in enumerate(images)]
    scale = 2 if kind == "pyramid" else 1
    inside = np.kron(INSIDE, np.ones((scale, scale), np.uint8))
    region = Region.of(Labels(inside, name="region"))
    source = replace(LayerImage.of(*layers), region=region)
    shown = Outputs.paint(source, source.segment(n_clusters=3)).show(viewer)
    painted = [layer for kind, layer in shown.items() if kind.startswith("image")]
    assert len(painted) == len(layers)
    for layer, own in zip(layers, painted, strict=True):
        original, image = (
            np.asarray(one.data[0] if one.multiscale else one.data) for one in (layer, own)
        )
        np.testing.assert_array_equal(image[inside == 0], original[inside == 0])
        assert len(np.unique(image[inside > 0].reshape(inside.sum(), -1), axis=0)) == 3
        assert image.dtype == original.dtype.newbyteorder("=")
        assert isinstance(own.data, da.Array) == ("lazy" in kind)

"""Every kind of layer gets the labels of its plain NumPy array, in its own place and form."""

from __future__ import annotations

import warnings
from typing import Any

import dask.array as da
import numpy as np
import pytest
import zarr
from napari.components import ViewerModel

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers import LayerImage, Outputs

SHAPES = {2: (24, 30), 3: (3, 24, 30), 4: (2, 3, 24, 30)}
CHANNEL_AXIS = {"grey": None, "RGB": -1, "several": 0}


def values(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 200, shape)
    if dtype == "float32":
        return (noise / 255).astype(dtype)
    return (noise * {"uint8": 1, "uint16": 257}[dtype]).astype(dtype)


def held(array: np.ndarray, form: str, rgb: bool) -> Any:
    """The array as napari may be given it."""
    chunks = (*[1] * (array.ndim - 2 - rgb), 10, 16, *[3] * rgb)
    if form == "Dask":
        return da.from_array(array, chunks=chunks)
    if form.startswith("Zarr"):
        return zarr.create_array(
            {}, data=array, chunks=chunks, zarr_format=2 if form == "Zarr 2" else 3
        )
    if form == "pyramid":
        half = array[..., ::2, ::2, :] if rgb else array[..., ::2, ::2]
        return [array, half]
    return array


@pytest.mark.parametrize("form", ["NumPy", "Dask", "Zarr 2", "Zarr 3", "pyramid"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", ["grey", "RGB", "several"])
@pytest.mark.parametrize("n_axes", [2, 3, 4])
def test_labels_place_and_dtype_are_those_of_the_source(n_axes, channels, dtype, form):
    rgb = channels == "RGB"
    shape = (*SHAPES[n_axes], 3) if rgb else SHAPES[n_axes]
    arrays = [values(shape, dtype, seed) for seed in range(3 if channels == "several" else 1)]
    viewer = ViewerModel()
    layers = [
        viewer.add_image(
            held(array, form, rgb),
            rgb=rgb,
            multiscale=form == "pyramid",
            contrast_limits=None if rgb else (0, float(array.max())),
            scale=(3, 2, 0.5, 0.25)[-n_axes:],
            translate=(7, 5, 3, 1)[-n_axes:],
            units=("s", "µm", "µm", "µm")[-n_axes:],
            name=f"channel {i}",
        )
        for i, array in enumerate(arrays)
    ]
    source = LayerImage.of(*layers)
    segmentation = source.segment(n_clusters=3)
    outputs = Outputs.paint(source, segmentation).show(viewer)

    together = np.stack(arrays) if channels == "several" else arrays[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = segment(together, 3, channel_axis=CHANNEL_AXIS[channels])
    labels = outputs.pop("labels")
    levels = labels.data if form == "pyramid" else [labels.data]
    assert isinstance(levels[0], da.Array) == (form in ("Dask", "Zarr 2", "Zarr 3"))
    np.testing.assert_array_equal(np.asarray(levels[0]), plain.labels)
    assert levels[0].dtype == plain.labels.dtype
    assert labels.features["pixels"].tolist() == [0, *plain.counts]
    assert len(outputs) == len(arrays)
    for i, image in enumerate(outputs.values()):
        shown = image.data[0] if form == "pyramid" else image.data
        expected = plain.image[i] if channels == "several" else plain.image
        assert shown.dtype == dtype
        np.testing.assert_allclose(np.asarray(shown), expected, rtol=1e-6)
        assert image.name == f"channel {i} k-means"
    for output in (labels, *outputs.values()):
        assert output.multiscale == (form == "pyramid")
        np.testing.assert_array_equal(output.scale, layers[0].scale)
        np.testing.assert_allclose(output.extent.world, layers[0].extent.world)
        assert output.units == layers[0].units

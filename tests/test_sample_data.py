"""The samples open as they are, from what is installed, with no network."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import skimage.data
from napari.components import ViewerModel
from napari.layers import Image
from npe2 import PluginManager, PluginManifest

from napari_kmeans_seg import sample_data

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = {
    "coffee": ("coffee", skimage.data.coffee),
    "histology": ("colon tissue", skimage.data.immunohistochemistry),
    "retina": ("retina", skimage.data.retina),
    "cell": ("cell", skimage.data.cell),
    "microaneurysms": ("microaneurysms", skimage.data.microaneurysms),
    "coins": ("coins", skimage.data.coins),
}

WITHOUT_A_NETWORK = """
import socket, sys

def refuse(*args, **kwargs):
    raise OSError("a sample reached for the network")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse

from napari_kmeans_seg import sample_data

for name in sys.argv[1:]:
    [(data, _, _)] = getattr(sample_data, name)()
    print(name, data.size)
"""


@pytest.fixture
def viewer() -> ViewerModel:
    PluginManager.instance().discover()
    return ViewerModel()


def test_every_sample_of_the_manifest_is_tested_here() -> None:
    samples = PluginManifest.from_distribution("napari-kmeans-seg").contributions.sample_data or ()
    assert {sample.key for sample in samples} == set(SAMPLES)


@pytest.mark.parametrize("key", SAMPLES)
def test_sample_opens_as_one_image_layer(viewer: ViewerModel, key: str) -> None:
    layer_name, original = SAMPLES[key]
    [layer] = viewer.open_sample("napari-kmeans-seg", key)
    assert isinstance(layer, Image)
    assert layer.name == layer_name
    assert layer.rgb == (original().ndim == 3)
    np.testing.assert_array_equal(layer.data, original())


def test_the_cell_has_its_published_pixel_size(viewer: ViewerModel) -> None:
    [layer] = viewer.open_sample("napari-kmeans-seg", "cell")
    np.testing.assert_allclose(layer.scale, (0.107, 0.107))
    assert [str(unit) for unit in layer.units] == ["micrometer", "micrometer"]


def test_a_sample_is_a_fresh_array_each_time() -> None:
    [(first, _, _)] = sample_data.coffee()
    first[:] = 0
    [(second, _, _)] = sample_data.coffee()
    assert second.any()


def test_samples_load_without_a_network_from_an_empty_cache(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_NETWORK, *SAMPLES],
        env={**os.environ, "SKIMAGE_DATADIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()] == list(SAMPLES)

"""A script names a file only where the file holds what was clustered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers._source import layer_source
from npe2 import PluginManager, PluginManifest
from skimage.io import imsave

from napari_kmeans_seg.layers.export.opened_files import files_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def viewer() -> Iterator[ViewerModel]:
    """A viewer that opens files by napari's own reader, which tests have to ask for."""
    plugins = PluginManager.instance()
    there = "napari" in plugins
    if not there:
        plugins.register(PluginManifest.from_distribution("napari"))
    yield ViewerModel()
    if not there:
        plugins.unregister("napari")


@pytest.fixture
def planes(cell) -> np.ndarray:
    """Five parts of a micrograph: (5, 64, 80) uint16."""
    parts = [cell[i : i + 64, 2 * i : 2 * i + 80] for i in range(0, 250, 50)]
    return np.stack(parts).astype(np.uint16) * 7


def opened(viewer, path, **settings):
    """Open a file as a person does."""
    (layer,) = viewer.open(path, plugin="napari", **settings)
    return layer


@pytest.mark.parametrize("name", ["cup.png", "cup.tif", "cup.jpg", "CUP.TIFF"])
def test_a_file_that_holds_the_image_is_named(viewer, coffee, tmp_path, name):
    imsave(tmp_path / name, coffee)
    assert files_of([opened(viewer, tmp_path / name)]) == (str(tmp_path / name),)


@pytest.mark.parametrize("settings", [{}, {"compression": "zlib"}, {"byteorder": ">"}])
@pytest.mark.parametrize("at_most", [64 << 20, 1 << 14])
def test_a_stack_in_one_file_is_named(viewer, planes, tmp_path, settings, at_most):
    """Whether all of it is compared or a sample."""
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, planes, **settings)
    layer = opened(viewer, path)
    assert files_of([layer], at_most) == (str(path),)
    layer.data = planes[::-1].copy()
    assert files_of([layer], at_most) == ()


def test_nan_is_what_it_was(viewer, tmp_path):
    image = np.linspace(0, 1, 10_000, dtype=np.float32).reshape(100, 100)
    image[3, 4] = np.nan
    tifffile.imwrite(tmp_path / "image.tif", image)
    assert files_of([opened(viewer, tmp_path / "image.tif")])


def test_of_files_that_were_opened_as_a_stack_none_is_named(viewer, planes, tmp_path):
    paths = [str(tmp_path / f"{i}.tif") for i in range(3)]
    for path, plane in zip(paths, planes, strict=False):
        tifffile.imwrite(path, plane)
    layer = opened(viewer, paths, stack=True)
    assert layer.data.shape == (3, 64, 80)
    assert files_of([layer]) == ()
    layer.data = np.asarray(layer.data)
    assert files_of([layer]) == ()


@pytest.mark.parametrize("name", ["cell.tif", "cell.png"])
@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:50, :50],
        lambda data: 255 - data,
        lambda data: data.astype(np.uint16),
        lambda data: np.where(np.arange(data.size).reshape(data.shape) == 999, 77, data),
    ],
)
def test_a_file_is_not_named_for_other_data(viewer, cell, tmp_path, name, change):
    imsave(tmp_path / name, cell)
    layer = opened(viewer, tmp_path / name)
    layer.data = change(cell)
    assert files_of([layer]) == ()


@pytest.mark.parametrize("now", ["gone", "broken", "another"])
@pytest.mark.parametrize("name", ["cell.tif", "cell.png"])
def test_a_file_that_was_changed_is_not_named(viewer, cell, tmp_path, name, now):
    path = tmp_path / name
    imsave(path, cell)
    layer = opened(viewer, path)
    if now == "gone":
        path.unlink()
    elif now == "broken":
        path.write_bytes(path.read_bytes()[:200])
    else:
        imsave(path, cell[::-1])
    assert files_of([layer]) == ()


def test_each_of_several_images_needs_a_file_of_its_own(viewer, cell, tmp_path):
    for name in "ab":
        imsave(tmp_path / f"{name}.tif", cell)
    layers = [opened(viewer, tmp_path / f"{name}.tif") for name in "ab"]
    assert files_of(layers) == tuple(str(tmp_path / f"{name}.tif") for name in "ab")
    assert files_of([layers[0], layers[0]]) == ()
    assert files_of([layers[0], viewer.add_image(cell)]) == ()


def test_a_pyramid_has_no_file_that_a_script_can_read(viewer, cell, tmp_path):
    imsave(tmp_path / "cell.tif", cell)
    with layer_source(path=str(tmp_path / "cell.tif")):  # as a reader of pyramids would
        layer = viewer.add_image([cell, cell[::2, ::2]], multiscale=True)
    assert files_of([layer]) == ()

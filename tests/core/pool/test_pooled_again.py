"""Values that are not counted are held up to a bound, and read again beyond it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
import tifffile
from distributed import Client, LocalCluster

from napari_kmeans_seg import KMeansModel, pool, segment
from napari_kmeans_seg.core.pool import pooled as pooled_images
from napari_kmeans_seg.core.pool import reader as pool_reader
from napari_kmeans_seg.core.pool import sources as pool_sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def small_bound(monkeypatch: pytest.MonkeyPatch, dask_limits: Callable[..., None]) -> None:
    """Let three images be too many to be held, and a sample be some of their pixels."""
    monkeypatch.setattr(pool_reader, "HELD_BYTES", 40_000)
    dask_limits(load_bytes=40_000, sample_values=2_000)


def images_of(n_channels: int, dtype: type) -> list[np.ndarray]:
    random = np.random.default_rng(4)
    images = []
    for shape in ((50, 60), (40, 55), (70, 30)):
        middle = random.choice([0.1, 0.4, 0.8], (*shape, 1))
        values = middle + random.normal(0, 0.03, (*shape, n_channels))
        images.append(values.astype(dtype) if n_channels > 1 else values[..., 0].astype(dtype))
    return images


def files_of(images: list[np.ndarray], folder: Path, n_channels: int) -> list[Path]:
    paths = []
    for i, image in enumerate(images):
        paths.append(folder / f"{i}.tif")
        how: dict[str, Any] = {"photometric": "rgb"} if n_channels == 3 else {}
        tifffile.imwrite(paths[-1], image, **how)
    return paths


@pytest.mark.usefixtures("small_bound")
@pytest.mark.filterwarnings("ignore:The clusters were found on a sample:UserWarning")
@pytest.mark.parametrize(
    ("n_channels", "arguments"),
    [(3, {}), (3, {"color_space": "lab"}), (3, {"normalize": True}), (1, {})],
)
def test_the_model_is_that_of_one_dask_array_of_all_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_channels: int, arguments: dict[str, Any]
) -> None:
    if n_channels == 1:
        # Counted first, and then no longer.
        few = partial(pool_sources.How, most=4_000)
        monkeypatch.setattr(pooled_images, "How", few)
    images = [np.clip(one, 0, 1) for one in images_of(n_channels, np.float32)]
    paths = files_of(images, tmp_path, n_channels)
    rows = np.concatenate([one.reshape(-1, n_channels) for one in images])
    axis = None if n_channels == 1 else -1
    whole = da.from_array(rows, chunks=(777, n_channels))
    expected = segment(whole, 4, channel_axis=-1, tol=0, **arguments).model
    lazy = [da.from_array(one, chunks=23) for one in images]
    for given in (paths, lazy, [paths[2], images[0], lazy[1]]):
        found = pool(given, channel_axis=axis, **arguments)
        assert repr(found).startswith(f"PooledImages(3 images, {len(rows):,} pixels")
        model = found.fit(4, tol=0)
        np.testing.assert_array_equal(model.feature_centroids, expected.feature_centroids)
        # Means that are not those that decide are joined, chunk by chunk.
        rtol = 1e-14 if "color_space" in arguments else 0
        np.testing.assert_allclose(model.centroids, expected.centroids, rtol=rtol)
        assert (model.space, model.values) == (expected.space, expected.values)
        assert model.channel_axis == axis
        assert model.n_spatial_axes == 2


@pytest.mark.usefixtures("small_bound")
def test_files_beyond_the_bound_are_not_held(tmp_path: Path) -> None:
    held, real = [], pool_reader.PoolReader.add

    def watch(self: Any, *arguments: Any) -> None:
        real(self, *arguments)
        held.append(sum(one.rows.nbytes for one in self._values.blocks if one.rows is not None))

    paths = files_of(images_of(3, np.float32), tmp_path, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool_reader.PoolReader, "add", watch)
        pool(paths)
        assert held == [36_000, 0, 0]
        held.clear()
        pool([tifffile.imread(path) for path in paths], channel_axis=-1)
        assert held == [36_000, 62_400, 87_600]


def test_up_to_the_bound_the_model_is_that_of_one_array_in_memory(tmp_path: Path) -> None:
    images = images_of(3, np.float32)
    rows = np.concatenate([one.reshape(-1, 3) for one in images])
    expected = segment(rows, 4, channel_axis=-1).model
    lazy = [da.from_array(one, chunks=9) for one in images]
    for given, axis in ((files_of(images, tmp_path, 3), None), (lazy, -1)):
        model = KMeansModel.fit(given, 4, channel_axis=axis)
        np.testing.assert_array_equal(model.feature_centroids, expected.feature_centroids)
        np.testing.assert_array_equal(model.centroids, expected.centroids)


@pytest.mark.usefixtures("small_bound")
@pytest.mark.parametrize("fate", ["gone", "changed"])
def test_a_file_that_is_another_one_when_it_is_read_again_is_named(
    tmp_path: Path, fate: str
) -> None:
    paths = files_of(images_of(3, np.float32), tmp_path, 3)
    with pytest.raises(OSError, match=r"images\[1\] \(1.tif\) (cannot be read again|has changed)"):
        pool(_and_then(paths, fate)).fit(3)


def _and_then(paths: list[Path], fate: str) -> Any:
    yield from paths
    if fate == "gone":
        paths[1].unlink()
    else:
        tifffile.imwrite(paths[1], np.zeros((5, 6, 3), np.float32), photometric="rgb")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_each_image_is_smoothed_by_itself(dtype: type, n_channels: int) -> None:
    scale = 1 if dtype is np.float64 else np.iinfo(dtype).max
    images = [(scale * np.clip(one, 0, 1)).astype(dtype) for one in images_of(n_channels, float)]
    axis = None if n_channels == 1 else -1
    one = KMeansModel.fit(images[:1], 3, channel_axis=axis, smoothing=1.5)
    expected = segment(images[0], 3, channel_axis=axis, smoothing=1.5)
    np.testing.assert_array_equal(one.feature_centroids, expected.model.feature_centroids)
    np.testing.assert_array_equal(one.centroids, expected.centroids)
    assert one.smoothing == (1.5, 1.5)
    np.testing.assert_array_equal(one.predict(images[0]).labels, expected.labels)
    all_of_them = KMeansModel.fit(images, 3, channel_axis=axis, smoothing=1.5, tol=0)
    found = [all_of_them.predict(image) for image in images]
    means = sum(np.nan_to_num(one.centroids) * one.counts[:, np.newaxis] for one in found)
    counts = sum(one.counts for one in found)
    np.testing.assert_allclose(all_of_them.centroids, means / counts[:, np.newaxis], rtol=1e-6)


@pytest.mark.usefixtures("small_bound")
def test_workers_of_a_cluster_in_another_folder_read_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files_of(images_of(3, np.float32), tmp_path, 3)
    names = ["0.tif", "1.tif", "2.tif"]
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster),
    ):
        monkeypatch.chdir(tmp_path)
        there = pool(names).fit(4, tol=0)
    here = pool(names).fit(4, tol=0)
    np.testing.assert_array_equal(there.feature_centroids, here.feature_centroids)
    np.testing.assert_array_equal(there.centroids, here.centroids)

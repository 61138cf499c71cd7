"""Labels and segmented images as OME-Zarr: complete, valid, and whole or not there."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Any

import dask
import dask.array as da
import numpy as np
import pytest
import skimage.data
import yaozarrs
import zarr

from napari_kmeans_seg import segment
from napari_kmeans_seg.core.cluster_colors import DISTINCT
from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.ngff.write import nearest
from napari_kmeans_seg.files.result_paths import result_paths
from napari_kmeans_seg.files.results import read_note, write_results

from .stores import VERSIONS, digests, write_image

if TYPE_CHECKING:
    from pathlib import Path

    from napari_kmeans_seg import Segmentation

both = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
def tissue() -> np.ndarray:
    """(3, 101, 90) uint8."""
    return np.moveaxis(skimage.data.immunohistochemistry()[:101, :90], -1, 0)


def written(path: Path, out: Path, seg: Segmentation | None = None, **options: Any) -> Path:
    out.mkdir(exist_ok=True)
    paths = result_paths(path, out)
    seg = segment(path, 3) if seg is None else seg
    write_results(read_image(path), seg, paths, **options)
    return paths.labels


def arrays(group: Path) -> list[zarr.Array]:
    numbers = sorted(path.name for path in group.iterdir() if path.name.isdecimal())
    return [zarr.open_array(group / one, mode="r") for one in numbers]


def attributes(group: Path) -> dict[str, Any]:
    found = zarr.open_group(group, mode="r").attrs.asdict()
    return found.get("ome", found)


@both
def test_labels_have_the_pyramid_the_axes_and_the_scale_of_the_image(
    tmp_path: Path, tissue: np.ndarray, version: str
) -> None:
    path = write_image(tmp_path / "a.zarr", tissue, version, n_levels=3, names="HED")
    store = written(path, tmp_path / "out")
    yaozarrs.validate_zarr_store(store)
    expected = segment(tissue, 3, channel_axis=0)
    labels = arrays(store / "labels" / "kmeans")
    for array, step in zip(labels, (1, 2, 4), strict=True):
        np.testing.assert_array_equal(array[:], expected.labels[::step, ::step])
        assert array.dtype == np.uint8
        assert array.metadata.zarr_format == (2 if version == "0.4" else 3)
    assert labels[0].chunks == (32, 32)
    for array, step in zip(arrays(store), (1, 2, 4), strict=True):
        np.testing.assert_array_equal(array[:], expected.image[:, ::step, ::step])
    said, source = (attributes(one)["multiscales"][0] for one in (store, path))
    assert said["axes"] == source["axes"]
    [of_labels] = attributes(store / "labels" / "kmeans")["multiscales"]
    assert of_labels["axes"] == source["axes"][1:]
    for i, step in enumerate((1, 2, 4)):
        transformations = [
            one["datasets"][i]["coordinateTransformations"] for one in (said, source, of_labels)
        ]
        assert transformations[0] == transformations[1]
        assert transformations[2] == [{"type": "scale", "scale": [0.5 * step, 0.25 * step]}]
    again = read_image(store)
    assert again.channel_names == ("H", "E", "D")


@both
def test_clusters_have_their_names_colours_and_counts(
    tmp_path: Path, tissue: np.ndarray, version: str
) -> None:
    from dataclasses import replace

    path = write_image(tmp_path / "a.zarr", tissue, version)
    model = replace(segment(path, 3).model, names={1: "nuclei"}, colors={2: "#102030"})
    seg = model.predict(path)
    store = written(path, tmp_path / "out", seg, note={"series": 0}, made_of={"input": "x"})
    said = attributes(store / "labels" / "kmeans")["image-label"]
    assert [one["rgba"][:3] for one in said["colors"]] == [
        list(bytes.fromhex(DISTINCT[0][1:])),
        [16, 32, 48],
        list(bytes.fromhex(DISTINCT[2][1:])),
    ]
    assert [one["name"] for one in said["properties"]] == ["nuclei", "cluster 2", "cluster 3"]
    counts = seg.counts.tolist()
    assert [one["pixels"] for one in said["properties"]] == counts
    assert [one["percent"] for one in said["properties"]] == [100 * n / sum(counts) for n in counts]
    note = read_note(store)
    assert (note["made_of"], note["input"]) == ({"input": "x"}, {"series": 0})
    assert note["pixel_size"] == ["area", 0.125, "µm²"]


@both
@pytest.mark.parametrize(("axes", "shape"), [("yx", (50, 60)), ("tczyx", (2, 3, 2, 50, 60))])
def test_other_axes(tmp_path: Path, version: str, axes: str, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 9, shape).astype(np.uint16)
    path = write_image(tmp_path / "a.zarr", pixels, version, axes)
    store = written(path, tmp_path / "out")
    yaozarrs.validate_zarr_store(store)
    expected = segment(pixels, 3, channel_axis=1 if "c" in axes else None)
    np.testing.assert_array_equal(arrays(store / "labels/kmeans")[0][:], expected.labels)
    np.testing.assert_array_equal(arrays(store)[0][:], expected.image)


def test_labels_that_lie_in_memory_are_written_alike(tmp_path: Path, tissue: np.ndarray) -> None:
    path = write_image(tmp_path / "a.zarr", tissue)
    seg = segment(path, 3, smoothing=1)
    assert isinstance(seg.labels, np.ndarray)
    store = written(path, tmp_path / "out", seg)
    np.testing.assert_array_equal(arrays(store / "labels/kmeans")[0][:], seg.labels)
    np.testing.assert_array_equal(arrays(store)[0][:], seg.image)


@pytest.mark.parametrize("shards", [None, (1, 48, 32)])
def test_each_chunk_or_shard_is_written_by_one(
    tmp_path: Path, tissue: np.ndarray, shards: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Many small pieces at once: two that wrote into one file would lose pixels of each other.
    monkeypatch.setattr("napari_kmeans_seg.files.base.pyramid.CHUNK_VALUES", 1)
    path = write_image(tmp_path / "a.zarr", tissue, chunks=(1, 16, 16), shards=shards, n_levels=3)
    seg = segment(path, 3)
    assert isinstance(seg.labels, da.Array)
    assert seg.labels.numblocks == ((3, 3) if shards else (7, 6))
    with dask.config.set(scheduler="threads", num_workers=8):
        store = written(path, tmp_path / "out", seg)
    labels = arrays(store / "labels" / "kmeans")
    expected = segment(tissue, 3, channel_axis=0).labels
    for array, step in zip(labels, (1, 2, 4), strict=True):
        np.testing.assert_array_equal(array[:], expected[::step, ::step])
        assert array.shards == (shards and shards[1:])


@pytest.mark.parametrize(
    ("n", "m", "where"),
    [
        (6, 3, [0, 2, 4]),
        (5, 3, [0, 2, 4]),
        (5, 2, [0, 2]),
        (7, 7, [*range(7)]),
        (9, 3, [0, 3, 6]),
        (10, 4, [1, 3, 6, 8]),
        (1, 1, [0]),
        (2, 4, [0, 0, 1, 1]),
    ],
)
def test_the_pixels_of_a_coarser_level(n: int, m: int, where: list[int]) -> None:
    assert nearest(n, m).tolist() == where


# -- nothing half written ---------------------------------------------------------------


@both
@pytest.mark.parametrize("old", [True, False])
def test_a_disk_that_is_full_leaves_what_was_there(tmp_path: Path, version: str, old: bool) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 400, 400)).astype(np.uint8)
    path = write_image(tmp_path / "a.zarr", noise, version, chunks=(1, 400, 400))
    out = tmp_path / "out"
    if old:
        written(path, out, segment(path, 2))
    before = digests(out)
    seg = segment(path, 200)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # As full as a disk is: no file can have more bytes.
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            written(path, out, seg, overwrite=old)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert digests(out) == before
    assert sorted(one.name for one in out.iterdir()) == (
        ["a_clusters.csv", "a_segmented.zarr"] if old else []
    )


def test_what_a_worker_that_died_has_left_is_gone(tmp_path: Path, tissue: np.ndarray) -> None:
    path = write_image(tmp_path / "a.zarr", tissue)
    seg = segment(path, 3)

    def leave(block: np.ndarray) -> np.ndarray:
        [store] = (tmp_path / "out").rglob("labels/kmeans/0")
        (store / "c").mkdir(exist_ok=True)
        (store / "c" / "0.1234.partial").touch()
        return block

    seg.__dict__["labels"] = seg.labels.map_blocks(leave, dtype=seg.labels.dtype)
    store = written(path, tmp_path / "out", seg)
    assert list(store.rglob("*.partial")) == []

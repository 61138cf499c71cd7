"""Labels that are written into the OME-Zarr image they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaozarrs
import zarr

from napari_kmeans_seg import segment

from ..files.ngff.stores import (
    VERSIONS,
    digests,
    write_group,
    write_image,
)
from .shell import run

if TYPE_CHECKING:
    from pathlib import Path

both = pytest.mark.parametrize("version", VERSIONS)


@both
def test_labels_go_into_the_source_only_when_asked_and_touch_nothing_else(
    tmp_path: Path, cells: np.ndarray, version: str
) -> None:
    image = write_image(tmp_path / "a.zarr", cells, version)
    before = digests(image)
    done = run("segment", image, "-k", 3, "-o", tmp_path / "out", "--into-source")
    assert done.returncode == 0, done.stderr
    after = digests(image)
    assert {name: after[name] for name in before} == before
    assert {name.split("/")[0] for name in set(after) - set(before)} == {"labels"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a_clusters.csv"]
    yaozarrs.validate_zarr_store(image)
    labels = zarr.open_array(image / "labels" / "kmeans" / "0", mode="r")[:]
    np.testing.assert_array_equal(labels, segment(cells, 3, channel_axis=0).labels)
    done = run("segment", image, "-k", 2, "-o", tmp_path / "more", "--into-source")
    assert done.returncode == 2
    assert "labels/kmeans: there already; --overwrite replaces what is there" in done.stderr
    assert digests(image) == after
    done = run("segment", image, "-k", 2, "-o", tmp_path / "more", "--into-source", "--overwrite")
    assert done.returncode == 0, done.stderr
    assert zarr.open_array(image / "labels" / "kmeans" / "0", mode="r")[:].max() == 2


@both
def test_labels_of_others_stay(tmp_path: Path, cells: np.ndarray, version: str) -> None:
    image = write_image(tmp_path / "a.zarr", cells, version)
    run("segment", image, "-k", 3, "-o", tmp_path / "out", "--into-source")
    labels = image / "labels"
    (labels / "kmeans").rename(labels / "nuclei")
    write_group(labels, version, {"labels": ["nuclei"]}, mine={"a": 1})
    before = digests(labels / "nuclei")
    done = run("segment", image, "-k", 2, "-o", tmp_path / "again", "--into-source")
    assert done.returncode == 0, done.stderr
    assert digests(labels / "nuclei") == before
    group = zarr.open_group(labels, mode="r").attrs.asdict()
    assert group["mine"] == {"a": 1}
    assert group.get("ome", group)["labels"] == ["nuclei", "kmeans"]
    yaozarrs.validate_zarr_store(image)


def test_labels_do_not_follow_a_link_out_of_the_source(tmp_path: Path, cells: np.ndarray) -> None:
    image = write_image(tmp_path / "a.zarr", cells)
    (tmp_path / "elsewhere").mkdir()
    (image / "labels").symlink_to(tmp_path / "elsewhere")
    done = run("segment", image, "-k", 3, "-o", tmp_path / "out", "--into-source")
    assert done.returncode == 1
    assert "'labels', a link that leads out of its folder" in done.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert not (tmp_path / "out").exists()


def test_files_have_no_labels_of_their_own(tmp_path: Path) -> None:
    import skimage.io

    skimage.io.imsave(tmp_path / "a.png", np.zeros((9, 9), np.uint8), check_contrast=False)
    done = run("segment", tmp_path / "a.png", "--into-source", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "--into-source takes OME-Zarr images only" in done.stderr


def test_new_labels_that_consolidated_metadata_hide_are_told(
    tmp_path: Path, cells: np.ndarray
) -> None:
    image = write_image(tmp_path / "a.zarr", cells, "0.4")
    zarr.consolidate_metadata(str(image))
    before = digests(image)
    done = run("segment", image, "-k", 2, "-o", tmp_path / "out", "--into-source")
    assert done.returncode == 0, done.stderr
    assert "a.zarr has consolidated metadata, in which the new labels are not" in done.stderr
    after = digests(image)
    assert {name: after[name] for name in before} == before

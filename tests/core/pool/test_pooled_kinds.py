"""Images of a pool are of one kind: what differs is told, by the name of the image."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_kmeans_seg import KMeansModel, pool, segment

if TYPE_CHECKING:
    from pathlib import Path

VALUES = np.random.default_rng(2).integers(0, 200, (3, 12, 16), np.uint8)


def written(path: Path, image: np.ndarray, **how: Any) -> Path:
    tifffile.imwrite(path, image, **how)
    return path


def test_channels_on_another_axis_are_refused(tmp_path: Path) -> None:
    metadata = {"axes": "CYX"}
    planes = written(tmp_path / "p.ome.tif", VALUES, ome=True, metadata=metadata)
    colors = written(tmp_path / "c.tif", np.moveaxis(VALUES, 0, -1).copy(), photometric="rgb")
    with pytest.raises(ValueError, match=r"images\[1\] \(c.tif\): it is an image of 3 channels on "
                       "its last axis, as of colours; the first image is an image of 3 channels on "
                       "its third last axis. Give images of one kind"):  # fmt: skip
        pool([planes, colors])
    # The channel axis is counted from the end, as `predict` takes it.
    with pytest.raises(ValueError, match=r"images\[1\]: it is an image of 3 channels on its 4th"):
        pool([VALUES, VALUES[:, np.newaxis]], channel_axis=0)


def test_a_grey_image_among_colours_is_taken_for_one() -> None:
    rgb = np.moveaxis(VALUES, 0, -1)
    with pytest.raises(ValueError, match=r"images\[1\]: takes the channels of the first image, 3; "
                       r"got \d+ on the last axis, of 2 in all, so perhaps an image of one "
                       r"channel \(grey\)\. Give images of one kind"):  # fmt: skip
        pool([rgb, rgb[..., 0]], channel_axis=-1)


def test_colors_are_not_pooled_with_other_channels(tmp_path: Path) -> None:
    last = np.moveaxis(VALUES, 0, -1).copy()
    colors = written(tmp_path / "c.tif", last, photometric="rgb")
    plain = written(
        tmp_path / "p.tif", last, photometric="minisblack", planarconfig="contig",
        extrasamples=("unspecified",) * 2,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"images\[1\] \(p.tif\): its channels are no colours, by "
                       "what the file says; those of the first image are red, green"):  # fmt: skip
        pool([colors, plain])


def test_alpha_in_one_image_only_is_refused() -> None:
    rgba = np.random.default_rng(1).integers(1, 255, (5, 6, 4), np.uint8)
    with pytest.raises(
        ValueError,
        match=r"images\[1\]: it is an image of 3 channels on its last "
        "axis, as of colours; the first image is an image of 3 channels and alpha",
    ):
        pool([rgba, rgba[..., :3]], channel_axis=-1)  # fmt: skip


def test_stacks_and_planes_are_pooled_unless_they_are_smoothed() -> None:
    stack, plane = VALUES, VALUES[0]
    assert pool([stack, plane]).n_images == 2
    with pytest.raises(ValueError, match=r"images\[1\]: takes the 3 spatial axes of the first"):
        pool([stack, plane], smoothing=1)


def test_an_image_that_fails_in_its_middle_says_nothing_of_the_others() -> None:
    def fail_later(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        if block_info[0]["chunk-location"] == (1, 0):
            raise ValueError("the disk is gone")
        return block

    bad = da.from_array(VALUES[0].astype(float), chunks=6).map_blocks(fail_later, dtype=float)
    failed = []
    pooled = pool([bad, VALUES[1]], failed=lambda i, problem: failed.append((i, str(problem))))
    assert failed == [(0, "the disk is gone")]
    expected = KMeansModel.fit([VALUES[1]], 3)
    np.testing.assert_array_equal(pooled.fit(3).centroids, expected.centroids)


@pytest.mark.parametrize("nowhere", [0, 1])
@pytest.mark.parametrize("by_mask", [False, True])
def test_a_chunk_without_a_pixel_that_takes_part_adds_nothing(
    nowhere: int, *, by_mask: bool
) -> None:
    image = np.arange(1, 9, dtype=np.float32).reshape(4, 2)
    mask = np.ones(image.shape, bool)
    rows = slice(2 * nowhere, 2 * nowhere + 2)
    mask[rows] = False
    if not by_mask:
        image[rows] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pixels that are not finite
        lazy = da.from_array(image, chunks=(2, 2))
        found = pool([lazy], masks=[mask] if by_mask else None, channel_axis=None).fit(2)
    np.testing.assert_array_equal(found.centroids, segment(image[mask], 2).model.centroids)

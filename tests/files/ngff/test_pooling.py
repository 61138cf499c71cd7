"""A store that is fitted is read chunk by chunk, each once, and never held as a whole."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
import skimage.data
import zarr

from napari_kmeans_seg import KMeansModel, pool, segment
from napari_kmeans_seg.files.input_file import InputFile
from napari_kmeans_seg.files.part import Limits

from .stores import field_of_cells, multiscales, write_group, write_image

if TYPE_CHECKING:
    from pathlib import Path


def test_a_model_is_fitted_on_200_megapixels_within_a_part_of_their_size(tmp_path: Path) -> None:
    tissue = np.moveaxis(skimage.data.immunohistochemistry(), -1, 0)
    side, path = 14_336, tmp_path / "slide.zarr"
    write_group(path, "0.5", {"multiscales": multiscales("0.5", "cyx", (1,))})
    array = zarr.create_array(
        str(path / "s0"), shape=(3, side, side), chunks=(3, 2048, 2048), dtype="u1", fill_value=255
    )
    array[:, :512, :512] = tissue
    array[:, -512:, -512:] = tissue[:, ::-1]
    KMeansModel.fit([tissue], 3, channel_axis=0)
    tracemalloc.start()
    try:
        model = KMeansModel.fit([path], 3)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 3 * side * side > 600e6
    assert most < 250e6  # the table of all colours is 134 MB of it
    # What is white has a cluster of its own, so that the rest is two of the tissue.
    assert model.centroids[2].tolist() == pytest.approx([255] * 3, abs=1)
    two = KMeansModel.fit([tissue, tissue[:, ::-1]], 2, channel_axis=0)
    assert abs(model.centroids[:2] - two.centroids).max() < 60


@pytest.mark.parametrize("held", [1 << 28, 1 << 10])
@pytest.mark.parametrize("share", [0, 30])
def test_chunks_that_are_held_or_read_again_give_the_model_of_the_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int, share: int
) -> None:
    monkeypatch.setattr("napari_kmeans_seg.core.pool.reader.HELD_BYTES", held)
    monkeypatch.setattr("napari_kmeans_seg.files.base.pyramid.CHUNK_VALUES", 1)
    cells = [field_of_cells(n, 100) for n in (0, 5)]
    paths = [
        write_image(tmp_path / f"{i}.zarr", one, names=("DAPI", "GFP", "RFP"))
        for i, one in enumerate(cells)
    ]
    whole = np.concatenate(cells, axis=1)
    low = int(np.percentile(whole.min(axis=0), share)) if share else None
    mask = None if low is None else (whole >= low).all(axis=0)
    pooled = pool([InputFile(path, limits=Limits(low=low)) for path in paths])
    expected = segment(whole, 3, channel_axis=0, mask=mask, tol=0)
    model = pooled.fit(3, tol=0)
    np.testing.assert_allclose(model.centroids, expected.centroids, rtol=1e-9)
    assert model.channel_names == ("DAPI", "GFP", "RFP")
    n_pixels = whole[0].size if mask is None else int(mask.sum())
    assert f"{n_pixels:,} pixels" in repr(pooled)

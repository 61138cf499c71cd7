"""A Dask array gets what the same NumPy array gets, block by block and when asked."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
import skimage.data

from napari_kmeans_seg import segment
from napari_kmeans_seg.core import blockwise

COFFEE = skimage.data.coffee()
FLOATS = np.random.default_rng(0).gamma(2, size=(200, 300, 2))


@pytest.mark.parametrize(
    ("image", "chunks", "arguments"),
    [
        (COFFEE, (100, 150, 3), {"channel_axis": -1}),
        (COFFEE, (170, 600, 1), {"channel_axis": -1}),
        (np.moveaxis(COFFEE, -1, 0), (3, 77, 600), {"channel_axis": 0}),
        (skimage.data.cell(), (100, 100), {}),
        (skimage.data.cell().astype(np.uint16) * 99, (660, 60), {"n_clusters": 9}),
        (FLOATS, (64, 100, 2), {"channel_axis": -1}),
        (COFFEE, (100, 150, 3), {"channel_axis": -1, "mask": COFFEE[..., 0] > 90}),
        (COFFEE, (100, 150, 3), {"channel_axis": -1, "color_space": "lab"}),
        (COFFEE, (100, 150, 3), {"channel_axis": -1, "normalize": True, "n_init": 2}),
    ],
    ids=str,
)
def test_labels_centroids_and_counts_are_those_of_the_array_in_memory(
    image: np.ndarray, chunks: tuple[int, ...], arguments: dict[str, Any]
) -> None:
    expected = segment(image, **arguments)
    found = segment(da.from_array(image, chunks=chunks), **arguments)
    assert isinstance(found.labels, da.Array)
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)
    np.testing.assert_allclose(found.centroids, expected.centroids, rtol=1e-12)
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_allclose(found.inertia, expected.inertia, rtol=1e-12)
    painted = np.asarray(found.image)
    assert painted.dtype == image.dtype
    np.testing.assert_allclose(painted, expected.image, rtol=1e-12)


def test_every_pixel_has_a_label_when_a_copy_was_fitted() -> None:
    lazy = da.from_array(COFFEE, chunks=(100, 150, 3))
    with pytest.warns(UserWarning, match="copy at fit_scale"):
        found = segment(lazy, 5, channel_axis=-1, fit_scale=0.5)
    labels = found.labels.compute()
    np.testing.assert_array_equal(np.unique(labels), [1, 2, 3, 4, 5])
    expected = segment(COFFEE, 5, channel_axis=-1, fit_scale=0.5)
    assert (labels == expected.labels).mean() > 0.97, "the copies differ at the edges of blocks"


def test_alpha_of_a_lazy_image_is_kept_and_transparent_pixels_take_no_part() -> None:
    image = np.dstack([COFFEE, np.full(COFFEE.shape[:2], 200, np.uint8)])
    image[:120, :200, 3] = 0
    expected = segment(image, 4, channel_axis=-1)
    found = segment(da.from_array(image, chunks=(100, 150, 4)), 4, channel_axis=-1)
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)
    np.testing.assert_array_equal(found.image.compute(), expected.image)
    assert not found.labels[:120, :200].any().compute()


def test_the_mask_may_be_lazy_and_in_other_chunks() -> None:
    mask = COFFEE[..., 0] > 90
    expected = segment(COFFEE, 4, channel_axis=-1, mask=mask)
    found = segment(
        da.from_array(COFFEE, chunks=(100, 150, 3)),
        4,
        channel_axis=-1,
        mask=da.from_array(mask, chunks=(77, 300)),
    )
    np.testing.assert_array_equal(found.labels.compute(), expected.labels)
    np.testing.assert_array_equal(found.counts, expected.counts)


def test_floats_up_to_the_sample_are_all_fitted_and_of_more_a_sample_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lazy = da.from_array(FLOATS, chunks=(64, 100, 2))
    monkeypatch.setattr(blockwise, "SAMPLE_PIXELS", FLOATS[..., 0].size)
    assert segment(lazy, 3, channel_axis=-1).warnings == ()
    monkeypatch.setattr(blockwise, "SAMPLE_PIXELS", FLOATS[..., 0].size // 4)
    with pytest.warns(UserWarning, match="sample of"):
        found = segment(lazy, 3, channel_axis=-1)
    everything = segment(FLOATS, 3, channel_axis=-1)
    assert (found.labels.compute() == everything.labels).mean() > 0.95
    assert found.labels.all().compute(), "every pixel has a label, in the sample or not"

"""RGB of 16 bits whose colours repeat: its points are known, but no table holds all values."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
import skimage.data

from napari_kmeans_seg import prepare, segment

from ..spaces import CONVERTED

# Every colour stands for some ten pixels.
COARSE = skimage.data.coffee()[:300, :300] // 16 * 16
WIDE = COARSE.astype(np.uint16) * 257


def alike(found: Any, expected: Any) -> None:
    np.testing.assert_array_equal(np.asarray(found.labels), expected.labels)
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_allclose(found.centroids, expected.centroids * 257, rtol=1e-6)
    np.testing.assert_allclose(found.inertia, expected.inertia, rtol=1e-5)


@pytest.mark.parametrize("options", [{}, {"mask": True}, {"fit_scale": 0.5}], ids=str)
@pytest.mark.parametrize("color_space", CONVERTED)
def test_colours_get_the_clusters_that_they_have_in_8_bits(color_space, options):
    options = options | {"channel_axis": -1, "color_space": color_space}
    if "mask" in options:
        options["mask"] = np.random.default_rng(0).random(COARSE.shape[:2]) < 0.7
    image, start = prepare(WIDE, **options), COARSE.reshape(-1, 3)[:: 90_000 // 6][:6]
    # From the same start: where all values are counted, others are drawn to find one.
    expected = prepare(COARSE, **options).segment(6, init=start, tol=0)

    found = image.segment(6, init=start * 257.0, tol=0)

    if "fit_scale" not in options:  # a copy that is rounded to 8 bits is another one
        alike(found, expected)
    again = found.model.predict(WIDE, mask=options.get("mask"))
    np.testing.assert_array_equal(again.labels, found.labels)
    np.testing.assert_array_equal(
        image.classify(found.centroids).counts,
        prepare(COARSE, **options).classify(found.centroids / 257).counts,
    )


@pytest.mark.parametrize("color_space", CONVERTED)
def test_a_colour_has_its_label_wherever_it_stands(color_space):
    whole = segment(WIDE, 7, channel_axis=-1, color_space=color_space)

    part, tiled = WIDE[30:80, 200:222], np.tile(WIDE, (2, 2, 1))
    np.testing.assert_array_equal(whole.model.predict(part).labels, whole.labels[30:80, 200:222])
    np.testing.assert_array_equal(whole.model.predict(tiled).labels, np.tile(whole.labels, (2, 2)))


@pytest.mark.parametrize("color_space", CONVERTED)
def test_chunks_are_labelled_alike(color_space):
    options = {"channel_axis": -1, "color_space": color_space, "init": WIDE[::60, 0].tolist()}
    whole = segment(WIDE, 5, tol=0, **options)

    chunked = segment(da.from_array(WIDE, chunks=(97, 300, 3)), 5, tol=0, **options)

    np.testing.assert_array_equal(chunked.labels.compute(), whole.labels)
    np.testing.assert_array_equal(chunked.counts, whole.counts)

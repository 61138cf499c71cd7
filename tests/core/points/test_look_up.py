"""Pixels get the labels of their distinct values, the first time and from then on."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from skimage.data import astronaut

from napari_kmeans_seg import prepare, segment

rng = np.random.default_rng(0)
inside = rng.random((60, 50)) < 0.7
wide = rng.integers(-900, 900, (60, 50, 3)).repeat(2, axis=0).repeat(2, axis=1)
far_off = wide.astype(np.int64)
far_off[~inside.repeat(2, axis=0).repeat(2, axis=1)] = np.iinfo(np.int64).min
few_colors = rng.integers(0, 256, (400, 3)).astype(np.uint8)[rng.integers(400, size=(60, 50))]

IMAGES = {
    "colours": partial(prepare, astronaut(), channel_axis=-1),
    "few colours": partial(prepare, few_colors, channel_axis=-1),
    "colours in a mask": partial(prepare, few_colors, channel_axis=-1, mask=inside),
    "alpha": partial(prepare, np.dstack([few_colors, 255 * inside]).astype("u1"), channel_axis=-1),
    "hue": partial(prepare, few_colors, channel_axis=-1, color_space="hsv"),
    "channels one after the other": partial(
        prepare, np.moveaxis(few_colors, -1, 0), channel_axis=0
    ),
    "one pixel": partial(prepare, few_colors[:1, :1], channel_axis=-1),
    "far off outside the mask": partial(
        prepare, far_off, channel_axis=-1, mask=far_off[..., 0] > far_off.min()
    ),
    "grey": partial(prepare, few_colors[..., 0]),
}


@pytest.mark.parametrize("read", IMAGES.values(), ids=IMAGES)
@pytest.mark.filterwarnings("ignore:.*distinct value")
def test_labels_are_the_same_however_often_an_image_is_segmented(read: Callable) -> None:
    prepared = read()
    for k in (4, 2, 300):
        seg, first = prepared.segment(k), read().segment(k)
        np.testing.assert_array_equal(seg.labels, first.labels)
        np.testing.assert_array_equal(
            np.bincount(seg.labels.ravel(), minlength=seg.n_clusters + 1)[1:], seg.counts
        )


@pytest.mark.parametrize("most", [0.1, 0.5, 0.75, 0.85, 0.95])
def test_what_is_stopped_leaves_nothing_half_done_behind(most: float) -> None:
    image = np.tile(astronaut(), (3, 3, 1))
    prepared = prepare(image, channel_axis=-1)

    def stop(fraction: float, stage: str) -> None:
        if fraction > most:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        prepared.segment(4, progress=stop)
    seg = prepared.segment(4)
    np.testing.assert_array_equal(seg.labels, segment(image, 4, channel_axis=-1).labels)

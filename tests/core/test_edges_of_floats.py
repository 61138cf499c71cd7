"""Values, weights and numbers of clusters at the edge of what floats and samples tell apart."""

import numpy as np
import pytest

from napari_kmeans_seg import prepare, segment, segment_steps
from napari_kmeans_seg.core.points.drawing import Hashed


@pytest.mark.parametrize(
    "form",
    [
        {"scale": 1e-60, "channel_weights": [1, 1e60]},
        {"scale": 1e-50, "normalize": True},
        {"scale": 1e-39, "dtype": np.float32, "normalize": True},
        {"scale": 1e30, "dtype": np.float32, "normalize": True},
    ],
)
def test_a_channel_counts_alike_whatever_its_unit(form):
    form = dict(form)
    scale, dtype = form.pop("scale"), form.pop("dtype", np.float64)
    image = np.random.default_rng(0).random((120, 120, 2))
    plain = segment(image, 3, channel_axis=-1, normalize="normalize" in form)
    image[..., 1] *= scale
    found = segment(image.astype(dtype), 3, channel_axis=-1, **form)
    assert found.n_clusters == 3
    assert found.counts.min() > 0.2 * image[..., 0].size
    if dtype is np.float64 and "normalize" not in form:
        assert found.inertia == pytest.approx(plain.inertia, rel=0.01)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0, 1e-3, 2e-3, 3e-3, 60_000], np.float16),
        ([0, 2, 3, 4, 60_000], np.float16),
        ([0, 1e-8, 2e-8, 3e-8, 1e38], np.float32),
        ([0, 1, 2, 3, 1e38], np.float32),
        ([0, 1e-320, 2e-320, 3e-320, 1], np.float64),
    ],
)
def test_small_values_beside_a_large_one_are_not_one_value(values, dtype):
    image = np.array(values, dtype)[np.arange(400) % 5].reshape(20, 20)
    keys = Hashed(np.stack([image.ravel()] * 3), exponent=int(np.frexp(dtype(values[-1]))[1]))
    assert keys.draw(1.0).n == 5


def test_as_many_clusters_as_pixels_are_found():
    image = np.random.default_rng(0).random((100, 100, 2)).astype(np.float32)
    assert prepare(image, channel_axis=-1)._fitting.sample(10_000).n == 10_000


def test_a_value_is_drawn_whatever_its_hash():
    # One of the few whose hash is above the largest float32 below 2**32.
    value = np.array([0.6142857074737549, 0.6396921277046204], np.float32)
    image = np.broadcast_to(value, (4, 4, 2)).copy()
    assert segment(image, 1, channel_axis=-1).counts.tolist() == [16]
    image[0] = 0.25
    assert segment(image, 2, channel_axis=-1).counts.tolist() == [4, 12]


def test_a_centroid_that_is_given_far_away_takes_no_pixel_from_a_near_one():
    image = np.array([0, 1, 2, 200, 201, 202], np.uint8)
    prepared = prepare(image, channel_weights=[1e100])
    assert prepared.classify([[0], [1e300]]).labels.tolist() == [1] * 6


@pytest.mark.parametrize(("image", "axis"), [([5], None), ([[5, 7]], -1)])
def test_a_single_pixel_has_a_place(image, axis):
    found = segment(np.array(image, np.uint16), 1, channel_axis=axis, spatial_weight=1.0)
    assert found.labels.tolist() == [1]
    assert found.inertia == 0


@pytest.mark.filterwarnings("ignore:Step")
def test_a_step_without_pixels_has_shares_of_nothing():
    found = segment_steps(np.array([[0, 1, 8, 9], [np.nan] * 4]), 2)
    assert found.steps[1].to_dataframe()["percent"].tolist() == [0, 0]


def test_fewer_clusters_than_were_given_keep_the_numbers_of_their_rows():
    prepared = prepare(np.array([10, 10, 90, 90]))
    with pytest.warns(UserWarning, match="2 distinct values"):
        found = prepared.segment(3, init=[[90], [50], [10]], keep_order=True)
    assert found.labels.tolist() == [3, 3, 1, 1]

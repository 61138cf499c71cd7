"""The limits of Dask arrays, and how they are set."""

import dask
import pytest

from napari_kmeans_seg.core.lazy.limits import Limits


def test_the_configuration_of_dask_may_have_other_limits() -> None:
    with dask.config.set({"napari-kmeans-seg": {"load-bytes": 3, "fit_pixels": 5}}):
        assert Limits.now() == Limits(load_bytes=3, fit_pixels=5)
    assert Limits.now() == Limits()


def test_a_limit_that_there_is_not_is_named() -> None:
    with (
        dask.config.set({"napari-kmeans-seg.lode_bytes": 3}),
        pytest.raises(TypeError, match="lode_bytes"),
    ):
        Limits.now()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"load_bytes": "1 GB"}, "load_bytes takes an integer of at least 0; got '1 GB'"),
        ({"fit_pixels": -1}, "fit_pixels takes an integer of at least 0; got -1"),
        ({"seconds_without_workers": None}, "seconds_without_workers takes a number of at least 0"),
    ],
)
def test_a_limit_that_is_no_size_is_refused(given: dict, said: str) -> None:
    with (
        dask.config.set({"napari-kmeans-seg": given}),
        pytest.raises((TypeError, ValueError), match=said),
    ):
        Limits.now()

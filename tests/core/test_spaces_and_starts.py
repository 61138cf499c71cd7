"""A colour space and a start are one entry of a table: what is not there runs as nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import skimage.data

from napari_kmeans_seg import KMeansModel, choose_k, segment
from napari_kmeans_seg.core.image.color_spaces import COLOR_SPACES, ColorSpace
from napari_kmeans_seg.core.image.colors import color_values
from napari_kmeans_seg.core.kmeans.seeding import random_points
from napari_kmeans_seg.core.kmeans.starts import AUTO, OPTIMAL, STARTS, Start, resolve

if TYPE_CHECKING:
    from pathlib import Path

COFFEE = skimage.data.coffee()[::4, ::4]


def wide(rgb: np.ndarray) -> np.ndarray:
    return rgb * [4, 1, 0.5]


def test_a_space_is_used_once_it_is_registered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    space = ColorSpace(
        name="wide", label="Wide", help="red counts.", title="WIDE", from_rgb=wide,
        unit=2.0**-20, largest=4.0,
    )  # fmt: skip
    monkeypatch.setitem(COLOR_SPACES, "wide", space)
    found = segment(COFFEE, 4, channel_axis=-1, color_space="wide")
    values = (np.rint(wide(COFFEE / 255) * 2**20) / 2**20).astype(np.float32)
    np.testing.assert_array_equal(found.labels > 0, True)
    expected = segment(values, 4, channel_axis=-1, init=segment_means(values, found.labels))
    assert np.mean(found.labels == expected.labels) > 0.999
    found.model.save(tmp_path / "model.json")
    again = KMeansModel.load(tmp_path / "model.json").predict(COFFEE)
    np.testing.assert_array_equal(again.labels, found.labels)
    curve = choose_k(COFFEE, range(1, 4), channel_axis=-1, color_space="wide")
    assert (np.diff(curve.inertia) < 0).all()


def segment_means(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.array([values[labels == label].mean(axis=0) for label in range(1, 5)])


def test_a_space_that_is_not_registered_is_refused_and_runs_as_no_other() -> None:
    with pytest.raises(ValueError, match=r"color_space takes one of .*'lab'.*; got 'wide'"):
        segment(COFFEE, 4, channel_axis=-1, color_space="wide")
    with pytest.raises(KeyError, match="wide"):
        color_values(COFFEE.reshape(-1, 3).T, "wide")


def test_every_space_has_what_dock_plot_and_paper_say_of_it() -> None:
    for name, space in COLOR_SPACES.items():
        assert space.name == name
        assert space.label
        assert space.help.endswith(".")
        assert space.title
        if space.from_rgb is not None:
            assert len(space.axes) == 3
            assert {one for plane in space.planes for one in plane[:2]} <= {0, 1, 2}
            assert space.planes
            cube = np.stack(np.meshgrid(*[np.linspace(0, 1, 9)] * 3), axis=-1).reshape(-1, 3)
            colors = space.from_rgb(cube)
            assert np.abs(colors).max() <= space.largest
            # Rounded to its unit it fits into float32.
            rounded = np.rint(colors / space.unit) * space.unit
            np.testing.assert_array_equal(rounded.astype(np.float32), rounded)
            brightest = colors[:, space.brightness].argmax() if space.brightness is not None else 0
            assert space.brightness is None or cube[brightest].max() == 1


def test_a_start_is_used_once_it_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def seeding(points, n_clusters, random, tick):  # type: ignore[no-untyped-def]
        drawn.append(n_clusters)
        return random_points(points, n_clusters, random, tick)

    mine = Start(name="mine", label="Mine", help="mine.", title="mine", seeding=seeding)
    monkeypatch.setitem(STARTS, "mine", mine)
    found = segment(COFFEE, 4, channel_axis=-1, init="mine")
    assert set(drawn) == {4}
    assert found.parameters["init"] == "mine"


def test_a_start_that_is_not_registered_is_refused_and_runs_as_no_other() -> None:
    with pytest.raises(ValueError, match=r"init takes one of 'auto', .*; got 'mine'"):
        segment(COFFEE, 4, channel_axis=-1, init="mine")
    with pytest.raises(KeyError, match="mine"):
        resolve("mine", one_feature=True, is_cheap=lambda: True)


@pytest.mark.parametrize(
    ("one_feature", "is_cheap", "name"),
    [(True, True, "optimal"), (True, False, "k-means++"), (False, True, "k-means++")],
)
def test_auto_is_the_optimum_where_that_is_cheap(
    one_feature: bool, is_cheap: bool, name: str
) -> None:
    assert resolve(AUTO, one_feature=one_feature, is_cheap=lambda: is_cheap).name == name


def test_every_start_has_what_dock_and_paper_say_of_it() -> None:
    assert AUTO not in STARTS
    for name, start in STARTS.items():
        assert start.name == name
        assert start.label
        assert start.help.endswith(".")
        assert start.title
        assert (start.seeding is None) == (start is OPTIMAL)

"""What a script makes wrongly is told when it is made: the argument, what it takes, what it got."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_kmeans_seg import segment
from napari_kmeans_seg.files.part import Limits
from napari_kmeans_seg.layers import CleanUp, LayerImage, Outputs, Region, Seeds

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE = np.random.default_rng(0).integers(0, 9, (3, 12, 12), np.uint8)


def refused(make: Callable[[], Any], argument: str) -> str:
    with pytest.raises((TypeError, ValueError)) as caught:
        make()
    assert type(caught.value).__name__ in ("WrongType", "WrongValue")
    assert str(caught.value).startswith(argument)
    return str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"specks": -1}, "specks takes an integer of at least 0; got -1."),
        ({"specks": 2.5}, "specks takes an integer of at least 0; got 2.5 (float)."),
        ({"specks": True}, "specks takes an integer of at least 0; got True (bool)."),
        ({"objects": 2}, "objects takes integers of at least 1; got 2 (int)."),
        ({"objects": (0,)}, "objects takes integers of at least 1; got 0."),
        ({"objects": ("1",)}, "objects takes integers of at least 1; got '1' (str)."),
        ({"per_plane": 1}, "per_plane takes True or False; got 1 (int)."),
    ],
)
def test_a_clean_up_takes_sizes_and_labels(given: dict[str, Any], said: str) -> None:
    assert refused(lambda: CleanUp(**given), next(iter(given))) == said
    assert refused(lambda: replace(CleanUp(), **given), next(iter(given))) == said


def test_a_clean_up_may_be_of_numpy() -> None:
    made = CleanUp(np.int64(3), [np.uint8(1)], np.True_)  # type: ignore[arg-type]
    assert made == CleanUp(3, (1,), True)
    assert type(made.specks) is int


def test_regions_and_seeds_take_what_they_say() -> None:
    viewer = ViewerModel()
    painted = viewer.add_labels(np.ones((12, 12), int))
    for given, argument in (
        ({"chosen": 1}, "chosen takes integers; got 1 (int)."),
        ({"chosen": ("a",)}, "chosen takes integers; got 'a' (str)."),
        ({"everywhere": "yes"}, "everywhere takes True or False; got 'yes' (str)."),
        ({"own_planes": 1}, "own_planes takes True or False; got 1 (int)."),
    ):
        assert refused(lambda given=given: Region.of(painted, **given), "") == argument
    assert refused(lambda: Seeds.of(painted, fixed=1), "fixed")  # type: ignore[arg-type]
    assert Region.of(painted, [np.int64(1)]).chosen == (1,)


def test_a_layer_image_takes_records_and_not_layers() -> None:
    viewer = ViewerModel()
    layer, painted = viewer.add_image(IMAGE), viewer.add_labels(np.ones((12, 12), int))
    source = LayerImage.of(layer)
    for given, said in (
        ({"region": painted}, "region takes Region or None; got Labels."),
        ({"seeds": painted}, "seeds takes Seeds or None; got Labels."),
        ({"seeds": Region.of(painted)}, "seeds takes Seeds or None; got Region."),
        ({"clean_up": 20}, "clean_up takes CleanUp; got int."),
        ({"step_axis": 3}, "step_axis takes an integer from 0 to 2; got 3."),
        ({"step_axis": "t"}, "step_axis takes an integer from 0 to 2; got 't' (str)."),
        ({"plane": 2}, "plane takes Mapping; got int."),
        ({"plane": {3: 0}}, "plane takes an integer from 0 to 2; got 3."),
        ({"plane": {0: -1}}, "plane[0] takes an integer of at least 0; got -1."),
        ({"left_out": 0}, "left_out takes several numbers; got 0 (int)."),
        ({"left_out": ("0",)}, "left_out takes several numbers; got '0' (str)."),
    ):
        assert refused(lambda given=given: replace(source, **given), next(iter(given))) == said


def test_outputs_are_painted_of_an_image_and_its_segmentation() -> None:
    source = LayerImage.of(ViewerModel().add_image(IMAGE))
    found = source.segment(n_clusters=2)
    swapped = refused(lambda: Outputs.paint(found, source), "source")  # type: ignore[arg-type]
    assert swapped == "source takes LayerImage; got Segmentation."
    said = refused(lambda: Outputs.paint(source, found.labels), "segmentation")
    assert said == "segmentation takes Segmentation; got ndarray."
    said = refused(lambda: Outputs.paint(source, found, "labels"), "kinds")
    assert said == "kinds takes one of 'image', 'labels'; got 'l'."


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"no_data": ("0",)}, "no_data takes a number or None; got '0' (str)."),
        (
            {"high": float("nan")},
            "high takes a number that a pixel can be compared with; got nan.",
        ),
        ({"low": 3, "high": 2}, "low takes at most high, 2; got 3."),
        ({"mask": np.ones(3, bool)}, "mask takes Mask or None; got ndarray."),
    ],
)
def test_limits_take_numbers_that_leave_something(given: dict[str, Any], said: str) -> None:
    assert refused(lambda: Limits(**given), next(iter(given))) == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"names": ["a"]}, "names takes Mapping; got list."),
        ({"names": {3: "a"}}, "names takes labels from 1 to 2; got 3."),
        ({"names": {"1": "a"}}, "names takes labels from 1 to 2; got '1' (str)."),
        ({"names": {1: 5}}, "names[1] takes str; got int."),
        ({"colors": {1: "red"}}, "colors[1] takes a colour such as \"#ff8000\"; got 'red'."),
    ],
)
def test_a_model_takes_names_and_colors_of_its_clusters(given: dict[str, Any], said: str) -> None:
    model = segment(IMAGE[0], 2, channel_axis=None).model
    assert refused(lambda: replace(model, **given), next(iter(given))) == said
    assert replace(model, colors={2: "#FF8000"}).colors == {2: "#ff8000"}

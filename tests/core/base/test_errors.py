"""An error says by itself which argument it is about, what that takes and what it got."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from napari_kmeans_seg import segment
from napari_kmeans_seg.core.base.errors import ArgumentProblem, NoPixels, WrongType, WrongValue
from napari_kmeans_seg.core.image.color_spaces import COLOR_SPACES

RGB = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)


@pytest.mark.parametrize(
    ("arguments", "kind", "fields"),
    [
        (
            {"n_clusters": 0},
            WrongValue,
            ("n_clusters", "an integer from 1 to 65535", "0"),
        ),
        ({"tol": "x"}, WrongType, ("tol", "a number of at least 0", "'x' (str)")),
        (
            {"channel_weights": [1, 1, -1]},
            WrongValue,
            ("channel_weights", "a number of at least 0 and at most 1e+100", "-1"),
        ),
        (
            {"color_space": "blue"},
            WrongValue,
            ("color_space", f"one of {', '.join(map(repr, COLOR_SPACES))}", "'blue'"),
        ),
        (
            {"mask": np.ones((2, 2), bool)},
            WrongValue,
            ("mask", "an array of the image's spatial shape (3, 4)", "shape (2, 2)"),
        ),
    ],
)
def test_an_error_carries_what_it_is_about(
    arguments: dict[str, Any], kind: type[ArgumentProblem], fields: tuple[str, str, str]
) -> None:
    with pytest.raises(kind) as caught:
        segment(RGB, channel_axis=-1, **arguments)
    error = caught.value
    assert (error.argument, error.takes, error.got) == fields


def test_no_error_is_both_of_a_value_and_of_a_type() -> None:
    assert not issubclass(WrongValue, TypeError)
    assert not issubclass(WrongType, ValueError)


def test_an_image_without_pixels_has_an_error_of_its_own() -> None:
    with pytest.raises(NoPixels, match="image takes at least one pixel that is finite"):
        segment(np.full((3, 4), np.nan))


def test_other_arguments_in_a_message_are_named_as_the_first_is() -> None:
    error = WrongValue(
        "init", "no {spatial_weight}", "{spatial_weight}=1", value="'x'", others=("spatial_weight",)
    )
    assert str(error) == "init='x' takes no spatial_weight; got spatial_weight=1."
    said = error.words(lambda name, value="": f"<{name}>{value}")
    assert said == "<init>'x' takes no <spatial_weight>; got <spatial_weight>=1."


def test_braces_in_what_was_given_stay_as_they_are() -> None:
    error = WrongType("image", "an array", "{0} {x}")
    assert str(error) == "image takes an array; got {0} {x}."


def test_an_error_comes_back_from_another_process_as_it_was() -> None:
    error = WrongValue(
        "smoothing", "0, as {tol}", "2", value="1", place="[0]", others=("tol",), advice="So be it."
    )
    # As pickle does.
    again = copy.copy(error)
    assert (type(again), str(again), vars(again)) == (WrongValue, str(error), vars(error))
    assert str(copy.copy(NoPixels())) == str(NoPixels())

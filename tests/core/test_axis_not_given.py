"""Colours whose axis nobody gives are not clustered as grey without a word."""

from __future__ import annotations

import warnings
from inspect import signature
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
import skimage.data
from napari.layers import Image

from napari_kmeans_seg import KMeansModel, choose_k, pool, prepare, segment, segment_steps
from napari_kmeans_seg.core.arguments import NOT_GIVEN
from napari_kmeans_seg.core.base.notes_on_kind import ColorsAsGrey

if TYPE_CHECKING:
    from collections.abc import Callable

PHOTO = skimage.data.coffee()[::8, ::8].copy()
WORDS = "last axis of the image has length 3, as if it held colours, but was taken for rows or"

CALLS: dict[str, Callable[..., Any]] = {
    "segment": lambda image, **form: segment(image, 2, **form),
    "choose_k": lambda image, **form: choose_k(image, (2, 3), **form),
    "prepare": lambda image, **form: prepare(image, **form).segment(2),
    "classify": lambda image, **form: prepare(image, **form).classify([[0], [9]]),
    "segment_steps": lambda image, **form: segment_steps(np.stack([image] * 2), 2, **form),
    "fit": lambda image, **form: KMeansModel.fit([image, image], 2, **form),
    "pool": lambda image, **form: pool([image, image], **form).fit(2),
}


def said(work: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        work()
    return [str(one.message) for one in caught]


@pytest.mark.parametrize("name", CALLS)
def test_colours_without_their_axis_are_told_once_on_the_callers_line(name: str) -> None:
    with pytest.warns(UserWarning, match=WORDS) as caught:
        CALLS[name](PHOTO)
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", CALLS)
def test_whoever_gives_the_axis_or_none_is_told_nothing(name: str) -> None:
    assert said(lambda: CALLS[name](PHOTO, channel_axis=None)) == []
    if name != "classify":
        assert said(lambda: CALLS[name](PHOTO, channel_axis=-1)) == []


@pytest.mark.parametrize(
    "image",
    [
        PHOTO / 255,
        PHOTO.astype(np.uint16),
        PHOTO.tolist(),
        np.dstack([PHOTO, np.full(PHOTO.shape[:2], 255, np.uint8)]),
        np.stack([PHOTO, PHOTO]),
        da.from_array(PHOTO, chunks=(20, 20, 3)),
    ],
    ids=["floats", "16 bits", "a list", "alpha", "a series", "Dask"],
)
def test_every_array_of_colours_is_told_apart(image: Any) -> None:
    assert len(said(lambda: segment(image, 2))) == 1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((3, 50, 50), np.uint8),
        np.zeros((50, 50), np.uint8),
        np.zeros((500, 3), np.uint8),
        np.zeros((50, 50, 5), np.uint8),
        np.zeros((50, 30, 3), np.uint8),
        [[[0, 1, 2]]],
        Image(PHOTO, rgb=False),
        Image(PHOTO, rgb=True),
        Image([PHOTO, PHOTO[::2, ::2]], rgb=False),
    ],
    ids=["thin", "grey", "a list of colours", "bands", "an icon", "small", "grey layer",
         "RGB layer", "pyramid"],
)  # fmt: skip
def test_what_does_not_look_like_colours_or_says_what_it_is_is_told_nothing(image: Any) -> None:
    assert said(lambda: segment(image, 1)) == []
    assert said(lambda: KMeansModel.fit([image], 1)) == []


def test_the_result_has_the_note_and_what_it_was_given() -> None:
    with pytest.warns(UserWarning, match=WORDS):
        found = segment(PHOTO, 2)
    assert found.notes == (ColorsAsGrey(n=3),)
    assert found.parameters["channel_axis"] is None
    assert found.labels.shape == PHOTO.shape
    with pytest.warns(UserWarning, match=WORDS):
        steps = segment_steps(np.stack([PHOTO, PHOTO]), 2)
    assert steps.notes == (ColorsAsGrey(n=3),)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_model_of_grey_images_says_so_of_colours(*, lazy: bool) -> None:
    grey = PHOTO.mean(axis=-1).astype(np.uint8)
    model = segment(grey, 3).model
    photo = da.from_array(PHOTO, chunks=(20, 20, 3)) if lazy else PHOTO
    with pytest.warns(UserWarning, match="fitted on grey images of 2 axes") as caught:
        found = model.predict(photo)
    assert len(caught) == 1
    assert found.notes == (ColorsAsGrey(n=3, fitted_axes=2),)
    assert said(lambda: model.predict(np.stack([grey, grey]))) == []
    of_stacks = segment(PHOTO, 3, channel_axis=None).model
    assert said(lambda: of_stacks.predict(photo)) == []


def test_layers_can_be_pooled() -> None:
    layers = [Image(PHOTO, rgb=True), Image(PHOTO[:20], rgb=True)]
    found = KMeansModel.fit(layers, 3)
    expected = KMeansModel.fit([PHOTO, PHOTO[:20]], 3, channel_axis=-1)
    np.testing.assert_array_equal(found.centroids, expected.centroids)
    assert found.channel_axis == -1


def test_the_default_is_the_same_everywhere() -> None:
    for one in (segment, choose_k, prepare, segment_steps, pool, KMeansModel.fit):
        assert signature(one).parameters["channel_axis"].default is NOT_GIVEN

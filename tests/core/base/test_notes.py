"""Notes carry numbers, are put in words in one place, and come back from JSON as they were."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_kmeans_seg import segment
from napari_kmeans_seg.core.base import notes_as_json
from napari_kmeans_seg.core.base.note import Note
from napari_kmeans_seg.core.base.notes import (
    BlankSteps,
    CountsBeforeSpecks,
    CountsOfPart,
    FewValues,
    FittedOnLevel,
    FittedOnSample,
    Hidden,
    LabelsByPlace,
    LabelsUncertain,
    NotFinite,
    ObjectsMissing,
    Plain,
    RegionCovers,
    SeedsLeftOut,
    ValuesLeftOut,
    WithoutPixels,
)
from napari_kmeans_seg.core.base.notes_as_json import from_json, to_json
from napari_kmeans_seg.core.base.notes_on_kind import (
    ColorsAsGrey,
    DigitsLost,
    OtherScale,
    OtherValues,
)

OUTSIDE = (("outside the image", 2), ("outside the region “r”", 0), ("on NaN", 1))
SAID: dict[Note, str] = {
    ColorsAsGrey(n=3): (
        "The last axis of the image has length 3, as if it held colours, but was taken for rows or "
        "columns: each number got a label, not each pixel. Pass channel_axis=-1 if it holds "
        "channels, "
        "channel_axis=None if not."
    ),
    ColorsAsGrey(n=4, fitted_axes=2): (
        "The last axis of the image has length 4, as if it held colours, but the model was fitted "
        "on grey images of 2 axes: each number got a label, not each pixel. Pass grey images, or a "
        "model that "
        "was fitted with channel_axis=-1."
    ),
    DigitsLost(unit=1024, smoothed=True): (
        "Values lie beyond 2^53: means and the segmented image are rounded to multiples of 1,024, "
        "and smoothed values to integers. Subtract a constant from the image to keep the digits in "
        "which its values differ."
    ),
    NotFinite(n=1): "1 pixel is NaN or infinite and was left out (label 0).",
    NotFinite(n=1500): "1,500 pixels are NaN or infinite and were left out (label 0).",
    FewValues(found=3, asked=5, step=2): (
        "Step 2: The image has 3 distinct values, fewer than n_clusters=5: it got 3 clusters."
    ),
    FewValues(found=1, asked=2000, fit_scale=0.5): (
        "The copy of the image at fit_scale=0.5 has 1 distinct value, fewer than "
        "n_clusters=2,000: it got 1 cluster."
    ),
    WithoutPixels(left_out=1, found=3): "1 of 3 clusters had no pixels and were left out.",
    FittedOnSample(n=5000, of=240_000, n_chunks=3, of_chunks=9): (
        "Fitted on a sample of 5,000 of 240,000 pixels, from 3 of 9 chunks, evenly spread; pixel "
        "counts and inertia are scaled up to the whole."
    ),
    FittedOnSample(n=5000, of=240_000, n_chunks=9, of_chunks=9): (
        "Fitted on a sample of 5,000 of 240,000 pixels; pixel counts and inertia are scaled up to "
        "the whole."
    ),
    FittedOnSample(n=0, of=240_000, n_chunks=9, of_chunks=9, fit_scale=0.25): (
        "Fitted on the copy at fit_scale=0.25; pixel counts and inertia are scaled up to the whole."
    ),
    FittedOnLevel(level=1, shape=(200, 3000)): (
        "Fitted on level 1 of the pyramid (200 × 3,000 pixels)."
    ),
    FittedOnLevel(level=2, shape=(4, 4), scaled_counts=True): (
        "Fitted on level 2 of the pyramid (4 × 4 pixels); pixel counts are estimated from it."
    ),
    CountsOfPart(): "Pixel counts and means are those of the part where the clusters were found.",
    CountsBeforeSpecks(): "Pixel counts and means are those before specks were merged.",
    OtherValues(share=0.999, label=3): (
        "99.9% of the pixels got label 3: their values are of another kind than those that the "
        "model was fitted on."
    ),
    OtherScale(
        dtype="uint16", fitted="uint8", low=0.0, high=65535.0, fitted_low=3.0, fitted_high=255.0
    ): (
        "Values from 0 to 65535 (uint16) are of another kind than those that the model was fitted "
        "on, from 3 to 255 (uint8)."
    ),
    OtherScale(
        dtype="uint16", fitted="uint8", fitted_low=3.0, fitted_high=255.0, may_rescale=True
    ): (
        "The image is uint16, the model was fitted on values from 3 to 255 (uint8); a lazy image "
        "is not read to see whether its values are alike. rescale=True brings them to its scale."
    ),
    SeedsLeftOut(layer="s", of=5, where=OUTSIDE): (
        "3 of 5 seeds of “s” were left out: 2 outside the image, 1 on NaN."
    ),
    ObjectsMissing(labels=(7, 9), n_clusters=3): "Objects of 7, 9: clusters are 1 to 3.",
    ObjectsMissing(labels=(2,), n_clusters=1): "Objects of 2: there is cluster 1 only.",
    Hidden(shape=(20_000, 30_000)): (
        "The layers are hidden: to show one, napari computes all 20,000 × 30,000 pixels at once. "
        "Open the image as a pyramid instead, or write the data of the layers with Dask's to_zarr."
    ),
    ValuesLeftOut(values=(0,)): "Pixels of the value 0 are left out (label 0).",
    ValuesLeftOut(values=(-9999, 0.5)): "Pixels of the values -9999 or 0.5 are left out (label 0).",
    RegionCovers(layer="area", n_planes=0): (
        "The region “area” is drawn on one plane and counts on all."
    ),
    RegionCovers(layer="area", n_planes=1): (
        "The region “area” counts only on the plane that it is drawn on."
    ),
    RegionCovers(layer="area", n_planes=3): (
        "The region “area” counts only on the 3 planes that it is drawn on."
    ),
    BlankSteps(steps=(2,)): "Step 2 has no pixel that takes part: label 0 there.",
    BlankSteps(steps=(0, 2, 3, 4)): (
        "Steps 0 and 2 to 4 have no pixel that takes part: label 0 there."
    ),
    LabelsByPlace(step=1, labels=(1, 3)): (
        "Step 1: Labels 1 and 3 were given by place, since their clusters stay where they were; "
        "by value alone they would be exchanged."
    ),
    LabelsUncertain(step=4, labels=(1, 2, 5)): (
        "Step 4: Labels 1, 2 and 5 are uncertain: neither place nor value shows which they are."
    ),
    Plain(text="Something else."): "Something else.",
}


@pytest.mark.parametrize("note", SAID, ids=str)
def test_a_note_is_put_in_words_and_comes_back_from_json(note: Note) -> None:
    assert str(note) == SAID[note]
    assert from_json(json.loads(json.dumps(to_json(note)))) == note


def test_every_kind_of_note_is_tried_here() -> None:
    assert {type(note).__name__ for note in SAID} == set(notes_as_json._KINDS)


def test_arguments_in_a_note_are_called_what_a_person_knows_them_by() -> None:
    note = FewValues(found=1, asked=5, fit_scale=0.5)
    said = note.words(lambda name, value: f"<{name} {value}>")
    assert said.startswith("The copy of the image at <fit_scale 0.5> has 1 distinct value, fewer ")
    assert "than <n_clusters 5>: it got" in said


@pytest.mark.parametrize("written", [{"kind": "Later", "n": 3}, {"kind": "FewValues", "n": 3}, {}])
def test_a_note_of_another_version_is_what_it_said(written: dict[str, object]) -> None:
    assert from_json(written, "As it was said.") == Plain(text="As it was said.")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_segmentation_has_its_notes_as_numbers_and_in_words() -> None:
    image = np.array([[0, 0, 1, np.nan]])
    found = segment(image, 5)
    assert found.notes == (NotFinite(n=1), FewValues(found=2, asked=5))
    assert found.warnings == tuple(str(note) for note in found.notes)


def test_a_note_without_words_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Note()  # type: ignore[abstract]

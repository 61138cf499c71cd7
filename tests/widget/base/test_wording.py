"""What the widget says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_kmeans_seg import segment
from napari_kmeans_seg.layers import LayerImage, Seeds
from napari_kmeans_seg.widget.base.wording import (
    FieldError,
    Words,
    breakable,
    summary,
    warnings_of,
    words_of,
)


def test_the_summary_tells_clusters_time_and_iterations(coffee):
    segmentation = segment(coffee, 3, channel_axis=-1, max_iter=2, tol=0)
    assert summary(segmentation, 0.84) == "3 clusters in 0.8 s, 2 iterations"


def test_one_of_a_kind_is_reported_in_the_singular():
    segmentation = segment(np.arange(100, dtype=np.uint8).reshape(10, 10), 1)
    assert summary(segmentation, 0).startswith("1 cluster in 0.0 s")
    assert "1 iterations" not in summary(segmentation, 0)


def test_painted_seeds_count_by_how_many_they_are_not_by_their_highest_label(coffee):
    painted = np.zeros(coffee.shape[:2], np.uint8)
    painted[10:20, 10:20], painted[150:160, 300:310] = 7, 3
    seeds = Seeds.of(Labels(painted, name="strokes"))
    source = replace(LayerImage.of(Image(coffee, name="coffee")), seeds=seeds)
    assert summary(source.segment(n_clusters=5), 0).startswith("2 clusters in ")


def test_a_run_that_did_not_converge_tells_what_to_do(coffee):
    stopped = segment(coffee, 5, channel_axis=-1, max_iter=1, tol=0)
    assert warnings_of(stopped) == (
        Words("Not converged: allow more “Iterations”.", ("Iterations",)),
    )
    assert warnings_of(segment(coffee, 2, channel_axis=-1)) == ()


@pytest.mark.parametrize(
    ("arguments", "said", "fields"),
    [
        (
            {"n_clusters": 0},
            "“Clusters” takes an integer from 1 to 65535; got 0.",
            ("Clusters",),
        ),
        ({"tol": -1}, "“Tolerance” takes a number of at least 0; got -1.", ("Tolerance",)),
        (
            {"channel_weights": [1, -2, 1]},
            "“Weights”[1] takes a number of at least 0 and at most 1e+100; got -2.",
            ("Weights",),
        ),
        (
            {"init": "optimal", "spatial_weight": 0.5},
            "“Init” 'optimal' takes an image of one channel, without “Position”; got 3 channels",
            ("Init", "Position"),
        ),
        ({"mask": [1]}, "mask takes an array of the image's spatial shape", ()),
    ],
)
def test_an_error_speaks_of_fields_not_of_arguments(coffee, arguments, said, fields):
    with pytest.raises(ValueError, match="takes") as caught:
        segment(coffee, channel_axis=-1, **arguments)
    text, of = words_of(caught.value)
    assert text.startswith(said)
    assert tuple(dict.fromkeys(of)) == fields


def test_an_error_may_be_about_a_field_that_is_no_argument():
    error = FieldError("Objects of", "numbers such as 1, 3", "red")
    said = "“Objects of” takes numbers such as 1, 3; got “red”."
    assert words_of(error) == (said, ("Objects of",))
    assert str(error) == said


def test_what_nobody_has_put_in_words_is_said_by_its_kind():
    assert words_of(MemoryError()) == ("MemoryError", ())
    assert words_of(ValueError("“Weights” is a layer of n_clusters")) == (
        "“Weights” is a layer of n_clusters",
        (),
    )


def test_an_image_without_a_pixel_to_cluster_is_reported_as_such():
    with pytest.raises(ValueError, match="takes at least one pixel") as error:
        segment(np.full((3, 3), np.nan))
    assert words_of(error.value).text.startswith("Nothing to cluster: every pixel is NaN")


@pytest.mark.filterwarnings("ignore:.*NaN or infinite")
def test_of_a_long_series_the_first_steps_are_reported():
    series = np.random.default_rng(0).random((20, 8, 8))
    for step in series:
        step[:2] = np.nan
    source = replace(LayerImage.of(Image(series, name="series")), step_axis=0)
    told = [words.text for words in warnings_of(source.segment(n_clusters=2))]
    assert len(told) == 4
    assert told[0].startswith("Step 0: 16 pixels are NaN")
    assert told[-1] == "17 more steps are like these."


@pytest.mark.parametrize("name", ["cell", "a_file_with_many_joints-and.dots/and\\slashes.tif"])
def test_a_name_breaks_between_its_joints_and_keeps_its_letters(name):
    assert breakable(name).replace("\u200b", "") == name
    assert ("\u200b" in breakable(name)) == (len(name) > 24)

"""The colours of clusters, on the canvas and in the table."""

from __future__ import annotations

import numpy as np
import pytest
from napari.utils.colormaps import CyclicLabelColormap, label_colormap

from .running import run


def test_each_label_has_the_mean_colour_of_its_cluster(viewer, source):
    labels = run(viewer, source)["labels"]
    image = viewer.layers["coffee k-means"].data
    for label in (1, 2, 3):
        shown = labels.get_color(label)[:3]
        painted = image[labels.data == label][0] / 255
        np.testing.assert_allclose(shown, painted, atol=0.5 / 255 + 1e-6)
    assert labels.get_color(0) is None, "what is in no cluster is not shown"


def test_grey_labels_have_distinct_hues(viewer, cell):
    source = viewer.add_image(cell)
    labels = run(viewer, source)["labels"]
    for n_clusters in (3, 16):
        assert run(viewer, source, n_clusters)["labels"] is labels
        hues = np.array([labels.get_color(label)[:3] for label in range(1, n_clusters + 1)])
        apart = np.linalg.norm(hues[:, np.newaxis] - hues, axis=-1)
        assert apart[~np.eye(n_clusters, dtype=bool)].min() > 0.1


@pytest.mark.parametrize(
    "picture",
    [
        lambda coffee: coffee.astype(np.uint16) * 16,
        lambda coffee: coffee.astype(np.uint16) * 257,
        lambda coffee: coffee / np.float32(1000),
        lambda coffee: np.dstack([coffee, np.full(coffee.shape[:2], 255, np.uint8)]),
    ],
    ids=["12 bits in 16", "16 bits", "floats", "alpha"],
)
def test_mean_colours_are_those_that_the_canvas_shows(viewer, coffee, picture):
    source = viewer.add_image(picture(coffee), rgb=True)
    source.gamma = 0.8
    outputs = run(viewer, source)
    labels, image = outputs["labels"], outputs["image"]
    assert tuple(image.contrast_limits) == tuple(source.contrast_limits)
    assert image.gamma == source.gamma
    low, high = source.contrast_limits
    for label in (1, 2, 3):
        painted = image.data[labels.data == label][0, :3].astype(float)
        shown = np.clip((painted - low) / (high - low), 0, 1) ** 0.8
        np.testing.assert_allclose(labels.get_color(label)[:3], shown, atol=5e-3)
    worn = [labels.get_color(label)[:3] for label in (1, 2, 3)]
    assert np.max(worn) > 0.5, "a bright picture has bright clusters"


def test_clusters_have_on_the_canvas_the_colours_of_the_table(viewer, cell):
    source = viewer.add_image(cell)
    labels = run(viewer, source)["labels"]
    assert (labels.opacity, labels.blending) == (1, "translucent")
    labels.opacity = 0.9
    assert run(viewer, source, 4)["labels"].opacity == 0.9, "what a person chose stays"


def test_mean_colours_follow_the_contrast_of_their_source(viewer, coffee):
    source = viewer.add_image(coffee, rgb=True)
    labels = run(viewer, source)["labels"]
    before = labels.get_color(2)[:3]
    source.contrast_limits = (0, 510)
    run(viewer, source)
    np.testing.assert_allclose(labels.get_color(2)[:3], before / 2, atol=1e-6)


def test_the_colours_follow_a_second_run(viewer, source):
    labels = run(viewer, source, 2)["labels"]
    before = labels.get_color(2)
    run(viewer, source, 4)
    assert not np.allclose(labels.get_color(2), before)
    assert len({tuple(labels.get_color(label)) for label in range(1, 5)}) == 4


def test_distinct_hues_that_a_person_chose_stay_through_every_run(viewer, source):
    labels = run(viewer, source)["labels"]
    labels.colormap = label_colormap(49)
    for n_clusters in (4, 5, 6):
        run(viewer, source, n_clusters)
        assert isinstance(labels.colormap, CyclicLabelColormap)

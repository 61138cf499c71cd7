"""A result in words, and as a script that gives it again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Points
from skimage.io import imsave

from napari_kmeans_seg import __version__
from napari_kmeans_seg.layers import LayerImage, Outputs, Seeds
from napari_kmeans_seg.layers.clusters import clusters_of
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.python_script import python_script


def run(image, n_clusters=4, **parameters):
    """Segment an image in a viewer; gives its clusters and the viewer, which must live."""
    viewer = ViewerModel()
    source = LayerImage.of(viewer.add_image(image, name="image"))
    found = source.segment(n_clusters=n_clusters, **parameters)
    Outputs.paint(source, found).show(viewer)
    return clusters_of(viewer, viewer.layers["image"]), viewer


def test_the_sentence_tells_all_that_a_reader_needs(coffee):
    result, _viewer = run(coffee, 6, color_space="lab", seed=7, tol=1e-3, smoothing=1.5)
    text = methods_text(result.layer)
    for part in ("6 clusters", "k-means in CIELAB space", "k-means++ initialisation", "seed 7"):
        assert part in text
    for part in ("tolerance 0.001", "iteration", "sigma 1.5", f"napari-kmeans-seg {__version__}"):
        assert part in text
    assert "Lloyd" in text
    assert "Arthur" in text


def test_the_sentence_of_a_grey_image_tells_of_the_optimum(cell):
    result, _viewer = run(cell)
    text = methods_text(result.layer)
    assert "on the pixel intensities (the optimal one-dimensional clustering" in text
    assert "Wang" in text
    assert "seed" not in text
    assert "tolerance" not in text


def test_the_sentence_of_seeds_tells_of_no_random_numbers(coffee):
    viewer = ViewerModel()
    seeds = Seeds.of(Points([[20, 20], [380, 20]], name="dots"))
    source = replace(LayerImage.of(viewer.add_image(coffee, name="image")), seeds=seeds)
    Outputs.paint(source, source.segment()).show(viewer)
    text = methods_text(clusters_of(viewer, viewer.layers["image"]).layer)
    assert "starting from the seeds “dots”, tolerance 0.0001" in text
    assert "seed 0" not in text


@pytest.mark.parametrize(
    ("n", "told"),
    [
        (0, ""),
        (1, "1 fully transparent pixel was left out."),
        (1500, "1,500 fully transparent pixels were left out."),
    ],
)
def test_the_sentence_tells_of_transparent_pixels(coffee, n, told):
    picture = np.dstack([coffee, np.full(coffee.shape[:2], 255, np.uint8)])
    picture[..., 3].flat[:n] = 0
    result, _viewer = run(picture)
    result.delete([2])
    text = methods_text(result.layer)
    assert told in text
    assert ("transparent" in text) == bool(n)


def test_the_sentences_tell_what_was_done_to_the_clusters(coffee):
    result, _viewer = run(coffee)
    result.merge([1, 3])
    result.split(2, result.parts(2, 2)(None))
    result.delete([4])
    text = methods_text(result.layer)
    assert "Clusters 1 and 3 were merged." in text
    assert "Cluster 2 was split into 2 by k-means on its own pixels. Cluster 4 was removed." in text
    result.undo()
    assert "removed" not in methods_text(result.layer)


@pytest.mark.filterwarnings("ignore:.*distinct value")
def test_the_sentence_tells_the_clusters_there_are(coffee):
    flat, _viewer = run(np.full((30, 30), 7, np.uint8), 5)
    text = methods_text(flat.layer)
    assert text.startswith("Pixels were grouped into 1 cluster by k-means")
    assert "5 clusters were asked for; there were no more distinct values." in text
    three, _other = run(np.tile(np.arange(3, dtype=np.uint8), (30, 10)), 5)
    three.merge([1, 2])
    text = methods_text(three.layer)
    assert text.startswith("Pixels were grouped into 3 clusters by k-means")
    assert "Clusters 1 and 2 were merged." in text
    enough, _last = run(coffee, 5)
    assert "asked for" not in methods_text(enough.layer)


@pytest.mark.filterwarnings("ignore:.*distinct value")
def test_the_sentence_tells_in_which_steps_there_were_fewer(cell):
    viewer = ViewerModel()
    stack = np.stack([cell[:60, :60], np.full((60, 60), 9, np.uint8), cell[60:120, :60]])
    source = replace(LayerImage.of(viewer.add_image(stack, name="image")), step_axis=0)
    found = source.segment(n_clusters=4)
    text = methods_text(Outputs.paint(source, found).show(viewer)["labels"])
    assert text.startswith("Pixels were grouped into at most 4 clusters in each step by k-means")
    assert "Fewer were found in step 1, which had too few distinct values." in text
    assert f"{found.n_iter} iterations in all steps together" in text


@pytest.mark.filterwarnings("ignore:.*NaN or infinite")
@pytest.mark.parametrize(
    ("n", "told"),
    [
        (1, "1 pixel that was NaN or infinite was left out."),
        (1500, "1,500 pixels that were NaN or infinite were left out."),
    ],
)
def test_the_sentence_tells_of_pixels_that_were_left_out(cell, n, told):
    image = cell.astype(np.float32)
    image.flat[:n] = np.nan
    result, _viewer = run(image)
    assert told in methods_text(result.layer)


def test_the_sentence_tells_of_which_iterations_it_speaks(coffee, cell):
    told = "starts first brought to rest on binned values, then"
    colored, _viewer = run(coffee)
    n = colored.layer.metadata["napari-kmeans-seg"]["n_iter"]
    assert f"{told} {n} iteration" in methods_text(colored.layer)
    grey, _other = run(cell)
    assert told not in methods_text(grey.layer)
    given, _last = run(coffee, init=[[0, 0, 0], [99, 99, 99], [200, 100, 50], [255, 255, 255]])
    assert told not in methods_text(given.layer)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"n_clusters": 7, "color_space": "lab", "smoothing": 1.0, "seed": 3},
        {"init": "random", "n_init": 3, "tol": 0.0, "max_iter": 20, "fit_scale": 0.5},
        {"normalize": True, "spatial_weight": 0.1, "channel_weights": [1.0, 2.0, 0.5]},
        {"init": [[0, 0, 0], [99, 99, 99], [200, 100, 50], [255, 255, 255]]},
    ],
)
@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.filterwarnings("ignore:k-means did not converge")
def test_the_script_gives_this_very_result(coffee, tmp_path, parameters, edited):
    imsave(tmp_path / "picture.png", coffee)
    result, _viewer = run(coffee, **parameters)
    if edited:
        result.split(2, result.parts(2, 3)(None))
        result.merge([1, 3])
        result.split(4, result.parts(4, 2)(None))
        result.delete([5])
    script = python_script(result.layer, str(tmp_path / "picture.png"))
    found: dict = {}
    exec(script, found)
    np.testing.assert_array_equal(found["labels"], result.layer.data)


@pytest.mark.parametrize("alpha", [False, True])
def test_scripts_of_grey_images_and_of_images_with_alpha_run(coffee, cell, tmp_path, alpha):
    opaque = np.full((*coffee.shape[:2], 1), 255, np.uint8)
    image = np.concatenate([coffee, opaque], axis=-1) if alpha else cell
    imsave(tmp_path / "picture.png", image)
    result, _viewer = run(image)
    found: dict = {}
    exec(python_script(result.layer, str(tmp_path / "picture.png")), found)
    np.testing.assert_array_equal(found["labels"], result.layer.data)


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ({"step_axis": 0}, "Each step of t was clustered by itself"),
        ({"plane": {0: 2, 1: 1}}, "Only the plane at 2 along t and 1 along z was clustered."),
    ],
)
def test_axes_are_called_what_the_scope_calls_them(scope, told):
    viewer = ViewerModel()
    image = np.random.default_rng(0).integers(0, 200, (3, 4, 20, 20), np.uint8)
    layer = viewer.add_image(image, axis_labels=("t", "z", "y", "x"))
    source = replace(LayerImage.of(layer), **scope)
    shown = Outputs.paint(source, source.segment(n_clusters=3)).show(viewer)
    assert told in methods_text(shown["labels"])

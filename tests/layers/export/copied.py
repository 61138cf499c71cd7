"""Results of which scripts are copied, and what these give."""

from __future__ import annotations

import ast

import numpy as np
from skimage.io import imsave

from napari_kmeans_seg.layers import LayerImage, Outputs
from napari_kmeans_seg.layers.base.describe import pixels_of
from napari_kmeans_seg.layers.clusters import Clusters, clusters_of
from napari_kmeans_seg.layers.export.python_script import python_script


def save(name: str, image: np.ndarray) -> None:
    imsave(name, image, check_contrast=False)


def run(viewer, source: LayerImage, n_clusters=4, **parameters) -> Clusters:
    found = source.segment(n_clusters=n_clusters, **parameters)
    return clusters_of(viewer, Outputs.paint(source, found).show(viewer)["labels"])


def labels_of(clusters: Clusters) -> np.ndarray:
    """What the script gives."""
    script, found = python_script(clusters.layer), {}
    exec(script, found)
    tree = list(ast.walk(ast.parse(script)))
    imports = [one for one in tree if isinstance(one, ast.Import | ast.ImportFrom)]
    imported = {alias.asname or alias.name for one in imports for alias in one.names}
    used = {one.id for one in tree if isinstance(one, ast.Name)}
    assert imported <= used, "nothing is imported for nothing"
    assert found["labels"].dtype == pixels_of(clusters.layer).dtype
    return found["labels"]


def gives_it(clusters: Clusters) -> bool:
    """Whether the script gives the labels of the layer."""
    layer = clusters.layer
    np.testing.assert_array_equal(
        labels_of(clusters), layer.data[0] if layer.multiscale else layer.data
    )
    return True


def work_on(clusters: Clusters) -> None:
    """Merge, split and delete."""
    a, b, c = clusters.labels[:3]
    clusters.merge([a, b])
    clusters.split(c, clusters.parts(c, 2)(None))
    clusters.delete([a])

"""What is told of clusters after some were merged: as many as there are, and how far pixels lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import skimage.data

from napari_kmeans_seg import Segmentation, segment
from napari_kmeans_seg.core.model_parts.edits import Relabel, Split, Threshold, labels_left


@pytest.fixture(scope="module")
def tissue() -> np.ndarray:
    return skimage.data.immunohistochemistry()[::2, ::2].copy()


def distance(image: np.ndarray, seg: Segmentation, factor: Any = 1) -> float:
    """Sum up squared distances of pixels to the means of their clusters."""
    means = [image[seg.labels == i].mean(axis=0) for i in range(1, seg.n_clusters + 1)]
    return float((((image - np.array(means)[seg.labels - 1]) * factor) ** 2).sum())


def test_merged_clusters_have_their_own_inertia(tissue) -> None:
    found = segment(tissue, 4, channel_axis=-1, tol=0).merge((1, 2))
    assert found.inertia == pytest.approx(distance(tissue, found), rel=1e-9)
    assert f"inertia {found.inertia:.4g}" in repr(found)
    again = found.merge((2, 3))
    assert again.inertia == pytest.approx(distance(tissue, again), rel=1e-9)


def test_so_have_those_of_weighted_channels(tissue) -> None:
    weights = (1, 0.5, 3)
    found = segment(tissue, 4, channel_axis=-1, tol=0, channel_weights=weights).merge((1, 3))
    assert found.inertia == pytest.approx(distance(tissue, found, weights), rel=1e-9)


@pytest.mark.parametrize(
    "how", [{"color_space": "lab"}, {"smoothing": 1}, {"spatial_weight": 0.5}], ids=str
)
def test_where_it_is_not_known_none_is_reported(tissue, how: dict[str, Any]) -> None:
    found = segment(tissue, 4, channel_axis=-1, **how)
    assert "inertia" in repr(found)
    merged = found.merge((1, 2))
    for one in (merged, merged.model.predict(tissue)):
        assert np.isnan(one.inertia)
        assert "inertia" not in repr(one)


def test_labels_that_were_merged_into_others_are_not_told(tissue) -> None:
    model = segment(tissue, 4, channel_axis=-1).model
    model = replace(model, edits=(Relabel((2, 3), (2, 2)),))
    found = model.predict(tissue)
    table = found.to_dataframe()
    assert table["label"].tolist() == [1, 2, 4]
    assert table["pixels"].tolist() == found.counts[[0, 1, 3]].tolist()
    assert table["percent"].sum() == pytest.approx(100)
    assert repr(found).startswith("Segmentation(3 clusters of")
    assert repr(model).startswith("KMeansModel(3 clusters of")
    for page in (found._repr_html_(), model._repr_html_()):
        assert page.count("<tr><td") == 3
        assert "nan" not in page


def test_labels_without_pixels_in_this_image_are_reported(tissue) -> None:
    found = segment(tissue, 4, channel_axis=-1).model.predict(np.zeros_like(tissue[:5]))
    assert found.to_dataframe()["pixels"].tolist() == [found.labels.size, 0, 0, 0]


def test_each_edit_leaves_the_labels_that_pixels_can_have() -> None:
    part = segment(np.arange(9), 2).model
    merged, deleted = Relabel((2, 3), (2, 2)), Relabel((1,), (0,))
    assert labels_left(4, (merged,)) == {1, 2, 4}
    assert labels_left(4, (merged, deleted)) == {2, 4}
    assert labels_left(4, (merged, Split(4, (4, 5), part))) == {1, 2, 4, 5}
    assert labels_left(4, (merged, Split(3, (3, 6), part))) == {1, 2, 4}
    assert labels_left(4, (deleted, Threshold(1, 2, 5.0))) == {1, 2, 3, 4}
    assert labels_left(2, (Relabel((1, 2), (0, 0)),)) == set()

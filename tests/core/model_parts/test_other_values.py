"""A model that is applied to values of another kind says so, and is silent otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import skimage.data

from napari_kmeans_seg import KMeansModel, segment

from ..spaces import CONVERTED

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = {
    name: np.ascontiguousarray(getattr(skimage.data, name)()[::2, ::2])
    for name in ("coffee", "astronaut", "camera", "coins", "moon", "page", "immunohistochemistry")
}
KINDS: dict[str, Any] = {
    "8 bits": lambda image: image,
    "16 bits": lambda image: image.astype(np.uint16) * 257,
    "0 to 1": lambda image: image / 255,
    "float32": lambda image: (image / 255).astype(np.float32),
}


def model_of(image: np.ndarray, n_clusters: int = 4, **arguments: Any) -> KMeansModel:
    axis = -1 if image.ndim == 3 else None
    return segment(image, n_clusters, channel_axis=axis, **arguments).model


@pytest.mark.parametrize("name", ["coffee", "astronaut", "camera", "coins"])
@pytest.mark.parametrize(
    ("fitted", "given"),
    [
        ("8 bits", "16 bits"),
        ("8 bits", "0 to 1"),
        ("8 bits", "float32"),
        ("16 bits", "8 bits"),
        ("16 bits", "0 to 1"),
        ("0 to 1", "8 bits"),
        ("0 to 1", "16 bits"),
    ],
)
def test_values_of_another_kind_are_reported(name: str, fitted: str, given: str) -> None:
    image = IMAGES[name]
    model = model_of(KINDS[fitted](image))
    with pytest.warns(UserWarning, match="of another kind than those") as caught:
        found = model.predict(KINDS[given](image))
    assert found.warnings == tuple(str(one.message) for one in caught)
    assert caught[0].filename == __file__


def test_a_saved_model_knows_them_too(tmp_path: Path) -> None:
    model = model_of(IMAGES["coffee"], normalize=True, channel_weights=[1, 0.5, 0])
    model.save(tmp_path / "m.json")
    with pytest.warns(UserWarning, match="of another kind"):
        KMeansModel.load(tmp_path / "m.json").predict(IMAGES["coffee"] / 255)


@pytest.mark.parametrize("kind", ["8 bits", "16 bits", "0 to 1"])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"normalize": True},
        {"smoothing": 2},
        {"spatial_weight": 0.5},
        {"n_clusters": 2},
        {"n_clusters": 1},
    ],
    ids=str,
)
def test_images_of_the_same_kind_are_not(kind: str, arguments: dict[str, Any]) -> None:
    """Warnings are errors here."""
    for name, image in IMAGES.items():
        model = model_of(KINDS[kind](image), **arguments)
        others = [other for other in IMAGES.values() if other.ndim == image.ndim]
        dark, bright = image // 8, 255 - image // 8
        black, white = np.zeros_like(image), np.full_like(image, 255)
        middle = np.full_like(image, int(image.mean()))
        for other in (*others, dark, bright, black, white, middle):
            assert model.predict(KINDS[kind](other)).warnings == (), name


def test_outliers_are_none() -> None:
    image = IMAGES["camera"].astype(np.uint16)
    model = model_of(image)
    hot = image.copy()
    hot[::10, ::10] = 65_535
    assert model.predict(hot).warnings == ()


def test_floats_that_are_dark_in_most_places_are_none() -> None:
    dark = IMAGES["camera"] / 255
    dark[:100] = IMAGES["camera"][:100]
    assert model_of(IMAGES["camera"]).predict(dark).warnings == ()


@pytest.mark.parametrize("value", [0.0, 0.4])
def test_a_constant_image_of_floats_is_none(value: float) -> None:
    model = model_of(IMAGES["camera"])
    assert model.predict(np.full((300, 300), value)).warnings == ()


@pytest.mark.parametrize("color_space", CONVERTED)
def test_colour_spaces_bring_all_kinds_to_one_scale(color_space: str) -> None:
    model = model_of(IMAGES["coffee"], color_space=color_space)
    for kind in ("16 bits", "0 to 1"):
        assert model.predict(KINDS[kind](IMAGES["coffee"])).warnings == ()

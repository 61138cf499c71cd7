"""A viewer with an image to run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from napari.components import ViewerModel

if TYPE_CHECKING:
    from napari.layers import Image


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def source(viewer, coffee) -> Image:
    return viewer.add_image(coffee, name="coffee", rgb=True)

"""What commands of all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import skimage.data
import tifffile
from PIL import Image

from ..files.ngff.stores import field_of_cells
from .shell import warm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TISSUE = skimage.data.immunohistochemistry()[::4, ::4]
PARTS = TISSUE[:60], TISSUE[60:]


@pytest.fixture(autouse=True, scope="session")
def warm_process_ends_with_the_tests() -> Iterator[None]:
    yield
    warm.end()


@pytest.fixture
def photo(tmp_path, coffee) -> Path:
    path = tmp_path / "coffee.png"
    Image.fromarray(coffee).save(path)
    return path


@pytest.fixture
def slow(tmp_path) -> Path:
    """An image that takes long: 4 megapixels of float noise in 3 channels, for many clusters."""
    path = tmp_path / "slow.tif"
    noise = np.random.default_rng(0).random((2000, 2000, 3), np.float32)
    tifffile.imwrite(path, noise, photometric="rgb")
    return path


@pytest.fixture
def slides(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for path, part in zip(paths, PARTS, strict=True):
        tifffile.imwrite(path, part, photometric="rgb")
    return paths


@pytest.fixture
def cells() -> np.ndarray:
    """Three channels of 16 bits: (3, 70, 70)."""
    return field_of_cells(0, 70)

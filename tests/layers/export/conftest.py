"""What a script is copied of, and where it finds its files."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the script finds its files."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def stack(cell) -> np.ndarray:
    """Six parts of a micrograph, from dark to bright: (6, 128, 128) uint16."""
    parts = [cell[60 * i : 60 * i + 128, 40 * i : 40 * i + 128] for i in range(6)]
    return np.stack([part.astype(np.uint16) * (20 + i) for i, part in enumerate(parts)])

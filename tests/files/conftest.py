"""Pictures that tests of files share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


@pytest.fixture
def patches() -> npt.NDArray[np.uint8]:
    """What a person sees: dark ground, a middle band, a light patch."""
    image = np.full((40, 60), 30, np.uint8)
    image[:5] = 120
    image[10:30, 20:40] = 220
    return image


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    return folder

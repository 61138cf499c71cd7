"""A stack to look through, and a run to its end."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 200, (4, 40, 50), np.uint8)


@pytest.fixture
def run(finish):
    def press(widget):
        widget.run()
        finish(widget)
        return widget.state

    return press

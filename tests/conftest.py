"""Images that several tests share: real ones, from scikit-image's wheel."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import own_settings

# Before napari is imported, and for what tests start as a program: nobody's own settings
# are read or written.
_settings = own_settings.folder()
os.environ["NAPARI_CONFIG"] = str(Path(_settings.name) / "settings.yaml")

# A shell that runs the tests in the background has them ignore Ctrl-C, and what they start, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import dask  # noqa: E402
import pytest  # noqa: E402
import skimage.data  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import numpy.typing as npt


@pytest.fixture
def coffee() -> npt.NDArray[np.uint8]:
    """A photograph: (400, 600, 3) uint8."""
    return _read_only(skimage.data.coffee())


@pytest.fixture
def histology() -> npt.NDArray[np.uint8]:
    """A stained tissue section: (512, 512, 3) uint8."""
    return _read_only(skimage.data.immunohistochemistry())


@pytest.fixture
def cell() -> npt.NDArray[np.uint8]:
    """A grey micrograph: (660, 550) uint8."""
    return _read_only(skimage.data.cell())


@pytest.fixture
def dask_limits() -> Iterator[Callable[..., None]]:
    """Set `core.lazy.limits.Limits`, so that small arrays go the way of huge ones."""
    with ExitStack() as stack:

        def lower(**limits: float) -> None:
            named = {f"napari-kmeans-seg.{name}": value for name, value in limits.items()}
            stack.enter_context(dask.config.set(named))

        yield lower


def _read_only(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Freeze an image, so that a test notices when the code writes into its input."""
    image.flags.writeable = False
    return image

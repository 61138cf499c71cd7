"""What stands above the way of an image in memory, and is lent to it by the package.

Core knows no file formats, its top knows neither Dask nor pools of images, and yet `segment` takes
all of these. This loads nothing; `napari_kmeans_seg` itself says what each of them leads to.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def _nobody(*_: Any, **__: Any) -> Any:
    raise AssertionError("the package lends this when it is imported")


open_file: Callable[..., Any] = _nobody
"""Read an image file: an image with `pixels`, `channel_axis` and `alpha`, and its mask."""

images_in: Callable[[Path], list[Path]] = _nobody
"""Name the images that a path leads to: those of a plate one by one, else itself."""

is_read_lazily: Callable[[Path], bool] = _nobody
"""Whether an image file is read chunk by chunk when its pixels are asked for."""

read_blocks: Callable[..., Any] = _nobody
"""Read a Dask array for `prepare`."""

lazy_image: Callable[..., Any] = _nobody
"""Check a Dask array as an image. Reads nothing."""

predict_blocks: Callable[..., Any] = _nobody
"""Label a Dask array by a model, when it is asked for."""

pool: Callable[..., Any] = _nobody
"""Read many images as one, for `KMeansModel.fit`."""

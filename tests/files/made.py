"""Pictures of 16 bits, and results of images, as several tests make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg import segment
from napari_kmeans_seg.files.result_paths import result_paths
from napari_kmeans_seg.files.results import write_results

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from napari_kmeans_seg.files.base.image_file import ImageFile


def as_16_bit(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """Give an 8-bit picture low bits, too, so that a cut to 8 bits would show."""
    noise = np.random.default_rng(0).integers(0, 256, image.shape, dtype=np.uint16)
    return image * np.uint16(256) + noise


def segmented(image: ImageFile, folder: Path, n_clusters: int = 3) -> Any:
    """Segment an image and write its results into a folder."""
    result = segment(image.pixels, n_clusters, channel_axis=image.channel_axis, alpha=image.alpha)
    write_results(image, result, result_paths(image.path, folder))
    return result

"""What others show of a file, and what the command makes of one."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from napari_kmeans_seg import segment
from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.part import Limits, taking_part
from napari_kmeans_seg.files.result_paths import result_paths
from napari_kmeans_seg.files.results import write_results

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from napari_kmeans_seg.files.base.image_file import ImageFile


def seen(path: Path) -> npt.NDArray[Any]:
    """Return what Pillow shows of a picture."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB") if picture.mode in {"P", "CMYK"} else picture)


def segmented(
    path: Path, folder: Path, n_clusters: int = 3, limits: Limits | None = None
) -> tuple[ImageFile, Any]:
    """Segment a file as the command does, into a folder."""
    image = read_image(path)
    result = segment(
        image.pixels,
        n_clusters,
        channel_axis=image.channel_axis,
        alpha=image.alpha,
        mask=taking_part(image, limits or Limits()),
    )
    folder.mkdir(exist_ok=True)
    write_results(image, result, result_paths(path, folder))
    return image, result


def read_without_imagecodecs(paths: list[Path]) -> list[tuple[list[int], str, str] | str]:
    """Read files in a process without imagecodecs: shape, dtype and digest, or the error."""
    script = """
import hashlib, json, sys
sys.modules["imagecodecs"] = None
from pathlib import Path
from napari_kmeans_seg.files.images import read_image
found = []
for name in json.load(sys.stdin):
    try:
        pixels = read_image(Path(name)).pixels
    except ValueError as problem:
        found.append(str(problem))
    else:
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        found.append((pixels.shape, pixels.dtype.name, digest))
print(json.dumps(found))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps([str(path) for path in paths]),
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        one if isinstance(one, str) else tuple(one)
        for one in json.loads(done.stdout.splitlines()[-1])
    ]


def digest(pixels: npt.NDArray[Any]) -> tuple[list[int], str, str]:
    """Return the same of pixels."""
    return list(pixels.shape), pixels.dtype.name, hashlib.sha256(pixels.tobytes()).hexdigest()

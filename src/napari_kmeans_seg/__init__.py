"""Segment images in napari by k-means on their pixel values."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from .core import opening

if TYPE_CHECKING:
    from .core.choose_k import ClusterCurve
    from .core.model import KMeansModel
    from .core.pooled import PooledImages, pool
    from .core.prepare import prepare
    from .core.prepared import PreparedImage
    from .core.segment import choose_k, segment
    from .core.segment_steps import segment_steps
    from .core.segmentation import Segmentation
    from .core.steps import StepsSegmentation
    from .files.ngff.labels import write_labels

__version__ = version("napari-kmeans-seg")
__all__ = [
    "ClusterCurve",
    "KMeansModel",
    "PooledImages",
    "PreparedImage",
    "Segmentation",
    "StepsSegmentation",
    "__version__",
    "choose_k",
    "pool",
    "prepare",
    "segment",
    "segment_steps",
    "write_labels",
]

# Imported on first use, so that `import napari_kmeans_seg` costs nothing where
# napari only wants to read the manifest.
_HOME = {
    "ClusterCurve": "core.choose_k",
    "KMeansModel": "core.model",
    "PooledImages": "core.pooled",
    "PreparedImage": "core.prepared",
    "Segmentation": "core.segmentation",
    "StepsSegmentation": "core.steps",
    "choose_k": "core.segment",
    "pool": "core.pooled",
    "prepare": "core.prepare",
    "segment": "core.segment",
    "segment_steps": "core.segment_steps",
    "write_labels": "files.ngff.labels",
}


def _open_for_pool(*arguments: Any) -> Any:
    from .files.pooling import open_for_pool

    return open_for_pool(*arguments)


def _images_in(path: Any) -> Any:
    from .files.ngff.plates import images_in

    return images_in(path)


def _is_read_lazily(path: Any) -> Any:
    from .files.images import is_read_lazily

    return is_read_lazily(path)


# Image files stand on core, which only knows that somebody opens them.
opening.opener = _open_for_pool
opening.lister = _images_in
opening.lazy = _is_read_lazily


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

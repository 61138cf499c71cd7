"""Segment images in napari by k-means on their pixel values."""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from .core.base import lent

if TYPE_CHECKING:
    from .core.choose_k import ClusterCurve
    from .core.model import KMeansModel
    from .core.pool.pooled import PooledImages, pool
    from .core.prepare import prepare
    from .core.prepared import PreparedImage
    from .core.segment import choose_k, segment
    from .core.segment_steps import segment_steps
    from .core.segmentation import Segmentation
    from .core.steps import StepsSegmentation
    from .files.labels import write_labels

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
    "PooledImages": "core.pool.pooled",
    "PreparedImage": "core.prepared",
    "Segmentation": "core.segmentation",
    "StepsSegmentation": "core.steps",
    "choose_k": "core.segment",
    "pool": "core.pool.pooled",
    "prepare": "core.prepare",
    "segment": "core.segment",
    "segment_steps": "core.segment_steps",
    "write_labels": "files.labels",
}


def _later(module: str, name: str) -> Callable[..., Any]:
    """Return a function that loads another when it is first called."""

    def call(*arguments: Any, **named: Any) -> Any:
        return getattr(import_module(f"{__name__}.{module}"), name)(*arguments, **named)

    return call


# What stands above the way of an image in memory: see `core/base/lent.py`.
lent.open_file = _later("files.pooling", "open_for_pool")
lent.images_in = _later("files.ngff.plates", "images_in")
lent.is_read_lazily = _later("files.images", "is_read_lazily")
lent.read_blocks = _later("core.lazy.prepare", "read_blocks")
lent.lazy_image = _later("core.lazy.predicted", "lazy_image")
lent.predict_blocks = _later("core.lazy.predicted", "predict_blocks")
lent.pool = _later("core.pool.pooled", "pool")


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

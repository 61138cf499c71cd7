"""Segment images in napari by k-means on their pixel values."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.choose_k import ClusterCurve
    from .core.model import KMeansModel
    from .core.prepare import prepare
    from .core.prepared import PreparedImage
    from .core.segment import choose_k, segment
    from .core.segment_steps import segment_steps
    from .core.segmentation import Segmentation
    from .core.steps import StepsSegmentation

__version__ = version("napari-kmeans-seg")
__all__ = [
    "ClusterCurve",
    "KMeansModel",
    "PreparedImage",
    "Segmentation",
    "StepsSegmentation",
    "__version__",
    "choose_k",
    "prepare",
    "segment",
    "segment_steps",
]

# Imported on first use, so that `import napari_kmeans_seg` costs nothing where
# napari only wants to read the manifest.
_HOME = {
    "ClusterCurve": "choose_k",
    "KMeansModel": "model",
    "PreparedImage": "prepared",
    "Segmentation": "segmentation",
    "StepsSegmentation": "steps",
    "choose_k": "segment",
    "prepare": "prepare",
    "segment": "segment",
    "segment_steps": "segment_steps",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.core.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

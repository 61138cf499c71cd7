"""Segment images in napari by k-means on their pixel values."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.model import KMeansModel
    from .core.segment import PreparedImage, prepare, segment
    from .core.segmentation import Segmentation

__version__ = version("napari-kmeans-seg")
__all__ = ["KMeansModel", "PreparedImage", "Segmentation", "__version__", "prepare", "segment"]

# Imported on first use, so that `import napari_kmeans_seg` costs nothing where
# napari only wants to read the manifest.
_HOME = {
    "KMeansModel": "model",
    "PreparedImage": "segment",
    "Segmentation": "segmentation",
    "prepare": "segment",
    "segment": "segment",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.core.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

"""What a run adds: a segmentation becomes layers, and keeps how it came to be."""

from .outputs import Outputs, earlier_outputs

__all__ = ["Outputs", "earlier_outputs"]

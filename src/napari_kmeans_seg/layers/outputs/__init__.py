"""What a run adds: a segmentation becomes layers, and keeps how it came to be."""

from .outputs import THROUGH_HUES, THROUGH_MEANS, Outputs, earlier_outputs

__all__ = ["THROUGH_HUES", "THROUGH_MEANS", "Outputs", "earlier_outputs"]

"""Segmentations that are more than one array; scripts that were copied find them here."""

from napari_kmeans_seg.core.levels import PyramidSegmentation, relabelled, relabelling
from napari_kmeans_seg.core.steps import StepsSegmentation, levels_of

__all__ = ["PyramidSegmentation", "StepsSegmentation", "levels_of", "relabelled", "relabelling"]

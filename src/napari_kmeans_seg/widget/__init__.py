"""The top floor: what a person touches."""

from .kmeans import KMeansWidget

__all__ = ["KMeansWidget"]

"""What is done with the clusters of a result."""

from .clusters import PALETTES, Clusters, clusters_of

__all__ = ["PALETTES", "Clusters", "clusters_of"]

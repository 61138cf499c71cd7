"""What is done with the clusters of a result."""

from .clusters import Clusters, clusters_of

__all__ = ["Clusters", "clusters_of"]

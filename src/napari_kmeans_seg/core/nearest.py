"""The nearest centroid of many points, in blocks that stay in the processor's cache."""

import numpy as np
from numpy.typing import NDArray

from .features import Features

BLOCK = 1 << 14
"""Points whose scores to all centroids are held at a time."""

SCORES = 1 << 21
"""Scores that are held at a time: 16 MB, however many clusters."""

GEMM = 1 << 18
"""Multiplications up to which OpenBLAS keeps a product on one thread. The callers run on
threads of their own, and a product that is never split has the same bits on any machine size."""

Labels = NDArray[np.unsignedinteger]


def label_dtype(n_clusters: int) -> np.dtype[np.unsignedinteger]:
    """Smallest unsigned dtype that holds labels up to `n_clusters`."""
    return np.dtype(np.min_scalar_type(n_clusters))


def nearest(features: Features, centroids: NDArray[np.float64], out: Labels) -> Labels:
    """Write the index of each point's nearest centroid to `out`; of equals, the first.

    Parameters
    ----------
    features : (n_features, n) float64 array
        The points.
    centroids : (n_clusters, n_features) float64 array
        The centroids.
    out : (n,) array of unsigned integers
        Where the indices go; at least 8 bits, 16 above 256 centroids.
    """
    n = features.shape[1]
    if n == 0 or len(centroids) == 1:
        out[:] = 0
        return out
    # |x - c|^2 / 2 = |x|^2 / 2 + (|c|^2 / 2 - c x): only the bracket differs between centroids.
    half = (centroids**2).sum(axis=1)[:, np.newaxis] / 2
    size = min(n, BLOCK, max(256, SCORES // len(centroids)))
    product = max(256, GEMM // (centroids.size + 1))
    scores = np.empty((len(centroids), size))
    closer = np.empty(size, bool)
    index = np.empty(size, out.dtype)
    for start in range(0, n, size):
        block = features[:, start : start + size]
        m = block.shape[1]
        for left in range(0, m, product):
            right = min(left + product, m)
            np.matmul(-centroids, block[:, left:right], out=scores[:, left:right])
        scores[:, :m] += half
        best, labels = scores[0, :m], out[start : start + m]
        labels[:] = 0
        for j in range(1, len(centroids)):
            np.less(scores[j, :m], best, out=closer[:m])
            # j only grows, so the maximum keeps the last centroid that was strictly closer:
            # plain vector instructions where a masked copy would be several times slower.
            np.multiply(closer[:m], out.dtype.type(j), out=index[:m], casting="unsafe")
            np.maximum(labels, index[:m], out=labels)
            np.minimum(best, scores[j, :m], out=best)
    return out


def squared_distances(
    features: Features, centroids: NDArray[np.float64], labels: Labels
) -> NDArray[np.float64]:
    """Squared distance of each point to the centroid of its label, without cancellation."""
    total = np.zeros(features.shape[1])
    index, difference = labels.astype(np.intp), np.empty(features.shape[1])
    for feature, coordinate in zip(features, centroids.T, strict=True):
        np.take(coordinate, index, out=difference, mode="clip")
        np.subtract(feature, difference, out=difference)
        difference *= difference
        total += difference
    return total


def weighted_sum(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    """Sum `values` times `weights` (None: all 1) pairwise, with the same bits on any machine size.

    BLAS would be no more exact, and splits long vectors by its number of threads.
    """
    return float((values if weights is None else values * weights).sum())

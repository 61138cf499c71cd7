"""The nearest centroid of many points, in blocks that stay in the processor's cache."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .features import Features

BLOCK = 1 << 15
"""Points whose scores to all centroids are held at a time."""

SCORES = 1 << 18
"""Scores that are held at a time: 2 MB, however many clusters. Twice as many took a half longer
where they left a cache of 2 MB."""

GEMM = 1 << 18
"""Multiplications up to which OpenBLAS keeps a product on one thread. The callers run on
threads of their own, and a product that is never split has the same bits on any machine size."""

APART = 16
"""Scores between those of one centroid and of the next: at a distance of a power of two they
would take the same places in the cache, and a quarter more time."""

MANY = 128
"""Centroids from which the nearest is found faster point by point. With 256 in a third of the
time, with 64 in more."""

PASSES = 64
"""Passes over values that take less time than a search for each value."""

Labels = NDArray[np.unsignedinteger]


def label_dtype(n_clusters: int) -> np.dtype[np.unsignedinteger]:
    """Smallest unsigned dtype that holds labels up to `n_clusters`."""
    return np.dtype(np.min_scalar_type(n_clusters))


def nearest(
    features: NDArray[np.floating[Any]],
    centroids: NDArray[np.floating[Any]],
    out: Labels,
    *,
    ones: bool = False,
) -> Labels:
    """Write the index of each point's nearest centroid to `out`; of equals, the first.

    Parameters
    ----------
    features : (n_features, n) array of float64 or float32
        The points.
    centroids : (n_clusters, n_features) array of the same dtype
        The centroids.
    out : (n,) array of unsigned integers
        Where the indices go; at least 8 bits, 16 above 256 centroids.
    ones : bool
        Whether `features` have ones for a last row, which is none. For some thousand points and
        many centroids they save a third of the time; to add them here would cost as much.
    """
    n, n_features = features.shape[1], centroids.shape[1]
    if n == 0 or len(centroids) == 1:
        out[:] = 0
        return out
    if n_features == 1:
        return _between_middles(features[0], centroids[:, 0], out)
    if len(centroids) >= MANY:
        return _nearest_of_many(features[:n_features], centroids, out)
    # |x - c|^2 / 2 = |x|^2 / 2 + (|c|^2 / 2 - c x): only the bracket differs between centroids.
    half = (centroids**2).sum(axis=1)[:, np.newaxis] / 2
    size = min(n, BLOCK, max(256, SCORES // len(centroids)))
    factors = np.hstack([-centroids, half]) if ones else -centroids
    shape = len(centroids), size + APART
    scores, best = np.empty(shape, features.dtype), np.empty(size, features.dtype)
    is_best, number = np.empty(shape, bool), np.empty(shape, out.dtype)
    # Counted from the last, so that the largest is the first of equals.
    last = out.dtype.type(len(centroids) - 1)
    numbers = np.arange(len(centroids), dtype=out.dtype)[::-1, np.newaxis]
    for start in range(0, n, size):
        block = features[:, start : start + size]
        m = block.shape[1]
        multiply(factors, block, out=scores[:, :m])
        # Few long calls on all centroids, not one per centroid: threads hand the interpreter
        # to each other at every call, which takes as long as some thousand comparisons.
        if not ones:
            scores[:, :m] += half
        np.minimum.reduce(scores[:, :m], axis=0, out=best[:m])
        np.equal(scores[:, :m], best[:m], out=is_best[:, :m])
        # Seen as numbers: NumPy takes longer to convert than to multiply.
        np.multiply(is_best.view(np.uint8)[:, :m], numbers, out=number[:, :m])
        labels = out[start : start + m]
        np.maximum.reduce(number[:, :m], axis=0, out=labels)
        np.subtract(last, labels, out=labels)
    return out


def _nearest_of_many(
    features: NDArray[np.floating[Any]], centroids: NDArray[np.floating[Any]], out: Labels
) -> Labels:
    """Do the same with all scores of one point after the other, which NumPy searches fast."""
    n, dtype = features.shape[1], features.dtype
    # As above; half of |c|^2 is added as the product with a 1.
    factors = np.vstack([-centroids.T, (centroids**2).sum(axis=1) / 2]).astype(dtype, copy=False)
    size = min(n, max(1, GEMM // factors.size))
    points = np.ones((size, len(factors)), dtype)
    scores, index = np.empty((size, len(centroids)), dtype), np.empty(size, np.intp)
    for start in range(0, n, size):
        block = features[:, start : start + size]
        m = block.shape[1]
        points[:m, :-1] = block.T
        np.matmul(points[:m], factors, out=scores[:m])
        scores[:m].argmin(axis=1, out=index[:m])
        out[start : start + m] = index[:m]
    return out


def _between_middles(
    values: NDArray[np.floating[Any]], centroids: NDArray[np.floating[Any]], out: Labels
) -> Labels:
    """Do the same for one feature: where values change their centroid is half-way between two."""
    order = np.argsort(centroids, kind="stable")
    # Of equal centroids the first.
    order = order[np.diff(centroids[order], prepend=-np.inf) > 0]
    ascending = centroids[order]
    middles = ascending[:-1] + np.diff(ascending) / 2
    # A value in the middle goes to the centroid that comes first.
    upper_first = order[:-1] > order[1:]
    middles[upper_first] = np.nextafter(middles[upper_first], -np.inf)
    if middles.size > PASSES:
        return np.take(order, np.searchsorted(middles, values), out=out, mode="clip")
    out[:] = 0
    above = np.empty(values.size, bool)
    for middle in middles:
        np.greater(values, middle, out=above)
        out += above
    if (order[:-1] > order[1:]).any() or order.size < len(centroids):
        np.take(order.astype(out.dtype), out, out=out, mode="clip")
    return out


def multiply(
    factors: NDArray[np.floating[Any]],
    features: NDArray[np.floating[Any]],
    out: NDArray[np.floating[Any]],
) -> NDArray[np.floating[Any]]:
    """Write the product of ``(m, n_features)`` and ``(n_features, n)`` to `out`, in parts."""
    n, size = features.shape[1], max(256, GEMM // (factors.size + 1))
    for start in range(0, n, size):
        part = slice(start, start + size)
        np.matmul(factors, features[:, part], out=out[:, part])
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

"""The nearest centroid of many points, in blocks that stay in the processor's cache."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
"""Of float32 or float64."""

Labels = NDArray[np.unsignedinteger[Any]]

SCORES = 1 << 19
"""Scores kept at a time: 2 MB, of which half stays in the cache."""

GEMM = 1 << 18
"""Multiplications up to which OpenBLAS keeps a product on one thread: ours is a thread already."""

FEW_LABELS, FEW_ONES = 10, 1 << 15
"""Labels, and labels times points, up to which numbers are summed up by a product with ones and
zeros."""


def label_dtype(n_clusters: int) -> np.dtype[np.unsignedinteger[Any]]:
    """Smallest unsigned dtype that holds labels up to `n_clusters`."""
    return np.dtype(np.min_scalar_type(n_clusters))


def blas_parts(n_factors: int, length: int) -> Iterator[tuple[slice, int]]:
    """Cut products of factors of some length with points into parts that BLAS does not split.

    Our threads would wait for its threads, and these for each other: that takes many times as long.

    Parameters
    ----------
    n_factors, length : int
        How many factors there are, and how many numbers each has.

    Yields
    ------
    slice
        Some of the factors.
    int
        With how many points at a time they are multiplied: 64 or more where that is possible.
    """
    height = max(1, GEMM // (64 * length))
    for start in range(0, n_factors, height):
        stop = min(start + height, n_factors)
        yield slice(start, stop), max(1, GEMM // ((stop - start) * length))


def multiply(factors: Floats, rows: Floats, out: Floats) -> None:
    """Write ``factors @ rows`` to `out`."""
    for some, size in blas_parts(*factors.shape):
        for i in range(0, rows.shape[1], size):
            np.matmul(factors[some], rows[:, i : i + size], out=out[some, i : i + size])


def factors_of(centroids: NDArray[np.float64], dtype: type[np.floating[Any]]) -> Floats:
    """Return what points with a 1 for a last feature are multiplied by: ``|c|^2 / 2 - c x``.

    With ``|x|^2 / 2``, the same for all centroids, it adds up to half the squared distance.
    """
    half = (centroids**2).sum(axis=1, keepdims=True) / 2
    factors: Floats = np.hstack([-centroids, half]).astype(dtype)
    return factors


def nearest(
    rows: Floats, factors: Floats, labels: Labels, gap: Floats | None = None
) -> NDArray[np.intp]:
    """Write the index of each point's nearest centroid to `labels`; return which are unsure.

    What a product of matrices rounds to depends on the processor. Of points whose two nearest
    centroids are about as near, `by_distance` decides the label.

    Parameters
    ----------
    rows : (n_features + 1, n) array of float32 or float64
        The points, with a last row of ones.
    factors : (n_clusters, n_features + 1) array of the same dtype
        See `factors_of`.
    labels : (n,) array of unsigned integers
        Where the indices go.
    gap : (n,) array of the same dtype, optional
        Where it goes how much farther the second nearest centroid is, less what rounding may
        have made of it: where it is above 0 the label is certain.

    Returns
    -------
    (m,) array of intp
        Which points are unsure.
    """
    n, k = rows.shape[1], len(factors)
    # However many centroids there are, some points at a time.
    size = max(1, min(n, max(128, SCORES // k)))
    # Rows a power of two apart would take the same places in the cache.
    width = size + 16
    # Kept for all blocks: memory that is new costs more than the work.
    kept = np.empty((k, width), rows.dtype)
    is_close = np.empty((k, width), bool)
    numbers = np.empty((k, width), labels.dtype)
    # Counted from the last, so that the largest is the first of equals.
    last = labels.dtype.type(k - 1)
    from_last = np.arange(k, dtype=labels.dtype)[::-1, np.newaxis]
    # Rounding changes a score by at most `unit * (|x| + |c|)**2 / 2`, and |c| is at most |x| plus
    # the distance: that is at most `unit * (5 |x|**2 + 2 * score)`, for each of two scores.
    unit = rows.dtype.type(np.finfo(rows.dtype).eps / 2 * (4 + len(rows)))
    unsure, tiny = [], np.finfo(rows.dtype).tiny
    for i in range(0, n, size):
        part, m = slice(i, min(i + size, n)), min(size, n - i)
        scores, close = kept[:, :m], is_close[:, :m]
        multiply(factors, rows[:, part], scores)
        half = np.einsum("ij,ij->j", rows[:-1, part], rows[:-1, part]) / 2
        # Few long calls, no argmin: along this axis NumPy's takes some times as long.
        least = scores.min(axis=0)
        limit = least + (6 * unit * (5 * half + least) + tiny)
        np.less_equal(scores, limit, out=close)
        as_numbers = close.view(np.uint8)
        np.multiply(as_numbers, from_last, out=numbers[:, :m])
        np.subtract(last, numbers[:, :m].max(axis=0), out=labels[part])
        if gap is None:
            is_unsure = as_numbers.sum(axis=0, dtype=labels.dtype) > 1
        else:
            scores[labels[part], np.arange(m)] = np.inf
            other = scores.min(axis=0)
            is_unsure = other <= limit
            first, second = (np.sqrt(2 * np.maximum(s + half, 0)) for s in (least, other))
            gap[part] = second - first - np.sqrt(8 * unit) * (np.sqrt(8 * half) + second)
            gap[part][is_unsure] = 0
        unsure.append(i + np.flatnonzero(is_unsure))
    return np.concatenate(unsure)


def by_distance(rows: NDArray[np.float64], centroids: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the nearest centroids, of equals the first, by sums that round everywhere alike.

    Parameters
    ----------
    rows : (n_features + 1, n) float64 array
        The points, with a last row of ones.
    centroids : (n_clusters, n_features) float64 array
        The centroids.
    """
    size, found = max(1, SCORES // len(centroids)), np.empty(rows.shape[1], np.intp)
    # So much farther off than centroids are from the origin that squared distances have lost the
    # difference.
    beyond = (2.0**40 * np.abs(centroids).max()) ** 2
    for i in range(0, found.size, size):
        part = rows[:-1, i : i + size]
        away = squares_to_all(part, centroids)
        far = np.flatnonzero(away.min(axis=0) > beyond)
        if far.size:
            # What is left of the squares without those of the points.
            away[:, far] = -2 * sum(
                column[:, np.newaxis] * row
                for row, column in zip(part[:, far], centroids.T, strict=True)
            )
        away.argmin(axis=0, out=found[i : i + size])
    return found


def squares_to_all(
    features: NDArray[np.float64], centroids: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return squared distances of ``(n_features, n)`` points to the centroids, a row for each."""
    away = np.zeros((len(centroids), features.shape[1]))
    for row, column in zip(features, centroids.T, strict=True):
        difference = row - column[:, np.newaxis]
        difference *= difference
        away += difference
    return away


def sums_by_label(labels: NDArray[Any], rows: NDArray[Any], n_clusters: int) -> NDArray[np.float64]:
    """Sum ``(n_rows, n)`` numbers over the points of each label, ``(n_clusters, n_rows)``."""
    index = labels.astype(np.intp)
    return np.stack([np.bincount(index, row, minlength=n_clusters) for row in rows], axis=1)


def exact_sums_by_label(
    labels: Labels, rows: NDArray[np.float64], n_clusters: int, old: Labels | None = None
) -> NDArray[np.float64]:
    """Do the same for numbers whose sums are exact in whatever order, which is faster.

    See `kmeans.points.Points.summands`. With `old`, other labels of the same points, their sums by
    these are subtracted.
    """
    if n_clusters > FEW_LABELS and n_clusters * labels.size > FEW_ONES:
        sums = _sums_in_order(labels, rows, n_clusters)
        return sums if old is None else sums - _sums_in_order(old, rows, n_clusters)
    numbers = np.arange(n_clusters, dtype=labels.dtype)[:, np.newaxis]
    ones = np.equal(labels, numbers).astype(np.float64)
    if old is not None:
        ones -= np.equal(old, numbers)
    sums = np.zeros((n_clusters, len(rows)))
    for some, size in blas_parts(*sums.shape):
        for i in range(0, labels.size, size):
            sums[some] += ones[some, i : i + size] @ rows[:, i : i + size].T
    return sums


def _sums_in_order(
    labels: Labels, rows: NDArray[np.float64], n_clusters: int
) -> NDArray[np.float64]:
    """Do it by putting the points in the order of their labels: few calls for many rows."""
    order = np.argsort(labels, kind="stable")
    ordered, sums = labels[order], np.zeros((n_clusters, len(rows)))
    starts = np.flatnonzero(np.diff(ordered.astype(np.intp), prepend=-1))
    if starts.size:
        sums[ordered[starts]] = np.add.reduceat(rows.take(order, axis=1), starts, axis=1).T
    return sums

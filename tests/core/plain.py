"""k-means pixel by pixel in double precision, to hold any faster way against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.float64]

AT_ONCE = 1 << 22
"""Squares that are held at a time."""


class PlainResult(NamedTuple):
    labels: NDArray[np.intp]  # from 0
    centroids: Pixels
    moves: list[float]  # squared Frobenius norm of each move of the centroids


def rows(image: NDArray[Any], channel_axis: int | None = -1) -> Pixels:
    """Return the pixels of an image as ``(n, n_channels)`` floats."""
    if channel_axis is None:
        return image.reshape(-1, 1).astype(np.float64)
    channels = np.moveaxis(image, channel_axis, -1)
    return channels.reshape(-1, channels.shape[-1]).astype(np.float64)


def squares(pixels: Pixels, centroids: Pixels) -> Pixels:
    """Return the squared distances ``(n, k)``, by differences, which lose no digits."""
    found = np.zeros((len(pixels), len(centroids)))
    for pixel, centroid in zip(pixels.T, centroids.T, strict=True):
        found += np.subtract.outer(pixel, centroid) ** 2
    return found


def nearest(pixels: Pixels, centroids: Pixels) -> NDArray[np.intp]:
    """Return which centroid is nearest to each pixel: of equally near ones the first."""
    size = max(1, AT_ONCE // len(centroids))
    blocks = [pixels[start : start + size] for start in range(0, len(pixels), size)]
    return np.concatenate([squares(block, centroids).argmin(axis=1) for block in blocks])


def means(pixels: Pixels, labels: NDArray[Any], n_clusters: int) -> Pixels:
    """Return the mean of each cluster ``(k, n_channels)``, labels from 0."""
    sums = [np.bincount(labels, channel, n_clusters) for channel in pixels.T]
    with np.errstate(invalid="ignore"):
        return np.stack(sums, axis=1) / np.bincount(labels, minlength=n_clusters)[:, np.newaxis]


def inertia(pixels: Pixels, labels: NDArray[Any], centroids: Pixels) -> float:
    """Return the sum of squared distances of the pixels to their own centroids, from 0."""
    return float(((pixels - centroids[labels]) ** 2).sum())


def lloyd(pixels: Pixels, init: Any, max_iter: int = 3000) -> PlainResult:
    """Run Lloyd's algorithm until no pixel changes its cluster; none may lose all its pixels."""
    centroids, moves = np.array(init, np.float64), []
    labels = nearest(pixels, centroids)
    for _ in range(max_iter):
        before, centroids = centroids, means(pixels, labels, len(centroids))
        assert np.isfinite(centroids).all(), "a cluster has lost all its pixels"
        moves.append(float(((centroids - before) ** 2).sum()))
        now = nearest(pixels, centroids)
        if np.array_equal(now, labels):
            break
        labels = now
    return PlainResult(labels, centroids, moves)


def by_brightness(found: PlainResult) -> PlainResult:
    """Number the clusters by their mean brightness."""
    order = np.argsort(found.centroids.mean(axis=1), kind="stable")
    return PlainResult(np.argsort(order)[found.labels], found.centroids[order], found.moves)


def assert_nearest(pixels: Pixels, centroids: Pixels, labels: NDArray[Any]) -> None:
    """Compare labels, from 0, but where doubles cannot tell which of two centroids is nearer."""
    expected = nearest(pixels, centroids)
    differs = np.flatnonzero(labels != expected)
    if not differs.size:
        return
    pixels, own, other = pixels[differs], centroids[labels[differs]], centroids[expected[differs]]
    gap = ((pixels - own) ** 2).sum(axis=1) - ((pixels - other) ** 2).sum(axis=1)
    # Offsets are subtracted before and added after: as much as the values are off, squares are.
    lengths = np.maximum((pixels**2).sum(axis=1), (own**2).sum(axis=1))
    assert (gap <= 16 * (pixels.shape[1] + 2) * np.finfo(float).eps * lengths).all()


def assert_at_rest(found: Any, pixels: Pixels, inside: Any = ...) -> None:
    """Hold a segmentation to a fixed point of the pixels: nearest labels, means, inertia."""
    labels = np.asarray(found.labels).reshape(-1)
    inside = np.ones(labels.size, bool) if inside is ... else np.reshape(inside, -1)
    assert not labels[~inside].any()
    pixels, labels = pixels[inside], labels[inside].astype(np.intp) - 1
    scale = np.abs(pixels).max()
    assert_nearest(pixels, found.centroids, labels)
    np.testing.assert_array_equal(found.counts, np.bincount(labels, minlength=found.n_clusters))
    expected = means(pixels, labels, found.n_clusters)
    np.testing.assert_allclose(found.centroids, expected, rtol=1e-11, atol=1e-13 * scale)
    squared = inertia(pixels, labels, found.centroids)
    rounding = 1e-13 * scale * np.sqrt(squared * len(pixels))
    np.testing.assert_allclose(found.inertia, squared, rtol=1e-10, atol=rounding)

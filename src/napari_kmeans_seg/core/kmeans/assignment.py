"""The nearest centroid of every point, brought up to date as centroids move."""

from itertools import chain
from math import fsum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..base.parallel import Span, Tick, map_spans, spans
from .nearest import Labels, by_distance, exact_sums_by_label, factors_of, label_dtype, nearest
from .points import DIFFERENCES, SINGLE_RANGE, Points, parts_of_sum


class Assigned(Protocol):
    """What Lloyd's algorithm asks of points that are assigned to centroids.

    Attributes
    ----------
    counts : (n_clusters,) float64 array
        Weight of each cluster.
    totals : (n_clusters, n_features) float64 array
        Weighted sum of its points.
    centroids : (n_clusters, n_features) float64 array
        The centroids of the last move.
    labels : (n,) array of unsigned integers
        Index of the nearest centroid of each point; empty where they are not kept.
    inertia : float
        Weighted sum of the points' squared distances to their centroids.
    changed : bool
        Whether the last move changed anything.
    """

    centroids: NDArray[np.float64]
    labels: Labels
    changed: bool

    @property
    def inertia(self) -> float: ...  # noqa: D102

    @property
    def counts(self) -> NDArray[np.float64]: ...  # noqa: D102

    @property
    def totals(self) -> NDArray[np.float64]: ...  # noqa: D102

    def move(self, centroids: NDArray[np.float64], tick: Tick | None = None) -> None:
        """Assign the points to other centroids."""

    def reorder(self, order: NDArray[np.intp]) -> None:
        """Change the numbers of the clusters, as `Assignment` does."""

    def farthest(self, n: int) -> NDArray[np.float64]:
        """Return the points that lie farthest from their centroids, as `Assignment` does."""


class Assignment:
    """Labels of all points and what they add up to.

    From some clusters on it is kept for each point how much farther its second nearest centroid
    is. Centroids that moved have used up part of this gap; only points that have none left are
    compared again [1]_. Sums are exact, so that those of points that changed their cluster are
    taken from one and added to the other.

    Parameters
    ----------
    points : Points
        The points.
    n_clusters : int
        How many centroids there are.

    Attributes
    ----------
    labels : (n,) array of unsigned integers
        Index of the nearest centroid of each point.
    centroids : (n_clusters, n_features) float64 array
        The centroids of the last move.
    sums : (n_clusters, n_summands + 1) float64 array
        Sums of the points' summands: see `Points.summands`.

    References
    ----------
    .. [1] Hamerly G. (2010) Making k-means even faster. SIAM International Conference on Data
       Mining, 130-140. doi:10.1137/1.9781611972801.12
    """

    def __init__(self, points: Points, n_clusters: int) -> None:
        self.points, self.labels = points, np.zeros(points.n, label_dtype(n_clusters))
        self.centroids: NDArray[np.float64] = np.empty((0, points.n_features))
        self.changed = True
        self.sums: NDArray[np.float64] = np.zeros(())
        # How sure each label is: with fewer clusters it does not pay.
        self._gaps = np.zeros(points.n, points.quick) if n_clusters >= 32 else None

    @property
    def counts(self) -> NDArray[np.float64]:
        """Weight of each cluster, ``(n_clusters,)``."""
        return self.sums[:, -1]

    @property
    def totals(self) -> NDArray[np.float64]:
        """Weighted sum of the points of each cluster, ``(n_clusters, n_features)``."""
        return totals_of(self.sums, self.points.n_features)

    def move(self, centroids: NDArray[np.float64], tick: Tick | None = None) -> None:
        """Assign the points to the nearest of ``(n_clusters, n_features)`` centroids.

        Of equal ones to the first. Points are compared in single precision, and those that it
        leaves unsure again: the labels are those of double precision.
        """
        k, points, gaps = len(centroids), self.points, self._gaps
        is_first = not self.centroids.size
        # Centroids that are given may lie anywhere.
        is_far = np.abs(centroids).max() > SINGLE_RANGE[1]
        quick = np.float64 if is_far else points.quick
        factors = factors_of(centroids, quick)
        if gaps is not None and not is_first:
            moves = np.sqrt(((centroids - self.centroids) ** 2).sum(axis=1))
            with np.errstate(over="ignore"):
                used = (moves + moves.max()).astype(gaps.dtype)

        def compare(start: int, stop: int) -> NDArray[np.float64] | None:
            """Bring one piece up to date; return by how much sums change, None for nothing."""
            labels = self.labels[start:stop]
            where: slice | NDArray[np.intp] = slice(start, stop)
            if gaps is not None and not is_first:
                gap = gaps[start:stop]
                gap -= used.take(labels)
                where = np.flatnonzero(gap <= 0) + start
                if not where.size:
                    return None
            rows = points.rows(where, quick)
            new: NDArray[Any] = np.empty(rows.shape[1], labels.dtype)
            new_gaps = None if gaps is None else np.empty(new.size, quick)
            unsure = nearest(rows, factors, new, new_gaps)
            if unsure.size:
                which = unsure + start if isinstance(where, slice) else where[unsure]
                new[unsure] = by_distance(points.rows(which, np.float64), centroids)
            if gaps is not None and new_gaps is not None:
                gaps[where] = 0 if is_far else new_gaps
            if is_first:
                labels[:] = new
                return exact_sums_by_label(new, points.summands(where), k)
            old: Labels = self.labels[where]
            moved = np.flatnonzero(new != old)
            if not moved.size:
                return None
            which = moved + start if isinstance(where, slice) else where[moved]
            sums = exact_sums_by_label(new[moved], points.summands(which), k, old[moved])
            self.labels[which] = new[moved]
            return sums

        pieces = [one for start, stop in points.pieces for one in _short(start, stop, k)]
        changes = [one for one in map_spans(compare, pieces, tick) if one is not None]
        self.changed = bool(changes)
        self.sums = sum(changes, self.sums)
        self.centroids = centroids

    def reorder(self, order: NDArray[np.intp]) -> None:
        """Change the numbers of the clusters: the first becomes what was ``order[0]``.

        Those that `order` leaves out have no points. Points that lie as near to two centroids
        have the first of them after the next move.
        """
        number = np.zeros(len(self.sums), self.labels.dtype)
        number[order] = np.arange(order.size)
        self.labels = number.take(self.labels)
        self.sums, self.centroids = self.sums[order], self.centroids[order]

    @property
    def inertia(self) -> float:
        """Weighted sum of the points' squared distances to their centroids."""

        def of_part(start: int, stop: int) -> NDArray[np.float64]:
            away = self._squares(start, stop)[1]
            if self.points.weights is not None:
                away *= self.points.weights[start:stop]
            return parts_of_sum(away, self.points.n)

        return fsum(chain.from_iterable(map_spans(of_part, self.points.pieces)))

    def squares(self) -> NDArray[np.float64]:
        """Return the squared distance of each point to its centroid, ``(n,)``."""
        pieces = map_spans(lambda *span: self._squares(*span)[1], self.points.pieces)
        return np.concatenate(list(pieces))

    def farthest(self, n: int) -> NDArray[np.float64]:
        """Return up to `n` points that lie farthest from their centroids, ``(m, n_features)``.

        All differ, and none is a centroid; the farthest is last.
        """

        def farthest_of(start: int, stop: int) -> NDArray[np.float64]:
            return farthest_of_all(*self._squares(start, stop), n)

        found = np.concatenate(list(map_spans(farthest_of, self.points.pieces)))
        return np.unique(found, axis=0)[-n:, 1:]

    def _squares(self, start: int, stop: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return points, ``(n_features + 1, m)``, and their squared distances, ``(m,)``."""
        rows = self.points.rows(slice(start, stop), np.float64)
        return rows, squares_to(rows, self.centroids, self.labels[start:stop])


def _short(start: int, stop: int, n_clusters: int) -> list[Span]:
    """Cut a piece that many centroids would make long, so that a stop is noticed soon."""
    size = max(1, (1 << 28) // n_clusters)
    return [(start + one, start + end) for one, end in spans(stop - start, size)]


def totals_of(sums: NDArray[np.float64], n_features: int) -> NDArray[np.float64]:
    """Return the sums of features of each cluster from those of summands: see `Assignment.sums`."""
    parts = sums[:, :-1].reshape(len(sums), -1, n_features)
    totals: NDArray[np.float64] = parts.sum(axis=1)
    return totals


def squares_to(
    rows: NDArray[np.float64], centroids: NDArray[np.float64], labels: Labels
) -> NDArray[np.float64]:
    """Return the squared distance of each point to the centroid of its label, ``(n,)``."""
    index, away = labels.astype(np.intp), np.zeros(labels.size)
    coordinates = np.ascontiguousarray(centroids.T)
    size = max(1, DIFFERENCES // max(1, labels.size))
    for i in range(0, len(coordinates), size):
        part = coordinates[i : i + size].take(index, axis=1, mode="clip")
        np.subtract(rows[i : i + size][: len(part)], part, out=part)
        part *= part
        # One after the other, so that the order in which they are added is always the same.
        for row in part:
            away += row
    return away


def farthest_of_all(
    rows: NDArray[np.float64], away: NDArray[np.float64], n: int
) -> NDArray[np.float64]:
    """Return distances and coordinates of up to `n` different points, the farthest last."""
    place = max(0, away.size - n)
    top = np.flatnonzero((away >= np.partition(away, place)[place]) & (away > 0))
    return np.unique(np.vstack([away[top], rows[:-1, top]]).T, axis=0)[-n:]

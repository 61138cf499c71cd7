"""Lloyd's algorithm."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..base.parallel import Tick, no_tick
from .assignment import Assigned


@dataclass(frozen=True)
class LloydResult:
    """Where Lloyd's algorithm ended.

    Attributes
    ----------
    centroids : (n_clusters, n_features) float64 array
        The centroids, to which the points are assigned.
    n_iter : int
        Iterations that were run.
    converged : bool
        Whether it stopped by itself.
    between : float
        Weighted sum of squares of the clusters' means: what clusters do not leave within them,
        but for a constant. Of several runs the largest has the least inertia.
    """

    centroids: NDArray[np.float64]
    n_iter: int
    converged: bool
    between: float


def lloyd(
    assigned: Assigned,
    centroids: NDArray[np.float64],
    *,
    tol: float = 0.0,
    rest: float = np.inf,
    max_iter: int = 300,
    accelerate: bool = False,
    tick: Tick = no_tick,
) -> LloydResult:
    """Move centroids to the means of their points until they rest.

    Parameters
    ----------
    assigned : Assigned
        The points; on return they are assigned to the centroids of the result.
    centroids : (n_clusters, n_features) float64 array
        Where to start.
    tol : float
        Sum of the centroids' squared moves up to which they rest, in squared feature units. With
        0 they rest when no point changes its cluster.
    rest : float
        By how much one more move may lower the mean squared distance, in squared feature units:
        they rest only where it would lower it by no more, and `tol` holds as well.
    max_iter : int
        Iterations at the most.
    accelerate : bool
        Whether centroids overshoot the means, which needs fewer iterations: see `Overshoot`.
    tick : callable, optional
        Called with a guess of the fraction that is done, which never falls; an exception that it
        raises stops the work.

    Notes
    -----
    A cluster that has lost all its points is moved to the point farthest from its own centroid,
    as scikit-learn's ``KMeans`` does and as MATLAB's ``kmeans`` calls "singleton".

    References
    ----------
    Lloyd S.P. (1982) Least squares quantization in PCM. IEEE Transactions on
    Information Theory 28, 129-137. doi:10.1109/TIT.1982.1056489
    """
    overshoot = Overshoot(centroids) if accelerate else None
    guess, converged, n_iter = _Guess(tol, max_iter, tick), False, 0
    while not converged and n_iter < max_iter:
        n_iter += 1
        assigned.move(centroids, guess.within)
        means, is_filled = means_of(assigned, centroids)
        moves = means - centroids
        shift = float((moves**2).sum())
        gain = float((assigned.counts * (moves**2).sum(axis=1)).sum())
        guess.update(shift)
        converged = shift <= tol and gain <= rest * assigned.counts.sum() and is_filled
        if converged:
            break
        if overshoot is None or not is_filled or not assigned.changed or n_iter == max_iter:
            centroids = means
            overshoot = Overshoot(means) if accelerate else None
        else:
            centroids = overshoot.beyond(means, moves, gain, assigned.counts)
    # Clusters that are left empty are filled again: rarely more than once.
    for _ in range(0 if converged else 10):
        assigned.move(centroids, guess.within)
        means, is_filled = means_of(assigned, centroids)
        if is_filled:
            break
        centroids = means
    between = float((assigned.counts * (means**2).sum(axis=1)).sum())
    return LloydResult(centroids, n_iter, converged, between)


def means_of(
    assigned: Assigned, centroids: NDArray[np.float64]
) -> tuple[NDArray[np.float64], bool]:
    """Return the mean of each cluster, and whether all have points.

    Those that have none get the points farthest from their centroids, as long as there are any.
    """
    counts, means = assigned.counts[:, np.newaxis], centroids.copy()
    np.divide(assigned.totals, counts, out=means, where=counts > 0)
    empty = np.flatnonzero(counts == 0)
    if not empty.size:
        return means, True
    far = assigned.farthest(empty.size)
    means[empty[: len(far)]] = far
    # All points are centroids where none is left: then the others stay empty.
    return means, not len(far)


class Overshoot:
    """Moves centroids beyond the means, and keeps part of their last move.

    Where that leads uphill it is taken back, so that the inertia never rises for long, and they
    end at the means in any case.

    References
    ----------
    Du Q., Emelianenko M. (2006) Acceleration schemes for computing centroidal Voronoi
    tessellations. Numerical Linear Algebra with Applications 13, 173-192.
    doi:10.1002/nla.476 (overrelaxation)

    Polyak B.T. (1964) Some methods of speeding up the convergence of iteration methods. USSR
    Computational Mathematics and Mathematical Physics 4, 1-17.
    doi:10.1016/0041-5553(64)90137-5 (momentum)

    O'Donoghue B., Candès E. (2015) Adaptive restart for accelerated gradient schemes.
    Foundations of Computational Mathematics 15, 715-732. doi:10.1007/s10208-013-9150-3
    (when to give the momentum up)
    """

    RELAXATION, MOMENTUM = 1.5, 0.5

    def __init__(self, centroids: NDArray[np.float64]) -> None:
        self._step, self._means, self._lowest = np.zeros_like(centroids), centroids, np.inf

    def beyond(
        self,
        means: NDArray[np.float64],
        moves: NDArray[np.float64],
        gain: float,
        counts: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return where centroids go next that would move by `moves` to the means.

        Parameters
        ----------
        means, moves : (n_clusters, n_features) arrays
            Where the means are, and how far from the centroids.
        gain : float
            By how much the inertia would fall there.
        counts : (n_clusters,) array
            Weight of each cluster.
        """
        # The inertia of the centroids, but for a constant.
        height = gain - float((counts * (means**2).sum(axis=1)).sum())
        if height > self._lowest and self._step.any():
            self._step = np.zeros_like(self._step)
            return self._means
        self._lowest, self._means = height, means
        if (counts * (moves * self._step).sum(axis=1)).sum() < 0:
            self._step = np.zeros_like(self._step)
        self._step = self.RELAXATION * moves + self.MOMENTUM * self._step
        centroids: NDArray[np.float64] = means - moves + self._step
        return centroids


class _Guess:
    """Guesses how much of the iterations is done: shifts shrink about geometrically."""

    def __init__(self, tol: float, max_iter: int, tick: Tick) -> None:
        self._tol, self._tick, self._first, self._done = tol, tick, 0.0, 0.0
        self._share = max(1 / 30, 1 / max_iter)

    def within(self, part: float) -> None:
        """Say that a part of one more iteration is done."""
        self._tick(self._done + (1 - self._done) * self._share * part)

    def update(self, shift: float) -> None:
        """Take into account how far the centroids moved."""
        self._done += (1 - self._done) * self._share
        self._first = self._first or shift
        if 0 < self._tol < min(self._first, shift):
            on_the_way = np.log(self._first / shift) / np.log(self._first / self._tol)
            self._done = max(self._done, min(0.95, float(on_the_way)))

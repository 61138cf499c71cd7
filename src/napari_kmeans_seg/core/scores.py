"""Score numbers of clusters on some thousand weighted points, and suggest one.

Three scores vote, each of another kind, so that what misleads one does not mislead the others:

- Valleys: are neighbouring clusters parted by a valley in the density of the values? It asks
  nothing of the shape of the classes, but misses those that overlap so much, or are so small, that
  they have no peak of their own.
- ICL: how well do Gaussian classes of one spread explain the values? It finds such classes though
  they overlap, but takes blurred edges and shading for classes.
- Silhouette: are clusters compact and far apart? It merges what lies close together.

Scores that differ in the last digits only count as equal, since sums of distances and exponentials
are rounded otherwise on another processor.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .choose_k import ClusterCurve
from .points.coarse_points import EQUAL, CoarsePoints

NOTHING = 1e-12
"""Share of the inertia of one cluster that counts as none: each value has its own centroid."""

Told = tuple[int, str, tuple[int, ...], bool]
"""The suggestion, its reason, what is plausible, and whether it is certain."""


def cluster_curve(
    n_clusters: Sequence[int],
    inertia: Sequence[float],
    centroids: Sequence[NDArray[np.float64]],
    points: CoarsePoints,
    scatter: float,
    n_pixels: int,
) -> ClusterCurve:
    """Score numbers of clusters and suggest one.

    Parameters
    ----------
    n_clusters, inertia : sequences of the same length
        Numbers of clusters, ascending, with what k-means reached on all pixels.
    centroids : sequence of (n_clusters, n_features) float64 arrays
        The centroids that it reached.
    points : CoarsePoints
        What stands for the pixels.
    scatter : float
        Sum of squared distances of all pixels to their mean.
    n_pixels : int
        Number of pixels.
    """
    k, within = np.array(n_clusters), np.array(inertia, np.float64)
    # Where every value has its own centroid nothing is left within clusters: best of all.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.maximum(scatter - within, 0) / (k - 1) / (within / (n_pixels - k))
    ratio[k == 1] = np.nan
    silhouette = np.array([points.silhouette(few) for few in centroids], np.float64)
    icl = np.zeros(k.size)
    separated = np.zeros(k.size, bool)
    if scatter > 0:
        mean = np.average(points.features, axis=1, weights=points.weights)[np.newaxis]
        one = points.icl(mean, scatter, n_pixels)
        for i, (few, rest) in enumerate(zip(centroids, within, strict=True)):
            icl[i] = points.icl(few, max(rest, NOTHING * scatter), n_pixels) - one
            separated[i] = points.separated(few, rest, n_pixels)
        icl[k == 1] = 0
    valleys = int(k[separated][-1]) if separated.any() else 1
    gaussian = _best(k, icl) if icl.max() > EQUAL else 1
    exact = k[within <= NOTHING * scatter]
    if exact.size:
        answer = _each_value(int(exact[0]), valleys, gaussian)
    else:
        several = len(points.features) > 1
        answer = _decide(k, valleys, gaussian, _best(k, silhouette), several_features=several)
    elbow = _kneedle(k, within, scatter)
    return ClusterCurve(k, within, elbow, ratio, silhouette, icl, separated, *answer)


def _kneedle(
    k: NDArray[np.intp], inertia: NDArray[np.float64], scatter: float
) -> NDArray[np.float64]:
    # From one cluster on, so that the first number that was tried can be the elbow.
    if k[-1] < 2 or scatter <= 0:
        return np.zeros(k.size)
    fall = -np.log(np.maximum(inertia / scatter, NOTHING))
    if fall[-1] <= 0:
        return np.zeros(k.size)
    hang: NDArray[np.float64] = fall / fall[-1] - (k - 1) / (k[-1] - 1)
    return hang


def _best(k: NDArray[np.intp], score: NDArray[np.float64]) -> int:
    """Return the number of the largest score; of equals the smallest."""
    if np.isnan(score).all():
        return int(k[0])
    return int(k[np.nan_to_num(score, nan=-np.inf) >= np.nanmax(score) - EQUAL][0])


def _each_value(exact: int, valleys: int, gaussian: int) -> Told:
    if exact == 1:
        return 1, "1 cluster: all pixels have the same value.", (1,), True
    reason = f"{exact} clusters: one for each distinct value."
    others = tuple(sorted({vote for vote in (valleys, gaussian) if 1 < vote != exact}))
    if others:
        numbers = " or ".join(map(str, others))
        reason += f" Plausible, too: {numbers}, with values that lie close together in one."
    may_be_noise = exact > 2 and valleys == gaussian == 1
    if may_be_noise:
        reason += " So evenly spaced, they may as well be noise of few grey levels."
    return exact, reason, (exact, *others), not others and not may_be_noise


def _decide(
    k: NDArray[np.intp], valleys: int, gaussian: int, silhouette: int, *, several_features: bool
) -> Told:
    """Decide between votes; those of `valleys` and `gaussian` are 1 where they are for none."""
    says = {
        "the largest number of clusters that lie apart": valleys,
        "the best fit of Gaussian classes (ICL)": gaussian,
        "the highest silhouette": silhouette,
    }
    if valleys == gaussian == silhouette:
        return valleys, f"{valleys} clusters: all scores agree, {_and(says)}.", (valleys,), True
    if valleys == 1 and gaussian != silhouette:
        better = "better" if gaussian == 1 else "clearly better"
        fits = "one fits best" if gaussian == 1 else f"{gaussian} fit best"
        reason = (
            f"No number of clusters is {better} than another: no valley in the density of the "
            f"values lies between any. Of Gaussian classes {fits} (ICL), the silhouette is highest "
            f"for {silhouette}; {k[0]} is only the smallest number that was tried."
        )
        return int(k[0]), reason, (), False
    choice = valleys
    # Few points lie between two clusters of several features, so that one valley may go unseen;
    # the silhouette, too, errs towards fewer. Of 1,400 made images 16 more were right with this,
    # of 640 blurred or shaded ones 12 fewer.
    one_unseen = several_features and gaussian == valleys + 1
    if gaussian == silhouette or one_unseen:
        choice = gaussian
    reason = f"{choice} clusters: {_and([name for name in says if says[name] == choice])}."
    others = sorted({vote for vote in says.values() if vote not in (1, choice)})
    texts = [f"{other}, {_and([name for name in says if says[name] == other])}" for other in others]
    if others:
        reason += f" Plausible, too: {'; '.join(texts)}."
    if gaussian == k[-1] != choice:
        reason += (
            f" More than {choice}, up to {gaussian} and perhaps beyond, are shades that blend into "
            "each other: take as many as you want to tell apart."
        )
    if valleys == 1:
        reason += " No valley in the density of the values lies between them: they overlap."
    elif gaussian == 1:
        reason += " Of Gaussian classes one fits best (ICL)."
    return choice, reason, (choice, *others), False


def _and(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last

"""How many clusters: inertia and scores for each number, with a suggestion and its reason."""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class ClusterCurve:
    """How good k-means is for each number of clusters.

    Attributes
    ----------
    n_clusters : (n,) int array, ascending
        The numbers that were tried.
    inertia : (n,) float64 array
        Sum of squared distances of the pixels to their centroids; as `segment` gives it with
        the same arguments. Of an image of which a smaller copy or a sample was fitted it is that of
        the copy or sample, scaled up to all pixels.
    elbow : (n,) float64 array
        How far the curve of the inertia's logarithm from one cluster on, scaled to the unit
        square, hangs below the straight line between its ends (Kneedle [1]_); largest at the
        elbow. Of the inertia itself the first falls outweigh all others, even one to nearly 0.
        Where it lies depends on how many numbers were tried: it has no vote.
    calinski_harabasz : (n,) float64 array
        Ratio of the variance between to that within clusters [2]_; larger is better, NaN for
        one cluster, and for as many as there are pixels. Of one channel it nearly always grows up
        to the largest number: it has no vote.
    silhouette : (n,) float64 array
        Mean silhouette of the pixels [3]_, on at most some 2,048 bins of them: 1 where clusters
        are far apart, 0 where they touch; NaN for one cluster.
    icl : (n,) float64 array
        How much better so many classes explain the values than one does, in nats per pixel: the
        integrated completed likelihood [4]_ of Gaussian classes of one spread, k-means' own
        model, where the clusters are. Below 0 where one class is better.
    separated : (n,) bool array
        Whether all clusters are parted: between any two neighbours the density of the values
        has a valley, lower than on both sides by more than its standard error [5]_.
    suggestion : int
        The number that two of three votes are for: the largest number of clusters that are all
        separated, that of the largest `icl`, and that of the largest silhouette. Where all
        differ the first; of several features the second wherever it is just one more than the
        first. Where there is none the smallest number that was tried, and where each distinct
        value has a cluster of its own the number of these.
    reason : str
        Why, and what speaks for other numbers; that no number is better than another where it
        is so.
    plausible : tuple of int
        The suggestion, and the other numbers that are voted for. Empty where no number is better
        than another, as of a gradient or noise.
    certain : bool
        Whether all votes are for the suggestion.

    References
    ----------
    .. [1] Satopää V., Albrecht J., Irwin D., Raghavan B. (2011) Finding a "kneedle" in a
       haystack. 31st International Conference on Distributed Computing Systems Workshops,
       166-171. doi:10.1109/ICDCSW.2011.20
    .. [2] Caliński T., Harabasz J. (1974) A dendrite method for cluster analysis.
       Communications in Statistics 3, 1-27. doi:10.1080/03610927408827101
    .. [3] Rousseeuw P.J. (1987) Silhouettes: a graphical aid to the interpretation and validation
       of cluster analysis. Journal of Computational and Applied Mathematics 20, 53-65.
       doi:10.1016/0377-0427(87)90125-7
    .. [4] Biernacki C., Celeux G., Govaert G. (2000) Assessing a mixture model for clustering with
       the integrated completed likelihood. IEEE Transactions on Pattern Analysis and Machine
       Intelligence 22, 719-725. doi:10.1109/34.865189
    .. [5] Hennig C. (2010) Methods for merging Gaussian mixture components. Advances in Data
       Analysis and Classification 4, 3-34. doi:10.1007/s11634-010-0058-3
    """

    n_clusters: NDArray[np.intp]
    inertia: NDArray[np.float64]
    elbow: NDArray[np.float64]
    calinski_harabasz: NDArray[np.float64]
    silhouette: NDArray[np.float64]
    icl: NDArray[np.float64]
    separated: NDArray[np.bool_]
    suggestion: int
    reason: str
    plausible: tuple[int, ...]
    certain: bool

    def __repr__(self) -> str:
        """Say in one line what it is."""
        tried = f"{self.n_clusters[0]} to {self.n_clusters[-1]} clusters"
        others = [str(k) for k in self.plausible if k != self.suggestion]
        text = f"suggestion {self.suggestion}" + (", certain" if self.certain else "")
        text += f", plausible also {', '.join(others)}" if others else ""
        text += "" if self.plausible else ", none better than another"
        return f"ClusterCurve({tried}, {text})"

    def _repr_html_(self) -> str:
        """Show the scores in a notebook, the suggestion and its reason."""
        table = self.to_dataframe().round(4).to_html(index=False)
        return f"<p>{escape(repr(self))}</p>{table}<p>{escape(self.reason)}</p>"

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row per number of clusters, with the inertia and the scores."""
        import pandas as pd

        scores = ("elbow", "calinski_harabasz", "silhouette", "icl", "separated")
        names = ("n_clusters", "inertia", *scores)
        return pd.DataFrame({name: getattr(self, name) for name in names})

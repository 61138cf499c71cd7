"""Where the centroids start: each way is one entry here, and stands nowhere else.

This loads no NumPy, so that the command line can name them at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from ..base.parallel import Tick
    from .points import WeightedPoints
    from .seeding import Seeding


@dataclass(frozen=True, kw_only=True)
class Start:
    """A way to choose where the centroids start.

    Attributes
    ----------
    name : str
        As in `segment`.
    label, help : str
        What a person chooses it by in the dock.
    title, citation : str
        What a paper calls it, and where it is from.
    seeding : callable or None
        Takes points, how many of them to choose, a generator of random numbers and a tick for
        progress; returns ``(n_clusters, n_features)`` float64. None where nothing is drawn: the
        optimum of known values is found.
    one_feature : bool
        Whether it takes points of one feature only.
    """

    name: str
    label: str
    help: str
    title: str
    citation: str = ""
    seeding: Seeding | None
    one_feature: bool = False


def _k_means_plus_plus(
    points: WeightedPoints, n_clusters: int, random: np.random.Generator, tick: Tick
) -> NDArray[np.float64]:
    from .seeding import k_means_plus_plus

    return k_means_plus_plus(points, n_clusters, random, tick)


def _random(
    points: WeightedPoints, n_clusters: int, random: np.random.Generator, tick: Tick
) -> NDArray[np.float64]:
    from .seeding import random_points

    return random_points(points, n_clusters, random, tick)


K_MEANS_PLUS_PLUS = Start(
    name="k-means++",
    label="k-means++",
    help="centres far from each other.",
    title="k-means++ initialisation",
    citation="Arthur D., Vassilvitskii S. (2007) Proc. SODA, 1027-1035",
    seeding=_k_means_plus_plus,
)
RANDOM = Start(
    name="random",
    label="random",
    help="values of the image, drawn at random.",
    title="random initialisation",
    seeding=_random,
)
OPTIMAL = Start(
    name="optimal",
    label="optimal",
    help="the best clustering there is, with no start at all; for images with one channel.",
    title="the optimal one-dimensional clustering",
    citation="Wang H., Song M. (2011) The R Journal 3(2), 29-33",
    seeding=None,
    one_feature=True,
)

STARTS = {start.name: start for start in (K_MEANS_PLUS_PLUS, RANDOM, OPTIMAL)}

AUTO = "auto"
"""No start, but a rule that chooses one: see `resolve`."""


def resolve(init: str, *, one_feature: bool, is_cheap: Callable[[], bool]) -> Start:
    """Return the start of a name.

    Parameters
    ----------
    init : str
        One of `STARTS`, or `AUTO`: the optimum of one feature, where that is cheap, else k-means++.
    one_feature : bool
        Whether the points have one feature.
    is_cheap : callable
        Whether the optimum is; asked only where it matters, for then values are counted.
    """
    if init != AUTO:
        return STARTS[init]
    return OPTIMAL if one_feature and is_cheap() else K_MEANS_PLUS_PLUS

"""Where values crowd, clusters are as good as those of programs that look at every pixel.

Their inertia is never taken from what they tell: squares are summed up from their labels, with
more digits than doubles have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import kmeans1d
import numpy as np
import pytest
from sklearn.cluster import KMeans

from napari_kmeans_seg import prepare, segment

from . import exact
from .distributions import ONE_CHANNEL, SEVERAL_CHANNELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEW, N = 600, 10_000

MANY = 280_000
"""More than are counted, and more than a sample of them holds."""

NUMBERS = (2, 5, 12, 40)


def scatter(values: NDArray[Any], labels: NDArray[Any]) -> float:
    """Sum up the squared distances ``(n, n_channels)`` to the means of their labels.

    In units of the largest value, so that none is too small or too large.
    """
    values = in_units_of_the_largest(values).reshape(labels.size, -1).astype(np.longdouble)
    total = np.longdouble(0)
    for label in np.unique(labels):
        own = values[labels.reshape(-1) == label]
        # From the first, so that a mean of values far from 0 has all its digits.
        away = own - own[0]
        total += ((away - away.mean(axis=0)) ** 2).sum()
    return float(total)


def in_units_of_the_largest(values: NDArray[Any]) -> NDArray[np.float64]:
    values = values.astype(np.float64)
    return np.ldexp(values, -int(np.frexp(np.abs(values).max())[1]))


def drawn(name: str, n: int) -> NDArray[Any]:
    return ONE_CHANNEL[name](np.random.default_rng(len(name)), n)


def best_of(values: NDArray[Any], n_clusters: int) -> float:
    """Return the scatter of kmeans1d's partition, or of what comes of it on all values.

    From where most values are it keeps the most digits. Of many values it takes some thousands, in
    even steps of their order, or of how far off they are as well; its centroids then come to rest
    on all of them.
    """
    units = in_units_of_the_largest(values)
    order = np.argsort(units, kind="stable")
    ascending = units[order] - np.median(units)
    samples = [np.arange(values.size)]
    if values.size > N:
        ends = np.arange(values.size)[[*range(50), *range(-50, 0)]]
        far = np.abs(ascending) / np.abs(ascending).max()
        odds = [one / one.sum() for one in (np.ones(values.size), np.sqrt(far), far**2)]
        steps = (np.arange(N) + 0.5) / N
        where = [np.searchsorted(np.cumsum(one), steps) for one in (odds[0], sum(odds) / 3)]
        samples = [np.union1d(one.clip(0, values.size - 1), ends) for one in where]
    best = np.inf
    for sample in samples:
        labels, _ = kmeans1d.cluster(ascending[sample].tolist(), n_clusters)
        starts = sample[np.flatnonzero(np.diff(labels, prepend=-1))]
        for _ in range(20 if values.size > N else 0):
            means = np.add.reduceat(ascending, starts) / np.diff([*starts, values.size])
            between = np.searchsorted(ascending, means[:-1] + np.diff(means) / 2, side="right")
            starts = np.unique([0, *between[between < values.size]])
        found = np.empty(values.size, np.intp)
        found[order] = np.searchsorted(starts, np.arange(values.size), side="right") - 1
        best = min(best, scatter(values, found))
    return best


@pytest.mark.parametrize("name", ONE_CHANNEL)
def test_one_channel_gets_within_a_hundredth_of_the_optimum(name: str) -> None:
    values = drawn(name, MANY)
    ratios = {}
    for k in (12, 40):
        found = segment(values, k)
        assert found.n_clusters == k
        assert found.warnings == ()
        ours, theirs = scatter(values, found.labels), best_of(values, k)
        ratios[k] = ours / theirs if theirs else float(ours == 0)
    assert max(ratios.values()) <= 1.01, ratios


CROWDED = [
    "90 % noise of 1e-15 about 0",
    "99 % noise of 1e-12 about 0",
    "0 and 60,000",
    "gaps of 1e12",
    "gaps of all sizes",
]


@pytest.mark.parametrize(
    ("name", "n"), [*((name, N) for name in ONE_CHANNEL), *((name, MANY) for name in CROWDED)]
)
def test_optimal_costs_are_what_is_possible_and_reached(name: str, n: int) -> None:
    values = in_units_of_the_largest(drawn(name, n))
    prepared = prepare(values)
    # Of many values each cost is a fit of its own on all of them.
    numbers = NUMBERS if n == N else NUMBERS[:-1]
    costs = prepared.optimal_costs(max(numbers))
    assert costs.size == max(numbers)
    assert (np.diff(costs) <= 0).all()
    wrong = {}
    for k in numbers:
        reached = scatter(values, prepared.segment(k, init="optimal", tol=0).labels)
        best = min(reached, best_of(values, k))
        # To four digits: what is reached is of all values, and at rest.
        if not (best * 0.99 <= costs[k - 1] <= reached * 1.0001 and reached <= best * 1.01):
            wrong[k] = f"costs {costs[k - 1]:.6g}, reached {reached:.6g}, possible {best:.6g}"
    assert not wrong, wrong


@pytest.mark.parametrize("name", ONE_CHANNEL)
def test_few_values_have_the_costs_of_the_plain_recursion(name: str) -> None:
    image = in_units_of_the_largest(drawn(name, FEW))
    values, counts = np.unique(image, return_counts=True)
    n_clusters = min(12, values.size)
    found = prepare(image).optimal_costs(n_clusters)
    expected = exact.optimal_costs(values, counts.astype(np.float64), n_clusters)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("name", SEVERAL_CHANNELS)
def test_several_channels_get_what_a_start_of_scikit_learn_gets(name: str) -> None:
    draw, n, k = SEVERAL_CHANNELS[name]
    image = draw(np.random.default_rng(len(name)), n).astype(np.float32)
    pixels = image.astype(np.float64)
    if name.startswith("rounding"):
        image = pixels = draw(np.random.default_rng(len(name)), n)
    ours, theirs = [], []
    for seed in range(5):
        found = segment(image, k, channel_axis=-1, seed=seed)
        assert found.counts.all()
        ours.append(scatter(pixels, found.labels))
        usual = KMeans(k, n_init=1, random_state=seed).fit(pixels)
        theirs.append(scatter(pixels, usual.labels_))
    assert np.median(ours) <= 1.02 * np.median(theirs), (ours, theirs)

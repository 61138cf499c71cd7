"""Values that crowd, have gaps, long tails or a few far off, as one channel or as several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Draw = Callable[[np.random.Generator, int], NDArray[Any]]


def mixed(
    random: np.random.Generator, n: int, *parts: tuple[float, NDArray[Any]]
) -> NDArray[np.float64]:
    """Take each share from values of its own, in any order."""
    shares = np.array([share for share, _ in parts])
    which = random.choice(len(parts), n, p=shares / shares.sum())
    return np.choose(which, [values for _, values in parts])


def noisy(
    middle: float, deviation: float, share: float, signal: Callable[..., NDArray[Any]]
) -> Draw:
    """Rounding noise about one value, and a signal elsewhere."""

    def draw(random: np.random.Generator, n: int) -> NDArray[Any]:
        parts = (share, random.normal(middle, deviation, n)), (1 - share, signal(random, n))
        return mixed(random, n, *parts)

    return draw


def groups(middles: list[float], deviation: float, shares: list[float] | None = None) -> Draw:
    def draw(random: np.random.Generator, n: int) -> NDArray[Any]:
        parts = [(1, random.normal(middle, deviation, n)) for middle in middles]
        if shares:
            parts = [(share, values) for share, (_, values) in zip(shares, parts, strict=True)]
        return mixed(random, n, *parts)

    return draw


def with_one(value: float, draw: Draw) -> Draw:
    def drawn(random: np.random.Generator, n: int) -> NDArray[Any]:
        values = draw(random, n)
        values[n // 3] = value
        return values

    return drawn


def single(draw: Draw) -> Draw:
    return lambda random, n: draw(random, n).astype(np.float32)


def normal(random: np.random.Generator, n: int) -> NDArray[Any]:
    return random.normal(0, 1, n)


def gamma(random: np.random.Generator, n: int) -> NDArray[Any]:
    return random.gamma(2, 300, n)


def uniform(random: np.random.Generator, n: int) -> NDArray[Any]:
    return random.uniform(0, 1000, n)


def deconvolved(random: np.random.Generator, n: int) -> NDArray[Any]:
    """Blur few spots and sharpen them again by Fourier transform: zeros become noise."""
    image = np.zeros(n)
    image[random.integers(0, n, n // 10)] = random.gamma(2, 300, n // 10)
    factor = 1 / (1 + np.linspace(0, 3, n // 2 + 1))
    return np.fft.irfft(np.fft.rfft(np.fft.irfft(np.fft.rfft(image) * factor, n)) / factor, n)


def background_subtracted(random: np.random.Generator, n: int) -> NDArray[Any]:
    slope = np.linspace(100, 200, n)
    image = slope + np.where(random.random(n) < 0.1, random.gamma(2, 50, n), 0)
    return image - (slope / 3) * 3.0000000000000004


def probabilities(random: np.random.Generator, n: int) -> NDArray[Any]:
    """Nearly all of them nearly 0 or nearly 1."""
    score = np.where(random.random(n) < 0.9, random.choice([-20, 20], n), 0)
    return 1 / (1 + np.exp(-(score + random.normal(0, 2, n))))


def with_gaps(random: np.random.Generator, n: int) -> NDArray[Any]:
    return random.choice([-1e12, 0, 1e12, 2e12], n) + random.normal(0, 100, n)


def geometric_gaps(random: np.random.Generator, n: int) -> NDArray[Any]:
    return 10.0 ** random.integers(-3, 9, n) * (1 + 1e-3 * random.random(n))


def no_data(value: float, share: float, draw: Draw) -> Draw:
    def drawn(random: np.random.Generator, n: int) -> NDArray[Any]:
        return np.where(random.random(n) < share, value, draw(random, n))

    return drawn


def spikes(random: np.random.Generator, n: int) -> NDArray[Any]:
    """Few values that most pixels have, between others."""
    return mixed(
        random, n, (0.8, random.choice([3.0, 50.0, 51.0, 700.0], n)), (0.2, gamma(random, n))
    )


ONE_CHANNEL: dict[str, Draw] = {
    "normal": normal,
    "uniform": uniform,
    "gamma": gamma,
    "exponential": lambda random, n: random.exponential(1, n),
    "lognormal": lambda random, n: random.lognormal(0, 1, n),
    "lognormal of a long tail": lambda random, n: random.lognormal(0, 4, n),
    "Cauchy": lambda random, n: random.standard_cauchy(n),
    "Pareto": lambda random, n: random.pareto(0.8, n),
    "Student": lambda random, n: random.standard_t(1.5, n),
    "beta of two ends": lambda random, n: random.beta(0.05, 0.05, n),
    "90 % noise of 1e-15 about 1": noisy(1, 1e-15, 0.9, gamma),
    "90 % noise of 1e-15 about 0": noisy(0, 1e-15, 0.9, gamma),
    "90 % noise of 1e-9 about 1000": noisy(1000, 1e-9, 0.9, uniform),
    "99 % noise of 1e-12 about 0": noisy(0, 1e-12, 0.99, gamma),
    "90 % noise of 1e-6 about 0, single": single(noisy(0, 1e-6, 0.9, gamma)),
    "90 % noise of 1e-7 about 1, single": single(noisy(1, 1e-7, 0.9, uniform)),
    "90 % noise amid the signal": noisy(500, 1e-12, 0.9, uniform),
    "noise about two values": lambda random, n: mixed(
        random,
        n,
        (0.5, random.normal(0, 1e-14, n)),
        (0.4, random.normal(1, 1e-14, n)),
        (0.1, uniform(random, n)),
    ),
    "deconvolved": deconvolved,
    "deconvolved, single": single(deconvolved),
    "background subtracted": background_subtracted,
    "probabilities": probabilities,
    "probabilities, single": single(probabilities),
    "0 and 60,000": groups([0, 60_000], 5),
    "0 and 60,000, single": single(groups([0, 60_000], 5)),
    "0 and 60,000, one of them rare": groups([0, 60_000], 5, [0.99, 0.01]),
    "seven tight groups": groups([0, 1, 10, 100, 1000, 10_000, 100_000], 1e-3),
    "groups of a large offset": groups([1e9, 1e9 + 50, 1e9 + 400], 3),
    "overlapping groups": groups([0, 3, 5, 9, 30], 1, [5, 1, 3, 1, 0.2]),
    "gaps of 1e12": with_gaps,
    "gaps of 1e12, single": single(with_gaps),
    "gaps of all sizes": geometric_gaps,
    "tight among wide": lambda random, n: mixed(
        random, n, (0.5, random.normal(0, 1e-6, n)), (0.5, random.normal(0, 1000, n))
    ),
    "spikes": spikes,
    "spikes, single": single(spikes),
    "95 % of one value": no_data(7.0, 0.95, gamma),
    "no data of -9999": no_data(-9999, 0.4, normal),
    "no data of -3.4e38, single": single(no_data(-3.4e38, 0.4, gamma)),
    "no data of 1e20": no_data(1e20, 0.1, gamma),
    "one at 1e30": with_one(1e30, gamma),
    "one at 1e30, single": single(with_one(1e30, normal)),
    "one at -1e9": with_one(-1e9, normal),
    "8-bit integers as floats": lambda random, n: np.floor(random.gamma(2, 30, n)).clip(0, 255),
    "16-bit integers as floats, single": single(
        lambda random, n: np.floor(random.gamma(2, 4000, n)).clip(0, 65_535)
    ),
    "tenths": lambda random, n: np.round(random.normal(0, 50, n), 1),
    "subnormals": lambda random, n: np.floor(random.gamma(2, 9000, n)) * 5e-324,
    "subnormals, single": lambda random, n: (
        np.floor(random.gamma(2, 9000, n)).astype(np.float32) * np.float32(1e-45)
    ),
    "tiny": lambda random, n: random.gamma(2, 1e-200, n),
    "huge": lambda random, n: random.gamma(2, 1e300, n),
}


# --- Several channels ------------------------------------------------------------------


def around(
    random: np.random.Generator, n: int, middles: NDArray[Any], deviation: float
) -> NDArray[Any]:
    which = random.integers(len(middles), size=n)
    return middles[which] + random.normal(0, deviation, (n, middles.shape[1]))


def rare(share: float, n_channels: int) -> Draw:
    """Add five classes of so few pixels to two large ones."""

    def draw(random: np.random.Generator, n: int) -> NDArray[Any]:
        middles = random.uniform(0, 100, (7, n_channels))
        which = random.integers(2, size=n)
        for i in range(2, 7):
            which[random.choice(n, round(share * n), replace=False)] = i
        return middles[which] + random.normal(0, 1, (n, n_channels))

    return draw


def outliers(n_outliers: int, far: float, n_channels: int) -> Draw:
    def draw(random: np.random.Generator, n: int) -> NDArray[Any]:
        image = around(random, n, random.normal(0, 5, (6, n_channels)), 1)
        where = random.choice(n, n_outliers, replace=False)
        image[where] = random.normal(0, far, (n_outliers, n_channels))
        return image

    return draw


def rounding(n_channels: int) -> Draw:
    """Rounding noise in all channels of nine pixels of ten."""

    def draw(random: np.random.Generator, n: int) -> NDArray[Any]:
        image = 1 + random.normal(0, 1e-15, (n, n_channels))
        signal = random.random(n) < 0.1
        image[signal] = random.gamma(2, 300, (np.count_nonzero(signal), n_channels))
        return image

    return draw


def one_of_them(n_channels: int) -> Draw:
    """Rounding noise in all channels but one."""

    def draw(random: np.random.Generator, n: int) -> NDArray[Any]:
        image = random.normal(0, 1e-14, (n, n_channels))
        image[:, 1] += random.gamma(2, 10, n)
        return image

    return draw


def simplex(deviation: float) -> Draw:
    return lambda random, n: around(random, n, 10 * np.eye(20), deviation)


def tight(random: np.random.Generator, n: int) -> NDArray[Any]:
    return around(random, n, random.uniform(0, 1e6, (16, 3)), 1)


def pairs_of_groups(random: np.random.Generator, n: int) -> NDArray[Any]:
    """Pairs close to each other, and far from all others."""
    far = random.uniform(0, 1e4, (8, 4))
    return around(random, n, np.concatenate([far, far + 20]), 1)


SEVERAL_CHANNELS: dict[str, tuple[Draw, int, int]] = {
    "one outlier of 1e6": (outliers(1, 1e6, 3), 60_000, 5),
    "thirty outliers of 1000": (outliers(30, 1000, 3), 60_000, 16),
    "heavy tails": (lambda random, n: random.standard_t(1.5, (n, 3)), 60_000, 12),
    "classes of 2 in 10,000": (rare(2e-4, 3), 100_000, 7),
    "classes of 2 in 1,000": (rare(2e-3, 3), 60_000, 7),
    "classes of 1 in 100, 8 channels": (rare(1e-2, 8), 60_000, 7),
    "tight groups far apart": (tight, 60_000, 16),
    "tight pairs far apart": (pairs_of_groups, 60_000, 12),
    "a simplex of 20 channels": (simplex(1), 40_000, 5),
    "a simplex of 20 channels, all corners": (simplex(1), 20_000, 20),
    "rounding noise in two channels": (rounding(2), 60_000, 16),
    "rounding noise in four channels": (rounding(4), 60_000, 5),
    "rounding noise in all channels but one": (one_of_them(3), 60_000, 12),
    "before a background": (
        lambda random, n: np.where(random.random((n, 1)) < 0.7, -9999, random.gamma(2, 5, (n, 4))),
        60_000,
        8,
    ),
}

"""Pixel values gathered to few points, and which clusters these belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg.core.base.parallel import map_spans, no_tick, portion, spans
from napari_kmeans_seg.core.image.pixels import spread
from napari_kmeans_seg.core.points.counting import Counted, count_sorted, merge

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_kmeans_seg.core.base.parallel import Progress, Tick

    Values = npt.NDArray[np.float64]
    Homes = npt.NDArray[np.unsignedinteger]
    Window = tuple[slice, ...]
    # Which pixels are looked at: all, those at places of the flat array, or some windows.
    Pick = npt.NDArray[np.intp] | tuple[Window, ...] | None

N_LEVELS = 1 << 16
"""Values of one channel that are distinguished: all that 16 bits can hold."""

N_COLORS = 20_000
"""Most points of several channels: more dots than a plot in a dock has room for."""

SAMPLED_PIXELS = 1 << 20
"""Pixels that are looked at of several channels: some fifty for each dot."""

_N_DISTINGUISHING = 8
"""Channels by which points are distinguished, where there are more."""

_TABLE_CELLS = 1 << 20
_PAIRED_AT_ONCE = 1 << 20

OTHER_PIXELS = "The image has other pixels by now than those of its clusters. Run again."
"""What to say where an image was given other pixels."""

OTHER_SHAPE = "The image no longer has the shape of its clusters. Run again."
"""What to say where the pixels of an image are not those of its clusters."""


@dataclass(frozen=True, eq=False)
class Members:
    """How many pixels each point gives to each cluster; only those that give some.

    Attributes
    ----------
    point : (n,) array of int
        Index of the point.
    label : (n,) array of int
        The cluster, never 0.
    count : (n,) array of int
        Pixels.
    """

    point: npt.NDArray[np.intp]
    label: npt.NDArray[np.intp]
    count: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClusterPoints:
    """The values of an image as points, and to which point each pixel belongs.

    Attributes
    ----------
    values : (n_channels, n_points) float64 array
        Of one channel the values in ascending order, all equally far apart, also those that
        no pixel has; of several channels the mean of the pixels of each point.
    step : float
        From one value of one channel to the next.
    exact : bool
        Whether pixels of one point have all the same value.
    home : (n,) array of int
        The point of each pixel that was looked at.
    pick : array, windows or None
        Which pixels were looked at; None for all.
    level : int
        The level of a pyramid that was looked at.
    n_pixels : int
        Pixels of the whole image.
    """

    values: npt.NDArray[np.float64]
    step: float
    exact: bool
    home: npt.NDArray[np.unsignedinteger]
    pick: Pick
    level: int
    n_pixels: int

    @property
    def pixels_each(self) -> float:
        """Pixels of the image for each that was looked at."""
        return self.n_pixels / max(1, self.home.size)

    def members(self, labels: Any, progress: Progress | None = None) -> Members:
        """Count the pixels of each point in each cluster. This is work, for any thread.

        Parameters
        ----------
        labels : array, or sequence of array
            What the Labels layer shows.
        progress : callable, optional
            As for `segment`.
        """
        array = labels[self.level] if isinstance(labels, Sequence) else labels
        flat = picked(array, self.pick)
        if flat.size != self.home.size:
            raise ValueError(OTHER_SHAPE)
        tick = portion(progress, 0.5, 1.0, "Counting values")
        found = _count_pairs(self.home, flat, self.values.shape[1], tick)
        codes = found.keys.astype(np.intp)
        inside = codes >= N_LEVELS  # not label 0
        codes = codes[inside]
        return Members(codes % N_LEVELS, codes // N_LEVELS, found.counts[inside])


def picked(array: Any, pick: Pick) -> npt.NDArray[Any]:
    """Give the pixels that are looked at, as a flat array."""
    if isinstance(pick, tuple):
        return np.concatenate([np.asarray(array[window]).reshape(-1) for window in pick])
    flat = np.asarray(array).reshape(-1)
    return flat if pick is None else flat[pick]


def levels_of(
    channel: npt.NDArray[Any], n_levels: int, centroids: Values
) -> tuple[Values, float, bool, Homes]:
    """Distinguish values of one channel: integers as they are, others on a fine scale.

    Returns
    -------
    values : (n,) float64 array
        Where each level begins.
    step : float
        From one to the next.
    exact : bool
        Whether each level is one value.
    home : (n_pixels,) array of int
        The level of each pixel.
    """
    small = np.min_scalar_type(n_levels - 1)
    if channel.dtype.kind == "b":
        channel = channel.view(np.uint8)
    if channel.dtype.kind in "ui":
        least, most = int(channel.min()), int(channel.max())
        if channel.dtype.kind == "u" and channel.dtype.itemsize <= small.itemsize:
            return np.arange(most + 1, dtype=np.float64), 1.0, True, channel
        if most - least < n_levels:
            values = np.arange(most - least + 1, dtype=np.float64) + least
            home = np.empty(channel.size, small)
            for begin, stop in spans(channel.size):
                part = channel[begin:stop]
                # Two's complement wraps around: the difference is right in any width.
                home[begin:stop] = (part - np.array(least, part.dtype)).view(f"u{part.itemsize}")
            return values, 1.0, True, home
    start, end = _range(channel, centroids)
    home = np.empty(channel.size, small)

    def fill(begin: int, stop: int) -> None:
        with np.errstate(all="ignore"):
            share = (channel[begin:stop].astype(np.float64) - start) / (end - start)
        share = np.clip(np.nan_to_num(share, nan=0.0), 0, 1)
        home[begin:stop] = np.minimum(share * n_levels, n_levels - 1)

    for _ in map_spans(fill, spans(channel.size)):
        pass
    step = (end - start) / n_levels
    grades: Values = np.arange(n_levels, dtype=np.float64) * step + start
    return grades, step, False, home


def _range(channel: npt.NDArray[Any], centroids: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Find where nearly all values lie. A few that are far away must not blur all others."""
    sample = channel[spread(channel.size, SAMPLED_PIXELS)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    middles = centroids[np.isfinite(centroids)]
    if sample.size == 0:
        return 0.0, 1.0
    least, most = float(sample.min()), float(sample.max())
    low, high = map(float, np.percentile(sample, (0.01, 99.99)))
    low, high = min(low, *middles, most), max(high, *middles, least)
    if most - least <= 16 * (high - low):
        low, high = least, most
    if not low < high:
        high = low + (abs(low) * 1e-3 or 1.0)
    return float(low), float(high)


def colors_of(
    channels: Sequence[npt.NDArray[Any]], centroids: Values
) -> tuple[Values, bool, Homes]:
    """Gather pixels of several channels to at most `N_COLORS` points."""
    chosen = channels[:_N_DISTINGUISHING]
    bits = min(8, 60 // len(chosen))
    codes = np.zeros(channels[0].size, np.uint64)
    exact = len(chosen) == len(channels) and bits == 8
    for channel, middles in zip(chosen, centroids.T, strict=False):
        _, _, same, level = levels_of(channel, 1 << bits, middles)
        codes <<= np.uint64(bits)
        codes |= level.astype(np.uint64)
        exact &= same
    found, home = np.unique(codes, return_inverse=True)
    parts = [
        (found >> np.uint64(bits * i)) & np.uint64((1 << bits) - 1)
        for i in reversed(range(len(chosen)))
    ]
    # Neighbours become one: each channel in turn loses its last bit.
    coarsened = len(chosen) - 1
    while found.size > N_COLORS:
        exact = False
        parts[coarsened] >>= np.uint64(1)
        codes = np.zeros_like(parts[0])
        for part in parts:
            codes <<= np.uint64(bits)
            codes |= part
        found, first, place = np.unique(codes, return_index=True, return_inverse=True)
        home, parts = place[home], [part[first] for part in parts]
        coarsened = (coarsened - 1) % len(chosen)
    counts = np.bincount(home, minlength=found.size)
    values = np.empty((len(channels), found.size))
    for row, channel in zip(values, channels, strict=True):
        finite = (
            np.where(np.isfinite(channel), channel, 0) if channel.dtype.kind == "f" else channel
        )
        row[:] = np.bincount(home, finite.astype(np.float64), minlength=found.size) / counts
    return values, exact, home.astype(np.uint16)


def _count_pairs(
    home: npt.NDArray[np.unsignedinteger],
    labels: npt.NDArray[Any],
    n_points: int,
    tick: Tick = no_tick,
) -> Counted:
    """Count how often each point and label come together, as ``label * N_LEVELS + point``."""
    top = int(min(labels.max(initial=0), N_LEVELS - 1))

    if (top + 1) * n_points <= _TABLE_CELLS:
        table = np.zeros((top + 1) * n_points, np.int64)

        def pairs(start: int, stop: int) -> npt.NDArray[np.intp]:
            codes = np.minimum(labels[start:stop], top).astype(np.intp)
            codes *= n_points
            codes += home[start:stop]
            return np.bincount(codes, minlength=table.size)

        for part in map_spans(pairs, spans(home.size, _PAIRED_AT_ONCE), tick):
            table += part
        found = np.flatnonzero(table)
        keys = (found // n_points * N_LEVELS + found % n_points).astype(np.uint32)
        return Counted(keys, table[found])

    def distinct(start: int, stop: int) -> Counted:
        codes = np.minimum(labels[start:stop], top).astype(np.uint32)
        codes <<= np.uint32(16)
        codes |= home[start:stop]
        return count_sorted(codes)

    return merge(list(map_spans(distinct, spans(home.size, _PAIRED_AT_ONCE), tick)))

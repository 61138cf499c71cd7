"""Where clusters start: points, or painted labels, become initial centroids."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Labels, Points

from napari_kmeans_seg.core.base import checks
from napari_kmeans_seg.core.base.notes import SeedsLeftOut
from napari_kmeans_seg.core.base.parallel import no_tick

from ..base.arrays import is_lazy, sums_per_label
from ..base.describe import check_kind
from ..base.geometry import into, resampled
from .marks import Marks, in_chunks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from napari_kmeans_seg.core.base.parallel import Tick

    from ..base.geometry import Matrix

    # The number of pixels of each label, and the sums of their channels.
    Sums = dict[int, npt.NDArray[np.float64]]

RADIUS = 1
"""Pixels to each side of a point whose mean is its centroid."""

_NO_PART = "on pixels that are NaN, infinite or fully transparent"


class Start(NamedTuple):
    """Where clusters start.

    Attributes
    ----------
    numbers : (k,) array of int
        The label of each: that which was painted, or the number of the point.
    centroids : (k, n_channels) array
        In the units of the image.
    left_out : SeedsLeftOut or None
        How many seeds were left out, and why; None where none was.
    """

    numbers: npt.NDArray[np.intp]
    centroids: npt.NDArray[np.float64]
    left_out: SeedsLeftOut | None = None


@dataclass(frozen=True, eq=False)
class Seeds(Marks):
    """Places that stand for clusters: the `labels` of a Labels layer, or points.

    Attributes
    ----------
    points : (n_points, ndim) array or None
        The data of a Points layer.
    fixed : bool
        Whether the centroids stay at the colours of the seeds, so that each pixel gets the
        label of the nearest seed, instead of being moved by k-means.
    """

    points: npt.NDArray[np.float64] | None = None
    fixed: bool = False

    def __post_init__(self) -> None:
        """Check what was given."""
        object.__setattr__(self, "fixed", checks.flag("fixed", self.fixed))

    @classmethod
    def of(cls, layer: Points | Labels, *, fixed: bool = False) -> Seeds:
        """Read a layer. Cheap."""
        check_kind(layer, Labels, Points)
        points = None if isinstance(layer, Labels) else np.array(layer.data, float)
        return cls(*cls._read(layer), points=points, fixed=fixed)

    @property
    def _drawn_arrays(self) -> Sequence[Any]:
        if self.labels is None:
            return [self.points]
        return [] if is_lazy(self.labels) else [self.labels]

    def start(
        self,
        image: Any,
        where: Matrix,
        channel_axis: int | None,
        *,
        alpha: bool,
        inside: Any = None,
        limits: tuple[str, str] = ("the image", ""),
        tick: Tick = no_tick,
    ) -> Start:
        """Take the mean values of the image at the seeds.

        Parameters
        ----------
        image : array
            The image.
        where : matrix
            Where it lies.
        channel_axis : int or None
            The axis of its channels.
        alpha : bool
            Whether the last channel is alpha.
        inside : bool array, optional
            The pixels that are clustered, of the image's spatial shape and lazy where it is.
        limits : pair of str
            What the image is called, and what `inside` comes from.
        tick : callable, optional
            Asked now and then whether to go on, where a lazy image is read.

        Raises
        ------
        ValueError
            If no seed can be used, or only one of several.
        """
        self._check_axes("seed layer", where)
        if channel_axis is None:
            image = image[np.newaxis]
        elif is_lazy(image):
            import dask.array as da

            image = da.moveaxis(image, channel_axis, 0)
        else:
            image = np.moveaxis(image, channel_axis, 0)
        outside = [f"outside {limit}" for limit in limits]
        if self.labels is not None:
            return self._of_labels(image, where, alpha, inside, outside, tick)
        return self._of_points(image, where, alpha, inside, outside)

    def _of_points(
        self, image: Any, where: Matrix, alpha: bool, inside: Any, outside: list[str]
    ) -> Start:
        assert self.points is not None
        shape = np.array(image.shape[1:])
        n_missing = len(shape) - (len(self.placement) - 1)
        if (shape[:n_missing] > 1).any():
            raise ValueError(
                f"The points “{self.name}” lie in a plane, the image has {len(shape)} axes: set "
                "the points in the image's own planes, or segment the displayed plane only."
            )
        places = np.rint(into(where, self.placement, self.points)).astype(int)
        places = np.hstack([np.zeros((len(places), n_missing), int), places])
        places = places[((places >= 0) & (places < shape)).all(axis=1)]
        left_out = {outside[0]: len(self.points) - len(places)}
        if inside is not None and len(places):
            at = tuple(places.T)
            there = np.asarray(inside.vindex[at] if is_lazy(inside) else inside[at])
            left_out[outside[1]] = int((~there).sum())
            places = places[there]
        reach = np.array([0] * max(0, len(shape) - 2) + [RADIUS] * min(2, len(shape)))
        lows = np.maximum(places - reach, 0)
        parts = []
        for low, high in zip(lows, np.minimum(places + reach + 1, shape), strict=True):
            box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            parts.append(image[(slice(None), *box)])
        if is_lazy(image):
            parts = self._computed(parts, places)
        means = []
        for part, middle in zip(parts, places - lows, strict=True):
            takes_part = _takes_part(part, alpha)
            # Its own pixel is what a person points at; neighbours are against noise only.
            if takes_part[tuple(middle)]:
                means.append(part[: len(part) - alpha, takes_part].astype(float).mean(axis=1))
        left_out[_NO_PART] = len(places) - len(means)
        note = self._check_left_out("point", len(means), left_out)
        return Start(np.arange(1, len(means) + 1), np.array(means), note)

    def _check_left_out(
        self, what: str, n: int, left_out: Mapping[str, int]
    ) -> SeedsLeftOut | None:
        """Note how many seeds were left out and why; refuse to start from what is left of some."""
        n_out = sum(left_out.values())
        if n and not n_out:
            return None
        advice = "set points on" if what == "point" else "paint some pixels of each class on"
        advice = f"{advice} what is clustered, or choose other seeds."
        if not n_out:
            raise ValueError(f"No {what} of “{self.name}” lies in the image: {advice}")
        note = SeedsLeftOut(layer=self.name, of=n + n_out, where=tuple(left_out.items()))
        if not n:
            raise ValueError(f"No {what} of “{self.name}” can be used, {note.why}: {advice}")
        if n == 1:
            raise ValueError(f"{note} At least two are needed: {advice}")
        return note

    def _computed(self, parts: list[Any], places: npt.NDArray[np.intp]) -> list[npt.NDArray[Any]]:
        """Compute the parts of a lazy image around the points."""
        import dask

        try:
            return list(dask.compute(*parts))
        except Exception:
            for place, part in zip(places.tolist(), parts, strict=True):
                try:
                    part.compute()
                except Exception as error:
                    where = f"the point of “{self.name}” at pixel {tuple(place)}"
                    raise OSError(f"image cannot be read around {where}: {error}") from error
            raise

    def _of_labels(
        self, image: Any, where: Matrix, alpha: bool, inside: Any, outside: list[str], tick: Tick
    ) -> Start:
        if is_lazy(image):
            found = self._of_chunks(image, where, alpha, inside, tick)
        else:
            painted = resampled(self.labels, self.placement, image.shape[1:], where)
            painted = painted if inside is None else np.where(inside, painted, 0)
            found = _sum_up(image, painted, alpha=alpha)
        there = {number: sums for number, sums in found.items() if sums[0] > 0}
        # Those of lazy labels are not read all over only to be counted.
        every = set() if is_lazy(self.labels) else set(np.unique(self.labels[self.labels != 0]))
        left_out = {
            outside[inside is not None]: len(every - set(found)),
            _NO_PART: len(found) - len(there),
        }
        note = self._check_left_out("label", len(there), left_out)
        numbers = np.array(sorted(there))
        if numbers[0] < 1 or numbers[-1] > np.iinfo(np.uint16).max:
            raise ValueError(
                f"The seeds “{self.name}” take labels from 1 to 65,535; got "
                f"{numbers[0] if numbers[0] < 1 else numbers[-1]:,}."
            )
        sums = np.array([there[number] for number in numbers])
        return Start(numbers.astype(np.intp), sums[:, 1:] / sums[:, :1], note)

    def _of_chunks(self, image: Any, where: Matrix, alpha: bool, inside: Any, tick: Tick) -> Sums:
        """Read the chunks on which something is painted."""
        from napari_kmeans_seg.core.lazy.chunks import every_chunk, gather

        image = image.rechunk({0: -1})
        labels = (self.labels, self.placement)
        painted = in_chunks(_read, labels, image.chunks[1:], where, self.labels.dtype)
        painted = (painted if inside is None else painted * inside)[np.newaxis]
        any_there = gather(_any, _joined, painted, tick=tick)
        chunks = [at for at, there in zip(every_chunk(image), any_there, strict=True) if there]
        if not chunks:
            return {}
        return gather(partial(_sum_up, alpha=alpha), _add, image, painted, chunks=chunks, tick=tick)


def _read(labels: tuple[Any, Matrix], shape: tuple[int, ...], where: Matrix) -> npt.NDArray[Any]:
    return resampled(*labels, shape, where)


def _sum_up(image: npt.NDArray[Any], painted: npt.NDArray[Any] | None, *, alpha: bool) -> Sums:
    """Sum the values of the pixels of each painted label that take part, channels first."""
    if painted is None:
        return {}
    painted = painted.reshape(image.shape[1:])
    there = painted != 0
    values = image[:, there]
    takes_part = _takes_part(values, alpha)
    values = values[: len(values) - alpha, takes_part].astype(float)
    numbers, which = np.unique(painted[there], return_inverse=True)
    every = sums_per_label(which[takes_part], values, numbers.size)
    return dict(zip(numbers.tolist(), every, strict=True))


def _takes_part(values: npt.NDArray[Any], alpha: bool) -> npt.NDArray[np.bool_]:
    """Say which pixels are clustered, of channels that come first."""
    finite: npt.NDArray[np.bool_] = np.isfinite(values).all(axis=0)
    return finite & (values[-1] > 0) if alpha else finite


def _add(parts: list[Sums]) -> Sums:
    total: Sums = {}
    for part in parts:
        for number, sums in part.items():
            total[number] = total.get(number, 0) + sums
    return total


def _any(painted: npt.NDArray[Any], _mask: npt.NDArray[Any] | None) -> list[bool]:
    return [bool(painted.any())]


def _joined(parts: list[list[bool]]) -> list[bool]:
    return [one for part in parts for one in part]

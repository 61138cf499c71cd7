"""Where clusters start: points, or painted labels, become initial centroids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Points

from napari_kmeans_seg.core.parallel import no_tick

from .arrays import is_lazy
from .geometry import into, resampled
from .marks import Marks, in_chunks

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_kmeans_seg.core.parallel import Tick

    from .geometry import Matrix

    # The number of pixels of each label, and the sums of their channels.
    Sums = dict[int, npt.NDArray[np.float64]]

RADIUS = 1
"""Pixels to each side of a point whose mean is its centroid."""


@dataclass(frozen=True, eq=False)
class Seeds(Marks):
    """Places that stand for clusters: the `labels` of a Labels layer, or points.

    Attributes
    ----------
    points : (n_points, ndim) array or None
        The data of a Points layer.
    fixed : bool
        Whether the centroids stay where the seeds put them, so that each pixel gets the
        label of the nearest seed, instead of being moved by k-means.
    """

    points: npt.NDArray[np.float64] | None = None
    fixed: bool = False

    @classmethod
    def of(cls, layer: Points | Labels, *, fixed: bool = False) -> Seeds:
        """Read a layer. Cheap."""
        points = None if isinstance(layer, Labels) else np.array(layer.data, float)
        return cls(*cls._read(layer), points=points, fixed=fixed)

    def centroids(
        self,
        image: Any,
        where: Matrix,
        channel_axis: int | None,
        *,
        alpha: bool,
        tick: Tick = no_tick,
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
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
        tick : callable, optional
            Asked now and then whether to go on, where a lazy image is read.

        Returns
        -------
        numbers : (k,) array of int
            The label of each: that which was painted, or the number of the point.
        centroids : (k, n_channels) array
            In the units of the image.

        Raises
        ------
        ValueError
            If no seed lies in the image.
        """
        self._check_axes("seed layer", where)
        if channel_axis is None:
            image = image[np.newaxis]
        elif is_lazy(image):
            import dask.array as da

            image = da.moveaxis(image, channel_axis, 0)
        else:
            image = np.moveaxis(image, channel_axis, 0)
        if alpha:
            image = image[:-1]
        if self.labels is not None:
            return self._of_labels(image, where, tick)
        return self._of_points(image, where)

    def _of_points(
        self, image: Any, where: Matrix
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
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
        reach = np.array([0] * max(0, len(shape) - 2) + [RADIUS] * min(2, len(shape)))
        parts = []
        for low, high in zip(
            np.maximum(places - reach, 0), np.minimum(places + reach + 1, shape), strict=True
        ):
            box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            parts.append(image[(slice(None), *box)])
        if is_lazy(image):
            parts = self._computed(parts, places)
        means = np.array([_mean(part.reshape(len(part), -1)) for part in parts])
        means = means.reshape(-1, image.shape[0])
        means = means[np.isfinite(means).all(axis=1)]
        if not len(means):
            raise ValueError(
                f"No point of “{self.name}” lies in the image: set points on the image, or "
                "choose other seeds."
            )
        return np.arange(1, len(means) + 1), means

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
        self, image: Any, where: Matrix, tick: Tick
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
        if is_lazy(image):
            found = self._of_chunks(image, where, tick)
        else:
            painted = resampled(self.labels, self.placement, image.shape[1:], where)
            found = _sum_up(image, painted)
        numbers = np.array(sorted(found))
        if not numbers.size:
            raise ValueError(
                f"No label of “{self.name}” is painted on the image: paint some pixels of each "
                "class, or choose other seeds."
            )
        if numbers[0] < 1 or numbers[-1] > np.iinfo(np.uint16).max:
            raise ValueError(
                f"The seeds “{self.name}” take labels from 1 to 65,535; got "
                f"{numbers[0] if numbers[0] < 1 else numbers[-1]:,}."
            )
        sums = np.array([found[number] for number in numbers])
        return numbers.astype(np.intp), sums[:, 1:] / sums[:, :1]

    def _of_chunks(self, image: Any, where: Matrix, tick: Tick) -> Sums:
        """Read the chunks on which something is painted."""
        from napari_kmeans_seg.core.chunks import every_chunk, gather

        image = image.rechunk({0: -1})
        labels = (self.labels, self.placement)
        painted = in_chunks(_read, labels, image.chunks[1:], where, self.labels.dtype)[np.newaxis]
        any_there = gather(_any, _joined, painted, tick=tick)
        chunks = [at for at, there in zip(every_chunk(image), any_there, strict=True) if there]
        if not chunks:
            return {}
        return gather(_sum_up, _add, image, painted, chunks=chunks, tick=tick)


def _read(labels: tuple[Any, Matrix], shape: tuple[int, ...], where: Matrix) -> npt.NDArray[Any]:
    return resampled(*labels, shape, where)


def _sum_up(image: npt.NDArray[Any], painted: npt.NDArray[Any] | None) -> Sums:
    """Sum the finite values of the pixels of each painted label, channels first."""
    if painted is None:
        return {}
    painted = painted.reshape(image.shape[1:])
    there = painted != 0
    values = image[:, there].astype(float)
    finite = np.isfinite(values).all(axis=0)
    numbers, which = np.unique(painted[there][finite], return_inverse=True)
    sums = [np.bincount(which, channel, numbers.size) for channel in values[:, finite]]
    every = np.stack([np.bincount(which, minlength=numbers.size), *sums], axis=1)
    return dict(zip(numbers.tolist(), every, strict=True))


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


def _mean(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Take the mean of each row's finite values."""
    finite = values[:, np.isfinite(values).all(axis=0)].astype(float)
    return finite.mean(axis=1) if finite.size else np.full(len(values), np.nan)

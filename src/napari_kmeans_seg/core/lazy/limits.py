"""How much of a Dask array is read, loaded and read again."""

from dataclasses import dataclass, fields
from typing import Any

import dask

from ..base import checks
from ..base.errors import WrongType

KEY = "napari-kmeans-seg"
"""Where Dask's configuration may have other limits, as ``napari-kmeans-seg.load_bytes``."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a machine can do, as a rule.

    Attributes
    ----------
    load_bytes : int
        Size up to which an image whose values cannot be counted is loaded and fitted in memory,
        and a level of a pyramid is fitted instead of a smaller one.
    whole_values : int
        Values, pixels times channels, up to which an image is loaded whose pixels are not
        segmented by themselves: to blur it some gigabytes of memory are enough.
    sample_values : int
        Distinct values that are taken of a larger one, about.
    fit_pixels : int
        Pixels up to which every chunk is read; of larger images, chunks evenly spread.
    exact_pixels : int
        Pixels up to which an image is read again, some times: for iterations over all pixels where
        only a sample of them fits into memory, and for counts that are those of all pixels. With
        tol=0 it is, however large.
    plane_pixels : int
        Pixels of a plane, or of what else is connected, up to which it is read whole to find the
        pieces in it.
    seconds_without_workers : float
        After which none is waited for on a cluster that had one: one that was killed is started
        anew within some.
    """

    load_bytes: int = 1 << 28
    whole_values: int = 1 << 26
    sample_values: int = 1 << 20
    fit_pixels: int = 1 << 31
    exact_pixels: int = 1 << 28
    plane_pixels: int = 1 << 22
    seconds_without_workers: float = 10.0

    @classmethod
    def now(cls) -> "Limits":
        """Return these, but for what Dask's configuration says."""
        others: dict[str, Any] = dask.config.get(KEY, {})
        known = {one.name for one in fields(cls)}
        given = {name.replace("-", "_"): value for name, value in others.items()}
        if unknown := sorted(given.keys() - known):
            raise WrongType(f"{KEY} in Dask's configuration", ", ".join(sorted(known)), unknown[0])
        return cls(**given)

    def __post_init__(self) -> None:
        """Check what was given."""
        for one in fields(self):
            name, value = f"{KEY}.{one.name}", getattr(self, one.name)
            if isinstance(one.default, float):
                checks.real(name, value, 0)
            else:
                checks.integer(name, value, 0)

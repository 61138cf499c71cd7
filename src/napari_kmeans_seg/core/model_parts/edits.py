"""What a person did to the clusters of a model, in order: each edit labels pixels anew."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..image.painting import paint
from ..image.pixels import Pixels
from ..kmeans.nearest import Labels, label_dtype
from ..points.image_points import Labelling, means_of_pixels
from ..points.sums import join_means


class Labeller(Protocol):
    """What labels the pixels of an image: a `KMeansModel`."""

    def labelled(self, pixels: Pixels) -> Labelling:
        """Label the pixels of an image, or of a part of it."""


@dataclass(frozen=True)
class Relabel:
    """Clusters get other labels, all at once: merged ones the same, deleted ones 0.

    Attributes
    ----------
    labels : tuple of int
        The labels before; others stay.
    into : tuple of int
        What each becomes.
    """

    labels: tuple[int, ...]
    into: tuple[int, ...]

    @property
    def largest(self) -> int:
        """The largest label that it gives."""
        return max(self.into, default=0)

    def table(self, n_labels: int) -> NDArray[np.intp]:
        """Return the new label of each label from 0 to `n_labels`."""
        table = np.arange(n_labels + 1)
        table[list(self.labels)] = self.into
        return table

    def apply(self, labels: Labels, pixels: Pixels) -> Labels:  # noqa: ARG002
        """Return the labels of the pixels of an image after it."""
        n_labels = int(np.iinfo(labels.dtype).max)
        return paint(self.table(n_labels).astype(labels.dtype), labels)


@dataclass(frozen=True)
class Split:
    """A cluster is divided by a model of its own.

    Attributes
    ----------
    label : int
        The cluster.
    into : tuple of int
        The label of each cluster of `model`.
    model : KMeansModel
        Labels the pixels of the cluster.
    """

    label: int
    into: tuple[int, ...]
    model: Labeller

    @property
    def largest(self) -> int:
        """The largest label that it gives."""
        return max(self.into)

    def apply(self, labels: Labels, pixels: Pixels) -> Labels:
        """Return the labels of the pixels of an image after it."""
        inside = (labels == self.label).reshape(-1)
        if not inside.any():
            return labels
        parts = self.model.labelled(replace(pixels, valid=inside)).labels
        found = labels.copy()
        where = parts > 0
        found[where] = np.array([0, *self.into], labels.dtype)[parts[where]]
        return found


@dataclass(frozen=True)
class Threshold:
    """The pixels of two clusters of one channel are divided at a value.

    Attributes
    ----------
    lower, upper : int
        The clusters of values up to `at`, and above.
    at : float
        The threshold.
    low, high : float or None
        Only pixels with values above `low` and up to `high` are divided; None: all.
    """

    lower: int
    upper: int
    at: float
    low: float | None = None
    high: float | None = None

    @property
    def largest(self) -> int:
        """The largest label that it gives."""
        return max(self.lower, self.upper)

    def apply(self, labels: Labels, pixels: Pixels) -> Labels:
        """Return the labels of the pixels of an image after it."""
        values = pixels.channels[0].reshape(pixels.shape)
        above = values > self.at
        both = (labels == self.lower) | (labels == self.upper)
        if self.low is not None:
            both &= values > self.low
        if self.high is not None:
            both &= values <= self.high
        divided = np.where(above, labels.dtype.type(self.upper), labels.dtype.type(self.lower))
        found: Labels = np.where(both, divided, labels)
        return found


Edit = Relabel | Split | Threshold


def n_labels_of(n_centroids: int, edits: tuple[Edit, ...]) -> int:
    """Return the largest label that a model may give."""
    n = n_centroids
    for edit in edits:
        if isinstance(edit, Relabel):
            n = int(edit.table(max(n, *edit.labels, 0)).max())
        else:
            n = max(n, edit.largest)
        # There is always a first row, though all may be deleted.
        n = max(n, 1)
    return n


def labels_left(n_centroids: int, edits: tuple[Edit, ...]) -> set[int]:
    """Return the labels that a model may still give: not those that were merged or deleted."""
    left = set(range(1, n_centroids + 1))
    for edit in edits:
        if isinstance(edit, Relabel):
            into = dict(zip(edit.labels, edit.into, strict=True))
            left = {into.get(label, label) for label in left} - {0}
        elif isinstance(edit, Split):
            if edit.label in left:
                left = (left - {edit.label}) | set(edit.into)
        elif left & {edit.lower, edit.upper}:
            left |= {edit.lower, edit.upper}
    return left


def n_changing(n_centroids: int, edits: tuple[Edit, ...]) -> int:
    """Count the edits that change which pixels belong together: other numbers alone do not."""
    left = [len(labels_left(n_centroids, edits[:n])) for n in range(len(edits) + 1)]
    both = zip(edits, left, left[1:], strict=False)
    return sum(not isinstance(edit, Relabel) or after < before for edit, before, after in both)


def _most_labels(n_centroids: int, edits: tuple[Edit, ...]) -> int:
    """Return the largest label that there is at any time."""
    return max(n_centroids, *(edit.largest for edit in edits))


def edited(found: Labelling, edits: tuple[Edit, ...], n_labels: int, pixels: Pixels) -> Labelling:
    """Return a labelling after edits, with the counts and means of its clusters."""
    if not edits:
        return found
    n_before = len(found.counts)
    labels = found.labels.astype(label_dtype(_most_labels(n_before, edits)), copy=False)
    for edit in edits:
        labels = edit.apply(labels, pixels)
    labels = labels.astype(label_dtype(n_labels), copy=False)
    # Distances are known to the centroids before.
    inertia = found.inertia
    found = replace(found, inertia=np.nan)
    if all(isinstance(edit, Relabel) for edit in edits):
        if len(labels_left(n_before, edits)) == n_before:
            found = replace(found, inertia=inertia)
        counts, means = _joined(found, edits, n_labels)
    else:
        counts = np.bincount(labels.reshape(-1), minlength=n_labels + 1)[1:].astype(np.int64)
        known = replace(found, labels=labels, counts=counts, means=_none(found, n_labels))
        return with_means_of(pixels, known)
    return replace(found, labels=labels, counts=counts, means=means)


def with_means_of(pixels: Pixels, found: Labelling) -> Labelling:
    """Return a labelling with the means of the values of another image of the same place."""
    flat = found.labels.reshape(-1)
    inside = replace(pixels, valid=flat > 0)
    n, index = len(found.counts), flat[inside.valid] - flat.dtype.type(1)
    means = means_of_pixels(inside, index, n) if index.size else _none(found, n)
    return replace(found, means=means)


def _joined(
    found: Labelling, edits: tuple[Any, ...], n_labels: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    home = np.arange(len(found.counts) + 1)
    for edit in edits:
        home = edit.table(max(int(home.max()), *edit.labels))[home]
    kept = np.flatnonzero(home[1:])
    if not kept.size:
        return np.zeros(n_labels, np.int64), _none(found, n_labels)
    return join_means(home[kept + 1] - 1, found.counts[kept], found.means[kept], n_labels)


def _none(found: Labelling, n_labels: int) -> NDArray[np.float64]:
    return np.full((n_labels, found.means.shape[1]), np.nan)

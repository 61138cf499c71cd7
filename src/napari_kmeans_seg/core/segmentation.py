"""What a segmentation is: labels, centroids, and what can be made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import shown
from .base import checks
from .base.cached import cached_property
from .base.note import Note
from .base.parallel import Tick
from .image.features import by_brightness
from .image.painting import as_palette, paint, paint_image
from .image.pixels import Pixels, spread
from .kmeans.nearest import Labels, label_dtype
from .points.sums import join_means

if TYPE_CHECKING:
    import pandas as pd

    from .model import KMeansModel


def pairs_of(one: Labels, other: Labels | None, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Count which labels of two images lie in the same place, as a table of this shape."""
    index = one.reshape(-1).astype(np.intp) * shape[1]
    if other is not None:
        index += other.reshape(-1)
    return np.bincount(index, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


@dataclass(frozen=True, eq=False, repr=False)
class Segmentation:
    """An image segmented by k-means.

    Attributes
    ----------
    labels : array of unsigned integers, spatial shape of the image
        1 to n_clusters, 1 being the darkest cluster (smallest mean over its channels), where
        no order was given: by `keep_order`, `classify` or a model; 0 is not part of it. The
        smallest dtype that holds as many labels as clusters were asked for.
    centroids : (n_clusters, n_channels) float64 array
        Mean value of the pixels of each cluster, in the units of the image, whatever the
        feature space; NaN for a cluster that no pixel of a predicted image belongs to. Row 0
        belongs to label 1.
    counts : (n_clusters,) int64 array
        Pixels of each cluster.
    inertia : float
        Sum of squared distances of the pixels to their centroids in the feature space; NaN where
        it is not known after clusters were merged, deleted or split.
    n_iter : int
        Iterations of Lloyd's algorithm on the distinct values or pixels.
    converged : bool
        Whether the iterations stopped by themselves, before `max_iter`.
    notes : tuple of Note
        What is worth knowing about this result, in numbers: pixels left out, fewer clusters than
        asked.
    warnings : tuple of str
        The same in words.
    model : KMeansModel
        Labels other images by the same centroids.
    parameters : dict
        Every argument as it was used, and the version. JSON can hold it.
    """

    labels: NDArray[np.unsignedinteger]
    centroids: NDArray[np.float64]
    counts: NDArray[np.int64]
    inertia: float
    n_iter: int
    converged: bool
    notes: tuple[Note, ...]
    model: "KMeansModel"
    _pixels: Pixels = field(repr=False)

    def __repr__(self) -> str:
        """Say in one line what it is."""
        return shown.line_of_segmentation(self, self.inertia)

    def _repr_html_(self) -> str:
        """Show the clusters in a notebook, with a small picture."""
        return shown.segmentation_html(self, picture=True)

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.centroids)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is worth knowing about this result, in words."""
        return tuple(str(note) for note in self.notes)

    @property
    def parameters(self) -> dict[str, Any]:
        """Every argument as it was used, and the version."""
        return self.model.parameters

    @cached_property
    def image(self) -> NDArray[Any]:
        """The image with each pixel painted with its centroid, in the input's dtype and shape.

        The byte order is this machine's own.

        Pixels with label 0 are 0; alpha is taken over. Centroids of integer images are rounded.
        """
        return paint_image(self._pixels, self.palette, self.labels)

    @property
    def _removed(self) -> frozenset[int]:
        """Labels that no pixel can have."""
        return self.model.removed

    def _pairs(self, other: "Segmentation", tick: Tick) -> NDArray[np.int64]:
        """Count how many pixels have which two labels, ``(n + 1, n_other + 1)``, of a sample."""
        tick(0)
        # Pixels in memory, evenly spread, whose labels are compared with those of another step.
        where = spread(self.labels.size, 1 << 20)
        shape = (self.n_clusters + 1, other.n_clusters + 1)
        return pairs_of(self.labels.reshape(-1)[where], other.labels.reshape(-1)[where], shape)

    @property
    def palette(self) -> NDArray[Any]:
        """Colour of each label in the image's dtype, ``(n_clusters + 1, n_channels)``.

        Row 0 is for label 0.
        """
        black = np.zeros((1, self.centroids.shape[1]))
        return as_palette(np.concatenate([black, self.centroids]), self._pixels.dtype)

    def mask(self, *labels: int) -> NDArray[np.bool_]:
        """Return where the pixels of the given clusters are.

        Parameters
        ----------
        *labels : int
            Labels from 0 to n_clusters.

        Returns
        -------
        bool array of the spatial shape

        Raises
        ------
        TypeError
            If a label is no integer.
        ValueError
            If there is no label, or one is not from 0 to n_clusters.

        Examples
        --------
        >>> import numpy as np
        >>> from napari_kmeans_seg import segment
        >>> seg = segment(np.array([[0, 1, 9], [0, 8, 9]]), n_clusters=2)
        >>> seg.mask(2)
        array([[False, False,  True],
               [False,  True,  True]])
        """
        if not labels:
            raise ValueError("mask takes at least one label; got none.")
        chosen = np.zeros(self.n_clusters + 1, bool)
        chosen[[self._label(label) for label in labels]] = True
        return self._look_up(chosen)

    def merge(self, *groups: Sequence[int]) -> "Segmentation":
        """Join clusters: the two reds of a car become one.

        Parameters
        ----------
        *groups : sequence of int
            Labels of at least two clusters that become one, per group.

        Returns
        -------
        Segmentation
            With labels from 1 again, ordered by brightness. `centroids` are the means of the
            joined pixels; `model` merges the clusters of other images alike. `inertia` is
            that of the joined clusters, or NaN where means in the feature space are not known: in
            another colour space, with smoothing or position, or of a prediction. `parameters`,
            with their ``n_clusters``, remain those before merging.

        Raises
        ------
        TypeError
            If a group is no sequence, or a label no integer.
        ValueError
            If a group has fewer than two labels, a label stands in two groups, or is not from 1
            to n_clusters.

        Examples
        --------
        >>> import numpy as np
        >>> from napari_kmeans_seg import segment
        >>> seg = segment(np.array([[0, 4, 9], [0, 5, 9]]), n_clusters=3)
        >>> seg.merge((1, 2)).labels
        array([[1, 1, 2],
               [1, 1, 2]], dtype=uint8)
        """
        home = np.arange(self.n_clusters + 1)
        seen: set[int] = set()
        for group in groups:
            labels = checks.several("merge", group, "groups of labels such as (1, 2)")
            members = [self._label(label, low=1) for label in labels]
            if len(set(members)) < 2:
                raise ValueError(f"merge takes groups of at least two labels; got {tuple(labels)}.")
            if seen & set(members):
                raise ValueError(
                    f"merge takes each label once; got {min(seen & set(members))} in two groups."
                )
            seen |= set(members)
            home[members] = min(members)
        kept, index = np.unique(home[1:], return_inverse=True)
        counts, centroids = join_means(index, self.counts, self.centroids, kept.size)
        order = by_brightness(centroids)
        rank = np.empty(kept.size, np.intp)
        rank[order] = np.arange(kept.size)
        table = np.zeros(self.n_clusters + 1, label_dtype(kept.size))
        table[1:] = rank[index] + 1
        into = tuple(table[1:].tolist())
        model = self.model.relabelled(dict(enumerate(into, 1)), centroids[order])
        return replace(
            self,
            labels=self._look_up(table),
            centroids=centroids[order],
            counts=counts[order],
            inertia=self._joined_inertia(centroids[index]),
            model=model,
        )

    def to_dataframe(self, channel_names: Sequence[str] | None = None) -> "pd.DataFrame":
        """Return one row per cluster: label, pixels, percent and the mean of each channel.

        Labels of clusters that edits of the model merged into others or deleted have no row.

        Parameters
        ----------
        channel_names : sequence of str, optional
            One name per channel, such as ("red", "green", "blue"). Those of the model by default,
            or their numbers from 0.

        Returns
        -------
        pandas.DataFrame
            Columns label, pixels, percent (of all pixels that take part), mean_<channel>.

        Raises
        ------
        TypeError
            If `channel_names` is no sequence of names.
        ValueError
            If there is not one name per channel, or two are the same.

        Notes
        -----
        It costs nothing: counts and means are known from the fit, of a Dask array, too. Only those
        that `KMeansModel.predict` gives of a Dask array take one pass over all chunks, the first
        time that the table, `counts`, `centroids` or `inertia` is asked for.
        """
        import pandas as pd

        n_channels = self.centroids.shape[1]
        if channel_names is None:
            channel_names = self.model.channel_names or [str(i) for i in range(n_channels)]
        names = checks.channel_names(channel_names, n_channels)
        table = {
            "label": np.arange(1, self.n_clusters + 1),
            "pixels": self.counts,
            # Where no pixel takes part none has a share.
            "percent": 100 * self.counts / max(1, self.counts.sum()),
        }
        means = zip(names, self.centroids.T, strict=True)
        table |= {f"mean_{name}": column for name, column in means}
        whole = pd.DataFrame(table)
        return whole[~whole["label"].isin(self._removed)].reset_index(drop=True)

    def _joined_inertia(self, homes: NDArray[np.float64]) -> float:
        """Return the inertia where each cluster has another mean, `homes`."""
        space = self.model.space
        values_decide = space.color_space == "rgb" and not (space.position or self.model.smoothing)
        if not (values_decide and self.n_iter):
            return np.nan
        with np.errstate(over="ignore", invalid="ignore"):
            squares = (np.subtract(self.centroids, homes) * space.scale) ** 2
            return float(self.inertia + np.nansum(squares.sum(axis=1) * self.counts))

    def _look_up(self, table: NDArray[Any]) -> NDArray[Any]:
        """Give each pixel what the table has for its label."""
        return paint(table, self.labels)

    def _label(self, label: Any, low: int = 0) -> int:
        return checks.integer("label", label, low, self.n_clusters)


def plain_values(segmentation: Segmentation) -> dict[str, Any]:
    """Give what a plain segmentation has, by name."""
    return {one.name: getattr(segmentation, one.name) for one in fields(Segmentation)}

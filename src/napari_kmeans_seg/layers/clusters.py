"""Work on the clusters of a result: merge, split, name, colour, extract, delete, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from napari.layers import Labels

from .cluster_history import ClusterHistory, bare, record_of
from .label_rows import means, of_clusters
from .link import METADATA_KEY, linked_layers
from .source import LayerImage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_kmeans_seg import Segmentation

# Where a mask lies: where its clusters do.
_PLACE = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")

# What the parameters of a result tell of how to split one of its clusters.
_SPLIT_BY = (
    "color_space", "channel_weights", "normalize", "smoothing", "spatial_weight",
    "n_init", "max_iter", "tol", "seed",
)  # fmt: skip

_known: WeakKeyDictionary[Labels, Clusters] = WeakKeyDictionary()


def clusters_of(viewer: ViewerModel, layer: Layer | None) -> Clusters | None:
    """Give the clusters that a layer shows, always the same object for the same layer.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer that shows the layer.
    layer : Layer or None
        The Labels layer of a result, or the image that was segmented: then its newest.

    Returns
    -------
    Clusters or None
        None where the layer has no result.
    """
    if layer is None:
        return None
    layer = bare(layer)
    if not isinstance(layer, Labels):
        results = linked_layers(viewer, str(layer.unique_id), "labels")
        if not results:
            return None
        # A new one is put right above its source.
        layer = bare(results[0])
    link = record_of(layer).get("link", {})
    if link.get("output") != "labels" or link.get("layer_id") != str(layer.unique_id):
        return None
    if layer not in _known:
        _known[layer] = Clusters(viewer, layer)
    return _known[layer]


class Clusters(ClusterHistory):
    """The clusters of one result, to work on.

    Each piece of work changes the Labels layer, the segmented image that belongs to it, the
    features table and the metadata together, and can be taken back. Labels stay what they
    are: a merged cluster keeps the smallest of its labels, and of the parts of a split one
    the darkest keeps its label and the others get new ones. What a person paints on the
    layer in between is kept. A changed result is left alone by later runs, and is theirs
    again once everything is taken back.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer that shows the layer.
    layer : Labels
        The Labels layer of a result; see `clusters_of`.
    """

    @property
    def table(self) -> pd.DataFrame:
        """The clusters in the features table, one row each, with a column for the names."""
        table = of_clusters(self.layer.features)
        if "name" not in table.columns:
            names = [f"Cluster {label}" for label in table["label"]]
            table.insert(int(table.columns.get_loc("label")) + 1, "name", names)
        return table

    @property
    def labels(self) -> list[int]:
        """The labels of the clusters."""
        return [int(label) for label in of_clusters(self.layer.features)["label"]]

    def name(self, label: int) -> str:
        """Tell the name of a cluster."""
        return str(self._rows([label])["name"].iloc[0])

    # -- work ---------------------------------------------------------------------------

    def merge(self, labels: Iterable[int]) -> int:
        """Join clusters; gives the label of the joined one, the smallest of theirs."""
        group = sorted(set(labels))
        if len(group) < 2:
            raise ValueError("Select at least two clusters to merge them.")
        rows = self._rows(group)
        where, n_pixels = self._find(group)
        keep = group[0]
        weights = rows["pixels"].to_numpy(float)
        merged = rows.iloc[:1].copy()
        named = zip(group, rows["name"], strict=True)
        given = [name for label, name in named if name != f"Cluster {label}"]
        merged["name"] = given[0] if given else f"Cluster {keep}"
        merged["pixels"] = n_pixels
        for column in means(rows):
            values = rows[column].to_numpy(float)
            merged[column] = np.average(values[weights > 0], weights=weights[weights > 0])
        before = self.table
        table = pd.concat([before[~before["label"].isin(group)], merged])
        change = self._relabel(where, np.asarray(keep))
        self.do(f"Merge {_told(rows['name'])}", table, pixels=change, edit={"merge": group})
        return keep

    def parts(
        self, label: int, n_parts: int
    ) -> Callable[[Callable[[float, str], None] | None], Segmentation]:
        """Prepare to split a cluster: gives the work, for any thread, whose result `split` takes.

        Parameters
        ----------
        label : int
            The cluster.
        n_parts : int
            Into how many.
        """
        if n_parts < 2:
            raise ValueError(f"A cluster is split into 2 or more; got {n_parts}.")
        name = self.name(label)
        parameters = record_of(self.layer).get("parameters", {})
        chosen = {key: parameters[key] for key in _SPLIT_BY if key in parameters}
        layer = self.source()
        if layer is None:
            raise ValueError(f"To split “{name}” its image is needed, which is no longer here.")
        source = LayerImage.of(layer)
        labels = self._pixels()

        def work(progress: Callable[[float, str], None] | None = None) -> Segmentation:
            mask = labels == label
            shape = source.data.shape[: mask.ndim] if source.rgb else source.data.shape
            if tuple(shape) != mask.shape:
                raise ValueError("The image has another shape than the labels by now.")
            if not mask.any():
                raise ValueError(f"“{name}” has no pixels.")
            found = source.segment(n_clusters=n_parts, mask=mask, progress=progress, **chosen)
            if found.n_clusters < 2:
                raise ValueError(f"All pixels of “{name}” have one value: it cannot be split.")
            return found

        return work

    def split(self, label: int, parts: Segmentation) -> list[int]:
        """Split a cluster into what the work of `parts` found; gives the labels."""
        row = self._rows([label])
        name, labels = self.name(label), self._pixels()
        if ((parts.labels > 0) != (labels == label)).any():
            raise ValueError(f"“{name}” was changed while it was split. Split it again.")
        new = [label, *range(max(self.labels) + 1, max(self.labels) + parts.n_clusters)]
        rows = pd.concat([row] * parts.n_clusters)
        rows["label"], rows["pixels"] = new, parts.counts
        rows[means(rows)] = parts.centroids
        taken = set(self.table["name"]) - {name}
        own = name == f"Cluster {label}"
        rows["name"] = [
            f"Cluster {n}" if own else _free(f"{name} {i}", taken) for i, n in enumerate(new, 1)
        ]
        before = self.table
        table = pd.concat([before[before["label"] != label], rows])
        where = parts.labels > 0
        change = self._relabel(where, np.array([0, *new])[parts.labels[where]])
        edit = {"split": label, "into": parts.n_clusters}
        self.do(f"Split {name}", table, pixels=change, edit=edit)
        return new

    def delete(self, labels: Iterable[int]) -> None:
        """Make the pixels of clusters background, label 0."""
        group = sorted(set(labels))
        if not group:
            raise ValueError("Select the clusters to delete.")
        rows = self._rows(group)
        if len(group) == len(self.labels):
            raise ValueError("One cluster must stay. Delete the layer instead.")
        table = self.table[~self.table["label"].isin(group)]
        change = self._relabel(self._find(group)[0], np.asarray(0))
        self.do(f"Delete {_told(rows['name'])}", table, pixels=change, edit={"delete": group})

    def rename(self, label: int, name: str) -> None:
        """Give a cluster another name."""
        name, old = name.strip(), self.name(label)
        if not name:
            raise ValueError("A cluster needs a name.")
        if name == old:
            return
        table = self.table
        if name in table["name"].to_numpy():
            raise ValueError(f"There is a cluster named “{name}” already. Choose another name.")
        table.loc[table["label"] == label, "name"] = name
        self.do(f"Rename {old} to {name}", table)

    def recolor(self, colors: dict[int, Any], what: str | None = None) -> None:
        """Give clusters other colours on the canvas. The segmented image keeps the means."""
        rows = self._rows(colors)
        new = self.colors.with_colors(colors, self.labels)
        self.do(what or f"Colour {_told(rows['name'])}", colors=new)

    def extract(self, labels: Iterable[int], *, joined: bool = False) -> list[Layer]:
        """Add masks of clusters as Labels layers, one each or one of all."""
        group = sorted(set(labels))
        if not group:
            raise ValueError("Select the clusters to extract.")
        rows, pixels, layer = self._rows(group), self._pixels(), self.layer
        names = dict(zip(group, rows["name"], strict=True))
        masks = []
        for members in [group] if joined else [[label] for label in group]:
            mask = Labels(
                np.isin(pixels, members).view(np.uint8),
                name=f"{' + '.join(names[label] for label in members)} mask",
                **{key: getattr(layer, key) for key in _PLACE},
            )
            mask.metadata = {METADATA_KEY: {"mask of": layer.name, "labels": members}}
            masks.append(mask)
        self.do(f"Extract {_told(rows['name'])}", added=masks)
        return list(masks)

    # -- how ----------------------------------------------------------------------------

    def _find(self, group: list[int]) -> tuple[npt.NDArray[np.bool_], int]:
        """Find the pixels of clusters, and count them."""
        labels = self._pixels()
        where = labels == group[0]
        for label in group[1:]:
            where |= labels == label
        return where, int(np.count_nonzero(where))

    def _rows(self, labels: Iterable[int]) -> pd.DataFrame:
        table, wanted = self.table, list(labels)
        for label in wanted:
            if label not in self.labels:
                raise ValueError(f"There is no cluster {label}; there are {_told(self.labels)}.")
        return table[table["label"].isin(wanted)].sort_values("label")


def _told(names: Iterable[Any]) -> str:
    return ", ".join(str(name) for name in names)


def _free(name: str, taken: set[str]) -> str:
    """Give a name that is not taken, and take it."""
    while name in taken:
        name += "'"
    taken.add(name)
    return name

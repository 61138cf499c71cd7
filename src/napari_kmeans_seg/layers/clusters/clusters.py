"""Work on the clusters of a result: merge, split, name, colour, extract, delete, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from napari.layers import Labels

from napari_kmeans_seg.core.levels import PyramidSegmentation
from napari_kmeans_seg.core.model_parts.model_file import to_json as model_to_json
from napari_kmeans_seg.core.steps import levels_of

from ..base.arrays import is_lazy
from ..base.pyramid import label_level
from ..outputs import columns
from ..outputs.colors import distinct_colors
from ..outputs.edit_watch import METADATA_KEY, linked_layers, linked_to
from ..outputs.made_of import has_other_pixels, other_marks, write_other_marks
from ..outputs.record import Deleted, Merged, Split, default_name
from .edits import listed, members, relabelling, splitting
from .history import ClusterHistory, unwrapped
from .palette import mean_colors_of
from .points import OTHER_SHAPE
from .sources import check_pixels, looking, marked_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_kmeans_seg import Segmentation
    from napari_kmeans_seg.core.base.parallel import Progress

    from ..base.same import Changed

# Where a mask lies: where its clusters do.
_PLACE = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")

PALETTES = {"mean": "Mean colours", "distinct": "Distinct hues"}
"""What the palettes are called that are given to all clusters at once."""

_known: WeakKeyDictionary[Labels, Clusters] = WeakKeyDictionary()


def clusters_of(viewer: ViewerModel, layer: Layer | None, *others: Layer) -> Clusters | None:
    """Give the clusters that a layer shows, always the same object for the same layer.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer that shows the layer.
    layer : Layer or None
        The Labels layer of a result, or the image that was segmented: then its newest.
    *others : Layer
        Further images that were clustered together with it.

    Returns
    -------
    Clusters or None
        None where there is no result.
    """
    if layer is None:
        return None
    layer = unwrapped(layer)
    if others or not isinstance(layer, Labels):
        whole = "+".join(str(one.unique_id) for one in (layer, *others))
        # Of the whole, or of the plane or volume of it that was displayed.
        sources = (whole, f"{whole}:plane", f"{whole}:volume")
        results = [one for source in sources for one in linked_layers(viewer, source, "labels")]
        if not results:
            return None
        # The newest lies above the others.
        layer = unwrapped(max(results, key=viewer.layers.index))
    if linked_to(layer)[1] != "labels":
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

    def __init__(self, viewer: ViewerModel, layer: Labels) -> None:
        super().__init__(viewer, layer)
        # How many pixels a cluster had, on each level, when its parts were looked for.
        self._sizes: dict[int, list[int]] = {}
        self._known_changed: tuple[Changed, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """The clusters in the features table, one row each, with a column for the names."""
        return columns.named(columns.of_clusters(self.layer.features))

    @property
    def labels(self) -> list[int]:
        """The labels of the clusters."""
        return [int(label) for label in columns.of_clusters(self.layer.features)["label"]]

    def name(self, label: int) -> str:
        """Give the name of a cluster."""
        return str(self._rows([label])["name"].iloc[0])

    # -- what it is of ------------------------------------------------------------------

    @property
    def is_of_other_pixels(self) -> bool:
        """Whether an image has other pixels by now. `look_again` knows what was written into it."""
        return has_other_pixels(self.layer, self.sources())

    @property
    def changed_since(self) -> tuple[Changed, ...]:
        """What is another one by now than when the clusters were found, as far as is known."""
        return (*(("pixels",) if self.is_of_other_pixels else ()), *other_marks(self.layer))

    def made_from(self) -> list[Layer]:
        """Find the layers of images, region and seeds that the clusters are of."""
        return [*self.sources(), *marked_by(self._layers(), self.layer).values()]

    def looking(self) -> Callable[[Progress | None], tuple[Changed, ...]]:
        """Prepare to see what was changed in place: gives the work, for `take_look`."""
        return looking(self._layers(), self.layer)

    def take_look(self, others: tuple[Changed, ...]) -> None:
        """Note what the work of `looking` has found; `changed` is sent where that is news."""
        write_other_marks(self.layer, others)
        if (now := self.changed_since) != self._known_changed:
            self._known_changed = now
            self.changed.emit()

    def look_again(self) -> tuple[Changed, ...]:
        """See what was changed by now, in place too, and give `changed_since`."""
        self.take_look(self.looking()(None))
        return self.changed_since

    # -- work ---------------------------------------------------------------------------

    def merge(self, labels: Iterable[int]) -> int:
        """Join clusters; gives the label of the joined one, the smallest of theirs."""
        group = sorted(set(labels))
        if len(group) < 2:
            raise ValueError("Select at least two clusters to merge them.")
        with self.changing():
            rows, keep = self._counted(group), group[0]
            before = self.table
            table = pd.concat([before[~before["label"].isin(group)], columns.merged(rows)])
            change = [relabelling(level, group, keep) for level in self._levels()]
            self.do(
                f"Merge {listed(rows['name'])}", table, pixels=change, edit=Merged(tuple(group))
            )
        return keep

    def parts(self, label: int, n_parts: int) -> Callable[[Progress | None], Segmentation]:
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
        if self.record.is_preview:
            raise ValueError("This is a preview of what is in view. Press Run, then split.")
        chosen = self.record.arguments_of_parts
        source = self.source_image()
        if source is None:
            raise ValueError(f"“{name}” can be split only while its image is in the viewer.")
        levels, layer, layers = self._levels(), self.layer, self.sources()

        def work(progress: Progress | None = None) -> Segmentation:
            source.look(progress)
            check_pixels(layer, layers)
            images = [image for image, _ in source.levels]
            axis = source.channel_axis
            shapes = [
                tuple(
                    n for i, n in enumerate(image.shape) if axis is None or i != axis % image.ndim
                )
                for image in images
            ]
            if shapes != [level.shape for level in levels]:
                raise ValueError(OTHER_SHAPE)
            masks = [members(level, [label]) for level in levels]
            if not is_lazy(masks[0]) and not masks[0].any():
                raise ValueError(f"“{name}” has no pixels.")
            self._sizes[label] = [0 if is_lazy(mask) else int(mask.sum()) for mask in masks]
            found = source.segment(n_clusters=n_parts, mask=masks[0], progress=progress, **chosen)
            if found.n_clusters < 2:
                raise ValueError(f"All pixels of “{name}” have one value: it cannot be split.")
            smaller = zip(images[1:], masks[1:], strict=True)
            others = [label_level(found, image, mask, progress) for image, mask in smaller]
            return PyramidSegmentation.of([found, *others]) if others else found

        return work

    def split(self, label: int, parts: Segmentation) -> list[int]:
        """Split a cluster into what the work of `parts` found; gives the labels."""
        name = self.name(label)
        levels, pieces = self._levels(), [level.labels for level in levels_of(parts)]
        left_out = 0
        for level, piece, size in zip(levels, pieces, self._sizes[label], strict=True):
            if is_lazy(level):
                continue
            inside, found = level == label, piece > 0
            n = int(np.count_nonzero(inside))
            if n != size or (found & ~inside).any():
                raise ValueError(f"“{name}” was changed while it was split. Split it again.")
            # Painted over what takes no part, such as NaN: these pixels stay in the cluster.
            left_out += n - int(np.count_nonzero(found))
        with self.changing():
            row = self._counted([label])
            new = [label, *range(max(self.labels) + 1, max(self.labels) + parts.n_clusters)]
            counts = parts.counts
            # Those of a lazy image may be those of a sample.
            if is_lazy(levels[0]):
                share = int(row["pixels"].iloc[0]) / max(1, int(counts.sum()))
                counts = np.rint(counts * share).astype(np.int64)
            taken = set(self.table["name"]) - {name}
            unnamed = name == default_name(label)
            names = [
                default_name(n) if unnamed else _free(f"{name} {i}", taken)
                for i, n in enumerate(new, 1)
            ]
            rows = columns.split(row, columns.Parts(new, counts, parts.centroids, names))
            before = self.table
            table = pd.concat([before[before["label"] != label], rows])
            both = zip(levels, pieces, strict=True)
            change = [splitting(level, label, piece, new) for level, piece in both]
            edit = Split(label, tuple(new), model_to_json(parts.model))
            self.do(f"Split {name}", table, pixels=change, edit=edit, count=left_out > 0)
        return new

    def delete(self, labels: Iterable[int]) -> None:
        """Make the pixels of clusters background, label 0."""
        group = sorted(set(labels))
        if not group:
            raise ValueError("Select the clusters to delete.")
        with self.changing():
            rows = self._counted(group)
            if len(group) == len(self.labels):
                raise ValueError("One cluster must stay. Delete the layer instead.")
            table = self.table[~self.table["label"].isin(group)]
            change = [relabelling(level, group, 0) for level in self._levels()]
            what = f"Delete {listed(rows['name'])}"
            self.do(what, table, pixels=change, edit=Deleted(tuple(group)))

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

    def recolor(
        self, colors: dict[int, Any], what: str | None = None, opacity: float | None = None
    ) -> None:
        """Give clusters other colours on the canvas. The segmented image keeps the means."""
        rows = self._rows(colors)
        new = self.colors.with_colors(colors, self.labels)
        self.do(what or f"Colour {listed(rows['name'])}", colors=new, opacity=opacity)

    def recolor_all(
        self, palette: Literal["mean", "distinct"], opacity: float | None = None
    ) -> None:
        """Give all clusters the means of their pixels for colours, or distinct hues.

        Raises
        ------
        ValueError
            If means are no colours, or if the image is gone, which says how means are shown.
        """
        table = self.table
        if palette == "mean":
            colors = mean_colors_of(table, self.source())
        else:
            colors = distinct_colors(table["label"].tolist())
        if not colors:
            raise ValueError("Mean colours need the image, with one channel or red, green, blue.")
        new = self.colors.with_colors(colors, self.labels)
        self.do(PALETTES[palette], colors=new, palette=palette, opacity=opacity)

    def extract(self, labels: Iterable[int], *, joined: bool = False) -> list[Layer]:
        """Add masks of clusters as Labels layers, one each or one of all."""
        group = sorted(set(labels))
        if not group:
            raise ValueError("Select the clusters to extract.")
        rows, layer = self._rows(group), self.layer
        names = dict(zip(group, rows["name"], strict=True))
        masks = []
        for chosen in [group] if joined else [[label] for label in group]:
            levels = [members(level, chosen).view(np.uint8) for level in self._levels()]
            mask = Labels(
                levels if layer.multiscale else levels[0],
                name=f"{' + '.join(names[label] for label in chosen)} mask",
                multiscale=layer.multiscale,
                **{key: getattr(layer, key) for key in _PLACE},
            )
            mask.metadata = {METADATA_KEY: {"mask of": layer.name, "labels": chosen}}
            masks.append(mask)
        self.do(f"Extract {listed(rows['name'])}", added=masks)
        return list(masks)

    # -- how ----------------------------------------------------------------------------

    def _counted(self, labels: Iterable[int]) -> pd.DataFrame:
        """Give the rows of clusters, counted anew: somebody may have painted on them."""
        wanted = list(labels)
        self._rows(wanted)
        self.take_counts(self.recount()(None))
        return self._rows(wanted)

    def _rows(self, labels: Iterable[int]) -> pd.DataFrame:
        table, wanted = self.table, list(labels)
        for label in wanted:
            if label not in self.labels:
                raise ValueError(f"There is no cluster {label}; there are {listed(self.labels)}.")
        return table[table["label"].isin(wanted)].sort_values("label")


def _free(name: str, taken: set[str]) -> str:
    """Give a name that is not taken, and take it."""
    while name in taken:
        name += "'"
    taken.add(name)
    return name

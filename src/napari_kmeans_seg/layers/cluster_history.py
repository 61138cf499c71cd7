"""How work on the clusters of a result is done, taken back and done again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import ref

from .arrays import as_array, is_lazy
from .cluster_colors import ClusterColors
from .cluster_painting import painted_means
from .cluster_steps import Step, table_after
from .colors import Display
from .columns import completed, counted, means, of_clusters
from .counting import recounted
from .link import METADATA_KEY, linked_layers, linked_to, write_data
from .record import ClusterRecord, PaintedByHand, Record
from .source import LayerImage

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer
    from napari.utils.colormaps import LabelColormapBase

    from .cluster_steps import Change
    from .record import Edit, Palette

    Progress = Callable[[float, str], None]


class ClusterHistory:
    """The layers of one result, and the steps that were taken on them.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer that shows the layers.
    layer : Labels
        The Labels layer of the result.
    """

    def __init__(self, viewer: ViewerModel, layer: Labels) -> None:
        # Weakly, for this is known for as long as the layer lives.
        self._viewer_ref, self._layer_ref = ref(bare(viewer)), ref(layer)
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self.colors = ClusterColors(layer)

    @property
    def layer(self) -> Labels:
        """The Labels layer."""
        layer = self._layer_ref()
        if layer is None:
            raise LookupError("The layer of these clusters is no more.")
        return layer

    @property
    def record(self) -> Record:
        """How the clusters came to be, and what was done to them."""
        return Record.of_result(self.layer)

    @property
    def undoable(self) -> str | None:
        """What `undo` would take back, in words."""
        self._forget_if_rerun()
        return self._done[-1].what if self._done else None

    @property
    def redoable(self) -> str | None:
        """What `redo` would do again, in words."""
        self._forget_if_rerun()
        return self._undone[-1].what if self._undone else None

    def undo(self) -> str:
        """Take back the last piece of work; tells which."""
        if self.undoable is None:
            raise ValueError("There is nothing to undo.")
        self._apply(self._done[-1], back=True)
        self._undone.append(self._done.pop())
        return self._undone[-1].what

    def redo(self) -> str:
        """Do again what was taken back last; tells what."""
        if self.redoable is None:
            raise ValueError("There is nothing to redo.")
        self._apply(self._undone[-1], back=False)
        self._done.append(self._undone.pop())
        return self._done[-1].what

    def sources(self) -> list[Image]:
        """Find the image that was segmented, or all that were; none where one is gone."""
        # Of several the ids are joined, and of a part there is a note behind them.
        ids = linked_to(self.layer)[0].partition(":")[0].split("+")
        layers = {str(layer.unique_id): layer for layer in self._layers()}
        found = [layers[one] for one in ids if one in layers]
        return found if len(found) == len(ids) else []

    def source(self) -> Image | None:
        """Find the image that was segmented; of several, the first."""
        return next(iter(self.sources()), None)

    def source_image(self) -> LayerImage | None:
        """Read what was segmented: the image, or several as channels, or a part of it."""
        sources = self.sources()
        if not sources:
            return None
        plane = self.record.source.plane
        whole = LayerImage.of(*sources)
        return whole if plane is None else replace(whole, plane=plane)

    # -- counting -----------------------------------------------------------------------

    def recount(self) -> Callable[[Progress | None], pd.DataFrame | None]:
        """Prepare to count the pixels anew, for somebody may have painted on them.

        Gives the work, for any thread, whose result `take_counts` takes.
        """
        labels, rows, source = self._levels()[0], of_clusters(self.layer.features), None
        # Where layers do not match any more the means stay as they were.
        with suppress(ValueError):
            source = self.source_image()
        written = {one.label: one for one in self.record.clusters}

        def work(progress: Progress | None = None) -> pd.DataFrame | None:
            if is_lazy(labels):
                return None  # nobody paints on these
            return recounted(rows, labels, source, written, progress)

        return work

    def take_counts(self, counts: pd.DataFrame | None) -> None:
        """Write what `recount` found into the features table."""
        if counts is not None:
            old = self.layer.features
            self.layer.features = self._completed(counted(counts, old), old)[old.columns]

    # -- steps --------------------------------------------------------------------------

    def do(
        self,
        what: str,
        table: pd.DataFrame | None = None,
        *,
        pixels: Change | Sequence[Change] = (),
        edit: Edit | None = None,
        colors: LabelColormapBase | None = None,
        palette: Palette = "own",
        opacity: float | None = None,
        added: Sequence[Layer] = (),
    ) -> None:
        """Make a step of what is wanted, and take it.

        Parameters
        ----------
        what : str
            The step in words.
        table : DataFrame, optional
            The clusters from now on, one row each, where they change.
        pixels : Change or sequence of Change
            The labels that change, of each level of a pyramid.
        edit : Edit, optional
            What is done to the clusters, for their record.
        colors : LabelColormapBase, optional
            The colours from now on, where they change.
        palette : str
            Which these are.
        opacity : float, optional
            How opaque the labels are from now on, where that changes.
        added : sequence of Layer
            Layers to add.
        """
        self._forget_if_rerun()
        layer = self.layer
        old = layer.features.copy()
        # Colours that were set in napari are known from here on.
        before = replace(self.record, palette=self.colors.palette)
        after = before
        if colors is not None:
            after = replace(after, palette=palette, display=self._display(palette))
        if table is None:
            table = old
        else:
            table = self._completed(table, old)[table.columns]
            rows = of_clusters(table)
            if edit is not None:
                display = before.display if before.palette == "mean" else None
                colors = self.colors.following(of_clusters(old), rows, display)
            after = replace(after, clusters=_cluster_records(rows))
        if edit is not None:
            painted = (PaintedByHand(),) if painted_by_hand(layer) else ()
            after = replace(after, edits=(*before.edits, *painted, edit))
        worn = self.colors.worn
        colormaps = (worn, worn if colors is None else colors)
        changes = tuple(pixels) if isinstance(pixels, Sequence) else (pixels,)
        opacities = (layer.opacity, layer.opacity if opacity is None else opacity)
        step = Step(
            what, (old, table), (before, after), colormaps, opacities, changes, tuple(added)
        )
        self._apply(step, back=False, count=False)
        self._done.append(step)
        self._undone.clear()

    def _apply(self, step: Step, *, back: bool, count: bool = True) -> None:
        """Take a step, or take it back; count if somebody may have painted since."""
        layer = self.layer
        was, will = (1, 0) if back else (0, 1)
        # The step's table counts what there was when it was taken.
        count = count and (bool(step.pixels) or painted_by_hand(layer))
        # Found by what they tell, so before that changes.
        images = self._images()
        table = table_after(step.tables[was], step.tables[will], layer.features)
        masks: list[Any] = []
        if step.pixels:
            both = zip(step.pixels, self._levels(), strict=True)
            found = [change.apply(level, back=back) for change, level in both]
            masks = [where for _, where in found]
            levels = [level for level, _ in found]
            write_data(layer, levels if layer.multiscale else levels[0])
        layer.features = table
        step.records[will].write(layer)
        if count:
            self.take_counts(self.recount()(None))
        # Colours that were chosen in napari since are kept.
        if step.colors[0] is not step.colors[1] and self.colors.worn is step.colors[was]:
            self.colors.wear(step.colors[will])
        if layer.opacity == step.opacities[was]:
            layer.opacity = step.opacities[will]
        for image, columns in images:
            if masks:
                painted = self._painted(step, image, columns, masks, back=back)
                image.data = painted if image.multiscale else painted[0]
            step.records[will].write(image)
        layers = self._layers()
        selected, active = set(layers.selection), layers.selection.active
        for mask in step.added:
            if back and mask in layers:
                layers.remove(mask)
            elif not back and mask not in layers:
                layers.append(mask)
        # The person goes on with the clusters, so they stay active.
        if step.added and selected <= set(layers):
            layers.selection = selected
            if active is not None:
                layers.selection.active = active

    def _display(self, palette: Palette) -> Display | None:
        """Say how mean colours are made now, as the image is shown."""
        source = self.source()
        return Display.of(source) if palette == "mean" and source is not None else None

    def _forget_if_rerun(self) -> None:
        """Forget the steps once a run has written other clusters to the layer."""
        now = self.record
        if (self._done and self._done[-1].records[1] != now) or (
            self._undone and self._undone[-1].records[0] != now
        ):
            self._done.clear()
            self._undone.clear()

    def _completed(self, rows: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
        """Make the features table of clusters; what others wrote into the old one stays."""
        return completed(rows, self.layer, self.record.source.step_axis, old)

    def _levels(self) -> list[Any]:
        """Give the labels: of a pyramid each level, else one array, of NumPy or Dask."""
        layer = self.layer
        return [as_array(level) for level in (layer.data if layer.multiscale else [layer.data])]

    def _layers(self) -> Any:
        viewer = self._viewer_ref()
        if viewer is None:
            raise LookupError("The viewer of these clusters is no more.")
        return viewer.layers

    def _images(self) -> list[tuple[Image, list[str]]]:
        """Find the segmented images that show these very clusters, and their channels' means.

        Not those of another run. Where several layers were clustered together each has one.
        """
        own, columns = self.record, means(self.layer.features)
        source_id, _ = linked_to(self.layer)
        shapes = [level.shape for level in self._levels()]
        viewer, found = self._viewer_ref(), []
        n_images = max(1, len(own.source.channels))
        for i in range(n_images) if viewer else ():
            kind = f"image {i + 1}" if i else "image"
            for image in reversed(linked_layers(viewer, source_id, kind)):
                levels = image.data if image.multiscale else [image.data]
                there = [level.shape[:-1] if image.rgb else level.shape for level in levels]
                if own.same_result(Record.of(image)) and there == shapes:
                    found.append((image, columns[i : i + 1] if n_images > 1 else columns))
                    break
        return found

    def _painted(
        self, step: Step, image: Image, columns: list[str], masks: Sequence[Any], *, back: bool
    ) -> list[Any]:
        """Paint what changed in a segmented image, or take it back."""
        # There each step of the axis has colours of its own, which no table tells; so has each
        # smaller level of a pyramid.
        by_step = self.record.source.step_axis is not None
        table, painted = self.layer.features, []
        levels = image.data if image.multiscale else [image.data]
        for i, (level, labels, where) in enumerate(zip(levels, self._levels(), masks, strict=True)):
            key, lazy = (str(image.unique_id), i), is_lazy(level)
            kept = step.painted.get(key)
            if back and kept is not None and lazy and level.name == kept[1].name:
                painted.append(kept[0])
                continue
            if back and kept is not None and not lazy:
                new = level.copy()
                new[where] = kept
                painted.append(new)
                continue
            new = painted_means(level, labels, where, table, columns)
            if not back and lazy:
                step.painted[key] = level, new
            elif not back and (by_step or i > 0):
                step.painted[key] = level[where]
            painted.append(new)
        return painted


def bare(wrapped: Any) -> Any:
    """Take off the wrapping in which napari hands layers and viewers to plugins."""
    return getattr(wrapped, "__wrapped__", wrapped)


def record_of(layer: Layer) -> dict[str, Any]:
    """Read what the metadata hold of a result, as it stands there; nothing where there is none."""
    record = layer.metadata.get(METADATA_KEY)
    return record if isinstance(record, dict) else {}


def painted_by_hand(layer: Layer) -> bool:
    """Whether the table counts other pixels than a run or a step has last written."""
    features, record = getattr(layer, "features", None), Record.of(layer)
    if features is None or record is None:
        return False
    rows = of_clusters(features)
    written = {one.label: one.pixels for one in record.clusters if one.pixels > 0}
    return written != {
        label: n for label, n in zip(rows["label"], rows["pixels"], strict=True) if n
    }


def _cluster_records(rows: pd.DataFrame) -> tuple[ClusterRecord, ...]:
    each = zip(
        rows["label"], rows["name"], rows["pixels"], rows[means(rows)].to_numpy(float), strict=True
    )
    return tuple(ClusterRecord.of(*one) for one in each)

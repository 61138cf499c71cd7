"""How work on the clusters of a result is done, taken back and done again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from psygnal import Signal

from ..base.arrays import as_array, is_lazy
from ..outputs.appearance import Backdrop
from ..outputs.colors import Display
from ..outputs.columns import (
    completed,
    counted,
    of_clusters,
    painted_by_hand,
    records_of,
    renamed,
)
from ..outputs.edit_watch import write_data
from ..outputs.made_of import has_other_pixels
from ..outputs.record import PaintedByHand, Record
from .depth import Depth
from .edits import State, Step, table_after
from .painting import images_of, repainted
from .palette import ClusterColors
from .recount import recounted
from .sources import source_image_of, sources_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer
    from napari.utils.colormaps import LabelColormapBase

    from napari_kmeans_seg.core.base.parallel import Progress

    from ..outputs.record import Edit, Palette
    from ..source.layer_image import LayerImage
    from .edits import Change
    from .painting import Place, Shown


class ClusterHistory:
    """The layers of one result, and the steps that were taken on them.

    Attributes
    ----------
    changed : Signal
        Sent once after each piece of work: pixels, table, record and colours are as they are to
        be then.
    least_bytes : int
        Memory that steps may take in any case, before the oldest are forgotten.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer that shows the layers.
    layer : Labels
        The Labels layer of the result.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, layer: Labels) -> None:
        # Weakly, for this is known for as long as the layer lives.
        self._viewer_ref, self._layer_ref = ref(unwrapped(viewer)), ref(layer)
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._n_changing = 0
        self.least_bytes = 1 << 25
        # Weakly, too.
        self.colors = ClusterColors(layer, partial(_backdrop, ref(self)))
        self.depth = Depth(self.colors)

    @property
    def layer(self) -> Labels:
        """The Labels layer."""
        layer = self._layer_ref()
        if layer is None:
            raise LookupError("The layer of these clusters is gone.")
        return layer

    @property
    def record(self) -> Record:
        """How the clusters came to be, and what was done to them."""
        return Record.of_result(self.layer)

    @property
    def is_deep(self) -> bool:
        """Whether the clusters are seen in 3D."""
        viewer = self._viewer_ref()
        return viewer is not None and viewer.dims.ndisplay == 3

    def follow_view(self) -> None:
        """Show the clusters as suits what is displayed by now, two axes or three."""
        self.depth.follow(self.layer.features, deep=self.is_deep)
        self.colors.follow_backdrop()

    def view_anew(self) -> None:
        """Forget which clusters stand out and which are hidden: they are others by now."""
        self.colors.show(highlighted=(), hidden=())
        self.depth.forget()
        self.follow_view()

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
        """Take back the last piece of work, and say which."""
        if self.undoable is None:
            raise ValueError("There is nothing to undo.")
        self._take(self._done[-1].inverse())
        self._undone.append(self._done.pop())
        return self._undone[-1].what

    def redo(self) -> str:
        """Do again what was taken back last, and say what."""
        if self.redoable is None:
            raise ValueError("There is nothing to redo.")
        self._done.append(self._take(self._undone[-1]))
        return self._undone.pop().what

    def sources(self) -> list[Image]:
        """Find the image that was segmented, or all that were; none where one is gone."""
        return sources_of(self._layers(), self.layer)

    def source(self) -> Image | None:
        """Find the image that was segmented; of several, the first."""
        return next(iter(self.sources()), None)

    def source_image(self) -> LayerImage | None:
        """Read what was segmented; an error where it shows other pixels by now."""
        return source_image_of(self.layer, self.sources())

    # -- counting -----------------------------------------------------------------------

    def recount(self) -> Callable[[Progress | None], pd.DataFrame | None]:
        """Prepare to count the pixels anew, for somebody may have painted on them.

        Gives the work, for any thread, whose result `take_counts` takes.
        """
        return self._recount(self.layer.features)

    def _recount(self, table: pd.DataFrame) -> Callable[[Progress | None], pd.DataFrame | None]:
        """Prepare to count the pixels anew of the clusters in a table."""
        labels, rows, source = self._levels()[0], of_clusters(table), None
        layer, sources = self.layer, self.sources()
        # Where layers do not match any more, or show other pixels, the means stay as they were.
        with suppress(ValueError):
            source = self.source_image()
        written = {one.label: one for one in self.record.clusters}

        def work(progress: Progress | None = None) -> pd.DataFrame | None:
            if is_lazy(labels):
                return None  # nobody paints on these
            if source is not None:
                source.look(progress)
            known = None if has_other_pixels(layer, sources) else source
            return recounted(rows, labels, known, written, progress)

        return work

    def take_counts(self, counts: pd.DataFrame | None) -> None:
        """Write what `recount` found into the features table."""
        if counts is not None:
            with self.changing():
                self.layer.features = self._counted_table(counts, self.layer.features)

    def _counted_table(self, counts: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
        return self._completed(counted(counts, old), old)[old.columns]

    # -- steps --------------------------------------------------------------------------

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold `changed` until all of a piece of work is done; it is sent once then.

        Meanwhile `is_changing` is true: layers do not agree with each other yet.
        """
        self._n_changing += 1
        try:
            yield
        finally:
            self._n_changing -= 1
            if not self._n_changing:
                self.changed.emit()

    @property
    def is_changing(self) -> bool:
        """Whether a piece of work is being done: what layers say of themselves is not whole yet."""
        return self._n_changing > 0

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
        count: bool = False,
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
        count : bool
            Whether the pixels are counted afterwards, for `table` does not know all.
        """
        self._forget_if_rerun()
        layer = self.layer
        old, colormap = layer.features.copy(), self.colors.colormap
        # Colours that were set in napari are known from here on.
        before = after = replace(self.record, palette=self.colors.palette)
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
            written = records_of(rows) if edit is not None else renamed(before.clusters, rows)
            after = replace(after, clusters=written)
        if edit is not None:
            painted = (PaintedByHand(),) if painted_by_hand(layer) else ()
            after = replace(after, edits=(*before.edits, *painted, edit))
        step = Step(
            what,
            State(old, before, colormap, layer.opacity),
            State(
                table,
                after,
                colormap if colors is None else colors,
                layer.opacity if opacity is None else opacity,
                tuple(added),
            ),
            tuple(pixels) if isinstance(pixels, Sequence) else (pixels,),
        )
        self._done.append(self._take(step, count=count))
        self._undone.clear()
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        """Keep no more steps than take the memory of the layers that they are about."""
        images = [image for image, _ in images_of(self._viewer_ref(), self.layer)]
        levels = [
            array
            for layer in (self.layer, *images)
            for array in (layer.data if layer.multiscale else [layer.data])
        ]
        room = max(self.least_bytes, sum(one.nbytes for one in levels if not is_lazy(one)))
        sizes = [step.nbytes for step in self._done]
        while len(sizes) > 1 and sum(sizes) > room:
            del self._done[0], sizes[0]

    def _take(self, step: Step, *, count: bool | None = None) -> Step:
        """Take a step, and give it back as it was taken: with what images showed before.

        Parameters
        ----------
        step : Step
            The step, or the inverse of one that was taken.
        count : bool, optional
            Whether to count the pixels anew. Without it, where somebody may have painted since.
        """
        layer, old, new = self.layer, step.before, step.after
        # The step's table counts what there was when it was taken.
        if count is None:
            count = bool(step.pixels) or painted_by_hand(layer)
        # Found by their records, so before these change.
        images = images_of(self._viewer_ref(), layer)
        table = table_after(old.table, new.table, layer.features)
        both = zip(step.pixels, self._levels(), strict=True) if step.pixels else ()
        changed = [change.apply(level) for change, level in both]
        masks = [where for _, where in changed]
        shown: dict[Place, Shown] = {}
        with self.changing():
            if changed:
                levels = [level for level, _ in changed]
                write_data(layer, levels if layer.multiscale else levels[0])
            new.record.write(layer)
            counts = self._recount(table)(None) if count else None
            layer.features = table if counts is None else self._counted_table(counts, table)
            # Colours that were chosen in napari since are kept.
            if old.colormap is not new.colormap and self.colors.colormap is old.colormap:
                self.colors.set_colormap(new.colormap)
            if layer.opacity == old.opacity:
                layer.opacity = new.opacity
            for image, columns in images:
                if masks:
                    painted, before = repainted(image, columns, layer, masks, new.images)
                    image.data = painted if image.multiscale else painted[0]
                    shown |= before
                new.record.write(image)
            self._show_masks(old.masks, new.masks)
        return replace(step, before=replace(old, images=shown))

    def _show_masks(self, old: Sequence[Layer], new: Sequence[Layer]) -> None:
        """Remove and add the layers of masks."""
        if not (old or new):
            return
        layers = self._layers()
        selected, active = set(layers.selection), layers.selection.active
        for mask in old:
            if mask in layers:
                layers.remove(mask)
        for mask in new:
            if mask not in layers:
                layers.append(mask)
        # The person goes on with the clusters, so they stay active.
        if selected <= set(layers):
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
        if (self._done and self._done[-1].after.record != now) or (
            self._undone and self._undone[-1].before.record != now
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
            raise LookupError("The viewer of these clusters is gone.")
        return viewer.layers


def _backdrop(clusters_ref: Callable[[], ClusterHistory | None]) -> Backdrop:
    """See what is behind clusters in their viewer, where there still is one."""
    clusters = clusters_ref()
    viewer = None if clusters is None else clusters._viewer_ref()
    if clusters is None or viewer is None:
        return Backdrop()
    return Backdrop.of(clusters.layer.features, clusters.sources(), deep=clusters.is_deep)


def unwrapped(wrapped: Any) -> Any:
    """Take off the wrapping in which napari hands layers and viewers to plugins."""
    return getattr(wrapped, "__wrapped__", wrapped)

"""How work on the clusters of a result is done, taken back and done again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
import pandas as pd

from .cluster_colors import ClusterColors, painted_means
from .cluster_steps import PixelChange, Step, table_after
from .label_rows import means, of_clusters
from .link import METADATA_KEY, linked_layers
from .outputs import cluster_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer
    from napari.utils.colormaps import LabelColormapBase


BACKGROUND = "background"


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

    def source(self) -> Image | None:
        """Find the image that was segmented."""
        wanted = record_of(self.layer)["link"]["source_id"]
        return next((one for one in self._layers() if str(one.unique_id) == wanted), None)

    def do(
        self,
        what: str,
        table: pd.DataFrame | None = None,
        *,
        pixels: PixelChange | None = None,
        edit: dict[str, Any] | None = None,
        colors: LabelColormapBase | None = None,
        added: Sequence[Layer] = (),
    ) -> None:
        """Make a step of what is wanted, and take it.

        Parameters
        ----------
        what : str
            The step in words.
        table : DataFrame, optional
            The clusters from now on, where they change.
        pixels : PixelChange, optional
            The labels that change.
        edit : dict, optional
            What is done to the clusters, for the metadata.
        colors : LabelColormapBase, optional
            The colours from now on, where they change.
        added : sequence of Layer
            Layers to add.
        """
        self._forget_if_rerun()
        layer = self.layer
        old = layer.features.copy()
        before = self._plain_record(layer)
        after = dict(before)
        if table is None:
            table = old
        else:
            table = self._completed(table, old)
            rows = of_clusters(table)
            colors = self.colors.following(of_clusters(old), rows) if edit is not None else None
            after |= {
                "n_clusters": len(rows),
                "labels": rows["label"].tolist(),
                "names": rows["name"].tolist(),
                "centroids": rows[means(rows)].to_numpy(float).tolist(),
                "counts": rows["pixels"].tolist(),
            }
        if edit is not None:
            after["edits"] = [*before.get("edits", []), edit]
        worn = self.colors.worn
        colormaps = (worn, worn if colors is None else colors)
        step = Step(what, (old, table), (before, after), colormaps, pixels, tuple(added))
        self._apply(step, back=False)
        self._done.append(step)
        self._undone.clear()

    def _apply(self, step: Step, *, back: bool) -> None:
        """Take a step, or take it back."""
        layer = self.layer
        was, will = (1, 0) if back else (0, 1)
        # Found by what they tell, so before that changes.
        image = self._image()
        table = table_after(step.tables[was], step.tables[will], layer.features)
        where = None
        if step.pixels is not None:
            changed, where = step.pixels.apply(self._pixels(), back=back)
            layer.data = changed
        layer.features = table
        self._write(layer, step.records[will])
        # Colours that were chosen in napari since are kept.
        if step.colors[0] is not step.colors[1] and self.colors.worn is step.colors[was]:
            self.colors.wear(step.colors[will])
        if image is not None:
            if where is not None:
                image.data = painted_means(image.data, layer.data, where, table)
            self._write(image, step.records[will])
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

    @staticmethod
    def _write(layer: Layer, record: dict[str, Any]) -> None:
        # The link stays as the run wrote it: so a later run sees that more was done since.
        link = record_of(layer)["link"]
        layer.metadata = {**layer.metadata, METADATA_KEY: {**record, "link": link}}

    @staticmethod
    def _plain_record(layer: Layer) -> dict[str, Any]:
        return {key: value for key, value in record_of(layer).items() if key != "link"}

    def _forget_if_rerun(self) -> None:
        """Forget the steps once a run has written other clusters to the layer."""
        now = self._plain_record(self.layer)
        if (self._done and self._done[-1].records[1] != now) or (
            self._undone and self._undone[-1].records[0] != now
        ):
            self._done.clear()
            self._undone.clear()

    def _completed(self, rows: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
        """Make the features table of clusters; what others wrote into the old one stays."""
        percent = 100 * rows["pixels"] / max(1, rows["pixels"].sum())
        plain = rows[["label", "pixels", *means(rows)]].assign(percent=percent)
        table = cluster_table(plain, self.layer)
        gone = old[~old["label"].isin(rows["label"])]
        told = pd.concat([rows, gone]).set_index("label").reindex(table["label"])
        for column in rows.columns.difference(table.columns):
            table[column] = told[column].to_numpy()
        table["name"] = table["label"].map(rows.set_index("label")["name"]).fillna("")
        table.loc[0, "name"] = BACKGROUND
        return table[rows.columns]

    def _relabel(self, where: npt.NDArray[np.bool_], after: npt.NDArray[Any]) -> PixelChange:
        labels = self._pixels()
        dtype = labels.dtype
        if int(after.max(initial=0)) > np.iinfo(dtype).max:
            dtype = np.min_scalar_type(int(after.max()))
        return PixelChange.of(where, labels, after.astype(dtype), dtype)

    def _pixels(self) -> npt.NDArray[Any]:
        data = self.layer.data
        if not isinstance(data, np.ndarray):
            raise ValueError(
                "These labels are not in memory, so their pixels cannot be changed here. "
                "Save the layer and open it again."
            )
        return data

    def _layers(self) -> Any:
        viewer = self._viewer_ref()
        if viewer is None:
            raise LookupError("The viewer of these clusters is no more.")
        return viewer.layers

    def _image(self) -> Image | None:
        """Find the segmented image that shows these very clusters, not those of another run."""
        own, shape = self._plain_record(self.layer), self.layer.data.shape
        source_id = record_of(self.layer)["link"]["source_id"]
        viewer = self._viewer_ref()
        for image in reversed(linked_layers(viewer, source_id, "image") if viewer else []):
            pixels = image.data
            if (
                self._plain_record(image) == own
                and isinstance(pixels, np.ndarray)
                and (pixels.shape[:-1] if image.rgb else pixels.shape) == shape
            ):
                return image
        return None


def bare(wrapped: Any) -> Any:
    """Take off the wrapping in which napari hands layers and viewers to plugins."""
    return getattr(wrapped, "__wrapped__", wrapped)


def record_of(layer: Layer) -> dict[str, Any]:
    """Read what the metadata tell of a result; nothing where there is none."""
    record = layer.metadata.get(METADATA_KEY)
    return record if isinstance(record, dict) else {}

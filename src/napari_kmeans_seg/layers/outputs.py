"""The one place where a segmentation becomes layers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import mul
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from .colors import color_fingerprint, mean_colors, warm_up
from .link import (
    METADATA_KEY,
    EditWatch,
    Kind,
    fingerprint,
    linked_layers,
    write_link,
    written_colors,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Layer
    from napari.utils.colormaps import DirectLabelColormap

    from napari_kmeans_seg import Segmentation

    from .source import LayerImage

# Where a layer lies in the world; an output lies where its source does.
_SPATIAL = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
# How grey values are shown; a new grey output is shown as its source is.
_SHOWN = ("colormap", "contrast_limits", "gamma", "interpolation2d", "interpolation3d")

_TITLES: dict[Kind, str] = {"image": "k-means", "labels": "clusters"}


@dataclass(frozen=True, eq=False)
class Outputs:
    """A segmentation, painted and ready to be shown as layers.

    The rule for a second run on the same layer: an output of an earlier run is written to
    again, in place, and keeps what the person set on it (opacity, visibility, colours,
    place in the list); only its pixels, table, metadata and place in the world follow. An
    output that the person painted on, renamed, or whose features table they changed is
    left alone, and a fresh layer is added. So is one that cannot hold the new result,
    because the source has another dtype or number of axes by now.

    Attributes
    ----------
    source : LayerImage
        What was segmented.
    segmentation : Segmentation
        The result.
    arrays : dict
        The array to show for each kind of output ("image", "labels") that is wanted.
    fingerprints : dict
        The fingerprint of each of these arrays.
    table : DataFrame
        One row per cluster, still without sizes, which depend on where the layer lies.
    colormap : DirectLabelColormap or None
        The mean colour of each cluster, where there are labels of a colour image.
    """

    source: LayerImage
    segmentation: Segmentation
    arrays: dict[Kind, npt.NDArray[Any]]
    fingerprints: dict[Kind, str]
    table: pd.DataFrame
    colormap: DirectLabelColormap | None

    @classmethod
    def paint(
        cls,
        source: LayerImage,
        segmentation: Segmentation,
        kinds: Iterable[Kind] = ("image", "labels"),
        progress: Callable[[float, str], None] | None = None,
    ) -> Outputs:
        """Make the arrays to show. This is work, for a thread of its own."""
        arrays: dict[Kind, npt.NDArray[Any]] = {}
        for kind in kinds:
            painted = segmentation.image if kind == "image" else segmentation.labels
            # A person will paint on the labels, and the segmentation is not theirs to change.
            arrays[kind] = painted if painted.flags.writeable else painted.copy()
        prints = {kind: fingerprint(array, progress) for kind, array in arrays.items()}
        table = segmentation.to_dataframe(channel_names=source.channel_names)
        colormap = None
        if source.rgb and "labels" in arrays:
            colormap = mean_colors(segmentation, source.data.dtype)
            warm_up(colormap, arrays["labels"].dtype, progress)
        return cls(source, segmentation, arrays, prints, table, colormap)

    def show(self, viewer: ViewerModel, watches: Iterable[EditWatch] = ()) -> dict[Kind, Layer]:
        """Add the outputs to the viewer, or write to those of the run before.

        New layers go right above the source. The selection stays as it is, so that the
        same image can be segmented again.

        Parameters
        ----------
        viewer : ViewerModel
            The viewer that shows the source.
        watches : iterable of EditWatch
            Earlier outputs that were compared already, away from the interface's thread.
            The others are compared here.

        Returns
        -------
        dict
            The layer of each kind.

        Raises
        ------
        LookupError
            If the source has left the viewer. Nothing is changed then.
        """
        source_layer = self.source.layer_in(viewer)
        if source_layer is None:
            raise LookupError(f"The layer “{self.source.name}” is no longer in the viewer.")
        state = source_layer.as_layer_data_tuple()[1]
        spatial = {key: state[key] for key in _SPATIAL}
        known = {watch.layer_id: watch for watch in watches}
        selected, active = set(viewer.layers.selection), viewer.layers.selection.active

        shown: dict[Kind, Layer] = {}
        above = [layer.unique_id for layer in viewer.layers].index(source_layer.unique_id) + 1
        for kind in self.arrays:
            layer = self._earlier(viewer, kind, known)
            if layer is not None:
                self._update(layer, kind, spatial)
            else:
                layer = self._new(kind, spatial, state)
                viewer.layers.insert(above, layer)
            self._describe(layer, kind)
            shown[kind] = layer
            above = [other.unique_id for other in viewer.layers].index(layer.unique_id) + 1

        viewer.layers.selection = selected
        if active is not None:
            viewer.layers.selection.active = active
        return shown

    def _earlier(
        self, viewer: ViewerModel, kind: Kind, known: dict[str, EditWatch]
    ) -> Layer | None:
        """Find the output of an earlier run that may be written to."""
        for layer in reversed(linked_layers(viewer, self.source.layer_id, kind)):
            if not self._fits(layer, kind):
                continue
            watch = known.get(str(layer.unique_id))
            if watch is not None:
                if watch.untouched():
                    return layer
                continue
            watch = EditWatch(layer)
            try:
                if watch.untouched():
                    return layer
            finally:
                watch.close()
        return None

    def _fits(self, layer: Layer, kind: Kind) -> bool:
        array = self.arrays[kind]
        if kind == "labels":
            return bool(layer.ndim == array.ndim)
        return bool(
            layer.rgb == self.source.rgb
            and layer.data.dtype == array.dtype
            and layer.ndim == array.ndim - self.source.rgb
        )

    def _new(self, kind: Kind, spatial: dict[str, Any], state: dict[str, Any]) -> Layer:
        name = f"{self.source.name} {_TITLES[kind]}"
        if kind == "labels":
            return Labels(self.arrays[kind], name=name, **spatial)
        shown = {} if self.source.rgb else {key: state[key] for key in _SHOWN}
        return Image(
            self.arrays[kind],
            name=name,
            rgb=self.source.rgb,
            multiscale=False,
            blending=state["blending"],
            **shown,
            **spatial,
        )

    def _update(self, layer: Layer, kind: Kind, spatial: dict[str, Any]) -> None:
        layer.data = self.arrays[kind]
        for key, value in spatial.items():
            # Each of these redraws the layer, so leave alone what is right already.
            if not np.array_equal(np.asarray(getattr(layer, key)), np.asarray(value)):
                setattr(layer, key, value)

    def _describe(self, layer: Layer, kind: Kind) -> None:
        """Write down what the layer holds: colours, table, metadata, link to the source."""
        colors = written_colors(layer)
        if kind == "labels":
            if self.colormap is not None and colors in (None, color_fingerprint(layer)):
                layer.colormap = self.colormap
                colors = color_fingerprint(layer)
            layer.features = cluster_table(self.table, layer)
        layer.metadata = {**layer.metadata, METADATA_KEY: record(self.segmentation, self.source)}
        write_link(layer, self.source.layer_id, kind, self.fingerprints[kind], colors)


def record(segmentation: Segmentation, source: LayerImage) -> dict[str, Any]:
    """Say how a layer came to be, in plain values that JSON can hold."""
    return {
        "version": segmentation.parameters["version"],
        "source": source.name,
        "parameters": dict(segmentation.parameters),
        "n_clusters": int(segmentation.n_clusters),
        "centroids": segmentation.centroids.tolist(),
        "counts": segmentation.counts.tolist(),
        "inertia": float(segmentation.inertia),
        "n_iter": int(segmentation.n_iter),
        "converged": bool(segmentation.converged),
        "warnings": list(segmentation.warnings),
    }


def cluster_table(clusters: pd.DataFrame, layer: Layer) -> pd.DataFrame:
    """Make the features table of a Labels layer: one row per cluster.

    Parameters
    ----------
    clusters : DataFrame
        What `Segmentation.to_dataframe` gives.
    layer : Layer
        The layer that shows them: its scale, affine and units give the sizes.

    Returns
    -------
    DataFrame
        The columns are `index` (by this column napari finds the row of a label), `label`,
        `pixels`, `percent`, the size in the units of the layer, e.g. `area [µm²]` or
        `volume [µm³]`, and the mean of each channel.
    """
    table = clusters.copy()
    pixel_size = abs(float(np.prod(layer.scale) * np.linalg.det(layer.affine.linear_matrix)))
    unit = reduce(mul, layer.units)
    quantity = {1: "length", 2: "area", 3: "volume"}.get(layer.ndim, "size")
    # Space and time in one array give s·µm² and the like, which is neither area nor volume.
    if any(axis.dimensionality != layer.units[0].dimensionality for axis in layer.units):
        quantity = "size"
    place = table.columns.get_loc("percent") + 1
    table.insert(place, f"{quantity} [{unit:~P}]", table["pixels"] * pixel_size)
    table.insert(0, "index", table["label"])
    return table

"""The one place where a segmentation becomes layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_kmeans_seg import Segmentation
from napari_kmeans_seg.core.base import checks
from napari_kmeans_seg.core.steps import levels_of

from ..base.describe import results_axes
from ..base.geometry import placement, shifted, sliced
from ..base.pyramid import can_be_drawn
from ..base.same import fingerprint
from ..source.layer_image import LayerImage
from ..source.view import PartInView
from .appearance import FirstLook, first_palette, ids_of, look_at_images, look_at_new
from .colors import Display, color_fingerprint, distinct_hues, mean_colors, warm_up
from .columns import completed, object_table
from .edit_watch import (
    METADATA_KEY,
    EditWatch,
    Kind,
    linked_layers,
    linked_to,
    write_data,
    write_link,
    written_colors,
)
from .made_of import write_made_of
from .painted import own_channel, painted_levels, shown_levels
from .record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Layer

# Where a layer lies in the world; an output lies where its source does.
_SPATIAL = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
# How values are shown; a new segmented image is shown as its source is, in colour too.
_SHOWN = ("colormap", "contrast_limits", "gamma", "interpolation2d", "interpolation3d")

_TITLES = {"image": "k-means", "labels": "clusters", "objects": "objects"}


@dataclass(frozen=True, eq=False)
class Outputs:
    """A segmentation, painted and ready to be shown as layers.

    The rule for a second run on the same layer: an output of an earlier run is written to
    again, in place, and keeps what the person set on it (opacity, visibility, colours,
    place in the list, but above other results of the same image); only its pixels, table,
    metadata and place in the world follow. An
    output that the person painted on, renamed, or whose features table they changed is
    left alone, and a fresh layer is added. So is one that cannot hold the new result,
    because the source has another dtype or number of axes by now, and one that is the
    region or the seeds: the next run would start from what this one made of it.

    Attributes
    ----------
    source : LayerImage
        What was segmented.
    segmentation : Segmentation
        The result.
    arrays : dict
        What to show for each kind of output that is wanted: an array, or the levels of a
        pyramid. Kinds are "labels" and "image"; where several layers were clustered
        together, "image" is the first one's, "image 2" the second's and so on. "objects"
        is there where the source's clean-up names clusters for it.
    fingerprints : dict
        The fingerprint of each of these arrays.
    table : DataFrame
        One row per cluster, still without sizes, which depend on where the layer lies.
    objects : DataFrame or None
        One row per object, where there are objects.
    """

    source: LayerImage
    segmentation: Segmentation
    arrays: dict[Kind, Any]
    fingerprints: dict[Kind, str]
    table: pd.DataFrame
    objects: pd.DataFrame | None = None

    @classmethod
    def paint(
        cls,
        source: LayerImage,
        segmentation: Segmentation,
        kinds: Iterable[Kind] = ("image", "labels"),
        progress: Callable[[float, str], None] | None = None,
    ) -> Outputs:
        """Make the arrays to show. This is work, for a thread of its own."""
        checks.kind("source", source, LayerImage)
        checks.kind("segmentation", segmentation, Segmentation)
        wanted = tuple(checks.choice("kinds", kind, ("image", "labels")) for kind in kinds)
        segmentation = source.clean_up.note_missing_objects(segmentation)
        levels = levels_of(segmentation)
        arrays: dict[Kind, Any] = {}
        objects: pd.DataFrame | None = None
        if "image" in wanted:
            painted = painted_levels(source, levels)
            for i, channel in enumerate(source.channels):
                images = [own_channel(image, i, channel) for image in painted]
                arrays[f"image {i + 1}" if i else "image"] = shown_levels(images)
            if not source.channels:
                arrays["image"] = shown_levels([source.shown(image) for image in painted])
        if "labels" in wanted:
            arrays["labels"] = shown_levels([level.labels for level in levels])
        if source.clean_up.objects:
            numbers, objects = source.clean_up.objects_of_levels(
                [level.labels for level in levels], progress
            )
            arrays["objects"] = shown_levels(numbers)
        prints = {kind: fingerprint(array, progress) for kind, array in arrays.items()}
        table = segmentation.to_dataframe(channel_names=source.channel_names)
        if "labels" in arrays:
            hues = distinct_hues(segmentation.n_clusters)
            warm_up(hues, levels[0].labels.dtype, progress)
        return cls(source, segmentation, arrays, prints, table, objects)

    def show(self, viewer: ViewerModel, watches: Iterable[EditWatch] = ()) -> dict[Kind, Layer]:
        """Add the outputs to the viewer, or write to those of the run before.

        New layers go right above the source, and above what would hide them there: other
        results and images. The selection stays as it is, so that the same image can be
        segmented again.

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
        sources = self.source.layers_in(viewer)
        if sources is None:
            raise LookupError(f"The layer “{self.source.name}” is no longer in the viewer.")
        source = self.source.called(sources)
        if source.name != self.source.name:
            # Renamed meanwhile: all that is shown goes by one name.
            table = self.segmentation.to_dataframe(channel_names=source.channel_names)
            return replace(self, source=source, table=table).show(viewer, watches)
        known = {watch.layer_id: watch for watch in watches}
        selected, active = set(viewer.layers.selection), viewer.layers.selection.active

        earlier = {kind: self._earlier(viewer, kind, known) for kind in self.arrays}
        record = self._record(sources[0], earlier.get("labels"))
        previewed = [] if "labels" in self.arrays else self._labels_of_preview(viewer, record)
        with_labels = "labels" in self.arrays or bool(previewed)
        shown: dict[Kind, Layer] = {}
        for kind, layer in earlier.items():
            if layer is not None:
                self._update(layer, kind, self._place(sources[0], kind))
            else:
                place = self._place(sources[0], kind)
                own = _source_of(kind, sources)
                layer = self._new(kind, place, own, with_labels=with_labels)
                later = [*earlier.values()][len(shown) + 1 :]
                if kind.startswith("image"):
                    later += previewed
                viewer.layers.insert(_place_to_be_seen(viewer, sources, later), layer)
            self._describe(layer, kind, record)
            shown[kind] = layer
        self._raise(viewer, shown)
        self._look(viewer, shown, earlier, alone=not with_labels)

        viewer.layers.selection = selected
        if active is not None:
            viewer.layers.selection.active = active
        return shown

    def _look(
        self,
        viewer: ViewerModel,
        shown: dict[Kind, Layer],
        earlier: dict[Kind, Layer | None],
        *,
        alone: bool,
    ) -> None:
        """Let the result be seen among those of earlier runs."""
        kind: Kind = "image" if alone else "labels"
        layer = shown.get(kind)
        if layer is None or isinstance(self.source, PartInView):
            return
        region = self.source.region
        if earlier[kind] is None and layer.visible:
            look_at_new(viewer, layer, everywhere=region is None or region.everywhere)
        elif alone:
            look_at_images(viewer, layer)

    def _raise(self, viewer: ViewerModel, shown: dict[Kind, Layer]) -> None:
        """Move the outputs above other results of the same images, which would hide them.

        By this the topmost result of an image is that of the last run. What belongs to the
        outputs goes with them, in the order that a person gave to it.
        """
        link_id = self.source.link_id
        images = ids_of(link_id)
        own: dict[int, Kind] = {}
        earlier: dict[int, tuple[Kind, ...]] = {}
        for i, layer in enumerate(viewer.layers):
            source_id, kind = linked_to(layer)
            if source_id == link_id and shown.get(kind, layer) == layer:
                own[i] = kind
            elif images & ids_of(source_id):
                # Labels that a person works on need not go below a new segmented image.
                earlier[i] = (kind,) if source_id == link_id else tuple(shown)
        if any(i < j and own[i] in kinds for i in own for j, kinds in earlier.items()):
            viewer.layers.move_multiple([*own], max(earlier) + 1)

    def _labels_of_preview(self, viewer: ViewerModel, record: Record) -> list[Layer]:
        """Find the labels that a preview has shown already, which the image must not hide."""
        labels = linked_layers(viewer, self.source.link_id, "labels")
        return [layer for layer in labels if record.same_result(Record.of(layer))]

    def _place(self, layer: Layer, kind: Kind) -> dict[str, Any]:
        """Say where an output lies: where its source does, or the plane or part of it."""
        state, along = layer.as_layer_data_tuple()[1], self.source.channels_along
        spatial = {key: state[key] for key in _SPATIAL}
        kept = results_axes(layer, along)
        origin, zoom = np.zeros(layer.ndim), np.ones(layer.ndim)
        origin[kept] = self.source.origin
        if isinstance(self.source, PartInView):
            zoom[kept] = self.source.view.zoom
        if along is not None and along in kept and not kind.startswith("image"):
            # One pixel spans all channels, so that the result is seen over each.
            zoom[along] = len(self.source.names)
            origin[along] = (zoom[along] - 1) / 2
        spatial["scale"] = np.multiply(spatial["scale"], zoom)
        if origin.any():
            first = shifted(placement(layer), origin)
            spatial["translate"] = (np.linalg.inv(layer.affine.affine_matrix) @ first)[:-1, -1]
        if along is None or kind.startswith("image"):
            return spatial
        named = list(spatial["axis_labels"])
        named[along] = "channel"
        return sliced({**spatial, "axis_labels": named}, kept)

    def _earlier(
        self, viewer: ViewerModel, kind: Kind, known: dict[str, EditWatch]
    ) -> Layer | None:
        """Find the output of an earlier run that may be written to."""
        for layer in reversed(linked_layers(viewer, self.source.link_id, kind)):
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
        # One that was renamed meanwhile is a person's own by that.
        if layer.name in {marks.name for marks in (self.source.region, self.source.seeds) if marks}:
            return False
        data = self.arrays[kind]
        array = data[0] if isinstance(data, list) else data
        if layer.multiscale != isinstance(data, list):
            return False
        if kind in ("labels", "objects"):
            return bool(layer.ndim == array.ndim)
        return bool(
            layer.rgb == self.source.rgb
            and layer.dtype == array.dtype
            and layer.ndim == array.ndim - self.source.rgb
        )

    def _new(
        self, kind: Kind, spatial: dict[str, Any], source: Layer, *, with_labels: bool
    ) -> Layer:
        of = f" {self.source.part}" if self.source.part else ""
        of = " preview" if isinstance(self.source, PartInView) else of
        data = self.arrays[kind]
        multiscale = isinstance(data, list)
        drawable = multiscale or can_be_drawn(data, rgb=kind == "image" and self.source.rgb)
        look = FirstLook.of(kind, with_labels=with_labels, drawable=drawable)
        if kind in ("labels", "objects"):
            name = f"{self.source.name} {_TITLES[kind]}{of}"
            layer = Labels(
                data, name=name, multiscale=multiscale, visible=look.visible, opacity=1, **spatial
            )
            layer.contour = look.contour
            return layer
        state = source.as_layer_data_tuple()[1]
        shown = {key: state[key] for key in _SHOWN}
        return Image(
            data,
            name=f"{source.name} {_TITLES['image']}{of}",
            rgb=self.source.rgb,
            multiscale=multiscale,
            visible=look.visible,
            blending=state["blending"],
            **shown,
            **spatial,
        )

    def _update(self, layer: Layer, kind: Kind, spatial: dict[str, Any]) -> None:
        write_data(layer, self.arrays[kind])
        for key, value in spatial.items():
            # Each of these redraws the layer, so leave alone what is right already.
            if not np.array_equal(np.asarray(getattr(layer, key)), np.asarray(value)):
                setattr(layer, key, value)

    def _record(self, source: Layer, labels: Layer | None) -> Record:
        """Make the record, with the palette that the labels of the run before have by now."""
        display = Display.of(source)
        means = display.colors(self.segmentation.centroids) if self.source.rgb else None
        palette = first_palette(means)
        if labels is not None and (earlier := Record.of(labels)) is not None:
            ours = written_colors(labels) in (None, color_fingerprint(labels))
            palette = earlier.palette if ours else "own"
        return replace(
            Record.of_run(self.segmentation, self.source),
            palette=palette,
            display=display if palette == "mean" else None,
        )

    def _describe(self, layer: Layer, kind: Kind, record: Record) -> None:
        """Write down what the layer holds: colours, table, metadata, link to the source."""
        colors = written_colors(layer)
        if kind == "labels":
            if record.palette != "own":
                colormap = distinct_hues(self.segmentation.n_clusters)
                if record.display is not None:
                    colormap = mean_colors(self.segmentation.centroids, record.display)
                if layer.colormap is not colormap:  # for it redraws the layer
                    layer.colormap = colormap
                colors = color_fingerprint(layer)
            # A label that was not painted as a seed has no cluster.
            found = self.table[self.table["pixels"] > 0]
            layer.features = completed(found, layer, self.source.step_axis)
        if kind == "objects" and self.objects is not None:
            layer.features = object_table(self.objects, layer, self.source.step_axis)
        record.write(layer)
        write_link(layer, self.source.link_id, kind, self.fingerprints[kind], colors)
        write_made_of(layer, self.source)


def earlier_outputs(viewer: ViewerModel, source: LayerImage, kinds: Iterable[Kind]) -> list[Layer]:
    """Find the outputs of earlier runs on the same, which `Outputs.show` may write to."""
    every = [*kinds, *(["objects"] if source.clean_up.objects else [])]
    if "image" in every:
        every += [f"image {i}" for i in range(2, len(source.channels) + 1)]
    return [layer for kind in every for layer in linked_layers(viewer, source.link_id, kind)]


def _place_to_be_seen(
    viewer: ViewerModel, sources: Sequence[Layer], later: Sequence[Layer | None]
) -> int:
    """Say where in the list a new output goes.

    What a person drew (points, shapes, labels of their own) stays on top of it, and so do
    the kinds of output that come after it and have their place already.
    """
    hiding = [
        i
        for i, layer in enumerate(viewer.layers)
        if layer in sources or isinstance(layer, Image) or METADATA_KEY in layer.metadata
    ]
    lowest = min(i for i, layer in enumerate(viewer.layers) if layer in sources)
    places = [i for i, layer in enumerate(viewer.layers) if layer in later and i > lowest]
    return min([max(hiding) + 1, *places])


def _source_of(kind: Kind, sources: Sequence[Layer]) -> Layer:
    """Find the layer that an output is shown as: "image 3" as the third."""
    _, _, number = kind.partition(" ")
    return sources[int(number or 1) - 1]

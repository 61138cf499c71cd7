"""The fields that choose what of the image is clustered, and by which other layers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from magicgui.widgets import CheckBox, ComboBox, Container, LineEdit, SpinBox, Widget
from napari.layers import Image, Labels, Points, Shapes
from psygnal import Signal

from napari_kmeans_seg.layers import (
    CleanUp,
    LayerImage,
    Region,
    Seeds,
    axis_names,
    blurred_axes,
    displayed_plane,
)
from napari_kmeans_seg.layers.base.describe import results_axes
from napari_kmeans_seg.layers.source.channels import channel_names

from .channels import NO_AXIS, ChannelAxes
from .numbers import labels_in, values_in
from .options import align_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import napari.viewer
    from napari.layers import Layer

_WHOLE, _PLANE = "whole", "plane"
_NONE = ("none", "")


class Inputs(Container[Widget]):
    """Scope, region and seeds, and how several layers are joined.

    `front` is shown at once where it means something: the axis of channels, the scope of stacks,
    and how channels are weighed. The container itself holds region and seeds.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer whose layers are offered.

    Attributes
    ----------
    drawn : Signal
        Emitted when a person has drawn on the region or the seeds.
    """

    drawn = Signal()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._images: tuple[Image, ...] = ()
        self._axes: tuple[str, ...] = ()
        self._channel_axes = ChannelAxes()
        self.channels = ComboBox(
            label="Channels",
            choices=lambda _: self._channel_axes.choices(self._only),
            tooltip=(
                "The axis of the image that holds channels: each pixel is clustered by its values "
                "in all of them, and the result has the other axes.\n"
                "Proposed where layer, file or a short axis say so. Remembered for each layer."
            ),
        )
        self._hears: list[Any] = []
        self.normalize = CheckBox(
            text="Normalize each channel",
            value=True,
            tooltip=(
                "Divides each channel by its standard deviation, so that a dim channel counts "
                "as much as a bright one. On from the start for channels that are no colours."
            ),
        )
        self.scope = ComboBox(
            label="Scope",
            choices=self._scopes,
            tooltip=(
                "whole image: one clustering for all planes.\n"
                "displayed plane: only what is shown now, for a quick look; its layers lie at "
                "that plane. In the 3-D view it is the displayed volume, with layers of its own.\n"
                "each step: every step of the axis is clustered on its own; a label means the "
                "same in all of them."
            ),
        )
        self.region = ComboBox(
            label="Region",
            choices=lambda _: self._layers_of(Labels, Shapes),
            tooltip=(
                "A Labels or Shapes layer: only pixels inside its labels, polygons, rectangles "
                "and ellipses are clustered. All others get label 0."
            ),
        )
        self.region_labels = LineEdit(
            label="Its labels",
            tooltip="Which labels make up the region, e.g. 1 3. Empty: all of them.",
        )
        self.everywhere = CheckBox(
            text="Find inside, label everywhere",
            tooltip="The clusters are found inside the region, then the whole image is labelled.",
        )
        self.own_planes = CheckBox(
            text="Its own plane only",
            tooltip=(
                "On: what is drawn on a plane counts on that plane.\n"
                "Off: it counts on all planes and steps."
            ),
        )
        self.leave_out = LineEdit(
            name="leave_out",
            label="Leave out",
            tooltip=(
                "Values of pixels that stay label 0, such as that of no data, e.g. 0 -9999. A "
                "colour is left out where red, green and blue all have it, other channels where "
                "one has. Empty: none.\nThey come back the next time."
            ),
        )
        self.seeds = ComboBox(
            label="Seeds",
            choices=lambda _: self._layers_of(Points, Labels),
            tooltip=(
                "Where clusters start.\nA Points layer: one cluster per point.\n"
                "A Labels layer: one cluster per painted label, which keeps its number."
            ),
        )
        self.fixed = CheckBox(
            text="Hold seeds fixed",
            tooltip=(
                "On: each pixel gets the label of the seed whose colour is nearest.\n"
                "Off: k-means starts from the seeds, and moves the centres."
            ),
        )
        self.specks = SpinBox(
            label="Specks",
            value=0,
            min=0,
            max=1_000_000,
            tooltip=(
                "Pieces of a cluster with fewer pixels than this are given to the cluster around "
                "them. 0: all pieces stay."
            ),
        )
        self.objects = LineEdit(
            label="Objects of",
            tooltip=(
                "Clusters whose connected pieces become objects in a Labels layer of their own, "
                "e.g. 2 3. Empty: none."
            ),
        )
        self.per_plane = CheckBox(
            text="Connected within planes only",
            value=True,
            tooltip=(
                "On: specks and objects end at their plane.\nOff: they go on through the stack."
            ),
        )
        super().__init__()
        self.front = (self.channels, self.scope, self.normalize)
        self.extend(
            [
                self.region,
                self.region_labels,
                self.own_planes,
                self.everywhere,
                self.leave_out,
                self.seeds,
                self.fixed,
                self.specks,
                self.objects,
                self.per_plane,
            ]
        )
        self.margins = (0, 0, 0, 0)
        align_labels(self)
        self._several_planes = False
        self.region.changed.connect(self._suggest_planes)
        for field in (self.region, self.seeds):
            field.changed.connect(self._arrange)
        self.channels.changed.connect(self._on_channels)
        self.follow(())

    def follow(self, images: Sequence[Image]) -> None:
        """Offer what goes with these images."""
        self._images = tuple(images)
        if images:
            # What was chosen stays while there is nothing to be segmented.
            names = axis_names(images[0])
            self._axes = tuple(names[i] for i in results_axes(images[0], self._axis))
        self.offer()

    def offer(self) -> None:
        """Offer the scopes and the layers that can serve; a choice stays while it can."""
        axis = self._axis
        with self.channels.changed.blocked():
            self.channels.reset_choices()
            self.channels.value = NO_AXIS if axis is None else axis
        self._offer(self.scope, otherwise=_WHOLE)
        for field in (self.region, self.seeds):
            self._offer(field, otherwise="")
        self._arrange()

    @staticmethod
    def _offer(field: ComboBox, otherwise: str) -> None:
        """Ask for the choices anew; the one that was made stays while it can."""
        chosen = field.value
        # One that is only called something else now must not be left for a moment.
        with field.changed.blocked():
            field.reset_choices()
            field.value = chosen if chosen in field.choices else otherwise
        if field.value != chosen:
            field.changed.emit(field.value)

    # Functions, for napari lets a dock's widgets ask for their choices whenever layers change.

    def _layers_of(self, *kinds: type[Layer]) -> list[tuple[str, str]]:
        layers = [layer for layer in self._viewer.layers if isinstance(layer, kinds)]
        return [_NONE, *((layer.name, str(layer.unique_id)) for layer in layers)]

    def _scopes(self, _field: Widget) -> list[tuple[str, str | int]]:
        scopes: list[tuple[str, str | int]] = [("whole image", _WHOLE)]
        if self._steps:
            shown = "volume" if self._viewer.dims.ndisplay == 3 else "plane"
            scopes.append((f"displayed {shown}", _PLANE))
            scopes += [(f"each step of {self._axes[i]}", i) for i in self._steps]
        return scopes

    @property
    def _steps(self) -> list[int]:
        """The axes that are stepped through, but not that of channels."""
        return [i for i in range(len(self._axes) - 2) if i != self._axis or i == 0]

    def channel_axis(self, layer: Image) -> int | None:
        """Say which axis of a layer holds channels, as chosen or proposed."""
        return self._channel_axes.of(layer)

    @property
    def _only(self) -> Image | None:
        """The image, where it is one."""
        return self._images[0] if len(self._images) == 1 else None

    @property
    def _axis(self) -> int | None:
        """The axis of the only image that holds channels."""
        return None if self._only is None else self._channel_axes.of(self._only)

    @property
    def several(self) -> bool:
        """Whether there are several channels that are no colours."""
        return len(self._images) > 1 or self._axis is not None

    @property
    def offered(self) -> dict[str, Any]:
        """What the options know of the images."""
        axes = blurred_axes(self._images[0], self._axis)
        axis, names = self._axis, tuple(one.name for one in self._images)
        if axis is not None:
            names = channel_names(self._images[0], axis)
        several = self.several
        return {"names": names, "several": several, "rgb": self._images[0].rgb, "axes": axes}

    @property
    def settings(self) -> dict[str, Any]:
        """What is to come back in the next session, by its name in the manifest."""
        return {"leave_out": self.leave_out.value}

    def _on_channels(self) -> None:
        if self._only is not None:
            self._channel_axes.choose(self._only, self.channels.value)
            self.follow(self._images)
            self.changed.emit(self)

    def _arrange(self) -> None:
        """Show the fields that mean something."""
        region, seeds = self._chosen(self.region), self._chosen(self.seeds)
        for field, meant in (
            (self.channels, len(self.channels.choices) > 1),
            (self.scope, len(self.scope.choices) > 1),
            (self.normalize, self.several),
            (self.region_labels, isinstance(region, Labels)),
            (self.own_planes, region is not None and region.ndim > 2 and bool(self._steps)),
            (self.everywhere, region is not None),
            (self.fixed, seeds is not None),
            (self.per_plane, bool(self._steps)),
        ):
            field.visible = meant
        for field in (self.region, self.seeds):
            field.enabled = len(field.choices) > 1
        self._hear(region, seeds)

    def leave(self) -> None:
        """Hear of region and seeds no more, and let go of the images. Touches no Qt object."""
        self._hear()
        self._images = ()

    def _hear(self, *layers: Layer | None) -> None:
        """Hear what is drawn on these layers, and on no others."""
        for event in self._hears:
            event.disconnect(self._on_drawn)
        # Strokes of the brush emit "paint", of Labels only.
        self._hears = [
            layer.events[name]
            for layer in dict.fromkeys(layers)
            for name in ("data", "paint")
            if layer is not None and name in layer.events
        ]
        for event in self._hears:
            event.connect(self._on_drawn)

    def _suggest_planes(self) -> None:
        """Let shapes count on their own planes once they lie on several."""
        layer = self._chosen(self.region)
        several = False
        with suppress(ValueError):  # said when it is used
            several = isinstance(layer, Shapes) and Region.of(layer).own_planes
        if several != self._several_planes:
            self._several_planes = self.own_planes.value = several

    def _on_drawn(self) -> None:
        self._suggest_planes()
        self.drawn.emit()

    def _chosen(self, field: ComboBox) -> Layer | None:
        for layer in self._viewer.layers:
            if str(layer.unique_id) == field.value:
                return layer
        return None

    def takes_part(self, layer: Layer) -> bool:
        """Whether a layer is chosen as the region or the seeds."""
        return str(layer.unique_id) in (self.region.value, self.seeds.value)

    def source(self) -> LayerImage:
        """Read the images, as the fields say.

        Raises
        ------
        ValueError
            If the images do not match, or a region or seeds cannot serve.
        """
        images = self._images
        axis = self._axis
        source = LayerImage.of(*images, channel_axis=axis)
        scope: Literal["whole", "plane"] | int = self.scope.value
        region, seeds = self._chosen(self.region), self._chosen(self.seeds)
        return replace(
            source,
            plane=displayed_plane(self._viewer, images[0], axis) if scope == _PLANE else None,
            step_axis=scope if isinstance(scope, int) else None,
            region=None
            if region is None
            else Region.of(
                region,
                labels_in(self.region_labels) if isinstance(region, Labels) else (),
                everywhere=self.everywhere.value,
                own_planes=self.own_planes.value,
            ),
            seeds=None if seeds is None else Seeds.of(seeds, fixed=self.fixed.value),
            left_out=values_in(self.leave_out),
            clean_up=CleanUp(self.specks.value, labels_in(self.objects), self.per_plane.value),
        )

    @property
    def k_is_free(self) -> bool:
        """Whether the number of clusters is not that of the seeds."""
        return self._chosen(self.seeds) is None

    @property
    def seeds_stay(self) -> bool:
        """Whether there are seeds that k-means does not move."""
        return not self.k_is_free and bool(self.fixed.value)

    @property
    def said(self) -> list[str]:
        """What is folded away and counts, in words."""
        region, seeds = self._chosen(self.region), self._chosen(self.seeds)
        words = []
        if len(self._images) > 1 and not self.normalize.value:
            words.append("channels not normalized")
        if region is not None:
            words.append(f"in “{region.name}”{', labelled everywhere' * self.everywhere.value}")
        if seeds is not None:
            words.append(f"from “{seeds.name}”{', fixed' * self.fixed.value}")
        if self.specks.value:
            words.append(f"no pieces below {self.specks.value:,} pixels")
        if self.objects.value.strip():
            words.append(f"objects of {self.objects.value.strip()}")
        return words

    @property
    def parameters(self) -> dict[str, Any]:
        """Arguments of `segment` that several channels bring along."""
        return {"normalize": self.normalize.value} if self.several else {}

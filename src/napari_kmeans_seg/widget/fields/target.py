"""Which image will be segmented, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Container, Label, PushButton, Widget
from napari.layers import Image
from psygnal import Signal

from napari_kmeans_seg.layers import METADATA_KEY, describe, describe_channels
from napari_kmeans_seg.layers.clusters import clusters_of

from ..base.sections import wrap
from ..base.wording import breakable

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Layer

    from ..base.state import DockState
    from .inputs import Inputs


class Target(Container[Widget]):
    """Follows the active image layer of a viewer, or several selected ones together.

    Who works on the clusters of a result, or on the region or the seeds that are chosen for a
    run, goes on with the image that they belong to.

    Attributes
    ----------
    images : tuple of Image
        What will be segmented: none, one image, or several as channels of one.
    followed : Signal
        Emitted when the viewer's layers or their selection changed, and whether `images` did.
    described : Signal
        Emitted when the data or the name of a layer changed, or how many axes are displayed.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer whose active layer is followed.
    inputs : Inputs
        Say which layers are chosen as region or seeds, and which axes hold channels.
    state : DockState
        Says when nothing is followed.
    """

    followed = Signal(bool)
    described = Signal()

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        inputs: Inputs,
        state: DockState,
    ) -> None:
        self._viewer = viewer
        self._state = state
        self._inputs = inputs
        self._listening = False
        self.images: tuple[Image, ...] = ()
        # All that are still there by their ids, the last ones at the end.
        self._followed: dict[tuple[object, ...], tuple[Image, ...]] = {}
        self.layer_name = Label(name="layer_name")
        self.layer_kind = Label(name="layer_kind")
        self.layer_name.tooltip = self.layer_kind.tooltip = "What Run will segment."
        self.sample_button = PushButton(
            name="sample_button",
            text="Open a sample image",
            tooltip="A photograph of a coffee cup, to try things out. More: File ▸ Open Sample.",
        )
        super().__init__(
            name="target",
            labels=False,
            widgets=[self.layer_name, self.layer_kind, self.sample_button],
        )
        self.margins = (0, 0, 0, 0)
        wrap(self.layer_name, self.layer_kind)
        font = self.layer_name.native.font()
        font.setBold(True)
        self.layer_name.native.setFont(font)
        self.sample_button.changed.connect(self._open_sample)

    @property
    def image(self) -> Image | None:
        """The image that will be segmented; of several, the first."""
        return self.images[0] if self.images else None

    @property
    def link(self) -> tuple[object, ...]:
        """The ids of these images; napari hands the same layer out in several wrappings."""
        return tuple(image.unique_id for image in self.images)

    def listen(self) -> None:
        """Hear of the viewer's layers."""
        if not self._listening:
            layers = self._viewer.layers
            layers.selection.events.active.connect(self._on_layers)
            layers.selection.events.changed.connect(self._on_layers)
            layers.events.inserted.connect(self._on_layers)
            layers.events.removed.connect(self._on_layers)
            layers.events.renamed.connect(self._on_described)
            self._viewer.dims.events.ndisplay.connect(self._on_described)
            self._listening = True
            self.follow()

    def leave(self) -> None:
        """Hear of the viewer no more. Touches no Qt object."""
        if self._listening:
            self._listening = False
            layers = self._viewer.layers
            layers.selection.events.active.disconnect(self._on_layers)
            layers.selection.events.changed.disconnect(self._on_layers)
            layers.events.inserted.disconnect(self._on_layers)
            layers.events.removed.disconnect(self._on_layers)
            layers.events.renamed.disconnect(self._on_described)
            self._viewer.dims.events.ndisplay.disconnect(self._on_described)
            for layer in self.images:
                layer.events.data.disconnect(self._on_described)
            self.images, self._followed = (), {}

    def follow(self) -> None:
        """Look again what is to be segmented."""
        selection = self._viewer.layers.selection
        chosen = [selection.active] if selection.active is not None else selection
        # In the order of the list, so that the order of clicks does not matter.
        images = tuple(x for x in self._viewer.layers if x in chosen and isinstance(x, Image))
        images = images if len(chosen) == 1 or len(images) > 1 else ()
        if not images and selection.active is not None:
            images = self._images_of(selection.active)
        changed = tuple(x.unique_id for x in images) != self.link
        if changed:
            for layer in self.images:
                layer.events.data.disconnect(self._on_described)
            for layer in images:
                layer.events.data.connect(self._on_described)
            self.images = images
        there = {layer.unique_id for layer in self._viewer.layers}
        if images:
            self._followed.pop(self.link, None)
            self._followed[self.link] = images
        self._followed = {ids: one for ids, one in self._followed.items() if there.issuperset(ids)}
        self._describe()
        self.followed.emit(changed)

    def _images_of(self, layer: Layer) -> tuple[Image, ...]:
        """Find the images that a layer belongs to which is none itself."""
        clusters = clusters_of(self._viewer, layer)
        if clusters is not None:
            return tuple(clusters.sources())
        if self._inputs.takes_part(layer):
            return self._followed_last()
        # Whatever is drawn on it, it is about the only image there is.
        images = [one for one in self._viewer.layers if isinstance(one, Image)]
        opened = [one for one in images if METADATA_KEY not in one.metadata]
        return tuple(opened) if len(opened) == 1 else ()

    def _followed_last(self) -> tuple[Image, ...]:
        """Give the images that were followed last."""
        return next(reversed(self._followed.values()), ())

    def _open_sample(self) -> None:
        self._viewer.open_sample("napari-kmeans-seg", "coffee")

    def _on_layers(self) -> None:
        self._state.follow(self.follow)

    def _on_described(self) -> None:
        self._state.follow(self._describe_again)

    def _describe_again(self) -> None:
        self._describe()
        self.described.emit()

    def _describe(self) -> None:
        """Say which layer will be segmented, or what to do to get one."""
        active = self._viewer.layers.selection.active
        if len(self.images) > 1:
            title = f"{len(self.images)} layers as channels"
            try:
                detail = describe_channels(self.images)
            except ValueError as error:
                detail = f"✖ {error}"
        elif self.image is not None:
            title = breakable(self.image.name)
            detail = describe(self.image, self._inputs.channel_axis(self.image))
        elif len(self._viewer.layers) == 0:
            title = "No image"
            detail = "Open an image: File ▸ Open File(s)…, or drop one on the canvas."
        elif active is not None:
            title = "No image layer is active"
            detail = f"“{active.name}” is not an image. Click an image in the layer list."
        else:
            title = "No image layer is active"
            detail = "Click one image in the layer list, or several to cluster them together."
        self.layer_name.value, self.layer_kind.value = title, detail
        self.sample_button.visible = not any(isinstance(x, Image) for x in self._viewer.layers)

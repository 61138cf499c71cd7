"""A walk through the window on which all that is open, drawn and set in the dock is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# Before napari is imported: it sees to napari's settings.
from walk import Walk

# isort: split
import numpy as np
from napari.layers import Image, Labels, Points, Shapes
from openable import add_region, add_seeds
from openable import images as images_in

from napari_kmeans_seg.layers.base.describe import results_axes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OPTIONS: dict[str, tuple[Any, ...]] = {
    "smoothing": (0, 0, 0.5, 1.5, 3),
    "spatial_weight": (0, 0, 0.3, 1.5),
    "fit_scale": (100, 100, 50, 33),
    "n_init": (1, 3),
    "seed": (0, 7, 123456),
    "tol": (1e-4, 0, 0.01),
    "max_iter": (300, 300, 1, 3),
}


class SettingsWalk(Walk):
    """A window with the dock, and what a person sets in it before a run.

    Parameters
    ----------
    folder : Path
        Where files are, that some images are opened from.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__()

    def openable(self) -> list[Callable[..., Any]]:
        return images_in(self.folder)  # type: ignore[return-value]

    @property
    def image(self) -> Any:
        return self.widget.target.image

    def do_open(self, one: float, other: float) -> None:
        if len(self.viewer.layers) > 7 or one * 1000 % 1 < 0.6:
            self.do_clear(0, 0)
        kinds: Any = self.images
        layers = kinds[int(one * len(kinds))](self.viewer, other)
        self.viewer.layers.selection = set(layers)
        for layer in layers:
            layer.metadata["kind"] = layers[0].name
        # Of what is open: an old region would miss the new image.
        self.widget.inputs.region.value = self.widget.inputs.seeds.value = ""

    def do_select(self, one: float, _other: float) -> None:
        layer = self.pick(one, (Image, Labels))  # type: ignore[arg-type]
        if layer is not None:
            self.viewer.layers.selection.active = layer

    def do_option(self, one: float, other: float) -> None:
        fields = self.widget.more_options.fields
        names = [*OPTIONS, "init", "color_space", "normalize"]
        name = names[int(one * len(names))]
        if not fields[name].enabled:
            return
        if name in OPTIONS:
            fields[name].value = OPTIONS[name][int(other * len(OPTIONS[name]))]
        elif name == "normalize":
            fields[name].value = other < 0.5
        else:
            self.choose(fields[name], other)

    def do_reset(self, _one: float, _other: float) -> None:
        self.widget.more_options.reset()

    def do_weights(self, one: float, other: float) -> None:
        n = len(self.widget.more_options.channels)
        each = [("1", "0", "2", "0.5")[int(other * 4**i * 4) % 4] for i in range(n)]
        self.widget.more_options.fields["channel_weights"].value = (
            " ".join(each) if one < 0.7 else ""
        )

    def axes(self) -> list[int]:
        return results_axes(self.image, self.widget.inputs.channel_axis(self.image))

    def do_draw_region(self, one: float, other: float) -> None:
        image, selected = self.image, set(self.viewer.layers.selection)
        if image is not None and len(self.viewer.layers) < 12:
            layer = add_region(self.viewer, image, self.axes(), one, other)
            self.viewer.layers.selection = selected
            self.widget.inputs.region.value = str(layer.unique_id)

    def do_set_seeds(self, one: float, other: float) -> None:
        image, selected = self.image, set(self.viewer.layers.selection)
        if image is not None and len(self.viewer.layers) < 12:
            layer = add_seeds(self.viewer, image, self.axes(), one, other)
            self.viewer.layers.selection = selected
            self.widget.inputs.seeds.value = str(layer.unique_id)

    def do_no_region(self, _one: float, _other: float) -> None:
        self.widget.inputs.region.value = ""

    def do_no_seeds(self, _one: float, _other: float) -> None:
        self.widget.inputs.seeds.value = ""

    def do_region_how(self, one: float, other: float) -> None:
        inputs = self.widget.inputs
        if one < 0.4:
            inputs.everywhere.value = other < 0.5
        elif one < 0.7:
            inputs.own_planes.value = other < 0.5
        else:
            inputs.region_labels.value = ("", "1", "2", "1 2")[int(other * 4)]

    def do_seeds_how(self, one: float, _other: float) -> None:
        self.widget.inputs.fixed.value = one < 0.5

    def do_leave_out(self, one: float, _other: float) -> None:
        self.widget.inputs.leave_out.value = ("", "", "0", "255", "40 41 42")[int(one * 5)]

    def do_specks(self, one: float, other: float) -> None:
        self.widget.inputs.specks.value = (0, 0, 4, 15)[int(one * 4)]
        self.widget.inputs.per_plane.value = other < 0.6

    def do_along(self, one: float, _other: float) -> None:
        self.choose(self.widget.inputs.channels, one)

    def do_other_data(self, one: float, _other: float) -> None:
        self.replace(one, lambda level: level[::-1])

    def do_cut_data(self, one: float, _other: float) -> None:
        """Give an image another shape: of several planes, one less."""
        self.replace(one, lambda level: level[: -1 if level.ndim > 2 else -10])

    def do_write_pixels(self, one: float, other: float) -> None:
        """Write into the array of an image, and tell napari of it or not."""
        images = list(self.widget.target.images)
        if not images:
            return
        layer = images[int(one * len(images))]
        data = layer.data[0] if layer.multiscale else layer.data
        if isinstance(data, np.ndarray) and data.flags.writeable:
            first = int(other * len(data))
            part = slice(first, first + 1 + len(data) // 4)
            data[part] = data[part][..., ::-1].copy()
            if one * 1000 % 1 < 0.5:
                layer.refresh()

    def do_paint_marks(self, one: float, other: float) -> None:
        """Draw on the region or the seeds."""
        layer = self.pick_marks(one)
        if isinstance(layer, Labels) and isinstance(layer.data, np.ndarray):
            place = [int(other * 7919 * (i + 1)) % n for i, n in enumerate(layer.data.shape)]
            layer.brush_size = 1 + int(20 * other)
            with layer.block_history():
                layer.paint(place, int(one * 100 % 3))
        elif isinstance(layer, Shapes):
            layer.add(0.5 * np.array(layer.data[0]) + 3, shape_type="polygon")
        elif isinstance(layer, Points):
            layer.add(0.5 * np.array(layer.data[0]))

    def do_unpaint_marks(self, one: float, _other: float) -> None:
        layer = self.pick_marks(one)
        if isinstance(layer, Labels):
            layer.undo()
        elif isinstance(layer, Shapes | Points) and len(layer.data) > 2:
            layer.selected_data = {len(layer.data) - 1}
            layer.remove_selected()

    def pick_marks(self, one: float) -> Any:
        inputs = self.widget.inputs
        chosen = [inputs._chosen(inputs.region), inputs._chosen(inputs.seeds)]
        layers = [layer for layer in chosen if layer is not None]
        return layers[int(one * len(layers))] if layers else None

    def replace(self, one: float, change: Callable[[Any], Any]) -> None:
        """Give an image of those that are looked at other pixels."""
        images = list(self.widget.target.images)
        if not images:
            return
        layer = images[int(one * len(images))]
        levels = list(layer.data) if layer.multiscale else [layer.data]
        if any((len(level) < 11 and level.ndim < 3) or len(level) < 2 for level in levels):
            return
        changed = [change(level).copy() for level in levels]
        layer.data = changed if layer.multiscale else changed[0]

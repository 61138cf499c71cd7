"""What napari is asked for while a person works, as data, and the same done by napari alone."""

from __future__ import annotations

import ctypes
import gc
import sys
import tracemalloc
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import skimage.data
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

Asked = list[Any]
"""What was asked for, and of what; all of it can be written as JSON."""

LOOK = "look"
"""Where the memory was looked at."""


def photograph(size: int) -> np.ndarray:
    """Make a square image in colours, of many values."""
    image = np.resize(skimage.data.coffee(), (size, size, 3))
    return image + np.arange(size, dtype=np.uint8)[:, np.newaxis, np.newaxis]


def resident() -> float:
    """Give the memory of this process in MB, without what was freed and what counts Python's."""
    gc.collect()
    if sys.platform == "linux":
        # Else the C library would keep it, in pieces between what is still used.
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
    counting = tracemalloc.get_tracemalloc_memory()
    return float(psutil.Process().memory_info().rss - counting) / (1 << 20)


def python(layers: Any, and_others: int = 0) -> float:
    """Give the memory that Python holds in MB, without the pixels of open layers, and others."""
    gc.collect()
    pixels = sum(layer.data.nbytes for layer in layers if isinstance(layer, Image | Labels))
    return (tracemalloc.get_traced_memory()[0] - pixels - and_others) / (1 << 20)


class Heard:
    """Hears what the layers of a viewer are asked for, whoever asks.

    Attributes
    ----------
    asked : list
        All of it, in order.
    """

    def __init__(self, viewer: napari.Viewer) -> None:
        self.asked: list[Asked] = []
        self._layers = viewer.layers
        self._ids: list[str] = []
        for name, event in (("inserted", self._on_inserted), ("removed", self._on_removed)):
            viewer.layers.events[name].connect(event)
        viewer.layers.events.moved.connect(self._on_moved)
        viewer.layers.selection.events.active.connect(self._on_active)
        viewer.camera.events.zoom.connect(lambda event: self._say("zoom", float(event.value)))

    def look(self) -> None:
        """Note that the memory is looked at."""
        self._say(LOOK)

    @property
    def n_layers(self) -> int:
        """How many layers came."""
        return len(self._ids)

    def _say(self, *what: Any) -> None:
        self.asked.append([*what])

    def _on_inserted(self, event: Any) -> None:
        layer, n = event.value, len(self._ids)
        self._ids.append(str(layer.unique_id))
        kind, data = type(layer).__name__.lower(), layer.data
        self._say("insert", event.index, kind, data.shape, data.dtype.str, layer.name)
        self._on_colormap(n, layer)
        for name, callback in (
            ("data", self._on_data),
            ("colormap", self._on_colormap),
            ("features", self._on_features),
        ):
            if name in layer.events:
                layer.events[name].connect(partial(self._hear, callback, n))
        for name in ("visible", "opacity", "name", "contour", "blending"):
            if name in layer.events:
                layer.events[name].connect(partial(self._hear, self._on_value, n, name))
        if "labels_update" in layer.events:
            layer.events.labels_update.connect(partial(self._hear, self._on_paint, n))

    def _hear(self, callback: Any, n: int, *rest: Any) -> None:
        *more, event = rest
        # What is counted when its layer has gone is written to that layer all the same.
        if event.source in self._layers:
            callback(n, *more, event.source)

    def _on_removed(self, event: Any) -> None:
        self._say("remove", event.index)

    def _on_moved(self, event: Any) -> None:
        self._say("move", event.index, event.new_index)

    def _on_active(self, event: Any) -> None:
        known = event.value is not None and str(event.value.unique_id) in self._ids
        self._say("active", self._ids.index(str(event.value.unique_id)) if known else None)

    def _on_data(self, n: int, layer: Layer) -> None:
        self._say("data", n, layer.data.shape, layer.data.dtype.str)

    def _on_colormap(self, n: int, layer: Any) -> None:
        if isinstance(layer.colormap, DirectLabelColormap):
            self._say("colors", n, len(layer.colormap.color_dict))

    def _on_value(self, n: int, name: str, layer: Layer) -> None:
        self._say("set", n, name, getattr(layer, name))

    def _on_paint(self, n: int, _layer: Layer) -> None:
        self._say("paint", n)

    def _on_features(self, n: int, layer: Any) -> None:
        self._say("table", n, *layer.features.shape)


class Alone:
    """A viewer without a plugin, of which the same is asked."""

    def __init__(self, viewer: napari.Viewer) -> None:
        self.viewer = viewer
        self._layers: dict[int, Layer] = {}
        self._n = 0

    def do(self, what: str, *of: Any) -> None:
        """Do what was asked for."""
        getattr(self, f"_{what}")(*of)

    def _insert(self, index: int, kind: str, shape: list[int], dtype: str, name: str) -> None:
        data = _pixels(shape, dtype)
        layer = Labels(data, name=name) if kind == "labels" else Image(data, name=name)
        self._layers[self._n] = layer
        self._n += 1
        self.viewer.layers.insert(index, layer)

    def _remove(self, index: int) -> None:
        gone = self.viewer.layers.pop(index)
        self._layers = {n: one for n, one in self._layers.items() if one is not gone}

    def _move(self, index: int, to: int) -> None:
        layers = self.viewer.layers
        layer = layers[index]
        layers.move(index, to if to <= index else to + 1)
        assert layers[to] is layer

    def _active(self, n: int | None) -> None:
        self.viewer.layers.selection.active = None if n is None else self._layers.get(n)

    def _zoom(self, zoom: float) -> None:
        self.viewer.camera.zoom = zoom

    def _data(self, n: int, shape: list[int], dtype: str) -> None:
        self._layers[n].data = _pixels(shape, dtype)

    def _colors(self, n: int, n_colors: int) -> None:
        chance = np.random.default_rng(n_colors)
        table: dict[int | None, Any] = {None: "magenta", 0: "transparent"}
        table.update(enumerate(chance.random((max(1, n_colors - 2), 4)), start=1))
        self._layers[n].colormap = DirectLabelColormap(color_dict=table)

    def _set(self, n: int, name: str, value: Any) -> None:
        setattr(self._layers[n], name, value)

    def _table(self, n: int, n_rows: int, n_columns: int) -> None:
        self._layers[n].features = {str(i): np.arange(n_rows) for i in range(n_columns)}

    def _paint(self, n: int) -> None:
        layer: Any = self._layers[n]
        layer.paint([size // 2 for size in layer.data.shape], 1)


def _pixels(shape: list[int], dtype: str) -> np.ndarray:
    image = photograph(shape[0])
    if len(shape) == 3:
        return image.astype(dtype)
    return (image[..., 0] // 32 + 1).astype(dtype)

"""How an output layer is recognised, and how a person's edits to it are noticed.

An output carries, in its metadata, the id of its source, its own id and name, and a
fingerprint of what was written to it. The next run writes to it again only if all of that
still holds. So a layer that somebody painted on, whose features table was filled in or
which was renamed is left alone, a copy made with napari's *Duplicate* is nobody's output,
and a layer that only happens to be called "coffee clusters" is never touched.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from napari.layers import Labels

from ..base.same import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Layer

METADATA_KEY = "napari-kmeans-seg"

Kind = str
"""Which output: "labels", "image", "image 2" and on for further layers, "objects"."""


def table_fingerprint(features: pd.DataFrame) -> str:
    """Sum up a features table, to compare it later."""
    # A layer may be called after a file whose name is no UTF-8.
    text = features.to_csv(index=False).encode(errors="surrogatepass")
    return f"{zlib.crc32(text):08x}"


def linked_layers(viewer: ViewerModel, source_id: str, kind: Kind) -> list[Layer]:
    """Find the outputs of one kind that were made from a source, the newest last."""
    return [layer for layer in viewer.layers if linked_to(layer) == (source_id, kind)]


def linked_to(layer: Layer) -> tuple[str, Kind]:
    """Say from which source an output was made, and which it is; of others nothing."""
    link = _link(layer)
    if link.get("layer_id") != str(layer.unique_id):
        return "", ""
    return str(link.get("source_id")), str(link.get("output"))


def write_link(
    layer: Layer, source_id: str, kind: Kind, data_fingerprint: str, colors: str | None
) -> None:
    """Note on a layer what it is and what was written to it."""
    layer.metadata[METADATA_KEY]["link"] = {
        "output": kind,
        "source_id": source_id,
        "layer_id": str(layer.unique_id),
        "name": layer.name,
        "data": data_fingerprint,
        "features": _features_of(layer),
        "colors": colors,
    }


def write_data(layer: Layer, data: Any) -> None:
    """Give a layer other pixels, and nothing to undo that was painted on those before.

    napari keeps the strokes of the brush as they were. Undone on other labels they would bring
    back what is no cluster any more.
    """
    layer.data = data
    if isinstance(layer, Labels):
        # napari has no public name for this, and calls it itself where a layer is locked.
        layer._reset_history()


def written_data(layer: Layer) -> str:
    """Give the fingerprint of the pixels that a run has written to a layer."""
    return str(_link(layer).get("data", ""))


def written_colors(layer: Layer) -> str | None:
    """Give the fingerprint of the colours that were last written to a layer."""
    return _link(layer).get("colors")


def write_colors(layer: Layer, colors: str) -> None:
    """Note the fingerprint of the colours that were written to a layer."""
    if link := _link(layer):
        link["colors"] = colors


def _link(layer: Layer) -> dict[str, Any]:
    """Read the note, or an empty one where there is none that can be read."""
    record = layer.metadata.get(METADATA_KEY)
    link = record.get("link") if isinstance(record, dict) else None
    return link if isinstance(link, dict) else {}


def _features_of(layer: Layer) -> str | None:
    features = getattr(layer, "features", None)
    return None if features is None else table_fingerprint(features)


class EditWatch:
    """Knows whether a person has changed an output layer since it was written.

    Comparing all pixels may take a while, so `check` may run on another thread. What
    happens to the layer after that is heard through its events, and then `untouched`
    compares again. `close` stops listening.

    Parameters
    ----------
    layer : Layer
        A layer that `linked_layers` found.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer_id = str(layer.unique_id)
        self._layer = layer
        self._data = layer.data
        self._same_data: bool | None = None
        self._events = [
            layer.events[name]
            for name in ("data", "set_data", "labels_update")
            if name in layer.events
        ]
        for event in self._events:
            event.connect(self._forget)

    def _forget(self) -> None:
        self._same_data = None

    def check(self, progress: Callable[[float, str], None] | None = None) -> None:
        """Compare the pixels with what was written. Any thread may do this."""
        written = _link(self._layer).get("data")
        # Said before reading: what happens while the pixels are read takes it back.
        self._same_data = True
        if fingerprint(self._data, progress) != written:
            self._same_data = False

    def untouched(self) -> bool:
        """Whether pixels, features table and name are as they were written."""
        link = _link(self._layer)
        if self._layer.name != link.get("name") or _features_of(self._layer) != link.get(
            "features"
        ):
            return False
        if self._same_data is None:
            self._data = self._layer.data
            self.check()
        return bool(self._same_data)

    def close(self) -> None:
        """Stop listening to the layer."""
        for event in self._events:
            event.disconnect(self._forget)

"""Of what an output was made, and what of that has changed since.

Arrays are known again by themselves, and by their pixels where somebody looks at these; region and
seeds by what was drawn. Ids of layers are not known in another session, so neither is this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..base.describe import pixels_of
from ..base.same import Same

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari.layers import Image, Layer

    from ..base.same import Changed
    from ..source.layer_image import LayerImage


@dataclass(eq=False)
class _MadeOf:
    """The arrays, and of each layer of marks its id and what was drawn on it.

    `others` are those of which a look has found that something else is drawn by now.
    """

    pixels: tuple[Same, ...]
    marks: Mapping[Changed, tuple[str, str]]
    others: tuple[Changed, ...] = ()


_made_of: WeakKeyDictionary[Layer, _MadeOf] = WeakKeyDictionary()


def write_made_of(layer: Layer, source: LayerImage) -> None:
    """Note of what an output was made. It keeps none of that alive."""
    pixels = tuple(Same(one.data) for one in source.channels or (source,))
    _made_of[layer] = _MadeOf(pixels, source.marks)


def has_other_pixels(layer: Layer, sources: Iterable[Image]) -> bool:
    """Whether images have other pixels than when an output was made of them.

    What was written into their arrays is known once `look_at` has looked at these.
    """
    now = tuple(Same(pixels_of(source)) for source in sources)
    return bool(now) and layer in _made_of and _made_of[layer].pixels != now


def marks_of(layer: Layer) -> Mapping[Changed, tuple[str, str]]:
    """Give the id of the layer of region and seeds of an output, and what was drawn on it."""
    return _made_of[layer].marks if layer in _made_of else {}


def other_marks(layer: Layer) -> tuple[Changed, ...]:
    """Say of which marks a look has found that they are others by now."""
    return _made_of[layer].others if layer in _made_of else ()


def write_other_marks(layer: Layer, others: tuple[Changed, ...]) -> None:
    """Note which marks are others by now."""
    if layer in _made_of:
        _made_of[layer].others = others

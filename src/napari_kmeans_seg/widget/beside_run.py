"""A line beside Run: what counts, is not at its default, and is folded away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Label

from .base.sections import wrap
from .done import is_edited

if TYPE_CHECKING:
    from napari_kmeans_seg.layers.clusters import Clusters

    from .fields.inputs import Inputs
    from .fields.options import Options

_OBJECTS = "A run makes objects of its own clusters, without the work by hand on these."


class OptionsSaid(Label):
    """Says it in words, for settings come back from the last session; hidden where all is usual."""

    def __init__(self) -> None:
        super().__init__(name="options_said", tooltip="What is not at its default.")
        wrap(self)
        self.hide()

    def say(self, options: Options, inputs: Inputs, clusters: Clusters | None) -> None:
        """Read the fields, and whether the clusters that are shown are those of a run."""
        text = ", ".join([*options.said, *inputs.said])
        text = f"{text[:1].upper()}{text[1:]}." if text else ""
        if inputs.objects.value.strip() and clusters is not None and is_edited(clusters):
            text += f" {_OBJECTS}"
        if text != self.value:
            self.value = text
        self.visible = bool(text)

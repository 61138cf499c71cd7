"""How many clusters: a slider, and a number to type."""

from __future__ import annotations

from magicgui.widgets import Container, Slider, SpinBox, Widget

MOST = 255
_FIRST = 5
# Further than anybody tells clusters apart by eye; one step is some pixels of the slider.
_LEAST_OF_SLIDER, _MOST_OF_SLIDER = 2, 32

_TOOLTIP = (
    "k: into how many clusters of similar pixel values the image is split.\n"
    f"The slider goes from {_LEAST_OF_SLIDER} to {_MOST_OF_SLIDER}; type a number for up to {MOST}."
)


class ClusterCount(Container[Widget]):
    """A slider for the usual numbers, next to a field for all of them.

    Attributes
    ----------
    number : SpinBox
        Holds the number.
    slider : Slider
        Follows it as far as it goes.
    """

    def __init__(self) -> None:
        self.slider = Slider(
            name="slider",
            value=_FIRST,
            min=_LEAST_OF_SLIDER,
            max=_MOST_OF_SLIDER,
            readout=False,
            tooltip=_TOOLTIP,
        )
        self.number = SpinBox(name="number", value=_FIRST, min=1, max=MOST, tooltip=_TOOLTIP)
        super().__init__(
            name="n_clusters",
            label="Clusters",
            layout="horizontal",
            labels=False,
            widgets=[self.slider, self.number],
        )
        self.margins = (0, 0, 0, 0)
        self.number.native.setFixedWidth(72)
        self.slider.changed.connect(self._on_slider)
        self.number.changed.connect(self._on_number)

    def reset(self) -> None:
        """Set the first number."""
        self.number.value = _FIRST

    def _on_slider(self, value: int) -> None:
        self.number.value = value

    def _on_number(self, value: int) -> None:
        # A number beyond the slider's ends must not come back from it.
        with self.slider.changed.blocked():
            self.slider.value = min(max(value, _LEAST_OF_SLIDER), _MOST_OF_SLIDER)

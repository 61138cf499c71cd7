"""How many clusters: a slider, and a number to type."""

from __future__ import annotations

from magicgui.widgets import Container, Slider, SpinBox, Widget

from napari_kmeans_seg.core.arguments import FIELDS

_K = FIELDS["n_clusters"]
_LEAST, _MOST = map(int, _K.shown[:2])
# More clusters than anybody can distinguish by eye; one step is some pixels of the slider.
_LEAST_OF_SLIDER, _MOST_OF_SLIDER = 2, 32

_TOOLTIP = (
    f"{_K.help}\n"
    f"The slider goes from {_LEAST_OF_SLIDER} to {_MOST_OF_SLIDER}; "
    f"type a number for up to {_MOST}."
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
            value=_K.default,
            min=_LEAST_OF_SLIDER,
            max=_MOST_OF_SLIDER,
            readout=False,
            tooltip=_TOOLTIP,
        )
        self.number = SpinBox(
            name="number", value=_K.default, min=_LEAST, max=_MOST, tooltip=_TOOLTIP
        )
        super().__init__(
            name="n_clusters",
            label=_K.label,
            layout="horizontal",
            labels=False,
            widgets=[self.slider, self.number],
        )
        self.margins = (0, 0, 0, 0)
        self.number.native.setFixedWidth(72)
        self.slider.changed.connect(self._on_slider)
        self.number.changed.connect(self._on_number)

    def take(self, n_clusters: int) -> None:
        """Set a number that was suggested."""
        self.number.value = n_clusters

    def reset(self) -> None:
        """Set the first number."""
        self.number.value = _K.default

    def _on_slider(self, value: int) -> None:
        self.number.value = value

    def _on_number(self, value: int) -> None:
        # A number beyond the slider's ends must not come back from it.
        with self.slider.changed.blocked():
            self.slider.value = min(max(value, _LEAST_OF_SLIDER), _MOST_OF_SLIDER)

"""The fields that most people never open: how k-means runs, and what is added."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from magicgui.widgets import (
    CheckBox,
    ComboBox,
    Container,
    FloatSpinBox,
    LineEdit,
    PushButton,
    SpinBox,
    Widget,
)
from qtpy.QtWidgets import QAbstractSpinBox

from napari_kmeans_seg.core.arguments import FIELDS
from napari_kmeans_seg.core.kmeans.starts import AUTO, OPTIMAL

from ..base.plain_text import plain
from ..base.sections import Section, unmarked
from .numbers import numbers
from .said import channels_of, of_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_kmeans_seg.core.arguments import Argument
    from napari_kmeans_seg.layers.outputs.edit_watch import Kind


_NOT_OF_CHANNELS = (
    "For several channels, use “Normalize each channel” below the number of clusters."
)
_SEEDED = "The clusters start at the seeds, so nothing is drawn at random."
_FIXED = "The seeds are fixed, so there are no iterations."
_NO_COLORS = "Only RGB images have colours. The values of this image are compared as they are."


def align_labels(container: Widget, em: int = 6) -> None:
    """Give the labels one width, whatever the font; magicgui measures them in another one."""
    container.native.setStyleSheet(f"QLabel {{ min-width: {em}em; }}")


def field_of(argument: Argument) -> Any:
    """Make the field of an argument; which one follows from what its default is."""
    name, default = argument.name, argument.default
    words: dict[str, Any] = {"name": name, "tooltip": argument.tooltip}
    low, high, step = argument.shown
    if argument.choices:
        return ComboBox(label=argument.label, value=default, choices=_choices(argument), **words)
    if isinstance(default, bool):
        return CheckBox(text=argument.label, value=default, **words)
    words["label"] = argument.label
    if isinstance(default, int):
        return SpinBox(value=default, min=int(low), max=int(high), **words)
    if name == "fit_scale":
        percent: Any = FloatSpinBox(
            value=100 * default, min=100 * low, max=100 * high, step=100 * step, **words
        )
        percent.name = "fit_percent"
        percent.native.setSuffix(" %")
        percent.native.setDecimals(0)
        return percent
    if name == "tol":
        # Small numbers of many sizes: the step follows the number.
        tolerance: Any = FloatSpinBox(min=low, max=high, **words)
        tolerance.native.setDecimals(6)
        tolerance.value = default
        tolerance.native.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        return tolerance
    if isinstance(default, float):
        return FloatSpinBox(value=default, min=low, max=high, step=step, **words)
    weights: Any = LineEdit(value="", **words)
    weights.native.setPlaceholderText("all alike")
    return weights


def _choices(argument: Argument) -> list[tuple[str, str]]:
    return [(one.label, one.value) for one in argument.choices]


class Options(Container[Widget]):
    """The fields under "More options".

    Attributes
    ----------
    fields : dict
        The field of each argument of `segment`, by the argument's name.
    """

    def __init__(self) -> None:
        fields = {name: field_of(one) for name, one in FIELDS.items() if name != "n_clusters"}
        self.fields: dict[str, Any] = fields
        self.add_image = CheckBox(
            text="Segmented image",
            value=True,
            tooltip="A copy of the image, each pixel in the mean value of its cluster.",
        )
        self.add_labels = CheckBox(
            text="Labels",
            value=True,
            tooltip=(
                "A Labels layer: 1 is the darkest cluster, 0 is not part of any. "
                "Its features table lists size and mean of each cluster."
            ),
        )
        add = Container(
            label="Add", widgets=[self.add_image, self.add_labels], labels=False, name="add"
        )
        self.reset_button = PushButton(
            text="Reset", tooltip="Set everything under More options to its default."
        )
        super().__init__()
        # Not by the constructor: only later additions get labels of one width.
        self.extend([*fields.values(), add, self.reset_button])
        for container in (self, add):
            container.margins = (0, 0, 0, 0)
        align_labels(self)
        # What was chosen, and comes back with images that it can be done with.
        self._color_space, self._optimal = fields["color_space"].value, False
        # Weights belong to channels: those of others come back with these.
        self._images: tuple[str, ...] = ()
        self._weighed: tuple[str, ...] = ()
        self._weights: dict[tuple[str, ...], str] = {}
        fields["color_space"].changed.connect(self._weigh)
        self._defaults = {field: field.value for field in self._all}
        self.reset_button.changed.connect(self.reset)

    @property
    def _all(self) -> list[Any]:
        return [*self.fields.values(), self.add_image, self.add_labels]

    @property
    def _kept(self) -> dict[str, Any]:
        """The fields that come back in the next session, by their names in the manifest."""
        kept = [field for name, field in self.fields.items() if FIELDS[name].kept]
        outputs = {"add_image": self.add_image, "add_labels": self.add_labels}
        return {field.name: field for field in kept} | outputs

    @property
    def changed_fields(self) -> list[str]:
        """The labels of those that differ from their defaults."""
        changed = [field for field, value in self._defaults.items() if field.value != value]
        return [field.text if isinstance(field, CheckBox) else unmarked(field) for field in changed]

    @property
    def settings(self) -> dict[str, Any]:
        """What is to come back in the next session, by its name in the manifest."""
        settings = {name: field.value for name, field in self._kept.items()}
        settings["tol"] = f"{settings['tol']:g}"
        if not self.fields["color_space"].enabled:
            settings["color_space"] = self._color_space
        if self._optimal and settings["init"] == AUTO:
            settings["init"] = OPTIMAL.name
        return settings

    def take(self, settings: Mapping[str, Any]) -> None:
        """Set what is found in the settings of an earlier session."""
        for name, field in self._kept.items():
            if name in settings:
                # A number that was written by hand may be none.
                with suppress(ValueError):
                    field.value = settings[name]

    def reset(self) -> None:
        """Set all to their defaults."""
        for field, value in self._defaults.items():
            field.value = value
        self._color_space, self._optimal = self.fields["color_space"].value, False
        self._weights.clear()

    def offer(
        self,
        names: Sequence[str],
        *,
        several: bool,
        rgb: bool,
        axes: tuple[list[str], list[str]] = ([], []),
    ) -> None:
        """Offer what can be done with an image, or with several channels that are no colours.

        Parameters
        ----------
        names : sequence of str
            What the images or channels are called.
        several : bool
            Whether several channels are clustered that are no colours.
        rgb : bool
            Whether the first one is a colour image.
        axes : pair of list of str
            The axes along which it is blurred by smoothing, and those where it is not.
        """
        blurred, sharp = axes
        along = ""
        if blurred and (sharp or len(blurred) > 2):
            not_along = f"; not along {', '.join(sharp)}, which is time" if sharp else ""
            along = f"\nAlong {', '.join(blurred)}{not_along}."
        self._explain("smoothing", FIELDS["smoothing"].help + along)
        self._offer_colors(rgb=rgb and not several)
        self._images = () if rgb and not several else ("layers", *names)
        self._weigh()
        self._offer_optimal(one_channel=not rgb and not several)
        # Several channels have a field of their own for it, on at first; two would contradict.
        self._offer("normalize", not several, _NOT_OF_CHANNELS)

    def offer_start(self, *, seeded: bool, fixed: bool) -> None:
        """Let be chosen what counts: less with seeds, and still less where these stay."""
        for name in ("init", "n_init", "seed"):
            self._offer(name, not seeded, _SEEDED)
        for name in ("tol", "max_iter"):
            self._offer(name, not fixed, _FIXED)

    def _offer(self, name: str, counts: bool, otherwise: str) -> None:
        """Let an argument be set where it counts, and say why where it does not."""
        self.fields[name].enabled = counts
        self._explain(name, FIELDS[name].tooltip if counts else otherwise)

    def _explain(self, name: str, tooltip: str) -> None:
        self.fields[name].tooltip = plain(tooltip)

    def _offer_optimal(self, *, one_channel: bool) -> None:
        """Let the optimal clustering be chosen for images that have one."""
        field, choices = self.fields["init"], _choices(FIELDS["init"])
        if one_channel == (OPTIMAL.name in field.choices):
            return
        if one_channel:
            field.choices = choices
            if self._optimal and field.value == AUTO:
                field.value = OPTIMAL.name
        else:
            self._optimal = field.value == OPTIMAL.name
            if self._optimal:
                field.value = AUTO
            field.choices = [choice for choice in choices if choice[1] != OPTIMAL.name]

    def _offer_colors(self, *, rgb: bool) -> None:
        """Let the colour space be chosen for RGB images only; the choice comes back with them."""
        field = self.fields["color_space"]
        if rgb != field.enabled:
            if not rgb:
                self._color_space = field.value
            field.value = self._color_space if rgb else FIELDS["color_space"].default
            self._offer("color_space", rgb, _NO_COLORS)

    @property
    def channels(self) -> tuple[str, ...]:
        """What the channels are called that are compared."""
        if self._images:
            return self._images[1:]
        return channels_of(self.fields["color_space"].value)

    def _weigh(self) -> None:
        """Give channels the weights that were theirs; others begin without any."""
        # Of one grey image the name says nothing.
        channels = self.channels if len(self._images) != 2 else ("intensity",)
        if channels != self._weighed:
            field = self.fields["channel_weights"]
            self._weights[self._weighed] = field.value
            self._weighed = channels
            field.value = self._weights.get(channels, "")

    @property
    def said(self) -> list[str]:
        """What differs from its default and counts, in words; see `of_arguments`."""
        counts = {name for name, field in self.fields.items() if field.enabled}
        try:
            arguments = self.parameters
        except ValueError:  # which is said once it is run
            arguments = {}
        words = of_arguments({k: v for k, v in arguments.items() if k in counts}, self.channels)
        missing = [one.text for one in (self.add_image, self.add_labels) if not one.value]
        return words + [f"no {text[:1].lower()}{text[1:]}" for text in missing]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Which outputs are wanted."""
        wanted: list[tuple[Kind, bool]] = [
            ("image", self.add_image.value),
            ("labels", self.add_labels.value),
        ]
        return tuple(kind for kind, on in wanted if on)

    @property
    def parameters(self) -> dict[str, Any]:
        """The fields as arguments of `napari_kmeans_seg.segment`; ValueError for bad weights."""
        values = {name: field.value for name, field in self.fields.items()}
        weights = _weights(values["channel_weights"])
        return values | {"fit_scale": values["fit_scale"] / 100, "channel_weights": weights}


def _weights(text: str) -> list[float] | None:
    label = FIELDS["channel_weights"].label
    return numbers(label, text, "one number per channel, such as 1 1 0.5") or None


class OptionsSection(Section):
    """Folds the options, and says in its title how many differ from their defaults.

    They come back from the last session, and count while they are folded.
    """

    def __init__(self, options: Options) -> None:
        super().__init__("More options", options.native)
        self._options = options
        options.changed.connect(self._count)
        self._count()

    def _count(self) -> None:
        names = self._options.changed_fields
        tip = f"Changed from the default: {', '.join(names)}." if names else ""
        self.note(f"({len(names)} changed)" if names else "", tip)

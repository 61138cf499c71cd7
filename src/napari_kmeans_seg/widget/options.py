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

from .plain_text import plain
from .sections import Section, unmarked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_kmeans_seg.layers.link import Kind


_SPACES = [("red, green, blue", "rgb"), ("Lab", "lab"), ("HSV", "hsv")]
_SPACES_TOOLTIP = (
    "How colours are compared.\n"
    "red, green, blue: as they are stored.\n"
    "Lab: as the eye tells them apart.\n"
    "HSV: by hue, saturation and brightness; both ends of the hue are one red."
)
_SMOOTHING_TOOLTIP = (
    "Width (sigma) in pixels of a Gaussian blur before clustering, against noise.\n"
    "0: none. The segmented image is painted with the means of the unblurred pixels."
)
_NORMALIZE_TOOLTIP = "Scale all channels to the same spread, so that each counts alike."
_NOT_OF_LAYERS = "Of several layers, “Normalize each channel” below the number of clusters says it."
_SEEDED = "The seeds tell where clusters start: nothing is drawn at random."
_HELD = "The seeds are held fixed: there are no iterations."
_NO_COLORS = "Only RGB images have colours; the values of this one are compared as they are."

# What comes back in the next session. Not the weights: they belong to an image's channels.
_KEPT = (
    "init", "n_init", "seed", "tol", "max_iter", "fit_percent", "color_space", "smoothing",
    "spatial_weight", "normalize", "add_image", "add_labels",
)  # fmt: skip


def align_labels(container: Widget, em: int = 6) -> None:
    """Give the labels one width, whatever the font; magicgui measures them in another one."""
    container.native.setStyleSheet(f"QLabel {{ min-width: {em}em; }}")


_INITS = [
    ("automatic", "auto"),
    ("k-means++", "k-means++"),
    ("random", "random"),
    ("optimal", "optimal"),
]


class Options(Container[Widget]):
    """The fields under "More options"."""

    def __init__(self) -> None:
        self.init = ComboBox(
            label="Init",
            value="auto",
            choices=_INITS,
            tooltip=(
                "How the first cluster centres are found.\n"
                "automatic: optimal for grey images with few distinct values, else k-means++.\n"
                "k-means++: centres far from each other.\n"
                "random: values of the image, drawn at random.\n"
                "optimal: the best clustering there is, with no start at all; "
                "for images with one channel."
            ),
        )
        self.n_init = SpinBox(
            label="Restarts",
            value=1,
            min=1,
            max=1000,
            tooltip="How many starts are tried. The one with the least spread is kept.",
        )
        self.seed = SpinBox(
            label="Seed",
            value=0,
            min=0,
            max=2**31 - 1,
            tooltip="Start of the random numbers. The same seed gives the same result.",
        )
        self.tol = FloatSpinBox(
            label="Tolerance",
            min=0,
            max=1,
            tooltip=(
                "When to stop: once the squared move of the centres, relative to the variance "
                "of the image, is not above this (no unit).\n"
                "0 goes on until no pixel changes its cluster."
            ),
        )
        self.max_iter = SpinBox(
            label="Iterations",
            value=300,
            min=1,
            max=100_000,
            tooltip="At most this many rounds of k-means.",
        )
        self.fit_percent = FloatSpinBox(
            label="Fit scale",
            value=100,
            min=1,
            max=100,
            step=5,
            tooltip=(
                "Size of the copy on which the clusters are found, in percent of the image's "
                "width and height. The whole image is labelled in any case.\n"
                "100 % is exact; less is faster and smooths fine noise."
            ),
        )
        self.color_space = ComboBox(
            label="Colours", value="rgb", choices=_SPACES, tooltip=_SPACES_TOOLTIP
        )
        self.smoothing = FloatSpinBox(
            label="Smoothing",
            value=0,
            min=0,
            max=100,
            step=0.5,
            tooltip=_SMOOTHING_TOOLTIP,
        )
        self.spatial_weight = FloatSpinBox(
            label="Position",
            value=0,
            min=0,
            max=1000,
            step=0.1,
            tooltip=(
                "How much it counts where a pixel lies, beside its value (no unit).\n"
                "0: only values count. 1: places count as much as values; clusters become patches."
            ),
        )
        self.normalize = CheckBox(
            text="Normalize channels",
            value=False,
            tooltip=_NORMALIZE_TOOLTIP,
        )
        self.channel_weights = LineEdit(
            label="Weights",
            value="",
            tooltip=(
                "How much each channel counts, one number per channel, e.g. 1, 1, 0.5.\n"
                "Empty: all alike. 0 leaves a channel out."
            ),
        )
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
                "Its features table tells size and mean of each cluster."
            ),
        )
        add = Container(
            label="Add", widgets=[self.add_image, self.add_labels], labels=False, name="add"
        )
        self.reset_button = PushButton(
            text="Reset", tooltip="Set everything under More options as it was at first."
        )
        super().__init__()
        # Not by the constructor: only later additions get labels of one width.
        self.extend(
            [
                self.init,
                self.n_init,
                self.seed,
                self.tol,
                self.max_iter,
                self.fit_percent,
                self.color_space,
                self.smoothing,
                self.spatial_weight,
                self.channel_weights,
                self.normalize,
                add,
                self.reset_button,
            ]
        )
        for container in (self, add):
            container.margins = (0, 0, 0, 0)

        align_labels(self)
        self.fit_percent.native.setSuffix(" %")
        self.fit_percent.native.setDecimals(0)
        # Small numbers of many sizes: the step follows the number.
        self.tol.native.setDecimals(6)
        self.tol.value = 1e-4
        self.tol.native.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)

        self.channel_weights.native.setPlaceholderText("all alike")
        # What was chosen, and comes back with images that it can be done with.
        self._color_space, self._optimal = "rgb", False
        self._tooltips = {field: field.tooltip for field in self}
        self._at_first = {field: field.value for field in self._fields}
        self.reset_button.changed.connect(self.reset)

    @property
    def _fields(self) -> list[Any]:
        own = [field for field in self if field not in (self["add"], self.reset_button)]
        return [*own, self.add_image, self.add_labels]

    @property
    def changed_fields(self) -> list[str]:
        """The names of those that are not as they were at first."""
        changed = [field for field, value in self._at_first.items() if field.value != value]
        return [field.text if isinstance(field, CheckBox) else unmarked(field) for field in changed]

    @property
    def settings(self) -> dict[str, Any]:
        """What is to come back in the next session, by its name in the manifest."""
        settings = {name: getattr(self, name).value for name in _KEPT}
        settings["tol"] = f"{self.tol.value:g}"
        if not self.color_space.enabled:
            settings["color_space"] = self._color_space
        if self._optimal and self.init.value == "auto":
            settings["init"] = "optimal"
        return settings

    def take(self, settings: Mapping[str, Any]) -> None:
        """Set what is found in the settings of an earlier session."""
        for name in _KEPT:
            if name in settings:
                # A number that was written by hand may be none.
                with suppress(ValueError):
                    getattr(self, name).value = settings[name]

    def reset(self) -> None:
        """Set all as it was at first."""
        for field, value in self._at_first.items():
            field.value = value
        self._color_space, self._optimal = "rgb", False

    def offer(
        self, n_images: int, *, rgb: bool, axes: tuple[list[str], list[str]] = ([], [])
    ) -> None:
        """Offer what can be done with an image, or with several as channels of one.

        `axes` names those along which it is blurred by smoothing, and those where it is not.
        """
        blurred, sharp = axes
        told = f"\nAlong {', '.join(blurred)}" if blurred and (sharp or len(blurred) > 2) else ""
        not_along = f"; not along {', '.join(sharp)}, which is time" if told and sharp else ""
        self.smoothing.tooltip = plain(f"{_SMOOTHING_TOOLTIP}{told}{not_along}{told and '.'}")
        self._offer_colors(rgb=rgb and n_images == 1)
        self._offer_optimal(one_channel=not rgb and n_images == 1)
        # Several layers have a field of their own for it, on at first; two would contradict.
        self.normalize.enabled = n_images == 1
        self.normalize.tooltip = _NORMALIZE_TOOLTIP if n_images == 1 else _NOT_OF_LAYERS

    def offer_start(self, *, seeded: bool, fixed: bool) -> None:
        """Let be chosen what counts: less with seeds, and still less where these stay."""
        for field, counts, why in (
            (self.init, not seeded, _SEEDED),
            (self.n_init, not seeded, _SEEDED),
            (self.seed, not seeded, _SEEDED),
            (self.tol, not fixed, _HELD),
            (self.max_iter, not fixed, _HELD),
        ):
            field.enabled = counts
            field.tooltip = self._tooltips[field] if counts else why

    def _offer_optimal(self, *, one_channel: bool) -> None:
        """Let the optimal clustering be chosen for images that have one."""
        field = self.init
        if one_channel == ("optimal" in field.choices):
            return
        if one_channel:
            field.choices = _INITS
            if self._optimal and field.value == "auto":
                field.value = "optimal"
        else:
            self._optimal = field.value == "optimal"
            if self._optimal:
                field.value = "auto"
            field.choices = [choice for choice in _INITS if choice[1] != "optimal"]

    def _offer_colors(self, *, rgb: bool) -> None:
        """Let the colour space be chosen for RGB images only; the choice comes back with them."""
        field = self.color_space
        if rgb != field.enabled:
            if not rgb:
                self._color_space = field.value
            field.value = self._color_space if rgb else "rgb"
            field.enabled = rgb
            field.tooltip = _SPACES_TOOLTIP if rgb else _NO_COLORS

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
        return {
            "init": self.init.value,
            "n_init": self.n_init.value,
            "seed": self.seed.value,
            "tol": self.tol.value,
            "max_iter": self.max_iter.value,
            "fit_scale": self.fit_percent.value / 100,
            "color_space": self.color_space.value,
            "smoothing": self.smoothing.value,
            "spatial_weight": self.spatial_weight.value,
            "normalize": self.normalize.value,
            "channel_weights": self._weights(),
        }

    def _weights(self) -> list[float] | None:
        text = self.channel_weights.value.strip()
        if not text:
            return None
        try:
            return [float(part) for part in text.replace(",", " ").split()]
        except ValueError:
            raise ValueError(
                f"“Weights” takes one number per channel, such as 1, 1, 0.5; got “{text}”."
            ) from None


class OptionsSection(Section):
    """Folds the options, and tells in its title how many are not as they were at first.

    They come back from the last session, and count while they are folded.
    """

    def __init__(self, options: Options) -> None:
        super().__init__("More options", options.native)
        self._options = options
        options.changed.connect(self._tell)
        self._tell()

    def _tell(self) -> None:
        names = self._options.changed_fields
        told = f"Not as at first: {', '.join(names)}." if names else ""
        self.note(f"({len(names)} changed)" if names else "", told)

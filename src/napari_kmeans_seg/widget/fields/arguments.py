"""The arguments of `segment` that the dock has a field for: name, default and words, once.

This knows neither Qt nor NumPy, so that it can be read by whoever needs no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Stage = Literal["reading", "fitting"]


@dataclass(frozen=True)
class Choice:
    """One value of an argument that has only a few.

    Attributes
    ----------
    value : str
        What `segment` takes.
    label, help : str
        What a person reads.
    """

    value: str
    label: str
    help: str


@dataclass(frozen=True)
class Argument:
    """An argument of `segment`.

    Attributes
    ----------
    name : str
        What `segment` calls it.
    default : object
        Its value where none is given.
    stage : str
        Whether the points depend on it ("reading"), or only what is made of them ("fitting").
    label, help : str
        What a person reads: beside the field and in messages, and when asking for more.
    choices : tuple of Choice
        All values, where they are few.
    shown : tuple of float
        The least and the largest number that the field holds, and a step. `segment` may take
        more.
    kept : bool
        Whether it comes back in the next session.
    """

    name: str
    default: Any
    stage: Stage
    label: str
    help: str
    choices: tuple[Choice, ...] = ()
    shown: tuple[float, float, float] = (0, 1, 1)
    kept: bool = True

    @property
    def tooltip(self) -> str:
        """The help, with a line for each choice."""
        return "\n".join([self.help, *(f"{one.label}: {one.help}" for one in self.choices)])


ARGUMENTS = (
    Argument(
        name="n_clusters",
        default=5,
        stage="fitting",
        label="Clusters",
        help="k: into how many clusters of similar pixel values the image is split.",
        shown=(1, 255, 1),
    ),
    Argument(
        name="init",
        default="auto",
        stage="fitting",
        label="Init",
        help="How the first cluster centres are found.",
        choices=(
            Choice(
                "auto",
                "automatic",
                "optimal for grey images with few distinct values, else k-means++.",
            ),
            Choice("k-means++", "k-means++", "centres far from each other."),
            Choice("random", "random", "values of the image, drawn at random."),
            Choice(
                "optimal",
                "optimal",
                "the best clustering there is, with no start at all; for images with one channel.",
            ),
        ),
    ),
    Argument(
        name="n_init",
        default=1,
        stage="fitting",
        label="Restarts",
        help="How many starts are tried. The result with the lowest inertia is kept.",
        shown=(1, 1000, 1),
    ),
    Argument(
        name="seed",
        default=0,
        stage="fitting",
        label="Seed",
        help="Start of the random numbers. The same seed gives the same result.",
        shown=(0, 2**31 - 1, 1),
    ),
    Argument(
        name="tol",
        default=1e-4,
        stage="fitting",
        label="Tolerance",
        help=(
            "When to stop: once the centres move by no more than this. Their squared move is "
            "divided by the variance of the image (no unit).\n"
            "0: only when no pixel changes its cluster."
        ),
    ),
    Argument(
        name="max_iter",
        default=300,
        stage="fitting",
        label="Iterations",
        help="At most this many rounds of k-means.",
        shown=(1, 100_000, 1),
    ),
    Argument(
        name="fit_scale",
        default=1.0,
        stage="reading",
        label="Fit scale",
        help=(
            "Size of the copy on which the clusters are found, in percent of the image's width "
            "and height. The whole image is labelled in any case.\n"
            "100 % is exact; less is faster and smooths fine noise."
        ),
        shown=(0.01, 1, 0.05),
    ),
    Argument(
        name="color_space",
        default="rgb",
        stage="reading",
        label="Colours",
        help="How colours are compared.",
        choices=(
            Choice("rgb", "red, green, blue", "as they are stored."),
            Choice("lab", "Lab", "by how different they look to the eye."),
            Choice(
                "hsv",
                "HSV",
                "by hue, saturation and brightness; both ends of the hue are one red.",
            ),
        ),
    ),
    Argument(
        name="smoothing",
        default=0.0,
        stage="reading",
        label="Smoothing",
        help=(
            "Width (sigma) in pixels of a Gaussian blur before clustering, against noise.\n"
            "0: none. The segmented image is painted with the means of the unblurred pixels."
        ),
        shown=(0, 100, 0.5),
    ),
    Argument(
        name="spatial_weight",
        default=0.0,
        stage="reading",
        label="Position",
        help=(
            "How much the position of a pixel counts, compared with its value (no unit).\n"
            "0: only values count. 1: both count alike, and clusters become patches."
        ),
        shown=(0, 1000, 0.1),
    ),
    Argument(
        name="channel_weights",
        default=None,
        stage="reading",
        label="Weights",
        help=(
            "How much each channel counts, one number per channel, e.g. 1 1 0.5.\n"
            "Empty: all channels count alike. 0 leaves a channel out."
        ),
        # They belong to an image's channels.
        kept=False,
    ),
    Argument(
        name="normalize",
        default=False,
        stage="reading",
        label="Normalize channels",
        help="Scale all channels to the same spread, so that each counts alike.",
    ),
)

BY_NAME = {one.name: one for one in ARGUMENTS}

READING = tuple(one.name for one in ARGUMENTS if one.stage == "reading")
"""The arguments of which the points depend; the others belong to k-means itself."""

"""The arguments of `segment`: name, default, check and words of each, once.

Signatures are written out all the same, where a reader of ``help(segment)`` sees them;
tests/widget/test_arguments.py holds them to this table, with the dock, the command line, the
manifest and the copied script. This loads no NumPy, so that the command line can read it at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from .base import checks
from .base.checks import NOT_GIVEN as NOT_GIVEN
from .image.color_spaces import COLOR_SPACES
from .kmeans.starts import AUTO, STARTS

if TYPE_CHECKING:
    from collections.abc import Callable

Stage = Literal["image", "reading", "fitting"]


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


@dataclass(frozen=True, kw_only=True)
class Argument:
    """An argument of `segment`.

    Attributes
    ----------
    name : str
        What `segment` calls it.
    default : object
        Its value where none is given.
    stage : str
        What depends on it: which pixels there are ("image"), the points ("reading"), or only what
        is made of these ("fitting").
    check : callable or None
        Takes the name and a value; returns the value, or raises `WrongValue` or `WrongType`. None
        where it is checked with the image.
    label : str
        What a person reads beside the field and in messages. None where layers say it.
    help : str
        What a person reads who wants to know more: the first line says what it is.
    choices : tuple of Choice
        All values, where they are few.
    shown : tuple of float
        The least and the largest number that the field holds, and a step. `check` may take more.
    kept : bool
        Whether it comes back in the next session.
    for_parts : bool
        Whether it is used again when a cluster is split.
    blurs : str
        What to call it where it is why clusters overlap in value.
    """

    name: str
    default: Any
    stage: Stage
    check: Callable[[str, Any], Any] | None = None
    label: str = ""
    help: str = ""
    choices: tuple[Choice, ...] = ()
    shown: tuple[float, float, float] = (0, 1, 1)
    kept: bool = True
    for_parts: bool = True
    blurs: str = ""

    @property
    def summary(self) -> str:
        """The first line of the help."""
        return self.help.partition("\n")[0]

    @property
    def tooltip(self) -> str:
        """The help, with a line for each choice."""
        return "\n".join([self.help, *(f"{one.label}: {one.help}" for one in self.choices)])


def _init(name: str, value: Any) -> Any:
    return checks.choice(name, value, (AUTO, *STARTS)) if isinstance(value, str) else value


# In the order in which the dock shows them.
_ALL = (
    # What the dock finds out from layers, and the command line from files.
    Argument(name="channel_axis", default=NOT_GIVEN, stage="image"),
    Argument(name="alpha", default=None, stage="image"),
    Argument(name="mask", default=None, stage="image"),
    Argument(
        name="n_clusters",
        default=5,
        stage="fitting",
        check=partial(checks.integer, low=1, high=checks.MAX_CLUSTERS),
        label="Clusters",
        help="k: into how many clusters of similar pixel values the image is split.",
        shown=(1, 255, 1),
        for_parts=False,
    ),
    Argument(
        name="init",
        default=AUTO,
        stage="fitting",
        check=_init,
        label="Init",
        help="How the first cluster centres are found.",
        choices=(
            Choice(
                AUTO,
                "automatic",
                "optimal for grey images with few distinct values, else k-means++.",
            ),
            *(Choice(one.name, one.label, one.help) for one in STARTS.values()),
        ),
        for_parts=False,
    ),
    Argument(
        name="n_init",
        default=1,
        stage="fitting",
        check=partial(checks.integer, low=1),
        label="Restarts",
        help="How many starts are tried. The result with the lowest inertia is kept.",
        shown=(1, 1000, 1),
    ),
    Argument(
        name="seed",
        default=0,
        stage="fitting",
        check=checks.seed,
        label="Seed",
        help="Start of the random numbers. The same seed gives the same result.",
        shown=(0, 2**31 - 1, 1),
    ),
    Argument(
        name="tol",
        default=1e-4,
        stage="fitting",
        check=partial(checks.real, low=0),
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
        check=partial(checks.integer, low=1),
        label="Iterations",
        help="At most this many rounds of k-means.",
        shown=(1, 100_000, 1),
    ),
    Argument(
        name="fit_scale",
        default=1.0,
        stage="reading",
        check=partial(checks.real, low=0, high=1, above=True),
        label="Fit scale",
        help=(
            "Size of the copy on which the clusters are found, in percent of the image's width "
            "and height. The whole image is labelled in any case.\n"
            "100 % is exact; less is faster and smooths fine noise."
        ),
        shown=(0.01, 1, 0.05),
        for_parts=False,
    ),
    Argument(
        name="color_space",
        default="rgb",
        stage="reading",
        check=partial(checks.choice, choices=COLOR_SPACES),
        label="Colours",
        help="How colours are compared.",
        choices=tuple(Choice(one.name, one.label, one.help) for one in COLOR_SPACES.values()),
    ),
    Argument(
        name="smoothing",
        default=0.0,
        stage="reading",
        check=partial(checks.one_or_several, low=0, high=checks.MAX_SMOOTHING),
        label="Smoothing",
        help=(
            "Width (sigma) in pixels of a Gaussian blur before clustering, against noise.\n"
            "0: none. The segmented image is painted with the means of the unblurred pixels."
        ),
        shown=(0, 100, 0.5),
        blurs="smoothing",
    ),
    Argument(
        name="spatial_weight",
        default=0.0,
        stage="reading",
        check=checks.weight,
        label="Position",
        help=(
            "How much the position of a pixel counts, compared with its value (no unit).\n"
            "0: only values count. 1: both count alike, and clusters become patches."
        ),
        shown=(0, 1000, 0.1),
        blurs="position",
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
        check=checks.flag,
        label="Normalize channels",
        help="Scale all channels to the same spread, so that each counts alike.",
    ),
)

ARGUMENTS = {one.name: one for one in _ALL}

FIELDS = {one.name: one for one in _ALL if one.label}
"""Those that a person sets."""

READING = tuple(one.name for one in _ALL if one.stage == "reading")
"""The arguments of which the points depend; the others belong to k-means itself."""

FITTING = tuple(one.name for one in _ALL if one.stage == "fitting")
"""The arguments of k-means itself."""


def checked(**given: Any) -> dict[str, Any]:
    """Check arguments, as far as that can be done without the image.

    Parameters
    ----------
    **given
        Values by the names of their arguments.

    Returns
    -------
    dict
        The same, as `segment` goes on with them.

    Raises
    ------
    WrongValue, WrongType
        If one is not what it should be; the first of them.
    """
    found = {}
    for name, value in given.items():
        check = ARGUMENTS[name].check
        found[name] = value if check is None else check(name, value)
    return found

"""What is not at its default, in the words of a person: it is read beside Run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .arguments import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

CHANNELS = {
    "rgb": ("red", "green", "blue"),
    "lab": ("lightness", "green to red", "blue to yellow"),
    "hsv": ("hue and saturation, across", "hue and saturation, along", "brightness"),
}
"""What the channels are that colours are compared by."""

_SPACES = {"lab": "Lab", "hsv": "HSV"}
_STARTS = {
    "k-means++": "k-means++ start",
    "random": "random start",
    "optimal": "optimal clustering",
}


def of_arguments(arguments: Mapping[str, Any], channels: Sequence[str]) -> list[str]:
    """Say which arguments of `segment` differ from their defaults, and in what.

    Parameters
    ----------
    arguments : mapping
        Those that count.
    channels : sequence of str
        The names of the channels, as they are compared.

    Returns
    -------
    list of str
        E.g. ["Lab", "lightness ignored", "best of 5 starts"].
    """
    words: dict[str, Callable[[Any], list[str]]] = {
        "color_space": lambda value: [_SPACES[value]],
        "channel_weights": lambda value: _weights(value, channels),
        "normalize": lambda value: ["channels normalized"] if value else [],
        "smoothing": lambda value: [f"smoothed by {value:g} pixels"],
        "spatial_weight": lambda value: [f"position × {value:g}"],
        "fit_scale": lambda value: [f"found on a copy of {100 * value:g} %"],
        "init": lambda value: [_STARTS[value]],
        "n_init": lambda value: [f"best of {value} starts"],
        "seed": lambda value: [f"seed {value}"],
        "tol": lambda value: [f"tolerance {value:g}"],
        "max_iter": lambda value: [f"{value:,} iterations at most"],
    }
    return [
        said
        for name, say in words.items()
        if name in arguments and arguments[name] != BY_NAME[name].default
        for said in say(arguments[name])
    ]


def _weights(weights: Sequence[float], channels: Sequence[str]) -> list[str]:
    if len(weights) != len(channels):
        return [f"weights {' '.join(f'{one:g}' for one in weights)}"]
    each = zip(channels, weights, strict=True)
    return [
        f"{name} ignored" if weight == 0 else f"{name} × {weight:g}"
        for name, weight in each
        if weight != 1
    ]

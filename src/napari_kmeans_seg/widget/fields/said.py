"""What is not at its default, in the words of a person: it is read beside Run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_kmeans_seg.core.arguments import FIELDS
from napari_kmeans_seg.core.image.color_spaces import COLOR_SPACES
from napari_kmeans_seg.core.kmeans.starts import STARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PLAIN = {
    "L*": "lightness",
    "a*": "green to red",
    "b*": "blue to yellow",
    "value": "brightness",
}


def channels_of(color_space: str) -> tuple[str, ...]:
    """Name the channels by which colours are compared in a space, in plain words."""
    axes = COLOR_SPACES[color_space].axes
    return tuple(_PLAIN.get(axis, axis) for axis in axes) if axes else ("red", "green", "blue")


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
        "color_space": lambda value: [COLOR_SPACES[value].label],
        "channel_weights": lambda value: _weights(value, channels),
        "normalize": lambda value: ["channels normalized"] if value else [],
        "smoothing": lambda value: [f"smoothed by {value:g} pixels"],
        "spatial_weight": lambda value: [f"position × {value:g}"],
        "fit_scale": lambda value: [f"found on a copy of {100 * value:g} %"],
        "init": lambda value: [f"{STARTS[value].label} start"],
        "n_init": lambda value: [f"best of {value} starts"],
        "seed": lambda value: [f"seed {value}"],
        "tol": lambda value: [f"tolerance {value:g}"],
        "max_iter": lambda value: [f"{value:,} iterations at most"],
    }
    return [
        said
        for name, say in words.items()
        if name in arguments and arguments[name] != FIELDS[name].default
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

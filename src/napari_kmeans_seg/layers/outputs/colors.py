"""The colours of a Labels layer: clusters in their mean colours, until a person says otherwise."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from napari.utils.colormaps.standardize_color import transform_color

from napari_kmeans_seg.core.base.parallel import start_or_run
from napari_kmeans_seg.core.cluster_colors import DISTINCT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt
    from napari.layers import Image, Labels

BY_HAND = "magenta"
"""The colour of a label that no cluster has: it was painted by hand, and must not be overlooked."""


def distinct_colors(labels: Iterable[int], hues: Sequence[str] = DISTINCT) -> dict[int, Any]:
    """Give each label a hue that colour-blind people can distinguish, up to 16."""
    return {label: transform_color(hues[i % len(hues)])[0] for i, label in enumerate(labels)}


@cache
def distinct_hues(n_clusters: int) -> DirectLabelColormap:
    """Give the labels from 1 on distinct hues. The same colormap for the same number."""
    table: dict[int | None, Any] = {None: BY_HAND, 0: "transparent"}
    table.update(distinct_colors(range(1, n_clusters + 1)).items())
    return DirectLabelColormap(color_dict=table)


@dataclass(frozen=True)
class Display:
    """How an image layer shows its values: the canvas applies limits and gamma to them.

    Colours as well as greys: of 16 bits, the 12 that a camera gives are far from black there.

    Attributes
    ----------
    low, high : float
        The contrast limits.
    gamma : float
        The exponent of what lies between them.
    """

    low: float
    high: float
    gamma: float

    @classmethod
    def of(cls, layer: Image) -> Display:
        """Read how a layer shows its values now."""
        low, high = layer.contrast_limits
        return cls(float(low), float(high), float(layer.gamma))

    def colors(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Give the colours in which values of channels are shown.

        Parameters
        ----------
        values : (n, 3) or (n, 1) array
            Red, green and blue, or grey.

        Returns
        -------
        (n, 4) array
            Red, green, blue, alpha, from 0 to 1. What is not a number is as dark as can be.
        """
        span = max(self.high - self.low, np.finfo(float).tiny)
        colors = np.ones((len(values), 4))
        share = np.clip(np.nan_to_num((values - self.low) / span), 0, 1)
        colors[:, :3] = share**self.gamma
        return colors


def mean_colors(means: npt.NDArray[Any], display: Display) -> DirectLabelColormap:
    """Give each label the mean colour of its cluster.

    Over the segmented image the labels then look just like it, and over the source they
    look like the clusters they are. Grey images have distinct hues instead, for greys next
    to each other are hard to distinguish.

    Parameters
    ----------
    means : (n_clusters, 3) or (n_clusters, 1) array
        The mean of each channel of each cluster, of label 1 first.
    display : Display
        How the segmented image shows its values.

    Returns
    -------
    DirectLabelColormap
        For napari's colour mode *direct*.
    """
    table: dict[int | None, Any] = {None: BY_HAND, 0: "transparent"}
    table.update(enumerate(display.colors(means), start=1))
    return DirectLabelColormap(color_dict=table)


def warm_up(
    colormap: DirectLabelColormap,
    dtype: npt.DTypeLike,
    progress: Callable[[float, str], None] | None = None,
) -> None:
    """Use a colormap once, away from the interface's thread.

    Where numba is installed, napari compiles its look-up when the first direct colormap
    of a kind is shown: some three seconds, in which the window would stand still. The
    compiler cannot be stopped, so it gets a thread of its own and we can.
    """
    thread = Thread(target=colormap.map, args=(np.zeros((1, 1), dtype),), daemon=True)
    start_or_run(thread)
    while thread.is_alive():
        if progress is not None:
            progress(1.0, "Colouring")
        thread.join(0.05)


@cache
def warm_up_early() -> None:
    """Use a colormap for few labels before it is needed, once in a process. Returns at once.

    While a person chooses what to segment there is time to compile the look-up, so that the
    first run does not wait for it.
    """
    colormap = DirectLabelColormap(color_dict={None: BY_HAND, 0: "transparent", 1: "white"})
    # No daemon: Python must not end in the midst of the compiler.
    start_or_run(Thread(target=colormap.map, args=(np.zeros((1, 1), np.uint8),)))


def color_fingerprint(layer: Labels) -> str:
    """Sum up the colours, to compare them later; "auto" for napari's own hues."""
    colormap = layer.colormap
    if not isinstance(colormap, DirectLabelColormap):
        return "auto"
    colors: dict[int | None, npt.NDArray[Any]] = dict(colormap.color_dict)
    colored = sorted((str(label), np.round(color, 4).tolist()) for label, color in colors.items())
    return f"{zlib.crc32(repr(colored).encode()):08x}"

"""What is seen of a result, and how: decided here for every kind of image.

One result looks like one thing: its clusters, opaque, over the original. So the colour in the
table is the colour on the canvas, a hidden cluster shows the original, and whatever the layers
are that a result is made of, nothing of it is seen twice.

========================  =====================================================================
photograph, histology     the original and the clusters in their mean colours
one channel               the original and the clusters in distinct hues, for greys next to each
                          other are hard to tell apart; so are the colours of a dim photograph
several layers            the same over all of them, and none of their segmented images
volume                    the same; while it is seen in 3D its largest cluster is hidden at first
series                    the same in each step
region                    the same; what lies outside is the original
the segmented image alone that image, and not those layers that would shine through it
objects                   their outlines over the clusters
========================  =====================================================================

All of this is said of new layers. What a person has set since is theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from .colors import Display
from .columns import means, of_clusters
from .edit_watch import linked_to
from .record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from .edit_watch import Kind
    from .record import Palette

    Colors: TypeAlias = npt.NDArray[np.float64]

Seen = Literal["original", "segmented", "clusters"]

SEEN: dict[Seen, tuple[str, str]] = {
    "original": ("Original", "The image as it was opened."),
    "segmented": (
        "Segmented",
        "The image, each pixel in the mean value of its cluster; 0 where that was deleted.",
    ),
    "clusters": ("Clusters", "The clusters over the original, which is seen where one is hidden."),
}
"""What one may look at: what it is called, and more about it."""

# Blendings by which a picture covers what is below it.
_COVERING = ("opaque", "translucent", "translucent_no_depth")

_OUTLINE = 2

# How much of the original is covered where other clusters stand out, and by what.
_VEIL = 0.85
_BLACK, _WHITE = np.zeros(3), np.ones(3)
# Relative luminance. Against the brightest that is left under a dark veil, and the darkest under a
# pale one, these have a contrast of 3 to 1, by which shapes can be told apart (WCAG 2.2, 1.4.11).
_BRIGHT, _DARK = 0.165, 0.19
# Colours that are all below this have a contrast of less than 2 to 1 with black.
_DIM = 0.05
# An image as bright as this on average, of 1, is none of lights in the dark.
_DARK_IMAGE = 0.25


@dataclass(frozen=True)
class FirstLook:
    """How a new layer of a result is shown.

    Attributes
    ----------
    visible : bool
    contour : int
        The width of its outlines; 0 where it is filled.
    """

    visible: bool
    contour: int = 0

    @classmethod
    def of(cls, kind: Kind, *, with_labels: bool, drawable: bool) -> FirstLook:
        """Say how the layer of a kind is shown.

        Parameters
        ----------
        kind : str
            The layer.
        with_labels : bool
            Whether the result has a Labels layer of its clusters, too.
        drawable : bool
            Whether it can be drawn at all.
        """
        if kind.startswith("image"):
            return cls(drawable and not with_labels)
        return cls(drawable, _OUTLINE if kind == "objects" and with_labels else 0)


def first_palette(colors: Colors | None) -> Palette:
    """Say in which colours clusters are seen at first.

    Parameters
    ----------
    colors : (n, 4) array or None
        The mean colours of the clusters; None where means are no colours.
    """
    dim = colors is None or not (_luminance(colors) >= _DIM).any()
    return "distinct" if dim else "mean"


def background_of(table: pd.DataFrame) -> int | None:
    """Find the cluster that would be a solid block in 3D: the largest; None of only one."""
    rows = of_clusters(table)
    if len(rows) < 2:
        return None
    return int(rows["label"].iloc[int(rows["pixels"].to_numpy().argmax())])


# -- one switch for all layers of a result ------------------------------------------------


@dataclass(frozen=True, eq=False)
class ResultLayers:
    """The layers that have to do with one result.

    Attributes
    ----------
    sources : list of Layer
        What was segmented.
    images, labels : list of Layer
        The segmented images, and the clusters with their objects.
    others : list of Layer
        The layers of other results of the same images.
    """

    sources: list[Layer]
    images: list[Layer]
    labels: list[Layer]
    others: list[Layer]

    @classmethod
    def of(cls, viewer: ViewerModel, layer: Layer) -> ResultLayers:
        """Find the layers of the result that a layer belongs to."""
        record, (source_id, _) = Record.of(layer), linked_to(layer)
        ids = ids_of(source_id)
        found = cls([], [], [], [])
        for one in viewer.layers:
            of, kind = linked_to(one)
            if str(one.unique_id) in ids:
                found.sources.append(one)
            elif not of or not ids & ids_of(of):
                continue
            elif of != source_id or record is None or not record.same_result(Record.of(one)):
                found.others.append(one)
            else:
                (found.images if kind.startswith("image") else found.labels).append(one)
        return found

    @property
    def seen(self) -> Seen | None:
        """What is looked at; None where a person has made a view of their own."""
        images, labels, sources, others = (
            any(one.visible for one in layers)
            for layers in (self.images, self.labels, self.sources, self.others)
        )
        match images, labels:
            case False, True:
                return "clusters"
            case True, False:
                return "segmented"
            case False, False if sources and not others:
                return "original"
        return None

    def show(self, seen: Seen) -> None:
        """Look at the original, the segmented image, or the clusters over the original."""
        mixed = any(one.blending not in _COVERING for one in self.images)
        for layers, visible in (
            (self.others, False),
            (self.images, seen == "segmented"),
            (self.labels, seen == "clusters"),
            (self.sources, seen != "segmented" or not mixed),
        ):
            for one in layers:
                one.visible = visible


def look_at_new(viewer: ViewerModel, layer: Layer, *, everywhere: bool) -> None:
    """Look at a result that was added beside earlier ones of the same images.

    Where clusters of it are hidden the original is to be seen, and not those of an earlier run.

    Parameters
    ----------
    viewer : ViewerModel
        Shows it.
    layer : Layer
        The new layer: the clusters, or the segmented image of a run without.
    everywhere : bool
        Whether the result covers the image. Of a region there may be others beside it.
    """
    own, source_id = ResultLayers.of(viewer, layer), linked_to(layer)[0]
    if own.images and not own.labels:
        own.show("segmented")
    elif everywhere:
        for one in own.others:
            if linked_to(one)[0] == source_id:
                one.visible = False


def look_at_images(viewer: ViewerModel, image: Layer) -> None:
    """Look at a segmented image that was written anew, where clusters of before would hide it."""
    own = ResultLayers.of(viewer, image)
    if not image.visible and any(one.visible for one in own.others):
        own.show("segmented")


def result_of(viewer: ViewerModel, images: Sequence[Layer]) -> Layer | None:
    """Find the topmost layer that a run on these very images has added."""
    ids = {str(one.unique_id) for one in images}
    found = [one for one in viewer.layers if ids and ids_of(linked_to(one)[0]) == ids]
    return found[-1] if found else None


def ids_of(link_id: str) -> set[str]:
    """List the ids of the images that were segmented, whatever part of them."""
    return set(link_id.partition(":")[0].split("+")) - {""}


# -- clusters that stand out --------------------------------------------------------------


@dataclass(frozen=True)
class Backdrop:
    """What is behind the clusters, so that some of them can stand out.

    Attributes
    ----------
    dark : bool
        Whether it is an image of lights in the dark.
    deep : bool
        Whether it is seen in 3D.
    """

    dark: bool = False
    deep: bool = False

    @classmethod
    def of(cls, table: pd.DataFrame, sources: Sequence[Image], *, deep: bool) -> Backdrop:
        """See what is behind clusters, by their means: no pixel is read.

        Parameters
        ----------
        table : DataFrame
            The clusters.
        sources : sequence of Image
            What was segmented, which says how values are shown.
        deep : bool
            Whether it is seen in 3D.
        """
        rows = of_clusters(table)
        values, n = rows[means(rows)].to_numpy(float), rows["pixels"].to_numpy(float)
        n_channels = 3 * len(sources) if any(one.rgb for one in sources) else len(sources)
        if not sources or values.shape[1] != n_channels or not n.any():
            return cls(deep=deep)
        colors = np.zeros((len(rows), 3))
        for i, source in enumerate(sources):
            display = Display.of(source)
            if source.rgb:
                colors += display.colors(values)[:, :3]
            else:
                share = display.colors(values[:, [i]])[:, 0]
                colors += source.colormap.map(share)[:, :3]
        brightness = np.clip(colors, 0, 1).mean(axis=1)
        return cls(dark=bool(np.average(brightness, weights=n) < _DARK_IMAGE), deep=deep)

    def veil(self, colors: Colors) -> Colors:
        """Say what lies over the original beside clusters of these colours that stand out.

        Red, green, blue, alpha. A veil, dark or pale: whichever these colours differ from.
        """
        if self.deep:
            # In 3D what is in front would hide what is within.
            return np.zeros(4)
        pale = not self.dark and bool((_luminance(colors) < _DARK).all())
        return np.append(_WHITE if pale else _BLACK, _VEIL)

    def standing_out(self, colors: Colors) -> Colors:
        """Give the colours, (n, 4), of clusters that stand out: those too dark become lighter."""
        if self.veil(colors)[0] == 1:
            return colors
        lighter = colors.copy()
        lighter[:, :3] = [_lighter(color[:3]) for color in colors]
        return lighter


def _luminance(colors: Colors) -> Colors:
    """Relative luminance of sRGB colours, from 0 to 1."""
    parts = np.asarray(colors, float)[..., :3]
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    luminance: Colors = linear @ np.array([0.2126, 0.7152, 0.0722])
    return luminance


def _lighter(color: Colors) -> Colors:
    """Make a colour light enough, in its own hue as far as that goes, then towards white."""
    full = color / max(color.max(), 1e-3)
    steps = [color + (full - color) * part for part in np.linspace(0, 1, 33)]
    steps += [full + (1 - full) * part for part in np.linspace(0, 1, 33)]
    return next(one for one in steps if _luminance(one) >= _BRIGHT)

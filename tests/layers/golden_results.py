"""Results of every kind, as a run gives them, and work on their clusters.

The images have flat, well separated colours with slight noise, so that every right engine finds
the same clusters.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import dask.array as da
import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Points, Shapes

from napari_kmeans_seg.layers import METADATA_KEY, CleanUp, LayerImage, Outputs, Region, Seeds
from napari_kmeans_seg.layers.clusters import Clusters, clusters_of
from napari_kmeans_seg.layers.clusters.distribution import ClusterValues
from napari_kmeans_seg.layers.clusters.thresholds import (
    move,
    moved_by_hand,
    reassignment,
    thresholds_of,
)
from napari_kmeans_seg.layers.source.view import PartInView, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Stages = Iterator[str]

# Three colours far apart, each in two tones.
TONES = [[20, 30, 40], [40, 30, 40], [220, 60, 50], [240, 60, 50], [90, 210, 235], [90, 230, 235]]
GREYS = [10, 30, 110, 130, 220, 240]


def blocks(colors: list[Any], height: int = 18, width: int = 30) -> np.ndarray:
    """Make an image of upright stripes, each of one colour and a little noise."""
    at = np.arange(width) * len(colors) // width
    image = np.array(colors)[np.broadcast_to(at, (height, width))]
    return (image + np.random.default_rng(0).integers(0, 3, image.shape)).astype(np.uint8)


def color() -> np.ndarray:
    return blocks(TONES)


def grey() -> np.ndarray:
    return blocks(GREYS)


def series() -> np.ndarray:
    """Four planes, each darker than the one before."""
    return np.stack([grey() - 2 * i for i in range(4)])


def painted(shape: tuple[int, ...]) -> np.ndarray:
    """Paint labels 2, 5 and 9 on some pixels of each colour."""
    labels = np.zeros(shape, np.uint8)
    labels[..., 2:5, 2:4], labels[..., 6:9, 12:14], labels[..., 3:7, 22:24] = 2, 5, 9
    return labels


class Result(NamedTuple):
    """A result in its viewer, which must live."""

    viewer: ViewerModel
    clusters: Clusters

    @property
    def others(self) -> list[Any]:
        """The other layers of the run."""
        own = self.clusters.layer
        return [one for one in self.viewer.layers if METADATA_KEY in one.metadata and one != own]


def run(
    *images: Any,
    k: int = 3,
    layer: dict[str, Any] | None = None,
    scope: Callable[[ViewerModel, LayerImage], LayerImage] = lambda _viewer, source: source,
    **parameters: Any,
) -> Result:
    """Segment images in a viewer."""
    viewer = ViewerModel()
    names = [f"stain {i}" for i in range(len(images))] if len(images) > 1 else ["image"]
    named = zip(images, names, strict=True)
    rgb = (images[0][0] if isinstance(images[0], list) else images[0]).shape[-1] in (3, 4)
    form = {"rgb": rgb, **(layer or {})}
    layers = [viewer.add_image(image, name=name, **form) for image, name in named]
    source = scope(viewer, LayerImage.of(*layers))
    found = source.segment(n_clusters=k, **parameters)
    clusters = clusters_of(viewer, Outputs.paint(source, found).show(viewer)["labels"])
    assert clusters is not None
    return Result(viewer, clusters)


def within(**changes: Any) -> Callable[[ViewerModel, LayerImage], LayerImage]:
    """Limit what is segmented."""
    return lambda _viewer, source: replace(source, **changes)


def split(clusters: Clusters, label: int, n: int = 2) -> list[int]:
    return clusters.split(label, clusters.parts(label, n)(None))


def move_threshold(clusters: Clusters, place: int, at: float) -> None:
    values = ClusterValues.of(clusters)
    points = values.read(clusters.layer.data)
    found = thresholds_of(points, points.members(clusters.layer.data), moved_by_hand(clusters))
    assert found is not None
    assert move(clusters, reassignment(clusters, values, found[place], at)(lambda *_: None))


def paint(clusters: Clusters, label: int, where: tuple[slice, ...]) -> None:
    """Paint with napari's brush, and let the pixels be counted."""
    layer = clusters.layer
    pixels = np.zeros(layer.data.shape, bool)
    pixels[where] = True
    layer.data_setitem(np.nonzero(pixels), label)
    clusters.take_counts(clusters.recount()(None))


# -- results as a run gives them --------------------------------------------------------

SHAPE = [[2, 1], [15, 1], [15, 22], [2, 22]]
REGION = Labels(painted((18, 30)) // 2 + 1, name="mine")
DOTS = Points([[5, 3], [5, 13], [5, 23]], name="dots")
BRUSH = Labels(painted((18, 30)), name="brush")
ALPHA = np.where(np.arange(30) < 3, 0, 255).astype(np.uint8)
HOLES = np.where(grey() == 11, np.nan, grey().astype(np.float32) / 255)
SPECKS = np.where((np.arange(540) % 97 == 0).reshape(18, 30), 110, grey())
FLAT = np.full((18, 30), 9, np.uint8)
LEVELS = [np.kron(color(), np.ones((n, n, 1), np.uint8)) for n in (4, 2, 1)]
LARGE = Labels(np.kron(REGION.data, np.ones((4, 4), int)), name="mine")
PYRAMID = {"multiscale": True}
TIME = {"axis_labels": ("t", "y", "x")}
SCALED = {"scale": (0.5, 0.25), "units": ("um", "um")}


def preview(_viewer: ViewerModel, source: LayerImage) -> LayerImage:
    box = {"start": (2, 1), "stop": (16, 29), "step": (1, 1)}
    view = View(level=0, **box, origin=(2.0, 1.0), zoom=(1.0, 1.0))
    return PartInView.of_image(source, view)


RUNS: dict[str, Callable[[], Result]] = {
    "colour": lambda: run(color()),
    "colour in six": lambda: run(color(), k=6, tol=0.0, seed=3),
    "grey": lambda: run(grey()),
    "grey by k-means++": lambda: run(grey(), init="k-means++", max_iter=20, tol=1e-3),
    "16 bits": lambda: run(grey().astype(np.uint16) * 257),
    "floats with holes": lambda: run(HOLES),
    "alpha": lambda: run(np.dstack([color(), np.broadcast_to(ALPHA, (18, 30))])),
    "lab with weights": lambda: run(color(), color_space="lab", channel_weights=[1.0, 2.0, 0.5]),
    "hsv": lambda: run(color(), color_space="hsv"),
    "normalized": lambda: run(color(), normalize=True, channel_weights=[1.0, 1.0, 1.0]),
    "given centroids": lambda: run(color(), init=[[30, 30, 40], [230, 60, 50], [90, 220, 235]]),
    "scaled": lambda: run(color(), layer=SCALED),
    "two layers": lambda: run(grey(), 250 - grey() // 2),
    "three layers normalized": lambda: run(*np.moveaxis(color(), -1, 0), normalize=True),
    "few values": lambda: run(FLAT, k=4),
    "few values in a step": lambda: run(
        np.stack([grey(), FLAT, grey(), FLAT]), k=3, scope=within(step_axis=0)
    ),
    "a plane": lambda: run(series(), scope=within(plane={0: 2})),
    "a volume": lambda: run(series()[np.newaxis], scope=within(plane={0: 0})),
    "a plane of two layers": lambda: run(series(), 250 - series() // 2, scope=within(plane={0: 1})),
    "steps": lambda: run(series(), scope=within(step_axis=0)),
    "steps of time": lambda: run(
        series(),
        layer={"axis_labels": ("t", "y", "x")},
        scope=within(step_axis=0),
        init="k-means++",
    ),
    "steps of two layers": lambda: run(series(), 250 - series() // 2, scope=within(step_axis=0)),
    "a region": lambda: run(color(), scope=within(region=Region.of(Shapes([SHAPE], name="box")))),
    "labels of a region": lambda: run(color(), scope=within(region=Region.of(REGION, [2, 3, 5]))),
    "clusters of a region": lambda: run(
        color(), scope=within(region=Region.of(REGION, [2, 3, 5], everywhere=True))
    ),
    "steps in a region": lambda: run(
        series(), scope=within(step_axis=0, region=Region.of(REGION, [2, 3, 5], everywhere=True))
    ),
    "points as seeds": lambda: run(color(), scope=within(seeds=Seeds.of(DOTS))),
    "painted seeds": lambda: run(color(), scope=within(seeds=Seeds.of(BRUSH))),
    "nearest of painted seeds": lambda: run(
        color(), scope=within(seeds=Seeds.of(BRUSH, fixed=True))
    ),
    "seeds in steps": lambda: run(series(), scope=within(step_axis=0, seeds=Seeds.of(BRUSH))),
    "without specks": lambda: run(SPECKS, scope=within(clean_up=CleanUp(specks=5))),
    "without specks across planes": lambda: run(
        np.stack([SPECKS] * 3), scope=within(clean_up=CleanUp(specks=9, per_plane=False))
    ),
    "objects": lambda: run(color(), scope=within(clean_up=CleanUp(objects=(1, 3, 7)))),
    "a pyramid": lambda: run(LEVELS, layer=PYRAMID),
    "a level of a pyramid": lambda: run(LEVELS, layer=PYRAMID, fit_scale=0.5),
    "a level of a pyramid in a region": lambda: run(
        LEVELS, layer=PYRAMID, fit_scale=0.25, scope=within(region=Region.of(LARGE, [2, 3]))
    ),
    "Dask": lambda: run(da.from_array(series(), chunks=(1, 18, 30))),
    "a pyramid of Dask": lambda: run(
        [da.from_array(level, chunks=(36, 60, 3)) for level in LEVELS], layer=PYRAMID, fit_scale=0.5
    ),
    "a preview": lambda: run(color(), scope=preview),
}

# Numbers of these depend on the engine: of them only words are kept.
VAGUE: dict[str, Callable[[], Result]] = {
    "random starts": lambda: run(color(), init="random", n_init=3),
    "smoothed": lambda: run(color(), smoothing=1.5),
    "smoothed along two of three axes": lambda: run(series(), smoothing=[0.0, 1.0, 2.0]),
    "smoothed volume": lambda: run(series(), smoothing=1.0),
    "smoothed steps": lambda: run(series(), scope=within(step_axis=0), smoothing=1.0),
    "with positions": lambda: run(color(), spatial_weight=0.2, fit_scale=0.5),
    "stopped early": lambda: run(color(), k=5, max_iter=1, tol=0.0),
}


# -- work on clusters: each yields where its result is to be looked at --------------------


def merge_and_undo(result: Result) -> Stages:
    clusters = result.clusters
    clusters.merge([1, 3])
    yield "merged"
    clusters.undo()
    yield "undone"
    clusters.redo()
    yield "redone"


def everything(result: Result) -> Stages:
    clusters = result.clusters
    split(clusters, clusters.labels[1])
    yield "split"
    clusters.merge([clusters.labels[0], clusters.labels[-1]])
    clusters.rename(clusters.labels[0], "tissue")
    yield "merged and renamed"
    clusters.delete([clusters.labels[1]])
    yield "deleted"
    while clusters.undoable:
        clusters.undo()
    yield "all undone"
    while clusters.redoable:
        clusters.redo()
    yield "all redone"


def names(result: Result) -> Stages:
    clusters = result.clusters
    clusters.rename(2, "vessel")
    split(clusters, 2)
    clusters.merge([1, 4])
    yield "split and merged"


def colors(result: Result) -> Stages:
    clusters = result.clusters
    clusters.recolor({1: "red", 2: "#00ff00"}, opacity=0.9)
    yield "recoloured"
    split(clusters, 3)
    yield "split"
    clusters.undo()
    clusters.undo()
    yield "undone"


def brush(result: Result) -> Stages:
    clusters = result.clusters
    paint(clusters, 2, (slice(0, 4), slice(0, 6)))
    yield "painted"
    clusters.merge([1, 3])
    yield "merged"
    paint(clusters, 7, (slice(9, 12), slice(3, 9)))
    yield "painted with a new label"
    clusters.undo()
    yield "undone"


def threshold(result: Result) -> Stages:
    clusters = result.clusters
    move_threshold(clusters, 0, 115)
    yield "up"
    move_threshold(clusters, 1, 230)
    yield "up again"
    clusters.undo()
    yield "undone"
    clusters.merge([1, 2])
    yield "merged"


def float_threshold(result: Result) -> Stages:
    move_threshold(result.clusters, 0, 0.5)
    yield "up"


def masks(result: Result) -> Stages:
    clusters = result.clusters
    clusters.extract([1, 2], joined=True)
    yield "extracted"
    clusters.undo()
    yield "undone"


WORK: dict[str, tuple[str, Callable[[Result], Stages]]] = {
    "merge and undo": ("colour", merge_and_undo),
    "merge greys and undo": ("grey", merge_and_undo),
    "merge labels of seeds": ("painted seeds", everything),
    "work on colours": ("colour", everything),
    "work on greys": ("16 bits", everything),
    "work on alpha": ("alpha", everything),
    "work on layers": ("two layers", everything),
    "work on a plane": ("a plane", everything),
    "work on steps": ("steps", everything),
    "work on a pyramid": ("a level of a pyramid", everything),
    "work on Dask": ("Dask", everything),
    "work on a pyramid of Dask": ("a pyramid of Dask", everything),
    "names": ("colour", names),
    "colours": ("colour", colors),
    "painted by hand": ("colour", brush),
    "thresholds": ("grey", threshold),
    "a threshold of floats": ("floats with holes", float_threshold),
    "masks": ("colour", masks),
}

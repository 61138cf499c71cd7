"""Any order of work on clusters leaves all layers in agreement, and all of it can be taken back."""

from __future__ import annotations

import json
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_kmeans_seg.layers import METADATA_KEY, LayerImage, Outputs
from napari_kmeans_seg.layers.clusters import Clusters, clusters_of
from napari_kmeans_seg.layers.clusters.palette import mean_colors_of
from napari_kmeans_seg.layers.outputs.colors import distinct_colors
from napari_kmeans_seg.layers.outputs.columns import means

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 25
WORK = ("merge", "split", "rename", "recolor", "hues", "greys", "extract", "delete")
MAGENTA = (1, 0, 1, 1)


class Walk:
    """Clusters that are worked on at random, and what ought to be there by now.

    Attributes
    ----------
    labels : array
        The label of each pixel.
    names, colors : dict
        Of each cluster; colours only where they were chosen.
    """

    def __init__(self, layers: list[Image], seed: int) -> None:
        self.viewer, self.layers = ViewerModel(), layers
        self.random = np.random.default_rng(seed)
        self.viewer.layers.extend(layers)
        source = LayerImage.of(*layers)
        Outputs.paint(source, source.segment(n_clusters=5)).show(self.viewer)
        clusters = clusters_of(self.viewer, *layers)
        assert clusters is not None
        self.clusters: Clusters = clusters
        self.labels = self.seen
        self.names = {int(n): f"Cluster {n}" for n in np.unique(self.labels) if n}
        self.colors: dict[int, Any] = {}

    @property
    def seen(self) -> np.ndarray:
        data = self.clusters.layer.data
        return np.array(data[0] if self.clusters.layer.multiscale else data)

    @property
    def state(self) -> list[Any]:
        """All that a person can see of the layers, and what is to be seen."""
        layers = [
            (
                layer.name,
                layer.opacity,
                [(np.asarray(level).tobytes(), str(level.dtype)) for level in _levels(layer)],
                json.dumps(layer.metadata, sort_keys=True),
                layer.features.to_csv() if isinstance(layer, Labels) else "",
                layer.colormap.model_dump_json(),
            )
            for layer in self.viewer.layers
        ]
        return [layers, self.labels.copy(), dict(self.names), dict(self.colors)]

    def expect(self, state: list[Any]) -> None:
        # Copies, for the work goes on with them.
        _, self.labels, self.names, self.colors = map(copy, state)

    def pick(self, least: int, most: int) -> list[int]:
        n = self.random.integers(least, min(most, len(self.names)) + 1)
        return sorted(self.random.choice([*self.names], n, replace=False).tolist())

    # -- work, each on the clusters and on what is expected

    def work(self) -> bool:
        """Do something at random; whether that can be done."""
        kind = str(self.random.choice(WORK))
        few = len(self.names) < 3 and kind in ("merge", "delete")
        if few or (kind == "greys" and len(self.layers) > 1):
            return False
        getattr(self, kind)()
        return True

    def merge(self) -> None:
        group = self.pick(2, 3)
        given = [self.names[n] for n in group if self.names[n] != f"Cluster {n}"]
        keep = self.clusters.merge(group)
        assert keep == group[0]
        self.labels[np.isin(self.labels, group)] = keep
        self._forget(group)
        self.names[keep] = given[0] if given else f"Cluster {keep}"

    def split(self) -> None:
        (label,) = self.pick(1, 1)
        inside, largest = self.labels == label, max(self.names)
        parts = self.clusters.split(label, self.clusters.parts(label, 2)(None))
        assert parts[0] == label
        assert min(parts[1:]) > largest
        now = self.seen
        np.testing.assert_array_equal(np.unique(now[inside]), parts)
        np.testing.assert_array_equal(now[~inside], self.labels[~inside])
        self._forget([label])
        self.labels = now
        self.names |= {part: self.clusters.name(part) for part in parts}
        assert len({*self.names.values()}) == len(self.names)

    def rename(self) -> None:
        (label,) = self.pick(1, 1)
        self.names[label] = f"tissue {self.random.integers(1 << 30)}"
        self.clusters.rename(label, self.names[label])

    def recolor(self) -> None:
        (label,) = self.pick(1, 1)
        self.colors[label] = np.append(0.9 * self.random.random(3), 1)
        self.clusters.recolor({label: self.colors[label]})

    def hues(self) -> None:
        self.colors = distinct_colors(sorted(self.names))
        self.clusters.recolor(self.colors, "Distinct hues", 0.5)

    def greys(self) -> None:
        self.colors = mean_colors_of(self.clusters.table, self.layers[0])
        self.clusters.recolor(self.colors, "Mean colours", 0.7)

    def extract(self) -> None:
        group = self.pick(1, 3)
        (mask,) = self.clusters.extract(group, joined=True)
        np.testing.assert_array_equal(_levels(mask)[0], np.isin(self.labels, group))

    def delete(self) -> None:
        group = self.pick(1, 1)
        self.clusters.delete(group)
        self.labels[np.isin(self.labels, group)] = 0
        self._forget(group)

    def _forget(self, group: list[int]) -> None:
        for label in group:
            self.names.pop(label, None)
            self.colors.pop(label, None)

    # -- what must agree

    def check(self) -> None:
        np.testing.assert_array_equal(self.seen, self.labels)
        table = self.clusters.table.set_index("label", drop=False)
        assert dict(table["name"]) == self.names
        pixels = [np.asarray(_levels(layer)[0]) for layer in self.layers]
        channels = [pixels[0][..., i] for i in range(3)] if self.layers[0].rgb else pixels
        for label, row in table.iterrows():
            inside = self.labels == label
            assert row["pixels"] == inside.sum()
            expected = [channel[inside].mean(dtype=float) for channel in channels]
            np.testing.assert_allclose(row[means(table)].to_numpy(float), expected, rtol=1e-6)
        assert self.clusters.layer.features["pixels"].sum() == self.labels.size
        self._check_records(table)
        for label, color in self.clusters.colors.of_each(sorted(self.names)).items():
            assert not np.allclose(color, MAGENTA), "that is for what was painted by hand"
            np.testing.assert_allclose(color, self.colors.get(label, color), atol=2e-3)

    def _check_records(self, table: Any) -> None:
        record = dict(self.clusters.layer.metadata[METADATA_KEY])
        record.pop("link")
        assert record.get("labels", [*table["label"]]) == table["label"].tolist()
        assert record["counts"] == table["pixels"].tolist()
        assert record["n_clusters"] == len(table)
        columns = means(table)
        np.testing.assert_array_equal(record["centroids"], table[columns].to_numpy(float))
        images = [x for x in self.viewer.layers if x.name.endswith(" k-means")]
        assert len(images) == len(self.layers)
        for i, image in enumerate(images):
            own = dict(image.metadata[METADATA_KEY])
            own.pop("link")
            assert own == record
            painted = np.asarray(_levels(image)[0])
            colors = np.zeros((max(self.names) + 1, len(columns)))
            colors[table["label"]] = table[columns].to_numpy(float)
            if painted.dtype.kind != "f":
                colors = np.rint(colors)
            shown = colors[:, i] if len(images) > 1 or not self.layers[0].rgb else colors
            np.testing.assert_array_equal(painted, shown.astype(painted.dtype)[self.labels])


def _levels(layer: Any) -> list[Any]:
    return [*layer.data] if layer.multiscale else [layer.data]


@pytest.fixture(params=["RGB", "grey", "NaN", "channels", "pyramid"])
def layers(request: pytest.FixtureRequest, coffee: np.ndarray, cell: np.ndarray) -> list[Image]:
    colors, grey = coffee[::6, ::6].copy(), cell[::10, ::10].copy()
    holes = grey.astype(np.float32) / 7
    holes[:5] = np.nan
    made: dict[str, Callable[[], list[Image]]] = {
        "RGB": lambda: [Image(colors, name="a")],
        "grey": lambda: [Image(grey, name="a")],
        "NaN": lambda: [Image(holes, name="a")],
        "channels": lambda: [Image(grey, name="a"), Image(255 - grey // 2, name="b")],
        "pyramid": lambda: [Image([colors, colors[::2, ::2].copy()], name="a")],
    }
    return made[request.param]()


@pytest.mark.filterwarnings("ignore:.*NaN or infinite")
@pytest.mark.parametrize("seed", [0, 1])
def test_any_order_of_work_agrees_and_is_taken_back_bit_for_bit(layers, seed):
    walk = Walk(layers, seed)
    walk.check()
    states = [walk.state]
    for _ in range(STEPS):
        if len(states) > 1 and walk.random.random() < 0.25:
            undone = states.pop()
            walk.clusters.undo()
            walk.expect(states[-1])
            assert walk.state[0] == states[-1][0]
            if walk.random.random() < 0.5:
                walk.clusters.redo()
                walk.expect(undone)
                states.append(undone)
                assert walk.state[0] == undone[0]
        elif walk.work():
            states.append(walk.state)
        walk.check()
    for state in reversed(states[:-1]):
        walk.clusters.undo()
        assert walk.state[0] == state[0]
    assert walk.clusters.undoable is None
    for state in states[1:]:
        walk.clusters.redo()
        assert walk.state[0] == state[0]

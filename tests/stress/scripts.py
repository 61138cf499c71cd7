"""Walk through a real napari window at random; in each state copy the script, and run it.

The script, run in a process of its own, gives the labels on the canvas bit for bit, or says at its
top what it cannot give; and the methods text says what was asked for. Actions are data, and come
again from their seed.

python tests/stress/scripts.py --states 300 --seed 1
python tests/stress/scripts.py --seed 1 --states 300 --told
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Before napari is imported: it sees to napari's settings.
from in_dock import SettingsWalk
from walk import PATIENCE, Action

# isort: split
import numpy as np
from actions import IN_SCRIPTS, SHOWS_ANOTHER
from copied import Asked, Scripts, drawn_of, faults
from napari.layers import Labels
from qtpy.QtGui import QGuiApplication

from napari_kmeans_seg import KMeansModel
from napari_kmeans_seg.core.image.color_spaces import COLOR_SPACES
from napari_kmeans_seg.layers.outputs.edit_watch import linked_to

if TYPE_CHECKING:
    from collections.abc import Iterator


def actions_from(seed: int) -> Iterator[Action]:
    """Give the actions of a seed, without an end."""
    chance = random.Random(seed)
    names, weights = [*IN_SCRIPTS], [*IN_SCRIPTS.values()]
    yield "open", chance.random(), chance.random()
    while True:
        (name,) = chance.choices(names, weights)
        yield name, chance.random(), chance.random()


class ScriptWalk(SettingsWalk):
    """A window with the dock, in which each result is copied as text.

    Parameters
    ----------
    folder : Path
        Where scripts are run.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # Nothing is looked at, and drawing without a graphics card can crash.
        self.viewer.window._qt_viewer.canvas.native.setUpdatesEnabled(False)
        self.scripts = Scripts(folder)
        self.asked: dict[str, Asked] = {}
        self.states = self.refused = 0
        self.kinds: Counter[str] = Counter()
        # What was done last.
        self.last: Action = ("", 0, 0)

    def take(self, action: Action) -> None:
        before = self.results()
        super().take(action)
        self.last = action
        if self.widget.live.value:
            self.follow_preview(before)
        if action[0] in SHOWS_ANOTHER or self.widget.live.value:
            try:
                self.check()
            except Exception as error:  # noqa: BLE001
                self.hear(type(error), error, error.__traceback__)

    # -- what is copied -----------------------------------------------------------------

    def copied(self, action: str) -> str:
        """Press one of the buttons that copy a text, and give it."""
        clipboard = QGuiApplication.clipboard()
        clipboard.setText("")
        getattr(self.table.extras, action).click()
        self.wait(lambda: not self.table.extras.busy, PATIENCE)
        self.wait(lambda: bool(clipboard.text()), 0.2)
        return clipboard.text()

    def check(self) -> None:
        """Compare what is copied of the result with what is shown of it."""
        clusters = self.table.clusters
        if clusters is None or str(clusters.layer.unique_id) not in self.asked:
            return
        if clusters.record.is_preview:
            return  # of a part, and nobody's result
        text, script = self.copied("methods"), self.copied("script")
        if not text or not script:
            self.refused += 1
            self.fail(f"nothing is copied: {self.table.message.text()}")
            return
        self.states += 1
        asked = self.asked[str(clusters.layer.unique_id)]
        self.kinds[asked.words["kind"]] += 1
        for fault in faults(asked, clusters, script, text, self.scripts, [*self.viewer.layers]):
            self.fail(f"{fault}\n    {asked.words}, {asked.options}\n    {self.scripts.n}")

    def fail(self, what: str) -> None:
        self.failures.append(f"action {self.n}, {self.last[0]}: {what}")

    # -- what is done -------------------------------------------------------------------

    def follow_preview(self, before: dict[str, Any]) -> None:
        """Let live preview come to rest: what it has made is of what stands in the dock now."""
        self.do_rest(0, 0)
        if any(link is not before.get(layer_id) for layer_id, link in self.results().items()):
            self.note_asked(self.ask(), before)

    def note_asked(self, asked: Asked | None, before: dict[str, Any]) -> None:
        """Note what was asked for of those results that are other ones than before."""
        for layer_id, link in self.results().items():
            if asked is not None and link is not before.get(layer_id):
                self.asked[layer_id] = asked

    def do_data_of_before(self, _one: float, other: float) -> None:
        """Give the images of a result the very arrays back that it was made of, or pixels, too."""
        asked = self.known()
        both = zip(asked.sources, asked.arrays, strict=True) if asked is not None else ()
        for (layer, levels), data in both:
            array = data[0] if layer.multiscale else data
            if other < 0.7 and isinstance(array, np.ndarray) and array.flags.writeable:
                array[...] = levels[0]
            layer.data = data

    def do_run_and_wait(self, one: float, other: float) -> None:
        asked, before = self.ask(), self.results()
        super().do_run_and_wait(one, other)
        self.note_asked(asked, before)

    def results(self) -> dict[str, Any]:
        """Give what links each result to its image, by its id: a run makes another link."""
        return {
            str(layer.unique_id): layer.metadata["napari-kmeans-seg"]["link"]
            for layer in self.viewer.layers
            if isinstance(layer, Labels) and linked_to(layer)[1] == "labels"
        }

    def ask(self) -> Asked | None:
        """Note what stands in the dock, and the pixels of what is open."""
        widget, inputs = self.widget, self.widget.inputs
        images = list(widget.target.images)
        if not images:
            return None
        options = widget.more_options
        values = {name: field.value for name, field in options.fields.items()}
        values["n_clusters"] = widget.n_clusters.value
        region, seeds = inputs._chosen(inputs.region), inputs._chosen(inputs.seeds)
        try:
            weights = options.parameters["channel_weights"]
        except ValueError:
            weights = None
        words = {
            "kind": images[0].metadata.get("kind", images[0].name),
            "space": COLOR_SPACES[values["color_space"]].title,
            "rgb": images[0].rgb and len(images) == 1,
            "weights": weights,
            "normalize": inputs.normalize.value if inputs.several else values["normalize"],
            "specks": inputs.specks.value,
            "fixed": inputs.fixed.value,
            "everywhere": inputs.everywhere.value,
            "own planes": inputs.own_planes.value,
            "region labels": inputs.region_labels.value,
            "scope": inputs.scope.value,
            "left_out": inputs.leave_out.value,
            "per plane": inputs.per_plane.value,
        }
        return Asked(
            [(layer, _levels(layer)) for layer in images], values, region,
            None if region is None else region.name,
            np.array(region.data) if isinstance(region, Labels) else None,
            None if seeds is None else seeds.name, words,
            arrays=[list(layer.data) if layer.multiscale else layer.data for layer in images],
            drawn=drawn_of(region=region, seeds=seeds),
        )  # fmt: skip

    def known(self) -> Asked | None:
        clusters = self.table.clusters
        return None if clusters is None else self.asked.get(str(clusters.layer.unique_id))

    def edit(self, name: str, sentence: str | None) -> None:
        """Do something to the clusters, and note what the methods text is to say of it."""
        asked, clusters = self.known(), self.table.clusters
        if asked is None:
            return
        before = clusters.undoable, len(clusters._done)
        self.act(name)
        self.note(before, sentence)

    def note(self, before: tuple[Any, int], sentence: str | None) -> None:
        asked, clusters = self.known(), self.table.clusters
        if asked is not None and (clusters.undoable, len(clusters._done)) != before:
            asked.edits.append(sentence)
            asked.undone.clear()

    def some_rows(self, one: float, other: float, most: int) -> list[int]:
        labels = [] if self.table.clusters is None else self.table.clusters.labels
        if not labels:
            return []
        found = sorted({labels[int(x * len(labels))] for x in (one, other)})[:most]
        self.table.select(found)
        return found

    def do_merge(self, one: float, other: float) -> None:
        rows = self.some_rows(one, other, 2)
        if len(rows) > 1:
            self.edit("merge", f"Clusters {rows[0]} and {rows[1]} were merged.")

    def do_delete(self, one: float, other: float) -> None:
        rows = self.some_rows(one, one, 1)
        if rows and len(self.table.clusters.labels) > 1:
            self.edit("delete", f"Cluster {rows[0]} was removed.")

    def do_split(self, one: float, other: float) -> None:
        rows, clusters = self.some_rows(one, one, 1), self.table.clusters
        if not rows or self.known() is None:
            return
        before, n = (clusters.undoable, len(clusters._done)), len(clusters.labels)
        try:
            self.table.split(2 + int(other * 2))
        except ValueError:
            return  # its image is gone
        self.wait(lambda: not self.table._splitting.busy, PATIENCE)
        n = len(clusters.labels) - n + 1
        self.note(before, f"Cluster {rows[0]} was split into {n} by k-means on its own pixels.")

    def do_name(self, one: float, other: float) -> None:
        rows, clusters = self.some_rows(one, one, 1), self.table.clusters
        if rows and self.known() is not None:
            before = clusters.undoable, len(clusters._done)
            name = ("cytoplasm", "the table's “edge”", "background\n", "µm")[int(other * 4)]
            if name.strip() not in clusters.table["name"].tolist():
                clusters.rename(rows[0], name)
                self.note(before, None)

    def do_color(self, one: float, other: float) -> None:
        clusters = self.table.clusters
        if clusters is not None and self.known() is not None:
            before = clusters.undoable, len(clusters._done)
            if other < 0.5:
                self.table.extras._recolor(int(one * 2))
            else:
                clusters.recolor({clusters.labels[0]: (one, other, 0, 1)})
            self.note(before, None)

    def do_extract(self, one: float, other: float) -> None:
        if self.some_rows(one, other, 2) and len(self.viewer.layers) < 12:
            self.edit("extract", None)

    def do_undo(self, _one: float, _other: float) -> None:
        asked = self.known()
        if asked is not None and self.table.clusters.undoable is not None:
            self.act("undo")
            asked.undone.append(asked.edits.pop())

    def do_redo(self, _one: float, _other: float) -> None:
        asked = self.known()
        if asked is not None and self.table.clusters.redoable is not None:
            self.act("redo")
            asked.edits.append(asked.undone.pop())

    def do_paint(self, one: float, other: float) -> None:
        asked, clusters = self.known(), self.table.clusters
        if asked is None or not isinstance(clusters.layer.data, np.ndarray):
            return
        layer = clusters.layer
        before, labels = layer.data.copy(), [0, *clusters.labels]
        place = [int(other * 7919 * (i + 1)) % n for i, n in enumerate(layer.data.shape)]
        layer.brush_size = 1 + int(10 * other)
        # One stroke: undone at once.
        with layer.block_history():
            layer.paint(place, labels[int(one * len(labels))])
        if not np.array_equal(before, layer.data):
            asked.strokes.append(before)

    def do_unpaint(self, _one: float, _other: float) -> None:
        asked = self.known()
        if asked is None or not asked.strokes:
            return
        layer = self.table.clusters.layer
        layer.undo()
        if np.array_equal(layer.data, asked.strokes[-1]):
            asked.strokes.pop()

    def do_threshold(self, one: float, other: float) -> None:
        clusters, plot = self.table.clusters, self.widget.cluster_plot
        if self.known() is None:
            return
        self.widget.see.expand()
        self.wait(lambda: not self.busy, PATIENCE)
        found = plot._found
        if not (found and found.in_memory and found.thresholds) or not plot.isVisible():
            return
        threshold = found.thresholds[int(one * len(found.thresholds))]
        values = found.points.values[0]
        low, high = max(threshold.low, values.min()), min(threshold.high, values.max())
        at = float(low + other * (high - low))
        at = float(np.floor(at)) if found.points.exact else at
        before = clusters.undoable, len(clusters._done)
        plot.histogram.moved.emit(threshold, at)
        self.wait(lambda: not self.busy, PATIENCE)
        self.note(
            before,
            f"The threshold between clusters {threshold.lower} and {threshold.upper} was moved "
            f"from {threshold.at:g} to {at:g} by hand.",
        )

    def do_rename(self, one: float, other: float) -> None:
        names = ("cup", "x.tif", "Zelle µ", "a/b", "region", "it's", "image")
        layer = self.image if other < 0.6 else self.pick(one)
        if layer is not None:
            layer.name = names[int(one * len(names))]

    def do_model(self, _one: float, _other: float) -> None:
        """Save the model, apply it to the image, and compare where it carries all of the result."""
        asked, clusters = self.known(), self.table.clusters
        if asked is None or len(asked.sources) > 1:
            return
        path = self.folder / "model.json"
        path.unlink(missing_ok=True)
        self.table.extras.save_model(path)
        record = clusters.record
        said = self.table.message.text().splitlines()[1:]
        if not path.exists() or said or record.source.region or record.source.left_out:
            return
        if clusters.is_of_other_pixels:
            return
        source = clusters.source_image()
        if source is None or len(source.levels) > 1:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels = np.asarray(KMeansModel.load(path).predict(source.levels[0][0]).labels)
        if not np.array_equal(labels, np.asarray(clusters.layer.data)):
            n = int((labels != np.asarray(clusters.layer.data)).sum())
            self.fail(f"the saved model gives {n} other labels\n    {asked.words} {asked.options}")


def _levels(layer: Any) -> list[np.ndarray]:
    return [np.array(level) for level in (layer.data if layer.multiscale else [layer.data])]


def run(n_states: int, seconds: float, seed: int, folder: Path, *, told: bool) -> dict[str, Any]:
    """Take actions until so many states were compared."""
    warnings.simplefilter("ignore")
    walk, ends = ScriptWalk(folder), time.monotonic() + seconds
    for action in actions_from(seed):
        if walk.states >= n_states or time.monotonic() > ends:
            break
        if told:
            print(walk.n + 1, *action, walk.states, file=sys.stderr, flush=True)  # noqa: T201
        walk.take(action)
        if told and walk.failures and walk.failures[-1].startswith(f"action {walk.n}"):
            print(walk.failures[-1], file=sys.stderr, flush=True)  # noqa: T201
    walk.scripts.close()
    walk.viewer.close()
    return {
        "states": walk.states,
        "actions": walk.n,
        "seed": seed,
        "kinds": dict(walk.kinds),
        "failures": walk.failures,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--states", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--told", action="store_true", help="print each action before it is done")
    parser.add_argument("--folder", type=Path, help="keep the scripts here")
    given = parser.parse_args()
    faulthandler.enable()
    out, sys.stdout = sys.stdout, sys.stderr  # napari prints there, too
    with tempfile.TemporaryDirectory() as made:
        kept = given.folder or Path(made)
        kept.mkdir(parents=True, exist_ok=True)
        result = run(given.states, given.seconds, given.seed, kept, told=given.told)
    out.write(json.dumps(result, indent=1))
    out.flush()
    # Not by Qt, which may not come to an end.
    os._exit(bool(result["failures"]))

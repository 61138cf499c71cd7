"""Walk through a real napari window at random: actions are data, and come again from their seed.

python tests/stress/walk.py --seconds 600 --seed 1
python tests/stress/walk.py --seed 1 --actions 250 --told
python tests/stress/walk.py --preview --actions 2000
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

# Before napari is imported: nobody's own settings are read or written.
_settings = tempfile.TemporaryDirectory(prefix=f"napari-kmeans-seg-{os.getpid()}-")
os.environ["NAPARI_CONFIG"] = str(Path(_settings.name) / "settings.yaml")

import dask.array as da  # noqa: E402
import napari  # noqa: E402
import numpy as np  # noqa: E402
import skimage.data  # noqa: E402
from actions import HOW_OFTEN, IN_PREVIEW, Action, actions_from  # noqa: E402
from napari.layers import Image, Labels  # noqa: E402
from qtpy.QtWidgets import QApplication  # noqa: E402

from napari_kmeans_seg.widget.base.napari_versions import camera_of  # noqa: E402

PATIENCE = 60
"""Seconds after which what goes on by itself must have come to rest."""

STOPS = 2
"""Seconds of the processor within which threads end after they were cancelled."""

HOLDERS = (
    "napari_kmeans_seg.core",
    "napari_kmeans_seg.layers",
    "napari.layers.image.image",
    "napari.layers.labels.labels",
)
"""Modules of whose objects none is left once all layers are closed."""


def images() -> list[Callable[[], dict[str, Any]]]:
    """Make the images that can be opened: each is an array of its own."""
    coins, coffee = skimage.data.coins(), skimage.data.coffee()
    volume = np.stack([np.roll(coins[:96, :128], i * 5, 1) for i in range(6)])
    noise = np.random.default_rng(0).normal(0, 1, (200, 150)).astype(np.float32)
    return [
        lambda: {"data": coins.copy(), "name": "coins"},
        lambda: {"data": coffee.copy(), "name": "coffee"},
        lambda: {"data": volume.copy(), "name": "stack"},
        lambda: {"data": noise.copy(), "name": "noise"},
        lambda: {"data": da.from_array(coins.copy(), chunks=100), "name": "lazy"},
        lambda: {"data": [coffee[::step, ::step].copy() for step in (1, 2, 4)], "name": "pyramid"},
        lambda: {"data": coins[:100, :100].astype(np.uint16) * 200, "name": "16 bits"},
        lambda: {"data": coins[:100, :100] > 99, "name": "bool"},
        lambda: {"data": np.full((60, 70), 7, np.uint8), "name": "flat"},
    ]


class Walk:
    """A window with the dock, and what can be done in it."""

    def __init__(self) -> None:
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1280, 900)
        self.images = self.openable()
        self.docked: Any = None
        self.do_open_dock(0, 0)
        self.failures: list[str] = []
        self.others = self.n = 0
        self.before = self.ours()
        sys.excepthook = self.hear
        threading.excepthook = lambda told: self.hear(
            told.exc_type, told.exc_value or told.exc_type(), told.exc_traceback
        )

    def openable(self) -> list[Callable[[], dict[str, Any]]]:
        return images()

    @property
    def widget(self) -> Any:
        return self.docked[1]

    @property
    def table(self) -> Any:
        return self.widget.clusters

    def hear(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Note a traceback; those in which nothing of ours takes part belong to others."""
        text = "".join(traceback.format_exception(kind, error, trace))
        if "napari_kmeans_seg" in text:
            self.failures.append(f"action {self.n}: {text}")
        else:
            self.others += 1

    def take(self, action: Action) -> None:
        """Do something, as a person does."""
        name, one, other = action
        self.n += 1
        try:
            getattr(self, f"do_{name.replace(' ', '_').replace('-', '_').lower()}")(one, other)
            QApplication.processEvents()
        except Exception as error:  # noqa: BLE001
            self.hear(type(error), error, error.__traceback__)

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        ends = time.monotonic() + seconds
        while not until():
            QApplication.processEvents()
            if time.monotonic() > ends:
                return False
            time.sleep(0.002)
        return True

    def pick(self, one: float, kind: type = object) -> Any:
        """Choose one of the layers of a kind."""
        layers = [layer for layer in self.viewer.layers if isinstance(layer, kind)]
        return layers[int(one * len(layers))] if layers else None

    @property
    def busy(self) -> bool:
        """Whether something of ours goes on."""
        widget = self.widget
        parts = (widget.task, widget.preview, widget.how_many, widget.cluster_plot)
        return any(part.busy for part in parts) or self.table._splitting.busy

    def all_stopped(self, seconds: float = STOPS) -> None:
        """Note it where threads of ours go on though nothing waits for them."""
        threads = [one for one in threading.enumerate() if one.name == "napari-kmeans-seg"]
        began = time.process_time()

        def ended() -> bool:
            # On a machine that is shared, seconds of its own: between two looks at whether to stop
            # a thread may have to wait long for its turn. What hangs takes none.
            late = time.process_time() - began > seconds
            return late or not any(one.is_alive() for one in threads)

        self.wait(ended, PATIENCE)
        if any(one.is_alive() for one in threads):
            frames = sys._current_frames()
            where = [
                "".join(traceback.format_stack(frames[one.ident])[-3:])
                for one in threads
                if one.is_alive() and one.ident in frames
            ]
            self.failures.append(f"action {self.n}: threads go on: {where}")

    # -- what is done -------------------------------------------------------------------

    def do_open(self, one: float, _other: float) -> None:
        # As many as a person has open.
        if len(self.viewer.layers) < 14:
            self.viewer.add_image(**self.images[int(one * len(self.images))]())

    def do_remove(self, one: float, _other: float) -> None:
        layers, layer = self.viewer.layers, self.pick(one)
        if layer is not None:
            # From the top: napari 0.9.2 alone crashes in software OpenGL where the lowest of
            # several is removed and another comes.
            layers.move(layers.index(layer), len(layers))
            QApplication.processEvents()
            layers.remove(layer)

    def do_clear(self, _one: float, _other: float) -> None:
        self.viewer.layers.clear()

    def do_select(self, one: float, _other: float) -> None:
        layer = self.pick(one)
        if layer is not None:
            self.viewer.layers.selection.active = layer

    def do_select_two(self, one: float, other: float) -> None:
        layers = {self.pick(one, Image), self.pick(other, Image)} - {None}
        self.viewer.layers.selection = layers

    def do_k(self, one: float, _other: float) -> None:
        self.widget.n_clusters.value = 2 + int(one * 11)

    def do_option(self, one: float, other: float) -> None:
        fields = [field for field in self.widget.more_options.fields.values() if field.enabled]
        field = fields[int(one * len(fields))]
        choices = getattr(field, "choices", None)
        if choices:
            field.value = choices[int(other * len(choices))]
        elif isinstance(field.value, bool):
            field.value = other < 0.5
        elif isinstance(field.value, int | float):
            top = min(field.max, 3)
            field.value = type(field.value)(field.min + other * max(0, top - field.min))

    def choose(self, field: Any, one: float) -> None:
        if field.enabled:
            field.value = field.choices[int(one * len(field.choices))]

    def do_region(self, one: float, _other: float) -> None:
        self.choose(self.widget.inputs.region, one)

    def do_seeds(self, one: float, _other: float) -> None:
        self.choose(self.widget.inputs.seeds, one)

    def do_scope(self, one: float, _other: float) -> None:
        self.choose(self.widget.inputs.scope, one)

    def do_live(self, one: float, _other: float) -> None:
        self.widget.live.value = one < 0.7

    def do_run(self, _one: float, _other: float) -> None:
        self.widget.run_button.native.click()

    def do_run_and_wait(self, _one: float, _other: float) -> None:
        self.widget.run_button.native.click()
        if not self.wait(lambda: self.widget.state != "running", PATIENCE):
            self.failures.append(f"action {self.n}: a run does not end: {self.widget.task.stage}")

    def do_cancel(self, _one: float, _other: float) -> None:
        was_running = self.widget.state == "running"
        self.widget.cancel_button.native.click()
        if was_running and not self.busy:
            self.all_stopped()

    def do_how_many(self, _one: float, _other: float) -> None:
        self.widget.how_many.button.click()

    def do_rows(self, one: float, other: float) -> None:
        if self.table.clusters is not None:
            labels = self.table.clusters.table["label"].tolist()
            if labels:
                self.table.select({labels[int(x * len(labels))] for x in (one, other)})

    def act(self, name: str) -> None:
        self.table.actions_[name].trigger()

    def do_merge(self, _one: float, _other: float) -> None:
        self.act("merge")

    def do_split(self, one: float, _other: float) -> None:
        if len(self.table.selected) == 1 and not self.table._splitting.busy:
            # As its action does, but for the number that a dialog asks for.
            self.table._try(lambda: self.table.split(2 + int(one * 2)))

    def do_delete(self, _one: float, _other: float) -> None:
        self.act("delete")

    def do_extract(self, _one: float, _other: float) -> None:
        if len(self.viewer.layers) < 14:
            self.act("extract")

    def do_undo(self, _one: float, _other: float) -> None:
        self.act("undo")

    def do_redo(self, _one: float, _other: float) -> None:
        self.act("redo")

    def do_paint(self, one: float, other: float) -> None:
        labels = self.pick(one, Labels)
        if labels is not None and isinstance(labels.data, np.ndarray):
            place = [int(other * (n - 1)) for n in labels.data.shape]
            labels.paint(place, 1 + int(one * 3))

    def do_rename(self, one: float, other: float) -> None:
        layer = self.pick(one)
        if layer is not None:
            layer.name = f"called {int(other * 9)}"

    def do_other_data(self, one: float, _other: float) -> None:
        layer = self.pick(one, Image)
        if layer is not None and isinstance(layer.data, np.ndarray):
            layer.data = layer.data[::-1].copy()

    def do_dims(self, one: float, _other: float) -> None:
        if self.viewer.dims.ndim > 2:
            self.viewer.dims.set_current_step(0, int(one * self.viewer.dims.nsteps[0]))

    def do_zoom(self, one: float, other: float) -> None:
        camera = camera_of(self.viewer)
        camera.zoom *= 0.5 + one
        camera.center = (0, 400 * one, 400 * other)

    def do_3_d(self, one: float, _other: float) -> None:
        # For a moment: drawing without a graphics card can crash there.
        self.viewer.dims.ndisplay = 3
        self.wait(lambda: False, one * 0.2)
        self.viewer.dims.ndisplay = 2

    def do_sections(self, one: float, other: float) -> None:
        section = (self.widget.where, self.widget.more, self.widget.see)[int(one * 3)]
        section.button.setChecked(other < 0.7)

    def do_close_dock(self, _one: float, _other: float) -> None:
        if self.docked[0].parent() is not None and not self.closed:
            self.viewer.window.remove_dock_widget(self.docked[0])
            self.closed = True
            before = [layer.name for layer in self.viewer.layers]
            self.all_stopped()
            if before != [layer.name for layer in self.viewer.layers]:
                self.failures.append(f"action {self.n}: layers came after the dock was closed")

    def do_open_dock(self, _one: float, _other: float) -> None:
        if self.docked is None or self.closed:
            self.docked = self.viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
            self.closed = False

    def do_wait(self, one: float, _other: float) -> None:
        self.wait(lambda: False, one * 0.3)

    def do_rest(self, _one: float, _other: float) -> None:
        if not self.closed and not self.wait(lambda: not self.busy, PATIENCE):
            self.failures.append(f"action {self.n}: it does not come to rest")

    # -- what is left -------------------------------------------------------------------

    @staticmethod
    def ours() -> Counter[str]:
        """Count what is alive of layers, and of ours but the widgets."""
        gc.collect()
        kinds = [(str(type(one).__module__), type(one).__name__) for one in gc.get_objects()]
        return Counter(name for module, name in kinds if module.startswith(HOLDERS))

    def close_all(self) -> dict[str, int]:
        """Close all layers, and count what is left that was not there at first."""
        self.do_rest(0, 0)
        self.viewer.layers.clear()
        self.wait(lambda: False, 0.6)
        self.all_stopped()
        # Their modules are imported when they are needed.
        left = self.ours() - self.before
        return {name: n for name, n in left.items() if name != "cached_property"}


def memory() -> int:
    """Give the memory that this process holds, in MB."""
    import psutil

    return int(psutil.Process().memory_info().rss >> 20)


def run(
    seconds: float, n_actions: int, seed: int, *, preview: bool = False, told: bool = False
) -> dict[str, object]:
    """Take actions until the time is up, or there were so many."""
    warnings.simplefilter("ignore")
    walk = Walk()
    before, ends = memory(), time.monotonic() + seconds
    grown: list[int] = []
    for action in actions_from(seed, IN_PREVIEW if preview else HOW_OFTEN):
        if walk.n >= n_actions or time.monotonic() > ends:
            break
        if told:
            print(walk.n + 1, *action, memory(), file=sys.stderr, flush=True)  # noqa: T201
        walk.take(action)
        if walk.n % 200 == 0:
            grown.append(memory())
    left = walk.close_all()
    if any(left.values()):
        walk.failures.append(f"after all layers were closed {left} are left")
    result = {
        "actions": walk.n,
        "seed": seed,
        "tracebacks of others": walk.others,
        "MB": [before, *grown, memory()],
        "left": left,
        "failures": walk.failures,
    }
    walk.viewer.close()
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--actions", type=int, default=1 << 30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--preview", action="store_true", help="live preview, all the time")
    parser.add_argument("--told", action="store_true", help="print each action before it is done")
    given = parser.parse_args()
    out, sys.stdout = sys.stdout, sys.stderr  # napari prints there, too
    told = run(given.seconds, given.actions, given.seed, preview=given.preview, told=given.told)
    out.write(json.dumps(told, indent=1))
    out.flush()
    # Not by Qt, which may not come to an end.
    os._exit(bool(told["failures"]))

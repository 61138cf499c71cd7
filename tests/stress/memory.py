"""Work on one image at random, and see how the memory of the window's process grows.

python tests/stress/memory.py --actions 1000 --seed 1

Beside it napari alone, in a process of its own, is asked for the same: layers that come and go, get
other pixels, colours and tables. What the process with the plugin has grown by beyond that must be
less than an image and its labels; so must what Python holds, arrays included, beyond what it holds
for napari. Steps that can be undone have a limit of their own, and the pixels of layers that are
open are a person's to close. napari by itself keeps some memory of each layer that is closed, in
Qt and OpenGL (https://github.com/napari/napari/issues/2027).

Both processes have one arena of the C library. By default each thread has its own, and each keeps
what it ever needed at once: the process then grows by what is used nowhere, by 117 MB from the
100th to the 300th action instead of 7.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from pathlib import Path

from actions import ON_ONE_IMAGE, actions_from
from walk import Walk

# isort: split
import napari
from heard import LOOK, Alone, Heard, photograph, python, resident
from napari.layers import Labels
from qtpy.QtWidgets import QApplication

from napari_kmeans_seg.layers.clusters.history import ClusterHistory

ONE_ARENA = {"MALLOC_ARENA_MAX": "1"}

FIRST = 100
"""Actions after which all has been drawn, imported and kept that a session keeps of an image."""

MOST = 4
"""Layers: the image, and two results or their parts."""

EVERY = 25
"""Actions between two looks at the memory."""


def steps_to_undo() -> int:
    """Give the bytes of all steps that can be undone or done again."""
    histories = [one for one in gc.get_objects() if type(one) is ClusterHistory]
    return sum(step.nbytes for one in histories for step in (*one._done, *one._undone))


def growth(of: list[float]) -> float:
    """Say how much it is more in the end than after the first actions.

    The least of each: what is prepared for a run comes and goes.
    """
    looks = of[FIRST // EVERY :]
    few = -(-len(looks) // 4)
    return min(looks[-few:]) - min(looks[:few]) if looks else 0.0


def with_plugin(
    seconds: float, n_actions: int, seed: int, size: int
) -> tuple[Walk, Heard, dict[str, list[float]], float]:
    """Take so many actions after the first ones, or until the time is up."""
    walk = Walk()
    heard = Heard(walk.viewer)
    image = photograph(size)
    walk.viewer.add_image(image, name="image")
    walk.do_run_and_wait(0, 0)
    labels = sum(layer.data.nbytes for layer in walk.viewer.layers if isinstance(layer, Labels))
    looks: dict[str, list[float]] = {"Python": [], "process": []}
    ends = time.monotonic() + seconds
    for action in actions_from(seed, ON_ONE_IMAGE):
        walk.take(action)
        # Who has edited a result gets another beside it; a person closes the older ones.
        while len(walk.viewer.layers) > MOST:
            del walk.viewer.layers[1]
        if walk.n % EVERY == 0:
            walk.do_rest(0, 0)
            heard.look()
            looks["Python"].append(python(walk.viewer.layers, steps_to_undo()))
            looks["process"].append(resident())
        if walk.n >= FIRST + n_actions or time.monotonic() > ends:
            break
    return walk, heard, looks, (image.nbytes + labels) / (1 << 20)


def alone(asked: list[list[object]]) -> dict[str, list[float]]:
    """Ask napari for the same without the plugin."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1280, 900)
    same, looks = Alone(viewer), dict[str, list[float]](Python=[], process=[])
    for what, *of in asked:
        if what == LOOK:
            looks["Python"].append(python(viewer.layers))
            looks["process"].append(resident())
        else:
            same.do(str(what), *of)
            QApplication.processEvents()
    return looks


def control(asked: list[list[object]]) -> dict[str, list[float]]:
    """Do so in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "asked.json"
        path.write_text(json.dumps(asked))
        done = subprocess.run(
            [sys.executable, __file__, "--alone", path], stdout=subprocess.PIPE, check=True
        )
    told: dict[str, list[float]] = json.loads(done.stdout)
    return told


def run(seconds: float, n_actions: int, seed: int, size: int) -> dict[str, object]:
    """Work with the plugin for two thirds of the time, then without."""
    walk, heard, ours, limit = with_plugin(seconds * 2 / 3, n_actions, seed, size)
    theirs = control(heard.asked)
    told: dict[str, object] = {
        "actions": walk.n,
        "seed": seed,
        "layers that came": heard.n_layers,
        "MB of image and labels": round(limit, 1),
    }
    for what, looks in ours.items():
        more, of_napari = growth(looks), growth(theirs[what])
        told[f"MB more of {what}"] = round(more, 1)
        told[f"MB more of {what}, napari alone"] = round(of_napari, 1)
        told[f"MB of {what}"] = [round(one) for one in looks]
        told[f"MB of {what}, napari alone"] = [round(one) for one in theirs[what]]
        if more - of_napari >= limit:
            walk.failures.append(
                f"{what} grows by {more:.1f} MB, with napari alone by {of_napari:.1f} MB; of an "
                f"image and labels of {limit:.1f} MB"
            )
    return {**told, "failures": walk.failures}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--actions", type=int, default=1000, help="after the first ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=1500, help="rows and columns of the image")
    parser.add_argument("--alone", type=Path, help="what to ask napari alone for")
    given = parser.parse_args()
    if ONE_ARENA.items() - os.environ.items():
        # It is read when a process starts.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_ARENA)
    out, sys.stdout = sys.stdout, sys.stderr  # napari prints there, too
    warnings.simplefilter("ignore")
    tracemalloc.start()
    if given.alone is not None:
        result: dict[str, object] = dict(alone(json.loads(given.alone.read_text())))
    else:
        result = run(given.seconds, given.actions, given.seed, given.size)
    out.write(json.dumps(result, indent=1))
    out.flush()
    # Not by Qt, which may not come to an end.
    os._exit(bool(result.get("failures")))

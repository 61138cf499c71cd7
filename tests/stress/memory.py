"""Work on one image at random, and see how the memory of the window's process grows.

python tests/stress/memory.py --actions 1000 --seed 1

What Python holds, arrays included, must not grow by an image and its labels; what it holds for
steps that can be undone has a limit of its own, and the pixels of layers that are open are a
person's to close. The process grows by more: napari 0.9 alone keeps
some 2 MB of each layer that is closed, in Qt and OpenGL, and freed memory is kept by the C library,
as `core.base.parallel` asks it to. Both are told.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
import tracemalloc
import warnings
from typing import TYPE_CHECKING

import numpy as np
import skimage.data
from actions import ON_ONE_IMAGE, actions_from
from napari.layers import Image, Labels
from walk import Walk, memory

from napari_kmeans_seg.layers.clusters.history import ClusterHistory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Layer

FIRST = 100
"""Actions after which all has been drawn, imported and kept that a session keeps of an image."""

MOST = 4
"""Layers: the image, and two results or their parts."""

EVERY = 25
"""Actions between two looks at the memory."""


def held(layers: Iterable[Layer]) -> int:
    """Give the memory that Python holds, in MB, without that of steps to undo and of layers."""
    gc.collect()
    histories = [one for one in gc.get_objects() if type(one) is ClusterHistory]
    steps = sum(step.nbytes for one in histories for step in (*one._done, *one._undone))
    pixels = sum(layer.data.nbytes for layer in layers if isinstance(layer, Image | Labels))
    return (tracemalloc.get_traced_memory()[0] - steps - pixels) >> 20


def run(seconds: float, n_actions: int, seed: int, size: int) -> dict[str, object]:
    """Take so many actions after the first ones, or until the time is up."""
    warnings.simplefilter("ignore")
    tracemalloc.start()
    walk = Walk()
    n_layers = 0

    def count(_event: object) -> None:
        nonlocal n_layers
        n_layers += 1

    walk.viewer.layers.events.inserted.connect(count)
    image = np.resize(skimage.data.coffee(), (size, size, 3))
    image += np.arange(size, dtype=np.uint8)[:, np.newaxis, np.newaxis]
    walk.viewer.add_image(image, name="image")
    walk.do_run_and_wait(0, 0)
    labels = sum(layer.data.nbytes for layer in walk.viewer.layers if isinstance(layer, Labels))
    limit = (image.nbytes + labels) >> 20
    grown, process, ends = [], [], time.monotonic() + seconds
    for action in actions_from(seed, ON_ONE_IMAGE):
        walk.take(action)
        # Who has edited a result gets another beside it; a person closes the older ones.
        while len(walk.viewer.layers) > MOST:
            del walk.viewer.layers[1]
        if walk.n % EVERY == 0:
            walk.do_rest(0, 0)
            grown.append(held(walk.viewer.layers))
            process.append(memory())
        if walk.n >= FIRST + n_actions or time.monotonic() > ends:
            break
    # The least of each: what is prepared for a run comes and goes.
    looks = grown[FIRST // EVERY :]
    few = -(-len(looks) // 4)
    growth = min(looks[-few:]) - min(looks[:few]) if looks else 0
    if growth >= limit:
        walk.failures.append(f"it grows by {growth} MB, of an image and labels of {limit} MB")
    return {
        "actions": walk.n,
        "seed": seed,
        "layers that came": n_layers,
        "MB of image and labels": limit,
        "MB more": growth,
        "MB of Python": grown,
        "MB of the process": process,
        "failures": walk.failures,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--actions", type=int, default=1 << 30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=1500, help="rows and columns of the image")
    given = parser.parse_args()
    out, sys.stdout = sys.stdout, sys.stderr  # napari prints there, too
    told = run(given.seconds, given.actions, given.seed, given.size)
    out.write(json.dumps(told, indent=1))
    out.flush()
    # Not by Qt, which may not come to an end.
    os._exit(bool(told["failures"]))

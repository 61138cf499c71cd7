"""Work on one image at random, and see how the memory of the window's process grows.

python tests/stress/memory.py --actions 1000 --seed 1
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings

import numpy as np
import skimage.data
from actions import ON_ONE_IMAGE, actions_from
from napari.layers import Labels
from walk import Walk, memory

FIRST = 100
"""Actions after which all has been drawn, imported and kept that a session keeps of an image."""

EVERY = 25
"""Actions between two looks at the memory."""


def run(seconds: float, n_actions: int, seed: int, size: int) -> dict[str, object]:
    """Take so many actions after the first ones, or until the time is up."""
    warnings.simplefilter("ignore")
    walk = Walk()
    image = np.resize(skimage.data.coffee(), (size, size, 3))
    image += np.arange(size, dtype=np.uint8)[:, np.newaxis, np.newaxis]
    walk.viewer.add_image(image, name="image")
    walk.do_run_and_wait(0, 0)
    labels = sum(layer.data.nbytes for layer in walk.viewer.layers if isinstance(layer, Labels))
    limit = (image.nbytes + labels) >> 20
    grown, ends = [], time.monotonic() + seconds
    for action in actions_from(seed, ON_ONE_IMAGE):
        walk.take(action)
        if walk.n % EVERY == 0:
            walk.do_rest(0, 0)
            grown.append(memory())
        if walk.n >= FIRST + n_actions or time.monotonic() > ends:
            break
    growth = grown[-1] - grown[FIRST // EVERY - 1] if walk.n > FIRST else 0
    if growth >= limit:
        walk.failures.append(f"it grows by {growth} MB, of an image and labels of {limit} MB")
    return {
        "actions": walk.n,
        "seed": seed,
        "layers": [layer.name for layer in walk.viewer.layers],
        "image and labels": limit,
        "growth": growth,
        "MB": grown,
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

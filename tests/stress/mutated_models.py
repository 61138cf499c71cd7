"""Mutate model files: each is refused in words, or is a model that labels an image.

python tests/stress/mutated_models.py --seconds 600 --seed 1
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from napari_kmeans_seg import KMeansModel, segment

ODD: list[Any] = [
    *(None, True, -1, 0, 1, 2, 10**400, 1e308, -1e308, 5e-324, 1 << 63, -(1 << 64), "", "rgb"),
    *([], {}, [[]], [1, 2, 3], "\ud800", "x" * 100_000, float("nan"), float("inf"), "NaN"),
]


def mutated(text: str, chance: random.Random) -> bytes:
    """Change a value somewhere in the document, or a few bytes."""
    if chance.random() < 0.3:
        content = bytearray(text.encode())
        for _ in range(chance.randint(1, 5)):
            at = chance.randrange(len(content))
            act = chance.random()
            if act < 0.6:
                content[at] = chance.randrange(256)
            elif act < 0.8:
                del content[at : at + chance.randint(1, 20)]
            else:
                content[at:at] = chance.choice([b"[" * 5000, b"{", b'"', b"9" * 400, b"e999", b","])
        return bytes(content)
    document = json.loads(text)
    for _ in range(chance.randint(1, 3)):
        _change(document, chance)
    return json.dumps(document).encode()


def _change(node: Any, chance: random.Random) -> None:
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = chance.choice(keys)
        if isinstance(node[key], dict | list) and node[key] and chance.random() < 0.7:
            node = node[key]
            continue
        act = chance.random()
        if act < 0.7:
            node[key] = deepcopy(chance.choice(ODD))
        elif act < 0.85:
            del node[key]
        elif isinstance(node, list):
            node.insert(key, deepcopy(chance.choice(ODD)))
        else:
            node[chance.choice([*keys, "more"])] = deepcopy(chance.choice(ODD))
        return


def outcome(path: Path, images: list[np.ndarray]) -> str:
    """Load a file and use it; what went wrong, or nothing."""
    started = time.monotonic()
    try:
        try:
            model = KMeansModel.load(path)
        except ValueError as refusal:
            if len(str(refusal)) > 1000:
                return f"the refusal takes {len(str(refusal)):,} characters"
        else:
            for image in images:
                try:
                    found = model.predict(image)
                except (ValueError, TypeError):
                    continue  # made for images of another kind
                if found.labels.max() > len(model.centroids):
                    return "a label that no cluster has"
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is what we look for
        return f"{type(problem).__name__}: {problem}"[:300]
    if time.monotonic() - started > 20:
        return f"took {time.monotonic() - started:.0f} s"
    return ""


def run(seconds: float, seed: int) -> dict[str, object]:
    """Go through cases until the time is up."""
    noise = np.random.default_rng(0)
    images = [noise.integers(0, 256, (8, 9, 3), np.uint8), noise.random((8, 9), np.float32)]
    folder = Path(tempfile.mkdtemp(prefix="models-"))
    texts, failures, n = [], [], 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for image, options in (
                (images[0], {"channel_axis": -1}),
                (images[0], {"channel_axis": -1, "color_space": "lab", "smoothing": 1.0}),
                (images[1], {"spatial_weight": 0.5}),
            ):
                segment(image, 3, **options).model.save(folder / "model.json")
                texts.append((folder / "model.json").read_text())
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                chance = random.Random(f"{seed} {n}")
                (folder / "model.json").write_bytes(mutated(chance.choice(texts), chance))
                if wrong := outcome(folder / "model.json", images):
                    failures.append(f"{n}: {wrong}")
                n += 1
    finally:
        shutil.rmtree(folder)
    return {"mutated models": n, "failures": failures}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    told = run(given.seconds, given.seed)
    print(json.dumps(told, indent=1))  # noqa: T201
    raise SystemExit(bool(told["failures"]))

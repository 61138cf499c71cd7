"""Segment photographs that do not fit in memory, from disk to disk, and measure it.

    python -m benchmarks.lazy                       0.1 to 2 gigapixels; needs 16 GB of disk
    python -m benchmarks.lazy --gigapixels 0.1 0.2  these, printed only

A photograph is repeated, with noise, to a Zarr store of uint8 RGB on disk. It is fitted chunk by
chunk, and its labels are written to another store. Time is compared with reading all chunks.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dask
import dask.array as da
import matplotlib as mpl
import numpy as np
import zarr

from napari_kmeans_seg import segment

from . import images, machine
from .measure import ROOT, environment, peak_memory

HERE = Path(__file__).parent
SIDE = 2048
"""Side of a chunk in pixels: 12 MB of RGB."""
SIZES = (0.1, 0.25, 0.5, 1.0, 2.0)


def make(store: Path, gigapixels: float, photo: images.Array) -> None:
    """Write a photograph, repeated with noise, as a Zarr store."""
    tiles = max(1, round((gigapixels * 1e9) ** 0.5 / SIDE))
    side = tiles * SIDE
    array = zarr.create_array(
        store, shape=(side, side, 3), chunks=(SIDE, SIDE, 3), dtype=np.uint8, compressors=None
    )
    rng = np.random.default_rng(0)
    rows, columns = photo.shape[0] - SIDE, photo.shape[1] - SIDE
    for i in range(tiles):
        for j in range(tiles):
            y, x = (i * 997) % rows, (j * 1499) % columns
            tile = photo[y : y + SIDE, x : x + SIDE].astype(np.int16)
            tile += rng.integers(-1, 2, tile.shape, dtype=np.int16)
            part = (slice(i * SIDE, (i + 1) * SIDE), slice(j * SIDE, (j + 1) * SIDE))
            array[part] = np.clip(tile, 0, 255).astype(np.uint8)


def run(source: Path, target: Path, k: int) -> dict[str, float]:
    """Fit and label a store, and time it."""
    image = da.from_zarr(str(source))
    peak_memory(reset=True)
    base = peak_memory()
    began = time.perf_counter()
    # Reading alone: every chunk, of which next to nothing is kept.
    dask.compute(*[dask.delayed(np.max)(block) for block in image.to_delayed().ravel()])
    reading = time.perf_counter() - began
    began = time.perf_counter()
    found = segment(image, k, channel_axis=-1)
    fitting = time.perf_counter() - began
    began = time.perf_counter()
    da.to_zarr(found.labels, str(target))
    labelling = time.perf_counter() - began
    return {
        "megapixels": image.shape[0] * image.shape[1] / 1e6,
        "reading": reading,
        "fitting": fitting,
        "labelling": labelling,
        "memory": peak_memory() / 1e6,
        "base": base / 1e6,
        "all_read": float(found.counts.sum() == image.shape[0] * image.shape[1]),
    }


def in_memory(photo: images.Array, k: int) -> float:
    """Seconds per megapixel of an image in memory, labels included."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        segment(photo, k, channel_axis=-1)
        times.append(time.perf_counter() - began)
    return sorted(times)[1] / (photo.shape[0] * photo.shape[1] / 1e6)


def table(found: list[dict[str, float]], photo_rate: float, memory_rate: float, k: int) -> str:
    lines = [
        "# Larger than memory",
        "",
        f"A uint8 RGB photograph, repeated with noise, in a Zarr store of {SIDE} x {SIDE} chunks:",
        f"fitted (k = {k}) and labelled to another store, each size in a process of its own.",
        "*Reading* is every chunk once and nothing else. The engine takes",
        f"{1e3 * memory_rate:.1f} ms per megapixel of the smallest of these images in memory, and",
        f"{1e3 * photo_rate:.1f} ms of the photograph itself, whose colours are fewer.",
        "",
        (
            "| megapixels | reading, s | fit, s | labels, s | ms per megapixel | "
            "times (in memory + reading) | peak memory, MB |"
        ),
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for one in found:
        size = one["megapixels"]
        both = (one["fitting"] + one["labelling"]) / size
        expected = memory_rate + one["reading"] / size
        lines.append(
            f"| {size:.0f} | {one['reading']:.1f} | {one['fitting']:.1f} | "
            f"{one['labelling']:.1f} | {1e3 * both:.1f} | {both / expected:.2f} | "
            f"{one['memory']:.0f} |"
        )
    return "\n".join([*lines, "", machine.machine()]) + "\n"


def draw(found: list[dict[str, float]], file: Path) -> None:
    """Draw time and memory against size."""
    mpl.use("agg")
    import matplotlib.pyplot as plt

    sizes = [one["megapixels"] / 1e3 for one in found]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name, label in (("reading", "reading alone"), ("fitting", "fit"), ("labelling", "labels")):
        left.plot(sizes, [one[name] for one in found], "o-", label=label)
    left.set(xlabel="gigapixels of RGB", ylabel="seconds", title="Time")
    left.legend()
    right.plot(sizes, [one["memory"] for one in found], "o-", color="tab:red")
    right.axhline(1000, color="grey", linestyle=":", label="1 GB")
    right.set(xlabel="gigapixels of RGB", ylabel="MB", title="Peak memory of the process")
    right.set_ylim(0, None)
    right.legend()
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(file, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lazy", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--gigapixels", type=float, nargs="+", help="sizes; printed only")
    parser.add_argument("--photo", type=Path, help="an RGB photograph of 10 to 20 megapixels")
    parser.add_argument("--folder", type=Path, help="where the stores go; a temporary one")
    parser.add_argument("-k", type=int, default=5)
    parser.add_argument("--one", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(run(*arguments.one, arguments.k)))
        return
    photo, _ = images.photo(arguments.photo)
    found: list[dict[str, float]] = []
    rates: list[float] = []
    for size in arguments.gigapixels or SIZES:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            source, target = Path(folder, "image.zarr"), Path(folder, "labels.zarr")
            make(source, size, photo)
            if not rates:
                alike = zarr.open_array(source)[:]
                rates = [in_memory(photo, arguments.k), in_memory(alike, arguments.k)]
                del alike
            command = [sys.executable, "-m", "benchmarks.lazy", "-k", str(arguments.k)]
            done = subprocess.run(
                [*command, "--one", str(source), str(target)],
                cwd=ROOT,
                env=environment(),
                capture_output=True,
                check=True,
            )
        found.append(json.loads(done.stdout.decode().splitlines()[-1]))
        print(found[-1], flush=True)
    text = table(found, *rates, arguments.k)
    print("\n" + text)
    if not arguments.gigapixels:
        (HERE / "LAZY.md").write_text(text, encoding="utf-8")
        draw(found, HERE / "lazy.png")


if __name__ == "__main__":
    main()

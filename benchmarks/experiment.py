"""Fit one clustering on 1 to 1,000 images on disk, and measure it beside two usual ways.

    python -m benchmarks.experiment                  1, 10, 100 and 1,000 images of 4 megapixels
    python -m benchmarks.experiment --images 1 10    these, printed only

Twenty images are made, of tissue under lamps of their own; the rest are links to these. Usual ways
are scikit-learn's `MiniBatchKMeans.partial_fit`, image by image, and k-means on a fixed number of
random pixels of each image, as Orfeo ToolBox takes them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import skimage.data
import tifffile
from numpy.typing import NDArray

from napari_kmeans_seg import KMeansModel

from . import machine
from .measure import ROOT, environment, peak_memory

HERE = Path(__file__).parent
SIDE, DISTINCT, SAMPLE, K = 2000, 20, 1000, 5
SIZES = (1, 10, 100, 1000)
TIME_HEAD = (
    "| images | reading, ms each | alone, ms | pooled fit, ms each | times (alone + reading) "
    "| peak memory, MB |"
)
WAYS_HEAD = (
    "| images | ours, ms each | MB | mini-batch, ms each | MB | inertia | sample, ms each | MB "
    "| inertia |"
)
MOST_OF_MINI_BATCH = 100
"""Images up to which scikit-learn is waited for."""


def make(folder: Path) -> None:
    """Write the images: tissue, turned and shifted, with noise, under a lamp of its own."""
    tissue = skimage.data.immunohistochemistry()
    rng = np.random.default_rng(0)
    for i in range(max(SIZES)):
        path = folder / f"{i:04d}.tif"
        if i >= DISTINCT:
            os.link(folder / f"{i % DISTINCT:04d}.tif", path)
            continue
        tile = np.roll(np.rot90(tissue, i % 4), rng.integers(0, 512, 2), (0, 1))
        image = np.tile(tile, (4, 4, 1))[:SIDE, :SIDE] * rng.uniform(0.7, 1, 3)
        image += rng.normal(0, 2, image.shape)
        tifffile.imwrite(path, np.clip(image, 0, 255).astype(np.uint8), photometric="rgb")


def pooled(paths: list[Path]) -> dict[str, object]:
    """Fit on all images; time it beside reading, and beside one image in memory."""
    first = tifffile.imread(paths[0])
    alone = []

    def time_alone() -> None:
        for _ in range(3):
            began = time.perf_counter()
            KMeansModel.fit([first], K, channel_axis=-1)
            alone.append(time.perf_counter() - began)

    # What is imported for files, once.
    KMeansModel.fit(paths[:1], K)
    time_alone()
    began = time.perf_counter()
    few = paths[:100]
    for path in few:
        tifffile.imread(path)
    reading = (time.perf_counter() - began) / len(few)
    peak_memory(reset=True)
    began = time.perf_counter()
    model = KMeansModel.fit(paths, K)
    seconds = time.perf_counter() - began
    memory = peak_memory() / 1e6
    time_alone()
    return {
        "seconds": seconds,
        "reading": reading,
        "alone": median(alone),
        "memory": memory,
        "centroids": model.centroids.tolist(),
    }


def mini_batch(paths: list[Path]) -> dict[str, object]:
    """Fit on all images, one batch each."""
    from sklearn.cluster import MiniBatchKMeans

    peak_memory(reset=True)
    began = time.perf_counter()
    fit = MiniBatchKMeans(K, random_state=0)
    for path in paths:
        # In single precision its counts no longer grow from 16 million pixels on.
        fit.partial_fit(tifffile.imread(path).reshape(-1, 3).astype(np.float64))
    return {
        "seconds": time.perf_counter() - began,
        "memory": peak_memory() / 1e6,
        "centroids": fit.cluster_centers_.tolist(),
    }


def sample(paths: list[Path]) -> dict[str, object]:
    """Fit on some pixels of each image."""
    from sklearn.cluster import KMeans

    peak_memory(reset=True)
    began = time.perf_counter()
    rng = np.random.default_rng(0)
    rows = []
    for path in paths:
        pixels = tifffile.imread(path).reshape(-1, 3)
        rows.append(pixels[rng.integers(len(pixels), size=SAMPLE)].astype(np.float32))
    fit = KMeans(K, n_init=10, random_state=0).fit(np.concatenate(rows))
    return {
        "seconds": time.perf_counter() - began,
        "memory": peak_memory() / 1e6,
        "centroids": fit.cluster_centers_.tolist(),
    }


WAYS = {"pooled": pooled, "mini_batch": mini_batch, "sample": sample}


def inertia(centroids: NDArray[np.float64], paths: list[Path]) -> float:
    """Sum of squared distances of all pixels; of images that are linked, once for each link."""
    total = 0.0
    for i, path in enumerate(paths[:DISTINCT]):
        pixels = tifffile.imread(path).reshape(-1, 3).astype(np.float32)
        nearest = np.full(len(pixels), np.inf, np.float32)
        for row in centroids.astype(np.float32):
            np.minimum(nearest, ((pixels - row) ** 2).sum(axis=1), out=nearest)
        total += float(nearest.sum(dtype=np.float64)) * len(range(i, len(paths), DISTINCT))
    return total


def measured(way: str, folder: Path, n: int) -> dict[str, object]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.experiment", "--one", way, str(folder), str(n)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, check=True)
    found: dict[str, object] = json.loads(done.stdout.decode().splitlines()[-1])
    return found


def lines_of(n: int, folder: Path) -> tuple[str, str]:
    """Measure n images; a line for each table."""
    paths = sorted(folder.glob("*.tif"))[:n]
    ours = measured("pooled", folder, n)
    best = inertia(np.array(ours["centroids"]), paths)
    each = float(str(ours["seconds"])) / n
    alone, reading, memory = (float(str(ours[name])) for name in ("alone", "reading", "memory"))
    first = (
        f"| {n:,} | {1e3 * reading:.1f} | {1e3 * alone:.0f} | {1e3 * each:.0f} | "
        f"{each / (alone + reading):.2f} | {memory:.0f} |"
    )
    cells = [f"{1e3 * each:.0f}", f"{memory:.0f}"]
    for way in ("mini_batch", "sample"):
        if way == "mini_batch" and n > MOST_OF_MINI_BATCH:
            cells += ["–"] * 3
            continue
        found = measured(way, folder, n)
        worse = inertia(np.array(found["centroids"]), paths) / best - 1
        seconds, peak = float(str(found["seconds"])), float(str(found["memory"]))
        cells += [f"{1e3 * seconds / n:.0f}", f"{peak:.0f}", f"{100 * worse:+.3f} %"]
    return first, f"| {n:,} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.experiment", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--images", type=int, nargs="+", help="how many; printed only")
    parser.add_argument("--folder", type=Path, help="where the images go; a temporary one")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        way, folder, n = arguments.one
        print(json.dumps(WAYS[way](sorted(Path(folder).glob("*.tif"))[: int(n)])))
        return
    tables: tuple[list[str], list[str]] = ([], [])
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        make(Path(folder))
        for n in arguments.images or SIZES:
            for table, line in zip(tables, lines_of(n, Path(folder)), strict=True):
                table.append(line)
                print(line, flush=True)
    text = "\n".join(
        [
            "# Many images as one",
            "",
            f"TIFF files of {SIDE} x {SIDE} pixels of uint8 RGB, {DISTINCT} of them made from",
            "stained tissue, each under a lamp of its own and with noise; beyond that, links to",
            f"these. k = {K}. Each number of images in a process of its own. *Reading* is opening",
            "and decoding alone, from the disk's cache; *alone* is the fit of one image that is in",
            "memory. The bar is 1.2 times their sum, and 1 GB.",
            "",
            TIME_HEAD,
            "|--:|--:|--:|--:|--:|--:|",
            *tables[0],
            "",
            "The same beside `MiniBatchKMeans.partial_fit` of scikit-learn, a batch for each",
            f"image, and its `KMeans` (10 starts) on {SAMPLE:,} random pixels of each image,",
            "the way of Orfeo ToolBox. *Inertia* is that of all pixels of all images, beside ours.",
            "",
            WAYS_HEAD,
            "|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
            *tables[1],
            "",
            machine.machine(),
            "",
        ]
    )
    print("\n" + text)
    if not arguments.images:
        (HERE / "EXPERIMENT.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

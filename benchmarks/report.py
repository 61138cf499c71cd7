"""Measurements as Markdown and as a picture."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from . import machine
from .measure import Measurement
from .methods import NAMES
from .plan import Plan

COLUMNS = ["", "seconds", "times ours", "squared error", "to ours", "memory, MB"]
COLUMNS += ["without outputs", "times the floor"]

TARGETS = {
    ("RGB photograph", 5, "sklearn"): (15, 25),
    ("RGB photograph", 16, "sklearn"): (20, 40),
    ("RGB photograph", 64, "sklearn"): (30, 60),
    ("RGB photograph", 5, "sample_predict"): (2, 3),
    ("RGB photograph", 16, "sample_predict"): (1.5, 3),
    ("RGB photograph", 64, "sample_predict"): (1, 2),
    ("uint16 grey", 4, "sklearn"): (25, 50),
    ("float32, 4 channels", 5, "sklearn"): (3, 6),
    ("512 x 512 RGB", 5, "sklearn"): (5, 10),
    **{
        (f"float32, 250 x 250, {n} channels", k, "sklearn"): (1, 2)
        for n in (3, 6, 12)
        for k in (16, 32, 128)
    },
    ("float32, 145 x 145, 200 bands", 16, "sklearn"): (0.8, 1),
}
"""How many times faster than whom, at least and at best."""

KEPT = (2.5, 5)
"""The same for another number of clusters, against the first call."""


@dataclass(frozen=True)
class Case:
    """One image and number of clusters, and what each method made of it."""

    title: str
    k: int
    found: dict[str, Measurement]

    def table(self) -> str:
        ours, floor = self.found["ours"], self.found["floor"]
        lines = [
            f"### {self.title}, k = {self.k}",
            "",
            "| " + " | ".join(COLUMNS) + " |",
            "|---" + "|--:" * (len(COLUMNS) - 1) + "|",
        ]
        for name, one in self.found.items():
            if not one.runs:
                lines.append(f"| {NAMES[name]} | {one.problem} | | | | | | |")
                continue
            cells = [
                NAMES[name] + (f" ({one.runs} runs, then {one.problem})" if one.problem else ""),
                f"{one.seconds:.3f}",
                f"{one.seconds / ours.seconds:.1f}",
                "" if name == "floor" else f"{one.error:.5g}",
                "" if name == "floor" else f"{100 * (one.error / ours.error - 1):+.1f} %",
                f"{one.memory / 1e6:.0f}",
                f"{max(one.memory - one.outputs, 0) / 1e6:.0f}",
                f"{one.seconds / floor.seconds:.1f}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)


def summary(cases: list[Case]) -> str:
    """Time of the peers that people use most, as multiples of ours."""
    names = ["sklearn", "sample_predict", "opencv"]
    lines = [
        "| | ours, seconds | " + " | ".join(f"{NAMES[name]}, times" for name in names) + " |",
        "|---|" + "--:|" * (1 + len(names)),
    ]
    for case in cases:
        ours = case.found["ours"].seconds
        ratios = [case.found[name].seconds / ours for name in names]
        cells = [f"{ratio:.1f}" if np.isfinite(ratio) else "stopped" for ratio in ratios]
        lines.append(f"| {case.title}, k = {case.k} | {ours:.3f} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def again_table(rows: list[tuple[int, Measurement]]) -> str:
    """The first call beside another k on the points that are kept, in the same process."""
    lines = ["| k | first call, s | points kept, s | ratio |", "|--:|--:|--:|--:|"]
    for k, again in rows:
        if not again.runs:
            lines.append(f"| {k} | {again.problem} | | |")
            continue
        first = again.stages["First call"]
        ratio = first / again.seconds
        lines.append(f"| {k} | {first:.3f} | {again.seconds:.3f} | {ratio:.1f} |")
    return "\n".join(lines)


def choice_table(rows: list[tuple[str, Measurement]]) -> str:
    """`choose_k` beside one segmentation, in the same process."""
    lines = ["| | one segment, s | choose_k, s | ratio |", "|---|--:|--:|--:|"]
    for title, choice in rows:
        if not choice.runs:
            lines.append(f"| {title} | {choice.problem} | | |")
            continue
        one = choice.stages["One segment"]
        ratio = choice.seconds / one
        lines.append(f"| {title} | {one:.3f} | {choice.seconds:.3f} | {ratio:.1f} |")
    return "\n".join(lines)


def target_table(cases: list[Case], again: list[tuple[int, Measurement]]) -> str:
    """How often faster we wanted to be, at least and at best, and are."""
    lines = ["| | at least | aim | reached |", "|---|--:|--:|--:|"]

    def add(what: str, least: float, aim: float, reached: float) -> None:
        note = " (short)" if reached < least else " (aim)" if reached >= aim else ""
        lines.append(f"| {what} | {least:g} | {aim:g} | {reached:.2f}{note} |")

    for (words, k, peer), (least, aim) in TARGETS.items():
        for case in cases:
            if case.title.startswith(words) and case.k == k and peer in case.found:
                times = case.found[peer].seconds / case.found["ours"].seconds
                add(f"{case.title}, k = {k}, against {NAMES[peer]}", least, aim, times)
    for k, kept in (row for row in again if row[1].runs):
        times = kept.stages["First call"] / kept.seconds
        add(f"another k = {k} on kept points, against the first call", *KEPT, times)
    return "\n".join(lines)


def stage_table(rows: list[tuple[str, Measurement]]) -> str:
    """Seconds per stage of ours."""
    stages = list(dict.fromkeys(stage for _, one in rows for stage in one.stages))
    lines = ["| | " + " | ".join(stages) + " | all |", "|---|" + "--:|" * (len(stages) + 1)]
    for title, one in rows:
        cells = [f"{one.stages.get(stage, 0):.3f}" for stage in stages]
        lines.append(f"| {title} | " + " | ".join(cells) + f" | {one.seconds:.3f} |")
    return "\n".join(lines)


Curves = dict[str, list[tuple[float, float]]]
"""For each method, ``(pixels or k, seconds)``."""


def curve_table(curves: Curves, of: str) -> str:
    xs = sorted({x for curve in curves.values() for x, _ in curve})
    lines = [f"| {of} | " + " | ".join(f"{x:g}" for x in xs) + " |", "|---|" + "--:|" * len(xs)]
    for name, curve in curves.items():
        seconds = dict(curve)
        cells = [f"{seconds[x]:.3g}" if np.isfinite(seconds[x]) else "stopped" for x in xs]
        lines.append(f"| {NAMES[name]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def page(
    plan: Plan,
    source: str,
    cases: list[Case],
    again: list[tuple[int, Measurement]],
    choice: list[tuple[str, Measurement]],
    split: list[tuple[str, Measurement]],
    by_pixels: Curves,
    by_k: Curves,
) -> str:
    """Everything on one page of Markdown."""
    tables = "\n\n".join(case.table() for case in cases)
    return f"""# Results

Written by `python -m benchmarks` on {date.today().isoformat()}; the photograph is {source}.

- Machine: {machine.machine()}
- Versions: {machine.versions()}
- NumPy's BLAS: {machine.blas()}

## In short

Time of the others as a multiple of ours.

{summary(cases)}

## What was wanted

{target_table(cases, again)}

The error is wanted within 1 % of scikit-learn's (below: "to ours"), the memory without outputs
below 400 MB, at best 200. Where it falls short, and why:

- Another k saves reading the pixels and counting their colours, the same time for every k. What
  remains grows with k: starts and iterations on the colours, most of it at k = 64, beside
  looking up and painting every pixel.
- On small images most of the time are hundreds of calls of NumPy on few points;
  scikit-learn's loops are compiled.

## How it was measured

Every method has the same work: from the array to the label of each pixel and the recoloured
image. Each runs in a process of its own, with its defaults, after one warm-up on a corner of
the image. Runs, each with its own seed: {plan.seeds}; of a method that takes more than
{plan.budget:.0f} s in all, {plan.least} or more (for the curves below, fewer). It is stopped
after {plan.limit:.0f} s. Time and error are medians over these runs. Before each run a gigabyte of
memory is filled and given back: on a virtual machine, memory that was free for some seconds takes
ten times as long to come by.

- The grey image (cells with a camera's noise), the float images (stains that mix, with noise),
  the bands (fields of 16 spectra) and RGB noise are made by `benchmarks/images.py`; 512 x 512
  RGB is `skimage.data.astronaut`; the photograph is resized for the curves.
- Squared error: mean over the pixels of the squared distance to the centroid of their label,
  summed over channels.
- Memory: peak resident memory of the first run above what the process held with the image
  loaded, in MB (10^6 bytes); "without outputs" less the labels and the recoloured image that
  the method returns.
- The floor: copying the image once and filling labels once, with NumPy on one core.
- `tol` is scikit-learn's 1e-4 for ours and scikit-learn; OpenCV's limit is set to stop no
  later than that, and at 100 iterations; faiss (25) and SciPy (10) do a fixed number.
- SciPy starts from k-means++ (its default start leaves clusters empty), SimpleITK from quantiles.
- faiss by default fits on 256 pixels per cluster, and MiniBatchKMeans on batches.

## Each image

{tables}

## Another k on the same photograph

`prepare(image)` once, then `.segment(k)`: the distinct colours are kept. Each first call is timed
just before, in the same process.

{again_table(again)}

## How many clusters

`choose_k(image, range(2, 13))` beside one `segment` into 5 clusters, in the same process. Values
that hardly repeat are iterated on all pixels for every k.

{choice_table(choice)}

## Where our time goes

Seconds, as told by `progress`.

{stage_table(split)}

## How it scales

![Time over pixels and over clusters](scaling.png)

Seconds, k = {plan.curve_pixels_k}, over megapixels:

{curve_table(by_pixels, "megapixels")}

Seconds, {plan.curve_k_pixels:g} megapixels, over k:

{curve_table(by_k, "k")}
"""


def draw(pixels: Curves, clusters: Curves, k: int, megapixels: float, file: Path) -> None:
    """Draw time over pixels and over clusters."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True)
    for axes, curves in ((left, pixels), (right, clusters)):
        for name, curve in curves.items():
            bold = name == "ours"
            axes.loglog(
                *zip(*curve, strict=True),
                marker="o",
                label=NAMES[name],
                linewidth=3 if bold else 1.2,
                markersize=6 if bold else 4,
                zorder=3 if bold else 2,
            )
        axes.grid(which="both", alpha=0.25)
    ticks = sorted({x for curve in clusters.values() for x, _ in curve})
    right.set_xticks(ticks, [f"{x:g}" for x in ticks], minor=False)
    right.minorticks_off()
    ticks = sorted({x for curve in pixels.values() for x, _ in curve})
    left.set_xticks(ticks, [f"{x:g}" for x in ticks], minor=False)
    left.minorticks_off()
    left.set(xlabel=f"megapixels of RGB (k = {k})", ylabel="seconds to labels and image")
    right.set(xlabel=f"number of clusters ({megapixels:g} megapixels of RGB)")
    left.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(file, dpi=120)

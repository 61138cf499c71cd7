"""Measure ours and the peers on the same images, in one run.

    python -m pip install -e . -r benchmarks/requirements.txt
    python -m benchmarks                 everything; rewrites benchmarks/RESULTS.md
    python -m benchmarks --quick         small images, printed only

Run from the top of the repository, on a machine that does nothing else.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from . import images, methods
from .measure import Measurement, measure
from .plan import FULL, QUICK, Plan
from .report import Case, Curves, draw, page

HERE = Path(__file__).parent


class Benchmark:
    """Measures by one plan, and prints each figure as it comes."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder = plan, folder

    def save(self, name: str, image: methods.Array) -> Path:
        file = self.folder / f"{name}.npy"
        np.save(file, image)
        return file

    def run(self, file: Path, method: str, k: int, least: int | None = None) -> Measurement:
        plan = self.plan
        one = measure(
            file,
            method,
            k,
            seeds=plan.seeds,
            least=least or plan.least,
            budget=plan.budget if least is None else plan.budget / 6,
            limit=plan.limit,
        )
        name = methods.NAMES.get(method, f"ours, {method.replace('_', ' ')}")
        figures = f"{one.seconds:9.3f} s  error {one.error:<10.5g} {one.memory / 1e6:6.0f} MB"
        line = f"{file.stem:16} k={k:<4} {name:36} {figures if one.runs else ''} {one.problem}"
        print(line, flush=True)
        return one

    def case(self, title: str, file: Path, k: int, names: list[str]) -> Case:
        names = [*names, "floor"]
        # What takes about as long as ours, right after it: minutes later the machine may be faster
        # or slower, which the others outweigh.
        in_order = sorted(names, key=lambda name: name not in methods.SOON)
        found = {name: self.run(file, name, k) for name in in_order}
        return Case(title, k, {name: found[name] for name in names})

    def curve(self, file: Path, x: float, k: int, curves: Curves) -> None:
        for name in self.plan.curve_methods:
            curve = curves.setdefault(name, [])
            # One that was stopped would be stopped again on more.
            stopped = bool(curve) and not np.isfinite(curve[-1][1])
            one = Measurement() if stopped else self.run(file, name, k, least=1)
            curve.append((x, one.seconds))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="small images, one run each")
    parser.add_argument("--photo", type=Path, help="an RGB photograph of 10 to 20 megapixels")
    parser.add_argument("--output", type=Path, help="folder of RESULTS.md and scaling.png")
    arguments = parser.parse_args()
    output = arguments.output or (None if arguments.quick else HERE)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        bench = Benchmark(QUICK if arguments.quick else FULL, Path(folder))
        text = everything(bench, arguments.photo, output)
    minutes = (time.perf_counter() - began) / 60
    text += f"\nThe run took {minutes:.0f} minutes.\n"
    print("\n" + text)
    if output is not None:
        (output / "RESULTS.md").write_text(text)


Row = tuple[str, Path, int, list[str]]
"""Title, image, number of clusters and methods of a case."""


def small_rows(bench: Benchmark) -> list[Row]:
    """Small images of many channels, as people cluster them by scikit-learn."""
    plan, rows = bench.plan, list[Row]()
    for n in plan.small_channels:
        file = bench.save(f"stains-{n}", images.stains(plan.small_side, n))
        title = f"float32, {plan.small_side} x {plan.small_side}, {n} channels"
        rows += [(title, file, k, methods.FEW) for k in plan.small_k]
    cube = images.cube(plan.cube_side)
    title = f"float32, {plan.cube_side} x {plan.cube_side}, {cube.shape[2]} bands"
    return [*rows, (title, bench.save("cube", cube), 16, methods.FEW)]


def everything(bench: Benchmark, photo_file: Path | None, output: Path | None) -> str:
    """Measure everything; return it as a page of Markdown."""
    plan = bench.plan
    photo, source = images.photo(photo_file)
    whole = photo if plan.photo is None else images.resized(photo, plan.photo)
    megapixels = whole.shape[0] * whole.shape[1] / 1e6
    photo_npy = bench.save("photo", whole)
    grey = bench.save("grey", images.grey16(plan.grey_side))
    four = images.stains(plan.float_side)
    stains, stain = bench.save("stains", four), bench.save("stain", four[..., 0])
    noise = bench.save("noise", images.noise(plan.noise_side))
    astronaut = bench.save("astronaut", images.astronaut())
    n_grey, n_float = plan.grey_side**2 / 1e6, plan.float_side**2 / 1e6
    n_noise = plan.noise_side**2 / 1e6

    on_float = methods.FLOAT if plan.all_methods else methods.FEW
    on_one = [*methods.FEW, "kmeans1d"] if plan.all_methods else methods.FEW
    on_small = methods.COLOUR if plan.all_methods else methods.FEW
    photo_title = f"RGB photograph, {megapixels:.1f} megapixels"
    float_title = f"float32, 4 channels, {n_float:.1f} megapixels"
    # Those that take minutes at few clusters are spared more.
    rows: list[Row] = [
        (photo_title, photo_npy, k, methods.COLOUR if k < 10 else methods.QUICKER)
        for k in plan.photo_k
    ]
    rows += [(f"uint16 grey, {n_grey:.1f} megapixels", grey, 4, methods.GREY)]
    rows += [(float_title, stains, k, on_float if k < 10 else methods.FEW) for k in plan.float_k]
    rows += [
        ("512 x 512 RGB", astronaut, 5, on_small),
        (f"float32, one channel, {n_float:.1f} megapixels", stain, 4, on_one),
        (f"RGB noise, {n_noise:.1f} megapixels", noise, 5, methods.FEW),
        *small_rows(bench),
    ]
    cases = [bench.case(*row) for row in rows]
    again = [
        (case.k, bench.run(photo_npy, "another_k", case.k)) for case in cases[: len(plan.photo_k)]
    ]
    choice = [
        (title, bench.run(file, "choose_k", 12))
        for title, file in (
            (photo_title, photo_npy),
            (float_title, stains),
            ("512 x 512 RGB", astronaut),
        )
    ]
    split = [(f"{title}, k = {k}", bench.run(file, "stages", k)) for title, file, k, _ in rows]

    by_pixels: Curves = {}
    for size in plan.curve_pixels:
        file = bench.save(f"photo-{size:g}MP", images.resized(photo, size))
        bench.curve(file, size, plan.curve_pixels_k, by_pixels)
        file.unlink()
    by_k: Curves = {}
    file = bench.save(
        f"photo-{plan.curve_k_pixels:g}MP", images.resized(photo, plan.curve_k_pixels)
    )
    for k in plan.curve_k:
        bench.curve(file, k, k, by_k)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        draw(by_pixels, by_k, plan.curve_pixels_k, plan.curve_k_pixels, output / "scaling.png")

    return page(plan, source, cases, again, choice, split, by_pixels, by_k)


if __name__ == "__main__":
    main()

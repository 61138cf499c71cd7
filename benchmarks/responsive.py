"""How long the window stands still while a large image is segmented.

    python -m benchmarks.responsive [MEGAPIXELS] [grey|rgb] [RUNS]

opens a real napari window with an image in memory, presses Run, and then moves k with the live
preview on. A timer that should beat every 5 ms tells the longest block of the interface's
thread, in milliseconds: while the work runs on its own threads, and while its outputs are shown.
For comparison napari alone is given such arrays: as new layers by `add_image` and `add_labels`,
and as new data of the same layers, both at once, as a run does. The first time napari also
compiles its shaders. "At rest" is what other work on the machine makes of the beat.

Once in a while Python searches all of napari's objects for garbage, which takes a third of a
second, falls on any move, and would fall on napari alone as well: where the longest block
holds such a search, its time is told in brackets.
"""

import gc
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import napari
import numpy as np
import skimage.data
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_kmeans_seg.layers import Outputs

SLIDER = (3, 8, 4, 7, 5)


class Heartbeat:
    """Beats every 5 ms, if it can, and notes the times, and those of full garbage collections."""

    def __init__(self) -> None:
        self.beats = [time.perf_counter()]
        self.collections: list[tuple[float, float]] = []
        gc.callbacks.append(self._note_collection)
        self._timer = QTimer()
        self._timer.setInterval(5)
        self._timer.timeout.connect(lambda: self.beats.append(time.perf_counter()))
        self._timer.start()

    def longest(self, start: float, stop: float | None = None) -> str:
        """Tell the longest block that ends within a span of time, by default until now."""
        stop = stop or time.perf_counter()
        pairs = zip(self.beats, self.beats[1:], strict=False)
        blocks = [(b - a, a, b) for a, b in pairs if start < b <= stop]
        longest, begin, end = max(blocks, default=(0.0, 0.0, 0.0))
        search = sum(b - a for a, b in self.collections if begin <= a and b <= end)
        told = f"{1e3 * longest:.0f}"
        return f"{told} (garbage collection {1e3 * search:.0f})" if search else told

    def _note_collection(self, phase: str, info: dict[str, int]) -> None:
        if info["generation"] < 2:
            return
        now = time.perf_counter()
        if phase == "start":
            self.collections.append((now, now))
        else:
            self.collections[-1] = (self.collections[-1][0], now)


def let_go_on(until: Callable[[], bool] = lambda: True, at_least: float = 0.0) -> None:
    """Run the interface until something holds, some seconds in any case, and until it rests."""
    start, restful = time.perf_counter(), 0
    while restful < 10 or not until() or time.perf_counter() - start < at_least:
        before = time.perf_counter()
        QApplication.processEvents()
        restful = restful + 1 if time.perf_counter() - before < 0.02 else 0
        time.sleep(0.006)


def photograph(megapixels: float, *, rgb: bool) -> NDArray[np.uint8]:
    """Make a large image of a small one, with noise, so that its values vary as in a large one."""
    small = skimage.data.coffee() if rgb else skimage.data.camera()
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    rows = np.arange(height) * len(small) // height
    width = round(1.5 * height)
    columns = np.arange(width) * small.shape[1] // width
    image = small[rows][:, columns].clip(0, 247)
    random = np.random.default_rng(0)
    for row in image:
        row += random.integers(0, 8, row.shape, np.uint8)
    return image


@contextmanager
def times_of_showing() -> Iterator[list[tuple[float, float]]]:
    """Note when outputs begin to be shown, and when that is done."""
    shown: list[tuple[float, float]] = []
    show = Outputs.show

    def timed(*args, **kwargs):  # type: ignore[no-untyped-def]
        start = time.perf_counter()
        try:
            return show(*args, **kwargs)
        finally:
            shown.append((start, time.perf_counter()))

    Outputs.show = timed  # type: ignore[method-assign]
    try:
        yield shown
    finally:
        Outputs.show = show  # type: ignore[method-assign]


def opened(image: NDArray[np.uint8]) -> tuple[napari.Viewer, Heartbeat]:
    """Open a window with an image, and let it come to rest."""
    viewer = napari.Viewer()
    viewer.add_image(image, name="large", rgb=image.ndim == 3)
    let_go_on(at_least=3)
    return viewer, Heartbeat()


def napari_alone(image: NDArray[np.uint8]) -> None:
    """Show an image and labels of this size by napari's own means."""
    viewer, heart = opened(image)
    begin = time.perf_counter()
    let_go_on(at_least=2)
    print(f"at rest: {heart.longest(begin)}")
    labels = (image if image.ndim == 2 else image[..., 0]) // 32 + np.uint8(1)
    picture = image.copy()
    begin = time.perf_counter()
    layers = [viewer.add_image(picture, name="alone"), viewer.add_labels(labels)]
    let_go_on(at_least=1)
    print(f"napari alone: two new layers {heart.longest(begin)}")
    for _ in range(2):
        picture, labels = picture.copy(), labels[::-1].copy()
        begin = time.perf_counter()
        layers[0].data, layers[1].data = picture, labels
        let_go_on(at_least=1)
        print(f"napari alone: new data of both {heart.longest(begin)}")
    begin, layers[1].data = time.perf_counter(), labels[::-1].copy()
    let_go_on(at_least=1)
    print(f"napari alone: new data of the labels {heart.longest(begin)}")
    viewer.close()


def with_the_widget(image: NDArray[np.uint8], runs: int) -> None:
    """Run, and move the slider."""
    viewer, heart = opened(image)
    _, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    let_go_on(at_least=3)
    with times_of_showing() as shown:
        for run in range(runs):
            widget.n_clusters.value = SLIDER[run % len(SLIDER)]
            begin = time.perf_counter()
            widget.run()
            let_go_on(lambda: widget.state != "running", 1)
            print(
                f"run {run + 1}: working {heart.longest(begin, shown[-1][0])}, "
                f"showing {heart.longest(shown[-1][0])}; {widget.message.value}"
            )
        widget.live.value = True
        let_go_on(lambda: not widget.preview.busy, 1)
        for k in SLIDER:
            if widget.n_clusters.value == k:
                continue  # no move, no preview
            # The picture of the move before is drawn.
            let_go_on(at_least=0.3)
            begin, n = time.perf_counter(), len(shown)
            widget.n_clusters.value = k
            let_go_on(lambda n=n: not widget.preview.busy and len(shown) > n, 0.5)
            first, last = shown[n], shown[-1]
            told = f"live, k = {k}: shown after {first[1] - begin:.2f} s; working "
            told += f"{heart.longest(begin, first[0])}, showing "
            told += heart.longest(first[0], first[1] + 0.35)
            if last is not first:
                told += f", then the image {heart.longest(last[0])}"
            print(told)
    viewer.close()


def main(megapixels: str, kind: str, runs: str) -> None:
    """Measure, and print."""
    print(f"{megapixels} megapixels, {kind}; longest block in ms", flush=True)
    # A process each, so that both begin with shaders that are not compiled.
    for part in ("alone", "widget"):
        arguments = [megapixels, kind, runs, part]
        # The settings of who measures shall neither count nor be changed.
        with TemporaryDirectory() as settings:
            own = {**os.environ, "NAPARI_CONFIG": f"{settings}/settings.yaml"}
            command = [sys.executable, "-m", "benchmarks.responsive", *arguments]
            subprocess.run(command, env=own, check=True)


def measure(megapixels: float, *, rgb: bool, runs: int, part: str) -> None:
    """Measure one of both."""
    # napari says so of each layer that is larger than a texture.
    warnings.filterwarnings("ignore", message="data shape .* exceeds")
    image = photograph(megapixels, rgb=rgb)
    if part == "alone":
        napari_alone(image)
    else:
        with_the_widget(image, runs)


if __name__ == "__main__":
    given = sys.argv[1:] + ["200", "grey", "3"][len(sys.argv) - 1 :]
    if len(given) == 3:
        main(*given)
    else:
        measure(float(given[0]), rgb=given[1] == "rgb", runs=int(given[2]), part=given[3])

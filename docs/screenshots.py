"""Make every picture in docs/ anew, from a real napari window.

    python docs/screenshots.py           all of them
    python docs/screenshots.py window    one of them

Without a screen: xvfb-run -a -s "-screen 0 1600x1000x24" python docs/screenshots.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

# Before napari is imported: the pictures show the first settings, not somebody's own.
_settings = tempfile.TemporaryDirectory(prefix=f"napari-kmeans-seg-{os.getpid()}-")
os.environ["NAPARI_CONFIG"] = str(Path(_settings.name) / "settings.yaml")

import napari  # noqa: E402
from PIL import Image  # noqa: E402
from qtpy.QtWidgets import QApplication  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_kmeans_seg.widget import KMeansWidget

DOCS = Path(__file__).parent
PATIENCE = 60.0  # seconds


def window() -> None:
    """Make the README's picture: a photograph, its five clusters, and one of them."""
    viewer, widget = _open("coffee")
    _run(widget)
    widget.clusters.view.rows.hide_or_show([1, 3, 4, 5])
    viewer.layers["coffee k-means"].visible = True
    viewer.canvas.grid.shape = (3, 1)
    viewer.canvas.grid.spacing = 0.03
    viewer.canvas.grid.enabled = True
    viewer.reset_view()
    _save(viewer, "window.png")


def histology() -> None:
    """Make the picture of stained tissue in four clusters; the darkest is the brown stain."""
    viewer, widget = _open("histology")
    widget.n_clusters.value = 4
    _run(widget)
    _save(viewer, "histology.png")


def walk() -> None:
    """Make the pictures of the walk, from the test that walks by mouse and keyboard."""
    test = DOCS.parent / "tests" / "widget" / "test_walk.py"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--no-cov", test],
            check=True,
            env=os.environ | {"KMEANS_PICTURES": folder},
        )
        for step in ("live", "selected", "scatter"):
            _write(Image.open(Path(folder) / f"{step}.png"), f"walk-{step}.png")


PICTURES: dict[str, Callable[[], None]] = {
    "window": window,
    "histology": histology,
    "walk": walk,
}


def _open(sample: str) -> tuple[napari.Viewer, KMeansWidget]:
    viewer = napari.Viewer(title="napari")
    viewer.window.resize(1280, 800)
    viewer.open_sample("napari-kmeans-seg", sample)
    _, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    # Until what is compiled in the background is there: a picture must not show that.
    _settle(5)
    viewer.reset_view()
    return viewer, widget


def _run(widget: KMeansWidget) -> None:
    widget.run()
    deadline = time.monotonic() + PATIENCE
    while widget.state == "running":
        if time.monotonic() > deadline:
            raise TimeoutError(f"no result within {PATIENCE:.0f} seconds")
        QApplication.processEvents()
        time.sleep(0.02)
    if widget.state != "done":
        raise RuntimeError(widget.message.value)


def _settle(seconds: float = 1.0) -> None:
    """Let the window draw what has just been added."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.02)


def _save(viewer: napari.Viewer, name: str) -> None:
    _settle()
    pixels = viewer.window.screenshot(canvas_only=False, flash=False)
    viewer.close()
    _write(Image.fromarray(pixels), name)


def _write(picture: Image.Image, name: str) -> None:
    # 256 colours, as in a README nobody tells the difference, and a third of the size. By k-means:
    # swatches in the table have few pixels, and would get the colour of another cluster.
    few = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=3)
    few.save(DOCS / name, optimize=True)
    print(f"docs/{name}: {picture.width} × {picture.height}")


if __name__ == "__main__":
    for name in sys.argv[1:] or PICTURES:
        PICTURES[name]()

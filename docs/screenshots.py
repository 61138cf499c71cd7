"""Make every picture in docs/ anew, from a real napari window.

    python docs/screenshots.py           all of them
    python docs/screenshots.py window    one of them

Without a screen: xvfb-run -a -s "-screen 0 1600x1000x24" python docs/screenshots.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import napari
from PIL import Image
from qtpy.QtWidgets import QApplication

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_kmeans_seg.widget import KMeansWidget

DOCS = Path(__file__).parent
PATIENCE = 60.0  # seconds


def window() -> None:
    """Make the README's picture: a photograph, its five clusters, and one of them."""
    viewer, widget = _open("coffee")
    _run(widget)
    clusters = viewer.layers["coffee clusters"]
    clusters.selected_label = 2
    clusters.show_selected_label = True
    clusters.opacity = 1
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


PICTURES: dict[str, Callable[[], None]] = {"window": window, "histology": histology}


def _open(sample: str) -> tuple[napari.Viewer, KMeansWidget]:
    viewer = napari.Viewer(title="napari")
    viewer.window.resize(1280, 800)
    viewer.open_sample("napari-kmeans-seg", sample)
    _, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    _settle()
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
    # 256 colours, as in a README nobody tells the difference, and a third of the size.
    picture = Image.fromarray(pixels).convert("RGB")
    picture.quantize(256, method=Image.Quantize.MEDIANCUT).save(DOCS / name, optimize=True)
    viewer.close()
    print(f"docs/{name}: {picture.width} × {picture.height}")


if __name__ == "__main__":
    for name in sys.argv[1:] or PICTURES:
        PICTURES[name]()

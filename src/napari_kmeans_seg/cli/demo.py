"""The sample and its result in a napari window or, without a screen, as files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..core.segmentation import Segmentation
    from ..widget import KMeansWidget

FOLDER = Path("napari-kmeans-seg-demo")

_BINDINGS = ("PyQt6", "PySide6")
_PATIENCE = 60.0  # seconds, for a slow machine

# In a process of its own: Qt ends the process when it cannot reach the screen.
_OPEN_QT = """
from qtpy.QtGui import QOpenGLContext
from qtpy.QtWidgets import QApplication
application = QApplication([])
raise SystemExit(0 if QOpenGLContext().create() else "OpenGL is missing")
"""


def why_no_window() -> str | None:
    """Say what keeps napari from opening a window, or None if nothing does."""
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return "there is no screen (DISPLAY and WAYLAND_DISPLAY are not set)"
    if not any(find_spec(binding) for binding in _BINDINGS):
        return 'Qt is missing; pip install "napari-kmeans-seg[all]" brings it'
    try:
        attempt = subprocess.run(
            [sys.executable, "-c", _OPEN_QT],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "Qt does not answer"
    if attempt.returncode == 0:
        return None
    lines = [line.strip() for line in attempt.stderr.splitlines() if line.strip()]
    return f"Qt cannot use the screen ({lines[0] if lines else 'it says nothing why'})"


def check_screenshot(path: Path) -> None:
    """Refuse, before a window opens, a picture that could not be saved or would replace a file.

    Raises
    ------
    ValueError
        It is no name of a PNG file.
    OSError
        There is no such folder, or the file is there already.
    """
    if path.suffix.lower() != ".png":
        raise ValueError(f"{path}: the name of a PNG file is needed")
    if not path.resolve().parent.is_dir():
        raise NotADirectoryError(f"{path}: there is no such folder")
    if os.path.lexists(path):
        raise FileExistsError(f"{path}: there already; choose another name")


def show_window(n_clusters: int, screenshot: Path | None) -> None:
    """Open the sample with the widget, run it, and stay until the window is closed.

    With `screenshot`, save a picture of the whole window with the result, then close it.
    """
    import napari
    from skimage.io import imsave

    from ..core.writing.file_set import write_together

    viewer = napari.Viewer(title="napari-kmeans-seg demo")
    viewer.open_sample("napari-kmeans-seg", "coffee")
    _, widget = viewer.window.add_plugin_dock_widget("napari-kmeans-seg")
    # The same for everybody, and the last settings of nobody.
    widget.start_afresh()
    widget.n_clusters.value = n_clusters
    widget.run()
    if screenshot is None:
        napari.run()
        return
    try:
        _wait_for_result(widget)
        picture = viewer.window.screenshot(flash=False, canvas_only=False)
        write_together({screenshot: lambda path: imsave(path, picture, check_contrast=False)})
    finally:
        viewer.close()


def write_pictures(n_clusters: int, folder: Path) -> tuple[Segmentation, list[Path]]:
    """Segment the sample and write it and its results into a folder.

    The demo's own folder is written anew each time; in another one nothing is replaced.
    """
    from skimage import data, io

    from .. import segment
    from ..core.writing.file_set import refuse_existing, write_together
    from ..files.images import read_image
    from ..files.result_paths import result_paths
    from ..files.results import write_results

    own = folder == FOLDER
    original = folder / "coffee.png"
    results = result_paths(original, folder)
    if not own:
        refuse_existing([original, *results])
    folder.mkdir(parents=True, exist_ok=True)
    write_together(
        {original: lambda path: io.imsave(path, data.coffee(), check_contrast=False)},
        overwrite=own,
    )
    image = read_image(original)
    segmentation = segment(image.pixels, n_clusters, channel_axis=image.channel_axis)
    write_results(image, segmentation, results, overwrite=own)
    return segmentation, [original, *results]


def _wait_for_result(widget: KMeansWidget) -> None:
    from qtpy.QtWidgets import QApplication

    deadline = time.monotonic() + _PATIENCE
    while widget.state == "running":
        if time.monotonic() > deadline:
            raise RuntimeError(f"the widget showed no result within {_PATIENCE:.0f} seconds")
        QApplication.processEvents()
        time.sleep(0.02)
    if widget.state != "done":
        raise RuntimeError(f"the widget says: {widget.message.value}")
    # Once more, for the canvas to draw what has just been added.
    settled = time.monotonic() + 1
    while time.monotonic() < settled:
        QApplication.processEvents()
        time.sleep(0.02)

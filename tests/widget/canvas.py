"""What is seen on the canvas of a real window, and what the table says of it."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt
from scipy.ndimage import distance_transform_edt
from skimage.color import deltaE_ciede2000, rgb2lab

from napari_kmeans_seg.widget.base.napari_versions import camera_of
from napari_kmeans_seg.widget.table.model import SWATCH

from .hands import canvas_at_rest


def pixels(viewer, qtbot):
    """Take a picture of the canvas at rest: (height, width, 3) uint8."""
    viewer.reset_view()
    canvas_at_rest(viewer, qtbot)
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3]


def inner_places(labels):
    """Find, for each label that is seen, the pixel that is farthest from any other label."""
    plane = labels.data
    found = {}
    for label in np.unique(plane).tolist():
        inside = np.pad(plane == label, 1)
        depth = distance_transform_edt(inside)[1:-1, 1:-1]
        found[label] = np.unravel_index(int(depth.argmax()), plane.shape)
    return found


def seen_at(viewer, qtbot, labels, places=None):
    """Look at the canvas in the middle of each label: label -> (3,) uint8."""
    places = inner_places(labels) if places is None else places
    picture = pixels(viewer, qtbot)
    camera, middle = camera_of(viewer), np.array(picture.shape[:2]) / 2
    found = {}
    for label, place in places.items():
        world = np.array(labels.data_to_world(place))
        row, column = middle + (world - np.array(camera.center[-2:])) * camera.zoom
        found[label] = picture[round(row), round(column)]
    return found


def swatches(table):
    """Read the colours of the table from the pixels of its cells: label -> (3,) uint8."""
    model = table.view.rows
    found = {}
    for row in range(model.rowCount()):
        icon = model.data(model.index(row, SWATCH), Qt.ItemDataRole.DecorationRole)
        color = icon.pixmap(14, 14).toImage().pixelColor(7, 7)
        found[model.label(row)] = np.array(color.getRgb()[:3], np.uint8)
    return found


def apart(one, other):
    """How different two colours look (CIEDE2000); below 1 nobody can tell."""
    lab = [rgb2lab(np.asarray(color, np.uint8)[np.newaxis, np.newaxis]) for color in (one, other)]
    return float(deltaE_ciede2000(*lab).item())


def luminance(color):
    """Relative luminance of sRGB."""
    parts = np.asarray(color, float) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    """Contrast of two colours, from 1 to 21 (WCAG)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)

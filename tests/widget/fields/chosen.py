"""Layers that are chosen, and where they lie."""

from __future__ import annotations

SCALE = {"scale": (0.2, 0.2), "units": ("µm", "µm")}


def select(viewer, *layers):
    viewer.layers.selection = set(layers)

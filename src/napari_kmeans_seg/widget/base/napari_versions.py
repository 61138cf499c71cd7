"""What differs between the versions of napari that the dock works with, 0.7.1 and newer.

All branches for older ones go once only napari 0.9 and newer are to be supported.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft7Validator
from napari import settings as napari_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import napari.viewer
    from napari.components import Camera

    from .task import Clock

PLUGIN = "napari-kmeans-seg"

# The settings of the dock, as the manifest's `configurations` call them.
_PART = "kmeans"
# How often an older napari is asked for the size of its canvas, in milliseconds.
_LOOK_AT_SIZE = 500


# -- settings: napari keeps those of plugins since 0.9 ----------------------------------


def stored_settings() -> dict[str, Any]:
    """Read the settings that were last kept, as the manifest has them.

    Where one is missing or cannot be it is the manifest's. All versions of napari use one file,
    so that the settings stay when napari is updated.
    """
    if hasattr(napari_settings, "get_plugin_settings"):
        settings: dict[str, Any] = _of_napari().model_dump()
        return settings
    kept = _read()
    return {
        name: kept[name] if name in kept and _is_valid(kept[name], one) else one["default"]
        for name, one in declared_settings().items()
    }


def keep_settings(changed: Mapping[str, Any]) -> None:
    """Keep these settings for the next session, and leave the others as they are."""
    if hasattr(napari_settings, "get_plugin_settings"):
        for name, value in changed.items():
            setattr(_of_napari(), name, value)
        return
    path = settings_file()
    if path is not None:
        declared, kept = declared_settings(), _read() | dict(changed)
        own = {name: value for name, value in kept.items() if value != declared[name]["default"]}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({_PART: own}), encoding="utf-8")


def settings_file() -> Path | None:
    """Say where the settings are kept: beside napari's own; None where it keeps none."""
    own = napari_settings.get_settings().config_path
    return None if own is None else Path(own).parent / f"{PLUGIN}.yaml"


def _of_napari() -> Any:
    return napari_settings.get_plugin_settings(PLUGIN).kmeans


def _read() -> dict[str, Any]:
    """Read what is kept of the settings that there are; nothing from a broken file."""
    path = settings_file()
    if path is None or not path.exists():
        return {}
    try:
        kept = yaml.safe_load(path.read_bytes())[_PART]
        return {name: kept[name] for name in declared_settings() if name in kept}
    except (yaml.YAMLError, ValueError, TypeError, LookupError):
        return {}


def declared_settings() -> dict[str, dict[str, Any]]:
    """Give the settings by their names, as the manifest declares them in JSON Schema's words.

    npe2 knows of them since 0.9 only.
    """
    manifest = yaml.safe_load(files("napari_kmeans_seg").joinpath("napari.yaml").read_bytes())
    declared: dict[str, dict[str, Any]]
    declared = manifest["contributions"]["configurations"][_PART]["properties"]
    return declared


def _is_valid(value: Any, declared: Mapping[str, Any]) -> bool:
    return bool(Draft7Validator(declared).is_valid(value))


# -- the camera and the canvas: parts of a scene since 0.9 ------------------------------


def camera_of(viewer: napari.viewer.Viewer) -> Camera:
    """Give the camera of a viewer."""
    return viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera


def canvas_resized(viewer: napari.viewer.Viewer, clock: Clock) -> Any:
    """Give what to connect to, to be called when the canvas of a viewer gets another size."""
    if hasattr(viewer, "canvas"):
        return viewer.canvas.events.size
    return _SizeOnClock(getattr(viewer, "__wrapped__", viewer), clock)


class _SizeOnClock:
    """Looks now and then whether the canvas has another size, which older viewers do not say."""

    def __init__(self, viewer: napari.viewer.Viewer, clock: Clock) -> None:
        self._viewer, self._clock = viewer, clock
        self._callbacks: list[Callable[[], None]] = []
        self._size = viewer._canvas_size

    def connect(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)
        self._clock.call(self._look, _LOOK_AT_SIZE)

    def disconnect(self, callback: Callable[[], None]) -> None:
        self._callbacks.remove(callback)
        if not self._callbacks:
            self._clock.forget(self._look)

    def _look(self) -> None:
        size, self._size = self._size, self._viewer._canvas_size
        if size != self._size:
            for callback in tuple(self._callbacks):
                callback()
        if self._callbacks:
            self._clock.call(self._look, _LOOK_AT_SIZE)

"""The settings that were last used, kept by napari from one session to the next."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from napari.settings import get_plugin_settings
from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qtpy.QtCore import QObject

_log = logging.getLogger(__name__)

# How long the settings rest before they are kept for the next session, in milliseconds.
_REST = 300


class LastSettings:
    """What one dock read at its start, and has written since.

    napari keeps them in a file beside its own settings, checks them against the manifest's
    `configurations`, puts the manifest's value in the place of one that is out of range, and
    shows them in its preferences. A dock writes only what was changed in it, so that two docks
    do not take back each other's settings.

    Parameters
    ----------
    current : callable
        Gives the settings there are now.
    parent : QObject
        Lives as long as the dock.

    Attributes
    ----------
    values : dict
        The settings by their names in the manifest; none where napari has none to give.
    """

    def __init__(self, current: Callable[[], Mapping[str, Any]], parent: QObject) -> None:
        self.values: dict[str, Any] = {}
        self._current = current
        # Not at each step of the slider: napari writes a file.
        self._rest = QTimer(parent)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._keep)
        try:
            self.values = _stored().model_dump()
        except Exception as error:  # noqa: BLE001 - a broken file must not keep the dock shut
            _log.info("The last settings cannot be read.", exc_info=error)

    def keep_soon(self) -> None:
        """Keep what there is once it rests."""
        self._rest.start()

    def keep_now(self) -> None:
        """Keep what would be kept soon, for the window may be closing."""
        if self._rest.isActive():
            self._rest.stop()
            self._keep()

    def _keep(self) -> None:
        """Keep those that are not as they were."""
        now = self._current()
        changed = {k: v for k, v in now.items() if k in self.values and v != self.values[k]}
        self.values |= changed
        try:
            for name, value in changed.items():
                setattr(_stored(), name, value)
        except Exception as error:  # noqa: BLE001 - nor must a full or read-only disk
            _log.info("The last settings cannot be kept.", exc_info=error)


def _stored() -> Any:
    return get_plugin_settings("napari-kmeans-seg").kmeans

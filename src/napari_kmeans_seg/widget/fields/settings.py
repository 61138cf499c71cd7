"""The settings that were last used, kept by napari from one session to the next."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..base.napari_versions import keep_settings, stored_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..base.task import Clock

_log = logging.getLogger(__name__)

# How long the settings rest before they are kept for the next session, in milliseconds.
_SETTINGS_REST = 300


class LastSettings:
    """What one dock read at its start, and has written since.

    They lie in a file beside napari's own settings, are checked against the manifest's
    `configurations`, which give the value where one is out of range, and since napari 0.9 stand
    in its preferences. A dock writes only what was changed in it, so that two docks
    do not take back each other's settings.

    Parameters
    ----------
    current : callable
        Gives the settings there are now.
    clock : Clock
        Waits until the settings rest.

    Attributes
    ----------
    values : dict
        The settings by their names in the manifest; none where napari has none to give.
    """

    def __init__(self, current: Callable[[], Mapping[str, Any]], clock: Clock) -> None:
        self.values: dict[str, Any] = {}
        self._current = current
        self._clock = clock
        try:
            self.values = stored_settings()
        except Exception as error:  # noqa: BLE001 - a broken file must not keep the dock shut
            _log.info("The last settings cannot be read.", exc_info=error)

    def keep_soon(self) -> None:
        """Keep what there is once it rests: napari writes a file."""
        self._clock.call(self._keep, _SETTINGS_REST)

    def keep_now(self) -> None:
        """Keep what would be kept soon, for the window may be closing."""
        if self._clock.awaits(self._keep):
            self._clock.forget(self._keep)
            self._keep()

    def _keep(self) -> None:
        """Keep those that are not as they were."""
        now = self._current()
        changed = {k: v for k, v in now.items() if k in self.values and v != self.values[k]}
        self.values |= changed
        try:
            keep_settings(changed)
        except Exception as error:  # noqa: BLE001 - nor must a full or read-only disk
            _log.info("The last settings cannot be kept.", exc_info=error)

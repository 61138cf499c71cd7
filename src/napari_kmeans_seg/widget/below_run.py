"""What is read below the buttons: how far a run is, what came of it, and what to heed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Label, ProgressBar

from .base.sections import thin, wrap

if TYPE_CHECKING:
    from .base.state import Said


class BelowRun:
    """A progress bar, a message and warnings, each hidden while there is nothing to show."""

    def __init__(self) -> None:
        self.progress_bar = ProgressBar(name="progress_bar", value=0, min=0, max=100)
        self.message = Label(name="message")
        self.warning = Label(name="warning")
        wrap(self.message, self.warning)
        thin(self.progress_bar)
        self.progress_bar.hide()
        self.warning.hide()

    def show(self, said: Said, meanwhile: str) -> None:
        """Show what is said, or how far a run is meanwhile."""
        self.message.value = meanwhile or said.text
        self.message.visible = bool(self.message.value)
        self.warning.value = "\n".join(f"⚠ {warning}" for warning in said.warnings)
        self.warning.visible = bool(said.warnings)
        self.progress_bar.visible = said.kind == "running"

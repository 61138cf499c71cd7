"""Names are shown as they are: Qt takes whatever looks like HTML for HTML, pictures included."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget


def show_plain(parent: QWidget) -> None:
    """Let the labels within a widget, which may have names of layers, show any text as it is."""
    for label in parent.findChildren(QLabel):
        label.setTextFormat(Qt.TextFormat.PlainText)


def plain(text: str) -> str:
    """Write a text for a tooltip, which has no format of its own, so that it is shown as it is."""
    # Without this letter nothing looks like HTML.
    if "<" not in text:
        return text
    return f"<qt>{html.escape(text)}</qt>".replace("\n", "<br>")

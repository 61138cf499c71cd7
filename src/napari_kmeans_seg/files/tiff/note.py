"""The note that `write_tiff` leaves in a file, read again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import tifffile

from .write import NOTE

if TYPE_CHECKING:
    from pathlib import Path


def read_note(path: Path) -> dict[str, Any]:
    """Return the note in a TIFF, empty where there is none that we wrote."""
    try:
        with tifffile.TiffFile(path) as tiff:
            if tiff.is_imagej:
                text = (tiff.imagej_metadata or {}).get("Info", "")
            elif tiff.is_ome:
                text = ET.fromstring(tiff.ome_metadata or "").findtext(".//{*}Description", "")
            else:
                text = tiff.pages.first.description
        note = json.loads(text)[NOTE]
    except (OSError, ValueError, TypeError, KeyError, IndexError, ET.ParseError):
        return {}
    return note if isinstance(note, dict) else {}

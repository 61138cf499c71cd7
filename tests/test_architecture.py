"""What the page on the architecture names is there, and its picture can be drawn."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "napari_kmeans_seg"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_every_file_that_the_page_names_is_there() -> None:
    every = [path for path in SOURCE.rglob("*") if path.suffix in (".py", ".yaml")]
    places = {path.relative_to(SOURCE).as_posix() for path in every} | {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")
    }
    named = re.findall(r"[\w/]+\.(?:py|yaml)(?![\w.])", PAGE)
    assert len(named) > 30
    for name in named:
        # One that was named with its room before stands alone.
        alone = "/" not in name and any(place.endswith(f"/{name}") for place in places)
        assert alone or name in places or (ROOT / name).exists(), name


def test_every_name_of_code_that_the_page_names_is_there() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    for name in re.findall(r"`([A-Z]\w+(?:\.\w+)?|_?[a-z]\w+)`", PAGE):
        assert re.search(rf"\b(?:class|def) {name.rpartition('.')[2]}\b|\b{name}\b", code), name


def test_the_picture_has_a_box_for_every_room() -> None:
    spec = importlib.util.spec_from_file_location("picture", ROOT / "docs" / "architecture.py")
    assert spec is not None
    assert spec.loader is not None
    picture = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(picture)
    texts = [text.text or "" for text in ET.fromstring(picture.draw()).iter() if text.text]
    said = " ".join(texts)
    for room in {path.parent.name for path in SOURCE.rglob("*/*.py")}:
        assert room in said
    for module in ("segment", "lloyd", "record", "kmeans", "png16"):
        assert module in said

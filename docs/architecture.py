"""Draw the rooms of the package and who imports whom: writes docs/architecture.svg.

    python docs/architecture.py

Boxes are folders, or the modules at the top of a floor. An arrow goes to what is imported; one that
others make up for is left out.
"""

from __future__ import annotations

import ast
import textwrap
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import NamedTuple

PACKAGE = "napari_kmeans_seg"
SOURCE = Path(__file__).parents[1] / "src" / PACKAGE
PICTURE = Path(__file__).with_suffix(".svg")


class Box(NamedTuple):
    """Where a room is drawn, and what is written above its modules."""

    title: str
    x: int
    y: int
    width: int
    height: int


BOXES = {
    "widget": Box("the way of a click on Run", 30, 46, 210, 54),
    "widget/fields": Box("fields: what is set", 265, 46, 220, 54),
    "widget/table": Box("table: the clusters", 510, 46, 220, 62),
    "widget/plots": Box("plots: what is drawn", 755, 46, 215, 68),
    "widget/base": Box("base: what all of it stands on", 30, 130, 940, 40),
    "layers/export": Box("export: text, script, table", 30, 226, 260, 54),
    "layers/clusters": Box("clusters: what is done later", 320, 226, 290, 62),
    "layers/outputs": Box("outputs: what a run adds", 320, 308, 290, 48),
    "layers/source": Box("source: what is segmented", 640, 308, 330, 40),
    "layers/base": Box("base: what all of it stands on", 30, 380, 460, 40),
    "layers": Box("for scripts that were copied", 700, 380, 270, 40),
    "core/pool": Box("pool: many images as one", 30, 476, 180, 54),
    "core/lazy": Box("lazy: Dask, chunk by chunk", 340, 476, 270, 48),
    "core": Box("the way of an image", 30, 550, 580, 54),
    "core/model_parts": Box("model_parts: what a model is made of", 30, 628, 270, 54),
    "core/points": Box("points: what stands for pixels", 340, 628, 270, 68),
    "core/writing": Box("writing: files whole or not", 30, 720, 160, 54),
    "core/kmeans": Box("kmeans: the method", 210, 720, 190, 68),
    "core/image": Box("image: what the values are", 420, 720, 190, 54),
    "core/base": Box("base: what all of it stands on", 30, 810, 580, 40),
    "cli": Box("cli: the command line", 705, 476, 265, 62),
    "files": Box("files: what a file says of its pixels", 705, 562, 265, 54),
    "files/tiff": Box("tiff", 705, 640, 125, 76),
    "files/ngff": Box("ngff: OME-Zarr", 845, 640, 125, 76),
    "files/base": Box("base: what all of it stands on", 705, 740, 265, 40),
}
FLOORS = {
    "widget": Box("widget: Qt", 15, 20, 970, 160),
    "layers": Box("layers: napari, no Qt", 15, 200, 970, 230),
    "core": Box("core: arrays, no napari", 15, 450, 640, 338),
    "beside": Box("beside", 690, 450, 295, 338),
}

HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 800" font-family="sans-serif">
<defs><marker id="to" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="9" markerHeight="9"
 markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>"""


def room_of(module: str) -> str | None:
    """Say in which box a module is, such as ``core/image/colors``; None for the package itself."""
    return module.rpartition("/")[0] or None


def imports() -> dict[str, set[str]]:
    """Find which room imports which."""
    modules = {path.relative_to(SOURCE).with_suffix("").as_posix() for path in SOURCE.rglob("*.py")}
    found: dict[str, set[str]] = defaultdict(set)
    for module in sorted(modules):
        # What a folder hands out is no way through it.
        room = None if module.endswith("/__init__") else room_of(module)
        for name in _named(module):
            # A thing in a module, a module, or a folder.
            place = next((p for p in (name, name.rpartition("/")[0]) if p in modules), None)
            if place is None and f"{name}/__init__" in modules:
                place = f"{name}/__init__"
            other = room_of(place) if place else None
            if room and other and room != other:
                found[room].add(other)
    return found


def _named(module: str) -> list[str]:
    """List what a module imports of this package; not what only types are checked by."""
    tree = ast.parse((SOURCE / f"{module}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    package = module.split("/")[:-1]
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            parts = (node.module or "").split(".") if node.module else []
            if node.level:
                base = [*package[: len(package) - node.level + 1], *parts]
            elif parts and parts[0] == PACKAGE:
                base = parts[1:]
            else:
                continue
            names += ["/".join([*base, alias.name]) for alias in node.names]
    return names


def needed(arrows: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Leave out arrows that a way through others makes up for."""
    left = [(room, other) for room in sorted(arrows) for other in sorted(arrows[room])]
    for pair in list(left):
        others = [one for one in left if one != pair]
        seen, todo = set(), [pair[0]]
        while todo:
            room = todo.pop()
            seen.add(room)
            todo += [other for one, other in others if one == room and other not in seen]
        if pair[1] in seen:
            left = others
    return left


def draw() -> str:
    """Draw boxes and arrows."""
    modules = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        module = path.relative_to(SOURCE).with_suffix("").as_posix()
        if (room := room_of(module)) and path.stem != "__init__":
            modules[room].append(path.stem)
    if unknown := set(modules) - set(BOXES):
        raise SystemExit(f"No box for {', '.join(sorted(unknown))}: give it a place in BOXES.")
    floor = {room: room.partition("/")[0] for room in BOXES}
    floor |= {room: "beside" for room in BOXES if floor[room] in {"cli", "files"}}
    inside, across = defaultdict(set), set()
    for room, others in imports().items():
        for other in others:
            if floor[room] == floor[other]:
                inside[room].add(other)
            else:
                across.add((floor[room], floor[other]))
    parts = [HEAD, '<rect width="1000" height="800" fill="white"/>']
    parts += [_box(box, [], "#f3f5f8", "#c5ccd6") for box in FLOORS.values()]
    parts += [_arrow(BOXES[room], BOXES[other]) for room, other in needed(inside)]
    parts += [_arrow(FLOORS[one], FLOORS[other], wide=True) for one, other in sorted(across)]
    parts += [_box(box, modules[room], "white", "#7a8aa0") for room, box in BOXES.items()]
    return "\n".join([*parts, "</svg>", ""])


def _box(box: Box, names: list[str], fill: str, line: str) -> str:
    lines = textwrap.wrap(", ".join(names), width=max(20, box.width * 10 // 58))
    texts = "".join(
        f'<text x="{box.x + 8}" y="{box.y + 30 + 14 * i}" font-size="11">{escape(text)}</text>'
        for i, text in enumerate(lines)
    )
    return (
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="5" '
        f'fill="{fill}" stroke="{line}"/>'
        f'<text x="{box.x + 8}" y="{box.y + 15}" font-size="12" font-weight="bold">'
        f"{escape(box.title)}</text>{texts}"
    )


def _arrow(one: Box, other: Box, *, wide: bool = False) -> str:
    """Draw an arrow from the edge of a box to that of another."""
    (x, y), (u, v) = _facing(one, other), _facing(other, one)
    # There and back: beside each other.
    shift = 5 if (one.y, one.x) < (other.y, other.x) else -5
    x, u = (x + shift, u + shift) if abs(v - y) >= abs(u - x) else (x, u)
    y, v = (y, v) if abs(v - y) >= abs(u - x) else (y + shift, v + shift)
    width, color = (3, "#9aa7b8") if wide else (1.4, "#555")
    return (
        f'<line x1="{x}" y1="{y}" x2="{u}" y2="{v}" stroke="{color}" stroke-width="{width}" '
        'marker-end="url(#to)"/>'
    )


def _facing(one: Box, other: Box) -> tuple[float, float]:
    """Find the point on the edge of a box that faces another."""

    def middle(low: float, high: float, other_low: float, other_high: float) -> float:
        if other_low >= high:
            return high
        if other_high <= low:
            return low
        return (max(low, other_low) + min(high, other_high)) / 2

    return (
        middle(one.x, one.x + one.width, other.x, other.x + other.width),
        middle(one.y, one.y + one.height, other.y, other.y + other.height),
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")

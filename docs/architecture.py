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
    """Where a room or a floor is drawn, and what is written into it."""

    title: str
    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...] = ()


class Place(NamedTuple):
    """In which row of its floor a room stands, and where in the row."""

    title: str
    row: int
    x: int
    width: int


ROOMS = {
    "widget": Place("the way of a click on Run", 0, 30, 215),
    "widget/fields": Place("fields: what is set", 0, 270, 215),
    "widget/plots": Place("plots: what is drawn", 0, 510, 215),
    "widget/table": Place("table: the clusters", 0, 750, 220),
    "widget/base": Place("base: what all of it stands on", 1, 30, 940),
    "layers": Place("for scripts that were copied", 0, 655, 315),
    "layers/export": Place("export: text, script, table", 0, 30, 260),
    "layers/clusters": Place("clusters: what is done later", 0, 325, 290),
    "layers/outputs": Place("outputs: what a run adds", 1, 325, 290),
    "layers/source": Place("source: what is segmented", 1, 655, 315),
    "layers/base": Place("base: what all of it stands on", 2, 30, 940),
    "core/pool": Place("pool: many images as one", 0, 30, 265),
    "core/lazy": Place("lazy: Dask, chunk by chunk", 0, 340, 275),
    "core": Place("the way of an image", 1, 30, 585),
    "core/model_parts": Place("model_parts: what a model is made of", 2, 30, 270),
    "core/points": Place("points: what stands for pixels", 2, 340, 275),
    "core/writing": Place("writing: files, all or none", 3, 30, 180),
    "core/kmeans": Place("kmeans: the method", 3, 230, 185),
    "core/image": Place("image: what values are", 3, 435, 180),
    "core/base": Place("base: what all of it stands on", 4, 30, 585),
    "cli": Place("cli: the command line", 0, 690, 280),
    "files": Place("files: what a file says of its pixels", 1, 690, 280),
    "files/tiff": Place("tiff", 2, 690, 130),
    "files/ngff": Place("ngff: OME-Zarr", 2, 840, 130),
    "files/base": Place("base: what all of it stands on", 3, 690, 280),
}
# The title, x and width of each; the last two stand beside each other.
FLOORS = {
    "widget": ("widget: Qt", 15, 970),
    "layers": ("layers: napari, no Qt", 15, 970),
    "core": ("core: arrays, no napari", 15, 620),
    "beside": ("beside", 665, 320),
}

HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 {height}" font-family="sans-serif">
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


def floor_of(room: str) -> str:
    """Say on which floor a room is."""
    floor = room.partition("/")[0]
    return "beside" if floor in {"cli", "files"} else floor


def boxes() -> dict[str, Box]:
    """Lay out rooms and floors, each as high as what is written into it."""
    modules = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        module = path.relative_to(SOURCE).with_suffix("").as_posix()
        if (room := room_of(module)) and path.stem != "__init__":
            modules[room].append(path.stem)
    if unknown := set(modules) - set(ROOMS):
        raise SystemExit(f"No place for {', '.join(sorted(unknown))}: give it one in ROOMS.")
    lines = {
        room: tuple(textwrap.wrap(", ".join(modules[room]), width=place.width * 10 // 64))
        for room, place in ROOMS.items()
    }
    found: dict[str, Box] = {}
    top = end = 20
    for floor, (title, x, width) in FLOORS.items():
        # Beside the one before.
        top = end if floor != "beside" else top
        y = top + 26
        rooms = [room for room in ROOMS if floor_of(room) == floor]
        for row in range(1 + max(ROOMS[room].row for room in rooms)):
            for room in (room for room in rooms if ROOMS[room].row == row):
                place, height = ROOMS[room], 26 + 14 * len(lines[room])
                found[room] = Box(place.title, place.x, y, place.width, height, lines[room])
            y = max(box.y + box.height for box in found.values() if box.y == y) + 24
        found[f"floor {floor}"] = Box(title, x, top, width, y - 12 - top)
        end = max(end, y + 8)
    return found


def draw() -> str:
    """Draw boxes and arrows."""
    found = boxes()
    inside, across = defaultdict(set), set()
    for room, others in imports().items():
        for other in others:
            if floor_of(room) == floor_of(other):
                inside[room].add(other)
            else:
                across.add((f"floor {floor_of(room)}", f"floor {floor_of(other)}"))
    floors = [f"floor {floor}" for floor in FLOORS]
    height = 20 + max(found[floor].y + found[floor].height for floor in floors)
    parts = [HEAD.format(height=height), f'<rect width="1000" height="{height}" fill="white"/>']
    parts += [_box(found[floor], "#f3f5f8", "#c5ccd6") for floor in floors]
    parts += [_arrow(found[room], found[other]) for room, other in needed(inside)]
    parts += [_arrow(found[one], found[other], wide=True) for one, other in sorted(across)]
    parts += [_box(found[room], "white", "#7a8aa0") for room in ROOMS]
    return "\n".join([*parts, "</svg>", ""])


def _box(box: Box, fill: str, line: str) -> str:
    texts = "".join(
        f'<text x="{box.x + 8}" y="{box.y + 30 + 14 * i}" font-size="11">{escape(text)}</text>'
        for i, text in enumerate(box.lines)
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

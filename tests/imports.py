"""What the modules of the package import, read from their code."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "napari_kmeans_seg"
SOURCE = Path(__file__).parents[1] / "src" / PACKAGE


def imports(source: Path) -> dict[str, set[str]]:
    """Which modules import which others of the package, in whatever way; not its own face."""
    modules = {place_of(path, source): path for path in sorted(source.rglob("*/**/*.py"))}
    found: dict[str, set[str]] = {}
    for place, path in modules.items():
        named = [
            [one for one in rooms_of(other) if one in modules]
            for _, other in own_imports(path, source)
        ]
        # The innermost: to import a module of a room imports nothing that the room holds beside.
        found[place] = {inner[-1] for inner in named if inner} - {place}
    return found


def between_folders(source: Path) -> dict[str, set[str]]:
    """Which folders import which others: the face of one, its `__init__`, is in it."""
    folder_of = {
        place_of(path, source): path.parent.relative_to(source).as_posix()
        for path in source.rglob("*/**/*.py")
    }
    found: dict[str, set[str]] = {folder: set() for folder in folder_of.values()}
    for place, others in imports(source).items():
        here = folder_of[place]
        found[here] |= {folder_of[other] for other in others} - {here}
    return found


def circles(arrows: dict[str, set[str]]) -> list[str]:
    """Find what imports each other, in whatever way; the first name of a circle is its first."""
    found, done = [], set()

    def visit(place: str, way: tuple[str, ...]) -> None:
        if place in way:
            circle = way[way.index(place) :]
            first = circle.index(min(circle))
            found.append(" -> ".join([*circle[first:], *circle[:first], circle[first]]))
        elif place not in done:
            for other in sorted(arrows[place]):
                visit(other, (*way, place))
            done.add(place)

    for place in sorted(arrows):
        visit(place, ())
    return found


def own_imports(path: Path, source: Path) -> Iterator[tuple[int, str]]:
    """Line and place of what a module imports of this package."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for line, name, _ in all_imports(tree, path.relative_to(source)):
        top, *parts = name.split(".")
        if top == PACKAGE and parts:
            # The last part may be a thing in a module, or the module itself.
            place = "/".join(parts)
            is_thing = len(parts) > 1 and not parts[-1].islower()
            yield line, place.rpartition("/")[0] if is_thing else place


def place_of(path: Path, source: Path) -> str:
    """Where a module lies; a folder for its `__init__`."""
    place = path.relative_to(source).with_suffix("").as_posix()
    return place.removesuffix("/__init__")


def rooms_of(place: str) -> list[str]:
    """The place itself, and all rooms around it."""
    parts = place.split("/")
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def all_imports(tree: ast.AST, path: Path) -> Iterator[tuple[int, str, bool]]:
    """Line, full dotted name, and whether it runs when the module is imported."""
    package = (PACKAGE, *path.parent.parts)

    def walk(node: ast.AST, at_import: bool) -> Iterator[tuple[int, str, bool]]:
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.Import(names=names):
                    for alias in names:
                        yield child.lineno, alias.name, at_import
                case ast.ImportFrom(module=module, names=names, level=level):
                    base = package[: len(package) - level + 1] if level else ()
                    for alias in names:
                        parts = [*base, *([module] if module else []), alias.name]
                        yield child.lineno, ".".join(parts), at_import
                case ast.Call(
                    func=ast.Name(id="__import__"), args=[ast.Constant(value=str(name)), *_]
                ):
                    yield child.lineno, name, at_import
                case ast.Call(
                    func=ast.Attribute(attr="import_module") | ast.Name(id="import_module"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    yield child.lineno, name, at_import
            later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from walk(child, at_import and not later and not _is_type_checking(child))

    yield from walk(tree, True)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
    }

"""Three floors, and imports run downward only.

core takes arrays and gives arrays; layers knows napari's layers but not Qt;
widget is what a person touches. What lies beside the floors (image files, the
command line, samples) stands on core.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "napari_kmeans_seg"
SOURCE = Path(__file__).parents[1] / "src" / PACKAGE

BINDINGS = {"PyQt5", "PyQt6", "PySide2", "PySide6"}
QT = BINDINGS | {"magicgui", "qtpy", "superqt", "vispy"}
NAPARI_AND_QT = QT | {"app_model", "napari", "npe2"}
NAPARIS_OWN_QT = ("napari._qt", "napari.qt", "napari._vispy", "napari.viewer", "napari.window")


# What single modules must not know, for they are to be read without it.
WITHOUT = {"widget/state": QT, "core/arguments": {"numpy"}}

_ROOMS_OF_LAYERS = ("layers/source", "layers/outputs", "layers/clusters", "layers/export")

_ROOMS_OF_CORE = ("core/image", "core/kmeans", "core/points", "core/lazy", "core/writing")
# Loaded by the package when they are first needed: see `core/base/lent.py`.
_LENT = ("core/lazy", "core/pooled")
_ROOMS_OF_WIDGET = ("widget/fields", "widget/table", "widget/plots")

# What the rooms of the dock stand on, so that these may import each other's folder.
_STOOD_ON = {
    **dict.fromkeys(
        (f"widget/{name}" for name in ("napari_versions", "plain_text", "sections", "wording")),
        _ROOMS_OF_WIDGET,
    ),
}

# Rooms and modules of a floor that must not know others of it.
STRANGERS = {
    **_STOOD_ON,
    "core/kmeans": ("core/image", "core/points", "core/lazy", "core/writing"),
    "core/image": ("core/kmeans", "core/points", "core/lazy", "core/writing"),
    "core/points": ("core/lazy", "core/writing"),
    "core/base": _ROOMS_OF_CORE,
    "core/prepare": _LENT,
    "core/model": _LENT,
    "core/lazy": ("core/prepare", "core/writing"),
    "core/writing": ("core/image", "core/points", "core/kmeans", "core/lazy"),
    "widget/fields": ("widget/table", "widget/plots", "widget/kmeans", "widget/preview"),
    "widget/table": ("widget/plots", "widget/fields", "widget/kmeans", "widget/preview"),
    "widget/plots": ("widget/fields", "widget/kmeans", "widget/preview"),
    "widget/state": ("widget/task", "widget/table", "widget/plots", "widget/kmeans"),
    "widget/task": ("widget",),
    "layers/arrays": _ROOMS_OF_LAYERS,
    "layers/cleanup": _ROOMS_OF_LAYERS,
    "layers/describe": _ROOMS_OF_LAYERS,
    "layers/geometry": _ROOMS_OF_LAYERS,
    "layers/lazy_cleanup": _ROOMS_OF_LAYERS,
    "layers/pyramid": _ROOMS_OF_LAYERS,
    "layers/results": _ROOMS_OF_LAYERS,
    "layers/same": _ROOMS_OF_LAYERS,
    "layers/source": ("layers/outputs", "layers/clusters", "layers/export"),
    "layers/outputs": ("layers/clusters", "layers/export"),
    "layers/clusters": ("layers/export",),
    "layers/export": ("layers/source", "layers/clusters"),
}


def test_imports_run_downward_only() -> None:
    modules = sorted(SOURCE.rglob("*.py"))
    assert {"core", "layers", "widget"} <= {_floor(module, SOURCE) for module in modules}
    assert [wrong for module in modules for wrong in violations(module, SOURCE)] == []


def test_rooms_know_only_those_that_they_may() -> None:
    modules = sorted(SOURCE.rglob("*.py"))
    rooms = {parent for module in modules for parent in _names(_place(module, SOURCE))}
    assert {*STRANGERS, *(one for others in STRANGERS.values() for one in others)} <= rooms
    assert [wrong for module in modules for wrong in strangers(module, SOURCE)] == []


@pytest.mark.parametrize("floor", ["core", "layers", "widget"])
def test_no_modules_of_a_floor_import_each_other_in_a_circle(floor: str) -> None:
    # A segmentation has its model, and a model predicts segmentations: they name each other.
    named = ["core/model -> core/segmentation -> core/model"] if floor == "core" else []
    assert circles(SOURCE, floor) == named


def test_no_folders_of_core_import_each_other() -> None:
    assert both_ways(SOURCE, "core") == []


def test_nobody_in_core_imports_what_is_lazy() -> None:
    importing = {
        _place(module, SOURCE)
        for module in (SOURCE / "core").rglob("*.py")
        for _, other in _ours(module, SOURCE)
        if "core/lazy" in _names(other)
    }
    assert {place for place in importing if "core/lazy" not in _names(place)} == set()


@pytest.mark.parametrize(
    ("module", "code", "complaint"),
    [
        ("core/kmeans/bad.py", "from ..image.pixels import Pixels", "core/image/pixels"),
        ("core/image/bad.py", "from ..points import counting", "core/points/counting"),
        ("core/points/bad.py", "from ..lazy.chunks import load", "core/lazy/chunks/load"),
        ("core/base/bad.py", "from ..image.pixels import Pixels", "core/image/pixels"),
        ("core/model.py", "def fit():\n    from .pooled import pool", "core/pooled/pool"),
        ("widget/fields/bad.py", "from ..table.view import ClusterView", "widget/table/view"),
        ("widget/fields/bad.py", "from .. import plots", "widget/plots"),
        ("widget/fields/bad.py", "def run():\n    from ..kmeans import Run", "widget/kmeans"),
        ("widget/table/bad.py", "from ..plots.frame import Look", "widget/plots/frame"),
        ("widget/task.py", "if TYPE_CHECKING:\n    from .state import Key", "widget/state"),
        ("widget/state.py", "from .task import Task", "widget/task"),
        ("widget/state.py", "from qtpy.QtCore import QObject", "qtpy.QtCore.QObject"),
        ("core/arguments.py", "import numpy as np", "numpy"),
        ("layers/arrays.py", "from .source import view", "layers/source/view"),
        ("layers/source/bad.py", "from ..outputs.record import Record", "layers/outputs/record"),
        ("layers/outputs/bad.py", "from .. import clusters", "layers/clusters"),
        (
            "layers/clusters/bad.py",
            "def text():\n    from ..export import files",
            "layers/export/files",
        ),
        (
            "layers/export/bad.py",
            "if TYPE_CHECKING:\n    from ..source import view",
            "layers/source/view",
        ),
    ],
)
def test_a_stranger_in_a_room_is_found(
    tmp_path: Path, module: str, code: str, complaint: str
) -> None:
    path = tmp_path / module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    [wrong] = [*strangers(path, tmp_path), *violations(path, tmp_path)]
    assert wrong == f"{module}:{1 + code.count(chr(10))} imports {complaint}"


def test_a_circle_is_found(tmp_path: Path) -> None:
    (tmp_path / "widget").mkdir()
    for name, other in (("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")):
        (tmp_path / "widget" / f"{name}.py").write_text(f"from .{other} import thing")
    assert circles(tmp_path, "widget") == ["widget/b -> widget/c -> widget/b"]


def test_folders_that_import_each_other_are_found(tmp_path: Path) -> None:
    (tmp_path / "core" / "room").mkdir(parents=True)
    (tmp_path / "core" / "top.py").write_text("from .room.below import thing")
    (tmp_path / "core" / "ground.py").write_text("def run():\n    import numpy")
    (tmp_path / "core" / "room" / "below.py").write_text("from ..ground import run")
    assert both_ways(tmp_path, "core") == ["core <-> core/room"]


@pytest.mark.parametrize(
    ("module", "code", "complaint"),
    [
        ("core/bad.py", "import napari", "napari"),
        ("core/bad.py", "from napari.layers import Image", "napari.layers.Image"),
        ("core/bad.py", "import magicgui.widgets as mw", "magicgui.widgets"),
        ("core/bad.py", "def run():\n    from qtpy.QtCore import QObject", "qtpy.QtCore.QObject"),
        ("core/bad.py", "from PySide6 import QtCore", "PySide6.QtCore"),
        ("core/bad.py", "import vispy", "vispy"),
        ("core/bad.py", "from ..layers import outputs", f"{PACKAGE}.layers.outputs"),
        ("core/bad.py", "from .. import widget", f"{PACKAGE}.widget"),
        ("core/bad.py", "from ..cli import main", f"{PACKAGE}.cli.main"),
        ("core/deep/bad.py", "from ...widget import dock", f"{PACKAGE}.widget.dock"),
        ("core/bad.py", f"from {PACKAGE} import layers", f"{PACKAGE}.layers"),
        ("core/bad.py", f"import {PACKAGE}.widget", f"{PACKAGE}.widget"),
        ("core/bad.py", "import importlib\nimportlib.import_module('napari')", "napari"),
        ("core/bad.py", "__import__('qtpy')", "qtpy"),
        ("layers/bad.py", "from ..widget import KMeansWidget", f"{PACKAGE}.widget.KMeansWidget"),
        ("layers/bad.py", "import qtpy", "qtpy"),
        ("layers/bad.py", "import magicgui", "magicgui"),
        ("layers/bad.py", "from napari.qt import thread_worker", "napari.qt.thread_worker"),
        ("layers/bad.py", "from napari import qt", "napari.qt"),
        ("layers/bad.py", "from napari import Viewer", "napari.Viewer"),
        ("cli/app.py", "import napari", "napari"),
        ("cli/app.py", "from ..layers import outputs", f"{PACKAGE}.layers.outputs"),
        ("__init__.py", "from . import widget", f"{PACKAGE}.widget"),
        ("core/bad.py", "if TYPE_CHECKING:\n    import napari", "napari"),
        ("widget/bad.py", "from PyQt6.QtCore import Qt", "PyQt6.QtCore.Qt"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, module: str, code: str, complaint: str) -> None:
    path = tmp_path / module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    [wrong] = violations(path, tmp_path)
    assert wrong.startswith(module)
    assert wrong.endswith(f" imports {complaint}")


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("core/good.py", "import numpy as np\nfrom . import points\nfrom .. import __version__"),
        (
            "layers/good.py",
            "from napari.layers import Labels\nfrom ..core.model import KMeansModel",
        ),
        ("layers/good.py", "from napari.components import ViewerModel\nfrom .. import segment"),
        ("widget/good.py", "from qtpy.QtWidgets import QWidget\nfrom ..layers import outputs"),
        ("widget/good.py", "import napari, magicgui\nfrom . import table"),
        ("cli/app.py", "from .. import segment\nfrom ..files.images import read"),
        ("cli/app.py", "def demo():\n    import napari"),
        ("cli/app.py", "if TYPE_CHECKING:\n    import napari"),
    ],
)
def test_a_right_import_passes(tmp_path: Path, module: str, code: str) -> None:
    path = tmp_path / module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    assert list(violations(path, tmp_path)) == []


def test_importing_the_package_loads_neither_napari_nor_qt() -> None:
    assert _loaded_by(f"import {PACKAGE}") & NAPARI_AND_QT == set()


def test_importing_the_core_loads_neither_napari_nor_qt() -> None:
    parts = [".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in _core_modules()]
    imports = "; ".join(f"import {PACKAGE}.{part}" for part in parts)
    loaded = _loaded_by(imports)
    assert "numpy" in loaded
    assert loaded & NAPARI_AND_QT == set()


def test_segmenting_loads_neither_napari_nor_qt() -> None:
    code = f"import numpy; from {PACKAGE} import segment; segment(numpy.eye(8), 2)"
    assert _loaded_by(code) & NAPARI_AND_QT == set()


def test_segmenting_does_not_wait_for_libraries_that_it_does_not_need() -> None:
    code = f"import numpy; from {PACKAGE} import segment; segment(numpy.eye(8), 2)"
    assert _loaded_by(code) & {"dask", "pandas", "scipy", "skimage"} == set()


def test_importing_the_layers_floor_loads_no_qt_binding() -> None:
    loaded = _loaded_by(f"import {PACKAGE}.layers")
    assert "napari" in loaded
    # Those of napari 0.7 load one themselves.
    assert (loaded - _loaded_by("import napari.layers")) & BINDINGS == set()


def test_what_a_subprocess_loads_is_seen() -> None:
    assert "napari" in _loaded_by("import napari.layers") & NAPARI_AND_QT


def violations(path: Path, source: Path) -> Iterator[str]:
    """Tell each import of a module that its floor may not have."""
    floor, place = _floor(path, source), _place(path, source)
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for line, name, at_import in _imports(tree, path.relative_to(source)):
        bare = name.partition(".")[0] in WITHOUT.get(place, ())
        if bare or not _allowed(floor, name, at_import):
            yield f"{path.relative_to(source).as_posix()}:{line} imports {name}"


def strangers(path: Path, source: Path) -> Iterator[str]:
    """Tell each import of a module that its room may not have."""
    place = _place(path, source)
    forbidden = {one for room in _names(place) for one in STRANGERS.get(room, ())}
    for line, other in _ours(path, source):
        if other != place and forbidden.intersection(_names(other)):
            yield f"{path.relative_to(source).as_posix()}:{line} imports {other}"


def imports_within(source: Path, floor: str) -> dict[str, set[str]]:
    """Which modules of a floor import which others of it, in whatever way."""
    modules = {_place(path, source): path for path in sorted((source / floor).rglob("*.py"))}
    return {
        # The innermost: to import a module of a room imports nothing that the room holds beside.
        place: {
            [one for one in _names(other) if one in modules][-1]
            for _, other in _ours(path, source)
            if other.split("/")[0] == floor
        }
        - {place}
        for place, path in modules.items()
    }


def both_ways(source: Path, floor: str) -> list[str]:
    """Find the folders of a floor that import each other."""
    pairs = {
        (place.rpartition("/")[0], other.rpartition("/")[0])
        for place, others in imports_within(source, floor).items()
        for other in others
    }
    return [
        f"{one} <-> {other}"
        for one, other in sorted(pairs)
        if one < other and (other, one) in pairs
    ]


def circles(source: Path, floor: str) -> list[str]:
    """Find the modules of a floor that import each other, in whatever way."""
    imports = imports_within(source, floor)
    found, done = [], set()

    def visit(place: str, way: tuple[str, ...]) -> None:
        if place in way:
            found.append(" -> ".join([*way[way.index(place) :], place]))
        elif place not in done:
            for other in sorted(imports[place]):
                visit(other, (*way, place))
            done.add(place)

    for place in imports:
        visit(place, ())
    return found


def _ours(path: Path, source: Path) -> Iterator[tuple[int, str]]:
    """Line and place of what a module imports of this package."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for line, name, _ in _imports(tree, path.relative_to(source)):
        top, *parts = name.split(".")
        if top == PACKAGE and parts:
            # The last part may be a thing in a module, or the module itself.
            place = "/".join(parts)
            is_thing = len(parts) > 1 and not parts[-1].islower()
            yield line, place.rpartition("/")[0] if is_thing else place


def _place(path: Path, source: Path) -> str:
    """Where a module lies; a folder for its `__init__`."""
    place = path.relative_to(source).with_suffix("").as_posix()
    return place.removesuffix("/__init__")


def _names(place: str) -> list[str]:
    """The place itself, and all rooms around it."""
    parts = place.split("/")
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _floor(path: Path, source: Path) -> str:
    """core, layers or widget; "beside" for the modules that lie next to them."""
    parts = path.relative_to(source).parts
    return parts[0] if len(parts) > 1 else "beside"


def _allowed(floor: str, name: str, at_import: bool) -> bool:
    top = name.partition(".")[0]
    ours = name.split(".")[1:2] if top == PACKAGE else []
    match floor:
        case "core":
            own = top != PACKAGE or ours in (["core"], ["__version__"])
            return top not in NAPARI_AND_QT and own
        case "layers":
            qt = top in QT or name.startswith(NAPARIS_OWN_QT) or name == "napari.Viewer"
            return not qt and "widget" not in ours
        case "widget":
            return top not in BINDINGS  # qtpy speaks to whichever is installed
        case _:
            # A function may open the viewer (the demo does); importing the module may not.
            return not at_import or (
                top not in NAPARI_AND_QT and not {"layers", "widget"}.intersection(ours)
            )


def _imports(tree: ast.AST, path: Path) -> Iterator[tuple[int, str, bool]]:
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


def _core_modules() -> Iterator[Path]:
    return (path for path in sorted(SOURCE.rglob("core/**/*.py")) if path.stem != "__init__")


def _loaded_by(code: str) -> set[str]:
    """Top-level names that a fresh interpreter has loaded after running `code`."""
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.splitlines()[-1].split())

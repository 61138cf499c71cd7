"""Three floors, and imports run downward only.

core takes arrays and gives arrays; layers knows napari's layers but not Qt;
widget is what a person touches. What lies beside the floors (image files, the
command line, samples) stands on core.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .imports import (
    PACKAGE,
    SOURCE,
    all_imports,
    between_folders,
    circles,
    imports,
    own_imports,
    place_of,
    rooms_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


BINDINGS = {"PyQt5", "PyQt6", "PySide2", "PySide6"}
QT = BINDINGS | {"magicgui", "qtpy", "superqt", "vispy"}
NAPARI_AND_QT = QT | {"app_model", "napari", "npe2"}
NAPARIS_OWN_QT = ("napari._qt", "napari.qt", "napari._vispy", "napari.viewer", "napari.window")


# What single modules must not know, for they are to be read without it.
WITHOUT = {"widget/base/state": QT, "core/arguments": {"numpy"}}

_ROOMS_OF_LAYERS = ("layers/source", "layers/outputs", "layers/clusters", "layers/export")

# Loaded by the package when they are first needed: see `core/base/lent.py`.
_LENT = ("core/lazy", "core/pool")
_PARTS = ("core/model_parts", "core/writing", *_LENT)
_ROOMS_OF_CORE = ("core/image", "core/kmeans", "core/points", *_PARTS)
_ROOMS_OF_WIDGET = ("widget/fields", "widget/table", "widget/plots")

# Rooms and modules of a floor that must not know others of it.
STRANGERS = {
    "core/kmeans": ("core/image", "core/points", *_PARTS),
    "core/image": ("core/kmeans", "core/points", *_PARTS),
    "core/points": _PARTS,
    "core/model_parts": ("core/model", "core/segmentation", "core/prepared", *_LENT),
    "core/base": _ROOMS_OF_CORE,
    "core/prepare": _LENT,
    "core/model": _LENT,
    "core/lazy": ("core/prepare", "core/pool", "core/writing"),
    "core/writing": tuple(room for room in _ROOMS_OF_CORE if room != "core/writing"),
    "widget/fields": ("widget/table", "widget/plots", "widget/kmeans", "widget/preview"),
    "widget/table": ("widget/plots", "widget/fields", "widget/kmeans", "widget/preview"),
    "widget/plots": ("widget/fields", "widget/kmeans", "widget/preview"),
    "widget/base": (*_ROOMS_OF_WIDGET, "widget/kmeans", "widget/preview"),
    "widget/base/state": ("widget/base/task",),
    "widget/base/task": ("widget",),
    "layers/base": ("layers/results", *_ROOMS_OF_LAYERS),
    "files/base": ("files/tiff", "files/ngff", "files/images", "files/results"),
    "files/tiff": ("files/ngff", "files/images", "files/results"),
    "files/ngff": ("files/tiff", "files/images", "files/results"),
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
    rooms = {parent for module in modules for parent in rooms_of(place_of(module, SOURCE))}
    assert {*STRANGERS, *(one for others in STRANGERS.values() for one in others)} <= rooms
    assert [wrong for module in modules for wrong in strangers(module, SOURCE)] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    # A segmentation has its model, and a model predicts segmentations: they name each other.
    assert circles(imports(SOURCE)) == ["core/model -> core/segmentation -> core/model"]


def test_no_folders_import_each_other_in_a_circle() -> None:
    assert circles(between_folders(SOURCE)) == []


def test_nobody_in_core_imports_what_is_lazy() -> None:
    importing = {
        place_of(module, SOURCE)
        for module in (SOURCE / "core").rglob("*.py")
        for _, other in own_imports(module, SOURCE)
        if "core/lazy" in rooms_of(other)
    }
    assert {place for place in importing if "core/lazy" not in rooms_of(place)} == set()


@pytest.mark.parametrize(
    ("module", "code", "complaint"),
    [
        ("core/kmeans/bad.py", "from ..image.pixels import Pixels", "core/image/pixels"),
        ("core/image/bad.py", "from ..points import counting", "core/points/counting"),
        ("core/points/bad.py", "from ..lazy.chunks import load", "core/lazy/chunks/load"),
        ("core/base/bad.py", "from ..image.pixels import Pixels", "core/image/pixels"),
        ("core/model.py", "def fit():\n    from .pool.pooled import pool", "core/pool/pooled/pool"),
        ("widget/fields/bad.py", "from ..table.view import ClusterView", "widget/table/view"),
        ("widget/fields/bad.py", "from .. import plots", "widget/plots"),
        ("widget/fields/bad.py", "def run():\n    from ..kmeans import Run", "widget/kmeans"),
        ("widget/table/bad.py", "from ..plots.frame import Look", "widget/plots/frame"),
        ("widget/base/bad.py", "from ..table.view import ClusterView", "widget/table/view"),
        (
            "widget/base/task.py",
            "if TYPE_CHECKING:\n    from .state import Key",
            "widget/base/state",
        ),
        ("widget/base/state.py", "from .task import Task", "widget/base/task"),
        ("widget/base/state.py", "from qtpy.QtCore import QObject", "qtpy.QtCore.QObject"),
        ("core/arguments.py", "import numpy as np", "numpy"),
        ("files/ngff/bad.py", "from ..tiff.write import write_tiff", "files/tiff/write/write_tiff"),
        ("layers/base/bad.py", "from ..source import view", "layers/source/view"),
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
    assert circles(imports(tmp_path)) == ["widget/b -> widget/c -> widget/b"]


def test_folders_that_import_each_other_are_found(tmp_path: Path) -> None:
    for name, code in {
        "core/top.py": "from .room.below import thing",
        "core/room/below.py": "def run():\n    from ..other import ground",
        "core/other/ground.py": "if TYPE_CHECKING:\n    from ..last import Thing",
        # A folder is what its face is, too.
        "core/last/__init__.py": "from ..beside import run",
        "core/beside.py": "import numpy",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code)
    assert circles(imports(tmp_path)) == []
    found = ["core -> core/room -> core/other -> core/last -> core"]
    assert circles(between_folders(tmp_path)) == found


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
    statements = "; ".join(f"import {PACKAGE}.{part}" for part in parts)
    loaded = _loaded_by(statements)
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
    floor, place = _floor(path, source), place_of(path, source)
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for line, name, at_import in all_imports(tree, path.relative_to(source)):
        bare = name.partition(".")[0] in WITHOUT.get(place, ())
        if bare or not _allowed(floor, name, at_import):
            yield f"{path.relative_to(source).as_posix()}:{line} imports {name}"


def strangers(path: Path, source: Path) -> Iterator[str]:
    """Tell each import of a module that its room may not have."""
    place = place_of(path, source)
    forbidden = {one for room in rooms_of(place) for one in STRANGERS.get(room, ())}
    for line, other in own_imports(path, source):
        if other != place and forbidden.intersection(rooms_of(other)):
            yield f"{path.relative_to(source).as_posix()}:{line} imports {other}"


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

"""What a person installs: the wheel and the sdist, built from a plain copy of the tree."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import napari_kmeans_seg

ROOT = Path(__file__).parents[1]
PACKAGE = "napari_kmeans_seg"
SHIPPED = {".py", ".svg", ".typed", ".yaml"}
TREE = ["src", "tests", "docs", "napari.yaml", "pyproject.toml", "tox.ini", "README.md"]
TREE += ["LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff"]


@pytest.fixture(scope="module")
def dists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build sdist and wheel where there is no git history; the folder that holds them."""
    copy = tmp_path_factory.mktemp("plain copy")
    for name in TREE:
        source = ROOT / name
        if source.is_dir() and not source.is_symlink():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, copy / name, symlinks=True, ignore=ignore)
        else:
            shutil.copy2(source, copy / name, follow_symlinks=False)
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", copy / "dist", copy)
    return copy / "dist"


@pytest.fixture(scope="module")
def clean_python(dists: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel in a fresh environment; its Python, which sees our dependencies."""
    environment = tmp_path_factory.mktemp("clean environment")
    _run(sys.executable, "-m", "venv", "--system-site-packages", environment)
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    [wheel] = dists.glob("*.whl")
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    _run(*install, "--ignore-installed", wheel)

    # The dependencies stand where this test's Python has them; its own site-packages comes
    # last, and its .pth files (an editable install of this very package) are not read.
    query = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(_run(python, "-c", query).strip())
    ours = _run(sys.executable, "-c", query).strip()
    (site / "dependencies.pth").write_text(f"{ours}\n", encoding="utf-8")
    return python


def test_the_wheel_holds_the_code_the_manifest_and_the_type_marker(dists: Path) -> None:
    [wheel] = dists.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"{PACKAGE}-0.1.0.dist-info/METADATA").decode()
    source = ROOT / "src"
    shipped = (path for path in (source / PACKAGE).rglob("*") if path.suffix in SHIPPED)
    expected = {path.relative_to(source).as_posix() for path in shipped}
    assert {f"{PACKAGE}/napari.yaml", f"{PACKAGE}/py.typed"} <= expected
    assert expected == {name for name in names if not name.startswith(f"{PACKAGE}-0.1.0.dist-info")}
    assert "Classifier: Framework :: napari" in metadata
    assert f"{PACKAGE}-0.1.0.dist-info/licenses/LICENSE" in names


def test_the_readme_leads_somewhere_away_from_the_repository(dists: Path) -> None:
    [wheel] = dists.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"{PACKAGE}-0.1.0.dist-info/METADATA").decode()
    shown = metadata.partition("\n\n")[2]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pattern = re.compile(r"(!?)\[[^\]]*\]\(([^)]+)\)")
    project = "napari-kmeans-seg/napari-kmeans-seg"
    targets = pattern.findall(readme)
    assert ("!", "docs/window.png") in targets
    assert pattern.findall(shown) == [
        (image, target)
        if target.startswith("https://")
        else (image, f"https://raw.githubusercontent.com/{project}/main/{target}")
        if image
        else (image, f"https://github.com/{project}/blob/main/{target}")
        for image, target in targets
    ]
    # Nothing else is changed.
    assert pattern.sub("", shown).strip() == pattern.sub("", readme).strip()
    assert "Description-Content-Type: text/markdown" in metadata


def test_the_sdist_holds_the_source_and_the_manifest_at_the_top(dists: Path) -> None:
    [sdist] = dists.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = {name.partition("/")[2]: archive.getmember(name) for name in archive.getnames()}
    needed = {f"src/{PACKAGE}/napari.yaml", f"src/{PACKAGE}/py.typed", "tests/run.py", "README.md"}
    assert needed <= set(members)
    if (ROOT / "napari.yaml").is_symlink():
        assert members["napari.yaml"].issym()
        assert members["napari.yaml"].linkname == f"src/{PACKAGE}/napari.yaml"


def test_the_installed_package_is_the_wheel(clean_python: Path) -> None:
    where = _run(clean_python, "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)").strip()
    assert Path(where).is_relative_to(clean_python.parents[1])


def test_napari_discovers_the_installed_plugin(clean_python: Path) -> None:
    code = """
from npe2 import PluginManager
manager = PluginManager.instance()
manager.discover()
manifest = manager.get_manifest("napari-kmeans-seg")
print(manifest.display_name, manifest.package_version)
print(*(command.id for command in manifest.contributions.commands))
"""
    name, commands = _run(clean_python, "-c", code).splitlines()[-2:]
    assert name == f"K-means segmentation {napari_kmeans_seg.__version__}"
    assert "napari-kmeans-seg.segment" in commands.split()


def test_the_installed_package_segments(clean_python: Path) -> None:
    code = f"import numpy; from {PACKAGE} import segment; print(segment(numpy.eye(3), 2).labels)"
    assert _run(clean_python, "-c", code) == "[[2 1 1]\n [1 2 1]\n [1 1 2]]\n"


def test_the_installed_command_gives_help(clean_python: Path) -> None:
    reply = _run(clean_python.parent / "napari-kmeans-seg", "--help")
    assert "segment" in reply
    assert "demo" in reply


def test_what_the_code_imports_is_declared() -> None:
    """A dependency that only happens to come with another may leave with it."""
    declared = _names(_project()["dependencies"])
    used = _imported_distributions(ROOT / "src")
    assert "numpy" in used
    # What the code does without is in an extra.
    extras = _project()["optional-dependencies"]
    optional = [_names(extras[name]) for name in ("all", "bioio", "distributed")]
    assert used <= declared.union(*optional)
    assert declared - used <= {"npe2"}  # npe2 reads the manifest


def test_what_the_tests_import_is_declared() -> None:
    extra = _project()["optional-dependencies"]["test"]
    assert _imported_distributions(ROOT / "tests") <= _names(_project()["dependencies"] + extra)


def test_the_oldest_napari_is_tested_and_named() -> None:
    [napari] = (one for one in map(Requirement, _project()["dependencies"]) if one.name == "napari")
    [bound] = napari.specifier
    assert bound.operator == ">="
    factor = f"napari{bound.version.replace('.', '')}"
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    assert f"{factor}: napari[pyqt6,optional]=={bound.version}" in tox
    workflow = ROOT / ".github" / "workflows" / "test_and_deploy.yml"
    if workflow.exists():  # it is not in the sdist
        assert factor in workflow.read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"napari {bound.version} and newer" in readme


def test_no_qt_binding_is_forced_on_anyone() -> None:
    assert not _names(_project()["dependencies"]) & {"pyqt5", "pyqt6", "pyside2", "pyside6"}
    everything = _project()["optional-dependencies"]["all"]
    assert "napari[all]" in everything
    assert _names(everything) == {"napari", "imagecodecs", "yaozarrs", "zarr"}


def _imported_distributions(folder: Path) -> set[str]:
    """Name what the modules of a folder import, but for Python's own and ours."""
    distributions = packages_distributions()
    imported: set[str] = set()
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    imported |= {alias.name.partition(".")[0] for alias in names}
                case ast.ImportFrom(module=str(module), level=0):
                    imported.add(module.partition(".")[0])
    ours = {PACKAGE} | {path.stem for path in folder.rglob("*.py")}
    return {
        canonicalize_name(distributions[name][0])
        for name in imported - set(sys.stdlib_module_names) - ours
    }


def _names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _run(*command: str | Path) -> str:
    """Run a command away from the source tree and give what it prints."""
    words = [os.fspath(word) for word in command]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run(
        words, cwd=ROOT.anchor, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{words}:\n{result.stdout}{result.stderr}"
    return result.stdout

"""What napari reads about the plugin before it runs any of it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from npe2 import PluginManifest
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import napari
    from qtpy.QtWidgets import QMenu

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution("napari-kmeans-seg")


def test_npe2_validates_the_manifest_and_all_that_it_points_at() -> None:
    command = [sys.executable, "-m", "npe2", "validate", "--imports", "napari-kmeans-seg"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_oldest_npe2_does_not_warn_of_a_newer_schema(manifest: PluginManifest) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "npe2>=0.8.1" in project["dependencies"]
    assert Version(manifest.schema_version) <= Version("0.2.1"), "that of npe2 0.8.1"


def test_each_command_is_offered_somewhere(manifest: PluginManifest) -> None:
    offered = {item.command for item in manifest.contributions.widgets or ()}
    offered |= {sample.command for sample in manifest.contributions.sample_data or ()}
    offered |= {reader.command for reader in manifest.contributions.readers or ()}
    assert {command.id for command in manifest.contributions.commands or ()} == offered


def test_the_icon_is_shipped(manifest: PluginManifest) -> None:
    package, _, resource = str(manifest.icon).partition(":")
    assert files(package).joinpath(resource).read_text().startswith("<svg")


def test_the_manifest_at_the_top_is_the_one_in_the_package() -> None:
    top = ROOT / "napari.yaml"
    target = "src/napari_kmeans_seg/napari.yaml"
    if top.is_symlink():
        assert top.readlink() == Path(target)
        assert top.resolve() == ROOT.resolve() / target
    else:  # how git spells a link where the file system has none
        assert top.read_text().strip() == target


def test_the_widget_is_in_the_menu_layers_segment(
    make_napari_viewer: Callable[[], napari.Viewer],
) -> None:
    menu_bar = make_napari_viewer().window._qt_window.menuBar()
    layers_menu = _submenu(menu_bar.actions(), "Layers")
    segment_menu = _submenu(layers_menu.actions(), "Segment")
    assert any("K-means segmentation" in text for text in _texts(segment_menu))


def test_the_samples_are_in_the_menu_open_sample(
    make_napari_viewer: Callable[[], napari.Viewer], manifest: PluginManifest
) -> None:
    menu_bar = make_napari_viewer().window._qt_window.menuBar()
    samples_menu = _submenu(_submenu(menu_bar.actions(), "File").actions(), "Open Sample")
    ours = _submenu(samples_menu.actions(), "K-means segmentation")
    names = {sample.display_name for sample in manifest.contributions.sample_data or ()}
    assert len(names) == 6
    assert set(_texts(ours)) == names


def _texts(menu: QMenu) -> Iterator[str]:
    return (action.text().replace("&", "") for action in menu.actions())


def _submenu(actions: list, title: str) -> QMenu:
    for action in actions:
        if action.text().replace("&", "") == title:
            return action.menu()
    raise AssertionError(f"no menu {title!r} among {[action.text() for action in actions]}")

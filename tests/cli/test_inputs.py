"""Files, folders, patterns and lists of images, as a person names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from .shell import files, run

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

from PIL import Image


@pytest.fixture
def plate(tmp_path: Path, coffee: np.ndarray) -> Path:
    """Four small photographs in a folder and a folder in it, and what is no image."""
    folder = tmp_path / "plate"
    places = ("a.png", "b.PNG", "day 1/c.png", "day 1/[d].png", ".hidden/e.png", "day 1/._c.png")
    for i, name in enumerate(places):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coffee[10 * i :: 20, ::20]).save(path, format="PNG")
    (folder / "notes.txt").write_text("no image")
    return folder


def images_of(*arguments: object, folder: Path) -> list[str]:
    """Which images are segmented, in this order."""
    done = run("segment", *arguments, "--together", "-k", 2, "-q", "-o", folder / "out", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    table = pd.read_csv(folder / "out" / "clusters.csv")
    return list(dict.fromkeys(table["image"]))


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["plate"], ["a.png", "b.PNG"]),
        (["plate", "--recursive"], ["a.png", "b.PNG", "[d].png", "c.png"]),
        (["plate/*.[pP]*"], ["a.png", "b.PNG"]),
        (["plate/**/[!.]*.png"], ["a.png", "[d].png", "c.png"]),
        # The file of this name, not those that it would match.
        (["plate/day 1/[d].png"], ["[d].png"]),
        (["--list", "list.txt"], ["c.png", "a.png"]),
        (["plate/b.PNG", "--list", "list.txt"], ["b.PNG", "c.png", "a.png"]),
    ],
)
def test_images_are_found(tmp_path: Path, plate: Path, given: list[str], names: list[str]) -> None:
    lines = "\ufeffplate/day 1/c.png\r\n\r\nplate/a.png\r\n"
    (plate.parent / "list.txt").write_bytes(lines.encode())
    assert images_of(*given, folder=tmp_path) == names


def test_fit_takes_folders_and_lists_too(tmp_path: Path, plate: Path) -> None:
    (tmp_path / "list.txt").write_text(str(plate / "a.png"))
    for given in (["--list", tmp_path / "list.txt", plate / "day 1"], [plate, "-r"]):
        model = tmp_path / f"{given[-1] == '-r'}.json"
        assert run("fit", *given, "-k", 2, "-o", model).returncode == 0
        assert model.exists()


def test_what_names_no_image_is_refused_before_any_work(tmp_path: Path, plate: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "picture.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "bare" / "sub").mkdir(parents=True)
    before = files(plate)
    for given, message in (
        (["--list", tmp_path / "empty.txt"], "no images: name files, folders or patterns"),
        (["--list", tmp_path / "none.txt"], "none.txt cannot be read as text"),
        (["--list", tmp_path / "picture.txt"], "picture.txt cannot be read as text"),
        ([plate / "*.jpg"], "no file matches"),
        ([tmp_path / "bare"], "--recursive looks into its folders"),
        ([plate, plate / "a.png"], "a.png is given twice"),
        ([plate, "-o", plate], "which is searched for images, and results are images"),
        ([plate, "-r", "-o", plate / "day 1" / "out"], "choose another folder with -o"),
    ):
        done = run("segment", *(given if "-o" in given else [*given, "-o", tmp_path / "out"]))
        assert done.returncode == 2, done.stderr
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert files(plate) == before
    assert not (tmp_path / "out").exists()
    # A folder that is not searched may have the results.
    assert run("segment", plate, "-q", "-o", plate / "out").returncode == 0

"""What the command line says of itself, and of files that it cannot read: each is named once."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from . import shell

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["apply", "missing.json", "image.png"], "missing.json: there is no such file"),
        (["apply", "bad.json", "image.png"], "bad.json is no k-means model: it cannot be read"),
        (["segment", "image.png", "--mask", "missing.png"], "--mask missing.png: "),
        (
            ["segment", "--list", "missing.txt"],
            "--list missing.txt cannot be read as text: No such",
        ),
    ],
)
def test_a_file_is_named_once(tmp_path: Path, arguments: list[str], said: str) -> None:
    Image.fromarray(np.arange(100, dtype=np.uint8).reshape(10, 10)).save(tmp_path / "image.png")
    (tmp_path / "bad.json").write_text("{")
    ended = shell.run(*arguments, "-o", "results", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"napari-kmeans-seg: {said}")
    name = next(one for one in arguments if one.startswith(("missing", "bad")))
    assert ended.stderr.count(name) == 1


def test_the_package_runs_as_the_command_does() -> None:
    ended = [
        subprocess.run(
            [*shell.PYTHON, "-m", module, "--help"],
            capture_output=True,
            encoding="utf-8",
            timeout=shell.LONGEST,
            check=True,
        ).stdout
        for module in ("napari_kmeans_seg", "napari_kmeans_seg.cli")
    ]
    assert ended[0] == ended[1]
    assert "Usage: napari-kmeans-seg" in ended[0]

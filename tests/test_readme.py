"""What the README shows is what happens."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import skimage.data
import tifffile
import yaozarrs

from napari_kmeans_seg import segment
from napari_kmeans_seg.core.image.color_spaces import COLOR_SPACES
from napari_kmeans_seg.core.kmeans.starts import STARTS

from .files.ngff.stores import field_of_cells, write_image

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_script_prints_what_is_shown() -> None:
    [(script, shown)] = re.findall(r"```python\n(.*?)```\n+```text\n(.*?)```", README, re.DOTALL)
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == shown


def test_the_script_for_ten_images_runs() -> None:
    section = README.split("### Ten images")[1].split("\n### ")[0]
    [script] = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=tempfile.mkdtemp(),
    )
    assert result.returncode == 0, result.stderr
    assert "% of a slide is brown" in result.stdout


def test_the_script_that_writes_labels_runs(tmp_path: Path) -> None:
    section = README.split("### Plates and other")[1].split("\n### ")[0]
    [script] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    write_image(tmp_path / "cells.zarr", field_of_cells(0, 64))
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    yaozarrs.validate_zarr_store(tmp_path / "cells_segmented.zarr")


def test_the_line_of_pandas_reads_what_the_shell_writes(tmp_path: Path) -> None:
    section = README.split("### Ten images")[1].split("\n### ")[0]
    [line] = re.findall(r"^  (pd\.read_csv.*)$", section, re.MULTILINE)
    tissue = skimage.data.immunohistochemistry()[::4, ::4]
    model = segment(tissue, 3, channel_axis=-1).model
    replace(model, names={1: "brown"}).save(tmp_path / "tissue.json")
    expected = {}
    for i, group in enumerate(("control", "treated")):
        (tmp_path / group).mkdir()
        parts = [tissue[64 * i + 32 * j :][:32] for j in (0, 1)]
        for j, part in enumerate(parts):
            tifffile.imwrite(tmp_path / group / f"{group}{j}.tif", part, photometric="rgb")
        shares = [model.predict(part).to_dataframe()["percent"][0] for part in parts]
        expected[group] = sum(shares) / 2
    images = ("control", "treated", "-q", "-o", "results")
    for arguments in (
        ("-m", "napari_kmeans_seg.cli", "apply", "tissue.json", *images),
        ("-c", f"import pandas as pd\nprint(({line}).to_json(double_precision=15))"),
    ):
        done = subprocess.run(
            [sys.executable, *arguments], check=True, cwd=tmp_path, capture_output=True, text=True
        )
    assert json.loads(done.stdout) == pytest.approx(expected)


@pytest.mark.parametrize("text", [README, segment.__doc__])
def test_texts_name_all_color_spaces_and_starts(text: str) -> None:
    for choices, begin in ((COLOR_SPACES, "`?color_space`? "), (STARTS, "`?init`? ")):
        [row] = re.findall(rf"^(?:\| |    ){begin}(?:.+\n)(?:        .+\n)*", text, re.MULTILINE)
        assert set(re.findall(r'"([a-z+-]+)"', row)) - {"auto"} == {*choices}


@pytest.mark.parametrize("title", ["Steps of a series", "Without a window"])
def test_examples_of_a_section_run_after_the_first(title: str) -> None:
    first = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    section = README.partition(f"### {title}\n")[2].partition("\n### ")[0]
    [script] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    result = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", first + script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_the_table_has_each_parameter_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", README, re.MULTILINE)
    parameters = list(inspect.signature(segment).parameters.values())[1:]
    assert dict(rows) == {p.name: repr(p.default).replace("'", '"') for p in parameters} | {
        "tol": "1e-4"
    }
    assert [name for name, _ in rows] == [p.name for p in parameters]


def test_the_ci_runs_the_test_command_that_is_shown() -> None:
    pattern = re.search(
        r'^command=\$\(grep --extended-regexp "(.*)" README.md\)$', _ci(), re.MULTILINE
    )
    assert pattern is not None
    [command] = [line for line in README.splitlines() if re.search(pattern[1], line)]
    assert f"```sh\n{command}\n```" in README
    assert command.count(" && ") == 1
    for part in ("${command%% && *}", "${command#* && }"):
        assert f'bash -c "{part}"' in _ci()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_what_is_linked_is_there(target: str) -> None:
    assert (ROOT / target).is_file()


def _ci() -> str:
    return (ROOT / ".ci" / "run").read_text(encoding="utf-8")

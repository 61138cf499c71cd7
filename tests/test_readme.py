"""What the README shows is what happens."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from napari_kmeans_seg import segment

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
    [script] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=tempfile.mkdtemp(),
    )
    assert result.returncode == 0, result.stderr
    assert "% of a slide is brown" in result.stdout


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
    assert 'bash -c "$command"' in _ci()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_what_is_linked_is_there(target: str) -> None:
    assert (ROOT / target).is_file()


def _ci() -> str:
    return (ROOT / ".ci" / "run").read_text(encoding="utf-8")

"""The test command itself: it brings up a screen, or says how to."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="a virtual screen is a matter of Linux only"
)


@pytest.fixture
def run():
    spec = importlib.util.spec_from_file_location("run", ROOT / "tests" / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


def test_a_screen_that_is_there_is_used(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    assert not run.needs_virtual_screen()


@pytest.mark.usefixtures("no_screen")
def test_without_a_screen_a_virtual_one_is_needed(run) -> None:
    assert run.needs_virtual_screen()


@pytest.mark.usefixtures("no_screen")
def test_who_may_not_install_is_told_the_line_to_type(run, monkeypatch, capfd) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(run, "DEBIAN_PACKAGES", ["no-such-package-1", "no-such-package-2"])
    with pytest.raises(SystemExit) as failure:
        run.main(["--version"])
    assert (
        "    sudo apt-get update && sudo apt-get install -y --no-install-recommends"
        " no-such-package-1 no-such-package-2\n"
    ) in str(failure.value)
    assert "pytest" not in capfd.readouterr().out  # nothing ran


@pytest.mark.usefixtures("no_screen")
def test_a_failed_test_fails_the_command(tmp_path: Path) -> None:
    test = tmp_path / "test_bad.py"
    test.write_text("def test_bad() -> None:\n    assert False\n")
    command = [sys.executable, ROOT / "tests" / "run.py", "-p", "no:cacheprovider", str(test)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "1 failed" in result.stdout
    assert "running under Xvfb" in result.stdout


@pytest.mark.usefixtures("no_screen")
def test_all_tests_run_side_by_side_each_process_on_its_own_screen(run, tmp_path: Path) -> None:
    screens = tmp_path / "screens"
    screens.mkdir()
    for name in ("test_one.py", "test_other.py"):
        (tmp_path / name).write_text(
            "import os, pathlib, time\n"
            "def test_screen(qapp):\n"
            f"    screens = pathlib.Path({str(screens)!r})\n"
            "    (screens / os.environ['DISPLAY'].strip(':')).touch()\n"
            "    until = time.monotonic() + 60\n"
            "    while len(list(screens.iterdir())) < 2 and time.monotonic() < until:\n"
            "        time.sleep(0.01)\n"
            "    assert len(list(screens.iterdir())) == 2\n"
        )
    options = [*run.side_by_side(), "--numprocesses=2", "-p", "no:cacheprovider", str(tmp_path)]
    command = [sys.executable, ROOT / "tests" / "run.py", *options]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 passed" in result.stdout


@pytest.mark.usefixtures("no_screen")
def test_the_virtual_screen_has_room_for_a_window(tmp_path: Path) -> None:
    test = tmp_path / "test_screen.py"
    test.write_text(
        "def test_screen(qapp):\n"
        "    size = qapp.primaryScreen().size()\n"
        "    assert (size.width(), size.height()) == (1600, 1000)\n"
        "    assert qapp.platformName() == 'xcb'\n"
    )
    options = ["-c", ROOT / "pyproject.toml", "-p", "no:cacheprovider", test]
    command = [sys.executable, ROOT / "tests" / "run.py", *options]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr

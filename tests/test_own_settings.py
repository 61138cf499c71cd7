"""The folder for napari's settings in tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .own_settings import START, folder


def test_what_a_killed_process_left_is_cleared_and_nothing_else(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = "import os, sys; sys.path.insert(0, sys.argv[1]); import own_settings, signal; "
    code += "made = own_settings.folder(); print(made.name); sys.stdout.flush(); "
    code += "os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, 'SIGKILL') else 15)"
    told = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent)],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "TEMP": str(tmp_path), "TMP": str(tmp_path)},
    )
    left = Path(told.stdout.strip())
    assert left.parent == tmp_path
    assert left.is_dir()
    others = [tmp_path / name for name in (f"{START}{os.getpid()}-x", f"{START}x-1", "y-1-x")]
    for other in others:
        other.mkdir()
    with folder() as made:
        assert Path(made).is_dir()
        assert not left.exists()
        assert all(other.is_dir() for other in others)

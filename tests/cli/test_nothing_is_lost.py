"""What is there already stays, and what fails or is interrupted leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest
import tifffile
from PIL import Image

from .shell import COMMAND, POSIX, SLOWLY, files, run


class TestNothingIsLost:
    def test_a_result_that_is_there_is_an_error_before_any_work(self, tmp_path, photo, cell):
        Image.fromarray(cell).save(tmp_path / "cell.png")
        out = tmp_path / "out"
        out.mkdir()
        (out / "coffee_labels.tif").write_text("mine")
        done = run("segment", tmp_path / "cell.png", photo, "-o", out)
        assert done.returncode == 2
        assert done.stderr == (
            f"napari-kmeans-seg: {out / 'coffee_labels.tif'}: there already; "
            "--overwrite replaces what is there\n"
        )
        assert files(out) == ["coffee_labels.tif"]
        assert (out / "coffee_labels.tif").read_text() == "mine"

    def test_overwrite_replaces_it(self, tmp_path, photo):
        out = tmp_path / "out"
        assert run("segment", photo, "-k", 2, "-o", out).returncode == 0
        assert run("segment", photo, "-k", 3, "-o", out, "--overwrite").returncode == 0
        assert tifffile.imread(out / "coffee_labels.tif").max() == 3
        assert len(files(out)) == 3

    def test_an_input_is_never_overwritten(self, tmp_path, photo):
        other = tmp_path / "coffee_segmented.png"
        other.write_bytes(photo.read_bytes())
        done = run("segment", photo, other, "-o", tmp_path, "--overwrite")
        assert done.returncode == 2
        assert "coffee_segmented.png is an input and would be overwritten" in done.stderr
        assert other.read_bytes() == photo.read_bytes()

    @POSIX
    @pytest.mark.parametrize("limit", [100, 20_000, 40_000])
    def test_a_failed_write_leaves_nothing_behind(self, tmp_path, photo, limit):
        import resource

        out = tmp_path / "out"
        out.mkdir()
        done = run(
            *("segment", photo, "-k", 4, "-o", out),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
        assert done.returncode == 1
        assert done.stderr == f"napari-kmeans-seg: {photo}: File too large\n"
        assert files(out) == []

    @POSIX
    @pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
    def test_an_interruption_leaves_nothing_behind(self, tmp_path, slow, number):
        number = getattr(signal, number)
        out = tmp_path / "out"
        process = subprocess.Popen(
            [*COMMAND, "segment", str(slow), *map(str, SLOWLY), "-o", str(out)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # What a shell runs in the background ignores it, and so would all that it starts.
            preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
        )
        try:
            while not out.exists():  # made when the work is about to begin
                assert process.poll() is None
                time.sleep(0.01)
            time.sleep(1)
            process.send_signal(number)
            printed, said = process.communicate(timeout=30)
        finally:
            process.kill()
            process.communicate()
        # Shells say 130 of a process that SIGINT ended, too: CPython ends one itself where the
        # signal came in the midst of an import.
        assert process.returncode in {130, -signal.SIGINT}
        assert (printed, said.strip()) == ("", "napari-kmeans-seg: interrupted")
        assert not out.exists()

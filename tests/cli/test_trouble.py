"""The command line where things go wrong: signals, other processes, bad files, closed streams."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from napari_kmeans_seg.files.limits import check_size

from . import shell

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals and links of POSIX")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="capabilities and /proc of Linux")
COMMAND = [*shell.COMMAND, "segment"]

SLOW_DISK = """
import os, time
def slow(real):
    def call(*arguments, **options):
        time.sleep(0.02)
        return real(*arguments, **options)
    return call
os.replace, os.link, os.rename = slow(os.replace), slow(os.link), slow(os.rename)
"""

LOSES_INTERRUPTIONS = """
import signal
import PIL.Image
real = PIL.Image.open
def call(*arguments, **options):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        {instead}
    return real(*arguments, **options)
PIL.Image.open = call
"""


def start(*arguments: object, **options) -> subprocess.Popen[str]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], encoding="utf-8", **(streams | options)
    )


def run(*arguments: object, **options) -> tuple[int, str]:
    """Run it and wait; the exit code, and what it says on stderr."""
    done = shell.run("segment", *arguments, **options)
    return done.returncode, done.stderr


def environment(hooks: Path, code: str) -> dict[str, str]:
    """The environment of a process that runs `code` first."""
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(code)
    paths = [str(hooks), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


@pytest.fixture
def slow_disk(tmp_path) -> dict[str, str]:
    """The environment of a process in which each rename takes 20 ms."""
    return environment(tmp_path / "hooks", SLOW_DISK)


@pytest.fixture
def photo(tmp_path, coffee) -> Path:
    path = tmp_path / "coffee.png"
    Image.fromarray(coffee[::4, ::4]).save(path)
    return path


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


ALL = ["coffee_clusters.csv", "coffee_labels.tif", "coffee_segmented.png"]


def clusters(out: Path) -> int:
    """How many clusters the set in a folder has; it must be one set, and nothing else."""
    assert files(out) == ALL
    n = int(tifffile.imread(out / "coffee_labels.tif").max())
    assert len(pd.read_csv(out / "coffee_clusters.csv")) == n
    colours = np.asarray(Image.open(out / "coffee_segmented.png")).reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) == n
    return n


def wait_for_exchange(process: subprocess.Popen[str], out: Path) -> None:
    """Wait until the new files are written, and their names are about to change."""
    while process.poll() is None and not any(out.glob(".napari-kmeans-seg-*/commit.json*")):
        time.sleep(0.001)


@POSIX
class TestNothingEarlierIsLost:
    def test_ctrl_c_twice_while_results_are_exchanged(self, tmp_path, photo, slow_disk):
        out = tmp_path / "out"
        assert run(photo, "-k", 3, "-o", out) == (0, "")
        cut = 0
        for i in range(5):
            with start(photo, "-k", 5, "-o", out, "--overwrite", env=slow_disk) as process:
                wait_for_exchange(process, out)
                for wait in (0.025 * i, 0.03):
                    time.sleep(wait)
                    process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=30)
            assert process.returncode in {0, 130}
            assert said.strip() in {"", "napari-kmeans-seg: interrupted"}
            cut += process.returncode == 130
            assert clusters(out) in {3, 5}
            assert run(photo, "-k", 3, "-o", out, "--overwrite") == (0, "")
        assert cut

    def test_a_killed_run_is_ended_by_the_next(self, tmp_path, photo, slow_disk):
        out = tmp_path / "out"
        assert run(photo, "-k", 3, "-o", out)[0] == 0
        told = 0
        for i in range(4):
            with start(photo, "-k", 5, "-o", out, "--overwrite", env=slow_disk) as process:
                wait_for_exchange(process, out)
                time.sleep(0.03 * i)
                process.kill()
            code, said = run(tmp_path / "none.png", "-o", out)
            assert code == 1
            told += "an earlier run was cut off; its exchange of coffee_labels.tif" in said
            assert clusters(out) in {3, 5}
            assert run(photo, "-k", 3, "-o", out, "--overwrite") == (0, "")
        assert told

    def test_of_two_processes_in_a_folder_the_one_that_loses_says_so(
        self, tmp_path, photo, slow_disk
    ):
        out = tmp_path / "out"
        assert run(photo, "-k", 2, "-o", out)[0] == 0
        for _ in range(3):
            both = [
                start(photo, "-k", k, "-o", out, "--overwrite", env=slow_disk) for k in (3, 4, 5)
            ]
            said = [process.communicate(timeout=60)[1] for process in both]
            codes = [process.returncode for process in both]
            won = [k for k, code in zip((3, 4, 5), codes, strict=True) if code == 0]
            assert clusters(out) in won
            for code, text in zip(codes, said, strict=True):
                assert code == 1 or text == ""
                assert code == 0 or "another pro" in text
            # One that began after another had ended may win, too; it saw the other's results.
            assert won

    @pytest.mark.parametrize("instead", ["pass", "raise RuntimeError('of another kind')"])
    @pytest.mark.parametrize("options", [(), ("--together",)])
    def test_an_interruption_that_a_library_loses_ends_all(self, tmp_path, photo, instead, options):
        other = tmp_path / "other.png"
        other.write_bytes(photo.read_bytes())
        env = environment(tmp_path / "hooks", LOSES_INTERRUPTIONS.format(instead=instead))
        code, said = run(photo, other, *options, "-q", "-o", tmp_path / "out", env=env)
        assert (code, said) == (130, "napari-kmeans-seg: interrupted\n")
        assert not (tmp_path / "out").exists()

    def test_a_signal_that_is_ignored_stays_ignored(self, tmp_path, photo):
        with start(
            photo, "-o", tmp_path / "out",
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        ) as process:  # fmt: skip
            while process.poll() is None:
                process.send_signal(signal.SIGHUP)
                time.sleep(0.01)
        assert process.returncode == 0
        assert files(tmp_path / "out") == ALL

    def test_two_results_that_are_links_to_one_file_are_refused(self, tmp_path, photo):
        out = tmp_path / "out"
        out.mkdir()
        for name in ALL[:2]:
            (out / name).symlink_to(tmp_path / "one")
        code, said = run(photo, "-o", out, "--overwrite")
        assert code == 2
        assert "are links to one file" in said


class TestOneBadFileIsOneLine:
    @POSIX
    def test_files_that_cannot_be_read(self, tmp_path, photo):
        locked, loop = tmp_path / "locked.png", tmp_path / "loop.png"
        locked.write_bytes(photo.read_bytes())
        locked.chmod(0)
        loop.symlink_to("loop.png")
        code, said = run(
            locked, loop, photo, "-q", "-o", tmp_path / "out", preexec_fn=_be_no_superuser
        )
        assert code == 1
        first, second = said.splitlines()
        assert first == f"napari-kmeans-seg: {locked}: Permission denied"
        assert second == f"napari-kmeans-seg: {loop}: Too many levels of symbolic links"
        assert files(tmp_path / "out") == ALL

    @pytest.mark.parametrize("command", ["segment", "fit"])
    def test_a_failure_that_nobody_foresaw(self, tmp_path, photo, command):
        program = """
import sys
from napari_kmeans_seg.cli import app
from napari_kmeans_seg.files import limits
def fail(path, max_pixels):
    if path.stem == "bad":
        raise KeyError(3)
limits.check_size = fail
app.main()
"""
        (tmp_path / "bad.png").write_bytes(photo.read_bytes())
        out = tmp_path / ("out" if command == "segment" else "model.json")
        done = subprocess.run(
            [
                *(sys.executable, "-c", program, command),
                *(tmp_path / "bad.png", photo, "-q", "-o", out),
            ],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr == f"napari-kmeans-seg: {tmp_path / 'bad.png'}: KeyError: 3\n"
        assert out.is_file() if command == "fit" else files(out) == ALL

    def test_metadata_gives_the_terminal_no_orders(self, tmp_path, coffee):
        path = tmp_path / "coffee.tif"
        tags = [(42113, 2, 0, "\x1b[31m", True), (305, 2, 0, "\x1b]0;x\x07", True)]
        tifffile.imwrite(path, coffee, photometric="rgb", extratags=tags)
        code, said = run(path, "-o", tmp_path / "out")
        assert code == 0
        assert not any(letter in said for letter in "\x1b\x07")


@POSIX
class TestStreams:
    @pytest.mark.parametrize("redirection", ["2>&-", "0<&- 2>&-", ">&- 2>&-", "2>/dev/full"])
    def test_a_closed_or_full_stderr_keeps_no_result_away(self, tmp_path, photo, redirection):
        if "/dev/full" in redirection and not Path("/dev/full").exists():
            pytest.skip("a device of Linux")
        for image, code in ((photo, 0), (tmp_path / "none.png", 1)):
            done = subprocess.run(
                ["/bin/sh", "-c", f'"$@" {redirection}', "sh", *COMMAND, image, "--overwrite"],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                check=False,
            )
            assert done.returncode == code
        assert set(ALL) <= set(files(tmp_path))
        assert tifffile.imread(tmp_path / "coffee_labels.tif").max() == 5

    def test_help_tells_the_exit_codes(self):
        with start("--help") as process:
            shown, _ = process.communicate(timeout=60)
        assert "130 interrupted" in " ".join(shown.split())


class TestHostileFiles:
    """Small files that claim much are refused at once, and the error says what raises the limit."""

    def refused(self, path: Path, *options: object) -> str:
        started = time.monotonic()
        code, said = run(path, "-o", path.parent / "out", *options)
        assert time.monotonic() - started < 20
        assert code == 1
        [line] = said.splitlines()
        assert line.startswith(f"napari-kmeans-seg: {path}: ")
        return line

    def test_a_long_and_narrow_png_of_16_bits(self, tmp_path):
        path = tmp_path / "long.png"
        rows = zlib.compress(bytes(4_000_000 * 7), 9)
        path.write_bytes(_png(1, 4_000_000, rows))
        assert path.stat().st_size < 100_000
        assert "raise --max-pixels to 40,000,000,000" in self.refused(path)
        with pytest.raises(ValueError, match="side of 4,000,000"):
            check_size(path, 39_999_999_999)
        check_size(path, 40_000_000_000)

    @pytest.mark.parametrize("bigtiff", [False, True])
    def test_a_tiff_of_very_many_pages(self, tmp_path, bigtiff):
        path = tmp_path / "pages.tif"
        path.write_bytes(_pages(60_000, bigtiff=bigtiff))
        line = self.refused(path)
        assert "on 20,001 pages or more, and 2,000,000,000 are read" in line
        assert "--max-pixels raises that" in line
        check_size(path, 6_000_000_000)

    def test_pages_in_a_circle(self, tmp_path):
        path = tmp_path / "circle.tif"
        path.write_bytes(_pages(3, last=8))
        assert "its pages lead in a circle" in self.refused(path)

    @pytest.mark.parametrize("compression", [None, "zlib", "packbits"])
    def test_a_flipped_bit_that_claims_a_huge_tiff(self, tmp_path, coffee, compression):
        path = tmp_path / "huge.tif"
        tifffile.imwrite(path, coffee, photometric="rgb", compression=compression)
        check_size(path)
        with tifffile.TiffFile(path, mode="r+") as tiff:
            tiff.pages.first.tags["ImageLength"].overwrite(400 | 1 << 20)
        assert "claims 600 × 1,048,976 pixels, more than a file of" in self.refused(path)

    @pytest.mark.parametrize("kind", ["JPEG", "BMP"])
    def test_a_picture_that_claims_more_than_it_holds(self, tmp_path, coffee, kind):
        path = tmp_path / "huge.jpg"
        Image.fromarray(coffee).save(path, kind)
        content = bytearray(path.read_bytes())
        if kind == "JPEG":
            at = content.index(b"\xff\xc0") + 5
            content[at : at + 4] = struct.pack(">HH", 65_000, 65_000)
        else:
            content[18:26] = struct.pack("<ii", 65_000, 65_000)
        path.write_bytes(content)
        line = self.refused(path)
        assert "65,000 × 65,000" in line or "4,225,000,000 pixels" in line

    def test_max_pixels_is_a_limit_and_raises_it(self, tmp_path, photo):
        assert "has 15,000 pixels or more, and 14,999 are read" in self.refused(
            photo, "--max-pixels", 14_999
        )
        assert run(photo, "-o", tmp_path / "out", "--max-pixels", 15_000) == (0, "")
        tifffile.imwrite(tmp_path / "s.tif", np.zeros((3, 40, 50), np.uint16), imagej=True)
        with pytest.raises(ValueError, match=r"has 100,000 pixels or more, and 99,999"):
            check_size(tmp_path / "s.tif", 99_999)

    @pytest.mark.parametrize("options", [{"imagej": True}, {"bigtiff": True}, {"tile": (64, 64)}])
    @pytest.mark.parametrize("compression", [None, "zlib"])
    def test_files_of_all_kinds_pass(self, tmp_path, options, compression):
        path = tmp_path / "stack.tif"
        if "imagej" in options:
            compression = None
        stack = np.zeros((5, 128, 128), np.uint16)
        tifffile.imwrite(path, stack, compression=compression, **options)
        check_size(path)


def _be_no_superuser() -> None:
    """Give up what lets root read all files (Linux: CAP_DAC_OVERRIDE and _READ_SEARCH)."""
    if sys.platform == "linux" and os.geteuid() == 0:
        library = ctypes.CDLL(None)
        for capability in (1, 2):
            library.prctl(24, capability, 0, 0, 0)


def _png(width: int, height: int, body: bytes) -> bytes:
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)),
        (b"IDAT", body),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )  # fmt: skip


def _pages(n: int, *, last: int = 0, bigtiff: bool = False) -> bytes:
    """Write a TIFF of so many pages of one pixel, in as few bytes as that takes."""
    head, entry, word, first = ("<Q", "<HHQQ", "<Q", 16) if bigtiff else ("<H", "<HHII", "<I", 8)
    tags = [(256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 4)]
    tags += [(279, 4, 1, 1)]
    body = struct.pack(head, len(tags)) + b"".join(struct.pack(entry, *tag) for tag in tags)
    size = len(body) + struct.calcsize(word)
    offsets = [first + i * size for i in range(1, n)] + [last]
    start = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) if bigtiff else struct.pack("<2sHI", b"II", 42, 8)  # fmt: skip  # noqa: E501
    return start + b"".join(body + struct.pack(word, offset) for offset in offsets)

"""A disk that is full in the middle of a batch: what was finished stays, and `--resume` goes on."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import skimage.data
import tifffile

from .shell import COMMAND, POSIX, run

if TYPE_CHECKING:
    from pathlib import Path

MOST = 20_000
"""Bytes of a file that the limited process may write."""


@pytest.fixture
def slides(tmp_path: Path) -> Path:
    """Five slides, of which the third has results that are too large."""
    folder = tmp_path / "slides"
    folder.mkdir()
    tissue = skimage.data.immunohistochemistry()
    for i in range(5):
        part = tissue if i == 2 else tissue[80 * i : 80 * i + 60, ::4]
        tifffile.imwrite(folder / f"s{i}.tif", part, photometric="rgb")
    return folder


def limit() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, MOST))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@POSIX
@pytest.mark.parametrize("how", [(), ("--jobs", 2), ("--together",)])
def test_what_cannot_be_written_is_told_and_resumed(
    tmp_path: Path, slides: Path, how: tuple
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    command = ("segment", slides, "-k", 3, "-q", *how)
    assert run(*command, "-o", whole).returncode == 0
    done = run(*command, "-o", cut, preexec_fn=limit)
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if "s2" in line]
    assert len(told) == 1
    assert "File too large" in told[0]
    assert "Traceback" not in done.stderr
    assert {name[:2] for name in contents(cut) if name != "clusters.csv"} == {
        "s0", "s1", "s3", "s4"
    }  # fmt: skip
    assert all(contents(cut)[name] == contents(whole)[name] for name in contents(cut)
               if name != "clusters.csv")  # fmt: skip
    assert run(*command, "-o", cut, "--resume").returncode == 0
    assert contents(cut) == contents(whole)


@POSIX
def test_a_model_that_cannot_be_written_leaves_the_one_before(tmp_path: Path, slides: Path) -> None:
    model = tmp_path / "m.json"
    assert run("fit", slides, "-k", 3, "-q", "-o", model).returncode == 0
    before = model.read_bytes()

    def none() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    done = run("fit", slides, "-k", 4, "-o", model, "--overwrite", preexec_fn=none)
    assert done.returncode == 1
    assert "m.json cannot be written" in done.stderr
    assert model.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"slides", "m.json"}


SMALL_DISK = """
mount -t tmpfs -o size={size} none "{disk}" || exit 77
"$@"; echo $? > "{there}/code"
mount -o remount,size=100m "{disk}"
"$@" --resume; echo $? >> "{there}/code"
cp "{disk}"/out/* "{there}"
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="mounts of Linux")
def test_a_disk_that_is_really_full(tmp_path: Path, slides: Path) -> None:
    whole, disk, there = (tmp_path / name for name in ("whole", "disk", "there"))
    disk.mkdir()
    there.mkdir()
    assert run("segment", slides, "-k", 3, "-q", "-o", whole).returncode == 0
    size = sum(len(one) for name, one in contents(whole).items() if name[:2] in ("s0", "s1"))
    script = SMALL_DISK.format(size=size + 40_000, disk=disk, there=there)
    command = [*COMMAND, "segment", str(slides), "-k", "3", "-q", "-o", str(disk / "out")]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", *command],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip("this machine lets nobody mount a disk")
    first, second = (there / "code").read_text().split()
    (there / "code").unlink()
    assert (first, second) == ("1", "0"), done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(there) == contents(whole)

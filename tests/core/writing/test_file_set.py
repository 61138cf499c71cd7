"""A set of files is the old one or the new one, entire, whatever happens while it is written."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from napari_kmeans_seg.core.writing.file_set import recover, standing, write_together

if TYPE_CHECKING:
    from collections.abc import Callable

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="fork, signals and links of POSIX")


def writer(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text)


def write(folder: Path, text: str, **options) -> None:
    write_together({folder / name: writer(text) for name in ("a.tif", "a.csv")}, **options)


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


OLD, NEW = ({"a.csv": text, "a.tif": text} for text in ("old", "new"))


@POSIX
def test_whatever_interrupts_a_write_the_old_or_the_new_set_is_there(tmp_path):
    # In memory, where it can be had: the order of things is tested, not the disk.
    memory = Path("/dev/shm")
    folder = memory / f"{tmp_path.parent.name}-{os.getpid()}" if memory.is_dir() else tmp_path
    program = Path(__file__).with_name("interrupted_writes.py")
    try:
        done = subprocess.run(
            [sys.executable, program, folder, "--brief"],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["failures"] == []
    assert min(told["interrupted"][way] for way in ("killed", "without power", "failing")) > 100
    assert told["interrupted"]["signalled"] > 30


def test_all_files_appear_and_nothing_else(tmp_path):
    write(tmp_path, "new")
    assert texts(tmp_path) == NEW


def test_a_file_that_is_there_is_replaced_only_when_asked(tmp_path):
    write(tmp_path, "old")
    with pytest.raises(FileExistsError, match=r"a\.tif.*there already"):
        write(tmp_path, "new")
    assert texts(tmp_path) == OLD
    write(tmp_path, "new", overwrite=True)
    assert texts(tmp_path) == NEW


def test_one_that_cannot_be_written_leaves_all_as_they_were(tmp_path):
    write(tmp_path, "old")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        write_together(
            {tmp_path / "a.tif": writer("new"), tmp_path / "a.csv": fail}, overwrite=True
        )
    assert texts(tmp_path) == OLD


def test_a_file_that_was_changed_since_is_left_alone(tmp_path):
    write(tmp_path, "old")
    since = standing([tmp_path / "a.tif", tmp_path / "a.csv"])
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(OSError, match=r"a\.csv was written by another program since"):
        write(tmp_path, "new", overwrite=True, since=since)
    assert texts(tmp_path) == OLD | {"a.csv": "mine"}


def test_a_file_that_appears_at_the_last_moment_is_left_alone(tmp_path):
    def write_and_be_overtaken(path: Path) -> None:
        path.write_text("new")
        (tmp_path / "a.csv").write_text("mine")

    with pytest.raises(OSError, match=r"a\.csv was written by another program meanwhile"):
        write_together(
            {tmp_path / "a.tif": writer("new"), tmp_path / "a.csv": write_and_be_overtaken}
        )
    assert texts(tmp_path) == {"a.csv": "mine"}


@POSIX
def test_a_symbolic_link_stays_one(tmp_path):
    home, far = tmp_path / "home", tmp_path / "far"
    home.mkdir()
    far.mkdir()
    (far / "kept.tif").write_text("old")
    (far / "kept.tif").chmod(0o640)
    (home / "a.tif").symlink_to("../far/kept.tif")
    (home / "a.csv").symlink_to(far / "not yet.csv")
    write(home, "new", overwrite=True)
    assert (home / "a.tif").readlink() == Path("../far/kept.tif")
    assert texts(home) == NEW
    assert texts(far) == {"kept.tif": "new", "not yet.csv": "new"}
    assert stat.S_IMODE((far / "kept.tif").stat().st_mode) == 0o640


@POSIX
def test_what_is_no_file_is_not_replaced(tmp_path):
    (tmp_path / "a.tif").mkdir()
    with pytest.raises(IsADirectoryError, match=r"a\.tif is a folder"):
        write(tmp_path, "new", overwrite=True)
    (tmp_path / "a.tif").rmdir()
    os.mkfifo(tmp_path / "a.tif")
    with pytest.raises(OSError, match=r"a\.tif is no regular file"):
        write(tmp_path, "new", overwrite=True)
    (tmp_path / "a.tif").unlink()
    (tmp_path / "a.tif").symlink_to("a.tif")
    with pytest.raises(OSError, match="symbolic links"):
        write(tmp_path, "new", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


@POSIX
def test_two_names_of_one_file_are_refused(tmp_path):
    (tmp_path / "a.csv").symlink_to("a.tif")
    with pytest.raises(ValueError, match="one and the same file"):
        write(tmp_path, "new", overwrite=True)
    assert not (tmp_path / "a.tif").exists()


def test_who_comes_while_another_process_writes_is_told(tmp_path):
    (tmp_path / "a.tif").write_text("old")
    program = f"""
import sys
from pathlib import Path
from napari_kmeans_seg.core.writing.file_set import write_together
def write(path):
    print("writing", flush=True)
    sys.stdin.readline()
    path.write_text("theirs")
write_together({{Path({str(tmp_path)!r}) / "a.tif": write}}, overwrite=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        # What lives is not cleared away.
        assert recover(tmp_path) == ([], [])
        with pytest.raises(BlockingIOError, match="another process is writing these results"):
            write(tmp_path, "ours", overwrite=True)
        other.communicate("go on\n")
    assert other.returncode == 0
    assert texts(tmp_path) == {"a.tif": "theirs"}


KILLED = """
import os, signal, sys
from pathlib import Path
from napari_kmeans_seg.core.writing import file_exchange, file_set
real = file_exchange._forward
def die(pair):
    if pair.name == "a.csv":
        os.kill(os.getpid(), signal.SIGKILL)
    real(pair)
file_exchange._forward = die
write = lambda path: path.write_text("new")
folder = Path(sys.argv[1])
file_set.write_together({folder / "a.tif": write, folder / "a.csv": write}, overwrite=True)
"""


@pytest.fixture
def killed(tmp_path) -> Path:
    """A folder in which a process was killed after it had exchanged the first of two files."""
    write(tmp_path, "old")
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    assert done.returncode == -9
    assert (tmp_path / "a.tif").read_text() == "new"
    assert (tmp_path / "a.csv").read_text() == "old"
    return tmp_path


@POSIX
class TestAfterAKill:
    def test_the_next_write_finds_the_set_whole(self, killed):
        with pytest.raises(FileExistsError):
            write(killed, "newer")
        assert texts(killed) == NEW
        write(killed, "newer", overwrite=True)
        assert set(texts(killed).values()) == {"newer"}

    def test_recovering_tells_what_was_finished(self, killed):
        assert recover(killed) == (["a.tif, a.csv"], [])
        assert texts(killed) == NEW
        assert recover(killed) == ([], [])

    def test_a_table_that_was_changed_since_is_kept_with_the_set_it_belongs_to(self, killed):
        (killed / "a.csv").write_text("mine")
        assert recover(killed) == (["a.tif, a.csv"], [])
        assert texts(killed) == {"a.csv": "mine", "a.tif": "old"}

    def test_where_both_were_changed_nothing_is_touched_and_the_place_is_told(self, killed):
        for name in NEW:
            (killed / name).write_text("mine")
        finished, [problem] = recover(killed)
        assert finished == []
        assert "a.tif was changed by another program" in problem
        [work] = [path for path in killed.iterdir() if path.is_dir()]
        assert str(work) in problem
        assert (work / "old" / "a.tif").read_text() == "old"
        assert (work / "new" / "a.csv").read_text() == "new"
        assert all((killed / name).read_text() == "mine" for name in NEW)

    def test_a_journal_from_elsewhere_moves_no_file_of_another_folder(
        self, killed, tmp_path_factory
    ):
        [journal] = killed.glob(".napari-kmeans-seg-*/commit.json")
        other = tmp_path_factory.mktemp("other") / "precious"
        other.write_text("mine")
        told = journal.read_text()
        for name, target in (("../other", other), ("a.csv", other), ("/etc/x", other)):
            document = json.loads(told)
            document["files"][1] |= {"name": name, "target": str(target)}
            journal.write_text(json.dumps(document))
            _, [problem] = recover(killed)
            assert str(journal.parent) in problem
            assert other.read_text() == "mine"
            assert list(other.parent.iterdir()) == [other]

    def test_a_folder_that_is_a_link_is_left_alone(self, tmp_path):
        (tmp_path / "mine").mkdir()
        (tmp_path / f".napari-kmeans-seg-{'0' * 16}").symlink_to("mine")
        _, [problem] = recover(tmp_path)
        assert "is no folder of ours" in problem
        assert (tmp_path / "mine").is_dir()


def store(text: str) -> Callable[[Path], object]:
    def write_store(path: Path) -> None:
        (path / "0").mkdir(parents=True)
        (path / "0" / "chunk").write_text(text)
        (path / "meta").write_text(text)

    return write_store


def write_with_store(folder: Path, text: str, **options) -> None:
    writers = {folder / "a.zarr": store(text), folder / "a.csv": writer(text)}
    write_together(writers, folders=[folder / "a.zarr"], **options)


def all_texts(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


OLD_STORE, NEW_STORE = (
    dict.fromkeys(("a.csv", "a.zarr/0/chunk", "a.zarr/meta"), text) for text in ("old", "new")
)


def test_a_folder_of_a_set_is_replaced_whole_and_only_when_asked(tmp_path):
    write_with_store(tmp_path, "old")
    (tmp_path / "a.zarr" / "more").write_text("of others")
    with pytest.raises(FileExistsError, match=r"a\.zarr.*there already"):
        write_with_store(tmp_path, "new")
    assert all_texts(tmp_path) == OLD_STORE | {"a.zarr/more": "of others"}
    write_with_store(tmp_path, "new", overwrite=True)
    assert all_texts(tmp_path) == NEW_STORE


def test_a_folder_takes_the_place_of_no_file_and_a_file_of_no_folder(tmp_path):
    (tmp_path / "a.zarr").write_text("mine")
    with pytest.raises(NotADirectoryError, match=r"a\.zarr is no folder"):
        write_with_store(tmp_path, "new", overwrite=True)
    assert all_texts(tmp_path) == {"a.zarr": "mine"}


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("way", ["killed", "failing"])
@POSIX
def test_a_set_with_a_folder_is_the_old_or_the_new_one_wherever_it_is_interrupted(
    tmp_path, monkeypatch, old, way
):
    before = OLD_STORE if old else {}
    outcomes = set()
    for step in range(200):
        folder = tmp_path / str(step)
        folder.mkdir()
        if old:
            write_with_store(folder, "old")
        finished = _interrupted(folder, step, way, overwrite=old)
        if way == "killed":
            recover(folder)
        found = all_texts(folder)
        assert found in (before, NEW_STORE), step
        outcomes.add(found == NEW_STORE)
        if finished:
            break
    assert finished
    assert outcomes == {True, False}
    assert step > 3


def _interrupted(folder: Path, step: int, way: str, *, overwrite: bool) -> bool:
    """Write in another process, which comes to its end at a rename; whether it had so many."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    left = [step]

    def strike(event: str, _: object) -> None:
        if event in {"os.rename", "os.link"}:
            left[0] -= 1
            if left[0] == -1:
                if way == "killed":
                    os._exit(9)
                raise OSError("no more")

    sys.addaudithook(strike)
    try:
        write_with_store(folder, "new", overwrite=overwrite)
    except OSError:
        os._exit(1)
    # An error may be got over: where there are no links, files are moved.
    os._exit(0 if left[0] >= 0 else 3)


def test_files_in_folders_of_the_folder_are_exchanged_with_the_others(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    files = [tmp_path / "a.csv", tmp_path / "b" / "c" / "a.csv"]
    write_together({file: writer(file.parent.name) for file in files})
    assert [file.read_text() for file in files] == [tmp_path.name, "c"]
    with pytest.raises(FileExistsError, match=r"b.c.a\.csv: there already"):
        write_together({files[1].with_name("new"): writer("x"), files[1]: writer("x")})
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.csv", "a.csv", "b", "c"]
    with pytest.raises(ValueError, match="is not in the folder"):
        write_together({files[1]: writer("x"), files[0]: writer("x")}, overwrite=True)

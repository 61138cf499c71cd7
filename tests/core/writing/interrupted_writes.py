"""Interrupt the writing of a set of files at each of its steps, and see what is there afterwards.

A program, started by tests: each write runs in a child process that is made by fork and is killed,
or gets signals or errors, at a step of its own. Afterwards the folder must hold the old set or the
new one, entire, and nothing else: at once where the process lived on, else after the next run.
"""

from __future__ import annotations

import argparse
import errno
import itertools
import json
import math
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scenes import Scene, Steps, scenes

from napari_kmeans_seg.core.writing import file_exchange, file_set, held_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BRIEF = {"a part of a set", "links", "a part of a set in folders"}
OURS = {module.__file__ for module in (file_exchange, file_set, held_signals)}


def in_child(work: Callable[[], None]) -> int:
    """Run something in a process of its own; how it ended, as `os.waitpid` tells."""
    if pid := os.fork():
        return os.waitpid(pid, 0)[1]
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        work()
        code = 0
    except KeyboardInterrupt:
        code = 130
    except OSError:
        code = 3
    finally:
        os._exit(code)


def die_at(at: int) -> Callable[[int], None]:
    def act(n: int) -> None:
        if n == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def killed(scene: Scene, steps: Steps) -> Iterator[str]:
    """Kill at each step; the next run, or the one after it, finds what was left."""
    for at in itertools.count():
        scene.prepare()

        def work(at: int = at) -> None:
            steps.start(die_at(at))
            scene.write()

        if not in_child(work):
            return  # it has fewer steps
        yield told(scene, f"killed at step {at}")


def killed_twice(scene: Scene, steps: Steps) -> Iterator[str]:
    """Kill at each step, and the next run at each of its own."""
    for first in range(n_steps_of_write(scene, steps)):
        for second in itertools.count():
            scene.prepare()
            for at, work in ((first, scene.write), (second, lambda: file_set.recover(scene.home))):

                def cut(at: int = at, work: Callable[[], None] = work) -> None:
                    steps.start(die_at(at))
                    work()

                ended = in_child(cut)
            if ended == 0:
                break  # it has fewer steps
            yield told(scene, f"killed at step {first}, and the next run at {second}")


def without_power(scene: Scene, steps: Steps) -> Iterator[str]:
    """Kill at each step, and lose what had not been flushed to the disk."""
    for at in itertools.count():
        scene.prepare()
        kept = {path.stat().st_ino for path in scene.root.rglob("*") if path.is_file()}
        reading, writing = os.pipe()

        def work(at: int = at, writing: int = writing) -> None:
            def act(n: int) -> None:
                if n == at:
                    os.write(writing, json.dumps(sorted(steps.flushed)).encode())
                    os.kill(os.getpid(), signal.SIGKILL)

            steps.flushed.clear()
            steps.start(act)
            scene.write()

        ended = in_child(work)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            kept |= set(json.loads(pipe.read() or "[]"))
        if not ended:
            return
        for path in scene.root.rglob("*"):
            if path.is_file() and not path.is_symlink() and path.stat().st_ino not in kept:
                path.write_bytes(b"")
        yield told(scene, f"without power at step {at}")


def failing(scene: Scene, steps: Steps) -> Iterator[str]:
    """Let each step fail by itself, and then all steps from it on."""
    for at, last in (
        (at, last) for at in range(n_steps_of_write(scene, steps)) for last in (0, 9e9)
    ):
        scene.prepare()

        def work(at: int = at, last: float = last) -> None:
            def act(n: int) -> None:
                if at <= n <= at + last:
                    raise OSError(errno.EIO, "Input/output error")

            steps.start(act)
            scene.write()

        ended = os.waitstatus_to_exitcode(in_child(work))
        assert ended in {0, 3}, ended
        if ended == 0 and not scene.is_new():
            yield f"step {at} failed, and it was not told"
        if not last and (wrong := scene.wrong()) and not wrong.startswith("left behind"):
            yield f"failing at step {at} alone: {wrong}"
        yield told(scene, f"failing at step {at}, {last + 1:.0f} times")


def signalled(scene: Scene, steps: Steps, gaps: tuple[int, ...], every: int) -> Iterator[str]:
    """Send SIGINT before each line of our code, once or again so many lines later."""
    for at in itertools.count(0, every):
        for gap in gaps:
            scene.prepare()

            def work(at: int = at, gap: int = gap) -> None:
                n = 0

                def trace(frame: object, event: str, _: object) -> object:
                    nonlocal n
                    if frame.f_code.co_filename not in OURS:  # type: ignore[attr-defined]
                        return None
                    if event == "line":
                        n += 1
                        if n == at + 1 or (gap and n == at + 1 + gap):
                            signal.raise_signal(signal.SIGINT)
                    return trace

                try:
                    sys.settrace(trace)
                    try:
                        scene.write()
                    finally:
                        # Two signals may both be obeyed: the second on the way out.
                        sys.settrace(None)
                except KeyboardInterrupt:
                    os._exit(130)
                os._exit(0 if n > at else 7)

            ended = os.waitstatus_to_exitcode(in_child(work))
            if ended == 7:
                return  # it has fewer lines
            assert ended in {0, 130}, ended
            # At once, with no further run; a second signal may only cost a later clearing away.
            wrong = scene.wrong()
            if wrong and not (gap and wrong.startswith("left behind")):
                yield f"signalled at line {at} and {gap} later: {wrong}"
            yield told(scene, f"signalled at line {at} and {gap} later, then the next run")


def signalled_while_slow(scene: Scene, steps: Steps, every: int) -> Iterator[str]:
    """Send signals from outside, 30 ms apart, while each rename takes 20 ms."""
    for at in range(0, n_steps_of_write(scene, steps), every):
        scene.prepare()
        steps.slow = 0.02

        def work(at: int = at) -> None:
            me = os.getpid()
            if not os.fork():
                for _ in range(2):
                    time.sleep(0.03)
                    with suppress(ProcessLookupError):
                        os.kill(me, signal.SIGINT)
                os._exit(0)
            try:
                time.sleep(0.002 * at)
                steps.start(lambda _: None)
                scene.write()
                time.sleep(0.2)
            except KeyboardInterrupt:
                with suppress(KeyboardInterrupt):
                    time.sleep(0.1)
                raise

        in_child(work)
        steps.slow = 0.0
        yield told(scene, f"two signals while slow, from {at}")


def n_steps_of_write(scene: Scene, steps: Steps) -> int:
    """Count the steps of a write that nobody interrupts."""
    scene.prepare()
    reading, writing = os.pipe()

    def count() -> None:
        steps.start(lambda _: None)
        scene.write()
        os.write(writing, str(steps.n).encode())

    assert in_child(count) == 0
    os.close(writing)
    assert scene.is_new()
    assert not scene.wrong()
    with os.fdopen(reading) as pipe:
        return int(pipe.read())


def told(scene: Scene, what: str) -> str:
    """Let the next run look after what is there, and say what is wrong then."""
    _, problems = file_set.recover(scene.home)
    wrong = "; ".join(problems) or scene.wrong()
    return f"{what}: {wrong}" if wrong else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--brief", action="store_true", help="some kinds of folder, some lines")
    parser.add_argument("--seconds", type=float, default=math.inf, help="stop after this time")
    parser.add_argument("--seed", type=int, default=1, help="the order in which all is done")
    given = parser.parse_args()
    steps, counts, failures = Steps(), {}, []
    ends = time.monotonic() + given.seconds
    todo = list(itertools.product((True, False), scenes(given.folder / "scene").items()))
    if given.brief:
        todo = [(links, scene) for links, scene in todo if links and scene[0] in BRIEF]
    # Each in turn: what goes by time sees something of all.
    turns = [
        (f"over {name}, hard links {links}", way, links, outcomes)
        for links, (name, scene) in todo
        for way, outcomes in ways(scene, steps, brief=given.brief).items()
    ]
    random.Random(given.seed).shuffle(turns)
    while turns and time.monotonic() < ends:
        over, way, links, outcomes = turns.pop(0)
        steps.have_hard_links(links)
        for n, outcome in enumerate(outcomes, 1):
            counts[way] = counts.get(way, 0) + 1
            if outcome:
                failures.append(f"{over}: {outcome}")
            if n == 20 or time.monotonic() > ends:
                turns.append((over, way, links, outcomes))
                break
    print(json.dumps({"interrupted": counts, "failures": failures}))  # noqa: T201


def ways(scene: Scene, steps: Steps, *, brief: bool) -> dict[str, Iterator[str]]:
    """All that is done to the writing of a set, and what comes of it each time."""
    if brief:
        return {
            "killed": killed(scene, steps),
            "without power": without_power(scene, steps),
            "failing": failing(scene, steps),
            "signalled": signalled(scene, steps, (0, 3), 40),
            "signalled while slow": signalled_while_slow(scene, steps, 30),
        }
    return {
        "killed": killed(scene, steps),
        "killed twice": killed_twice(scene, steps),
        "without power": without_power(scene, steps),
        "failing": failing(scene, steps),
        "signalled": signalled(scene, steps, (0, 1, 3, 10), 3),
        "signalled while slow": signalled_while_slow(scene, steps, 2),
    }


if __name__ == "__main__":
    main()

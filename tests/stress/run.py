"""Run every stress test for some minutes, and tell what each has counted.

    python tests/stress/run.py --minutes 10

Not part of the ordinary tests. The seed is told, so that a failure can be had again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def screen(program: Path) -> list[str]:
    """What gives a program that opens a window a screen of its own, where there is none."""
    if program.stem not in {"walk", "scripts", "memory"} or sys.platform != "linux":
        return []
    if any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        return []
    return ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24"]


def main() -> int:
    """Run all; 1 if any has found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="for each")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    by_time = [f"--seconds={60 * given.minutes}", f"--seed={given.seed}"]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:

        def folder_of(name: str) -> str:
            (place := Path(folder, name)).mkdir()
            return str(place)

        for program, arguments in (
            (HERE.parent / "core/writing/interrupted_writes.py", [folder, *by_time]),
            (HERE.parent / "cli/killed_batches.py", [folder_of("batches"), *by_time]),
            (HERE / "processes_in_a_folder.py", by_time),
            (HERE / "mutated_metadata.py", by_time),
            (HERE / "mutated_models.py", by_time),
            (HERE / "forks.py", by_time),
            (HERE / "dask_faults.py", by_time),
            (HERE / "walk.py", by_time),
            (HERE / "walk.py", ["--preview", *by_time]),
            (HERE / "memory.py", by_time),
            (HERE / "scripts.py", ["--states=1000000", *by_time]),
        ):
            done = subprocess.run(
                [*screen(program), sys.executable, program, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
                check=False,
            )
            try:
                told = json.loads(done.stdout)
            except ValueError:
                told = {"failures": [f"ended with {done.returncode} and told nothing"]}
            failures = told.pop("failures")
            what = " ".join([program.stem, *(x for x in arguments if x == "--preview")])
            failed += len(failures)
            print(f"{what}: {json.dumps(told)}, {len(failures)} failures", flush=True)
            for failure in failures[:20]:
                print(f"  {failure}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

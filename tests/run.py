"""Run the tests; on Linux without a screen, under a virtual one.

    python tests/run.py                   all tests
    python tests/run.py --cov             all tests, with coverage, which takes a quarter longer
    python tests/run.py tests/core -x     any arguments of pytest

The widget is tested in a real napari window, so a screen is needed. Where there
is none, a virtual one (Xvfb) with software OpenGL serves. On Debian and its kin
what is missing for it is installed if root runs this; else the line to type is
printed and nothing runs: the window's tests are never left out in silence.

On virtual screens all tests run in as many processes as there are cores, each on
a screen of its own: one mouse and one focus for two windows would mix. On a real
screen, and where the arguments choose the tests, one process runs them.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Xvfb, Mesa's software OpenGL, and the libraries that Qt's xcb platform plugin
# loads.
DEBIAN_PACKAGES = [
    "xvfb",
    "libgl1",
    "libegl1",
    "libopengl0",
    "libglx-mesa0",
    "libgl1-mesa-dri",
    "libxkbcommon-x11-0",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-image0",
    "libxcb-keysyms1",
    "libxcb-randr0",
    "libxcb-render-util0",
    "libxcb-shape0",
    "libxcb-xinerama0",
    "libdbus-1-3",
]


def main(arguments: list[str]) -> int:
    """Run pytest with these arguments, and say how it ended."""
    options = arguments
    if not needs_virtual_screen():
        options = ["--no-xvfb", *options]  # a screen that is there is used
    else:
        provide_virtual_screen()
        print("No screen here: running under Xvfb.", flush=True)
        if all(one.startswith("--cov") for one in arguments):
            options = [*side_by_side(), *options]
    command = [sys.executable, "-m", "pytest", *options]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def side_by_side() -> list[str]:
    """Ask pytest for a process per core; each holds more than a gigabyte, so not too many."""
    processes = min(len(os.sched_getaffinity(0)), 4)
    # Who is done first takes over half of what the other still has before it: in runs of
    # neighbours, which share what is costly to set up.
    return [f"--numprocesses={processes}", "--dist=worksteal"]


def needs_virtual_screen() -> bool:
    """Whether this is a Linux with no screen to open a window on."""
    has_screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform.startswith("linux") and not has_screen


def provide_virtual_screen() -> None:
    """See that all that a virtual screen needs is there; install it where we may."""
    missing = missing_packages(DEBIAN_PACKAGES)
    if not missing:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(
            "The tests open a real napari window, and this machine has no screen and lacks what a\n"
            f"virtual one needs. Type this, then run the tests again:\n\n    {as_root(install)}\n"
        )
    print("No screen here, installing a virtual one:", *missing, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], install):
        if subprocess.run(command, env=environment, check=False).returncode:
            sys.exit(f"Installing a virtual screen failed at: {shlex.join(command)}")


def missing_packages(packages: list[str]) -> list[str]:
    """Say which of these Debian packages are not installed."""
    if not shutil.which("dpkg-query"):  # not Debian: all we can look for is the program
        return [] if shutil.which("Xvfb") else packages
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages]
    reply = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    installed = {line.split()[0] for line in reply.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def as_root(install: list[str]) -> str:
    """Spell the line that a person without root types."""
    return f"sudo apt-get update && sudo {shlex.join(install)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

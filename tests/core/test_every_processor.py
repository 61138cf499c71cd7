"""The same call and seed give the same bits on every processor, and however the pixels come.

NumPy and OpenBLAS choose their inner loops by what the processor can do, and these add up in
other orders; the package's threads are as many as there are cores. Programs that see less of
this machine stand for other machines.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import pytest

from . import every_result
from .every_result import CALLS, CURVES, Call, pixels_of, scored, segmented

AT_ONCE = 2
"""Programs at a time: each has threads of its own."""


class Machine(NamedTuple):
    """What a program gets to see."""

    threads: int = 2
    vectors: str = "all"
    kernel: str = ""

    def environment(self) -> dict[str, str]:
        threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), str(self.threads))
        given = {**os.environ, **threads}
        if hidden := hidden_features(self.vectors):
            given["NPY_DISABLE_CPU_FEATURES"] = " ".join(hidden)
        if self.kernel:
            given["OPENBLAS_CORETYPE"] = self.kernel
        return given


MACHINES = {
    "as it is": Machine(),
    "one thread, no vectors of 512 bits": Machine(threads=1, vectors="up to 256 bits"),
    "eight threads, only the vectors that NumPy takes for granted": Machine(8, "baseline"),
    "OpenBLAS for Haswell": Machine(kernel="Haswell"),
    "OpenBLAS for Skylake-X": Machine(kernel="SkylakeX"),
    "OpenBLAS for Prescott": Machine(kernel="Prescott"),
}

OTHERS = [name for name in MACHINES if name != "as it is"]


@cache
def here() -> dict[str, Any]:
    return every_result.surroundings()


def hidden_features(vectors: str) -> list[str]:
    """Return what of the loops that NumPy chooses from, and has here, is to be hidden."""
    chosen = [name for name in here()["dispatched"] if name in here()["features"]]
    if vectors == "all":
        return []
    if vectors == "baseline":
        return chosen
    return [name for name in chosen if name.startswith(("AVX512", "X86_V4"))]


def unlike_this(machine: Machine) -> str:
    """Return why this machine cannot stand for another; empty where it can."""
    if machine.kernel:
        if platform.machine().lower() not in {"x86_64", "amd64"} or not here()["kernels"]:
            return "its OpenBLAS, if it has one, has no such kernels"
        needed = {"Haswell": "AVX2", "SkylakeX": "AVX512F"}.get(machine.kernel, "SSE3")
        if needed not in here()["features"]:
            return f"this processor has no {needed}"
    return ""


def run(machine: Machine) -> dict[str, Any]:
    program = [sys.executable, every_result.__file__, str(machine.threads)]
    done = subprocess.run(
        program, env=machine.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    """What a program on each machine found."""
    able = {name: machine for name, machine in MACHINES.items() if not unlike_this(machine)}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(able, pool.map(run, able.values()), strict=True))


def differences(one: dict[str, str], other: dict[str, str], call: object) -> list[str]:
    """Name what is not the same bits."""
    return [
        f"{call}: {what} {other[what]}, not {one[what]}" for what in one if other[what] != one[what]
    ]


def assert_none(wrong: list[str]) -> None:
    assert not wrong, "\n".join(["not the same bits:", *wrong])


@pytest.mark.parametrize("name", OTHERS)
def test_every_machine_finds_the_same_bits(name: str, found: dict[str, Any]) -> None:
    if reason := unlike_this(MACHINES[name]):
        pytest.skip(reason)
    here, there = found["as it is"]["results"], found[name]["results"]
    assert there.keys() == here.keys()
    assert_none([one for call in here for one in differences(here[call], there[call], call)])


@pytest.mark.parametrize("name", MACHINES)
def test_a_program_sees_the_machine_that_is_set(name: str, found: dict[str, Any]) -> None:
    if reason := unlike_this(MACHINES[name]):
        pytest.skip(reason)
    machine, told = MACHINES[name], found[name]
    assert told["threads"] == machine.threads
    assert set(told["features"]).isdisjoint(hidden_features(machine.vectors))
    if machine.kernel:
        # OpenBLAS calls its kernels for Prescott by the name of an older processor.
        assert told["kernels"] == [{"Prescott": "Katmai"}.get(machine.kernel, machine.kernel)]


# --- However the pixels come -----------------------------------------------------------


def as_rows(call: Call) -> tuple[Any, dict[str, Any], Any]:
    """Return the pixels in another order, ``(n, n_channels)``, the arguments, where each is now."""
    image, args = pixels_of(call)
    n_channels = 1 if args["channel_axis"] is None else image.shape[-1]
    rows = image.reshape(-1, n_channels)
    order = np.random.default_rng(2).permutation(len(rows))
    if "mask" in args:
        args["mask"] = args["mask"].reshape(-1)[order]
    return rows[order], {**args, "channel_axis": -1}, np.argsort(order)


@pytest.mark.parametrize("call", [call for call in CALLS if not call.placed], ids=str)
def test_pixels_in_another_order_get_the_same_bits(call: Call, found: dict[str, Any]) -> None:
    rows, args, where = as_rows(call)
    straight = found["as it is"]["results"][str(call)]
    assert_none(differences(straight, segmented(rows, call.n_clusters, args, where), call))


@pytest.mark.parametrize("call", CURVES, ids=str)
def test_so_does_choose_k(call: Call, found: dict[str, Any]) -> None:
    rows, args, _ = as_rows(call)
    straight = found["as it is"]["results"][f"choose_k of {call}"]
    assert_none(differences(straight, scored(rows, call.n_clusters, args), call))


def in_chunks(image: Any) -> da.Array:
    """Cut an image into chunks of several sizes, none that a power of two divides."""
    return da.from_array(image, chunks=(131, 97, *image.shape[2:]))


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_chunks_get_the_bits_of_the_array_in_memory(call: Call, found: dict[str, Any]) -> None:
    image, args = pixels_of(call)
    straight = found["as it is"]["results"][str(call)]
    assert_none(differences(straight, segmented(in_chunks(image), call.n_clusters, args), call))


@pytest.mark.parametrize("call", CURVES, ids=str)
def test_choose_k_of_chunks_does_so_too(call: Call, found: dict[str, Any]) -> None:
    image, args = pixels_of(call)
    straight = found["as it is"]["results"][f"choose_k of {call}"]
    assert_none(differences(straight, scored(in_chunks(image), call.n_clusters, args), call))

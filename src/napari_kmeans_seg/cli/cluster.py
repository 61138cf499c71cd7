"""A Dask cluster that the command line works on: reached in time, and of the same versions."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

import typer

from .output import reason, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WAIT = 10
"""Seconds in which a scheduler has to answer, and a worker to be there."""

SCHEDULER = typer.Option(
    "--scheduler",
    metavar="ADDRESS",
    help="Work on a Dask cluster whose scheduler listens here, such as tcp://host:8786: on several "
    "images at once, as many as its workers have threads. They read and write the files, by the "
    "same paths.",
)

PACKAGES = ("napari_kmeans_seg", "dask", "distributed")


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Give a client of a cluster, or None where none is asked for; end where it cannot be."""
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        refuse('--scheduler takes Dask distributed: pip install "napari-kmeans-seg[distributed]"')
    client = _in_time(lambda: Client(address, timeout=WAIT), address)  # type: ignore[no-untyped-call]
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT)
        except TimeoutError:
            refuse(f"--scheduler {address} has no worker. Start some: dask worker {address}")
        found: Any = client.get_versions(packages=list(PACKAGES))
        if wrong := differences(found):
            refuse(f"--scheduler {address}: {wrong}. Install the same versions everywhere")
        yield client


def _in_time(connect: Callable[[], Any], address: str) -> Any:
    """Connect, or end where that takes too long: what listens there may be no scheduler."""
    found: list[Any] = []

    def attempt() -> None:
        with warnings.catch_warnings():
            # Of versions, which are reported later.
            warnings.simplefilter("ignore")
            try:
                found.append(connect())
            except Exception as problem:  # noqa: BLE001 - of whatever kind, it is reported
                found.append(problem)

    thread = Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(WAIT + 1)
    if not found or isinstance(found[0], Exception):
        why = f": {reason(found[0])}" if found else ""
        refuse(f"--scheduler {address} did not answer within {WAIT} seconds{why}")
    return found[0]


def differences(found: dict[str, Any]) -> str:
    """Say which versions of a cluster are others than here, or nothing.

    Parameters
    ----------
    found : dict
        As `distributed.Client.get_versions` gives it.
    """
    here = _versions(found["client"])
    for name, there in {"its scheduler": found["scheduler"], **found["workers"]}.items():
        others = _versions(there)
        for package, version in here.items():
            # A scheduler only passes work on.
            if package == "napari_kmeans_seg" and name == "its scheduler":
                continue
            if others[package] != version:
                who = name if name == "its scheduler" else f"its worker {name}"
                what = package.replace("_", "-")
                got = others[package]
                has = f"has no {what}" if got is None else f"has {what} {got}"
                return f"{who} {has}, and here is {version}"
    return ""


def _versions(found: dict[str, Any]) -> dict[str, Any]:
    packages, python = found["packages"], found["host"]["python"]
    versions = {name: packages.get(name) for name in PACKAGES}
    # What is sent is read by the same minor version.
    return {"python": ".".join(python.split(".")[:2]), **versions}


def on_cluster(
    work: Callable[[Any], Any], inputs: Sequence[Any], client: Any
) -> Iterator[Any | Exception]:
    """Do work on each input by the workers of a cluster; gives what comes of it in order.

    Yields
    ------
    object
        What the work returned, or an error where workers died, or the cluster is gone.
    """
    futures = client.map(work, list(inputs), pure=False)
    try:
        for future in futures:
            try:
                yield future.result()
            except Exception as problem:  # noqa: BLE001 - the work raises nothing: it is the cluster's
                yield problem
    finally:
        # When interrupted.
        if client.status == "running":
            client.cancel(futures)

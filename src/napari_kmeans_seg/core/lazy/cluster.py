"""Wait for a Dask cluster so that the work can be stopped, and say in words what happened to it."""

import time
from collections.abc import Callable
from typing import Any

from .limits import Limits


class LeftError(BaseException):
    """The caller wants no result any more. Not an error of what is computed.

    Parameters
    ----------
    why : BaseException
        What the caller has raised.
    """

    def __init__(self, why: BaseException) -> None:
        super().__init__(why)
        self.why = why


class ClusterError(OSError):
    """A Dask cluster has failed, not a chunk of the image."""


def client_of(schedule: object) -> Any:
    """Give the client of `distributed` that a scheduler function belongs to, or None."""
    client = getattr(schedule, "__self__", None)
    return client if hasattr(client, "scheduler_info") else None


def wait_for(client: Any, look: Callable[[], object], graph: Any, keys: Any, **options: Any) -> Any:
    """Compute on a cluster, as `client.get` does.

    Parameters
    ----------
    client : distributed.Client
        Whose workers compute.
    look : callable
        Is called ten times a second; an exception that it raises cancels the computation.
    graph, keys, options
        What to compute, as schedulers of Dask take it.

    Raises
    ------
    ClusterError
        If the computation was cancelled, or there are no workers, or no scheduler any more.
    LeftError
        By what `look` raised.
    """
    from distributed import wait
    from distributed.scheduler import KilledWorker

    futures: list[Any] = []
    seen, last = False, time.monotonic()
    patience = Limits.now().seconds_without_workers
    try:
        futures = client.get(graph, keys, sync=False, **options)
        while True:
            try:
                wait(futures, timeout=0.1)  # type: ignore[no-untyped-call]
            except TimeoutError:
                pass
            else:
                break
            try:
                look()
            except BaseException as error:
                raise LeftError(error) from error
            if client.scheduler_info().get("workers"):
                seen, last = True, time.monotonic()
            elif seen and time.monotonic() > last + patience:
                raise ClusterError(
                    "image could not be read: all workers of the Dask cluster are gone. Start "
                    "some, and run again."
                )
        return client.gather(futures)
    except KilledWorker as error:
        raise ClusterError(
            f"image could not be read: workers of the Dask cluster died over it, as they do that "
            f"have too little memory. Smaller chunks may help. ({error})"
        ) from error
    except Exception as error:
        if client.status not in ("running", "connecting"):
            raise ClusterError(
                "image could not be read: the Dask client was closed, or its scheduler is gone. "
                "Connect anew, and run again."
            ) from error
        if "Cancelled" in type(error).__name__:
            raise ClusterError(
                "image was not read: its computation was cancelled on the Dask cluster."
            ) from error
        raise
    finally:
        # What is done already is not undone by it.
        if client.status == "running":
            client.cancel(futures)

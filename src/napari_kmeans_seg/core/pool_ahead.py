"""Image files of a pool, read by the workers of a Dask cluster where one is at hand."""

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from .pool_reader import PoolReader, Summarize
from .pool_sources import Part, Summary, absolute, is_file, named


@dataclass(frozen=True, eq=False)
class Given:
    """An image as it was given, and what reads it."""

    number: int
    image: Any
    mask: Any
    summarize: Summarize


def in_advance(images: Iterable[tuple[Any, Any]], reader: PoolReader) -> Iterator[Given]:
    """Give the images; on a cluster some files are read before they are asked for.

    Parameters
    ----------
    images : iterable
        Images and masks.
    reader : PoolReader
        Which knows, from the first image on, how they are read.
    """
    client = _client()
    waiting: deque[Given] = deque()
    for number, (image, mask) in enumerate(images):
        summarize: Summarize = Part.summary
        if client is not None and reader.form is not None and is_file(image):
            part = Part(named(number, image)[0], absolute(image), mask)
            keep = reader.holds()
            future = client.submit(Part.summary, part, reader.how, keep=keep, pure=False)
            summarize = partial(_result, future)
        waiting.append(Given(number, image, mask, summarize))
        n_ahead = 0 if client is None else 2 * sum(client.nthreads().values())
        while len(waiting) > n_ahead or (reader.form is None and waiting):
            yield waiting.popleft()
    yield from waiting


def _client() -> Any:
    """Return the client of the active Dask cluster, or None."""
    distributed: Any = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


def _result(future: Any, *_: Any, **__: Any) -> Summary:
    try:
        found: Summary = future.result()
    except (OSError, ValueError, TypeError):
        raise
    except Exception as error:
        raise OSError(f"the Dask cluster could not read it: {error}") from error
    return found

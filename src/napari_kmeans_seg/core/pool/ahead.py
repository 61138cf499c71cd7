"""Image files of a pool, read by the workers of a Dask cluster where one is at hand."""

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .reader import PoolReader, Summarize
from .sources import Part, Summary, is_file, named, parts_of


@dataclass(frozen=True, eq=False)
class Given:
    """An image as it was given, and what reads it; its parts where they were asked for."""

    number: int
    image: Any
    mask: Any
    summarize: Summarize
    parts: list[Part] | None = None


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
        given = Given(number, image, mask, Part.summary)
        if client is not None and reader.form is not None and is_file(image):
            given = _submitted(given, reader, client)
        waiting.append(given)
        n_ahead = 0 if client is None else 2 * sum(client.nthreads().values())
        while len(waiting) > n_ahead or (reader.form is None and waiting):
            yield waiting.popleft()
    yield from waiting


def _submitted(given: Given, reader: PoolReader, client: Any) -> Given:
    """Have the workers read the parts of an image file; an error is reported in its turn."""
    name = named(given.number, given.image)[0]
    try:
        parts = list(parts_of(name, given.image, given.mask, reader.how))
    except (OSError, ValueError, TypeError):
        return given
    assert reader.form is not None
    # Of what is read chunk by chunk it is known before how much it is.
    n_values = sum(one.image.size for one in parts if one.is_chunk)
    keep = reader.holds(n_values // reader.form.n_channels)
    submit = partial(client.submit, Part.summary, how=reader.how, keep=keep, pure=False)
    futures = deque(submit(one) for one in parts)
    return replace(given, summarize=partial(_result, futures), parts=parts)


def _client() -> Any:
    """Return the client of the active Dask cluster, or None."""
    distributed: Any = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


def _result(futures: deque[Any], *_: Any, **__: Any) -> Summary:
    try:
        found: Summary = futures.popleft().result()
    except (OSError, ValueError, TypeError):
        raise
    except Exception as error:
        raise OSError(f"the Dask cluster could not read it: {error}") from error
    return found

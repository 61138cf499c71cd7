"""Whether what an array is read from is still there: what is lost is read as if it were 0."""

import mmap
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .array_checks import is_lazy

Progress = Callable[[float, str], object]


def is_there(array: Any) -> bool:
    """Whether the Zarr stores that an array was opened from still have it.

    What a store has lost is read as fill values without complaint, so somebody must ask.
    """
    if is_lazy(array):
        return all(is_there(source) for source in sources_of(array))
    store, path = getattr(array, "store", None), getattr(array, "path", None)
    # Whoever has such an array has loaded the library it is from, which we do not depend on.
    library: Any = sys.modules.get(type(array).__module__.partition(".")[0])
    if store is None or path is None or not hasattr(library, "open_array"):
        return True
    try:
        library.open_array(store=store, path=path, mode="r")
    except (OSError, KeyError, ValueError):
        return False
    return True


def sources_of(array: Any) -> list[Any]:
    """Find what a Dask array reads from, in its graph."""
    sources: list[Any] = []
    for layer in getattr(array.__dask_graph__(), "layers", {}).values():
        if indices := getattr(layer, "indices", None):
            sources += [source for source, _ in indices]
        elif len(mapping := getattr(layer, "mapping", {})) == 1:
            sources += mapping.values()
    return [source for source in sources if not isinstance(source, str) and not is_lazy(source)]


def check_there(image: Any) -> None:
    """Raise OSError if an image was read from a Zarr store that is gone."""
    if not is_there(image):
        raise OSError(
            "image is read from a store that is gone, or has lost it, so that its values are not "
            "known. See whether it can be reached, and open it again."
        )


def check_all(sources: Iterable[Any]) -> None:
    """Do so for all that a Dask array reads from."""
    for source in sources:
        check_there(source)


def is_constant(block: np.ndarray[Any, Any]) -> bool:
    """Whether all values are the same, as those are that a store fills in."""
    if not block.size:
        return False
    first = block.flat[0]
    return bool(np.all(block == first) or (first != first and np.all(block != block)))


def check_mapped(image: Any) -> None:
    """Raise OSError if the file is too short by now that an array in memory is mapped from.

    To read where it ended would end the process.
    """
    base = image
    while isinstance(base, np.ndarray):
        offset, base = getattr(base, "offset", 0), base.base
    if not isinstance(base, mmap.mmap):
        return
    # A mapping begins at a page.
    needed = offset - offset % mmap.ALLOCATIONGRANULARITY + len(base)
    if base.size() < needed:
        raise OSError(
            f"image is mapped from a file that has shrunk: it needs {needed:,} bytes, and has "
            f"{base.size():,}. Open it again."
        )


def watched(image: Any, progress: Progress | None) -> Progress | None:
    """Have progress stop the work once the file that an image is mapped from shrinks.

    It is looked at between two pieces of work: one that shrinks within these milliseconds can
    still end the process.
    """
    base = image
    while isinstance(base, np.ndarray):
        base = base.base
    if not isinstance(base, mmap.mmap):
        return progress

    def look(fraction: float, stage: str) -> None:
        if progress is not None:
            progress(fraction, stage)
        check_mapped(image)

    check_mapped(image)
    return look

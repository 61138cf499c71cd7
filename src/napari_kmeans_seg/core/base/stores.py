"""Whether what an array is read from is still there: what is lost is read as if it were 0."""

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from .array_checks import is_lazy


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

"""Images as `pool` takes them, each with its mask."""

from collections.abc import Iterable, Iterator
from os import PathLike
from typing import Any

from numpy.typing import ArrayLike

from ..opening import images_in

Images = Iterable[ArrayLike | str | PathLike[str]]


def with_masks(
    images: Images, masks: Iterable[ArrayLike | None] | None
) -> Iterator[tuple[Any, ArrayLike | None]]:
    """Give each image and its mask, one after the other; of a plate each of its images."""
    takes = "several images, such as a list of arrays or of paths"
    if isinstance(images, str | PathLike) or not isinstance(images, Iterable):
        raise TypeError(f"images takes {takes}; got {images!r} ({type(images).__name__}).")
    if (shape := getattr(images, "shape", None)) is not None:
        raise TypeError(
            f"images takes {takes}; got one array of shape {shape}. [image] is one image, and "
            "list(images) the slices of a stack."
        )
    images = (one for image in images for one in _images_in(image))
    if masks is None:
        yield from ((image, None) for image in images)
        return
    if isinstance(masks, str) or not isinstance(masks, Iterable):
        raise TypeError(f"masks takes one mask or None for each image; got {masks!r}.")
    rest, end = iter(masks), object()
    for i, image in enumerate(images):
        mask = next(rest, end)
        if mask is end:
            raise ValueError(f"masks takes one mask for each image; got {i}, and more images.")
        yield image, mask  # type: ignore[misc]
    if next(rest, end) is not end:
        raise ValueError("masks takes one mask for each image; got more masks than images.")


def _images_in(image: Any) -> list[Any]:
    return images_in(image) if isinstance(image, str | PathLike) else [image]

"""What the clusters of a result are of, and whether that is still as it was."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ..outputs.edit_watch import linked_to
from ..outputs.made_of import has_other_pixels, marks_of
from ..outputs.record import Record
from ..source.layer_image import LayerImage
from ..source.region import Region
from ..source.seeds import Seeds
from .points import OTHER_PIXELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from napari.layers import Image, Labels, Layer

    from napari_kmeans_seg.core.base.parallel import Progress

    from ..base.same import Changed


def sources_of(layers: Iterable[Layer], result: Labels) -> list[Image]:
    """Find the images that were segmented; none where one is gone."""
    # Of several the ids are joined, and of a part there is a note behind them.
    ids = linked_to(result)[0].partition(":")[0].split("+")
    there = {str(layer.unique_id): layer for layer in layers}
    found = [there[one] for one in ids if one in there]
    return found if len(found) == len(ids) else []


def marked_by(layers: Iterable[Layer], result: Labels) -> dict[Changed, Layer]:
    """Find the layers of the region and of the seeds of a result, where they are still there."""
    there = {str(layer.unique_id): layer for layer in layers}
    ids = {what: layer_id for what, (layer_id, _) in marks_of(result).items()}
    return {what: there[one] for what, one in ids.items() if one in there}


def source_image_of(result: Labels, sources: Sequence[Image]) -> LayerImage | None:
    """Read what was segmented: an image, or several as channels, or a part of it.

    Raises
    ------
    ValueError
        If layers do not match any more, or have got other pixels since.
    """
    if not sources:
        return None
    check_pixels(result, sources)
    source = Record.of_result(result).source
    whole = LayerImage.of(*sources, channel_axis=source.channels_along)
    return whole if source.plane is None else replace(whole, plane=source.plane)


def check_pixels(result: Labels, sources: Iterable[Image]) -> None:
    """Refuse images that have other pixels than those of a result.

    Raises
    ------
    ValueError
        If they have.
    """
    if has_other_pixels(result, sources):
        raise ValueError(OTHER_PIXELS)


def looking(
    layers: Iterable[Layer], result: Labels
) -> Callable[[Progress | None], tuple[Changed, ...]]:
    """Prepare to look at the pixels of the images, and at what is drawn as region and seeds.

    Gives the work, for any thread, which returns what of region and seeds is another one by now.
    """
    layers = list(layers)
    sources, drawn, before = sources_of(layers, result), marked_by(layers, result), marks_of(result)
    source = Record.of_result(result).source
    now: dict[Changed, Region | Seeds] = {}
    try:
        image = LayerImage.of(*sources, channel_axis=source.channels_along) if sources else None
    except ValueError:  # they do not match any more: so they have other pixels
        image = None
    if "region" in drawn:
        labels = source.region.labels if source.region else ()
        with suppress(ValueError):  # nothing is drawn any more
            now["region"] = Region.of(drawn["region"], labels)
    if "seeds" in drawn:
        now["seeds"] = Seeds.of(drawn["seeds"])

    def work(progress: Progress | None = None) -> tuple[Changed, ...]:
        if image is None:
            return ()
        image.look(progress)
        return tuple(what for what in drawn if _drawn_on(image, what, now) != before[what])

    return work


def _drawn_on(
    image: LayerImage, what: Changed, marks: Mapping[Changed, Region | Seeds]
) -> tuple[str, str] | None:
    """Give the id of a layer of marks and what is drawn on it; None where that is nothing."""
    if what not in marks:
        return None
    try:
        return replace(image, **{what: marks[what]}).marks[what]  # type: ignore[arg-type]
    except ValueError:  # it has more axes than the image by now
        return None

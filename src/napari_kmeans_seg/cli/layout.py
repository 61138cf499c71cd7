"""Where the results of each image go: all into one folder, or laid out as the images are."""

from __future__ import annotations

import os
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from .output import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..files.base.paths import ResultPaths


def folders_of(images: Sequence[Path], *, into_source: bool) -> dict[Path, Path]:
    """Return for each image the folder of its results, relative to that of all.

    That is the folder of all itself, unless results of two images would have one name. Then it is,
    for every image, its own folder below the one that all of them have in common.
    """
    from ..files.result_paths import result_paths

    paths = [result_paths(image, Path(), into_source=into_source) for image in images]
    if next(of_two(images, paths), None) is None:
        return dict.fromkeys(images, Path())
    homes = [_home_of(image).parts for image in images]
    n = sum(1 for _ in takewhile(lambda level: len({*level}) == 1, zip(*homes, strict=False)))
    return {image: Path(*home[n:]) for image, home in zip(images, homes, strict=True)}


def of_two(
    images: Sequence[Path], paths: Sequence[ResultPaths]
) -> Iterator[tuple[Path, Path, Path]]:
    """Name results that two images, or fields of two plates, would write, with both."""
    from ..files.ngff.plates import store_of

    owners: dict[str, tuple[Path, Path | None]] = {}
    for image, results in zip(images, paths, strict=True):
        for result, whose in ((results.clusters, image), (results.plate, store_of(image))):
            if result is None:
                continue
            # Some file systems do not tell a.png and A.png apart.
            other, owner = owners.setdefault(str(result).casefold(), (image, whose))
            if owner != whose:
                yield other, image, result


def places_of(folders: Mapping[Path, Path], output: Path) -> dict[Path, Path]:
    """Return for each image where its results go, or end where that is not safe."""
    from ..files.result_paths import writable_name

    places = {
        image: output.joinpath(*map(writable_name, folder.parts))
        for image, folder in folders.items()
    }
    inside = os.path.realpath(output)
    homes = {os.path.realpath(_home_of(image)): _home_of(image) for image in places}
    for place in dict.fromkeys(places.values()):
        end = os.path.realpath(place)
        if not Path(end).is_relative_to(inside):
            refuse(f"{place} leads out of the folder -o {output}; choose another folder with -o")
        if place != output and end in homes:
            refuse(
                f"images of one name have results in folders named as theirs, and {place} is one "
                "of their own; choose another folder with -o"
            )
    return places


def _home_of(image: Path) -> Path:
    """Name the folder that an image, or the store that it lies in, is in; links stay in names."""
    from ..files.ngff.plates import place_of

    place = place_of(image)
    return Path(os.path.abspath(image if place is None else place.store)).parent  # noqa: PTH100 (without ..)

"""How image files are read, as options say: which channels, which of several, which pixels."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .inputs import found
from .layout import folders_of
from .output import reason_for, refuse, say
from .plan import refuse_twice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ..core.cluster_colors import Colors
    from ..files.input_file import InputFile
    from ..files.part import Limits

    Channels = tuple[tuple[str, str], ...]
    """What channels are called, and by what in its name a file is one."""

STEM = "{stem}"
"""Stands in --mask for what an image is called."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the files of a command are read.

    Attributes
    ----------
    axis, series, limits, max_pixels
        As for `InputFile`; what is one mask for all images is a limit.
    mask
        Where the mask of each image is, as it was typed; None where they have none of their own.
    channels
        Which of several files is which channel of one image; empty where each is an image.
    of_each
        What there is more to say of an image, once these are known: its channels, mask, problem.
    """

    axis: Any
    series: int | None
    limits: Limits
    max_pixels: int
    mask: Path | None = None
    channels: Channels = ()
    of_each: Mapping[Path, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, image: Path) -> InputFile:
        """Return an image as a file that is opened to be read."""
        from ..files.input_file import InputFile

        how = {"axis": self.axis, "series": self.series, "max_pixels": self.max_pixels}
        return InputFile(image, **how, limits=self.limits, **self.of_each.get(image, {}))

    def read_by(self, image: Path) -> tuple[Path, ...]:
        """Name the files that are read for an image."""
        return self.of(image).files

    def of_images(
        self, given: Sequence[Path], listed: Path | None, *, recursive: bool, output: Path | None,
        quiet: bool, absolute: bool = False,
    ) -> tuple[Reading, list[Path]]:  # fmt: skip
        """Name the images that files, folders and patterns lead to, with their masks and channels.

        The arguments are those of `found`; `absolute` gives all of them by their full paths. An
        image of several files is called what these have in common.
        """
        images = found(given, listed, recursive=recursive, output=output)
        mask = self.mask
        if absolute:
            images = [image.absolute() for image in images]
            mask = mask if mask is None or STEM in str(mask) else mask.absolute()
        more: dict[Path, dict[str, Any]] = {}
        others: list[Path] = []
        are_masks: set[str] = set()
        if self.channels:
            refuse_twice(images)
            more, others = _images_of(images, self.channels)
            images = list(more)
        if mask is not None:
            refuse_twice(images)
            masks = _masks_of(images, mask)
            are_masks = {os.path.realpath(one["mask"]) for one in masks.values() if "mask" in one}
            images = [image for image in images if os.path.realpath(image) not in are_masks]
            if not images:
                refuse(f"--mask {mask}: each image that was found is the mask of one")
            for image in images:
                more[image] = masks[image] | more.get(image, {})
        others = [file for file in others if os.path.realpath(file) not in are_masks]
        if others and not quiet:
            rest = "" if len(others) == 1 else f" and {len(others) - 1} more"
            words = ", ".join(word for _, word in self.channels)
            say(f"warning: {others[0]}{rest} left out: none of {words} stands in the name")
        return replace(self, of_each=more), images


def reading_of(
    channel_axis: Any,
    series: int | None,
    limits: tuple[Any, float | None, float | None],
    mask: Path | None,
    channels: Channels | None,
    max_pixels: int,
) -> Reading:
    """Gather how files are read; `limits` are values of no data, the least and the largest."""
    if channels and channel_axis != "auto":
        refuse("--channels takes no --channel-axis: each file is a channel")
    one, each = (None, mask) if mask is not None and _is_of_each(mask) else (mask, None)
    return Reading(
        axis=channel_axis,
        series=series,
        limits=_limits(*limits, one, max_pixels),
        max_pixels=max_pixels,
        mask=each,
        channels=channels or (),
    )


def _is_of_each(mask: Path) -> bool:
    """Whether there is a mask for each image: a pattern, or a folder of them."""
    from ..files.ngff.groups import is_store

    return STEM in str(mask) or (mask.is_dir() and not is_store(mask))


def _limits(
    no_data: Any, low: float | None, high: float | None, mask: Path | None, max_pixels: int
) -> Limits:
    from ..files.limits import check_size
    from ..files.part import Limits, read_mask

    if low is not None and high is not None and low > high:
        refuse(f"--min {low} is above --max {high}")
    if mask is None:
        return Limits(no_data or (), low, high)
    try:
        check_size(mask, max_pixels)
        return Limits(no_data or (), low, high, read_mask(mask))
    except (OSError, ValueError) as problem:
        refuse(f"--mask {reason_for(mask, problem)}")


def refuse_few(colors: Colors | None, n_clusters: int) -> None:
    """End where a list has not a colour for each cluster."""
    if isinstance(colors, tuple) and len(colors) != n_clusters:
        refuse(f"--colors takes one for each of the {n_clusters} clusters; got {len(colors)}")


def _masks_of(images: Sequence[Path], where: Path) -> dict[Path, dict[str, Any]]:
    """Find the mask of each image, or say why there is none."""
    from ..files.ngff.plates import store_of
    from ..files.result_paths import stem_of

    if STEM in str(where):
        return {
            image: {
                "mask": (store_of(image) or image).parent
                / str(where).replace(STEM, stem_of(image)[0])
            }
            for image in images
        }
    # Masks of images of one name lie as their results would.
    folders = folders_of(images, into_source=False)
    there: dict[Path, dict[str, list[Path]]] = {}
    for folder in {*folders.values()}:
        there[folder] = {}
        place = where / folder
        for mask in sorted(place.iterdir()) if place.is_dir() else ():
            if not mask.name.startswith("."):
                there[folder].setdefault(stem_of(mask)[0], []).append(mask)
    masks: dict[Path, dict[str, Any]] = {}
    for image, folder in folders.items():
        stem = stem_of(image)[0]
        named = there[folder].get(stem, [])
        if len(named) == 1:
            masks[image] = {"mask": named[0]}
            continue
        got = f"has {', '.join(one.name for one in named)}" if named else "has none"
        masks[image] = {
            "problem": f"--mask {where / folder} takes one mask of each image, called {stem}.* "
            f"here; it {got}"
        }
    return masks


def _images_of(
    files: Sequence[Path], channels: Channels
) -> tuple[dict[Path, dict[str, Any]], list[Path]]:
    """Put files together that differ in the channel alone; return the others, too."""
    images: dict[Path, dict[str, list[Path]]] = {}
    others = []
    more_of: dict[Path, dict[str, Any]] = {}
    for file in files:
        image, name = next(_in_name(file, channels), (file, None))
        if name is not None:
            images.setdefault(image, {}).setdefault(name, []).append(file)
        elif os.path.lexists(file):
            others.append(file)
        else:
            more_of[file] = {"problem": "there is no such file"}
    if not images and not more_of:
        words = ", ".join(word for _, word in channels)
        refuse(f"--channels takes files that have one of {words} in their names; got none")
    for image, found_of in images.items():
        problems = [f"--channels finds no file of {name}, with {word} in its name"
                    for name, word in channels if name not in found_of]  # fmt: skip
        problems += [
            f"--channels finds {' and '.join(one.name for one in several)} for {name}"
            for name, several in found_of.items()
            if len(several) > 1
        ]
        if problems:
            more_of[image] = {"problem": problems[0]}
        else:
            more_of[image] = {"channels": tuple((name, found_of[name][0]) for name, _ in channels)}
    return more_of, others


def _in_name(file: Path, channels: Channels) -> Iterator[tuple[Path, str]]:
    """Give the image that a file is a channel of, and which; the longest word first."""
    from ..files.result_paths import stem_of

    stem, suffix = stem_of(file)
    for name, word in sorted(channels, key=lambda one: -len(one[1])):
        # w1 stands in w1, and not in w12.
        whole = re.escape(word) + (r"(?!\d)" if word[-1].isdigit() else "")
        at = re.search((r"(?<!\d)" if word[0].isdigit() else "") + whole, stem)
        if at is None:
            continue
        rest = (
            f"{stem[: at.start()]}{stem[at.end() :]}".strip("_-. ") or file.absolute().parent.name
        )
        is_tiff = suffix.lower().rpartition(".")[2] in {"tif", "tiff"}
        yield file.with_name(rest + (suffix if is_tiff else ".tif")), name

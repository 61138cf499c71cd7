"""What is worth knowing about a result, as numbers: what texts and scripts of it go by."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, kw_only=True)
class Note:
    """What is worth knowing about a result, or about one step of it.

    Attributes
    ----------
    step : int or None
        The step of an axis that it is about; None for the whole.
    """

    step: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the kind and the numbers."""
        fields = {key: one for key, one in asdict(self).items() if one is not None}
        return {"kind": type(self).__name__, **fields}


@dataclass(frozen=True, kw_only=True)
class NotFinite(Note):
    """Pixels were left out because they are not finite: `n` of them."""

    n: int


@dataclass(frozen=True, kw_only=True)
class FewValues(Note):
    """There were fewer distinct values than clusters were asked for: `found` of them."""

    found: int


@dataclass(frozen=True, kw_only=True)
class WithoutPixels(Note):
    """Clusters were left out because no pixel belongs to them: `left_out` of `found`."""

    left_out: int
    found: int


@dataclass(frozen=True, kw_only=True)
class BlankSteps(Note):
    """Steps had no pixel that takes part: `steps` names them."""

    steps: str


@dataclass(frozen=True, kw_only=True)
class FittedOn(Note):
    """Clusters were found on a part or a copy of the image.

    Attributes
    ----------
    part : str
        Of what, e.g. "level 1 of the pyramid (200 × 300 pixels)".
    level : int or None
        The level of a pyramid.
    sample : bool
        Whether it is a sample of the pixels.
    """

    part: str
    level: int | None = None
    sample: bool = False


@dataclass(frozen=True, kw_only=True)
class Plain(Note):
    """Anything else, in words."""

    text: str


_KINDS = {
    one.__name__: one for one in (NotFinite, FewValues, WithoutPixels, BlankSteps, FittedOn, Plain)
}


def from_json(fields: Mapping[str, Any]) -> Note:
    """Read what `Note.to_json` wrote; of a kind that is not known, what there is of it."""
    kind = _KINDS.get(fields["kind"], Plain)
    if kind is Plain:
        return Plain(text=str(fields.get("text", fields["kind"])), step=fields.get("step"))
    return kind(**{key: one for key, one in fields.items() if key != "kind"})


def read_warnings(warnings: Iterable[str]) -> tuple[Note, ...]:
    """Read the warnings of a segmentation, which are all that records of schema 1 kept.

    The only place where sentences are read that were written for people.
    """
    return tuple(_read(warning) for warning in warnings)


def _read(warning: str) -> Note:
    step, text = None, warning
    if found := re.match(r"Step (\d+): ", warning):
        step, text = int(found[1]), warning[found.end() :]
    if found := re.search(r"it got ([\d,]+) cluster", text):
        return FewValues(found=_number(found[1]), step=step)
    if found := re.search(r"([\d,]+) of ([\d,]+) clusters had no pixels", text):
        return WithoutPixels(left_out=_number(found[1]), found=_number(found[2]), step=step)
    if found := re.search(r"([\d,]+) pixels? (?:is|are) NaN or infinite", text):
        return NotFinite(n=_number(found[1]), step=step)
    if found := re.match(r"Steps? ([\d, and to]+) ha(?:s|ve) no pixel that takes part", text):
        return BlankSteps(steps=found[1])
    if text.startswith("Fitted on "):
        part = text.removeprefix("Fitted on ").split(";")[0].rstrip(".")
        level = re.match(r"level (\d+) of the pyramid", part)
        return FittedOn(
            part=part,
            level=int(level[1]) if level else None,
            sample=part.startswith("a sample"),
            step=step,
        )
    return Plain(text=text, step=step)


def _number(text: str) -> int:
    return int(text.replace(",", ""))

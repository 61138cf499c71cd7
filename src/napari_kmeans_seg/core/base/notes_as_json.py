"""Notes as JSON holds them, in the record of a result."""

from collections.abc import Mapping
from dataclasses import fields
from inspect import isabstract
from typing import Any

from . import notes, notes_on_kind
from .note import Note
from .notes import Plain

_KINDS = {
    name: one
    for module in (notes, notes_on_kind)
    for name, one in vars(module).items()
    if isinstance(one, type) and issubclass(one, Note) and not isabstract(one)
}


def to_json(note: Note) -> dict[str, Any]:
    """Give the kind and the numbers of a note, as JSON holds them."""
    values = {one.name: _listed(getattr(note, one.name)) for one in fields(note)}
    given = {name: value for name, value in values.items() if value is not None}
    return {"kind": type(note).__name__, **given}


def from_json(written: Mapping[str, Any], text: str = "") -> Note:
    """Read what `to_json` wrote.

    Parameters
    ----------
    written : mapping
        The kind and the numbers.
    text : str
        What the note said in words: all that is left of a kind that this version does not know.
    """
    values = {name: _tupled(value) for name, value in written.items() if name != "kind"}
    try:
        return _KINDS[written["kind"]](**values)
    except (KeyError, TypeError):
        return Plain(text=text or str(written.get("text", written.get("kind", ""))))


def _listed(value: Any) -> Any:
    return [_listed(one) for one in value] if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(one) for one in value) if isinstance(value, list) else value

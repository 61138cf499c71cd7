"""What is done already: results say of which input and by which work they were made."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from ..files.base.paths import ResultPaths
    from ..files.input_file import InputFile
    from .reading import Reading

KEY = "made_of"
"""Where the parameters in a labels file say it."""


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of what a file holds, or a store but for its labels."""
    if path.is_dir():
        from ..files.ngff.groups import files_of

        of_all = hashlib.sha256()
        for file in files_of(path):
            of_all.update(f"{file.relative_to(path).as_posix()} {digest_of_file(file)}".encode())
        return of_all.hexdigest()
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def digest_of_work(work: dict[str, Any], reading: Reading) -> str:
    """Return the SHA-256 of all that makes results, but for the image: model, options, version."""
    from .. import __version__

    limits = reading.limits
    said = {
        "version": __version__,
        "work": work,
        "axis": reading.axis,
        "series": reading.series,
        "limits": limits.to_json(),
        "mask": limits.mask and hashlib.sha256(limits.mask.inside.tobytes()).hexdigest(),
        "channels": reading.channels,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def made_of(image: InputFile, work: str) -> dict[str, str] | None:
    """Say, for the results of an image, of which bytes and by which work they are made.

    None where there is no such file.
    """
    if image.problem or not all(file.is_file() or file.is_dir() for file in image.files):
        return None
    digests = [digest_of_file(file) for file in image.files]
    if len(digests) > 1:
        # Its channels, its mask.
        of_all = f"{'with a mask' if image.mask else ''} {digests}"
        digests = [hashlib.sha256(of_all.encode()).hexdigest()]
    return {"input": digests[0], "work": work}


def is_done(image: InputFile, results: ResultPaths, work: str) -> bool:
    """Whether all results of an image are there, made of it as it is and by this work.

    A field of a plate is named among its results, if the run that wrote it was cut off before.
    """
    from ..files.ngff.plate_results import name_in_plate
    from ..files.results import read_note

    if not all(file.exists() for file in results):
        return False
    try:
        said = read_note(results.labels).get(KEY)
        if not (isinstance(said, dict) and said == made_of(image, work)):
            return False
        if results.plate is not None:
            name_in_plate(image.path, results.plate)
    except OSError:
        return False
    return True

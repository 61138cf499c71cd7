"""What can be read of results: texts, scripts, records, tables, pixels. Kept as files.

What depends on the engine (iterations, inertia; of blurred images nearly all numbers) is left out.
``python -m tests.layers.golden_files`` writes the files anew.
"""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg import __version__
from napari_kmeans_seg.layers import METADATA_KEY
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.python_script import python_script

from .golden_results import RUNS, VAGUE, WORK

if TYPE_CHECKING:
    from napari.layers import Labels

    from .golden_results import Result

FOLDER = Path(__file__).parent / "golden"
NAMES = [*RUNS, *VAGUE, *WORK]


def told_of(result: Result, *, vague: bool = False) -> dict[str, Any]:
    """Read all that a result tells."""
    clusters = result.clusters
    layer = clusters.layer
    # The model is tested where it is saved.
    without = ("link", "model")
    record = {key: one for key, one in layer.metadata[METADATA_KEY].items() if key not in without}
    if "edits" in record:
        record["edits"] = [
            {key: one for key, one in edit.items() if key != "model"} for edit in record["edits"]
        ]
    told: dict[str, Any] = {
        "methods": _sentences(_plain(methods_text(layer))),
        "script": _script(layer),
        "undo": clusters.undoable,
        "redo": clusters.redoable,
    }
    told |= {f"record: {key}": one for key, one in _rounded(record, vague=vague).items()}
    if vague:
        return told
    told["table"] = [
        " | ".join(map(str, row))
        for row in [[*layer.features], *_rounded(layer.features.to_numpy(object).tolist())]
    ]
    told["labels"] = _pixels(layer)
    told["colours"] = {
        str(label): " ".join(f"{part:.3f}" for part in one)
        for label, one in clusters.colors.of_each(clusters.labels).items()
    }
    told["opacity"] = layer.opacity
    told["others"] = {one.name: _pixels(one) for one in result.others}
    told["others have the record"] = [
        {**one.metadata[METADATA_KEY], "link": 0} == {**layer.metadata[METADATA_KEY], "link": 0}
        for one in result.others
    ]
    return told


def _script(layer: Labels) -> list[str]:
    try:
        return _plain(python_script(layer)).splitlines()
    except ValueError as error:
        return [f"ValueError: {error}"]


def _sentences(text: str) -> list[str]:
    text, _, cited = text.partition(" [Lloyd")
    return [*re.split(r"(?<=\.) (?=[A-Z])", text), *([f"[Lloyd{cited}"] if cited else [])]


def _plain(text: str) -> str:
    """Take out what changes with the version and the engine."""
    text = text.replace(__version__, "VERSION")
    return re.sub(r"\b\d+ iterations?\b", "N iterations", text)


def _rounded(value: Any, *, vague: bool = False) -> Any:
    """Leave out what depends on the engine, and the last digits of what does not."""
    if isinstance(value, dict):
        out = {"version", "inertia", "n_iter", *(("centroids", "counts") if vague else ())}
        return {k: "" if k in out else _rounded(v, vague=vague) for k, v in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [_rounded(one, vague=vague) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else str(value)
    return value.item() if isinstance(value, np.generic) else value


def _pixels(layer: Any) -> list[str]:
    found = []
    for level in layer.data if layer.multiscale else [layer.data]:
        array = np.asarray(level)
        same = np.round(array, 4).astype("<f4") if array.dtype.kind == "f" else array
        crc = zlib.crc32(np.ascontiguousarray(same).tobytes())
        found.append(f"{array.dtype} {array.shape} {crc:08x}")
    return found


def stages_of(name: str) -> dict[str, Any]:
    """Make a result anew, and read at each of its stages what has changed."""
    if name in VAGUE:
        return {"run": told_of(VAGUE[name](), vague=True)}
    if name in RUNS:
        return {"run": told_of(RUNS[name]())}
    start, work = WORK[name]
    result = RUNS[start]()
    before, found = told_of(result), {}
    for stage in work(result):
        now = told_of(result)
        found[stage] = {what: one for what, one in now.items() if before.get(what, ...) != one}
        found[stage] |= {what: "gone" for what in before if what not in now}
        before = now
    return found


def path_of(name: str) -> Path:
    return FOLDER / f"{name.replace(' ', '_')}.json"


def write() -> None:
    """Write all files anew."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name in NAMES:
        text = json.dumps(stages_of(name), indent=1, ensure_ascii=False)
        # Short lists in one line.
        text = re.sub(r"[\[{]\s+[^\[\]{}]*?\s+[\]}]", _in_one_line, text)
        text = re.sub(r"\[\s+[^\"{}]*?\s+\](?=,?\n)", _in_one_line, text)
        path_of(name).write_text(text + "\n", encoding="utf-8")


def _in_one_line(found: re.Match[str]) -> str:
    short = re.sub(r"(?<=[\[{]) | (?=[\]}])", "", re.sub(r"\n\s*", " ", found[0]))
    return short if len(short) < 90 else found[0]


if __name__ == "__main__":
    write()

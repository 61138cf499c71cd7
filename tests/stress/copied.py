"""What was copied of a result, against what is shown of it: the script and the methods text.

The scripts are run in a process of its own, each in a namespace and a folder of its own::

    python tests/stress/copied.py  # waits for lines of JSON
"""

from __future__ import annotations

import ast
import json
import os
import re
import select
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 120
"""Seconds that a script may take."""

BY_HAND = "relabelled by hand"
SAMPLED = "took a sample"
CHANGED = {
    "pixels": "The image has other pixels by now.",
    "region": "The region is another one by now.",
    "seeds": "The seeds are others by now.",
}


@dataclass(eq=False)
class Asked:
    """What a person asked for when a result was made, and has done to it since.

    Attributes
    ----------
    sources : list of (layer, levels)
        The images that were clustered, and copies of their pixels as they were.
    options : dict
        The arguments of `segment`, as they stood in the dock.
    region, region_name, region_data
        The layer of the region, its name, and a copy of its labels; None where there is none.
    seeds : str or None
        The name of the layer of seeds.
    words : dict
        What else stood in the dock.
    edits : list of str
        Sentences of the methods text on what was done to the clusters.
    undone : list of str
        Those that were taken back.
    strokes : list of array
        The labels before each stroke of the brush that changed some.
    arrays : list of array, or of list of array
        What the layers of the images showed; of a pyramid all levels.
    drawn : dict
        By "region" and "seeds" the layer, and a copy of what was drawn on it.
    """

    sources: list[tuple[Any, list[np.ndarray]]]
    options: dict[str, Any]
    region: Any = None
    region_name: str | None = None
    region_data: np.ndarray | None = None
    seeds: str | None = None
    words: dict[str, Any] = field(default_factory=dict)
    edits: list[str | None] = field(default_factory=list)
    undone: list[str | None] = field(default_factory=list)
    strokes: list[np.ndarray] = field(default_factory=list)
    arrays: list[Any] = field(default_factory=list)
    drawn: dict[str, tuple[Any, list[Any]]] = field(default_factory=dict)

    def changed(self, there: list[Any]) -> dict[str, bool]:
        """Say of pixels, region and seeds that are still there whether they are others by now."""
        if not all(layer in there for layer, _ in self.sources):
            return {}
        found = {"pixels": self._has_other_pixels}
        if found["pixels"]:
            return found
        for what, (layer, before) in self.drawn.items():
            if layer in there:
                found[what] = not _alike(
                    self._counting(what, before), self._counting(what, drawn_on(layer))
                )
        return found

    def _counting(self, what: str, drawn: list[Any]) -> list[Any]:
        """Of labels that are a region only that counts which are chosen."""
        if what != "region" or self.region_data is None:
            return drawn
        chosen = [int(label) for label in self.words["region labels"].split()]
        return [np.isin(drawn[0], chosen) if chosen else drawn[0] != 0]

    @property
    def _has_other_pixels(self) -> bool:
        """Whether an image shows another array by now, or other pixels in it."""
        for (layer, levels), data in zip(self.sources, self.arrays, strict=True):
            now, then = (layer.data[0], data[0]) if layer.multiscale else (layer.data, data)
            if now is not then:
                return True
            if isinstance(now, np.ndarray) and not _alike([now], levels[:1]):
                return True
        return False


def drawn_of(**layers: Any) -> dict[str, tuple[Any, list[Any]]]:
    """Copy what is drawn on the layers that there are."""
    return {what: (one, drawn_on(one)) for what, one in layers.items() if one is not None}


def drawn_on(layer: Any) -> list[Any]:
    """Copy what is drawn on a layer of labels, shapes or points."""
    if isinstance(layer.data, list):
        return [*map(np.array, layer.data), list(layer.shape_type)]
    return [np.array(layer.data)]


def _alike(some: list[Any], others: list[Any]) -> bool:
    """Whether all arrays are the same, NaN included, of whatever dtype."""
    return len(some) == len(others) and all(
        one == other if isinstance(one, list) else np.array_equal(one, other, equal_nan=True)
        for one, other in zip(some, others, strict=True)
    )


class Scripts:
    """A process that runs one script after another.

    Parameters
    ----------
    folder : Path
        Where scripts find their files and leave their labels.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.n = folder, 0
        self._process: subprocess.Popen[str] | None = None

    def run(self, script: str, asked: Asked) -> np.ndarray:
        """Give the labels that a script gives."""
        self.n += 1
        folder = self.folder / str(self.n)
        folder.mkdir()
        for name, array in wanted_files(script, asked):
            save(folder / name, array)
        (folder / "script.py").write_text(script, encoding="utf-8", errors="surrogatepass")
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                encoding="utf-8",
            )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(str(folder))}\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        told = self._process.stdout.readline() if ready else ""
        if not told:
            self.close()
            raise RuntimeError("the script does not end, or its process did")
        if error := json.loads(told):
            raise RuntimeError(error)
        return np.load(folder / "labels.npy")

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


def serve() -> None:
    """Run the script of each folder that is named."""
    import traceback

    import napari_kmeans_seg.layers
    import napari_kmeans_seg.layers.export.python_script  # noqa: F401

    out, sys.stdout = sys.stdout, sys.stderr
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        folder, error = json.loads(line), ""
        os.chdir(folder)
        try:
            space: dict[str, Any] = {"__name__": "__main__"}
            exec(compile(Path("script.py").read_bytes(), "script.py", "exec"), space)
            np.save("labels.npy", space["labels"])
        except BaseException:  # noqa: BLE001
            error = traceback.format_exc(limit=-4)
        out.write(f"{json.dumps(error)}\n")
        out.flush()


def save(path: Path, array: np.ndarray) -> None:
    """Save an image as napari does."""
    from napari.utils.io import imsave

    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        imsave(str(path), array)


def constants(script: str) -> dict[str, Any]:
    """Read the plain values that a script assigns."""
    found = {}
    for node in ast.parse(script).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                try:
                    found[name] = ast.literal_eval(value)
                except ValueError:
                    continue
    return found


def wanted_files(script: str, asked: Asked) -> Iterator[tuple[str, np.ndarray]]:
    """Say which files a script reads that a person has to save, and of what."""
    for node in ast.parse(script).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        what = node.targets[0].id
        reads = [
            one.args[0].value
            for one in ast.walk(node.value)
            if isinstance(one, ast.Call)
            and isinstance(one.func, ast.Name)
            and one.func.id in ("imread", "from_zarr")
        ]
        names = [name for name in reads if not Path(name).is_absolute()]
        if "mask" in what and names:
            assert asked.region_data is not None
            yield names[0], asked.region_data
        elif names:
            level = int(re.findall(r"_level(\d+)\.tif$", names[0])[0]) if what == "small" else 0
            for name, (_, levels) in zip(names, asked.sources, strict=True):
                yield name, levels[level]


# -- faults -----------------------------------------------------------------------------


def faults(
    asked: Asked, clusters: Any, script: str, text: str, scripts: Scripts, there: list[Any]
) -> list[str]:
    """Say in what a copied script and methods text differ from what is shown.

    Parameters
    ----------
    asked : Asked
        How the result came to be.
    clusters : Clusters
        The result.
    script, text : str
        What was copied.
    scripts : Scripts
        Runs the script.
    there : list of layer
        The layers of the viewer.
    """
    found = [*_of_text(asked, text, clusters)]
    head = script[: re.search(r"^(from|import) ", script, re.MULTILINE).start()]  # type: ignore[union-attr]
    labels = clusters.layer.data
    shown = np.asarray(labels[0] if clusters.layer.multiscale else labels)
    try:
        given = scripts.run(script, asked)
    except (RuntimeError, AssertionError, ValueError) as error:
        return [*found, f"the script fails: {error}"]
    if given.shape != shown.shape:
        found.append(f"the script gives {given.shape}, shown are {shown.shape}")
    else:
        if given.dtype != shown.dtype:
            found.append(f"the script gives {given.dtype}, shown are {shown.dtype}")
        n = int((given != shown).sum())
        if n and BY_HAND not in head and SAMPLED not in head:
            found.append(f"{n} of {shown.size} labels differ, and nothing at the top says why")
    if BY_HAND in head and not asked.strokes:
        found.append("the script owns up to paint where nobody has painted")
    if asked.strokes and BY_HAND not in head and not np.array_equal(given, shown):
        found.append("the script does not own up to paint at its top")
    for what, is_other in asked.changed(there).items():
        for name, first in (("script", head), ("methods text", text.partition("Pixels were")[0])):
            if is_other and CHANGED[what] not in first:
                found.append(f"the {name} does not say that {what} were changed")
            if not is_other and CHANGED[what] in first:
                found.append(f"the {name} says that {what} were changed, which is not so")
    plain = constants(script)
    sources = [layer for layer, _ in asked.sources]
    if "layer_name" in plain and all(layer in there for layer in sources):
        names = [layer.name for layer in sources]
        named = plain["layer_name"]
        if (named if isinstance(named, list) else [named]) != names:
            found.append(f"the script calls {names} {named}")
    if "region_name" in plain and plain["region_name"] != asked.region_name:
        found.append(f"the script calls the region {plain['region_name']}")
    table = clusters.table
    both = zip(table["label"].tolist(), table["name"].tolist(), strict=True)
    names_given = {n: name for n, name in both if name not in ("", f"Cluster {n}")}
    if plain.get("names", {}) != names_given:
        found.append(f"names are {names_given}, the script has {plain.get('names', {})}")
    return found


def _of_text(asked: Asked, text: str, clusters: Any) -> Iterator[str]:
    """Compare the methods text with what was asked for."""
    options, words = asked.options, asked.words
    fixed = bool(asked.seeds and words["fixed"])
    optimal = "optimal" in text.partition("with napari-kmeans-seg")[0]
    notes = {type(note).__name__ for note in clusters.record.notes}
    if not asked.seeds and not notes & {"FewValues", "WithoutPixels"}:
        k = options["n_clusters"]
        yield from _missing(text, f"into {k} cluster{'s' if k != 1 else ''} by k-means")
    drawn = not optimal and not asked.seeds
    said = {
        f"seed {options['seed']},": drawn,
        f"best of {options['n_init']} starts": drawn and options["n_init"] > 1,
        f"in {words['space']} space": words["rgb"],
        f"channel weights {words['weights']}": set(words["weights"] or [1]) != {1},
        f"position weight {options['spatial_weight']:g}": options["spatial_weight"] > 0,
        f"sigma {options['smoothing']:g}": options["smoothing"] > 0,
        "scaled to equal spread": words["normalize"],
        f"tolerance {options['tol']:g}": drawn,
        f"“{asked.region_name}”": asked.region_name is not None,
        f"“{asked.seeds}”": asked.seeds is not None,
        f"fewer than {words['specks']} pixels": words["specks"] > 0,
        "all pixels were labelled": bool(asked.region_name and words["everywhere"]),
        "was clustered by itself": isinstance(words["scope"], int),
        "Only the ": words["scope"] == "plane",
        "were left out": bool(words["left_out"]),
        "relabelled by hand": bool(asked.strokes),
    }
    for phrase, is_so in said.items():
        if is_so:
            # Fixed seeds know no iterations, and so no tolerance.
            if not (fixed and phrase.startswith("tolerance")):
                yield from _missing(text, phrase)
        elif phrase in text and not _may_be_said(phrase):
            yield f"the methods text says “{phrase}”, which is not so: {text}"
    place = 0
    for sentence in filter(None, asked.edits):
        place = text.find(sentence, place) + len(sentence)
        if place < len(sentence):
            yield f"the methods text lacks “{sentence}” in its place: {text}"
            break


def _may_be_said(phrase: str) -> bool:
    """Whether a phrase may stand there, too: what was asked for goes without saying."""
    # NaN and what is transparent is left out, too.
    return phrase.startswith("tolerance") or phrase == "were left out"


def _missing(text: str, phrase: str) -> Iterator[str]:
    if phrase not in text:
        yield f"the methods text lacks “{phrase}”: {text}"


if __name__ == "__main__":
    serve()

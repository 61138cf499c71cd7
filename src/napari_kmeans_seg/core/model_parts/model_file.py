"""A k-means model as a JSON file, which is checked field by field when it is read."""

import json
import os
import reprlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import checks
from ..base.checks import MAX_CLUSTERS, MAX_SMOOTHING
from ..image.color_spaces import COLOR_SPACES
from ..image.features import LARGEST_FEATURE, FeatureSpace
from ..writing.file_set import write_together
from .adapt import ADAPTS
from .edits import Edit, Relabel, Split, Threshold, n_labels_of
from .json_fields import Checker, parse
from .kind import ValueKind

FORMAT = "napari-kmeans-seg model"
SCHEMA = 2
"""Raised when a file of this version could not be read by the version before."""

MAX_BYTES = 64 << 20
"""Bytes of a file at most: room for 65,535 clusters of some twenty channels."""

# What `numpy.frexp` gives for the smallest and the largest float64.
MIN_EXPONENT, MAX_EXPONENT = -1073, 1024

DTYPES = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
          "float16", "float32", "float64")  # fmt: skip


FIELDS_1 = {"format", "schema", "centroids", "space", "smoothing", "n_channels", "channel_axis",
            "alpha", "n_spatial_axes", "parameters"}  # fmt: skip
FIELDS_2 = FIELDS_1 | {
    "feature_centroids",
    "values",
    "channel_names",
    "edits",
    "names",
    "colors",
    "adapt",
}

Make = Callable[..., Any]
"""Makes a model of its fields: `KMeansModel`, which knows this module."""


def write(path: str | os.PathLike[str], model: Any) -> None:
    """Write a model; the file appears whole or not at all."""
    content = json.dumps(to_json(model), indent=1, allow_nan=False).encode()
    if len(content) > MAX_BYTES:
        raise ValueError(
            f"the model takes {len(content):,} bytes; a model file has at most {MAX_BYTES:,}."
        )
    write_together({Path(path): lambda aside: aside.write_bytes(content)}, overwrite=True)


def read(path: str | os.PathLike[str], make: Make) -> Any:
    """Read a model.

    Raises
    ------
    ValueError
        If the file is not a model, was written by a later version, or a field is not
        what it should be; the message says which.
    OSError
        If the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        document = parse(content)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: there is no such file") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is no k-means model: it cannot be read as JSON: {error}."
        ) from error
    return from_json(document, str(path), make)


def to_json(model: Any) -> dict[str, Any]:
    """Give a model as what JSON can hold."""
    space, values = model.space, model.values
    return {
        "format": FORMAT,
        "schema": SCHEMA,
        "centroids": [
            [None if np.isnan(one) else one for one in row] for row in model.centroids.tolist()
        ],
        "feature_centroids": model.feature_centroids.tolist(),
        "space": {
            "color_space": space.color_space,
            "offset": list(space.offset),
            "scale": list(space.scale),
            "position": space.position,
            "exponent": space.exponent,
        },
        "smoothing": list(model.smoothing),
        "n_channels": model.n_channels,
        "channel_axis": model.channel_axis,
        "alpha": model.alpha,
        "n_spatial_axes": model.n_spatial_axes,
        "values": values and {"dtype": str(values.dtype), "low": values.low, "high": values.high},
        "channel_names": list(model.channel_names),
        "edits": [_edit_to_json(edit) for edit in model.edits],
        "names": {str(label): name for label, name in sorted(model.names.items())},
        "colors": {str(label): color for label, color in sorted(model.colors.items())},
        "adapt": model.adapt,
        "parameters": model.parameters,
    }


def from_json(document: Any, path: str, make: Make) -> Any:
    """Make a model of what was read as JSON; `path` stands in messages."""
    check = Checker(path)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f'{path} is no k-means model: "format" is not "{FORMAT}".')
    schema = document.get("schema")
    if type(schema) is not int or schema not in (1, SCHEMA):
        raise ValueError(
            f"{path} has schema {reprlib.repr(schema)}; this version reads schemas 1 and {SCHEMA}. "
            "A newer napari-kmeans-seg may read it."
        )
    fields = check.keys(document, "the file", FIELDS_1 if schema == 1 else FIELDS_2)
    found = _form(check, fields)
    n_features = found["space"].n_features(found["n_spatial_axes"])
    name = "centroids" if schema == 1 else "feature_centroids"
    rows = _rows(check, fields[name], name, n_features, low=-LARGEST_FEATURE, high=LARGEST_FEATURE)
    found["feature_centroids"] = rows
    if schema == 1:
        return make(**found, centroids=_centroids_of_1(found))
    edits = fields["edits"]
    if not isinstance(edits, list):
        check.fail("edits", "a list", edits)
    found["edits"] = ()
    for i, edit in enumerate(edits):
        n_labels = n_labels_of(len(rows), found["edits"])
        found["edits"] += (_edit_from_json(check, edit, f"edits[{i}]", n_labels, found, make),)
    n_labels = n_labels_of(len(rows), found["edits"])
    means = fields["centroids"]
    if not isinstance(means, list) or len(means) != n_labels:
        check.fail("centroids", f"a list of {n_labels} centroids", means)
    found["centroids"] = _means(check, means, found["n_channels"])
    found["values"] = _values(check, fields["values"])
    found["adapt"] = fields["adapt"]
    if found["adapt"] is not None and (found["adapt"] not in ADAPTS or found["values"] is None):
        takes = f"null, or one of {', '.join(ADAPTS)} where values are known"
        check.fail("adapt", takes, found["adapt"])
    names = check.texts(fields["channel_names"], "channel_names")
    if names and (len(names) != found["n_channels"] or len(set(names)) < len(names)):
        check.fail("channel_names", f"{found['n_channels']} names, each once, or none", names)
    found["channel_names"] = tuple(names)
    found["names"] = check.by_label(fields["names"], "names", n_labels)
    found["colors"] = check.by_label(fields["colors"], "colors", n_labels)
    for label, color in found["colors"].items():
        if not checks.COLOR.fullmatch(color):
            check.fail(f"colors.{label}", 'a colour such as "#ff8000"', color)
    return make(**found)


def _form(check: Checker, fields: dict[str, Any]) -> dict[str, Any]:
    """Check what images a model takes."""
    n_channels = check.integer(fields["n_channels"], "n_channels", 1, 1 << 20)
    n_axes = check.integer(fields["n_spatial_axes"], "n_spatial_axes", 0, 64)
    space = _space(check, fields["space"], n_channels)
    smoothing = fields["smoothing"]
    if smoothing != []:
        check.numbers(smoothing, "smoothing", n_axes, low=0, high=MAX_SMOOTHING)
    axis = fields["channel_axis"]
    if axis is not None:
        check.integer(axis, "channel_axis", -n_axes - 1, -1)
    elif n_channels > 1:
        check.fail("channel_axis", "an axis, for more than one channel", axis)
    if not isinstance(fields["alpha"], bool):
        check.fail("alpha", "true or false", fields["alpha"])
    if fields["alpha"] and axis is None:
        check.fail("alpha", "false where channel_axis is null", True)
    if not isinstance(fields["parameters"], dict):
        check.fail("parameters", "an object", fields["parameters"])
    return {
        "space": space,
        "smoothing": tuple(float(sigma) for sigma in smoothing),
        "n_channels": n_channels,
        "channel_axis": axis,
        "alpha": fields["alpha"],
        "n_spatial_axes": n_axes,
        "parameters": fields["parameters"],
    }


def _space(check: Checker, value: Any, n_channels: int) -> FeatureSpace:
    fields = check.keys(value, "space", {"color_space", "offset", "scale", "position", "exponent"})
    color_space = fields["color_space"]
    if not isinstance(color_space, str) or color_space not in COLOR_SPACES:
        check.fail("space.color_space", f"one of {', '.join(COLOR_SPACES)}", color_space)
    if color_space != "rgb" and n_channels != 3:
        check.fail("space.color_space", '"rgb" unless there are three channels', color_space)
    offset = check.numbers(
        fields["offset"], "space.offset", n_channels, low=-LARGEST_FEATURE, high=LARGEST_FEATURE
    )
    scale = check.numbers(fields["scale"], "space.scale", n_channels, low=0, high=LARGEST_FEATURE)
    # The squares of smaller ones are nothing, and then all pixels are alike.
    if not any(scale) or any(0 < one < 1 / LARGEST_FEATURE for one in scale):
        takes = f"numbers that are 0 or at least {1 / LARGEST_FEATURE:g}, and not all 0"
        check.fail("space.scale", takes, scale)
    [position] = check.numbers(
        [fields["position"]], "space.position", 1, low=0, high=LARGEST_FEATURE
    )
    exponent = check.integer(fields["exponent"], "space.exponent", MIN_EXPONENT, MAX_EXPONENT)
    if exponent and color_space != "rgb":
        check.fail("space.exponent", f"0 in the colour space {color_space}", exponent)
    return FeatureSpace(color_space, tuple(offset), tuple(scale), float(position), exponent)


def _rows(check: Checker, rows: Any, name: str, n: int, **limits: float) -> NDArray[np.float64]:
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_CLUSTERS:
        check.fail(name, f"a list of 1 to {MAX_CLUSTERS} centroids", rows)
    found = [check.numbers(row, f"{name}[{i}]", n, **limits) for i, row in enumerate(rows)]
    return np.array(found, np.float64)


def _means(check: Checker, rows: list[Any], n_channels: int) -> NDArray[np.float64]:
    """Read mean values; null stands for one that is not known."""
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != n_channels:
            check.fail(f"centroids[{i}]", f"a list of {n_channels} numbers", row)
        known = [one for one in row if one is not None]
        check.numbers(known, f"centroids[{i}]", len(known))
    return np.array(rows, np.float64).reshape(len(rows), n_channels)


def _centroids_of_1(found: dict[str, Any]) -> NDArray[np.float64]:
    """Return what a file of schema 1 has of the values of its clusters."""
    colors: NDArray[np.float64] = found["space"].colors_of(found["feature_centroids"])
    # Means of red, green and blue are not those of another colour space.
    return colors if found["space"].color_space == "rgb" else np.full(colors.shape, np.nan)


def _values(check: Checker, value: Any) -> ValueKind | None:
    if value is None:
        return None
    fields = check.keys(value, "values", {"dtype", "low", "high"})
    if fields["dtype"] not in DTYPES:
        check.fail("values.dtype", f"one of {', '.join(DTYPES)}", fields["dtype"])
    low, high = check.numbers([fields["low"], fields["high"]], "values.low and values.high", 2)
    if low > high:
        check.fail("values.low", "a number of at most values.high", low)
    return ValueKind(np.dtype(fields["dtype"]), float(low), float(high))


def _edit_to_json(edit: Edit) -> dict[str, Any]:
    if isinstance(edit, Relabel):
        return {"edit": "relabel", "labels": list(edit.labels), "into": list(edit.into)}
    if isinstance(edit, Split):
        model = to_json(edit.model)
        return {"edit": "split", "label": edit.label, "into": list(edit.into), "model": model}
    return {"edit": "threshold", **asdict(edit)}


def _edit_from_json(
    check: Checker, value: Any, name: str, n_labels: int, model: dict[str, Any], make: Make
) -> Edit:
    kind = value.get("edit") if isinstance(value, dict) else value
    if kind not in ("relabel", "threshold", "split"):
        check.fail(f"{name}.edit", '"relabel", "split" or "threshold"', kind)
    if kind == "relabel":
        fields = check.keys(value, name, {"edit", "labels", "into"})
        labels = _labels(check, fields["labels"], f"{name}.labels", 1, MAX_CLUSTERS)
        into = _labels(check, fields["into"], f"{name}.into", 0, MAX_CLUSTERS)
        if len(labels) != len(into) or len(set(labels)) < len(labels):
            check.fail(f"{name}.labels", "each label once, as many as into", fields["labels"])
        return Relabel(labels, into)
    if kind == "threshold":
        fields = check.keys(value, name, {"edit", "lower", "upper", "at", "low", "high"})
        lower = check.integer(fields["lower"], f"{name}.lower", 1, n_labels)
        upper = check.integer(fields["upper"], f"{name}.upper", 1, n_labels)
        [at] = check.numbers([fields["at"]], f"{name}.at", 1)
        ends = [fields["low"], fields["high"]]
        check.numbers([one for one in ends if one is not None], f"{name}.low and high",
                      2 - ends.count(None))  # fmt: skip
        if model["n_channels"] != 1:
            check.fail(name, "no threshold for more than one channel", kind)
        return Threshold(lower, upper, at, *ends)
    fields = check.keys(value, name, {"edit", "label", "into", "model"})
    label = check.integer(fields["label"], f"{name}.label", 1, n_labels)
    part = from_json(fields["model"], f"{check.path}, {name}.model", make)
    into = _labels(check, fields["into"], f"{name}.into", 1, MAX_CLUSTERS)
    if len(into) != part.n_clusters:
        check.fail(f"{name}.into", f"{part.n_clusters} labels", fields["into"])
    for one in ("n_channels", "channel_axis", "alpha"):
        if getattr(part, one) != model[one]:
            check.fail(f"{name}.model.{one}", f"{model[one]}", getattr(part, one))
    return Split(label, into, part)


def _labels(check: Checker, value: Any, name: str, low: int, high: int) -> tuple[int, ...]:
    if not isinstance(value, list):
        check.fail(name, "a list of labels", value)
    return tuple(check.integer(one, f"{name}[{i}]", low, high) for i, one in enumerate(value))

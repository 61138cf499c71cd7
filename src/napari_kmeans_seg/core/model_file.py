"""A k-means model as a JSON file, which is checked field by field when it is read."""

import json
import os
import reprlib
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from .checks import MAX_CLUSTERS, MAX_SMOOTHING
from .image.color_spaces import COLOR_SPACES
from .image.features import LARGEST, FeatureSpace
from .writing.file_set import write_together

FORMAT = "napari-kmeans-seg model"
SCHEMA = 1
"""Raised when a file of this version could not be read by the version before."""

MAX_BYTES = 64 << 20
"""Bytes of a file at most: room for 65,535 clusters of some twenty channels."""

# What `numpy.frexp` gives for the smallest and the largest float64.
MIN_EXPONENT, MAX_EXPONENT = -1073, 1024


def write(path: str | os.PathLike[str], fields: dict[str, Any]) -> None:
    """Write the fields of a model; the file appears whole or not at all."""
    space: FeatureSpace = fields["space"]
    document = {
        "format": FORMAT,
        "schema": SCHEMA,
        **fields,
        "centroids": fields["centroids"].tolist(),
        "space": {
            "color_space": space.color_space,
            "offset": list(space.offset),
            "scale": list(space.scale),
            "position": space.position,
            "exponent": space.exponent,
        },
        "smoothing": list(fields["smoothing"]),
    }
    content = json.dumps(document, indent=1, allow_nan=False).encode()
    if len(content) > MAX_BYTES:
        raise ValueError(
            f"the model takes {len(content):,} bytes; a model file has at most {MAX_BYTES:,}."
        )
    write_together({Path(path): lambda aside: aside.write_bytes(content)}, overwrite=True)


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the fields of a model.

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
        document = json.loads(
            content.decode(),
            parse_constant=_refuse,
            parse_float=_finite,
            object_pairs_hook=_once_each,
        )
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is no k-means model: it cannot be read as JSON: {error}."
        ) from error
    check = _Checker(str(path))
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f'{path} is no k-means model: "format" is not "{FORMAT}".')
    schema = document.get("schema")
    if type(schema) is not int or schema != SCHEMA:
        raise ValueError(
            f"{path} has schema {reprlib.repr(schema)}; this version reads schema {SCHEMA}. "
            "A newer napari-kmeans-seg may read it."
        )
    fields = check.keys(
        document,
        "the file",
        {
            "format",
            "schema",
            "centroids",
            "space",
            "smoothing",
            "n_channels",
            "channel_axis",
            "alpha",
            "n_spatial_axes",
            "parameters",
        },
    )
    n_channels = check.integer(fields["n_channels"], "n_channels", 1, 1 << 20)
    n_axes = check.integer(fields["n_spatial_axes"], "n_spatial_axes", 0, 64)
    space = _space(check, fields["space"], n_channels)
    n_features = space.n_features(n_axes)
    rows = fields["centroids"]
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_CLUSTERS:
        check.fail("centroids", f"a list of 1 to {MAX_CLUSTERS} centroids", rows)
    centroids = [
        check.numbers(row, f"centroids[{i}]", n_features, low=-LARGEST, high=LARGEST)
        for i, row in enumerate(rows)
    ]
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
        "centroids": np.array(centroids, np.float64),
        "space": space,
        "smoothing": tuple(float(sigma) for sigma in smoothing),
        "n_channels": n_channels,
        "channel_axis": axis,
        "alpha": fields["alpha"],
        "n_spatial_axes": n_axes,
        "parameters": fields["parameters"],
    }


def _space(check: "_Checker", value: Any, n_channels: int) -> FeatureSpace:
    fields = check.keys(value, "space", {"color_space", "offset", "scale", "position", "exponent"})
    color_space = fields["color_space"]
    if not isinstance(color_space, str) or color_space not in COLOR_SPACES:
        check.fail("space.color_space", f"one of {', '.join(COLOR_SPACES)}", color_space)
    if color_space != "rgb" and n_channels != 3:
        check.fail("space.color_space", '"rgb" unless there are three channels', color_space)
    offset = check.numbers(fields["offset"], "space.offset", n_channels, low=-LARGEST, high=LARGEST)
    scale = check.numbers(fields["scale"], "space.scale", n_channels, low=0, high=LARGEST)
    # The squares of smaller ones are nothing, and then all pixels are alike.
    if not any(scale) or any(0 < one < 1 / LARGEST for one in scale):
        takes = f"numbers that are 0 or at least {1 / LARGEST:g}, and not all 0"
        check.fail("space.scale", takes, scale)
    [position] = check.numbers([fields["position"]], "space.position", 1, low=0, high=LARGEST)
    exponent = check.integer(fields["exponent"], "space.exponent", MIN_EXPONENT, MAX_EXPONENT)
    if exponent and color_space != "rgb":
        check.fail("space.exponent", f"0 in the colour space {color_space}", exponent)
    return FeatureSpace(color_space, tuple(offset), tuple(scale), float(position), exponent)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number")


def _finite(number: str) -> float:
    if not isfinite(float(number)):
        raise ValueError(f"{reprlib.repr(number)} is too large")
    return float(number)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return fields


class _Checker:
    """Checks the fields of one file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def fail(self, name: str, takes: str, got: Any) -> None:
        # Of a long list no more than is shown is made into text.
        shown = reprlib.repr(got)
        raise ValueError(
            f"{self.path} is no valid k-means model: {name} takes {takes}; got {shown}."
        )

    def keys(self, value: Any, name: str, keys: set[str]) -> dict[str, Any]:
        if not isinstance(value, dict) or set(value) != keys:
            got = sorted(value) if isinstance(value, dict) else value
            self.fail(name, f"an object with exactly {', '.join(sorted(keys))}", got)
        return dict(value)

    def integer(self, value: Any, name: str, low: int, high: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fail(name, f"an integer from {low} to {high}", value)
        return int(value)

    def numbers(
        self, value: Any, name: str, n: int, low: float = -inf, high: float = inf
    ) -> list[float]:
        """Return `n` finite numbers; integers stay integers, which may have 64 bits."""
        good = isinstance(value, list) and len(value) == n
        good = good and all(
            isinstance(one, int | float)
            and not isinstance(one, bool)
            and (-(1 << 64) <= one <= 1 << 64 if isinstance(one, int) else isfinite(one))
            and low <= one <= high
            for one in value
        )
        if not good:
            limits = f" of at least {low:g}" if low > -inf else ""
            limits += f" and at most {high:g}" if high < inf else ""
            self.fail(name, f"a list of {n} finite numbers{limits}", value)
        return list(value)

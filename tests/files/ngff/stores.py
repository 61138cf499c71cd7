"""OME-Zarr stores on disk, as other programs write them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import skimage.data
import zarr

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

VERSIONS = ("0.4", "0.5")
TYPES = {"t": "time", "c": "channel"}
UNITS = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}
SCALES = {"t": 2.0, "c": 1.0, "z": 3.0, "y": 0.5, "x": 0.25}


def write_group(path: Path, version: str, ome: dict[str, Any], **others: Any) -> Path:
    """Write the metadata of a group."""
    path.mkdir(parents=True, exist_ok=True)
    if version == "0.4":
        (path / ".zgroup").write_text(json.dumps({"zarr_format": 2}))
        (path / ".zattrs").write_text(json.dumps(ome | others))
        return path
    attributes = {"ome": {"version": version} | ome, **others}
    group = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    (path / "zarr.json").write_text(json.dumps(group))
    return path


def write_array(path: Path, pixels: np.ndarray, version: str, **options: Any) -> None:
    """Write an array of a level."""
    old = version == "0.4"
    array = zarr.create_array(
        str(path), shape=pixels.shape, dtype=pixels.dtype, zarr_format=2 if old else 3,
        chunk_key_encoding={"name": "v2" if old else "default", "separator": "/"}, **options,
    )  # fmt: skip
    array[...] = pixels


def multiscales(version: str, axes: str, steps: Iterable[int], **more: Any) -> list[dict[str, Any]]:
    """Say what the levels are whose rows and columns are so many steps apart."""
    found = {
        "name": "image",
        "axes": [
            {"name": one, "type": TYPES.get(one, "space")}
            | ({"unit": UNITS[one]} if one in UNITS else {})
            for one in axes
        ],
        "datasets": [
            {
                "path": f"s{i}",
                "coordinateTransformations": [
                    {"type": "scale",
                     "scale": [SCALES[one] * (step if one in "yx" else 1) for one in axes]}
                ],
            }
            for i, step in enumerate(steps)
        ],
    }  # fmt: skip
    return [found | ({"version": version} if version == "0.4" else {}) | more]


def omero(*names: str) -> dict[str, Any]:
    """Say what the channels are called."""
    window = {"start": 0, "end": 255, "min": 0, "max": 255}
    return {"channels": [{"label": one, "color": "FF0000", "window": window} for one in names]}


def write_image(
    path: Path,
    pixels: np.ndarray,
    version: str = "0.5",
    axes: str = "cyx",
    names: Iterable[str] = (),
    n_levels: int = 2,
    **options: Any,
) -> Path:
    """Write an image with its pyramid."""
    steps = [2**i for i in range(n_levels)]
    ome: dict[str, Any] = {"multiscales": multiscales(version, axes, steps)}
    if names:
        ome["omero"] = omero(*names)
    write_group(path, version, ome)
    options = {"chunks": (*(1,) * (pixels.ndim - 2), 32, 32)} | options
    if version == "0.5":
        options["dimension_names"] = list(axes)
    for i, step in enumerate(steps):
        write_array(path / f"s{i}", pixels[..., ::step, ::step], version, **options)
    return path


def write_plate(
    path: Path, version: str = "0.5", *, without: Iterable[str] = (), size: int = 64
) -> Path:
    """Write a plate of 2 x 3 wells with 2 fields of 3 channels each."""
    rows, columns = "AB", "123"
    wells = [
        {"path": f"{row}/{column}", "rowIndex": i, "columnIndex": j}
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
    ]
    said: dict[str, Any] = {"version": version} if version == "0.4" else {}
    plate = {"rows": [{"name": one} for one in rows], "columns": [{"name": one} for one in columns],
             "wells": wells, "name": "plate", **said}  # fmt: skip
    write_group(path, version, {"plate": plate})
    for n, well in enumerate(wells):
        if well["path"] in without:
            continue
        folder = path / str(well["path"])
        write_group(folder.parent, version, {})
        images = [{"path": "0"}, {"path": "1"}]
        write_group(folder, version, {"well": {"images": images, **said}})
        for field in range(2):
            pixels = field_of_cells(2 * n + field, size)
            write_image(folder / str(field), pixels, version, names=("DAPI", "GFP", "RFP"))
    return path


def field_of_cells(n: int, size: int) -> np.ndarray:
    """Cut a field of three channels of 16 bits out of a micrograph."""
    cells = skimage.data.cell()[200:].astype(np.uint16) * 40
    first = cells[(7 * n) % 100 :, (11 * n) % 100 :][:size, :size]
    return np.stack([first, first[::-1] // 2 + 100, first.T])


def digests(path: Path) -> dict[str, str]:
    """Return the digest of each file in a folder."""
    return {
        file.relative_to(path).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }

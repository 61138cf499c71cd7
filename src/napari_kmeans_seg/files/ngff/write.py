"""Results as OME-Zarr: labels with their colours and names, and the image in mean colours.

All is written chunk by chunk, in the version, the chunks and the levels of the image that was
read. Names are our own: nothing of what a store says decides where something is written.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.cluster_colors import DISTINCT
from ..base.pyramid import Level, chunks_of
from .groups import LABELS as NAME
from .groups import group_of, metadata_name, validated, write_group_mark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd

    from ...core.segmentation import Segmentation
    from ..base.pyramid import Pyramid

NOTE = "napari-kmeans-seg"
"""The attribute that holds the parameters."""


def write_store(
    path: Path, pyramid: Pyramid, seg: Segmentation, table: pd.DataFrame, note: dict[str, Any]
) -> None:
    """Write a store of an image in the mean colours of its clusters, and their labels in it.

    Parameters
    ----------
    path
        The folder of the store, which is made.
    pyramid
        How the image that was segmented lies in its store.
    seg
        What came of it.
    table
        Its clusters: label, pixels and percent.
    note
        What stands beside the metadata of the labels; JSON-able.
    """
    image, labels = path, path / "labels" / NAME
    said = _multiscales(pyramid, "segmented")
    said |= _omero(pyramid, said)
    _write_group(image, pyramid.version, said, {NOTE: note})
    _write_group(image / "labels", pyramid.version, {"labels": [NAME]})
    flat = _without_channels(pyramid)
    _write_group(labels, pyramid.version, _label_image(flat, seg, table), {NOTE: note})
    _write_levels([(image, pyramid, seg.image), (labels, flat, seg.labels)])


def write_labels(
    path: Path, pyramid: Pyramid, seg: Segmentation, table: pd.DataFrame, note: dict[str, Any]
) -> None:
    """Write labels alone, as they lie in the group `labels` of an image; arguments as above."""
    flat = _without_channels(pyramid)
    _write_group(path, pyramid.version, _label_image(flat, seg, table), {NOTE: note})
    _write_levels([(path, flat, seg.labels)])


def labels_named(path: Path, version: str) -> str:
    """Return the metadata of a group `labels` that names ours, too, as the file is to hold it."""
    found: dict[str, Any] = {"zarr_format": 3, "node_type": "group", "attributes": {}}
    file = path / metadata_name(version)
    if file.exists():
        found = json.loads(file.read_bytes())
    elif version == "0.4":
        found = {}
    ome = found
    if version == "0.5":
        ome = found.setdefault("attributes", {}).setdefault("ome", {"version": version})
    names = ome.get("labels")
    names = names if isinstance(names, list) else []
    ome["labels"] = [*names, *([] if NAME in names else [NAME])]
    return json.dumps(found, indent=1)


def read_note(path: Path) -> dict[str, Any]:
    """Return the note in a group that we wrote; empty where there is none."""
    try:
        group = group_of(path)
    except (OSError, ValueError):
        return {}
    note = None if group is None else group.others.get(NOTE)
    return note if isinstance(note, dict) else {}


# -- metadata ---------------------------------------------------------------------------


def _write_group(
    path: Path, version: str, ome: dict[str, Any], others: dict[str, Any] | None = None
) -> None:
    """Write the metadata of a group, once they are found to be valid."""
    with validated("metadata"):
        import yaozarrs

        module: Any = yaozarrs.v04 if version == "0.4" else yaozarrs.v05
        said = ome if version == "0.4" else {"version": version} | ome
        kind = "LabelImage" if "image-label" in ome else "Image"
        getattr(module, "LabelsGroup" if "labels" in ome else kind).model_validate(said)
    path.mkdir(parents=True)
    if version == "0.4":
        write_group_mark(path / ".zgroup")
        found = ome | (others or {})
    else:
        attributes = {"ome": said} | (others or {})
        found = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    (path / metadata_name(version)).write_text(json.dumps(found, indent=1), encoding="utf-8")


def _multiscales(pyramid: Pyramid, name: str) -> dict[str, Any]:
    datasets = [
        {"path": str(i), "coordinateTransformations": list(level.transformations)}
        for i, level in enumerate(pyramid.levels)
    ]
    said: dict[str, Any] = {"name": name, "axes": list(pyramid.axes), "datasets": datasets}
    if pyramid.version == "0.4":
        said["version"] = "0.4"
    if pyramid.transformations:
        said["coordinateTransformations"] = list(pyramid.transformations)
    # The coarser levels repeat pixels of the finest one, as labels must.
    return {"multiscales": [said | {"type": "nearest"}]}


def _omero(pyramid: Pyramid, said: dict[str, Any]) -> dict[str, Any]:
    """Show the channels as those of the image are shown, where what it says of that is valid."""
    if pyramid.omero is None:
        return {}
    found = {"omero": pyramid.omero}
    try:
        with validated("omero"):
            import yaozarrs

            module: Any = yaozarrs.v04 if pyramid.version == "0.4" else yaozarrs.v05
            module.Image.model_validate({"version": pyramid.version} | said | found)
    except ValueError:
        return {}
    return found


def _label_image(pyramid: Pyramid, seg: Segmentation, table: pd.DataFrame) -> dict[str, Any]:
    """Say what the labels are, and how they are shown."""
    names, colors = seg.model.names, seg.model.colors
    rows = list(table[["label", "pixels", "percent"]].itertuples(index=False, name=None))
    said: dict[str, Any] = {"source": {"image": "../../"}}
    if pyramid.version == "0.4":
        said["version"] = "0.4"
    if rows:
        said["colors"] = [
            {"label-value": int(label), "rgba": _rgba(colors.get(label) or _hue(label))}
            for label, _, _ in rows
        ]
        said["properties"] = [
            {
                "label-value": int(label),
                "name": names.get(label, f"cluster {label}"),
                "pixels": int(pixels),
                "percent": float(percent),
            }
            for label, pixels, percent in rows
        ]
    return {**_multiscales(pyramid, NAME), "image-label": said}


def _hue(label: int) -> str:
    return DISTINCT[(label - 1) % len(DISTINCT)]


def _rgba(color: str) -> list[int]:
    return [*(int(color[i : i + 2], 16) for i in (1, 3, 5)), 255]


def _without_channels(pyramid: Pyramid) -> Pyramid:
    """Return the pyramid of an image that has no channels."""
    axis = pyramid.channel_axis
    if axis is None:
        return pyramid

    def less(values: Sequence[Any]) -> tuple[Any, ...]:
        return (*values[:axis], *values[axis + 1 :])

    def flat(transformations: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        return tuple(
            {key: list(less(one)) if isinstance(one, list) else one for key, one in each.items()}
            for each in transformations
        )

    return replace(
        pyramid,
        axes=less(pyramid.axes),
        channel_axis=None,
        levels=tuple(Level(less(one.shape), flat(one.transformations)) for one in pyramid.levels),
        transformations=flat(pyramid.transformations),
        chunks=less(pyramid.chunks),
        shards=None if pyramid.shards is None else less(pyramid.shards),
    )


# -- pixels -----------------------------------------------------------------------------


def _write_levels(results: list[tuple[Path, Pyramid, Any]]) -> None:
    """Write arrays of one image, each to its group, and then the coarser levels of each.

    The finest levels are written together, so that what they have in common is computed once.
    """
    import dask.array as da

    sources, targets = [], []
    for path, pyramid, pixels in results:
        chunks = chunks_of(pyramid)
        lazy = pixels if isinstance(pixels, da.Array) else da.from_array(pixels, chunks=chunks)
        sources.append(lazy.rechunk(_whole(chunks, lazy.chunks, pyramid)))
        targets.append(_new_array(path / "0", pyramid, 0, lazy.dtype))
    da.store(sources, targets, lock=False)
    for level in range(1, len(results[0][1].levels)):
        for i, (path, pyramid, _) in enumerate(results):
            finer = targets[i]
            targets[i] = _new_array(path / str(level), pyramid, level, finer.dtype)
            da.store(_coarser(finer, pyramid, level), targets[i], lock=False)
    for path, _, _ in results:
        _clear(path)


def _whole(
    chunks: tuple[int, ...], given: tuple[tuple[int, ...], ...], pyramid: Pyramid
) -> tuple[Any, ...]:
    """Keep chunks that are whole ones of the store; make others so."""
    unit = pyramid.shards or pyramid.chunks
    return tuple(
        of_axis if all(n % one == 0 for n in of_axis[:-1]) else chunk
        for chunk, of_axis, one in zip(chunks, given, unit, strict=True)
    )


def _new_array(path: Path, pyramid: Pyramid, level: int, dtype: np.dtype[Any]) -> Any:
    import zarr

    old = pyramid.version == "0.4"
    shape = pyramid.levels[level].shape
    whole = pyramid.shards is not None and not old
    # A shard is whole chunks; of the others none needs to be larger than the image.
    chunks = pyramid.chunks
    if not whole:
        chunks = tuple(min(one, max(1, n)) for one, n in zip(chunks, shape, strict=True))
    more: dict[str, Any] = {} if old else {"dimension_names": [one["name"] for one in pyramid.axes]}
    return zarr.create_array(
        str(path),
        shape=shape,
        dtype=dtype.newbyteorder("="),
        chunks=chunks,
        shards=pyramid.shards if whole else None,
        fill_value=0,
        zarr_format=2 if old else 3,
        chunk_key_encoding={"name": "v2" if old else "default", "separator": "/"},
        **more,
    )


def _coarser(finer: Any, pyramid: Pyramid, level: int) -> Any:
    """Return a level as a Dask array: pixels of the finer one, none of them mixed."""
    import dask.array as da

    shape = pyramid.levels[level].shape
    chunks = chunks_of(replace(pyramid, levels=pyramid.levels[level:]))
    return da.map_blocks(
        _taken,
        finer=finer,
        where=[nearest(n, m) for n, m in zip(finer.shape, shape, strict=True)],
        chunks=da.core.normalize_chunks(chunks, shape),
        dtype=finer.dtype,
        meta=np.empty((0,) * len(shape), finer.dtype),
    )


def nearest(n: int, m: int) -> npt.NDArray[np.intp]:
    """Say which of `n` pixels stand for `m`: each second, third, ..., as far as that fits."""
    step = max(1, round(n / m))
    if n // step <= m <= -(-n // step):
        return np.arange(m) * step
    return np.minimum((np.arange(m) + 0.5) * n / m, n - 1).astype(np.intp)


def _taken(
    *, finer: Any, where: list[npt.NDArray[np.intp]], block_info: Any = None
) -> npt.NDArray[Any]:
    place = block_info[None]["array-location"]
    index = [one[start:stop] for one, (start, stop) in zip(where, place, strict=True)]
    part = finer[tuple(slice(int(one[0]), int(one[-1]) + 1) for one in index)]
    taken: npt.NDArray[Any] = part[np.ix_(*(one - one[0] for one in index))]
    return taken


def _clear(path: Path) -> None:
    """Remove what a worker that died has left of a chunk, which another one wrote."""
    for left in path.rglob("*.partial"):
        left.unlink(missing_ok=True)

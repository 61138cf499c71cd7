"""Which pixels take part, as lines of a script: the region, and the values that are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..outputs.record import Record, RegionRecord


_SAMPLED = "order=0, mode='grid-constant') > 0"


def region_of(record: Record, file: str, *, small: bool) -> list[str]:
    """Read or draw the region, as a mask of the whole image, and of a smaller level if wanted.

    Parameters
    ----------
    record : Record
        How the result came to be; it has a region.
    file : str
        What a region is read from that was painted.
    small : bool
        Whether a smaller level was fitted.
    """
    region = record.source.region
    assert region is not None
    if region.outlines:
        return _drawn(record, region, small=small)
    chosen = list(region.labels)
    inside, what = f"imread({file!r})", "its labels" if chosen else "not 0 inside"
    n_image = len(record.arguments["smoothing"])
    n_axes = n_image if region.n_axes is None else region.n_axes
    size = "as an image as it is" if region.n_axes is not None else "as an image of the same size"
    if region.n_axes is None and record.source.plane:
        size = "as an image of the size of the whole stack"
    lines = [
        f"# Save the region of this name, as it was then, {size}: {what}.",
        f"region_name = {region.layer!r}",
        f"mask = np.isin({inside}, {chosen})" if chosen else f"mask = {inside} > 0",
    ]
    if region.matrix is not None:
        return lines + _placed(record, region, n_image - n_axes, small=small)
    names = [("mask", "image")]
    if small:
        names.append(("small_mask", "small"))
        shape = f"{spatial(record, 'small')}[-{n_axes}:]"
        lines += [
            f"zoom = np.array({spatial(record, 'image')}[-{n_axes}:]) / {shape}",
            "sampled = mask.astype(np.uint8), np.diag(zoom), (zoom - 1) / 2",
            f"small_mask = affine_transform(*sampled, output_shape={shape}, {_SAMPLED}",
        ]
    if n_axes < n_image:
        lines += [
            f"{mask} = np.broadcast_to({mask}, {spatial(record, image)})" for mask, image in names
        ]
    return lines


def _drawn(record: Record, region: RegionRecord, *, small: bool) -> list[str]:
    """Draw the region into a mask."""
    shape = spatial(record, "image")
    lines = [
        "# The region of this name as it was drawn, in pixels of the image.",
        f"region_name = {region.layer!r}",
        f"outlines = {[[list(one) for one in outline] for outline in region.outlines]}",
        f"mask = np.zeros({shape}, bool)",
        "for outline in outlines:",
        f"    fill(mask, np.array(outline), own_plane={region.own_planes})",
    ]
    if small:
        level = spatial(record, "small")
        lines += [
            f"zoom = np.array({shape}[-{region.n_axes}:]) / {level}[-{region.n_axes}:]",
            f"small_mask = np.zeros({level}, bool)",
            "for outline in outlines:",
            "    smaller = (np.array(outline) + 0.5) / zoom - 0.5",
            f"    fill(small_mask, smaller, own_plane={region.own_planes})",
        ]
    return lines


def _placed(record: Record, region: RegionRecord, n_missing: int, *, small: bool) -> list[str]:
    """Read a mask that lies elsewhere than the image, or has fewer axes, at its pixels."""
    assert region.matrix is not None
    n_image = len(record.arguments["smoothing"])
    rows = [[0.0] * (n_image + 1)] * n_missing + [list(row) for row in region.matrix]
    first = "np.newaxis, " * n_missing
    lines = [
        f"inside = {f'mask[{first}...]' if first else 'mask'}.astype(np.uint8)",
        "# From pixels of the image to pixels of the region.",
        f"matrix = np.array({rows})",
    ]
    shape = spatial(record, "image")
    if small:
        level = spatial(record, "small")
        lines += [
            f"zoom = np.array({shape}) / {level}",
            "at = matrix[:, :-1] * zoom, matrix[:, :-1] @ ((zoom - 1) / 2) + matrix[:, -1]",
            f"small_mask = affine_transform(inside, *at, output_shape={level}, {_SAMPLED}",
        ]
    lines += [
        "at = matrix[:, :-1], matrix[:, -1]",
        f"mask = affine_transform(inside, *at, output_shape={shape}, {_SAMPLED}",
    ]
    return lines


def left_out(record: Record, image: str, mask: str) -> list[str]:
    """Leave out pixels of some values, beside those outside the region."""
    source, axis = record.source, record.arguments.get("channel_axis")
    values = list(source.left_out)
    if axis is None:
        empty = f"np.isin({image}, {values})"
    elif source.channels:
        empty = f"np.isin({image}, {values}).any(axis={axis})"
    else:
        empty = f"np.any([({image}[..., :3] == value).all(axis=-1) for value in {values}], axis=0)"
    if source.region is None:
        return [f"{mask} = ~{empty}"]
    everywhere = [f"{mask.replace('mask', 'data')} = ~{empty}"] if source.region.everywhere else []
    return [*everywhere, f"{mask} = {mask} & ~{empty}"]


def spatial(record: Record, image: str) -> str:
    """Write the shape of an image without its channels."""
    if record.arguments.get("channel_axis") is None:
        return f"{image}.shape"
    return f"{image}.shape[1:]" if record.source.n_images > 1 else f"{image}.shape[:-1]"

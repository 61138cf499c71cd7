"""Which pixels take part, as lines of a script: the region, and the values that are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..outputs.record import Record, RegionRecord


def drawn_region(record: Record, level: int | None) -> list[str]:
    """Read or draw the region, as a mask of the whole image."""
    region, shape = record.source.region, _spatial(record, "image")
    assert region is not None
    if region.outlines:
        lines = [
            "# The region of this name as it was drawn, in pixels of the image.",
            f"region_name = {region.layer!r}",
            f"outlines = {[[list(one) for one in outline] for outline in region.outlines]}",
            f"mask = np.zeros({shape}, bool)",
            "for outline in outlines:",
            f"    fill(mask, np.array(outline), own_plane={region.own_planes})",
        ]
        if level is not None:
            small = _spatial(record, "small")
            lines += [
                f"zoom = np.array({shape}[-{region.n_axes}:]) / {small}[-{region.n_axes}:]",
                f"small_mask = np.zeros({small}, bool)",
                "for outline in outlines:",
                "    smaller = (np.array(outline) + 0.5) / zoom - 0.5",
                f"    fill(small_mask, smaller, own_plane={region.own_planes})",
            ]
        return lines
    lines = _read_region(region, "as it is", "", level)
    n_image, n_axes = len(record.arguments["smoothing"]), region.n_axes
    assert n_axes is not None
    if region.matrix is not None:
        rows = [[0.0] * (n_image + 1)] * (n_image - n_axes) + [list(row) for row in region.matrix]
        first = "np.newaxis, " * (n_image - n_axes)
        mask = f"mask[{first}...]" if first else "mask"
        sampled = f"{mask}.astype(np.uint8), matrix[:, :-1], matrix[:, -1]"
        lines += [
            "# From pixels of the image to pixels of the region.",
            f"matrix = np.array({rows})",
            f"options = {{'output_shape': {shape}, 'order': 0, 'mode': 'grid-constant'}}",
            f"mask = affine_transform({sampled}, **options) > 0",
        ]
    elif n_axes < n_image:
        lines.append(f"mask = np.broadcast_to(mask, {shape})")
    return lines


def region_of_same_pixels(region: RegionRecord, cut: list[str], level: int | None) -> list[str]:
    """Read a region that has the pixels of the image, cut to the plane that was segmented."""
    size = "of the size of the whole stack" if cut else "of the same size"
    return _read_region(region, size, f"[{', '.join(cut)}]" if cut else "", level)


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


def _read_region(region: RegionRecord, size: str, cut: str, level: int | None) -> list[str]:
    chosen = list(region.labels)
    inside = f"np.isin({{}}, {chosen})" if chosen else "{} > 0"
    what = "its labels" if chosen else "not 0 inside"
    lines = [
        f"# Save the region of this name as an image {size}: {what}.",
        f"region_name = {region.layer!r}",
        "mask = " + inside.format(f"imread('region.tif'){cut}"),
    ]
    if level is not None:
        lines.append("small_mask = " + inside.format(f"imread('region_level{level}.tif')"))
    return lines


def _spatial(record: Record, image: str) -> str:
    """Write the shape of an image without its channels."""
    if record.arguments.get("channel_axis") is None:
        return f"{image}.shape"
    return f"{image}.shape[1:]" if record.source.n_images > 1 else f"{image}.shape[:-1]"

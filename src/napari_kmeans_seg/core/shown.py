"""Results as a person sees them: one line where they are printed, a table in a notebook.

Models and segmentations show themselves by what is here, so that it knows neither class.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .image.pixels import Pixels
from .model_parts.edits import n_changing
from .model_parts.kind import full_scale


def counted(n: int, one: str) -> str:
    """Write a number of things: "1 cluster", "1,200 clusters"."""
    return f"{n:,} {one}" if n == 1 else f"{n:,} {one}s"


def size_of(shape: Sequence[int], dtype: np.dtype[Any], n_channels: int) -> str:
    """Write what kind of image it is: "400 × 600 uint8, 3 channels"."""
    text = f"{' × '.join(f'{n}' for n in shape)} {dtype}"
    return text if n_channels == 1 else f"{text}, {n_channels} channels"


def line_of_model(model: Any) -> str:
    """Say in one line what a model is."""
    kind = model.kind if model.kind != "channels" else counted(model.n_channels, "channel")
    dtype = "" if model.values is None else f" {model.values.dtype}"
    n = model.n_clusters - len(model.removed)
    parts = [f"{counted(n, 'cluster')} of {kind}{dtype}"]
    if model.channel_names:
        parts.append("channels " + ", ".join(model.channel_names[:6]))
    if model.space.color_space != "rgb":
        parts.append(f"color_space={model.space.color_space!r}")
    if model.smoothing:
        parts.append(f"smoothing={model.smoothing}")
    if model.space.position:
        parts.append("position")
    # Painted seeds have numbers of their own, which nobody takes for work on the clusters.
    if n := n_changing(len(model.feature_centroids), model.edits):
        parts.append(counted(n, "edit"))
    return f"KMeansModel({', '.join(parts)})"


def line_of_segmentation(seg: Any, inertia: float | None, lazy: str = "") -> str:
    """Say in one line what a segmentation is; `inertia` is None where it is not known yet."""
    shape = " × ".join(f"{n}" for n in seg.labels.shape)
    n = seg.n_clusters - len(seg._removed)
    parts = [f"{counted(n, 'cluster')} of {shape} pixels"]
    if inertia is not None and not np.isnan(inertia):
        parts.append(f"inertia {inertia:.4g}")
    if seg.n_iter:
        word = "at rest after" if seg.converged else "not at rest after"
        parts.append(f"{word} {counted(seg.n_iter, 'iteration')}")
    if lazy:
        parts.append(lazy)
    if seg.warnings:
        parts.append(counted(len(seg.warnings), "warning"))
    return f"Segmentation({', '.join(parts)})"


def colors_of(model: Any, dtype: np.dtype[Any], centroids: NDArray[Any]) -> list[str]:
    """Return a colour for each cluster, as "#rrggbb": its own, or that of its mean value."""
    values, known = np.nan_to_num(centroids), centroids[~np.isnan(centroids)]
    low, high = 0.0, full_scale(dtype)
    if model.kind != "RGB" or known.size == 0 or known.min() < low or known.max() > high:
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        if model.values is not None and model.values.dtype == dtype:
            low, high = model.values.low, model.values.high
    # Halved first: the largest floats have no difference.
    extent = (high / 2 - low / 2) or 1.0
    bytes_of = np.clip((values / 2 - low / 2) / extent * 255, 0, 255)
    if model.kind != "RGB":
        bytes_of = np.repeat(bytes_of.mean(axis=1, keepdims=True), 3, axis=1)
    return [
        model.colors.get(label, "#{:02x}{:02x}{:02x}".format(*np.rint(row).astype(int)))
        for label, row in enumerate(bytes_of, 1)
    ]


def table_html(head: Sequence[str], rows: Iterable[Sequence[object]], colors: Sequence[str]) -> str:
    """Write a table whose rows begin with a swatch, as HTML."""
    cells = "".join(f"<th>{escape(one)}</th>" for one in ("", *head))
    lines = []
    for i, (row, color) in enumerate(zip(rows, colors, strict=False)):
        # Clusters that a table in a notebook lists.
        if i == 30:
            lines.append(f'<tr><td colspan="{len(head) + 1}">… {len(colors) - i:,} more</td></tr>')
            break
        swatch = f'<td style="background:{escape(color)};min-width:1.5em"></td>'
        lines.append(f"<tr>{swatch}{''.join(f'<td>{escape(str(one))}</td>' for one in row)}</tr>")
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def model_html(model: Any) -> str:
    """Show the clusters of a model as HTML."""
    dtype = np.dtype(float) if model.values is None else model.values.dtype
    names = model.channel_names or [str(i) for i in range(model.n_channels)]
    rows = (
        (label, model.names.get(label, ""), *(f"{one:.4g}" for one in row))
        for label, row in enumerate(model.centroids, 1)
        if label not in model.removed
    )
    head = ("label", "name", *(f"mean {name}" for name in names))
    every = enumerate(colors_of(model, dtype, model.centroids), 1)
    colors = [color for label, color in every if label not in model.removed]
    return f"<p>{escape(line_of_model(model))}</p>{table_html(head, rows, colors)}"


def images_html(line: str, columns: Sequence[tuple[str, object]]) -> str:
    """Show what was read, one image or many, as HTML: a line, and a table of what is known."""
    head = "".join(f"<th>{escape(name)}</th>" for name, _ in columns)
    row = "".join(f"<td>{escape(str(value))}</td>" for _, value in columns)
    table = f"<table><thead><tr>{head}</tr></thead><tbody><tr>{row}</tr></tbody></table>"
    return f"<p>{escape(line)}</p>{table}"


def columns_of(whole: Any, parameters: dict[str, Any]) -> list[tuple[str, object]]:
    """Say what is known of points that were read, and what is not as by default."""
    low, high = whole.value_range
    n_values = whole.counted.keys.size if hasattr(whole, "counted") else None
    found: list[tuple[str, object]] = [
        ("pixels", f"{whole.n_valid:,}"),
        ("distinct values", "not counted" if n_values is None else f"{n_values:,}"),
        ("lowest", f"{low:.6g}"),
        ("highest", f"{high:.6g}"),
    ]
    if names := parameters.get("channel_names"):
        found.append(("channels", ", ".join(names)))
    plain = {"color_space": "rgb", "weighting": "pixels"}
    for name in ("color_space", "normalize", "smoothing", "channel_weights", "weighting", "adapt"):
        value = parameters.get(name)
        is_default = value == plain.get(name) or not value
        if isinstance(value, list):
            is_default = set(value) <= {float(name == "channel_weights")}
        if not is_default:
            found.append(
                (
                    name,
                    value
                    if not isinstance(value, list)
                    else ", ".join(f"{one:g}" for one in value),
                )
            )
    return found


def segmentation_html(seg: Any, *, picture: bool) -> str:
    """Show the clusters of a segmentation as HTML, with a small picture of it."""
    table = seg.to_dataframe()
    names = seg.model.names
    head = ("label", "name", "pixels", "percent", *(str(one) for one in table.columns[3:]))
    rows = (
        (
            int(row[0]),
            names.get(int(row[0]), ""),
            f"{int(row[1]):,}",
            f"{row[2]:.2f}",
            *(f"{one:.4g}" for one in row[3:]),
        )
        for row in table.itertuples(index=False)
    )
    colors = colors_of(seg.model, seg._pixels.dtype, seg.centroids)
    own = [colors[label - 1] for label in table["label"]]
    text = f"<p>{escape(repr(seg))}</p>"
    if picture:
        text += _picture(seg.labels, colors, seg._pixels)
    text += table_html(head, rows, own)
    return text + "".join(f"<p>⚠ {escape(warning)}</p>" for warning in seg.warnings)


def _picture(labels: NDArray[Any], colors: Sequence[str], pixels: Pixels) -> str:
    """Write a small picture of labels, of one plane of a stack, as HTML."""
    from PIL import Image

    plane = labels[tuple(n // 2 for n in labels.shape[:-2])]
    plane = plane.reshape((1, -1)) if plane.ndim < 2 else plane
    # Pixels of a picture in a notebook, along its longer side.
    step = max(1, -(-max(plane.shape) // 192))
    plane = plane[::step, ::step]
    palette = np.array([(0, 0, 0), *(_rgb(color) for color in colors)], np.uint8)
    file = BytesIO()
    Image.fromarray(palette[plane]).save(file, "PNG")
    code = b64encode(file.getvalue()).decode()
    size = size_of(pixels.shape, pixels.dtype, pixels.n_channels)
    return f'<img alt="{escape(size)}, by cluster" src="data:image/png;base64,{code}">'


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)

"""A result in words for a paper, and as the script that gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .cluster_history import record_of

if TYPE_CHECKING:
    from napari.layers import Layer

_CITATIONS = {
    "k-means": "Lloyd S.P. (1982) IEEE Trans. Inf. Theory 28, 129-137",
    "k-means++": "Arthur D., Vassilvitskii S. (2007) Proc. SODA, 1027-1035",
    "optimal": "Wang H., Song M. (2011) The R Journal 3(2), 29-33",
}
_SPACES = {"rgb": "RGB", "lab": "CIELAB", "hsv": "HSV"}

# In the order of `segment`, with its defaults: what is as it was is not spelled out.
_DEFAULTS: dict[str, Any] = {
    "color_space": "rgb",
    "channel_weights": None,
    "normalize": False,
    "smoothing": 0.0,
    "spatial_weight": 0.0,
    "init": "auto",
    "n_init": 1,
    "max_iter": 300,
    "tol": 1e-4,
    "fit_scale": 1.0,
    "seed": 0,
}


def methods_text(layer: Layer) -> str:
    """Tell in sentences for a paper how a result was made.

    Parameters
    ----------
    layer : Layer
        A Labels layer or segmented image of a result.
    """
    record = record_of(layer)
    used, edits = record["parameters"], record.get("edits", [])
    init = used.get("init", "auto")
    n_channels = len(record["centroids"][0])
    space = f"in {_SPACES.get(used.get('color_space'), 'RGB')} space" if n_channels == 3 else (
        "on the pixel intensities" if n_channels == 1 else f"on {n_channels} channels"
    )  # fmt: skip
    k = used.get("n_clusters", record["n_clusters"])
    start = (
        "given centroids" if not isinstance(init, str)
        else "the optimal one-dimensional clustering" if init == "optimal"
        else f"{init} initialisation" + _restarts(used.get("n_init", 1))
    )  # fmt: skip
    details = [start, f"seed {used.get('seed')}", f"tolerance {used.get('tol'):g}"]
    details.append(f"{record['n_iter']} iteration{'s' if record['n_iter'] != 1 else ''}")
    details += _prepared(used)
    text = (
        f"Pixels were grouped into {k} clusters by k-means {space} ({', '.join(details)}) "
        f"with napari-kmeans-seg {record['version']}."
    )
    if not record.get("converged", True):
        text += " The iterations were stopped before they converged."
    text += "".join(f" {_said(edit)}" for edit in edits)
    cited = [_CITATIONS["k-means"]]
    if isinstance(init, str) and init in _CITATIONS:
        cited.append(_CITATIONS[init])
    return f"{text} [{'; '.join(cited)}]"


def python_script(layer: Layer, image: str = "image.tif") -> str:
    """Write the script that gives a result, from the image file to its labels.

    Parameters
    ----------
    layer : Layer
        A Labels layer or segmented image of a result.
    image : str
        The file of the image.

    Raises
    ------
    ValueError
        If the result was made of more than one plain image: the script would be another.
    """
    record = record_of(layer)
    limits = ("channels", "plane", "each_step_of_axis", "region", "seeds")
    if any(limit in record for limit in limits):
        raise ValueError(
            "Only the clusters of one whole image can be written as a script; these come from "
            "several layers, a part of an image, or painted seeds."
        )
    used = record["parameters"]
    told = {key: used.get(key, default) for key, default in _DEFAULTS.items()}
    named = {key: value for key, value in told.items() if value != _DEFAULTS[key]}
    arguments = [f"n_clusters={used.get('n_clusters')}"]
    if used.get("channel_axis") is not None:
        arguments.append(f"channel_axis={used['channel_axis']}")
    if used.get("alpha"):
        arguments.append("alpha=True")
    arguments += [f"{key}={value!r}" for key, value in named.items()]
    lines = [
        f"# napari-kmeans-seg {record['version']}",
        "from skimage.io import imread",
        "",
        "from napari_kmeans_seg import segment",
        "",
        f"image = imread({image!r})",
        f"segmentation = segment(image, {', '.join(arguments)})",
    ]
    edits = record.get("edits", [])
    if not edits:
        return "\n".join([*lines, "labels = segmentation.labels", ""])
    lines.insert(1, "import numpy as np")
    # Wide enough for the labels that splitting adds.
    lines.append("labels = segmentation.labels.astype(np.uint16)")
    highest, own = int(record["parameters"]["n_clusters"]), list(arguments[1:])
    own = [a for a in own if not a.startswith(("init=", "fit_scale="))]
    present = set(range(1, highest + 1))
    for edit in edits:
        if "merge" in edit:
            group = edit["merge"]
            lines.append(f"labels[np.isin(labels, {group})] = {group[0]}")
            present -= set(group[1:])
        elif "delete" in edit:
            lines.append(f"labels[np.isin(labels, {edit['delete']})] = 0")
            present -= set(edit["delete"])
        elif "split" in edit:
            label, n = edit["split"], edit["into"]
            new = [label, *range(max(present) + 1, max(present) + n)]
            inner = ", ".join([f"n_clusters={n}", f"mask=labels == {label}", *own])
            lines += [
                f"parts = segment(image, {inner}).labels",
                f"labels[parts > 0] = np.array({[0, *new]})[parts[parts > 0]]",
            ]
            present |= set(new)
    return "\n".join([*lines, ""])


def _restarts(n: int) -> str:
    return f", best of {n} starts" if n > 1 else ""


def _prepared(used: dict[str, Any]) -> list[str]:
    """Tell what was done to the pixels before."""
    told = []
    if any(sigma := np.atleast_1d(used.get("smoothing", 0.0))):
        each = sorted({f"{one:g}" for one in sigma}) if len(set(sigma)) == 1 else map(str, sigma)
        told.append(f"Gaussian smoothing of sigma {', '.join(each)} pixels")
    if used.get("normalize"):
        told.append("channels scaled to equal spread")
    if used.get("channel_weights"):
        told.append(f"channel weights {used['channel_weights']}")
    if used.get("spatial_weight"):
        told.append(f"position weight {used['spatial_weight']:g}")
    if used.get("fit_scale", 1) != 1:
        told.append(f"fitted on a copy of {100 * used['fit_scale']:g} % of the size")
    return told


def _said(edit: dict[str, Any]) -> str:
    if "merge" in edit:
        return f"Clusters {_and(edit['merge'])} were merged."
    if "delete" in edit:
        n = len(edit["delete"])
        return f"Cluster{'s' if n > 1 else ''} {_and(edit['delete'])} " + (
            "were removed." if n > 1 else "was removed."
        )
    return f"Cluster {edit['split']} was split into {edit['into']} by k-means on its own pixels."


def _and(labels: list[int]) -> str:
    *most, last = map(str, labels)
    return f"{', '.join(most)} and {last}" if most else last

"""The colours of clusters, where no layer shows them: in tables, models and labels files."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

# From Paul Tol's schemes (2021), each the farthest from those before it, also as people with
# protanopia and deuteranopia see them (Machado 2009): of the first five no two are nearer
# than 31 CIELAB units, of all sixteen than 10.
DISTINCT: Sequence[str] = (
    "#4477AA", "#EE6677", "#BBCC33", "#99DDFF", "#225522", "#EEDD88", "#999933", "#882255",
    "#BBBBBB", "#004488", "#77AADD", "#228833", "#EE8866", "#CC3311", "#AA3377", "#44AA99",
)  # fmt: skip

MEAN, HUES = "mean", "distinct"

if TYPE_CHECKING:
    from .model import KMeansModel

Colors = str | tuple[str, ...]
"""A palette, "mean" or "distinct", or a colour for each cluster, as "#rrggbb"."""


def colored(model: "KMeansModel", colors: Colors | None) -> "KMeansModel":
    """Give the clusters of a model colours.

    Parameters
    ----------
    model : KMeansModel
        The model.
    colors : str, tuple of str or None
        A palette or a list. None: those that the model has; if it has any, clusters without one
        get that of their mean.
    """
    # Imported here, with NumPy: the command line asks for the names of palettes.
    import numpy as np

    from .shown import colors_of

    if colors is None and not model.colors:
        return model
    if colors is None or colors == MEAN:
        plain = model if colors is None else replace(model, colors={})
        dtype = np.dtype(float) if model.values is None else model.values.dtype
        found: Sequence[str] = colors_of(plain, dtype, model.centroids)
    elif colors == HUES:
        found = [DISTINCT[i % len(DISTINCT)].lower() for i in range(model.n_clusters)]
    else:
        found = colors
    of_labels = enumerate(found[: model.n_clusters], 1)
    return replace(model, colors={i: one for i, one in of_labels if i not in model.removed})

"""Notice that a model is applied to values of another kind than it was fitted on."""

import numpy as np
from numpy.typing import NDArray

from ..base.note import Note
from ..base.notes_on_kind import OtherValues
from ..image.features import FeatureSpace
from ..image.pixels import Pixels
from ..points.image_points import Labelling


def note_on_values(
    pixels: Pixels, space: FeatureSpace, centroids: NDArray[np.float64], found: Labelling
) -> tuple[Note, ...]:
    """Note it if the values of an image are of another kind than those that were fitted.

    That is if most pixels get one label of several, and either

    - their mean is farther from the centroid than ten times all centroids are apart, and farther
      than their own standard deviation, so that it is not the work of a few outliers, or
    - at most one centroid lies where values of the image can be: within its integer dtype or, for
      a float image that gets no other label and varies around a mean between 0 and 1, there, if
      integers were fitted.

    All this is known from the counts, means and inertia. Other colour spaces than "rgb" bring all
    dtypes to one scale.
    """
    n, top = int(found.counts.sum()), int(found.counts.argmax())
    # Share of the pixels with one label from which on the model separates little.
    if space.color_space != "rgb" or len(centroids) < 2 or found.counts[top] < 0.75 * n:
        return ()
    colors = centroids[:, : len(space.scale)]
    mean = space.of_centroids(found.means[[top]], pixels)[0, : len(space.scale)]
    extent = float((np.ptp(colors, axis=0) ** 2).sum())
    away = float(((mean - colors[top]) ** 2).sum())
    variance = float(np.ldexp(found.inertia, -2 * space.exponent)) / n - away
    # Extents of the centroids. Values of 16 bits lie some 100 from those of 8 bits; what 8 bits can
    # hold lies within 10 even of two clusters of a picture of little contrast.
    is_far = away > 10.0**2 * extent and away > variance
    is_one = found.counts[top] == n and variance > 1e-12 * away
    if not (is_far or _n_within_reach(pixels, space, colors, found.means[top], is_one) < 2):
        return ()
    return (OtherValues(share=float(found.counts[top] / n), label=top + 1),)


def _n_within_reach(
    pixels: Pixels,
    space: FeatureSpace,
    colors: NDArray[np.float64],
    mean: NDArray[np.float64],
    is_one: bool,
) -> int:
    """Count the centroids that lie where values of the image can be."""
    kind, low, high = pixels.dtype.kind, 0.0, 1.0
    if kind in "iu":
        limits = np.iinfo(pixels.dtype)
        low, high = float(limits.min), float(limits.max)
    elif kind == "f":
        # The offset is a value of the image that was fitted, and integers stay integers.
        of_integers = all(isinstance(one, int) for one in space.offset)
        if not (of_integers and is_one and (mean >= 0).all() and (mean <= 1).all()):
            return len(colors)
    counted = np.array(space.scale) > 0
    values = space.colors_of(colors)[:, counted]
    # A mean of the largest values may come out a little larger.
    slack = 1e-6 * (high - low)
    return int(((values >= low - slack) & (values <= high + slack)).all(axis=1).sum())

"""Where the pixel values of a result are read, so that its clusters can be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg.core.base.parallel import portion

from ..base.arrays import is_lazy
from ..outputs.columns import means
from ..source.view import PartInView, View
from .points import (
    N_LEVELS,
    OTHER_PIXELS,
    OTHER_SHAPE,
    SAMPLED_PIXELS,
    ClusterPoints,
    colors_of,
    levels_of,
    picked,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_kmeans_seg.core.base.parallel import Progress, Tick

    from ..source.layer_image import LayerImage
    from ..source.record import ViewRecord
    from .clusters import Clusters
    from .points import Pick, Window

READ_LIMIT = 1 << 22
"""Pixels up to which a lazy array is computed, and a level of a pyramid is taken."""

_N_WINDOWS, _WINDOW = 16, 512


@dataclass(frozen=True, eq=False)
class ClusterValues:
    """Where the pixel values of a result are to be read.

    Attributes
    ----------
    image : LayerImage
        What was segmented.
    color_space : str
        The space in which it was, one of `COLOR_SPACES`.
    centroids : (n_clusters, n_channels) array
        So that no cluster lies beyond the values that are distinguished.
    homes_limit : int
        Pixels of one channel up to which the point of each is kept, at two bytes.
    """

    image: LayerImage
    color_space: str
    centroids: npt.NDArray[np.float64]
    homes_limit: int = 1 << 26

    @classmethod
    def of(cls, clusters: Clusters) -> ClusterValues:
        """Find the image of a result. Cheap: no pixel is touched.

        Raises
        ------
        ValueError
            If it is no longer in the viewer.
        """
        image = clusters.source_image()
        if image is None:
            raise ValueError("The image of these clusters is no longer in the viewer.")
        record = clusters.record
        if (view := record.source.view) is not None:
            image = _part(image, view)
        space = record.arguments.get("color_space", "rgb")
        table = clusters.table
        return cls(image, str(space), table[means(table)].to_numpy(float))

    @property
    def names(self) -> list[str]:
        """The channels."""
        return self.image.channel_names

    def read(self, labels: Any, progress: Progress | None = None) -> ClusterPoints:
        """Gather the values to points. This is work, for any thread.

        Of one channel in memory all pixels are read, unless they are very many. Of several
        channels it is a sample, of a pyramid a level that is not too large, of a lazy image
        some windows.

        Parameters
        ----------
        labels : array, or sequence of array
            What the Labels layer shows.
        progress : callable, optional
            As for `segment`.
        """
        shapes = [one.shape for one in (labels if isinstance(labels, Sequence) else [labels])]
        if self.image.look(progress):
            raise ValueError(OTHER_PIXELS)
        levels = self.image.levels
        sizes = [int(np.prod(shape, dtype=float)) for shape in shapes]
        level = next((i for i, n in enumerate(sizes) if n <= READ_LIMIT), len(sizes) - 1)
        array = levels[min(level, len(levels) - 1)][0]
        axis = self.image.channel_axis
        spatial = list(array.shape)
        if axis is not None:
            del spatial[axis]
        if tuple(spatial) != tuple(shapes[level]):
            raise ValueError(OTHER_SHAPE)
        pick = self._pick(array, tuple(spatial))
        tick = portion(progress, 0, 0.5, "Reading values")
        channels = _channels(array, axis, pick, tick)[: len(self.names)]
        if len(channels) == 1:
            values, step, exact, home = levels_of(channels[0], N_LEVELS, self.centroids[:, 0])
            values = values[np.newaxis]
        else:
            values, exact, home = colors_of(channels, self.centroids)
            step = 0.0
        return ClusterPoints(values, step, exact, home, pick, level, sizes[0])

    def _pick(self, array: Any, shape: tuple[int, ...]) -> Pick:
        n = int(np.prod(shape, dtype=float))
        random = np.random.default_rng(0)
        if is_lazy(array):
            return None if n <= READ_LIMIT else _windows(array, self.image.channel_axis, random)
        # Small unsigned values are points as they are, of all others a copy is kept.
        every = self.homes_limit if array.dtype.kind != "u" or array.dtype.itemsize > 2 else n
        if n <= (every if len(self.names) == 1 else SAMPLED_PIXELS):
            return None
        return np.sort(random.integers(0, n, SAMPLED_PIXELS))


def _part(image: LayerImage, of: ViewRecord) -> PartInView:
    """Take the part of an image that a preview is of. Where it lies does not matter here."""
    n = len(of.start)
    view = View(of.level, of.start, of.stop, of.step, origin=(0.0,) * n, zoom=(1.0,) * n)
    return PartInView.of_image(image, view)


def _windows(
    array: Any, channel_axis: int | None, random: np.random.Generator
) -> tuple[Window, ...]:
    """Choose windows of a Dask array, each at the corner of a chunk of its own."""
    chunks = list(array.chunks)
    if channel_axis is not None:
        del chunks[channel_axis]
    starts = [np.concatenate([[0], np.cumsum(sizes)[:-1]]) for sizes in chunks]
    n_chunks = [len(one) for one in starts]
    total = int(np.prod(n_chunks, dtype=float))
    chosen = np.unique(random.integers(0, total, _N_WINDOWS))
    places = np.stack(np.unravel_index(chosen, n_chunks), axis=1)
    lengths = [1] * (len(chunks) - 2) + [_WINDOW] * min(2, len(chunks))
    return tuple(
        tuple(
            slice(int(begin[i]), int(begin[i]) + min(length, int(sizes[i])))
            for begin, sizes, i, length in zip(starts, chunks, place, lengths, strict=True)
        )
        for place in places
    )


def _channels(array: Any, axis: int | None, pick: Pick, tick: Tick) -> list[npt.NDArray[Any]]:
    """Give the pixels that are looked at, channel by channel."""
    if axis is None:
        return [picked(array, pick)]
    if isinstance(pick, tuple):
        # A chunk is computed once for all channels.
        every = slice(None)
        blocks = []
        for i, window in enumerate(pick):
            tick(i / len(pick))
            place = (*window, every) if axis == -1 else (every, *window)
            block = np.moveaxis(np.asarray(array[place]), axis, 0)
            blocks.append(block.reshape(len(block), -1))
        return list(np.concatenate(blocks, axis=1))
    return [picked(channel, pick) for channel in np.moveaxis(np.asarray(array), axis, 0)]

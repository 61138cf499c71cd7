"""The colours in which clusters are seen: which each has, which are dimmed, which hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from napari.utils.colormaps.standardize_color import transform_color

from ..outputs.colors import BY_HAND, DISTINCT, Display, color_fingerprint, distinct_colors
from ..outputs.columns import means, of_clusters
from ..outputs.edit_watch import write_colors, written_colors
from ..outputs.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from napari.layers import Image, Labels
    from napari.utils.colormaps import LabelColormapBase

    from ..outputs.record import Palette

    Color = npt.NDArray[np.float64]

# How bright clusters are that are not highlighted. Not how transparent: below them may be
# the segmented image, which looks just like them.
_DIMMED = 0.25
# How bright the brightest channel of a cluster is at most that is dark, and what others fade to.
_DARK, _PALE = 0.35, 0.8


class ClusterColors:
    """The colours of one Labels layer of a result.

    Highlighting and hiding change the layer's colormap only, never its pixels. A colormap
    that a person chose in napari is taken over.

    Parameters
    ----------
    layer : Labels
        The layer.
    """

    def __init__(self, layer: Labels) -> None:
        # Weakly: what knows these colours is known for as long as the layer lives.
        self._ref = ref(layer)
        self._colormap: LabelColormapBase = layer.colormap
        self._shown: LabelColormapBase = layer.colormap
        self._highlighted: frozenset[int] = frozenset()
        self._hidden: frozenset[int] = frozenset()

    @property
    def _layer(self) -> Labels:
        layer = self._ref()
        if layer is None:
            raise LookupError("The layer of these clusters is gone.")
        return layer

    @property
    def colormap(self) -> LabelColormapBase:
        """The colormap with nothing dimmed and nothing hidden."""
        self._listen()
        return self._colormap

    @property
    def palette(self) -> Palette:
        """Which colours the clusters have: "own" once a person has set others in napari."""
        record = Record.of(self._layer)
        return record.palette if record is not None and self._is_ours else "own"

    @property
    def _is_ours(self) -> bool:
        """Whether the layer has the colours that were last written to it."""
        return written_colors(self._layer) in (None, color_fingerprint(self._layer))

    @property
    def highlighted(self) -> frozenset[int]:
        """The clusters that are not dimmed, where others are."""
        self._listen()
        return self._highlighted

    @property
    def hidden(self) -> frozenset[int]:
        """The clusters that are not seen."""
        self._listen()
        return self._hidden

    def of(self, label: int) -> Color:
        """Give the colour of a cluster, as red, green, blue, alpha from 0 to 1."""
        return self.of_each([label])[label]

    def of_each(self, labels: Iterable[int]) -> dict[int, Color]:
        """Give the colours of clusters."""
        wanted = list(labels)
        return dict(zip(wanted, _mapped(self.colormap, wanted), strict=True))

    def set_colormap(self, colormap: LabelColormapBase) -> None:
        """Give the clusters other colours."""
        self._listen()
        self._colormap = colormap
        self._show(ours=True)

    def with_colors(self, colors: Mapping[int, Any], labels: Iterable[int]) -> LabelColormapBase:
        """Make a colormap with other colours for some of the labels."""
        table: dict[int | None, Any] = {None: BY_HAND, 0: "transparent"}
        for label, color in self.of_each(labels).items():
            table[label] = colors.get(label, color)
        return DirectLabelColormap(color_dict=table)

    def following(
        self, old: pd.DataFrame, new: pd.DataFrame, display: Display | None
    ) -> LabelColormapBase:
        """Choose the colours for the clusters that a piece of work makes or changes.

        Parameters
        ----------
        old, new : DataFrame
            The clusters before and after.
        display : Display or None
            How mean colours were made, which go on to be mean colours. None where they are
            others: then clusters keep theirs, and new ones get what napari or the list of
            distinct colours has for them.
        """
        if not isinstance(self.colormap, DirectLabelColormap):
            return self.colormap
        labels = new["label"].tolist()
        if display is None:
            return self.with_colors(self._free_hues(old, new), labels)
        before, after = (table.set_index("label")[means(old)] for table in (old, new))
        mixed = dict(zip(labels, display.colors(after.to_numpy(float)), strict=True))
        changed = {
            label: mixed[label]
            for label, row in _rows(after)
            if label not in before.index or not np.array_equal(row, before.loc[label])
        }
        return self.with_colors(changed, labels)

    def _free_hues(self, old: pd.DataFrame, new: pd.DataFrame) -> dict[int, Any]:
        """Give clusters that are new hues that no other has, while there are any."""
        kept = self.of_each(old["label"].tolist())
        made = [label for label in new["label"] if label not in kept]
        hues = {hue: transform_color(hue)[0] for hue in DISTINCT}
        free = [
            hue
            for hue, color in hues.items()
            if not any(np.allclose(color, one, atol=0.01) for one in kept.values())
        ]
        return distinct_colors(made, free or DISTINCT)

    def cover(self) -> None:
        """Give clusters that have no colour yet, since a run made more of them, distinct hues."""
        self._listen()
        now = self._colormap
        if isinstance(now, DirectLabelColormap):
            labels = of_clusters(self._layer.features)["label"].tolist()
            missing = [label for label in labels if label not in now.color_dict]
            if missing:
                hues = distinct_colors(range(1, max(missing) + 1))
                new = {label: hues[label] for label in missing}
                self._colormap = DirectLabelColormap(color_dict={**now.color_dict, **new})
                self._show()

    def show(
        self, *, highlighted: Collection[int] | None = None, hidden: Collection[int] | None = None
    ) -> None:
        """Dim all but the highlighted clusters (none: dim nothing) and hide some."""
        self._listen()
        before = self._highlighted, self._hidden
        if highlighted is not None:
            self._highlighted = frozenset(highlighted)
        if hidden is not None:
            self._hidden = frozenset(hidden)
        if before != (self._highlighted, self._hidden):
            self._show()

    def _listen(self) -> None:
        """Take over a colormap that somebody else has set."""
        if self._layer.colormap is not self._shown:
            self._colormap = self._shown = self._layer.colormap
            self._highlighted = self._hidden = frozenset()

    def _show(self, *, ours: bool = False) -> None:
        layer = self._layer
        # To highlight is not to choose colours: a later run may still give its own.
        ours = ours or self._is_ours
        known = of_clusters(layer.features)["label"].tolist()
        self._highlighted &= set(known)
        self._hidden &= set(known)
        if self._highlighted or self._hidden:
            colors = _mapped(self._colormap, known)
            stand_out = np.isin(known, list(self._highlighted))
            if stand_out.any():
                # Dark clusters would not be seen in the dark, so there the others turn pale.
                dark = colors[stand_out, :3].max() < _DARK
                colors[~stand_out, :3] *= _DIMMED
                colors[~stand_out, :3] += (1 - _DIMMED) * _PALE if dark else 0
            colors[np.isin(known, list(self._hidden)), 3] = 0
            table: dict[int | None, Any] = {None: BY_HAND, 0: "transparent"}
            table.update(zip(known, colors, strict=True))
            layer.colormap = DirectLabelColormap(color_dict=table)
        else:
            layer.colormap = self._colormap
        self._shown = layer.colormap
        if ours:
            write_colors(layer, color_fingerprint(layer))


def mean_colors_of(table: pd.DataFrame, source: Image | None) -> dict[int, Any]:
    """Give each cluster the mean colour of its pixels, as the image shows them.

    Parameters
    ----------
    table : DataFrame
        The clusters.
    source : Image or None
        What was segmented: it shows its means by its contrast limits and gamma.

    Returns
    -------
    dict
        Red, green, blue, alpha of each label; empty where means are no colours.
    """
    columns = means(table)
    if source is None or len(columns) != (3 if source.rgb else 1):
        return {}
    colors = Display.of(source).colors(table[columns].to_numpy(float))
    return dict(zip(table["label"].tolist(), colors, strict=True))


def _mapped(colormap: LabelColormapBase, labels: Sequence[int]) -> npt.NDArray[np.float64]:
    """Look up the colours of labels, (n, 4)."""
    # Napari makes a table, and may compile, for each dtype: take the smallest.
    small = np.array(labels, np.min_scalar_type(max(labels, default=0)))
    return np.array(colormap.map(small), np.float64).reshape(-1, 4)


def _rows(table: pd.DataFrame) -> list[tuple[int, npt.NDArray[np.float64]]]:
    return [(int(label), row.to_numpy(float)) for label, row in table.iterrows()]

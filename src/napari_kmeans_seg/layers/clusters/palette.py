"""The colours in which clusters are seen: which each has, which are dimmed, which hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from napari.utils.colormaps.standardize_color import transform_color

from napari_kmeans_seg.core.cluster_colors import DISTINCT

from ..outputs.appearance import Backdrop
from ..outputs.colors import BY_HAND, Display, color_fingerprint, distinct_colors
from ..outputs.columns import means, of_clusters
from ..outputs.edit_watch import write_colors, written_colors
from ..outputs.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from napari.layers import Image, Labels
    from napari.utils.colormaps import LabelColormapBase

    from ..outputs.record import Palette

    Color = npt.NDArray[np.float64]


class ClusterColors:
    """The colours of one Labels layer of a result.

    Highlighting and hiding change the layer's colormap only, never its pixels. A colormap
    that a person chose in napari is taken over.

    Parameters
    ----------
    layer : Labels
        The layer.
    backdrop : callable, optional
        Says what is behind the clusters now.
    """

    def __init__(self, layer: Labels, backdrop: Callable[[], Backdrop] = Backdrop) -> None:
        # Weakly: what knows these colours is known for as long as the layer lives.
        self._ref = ref(layer)
        self._colormap: LabelColormapBase = layer.colormap
        self._shown: LabelColormapBase = layer.colormap
        self._highlighted: frozenset[int] = frozenset()
        self._hidden: frozenset[int] = frozenset()
        self._backdrop = backdrop
        self._shown_before = Backdrop()
        self._n_taken_over = 0

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

    @property
    def n_taken_over(self) -> int:
        """How often somebody else, or a run, has set other colours: nothing is hidden then."""
        self._listen()
        return self._n_taken_over

    def of(self, label: int) -> Color:
        """Give the colour of a cluster, as red, green, blue, alpha from 0 to 1."""
        return self.of_each([label])[label]

    def of_each(self, labels: Iterable[int]) -> dict[int, Color]:
        """Give the colours of clusters."""
        wanted = list(labels)
        return dict(zip(wanted, _mapped(self.colormap, wanted), strict=True))

    def on_canvas(self, labels: Iterable[int]) -> dict[int, Color]:
        """Give the colours in which clusters are seen, or were if others did not stand out."""
        colors = self.of_each(labels)
        standing = [label for label in colors if label in self._standing_out]
        if standing:
            seen = self._backdrop().standing_out(np.stack([colors[one] for one in standing]))
            colors |= dict(zip(standing, seen, strict=True))
        return colors

    @property
    def _standing_out(self) -> frozenset[int]:
        """The clusters beside which the others are dimmed. What is hidden cannot stand out."""
        return self.highlighted - self.hidden

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
        """Let some clusters stand out (none: dim nothing) and hide some.

        Where clusters are hidden the original is seen, and so it is, dimmed, beside those that
        stand out.
        """
        self._listen()
        before = self._highlighted, self._hidden
        if highlighted is not None:
            self._highlighted = frozenset(highlighted)
        if hidden is not None:
            self._hidden = frozenset(hidden)
        if before != (self._highlighted, self._hidden):
            self._show()

    def follow_backdrop(self) -> None:
        """Let clusters stand out before what is behind them now."""
        if self._standing_out and self._backdrop() != self._shown_before:
            self._show()

    def _listen(self) -> None:
        """Take over a colormap that somebody else has set."""
        if self._layer.colormap is not self._shown:
            self._colormap = self._shown = self._layer.colormap
            self._highlighted = self._hidden = frozenset()
            self._n_taken_over += 1

    def _show(self, *, ours: bool = False) -> None:
        layer = self._layer
        # To highlight is not to choose colours: a later run may still give its own.
        ours = ours or self._is_ours
        known = of_clusters(layer.features)["label"].tolist()
        self._highlighted &= set(known)
        self._hidden &= set(known)
        if self._highlighted or self._hidden:
            colors = _mapped(self._colormap, known)
            colors[np.isin(known, list(self._hidden)), 3] = 0
            standing, veil = np.isin(known, list(self._standing_out)), np.zeros(4)
            if standing.any():
                self._shown_before = backdrop = self._backdrop()
                veil = backdrop.veil(colors[standing])
                colors[standing] = backdrop.standing_out(colors[standing])
                colors[~standing] = veil
            table: dict[int | None, Any] = {None: BY_HAND, 0: veil}
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

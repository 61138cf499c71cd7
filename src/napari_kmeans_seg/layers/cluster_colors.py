"""The colours in which clusters are seen: what each wears, which are dimmed, which hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from napari.utils.colormaps.standardize_color import transform_color

from .colors import BY_HAND, DISTINCT, as_shown, color_fingerprint, distinct_colors
from .label_rows import means, of_clusters
from .link import METADATA_KEY, written_colors

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from napari.layers import Image, Labels
    from napari.utils.colormaps import LabelColormapBase

    Color = npt.NDArray[np.float64]

# What the mean of a channel is divided by to be a colour, for floats and integers.
_FULL_SCALES = (1, 255, 65535, 127, 32767, 2**32 - 1)

# How bright clusters are that are not highlighted. Not how transparent: below them may be
# the segmented image, which looks just like them.
_DIMMED = 0.25
# How bright the brightest channel of a cluster is at most that is dark, and what others fade to.
_DARK, _PALE = 0.35, 0.8


# Stands where the fingerprint of written colours does, once a person has chosen others.
_CHOSEN = "chosen"


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
        self._worn: LabelColormapBase = layer.colormap
        self._shown: LabelColormapBase = layer.colormap
        self._written = self._as_written()
        self._highlighted: frozenset[int] = frozenset()
        self._hidden: frozenset[int] = frozenset()

    @property
    def _layer(self) -> Labels:
        layer = self._ref()
        if layer is None:
            raise LookupError("The layer of these clusters is no more.")
        return layer

    @property
    def worn(self) -> LabelColormapBase:
        """The colormap with nothing dimmed and nothing hidden."""
        self._listen()
        return self._worn

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
        """Tell the colour of a cluster, as red, green, blue, alpha from 0 to 1."""
        return self.of_each([label])[label]

    def of_each(self, labels: Iterable[int]) -> dict[int, Color]:
        """Tell the colours of clusters."""
        wanted = list(labels)
        return dict(zip(wanted, _mapped(self.worn, wanted), strict=True))

    def wear(self, colormap: LabelColormapBase) -> None:
        """Give the clusters other colours."""
        self._listen()
        self._worn = colormap
        self._show()

    def with_colors(self, colors: Mapping[int, Any], labels: Iterable[int]) -> LabelColormapBase:
        """Make a colormap with other colours for some of the labels."""
        table: dict[int | None, Any] = {None: BY_HAND, 0: "transparent"}
        for label, color in self.of_each(labels).items():
            table[label] = colors.get(label, color)
        return DirectLabelColormap(color_dict=table)

    def following(
        self, old: pd.DataFrame, new: pd.DataFrame, source: Image | None
    ) -> LabelColormapBase:
        """Choose the colours for the clusters that a piece of work makes or changes.

        Mean colours go on to be mean colours. Otherwise clusters keep theirs, and new ones
        get what napari or the list of distinct colours has for them.
        """
        if not isinstance(self.worn, DirectLabelColormap):
            return self.worn
        labels = new["label"].tolist()
        return self.with_colors(self._following(old, new, source), labels)

    def _following(
        self, old: pd.DataFrame, new: pd.DataFrame, source: Image | None
    ) -> dict[int, Any]:
        worn = self.of_each(old["label"].tolist())
        columns = means(old)
        before, after = (table.set_index("label")[columns] for table in (old, new))
        for plain, mixed in _mean_colors(old, new, source):
            if plain and all(np.allclose(worn[one], plain[one], atol=1e-3) for one in worn):
                return {
                    label: mixed[label]
                    for label, row in _rows(after)
                    if label not in before.index or not np.array_equal(row, before.loc[label])
                }
        made = [label for label in new["label"] if label not in worn]
        used = {tuple(np.round(color, 2)) for color in worn.values()}
        free = [hue for hue in DISTINCT if tuple(np.round(transform_color(hue)[0], 2)) not in used]
        return distinct_colors(made, free or DISTINCT)

    def cover(self) -> None:
        """Give clusters that have no colour yet, since a run made more of them, distinct hues."""
        self._listen()
        worn = self._worn
        if isinstance(worn, DirectLabelColormap):
            labels = of_clusters(self._layer.features)["label"].tolist()
            missing = [label for label in labels if label not in worn.color_dict]
            if missing:
                hues = distinct_colors(range(1, max(missing) + 1))
                new = {label: hues[label] for label in missing}
                self._worn = DirectLabelColormap(color_dict={**worn.color_dict, **new})
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
            self._worn = self._shown = self._layer.colormap
            self._written = self._as_written()
            self._highlighted = self._hidden = frozenset()

    def _as_written(self) -> LabelColormapBase | None:
        """Give the colormap that the layer has, if a run gave it and not a person."""
        layer = self._layer
        ours = written_colors(layer) in (None, color_fingerprint(layer))
        return layer.colormap if ours else None

    def _show(self) -> None:
        layer = self._layer
        known = of_clusters(layer.features)["label"].tolist()
        self._highlighted &= set(known)
        self._hidden &= set(known)
        if self._highlighted or self._hidden:
            colors = _mapped(self._worn, known)
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
            layer.colormap = self._worn
        self._shown = layer.colormap
        link = layer.metadata.get(METADATA_KEY, {}).get("link")
        if link is not None:
            # To highlight is not to choose colours: a later run may still give its own.
            ours = self._worn is self._written
            link["colors"] = color_fingerprint(layer) if ours else _CHOSEN


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
    colors = as_shown(table[columns].to_numpy(float), source)
    return dict(zip(table["label"].tolist(), colors, strict=True))


def _mean_colors(
    old: pd.DataFrame, new: pd.DataFrame, source: Image | None
) -> Iterator[tuple[dict[int, Any], dict[int, Any]]]:
    """Give the mean colours before and after in each way that they may have been told.

    That is as the source shows them; or, since that may be gone by now or be shown in
    another contrast, as parts of the largest value.
    """
    yield mean_colors_of(old, source), mean_colors_of(new, source)
    columns = means(old)
    for full in _FULL_SCALES if len(columns) == 3 else ():
        old_way, new_way = (
            {
                label: np.append(np.clip(np.nan_to_num(row) / full, 0, 1), 1)
                for label, row in _rows(table.set_index("label")[columns])
            }
            for table in (old, new)
        )
        yield old_way, new_way


def _mapped(colormap: LabelColormapBase, labels: Sequence[int]) -> npt.NDArray[np.float64]:
    """Look up the colours of labels, (n, 4)."""
    # Napari makes a table, and may compile, for each dtype: take the smallest.
    small = np.array(labels, np.min_scalar_type(max(labels, default=0)))
    return np.array(colormap.map(small), np.float64).reshape(-1, 4)


def _rows(table: pd.DataFrame) -> list[tuple[int, npt.NDArray[np.float64]]]:
    return [(int(label), row.to_numpy(float)) for label, row in table.iterrows()]

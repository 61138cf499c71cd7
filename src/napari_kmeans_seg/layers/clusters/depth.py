"""The cluster that is hidden while a result is seen in 3D, where it would be a solid block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..outputs.appearance import background_of

if TYPE_CHECKING:
    import pandas as pd

    from .palette import ClusterColors


class Depth:
    """Hides the largest cluster in 3D, and shows it again in 2D.

    Only until a person shows it in 3D: from then on what is hidden is theirs to say.

    Parameters
    ----------
    colors : ClusterColors
        The colours of the clusters.
    """

    def __init__(self, colors: ClusterColors) -> None:
        self._colors = colors
        self._hidden: int | None = None
        self._of = 0
        self._declined = False

    @property
    def hidden(self) -> int | None:
        """The cluster that is hidden because of this."""
        there = self._hidden is not None and self._hidden in self._colors.hidden
        return self._hidden if there else None

    def forget(self) -> None:
        """Forget which cluster it was: there are others by now."""
        self._hidden = None

    def follow(self, table: pd.DataFrame, *, deep: bool) -> None:
        """Follow how many axes are displayed, and which clusters there are.

        Parameters
        ----------
        table : DataFrame
            The clusters.
        deep : bool
            Whether they are seen in 3D.
        """
        colors = self._colors
        if self._hidden is not None and self._hidden not in colors.hidden:
            # A run may have given them other colours, and by that shows all.
            self._declined |= colors.n_taken_over == self._of
            self._hidden = None
        if deep and self._hidden is None and not self._declined and not colors.hidden:
            self._hidden, self._of = background_of(table), colors.n_taken_over
            if self._hidden is not None:
                colors.show(hidden={self._hidden})
        elif not deep and self._hidden is not None:
            shown, self._hidden = self._hidden, None
            colors.show(hidden=colors.hidden - {shown})

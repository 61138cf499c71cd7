"""The line below the cluster table: what the selected clusters are together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from napari_kmeans_seg.layers.clusters.share import Share

if TYPE_CHECKING:
    from collections.abc import Collection

    from napari_kmeans_seg.layers.clusters import Clusters


class TotalLine(QLabel):
    """Says how much is selected, or how much all clusters are, and percent of what that is."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setToolTip(
            "Percent of the image counts all its pixels. The column % counts those in a cluster: "
            "not what was deleted, lies outside the region or is no data."
        )

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        """Take two lines, however little is said: the buttons below must not move."""
        return max(super().heightForWidth(width), 2 * self.fontMetrics().lineSpacing())

    def follow(self, clusters: Clusters | None, selected: Collection[int]) -> None:
        """Speak of the selected clusters, or of all."""
        if clusters is None:
            self.setText("")
            return
        share = Share.of(clusters.layer.features, selected or None)
        who = f"{share.n} selected" if selected else f"All {share.n}"
        self.setText(f"{who}: {share.text}")

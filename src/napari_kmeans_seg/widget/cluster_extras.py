"""Below the cluster table: the colours of the clusters, and the result as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QComboBox, QGridLayout, QPushButton, QWidget

from napari_kmeans_seg.layers.cluster_colors import mean_colors_of
from napari_kmeans_seg.layers.colors import distinct_colors
from napari_kmeans_seg.layers.methods_text import methods_text
from napari_kmeans_seg.layers.opened_files import files_of
from napari_kmeans_seg.layers.python_script import python_script

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_kmeans_seg.layers.clusters import Clusters

_MEANS, _DISTINCT = 0, 1


class ClusterExtras(QWidget):
    """One switch for the colours of all clusters, and two buttons that fill the clipboard.

    Parameters
    ----------
    say : callable
        Is told what was done, and with False what could not be done.
    """

    def __init__(self, say: Callable[[str, bool], None]) -> None:
        super().__init__()
        self._say = say
        self._clusters: Clusters | None = None
        self.colors = QComboBox()
        self.colors.addItems(["Mean colours", "Distinct hues"])
        self.colors.setPlaceholderText("Other colours")
        self.colors.setToolTip(
            "Mean colours: each cluster in the mean of its pixels.\n"
            "Distinct hues: 16 that colour-blind people can tell apart, too."
        )
        self.methods = QPushButton("Copy methods text")
        self.methods.setToolTip("Put sentences for a paper on the clipboard.")
        self.script = QPushButton("Copy as Python")
        self.script.setToolTip("Put the script on the clipboard that gives this very result.")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        grid.addWidget(self.colors, 0, 0, 1, 2)
        grid.addWidget(self.methods, 1, 0)
        grid.addWidget(self.script, 1, 1)
        for button in (self.methods, self.script):
            button.setMinimumWidth(0)
        self.colors.activated.connect(self._recolor)
        self.methods.clicked.connect(self._copy_methods)
        self.script.clicked.connect(self._copy_script)

    def show_clusters(self, clusters: Clusters | None) -> None:
        """Offer what can be done with these clusters."""
        self._clusters = clusters
        worn = -1
        if clusters is not None:
            for choice in (_MEANS, _DISTINCT):
                colors = self._chosen(clusters, choice)
                now = clusters.colors.of_each(colors)
                if colors and np.allclose(list(now.values()), list(colors.values()), atol=4e-3):
                    worn = choice
        self.colors.setCurrentIndex(worn)

    def _chosen(self, clusters: Clusters, choice: int) -> dict[int, Any]:
        if choice == _DISTINCT:
            return distinct_colors(clusters.labels)
        return mean_colors_of(clusters.table, clusters.source())

    def _recolor(self, choice: int) -> None:
        if self._clusters is None:
            return
        colors = self._chosen(self._clusters, choice)
        if colors:
            self._clusters.recolor(colors, self.colors.itemText(choice))
        else:
            self._say("Mean colours need the image, with one channel or red, green, blue.", False)
            self.show_clusters(self._clusters)

    def _copy_methods(self) -> None:
        self._copy("Methods text", lambda clusters: methods_text(clusters.layer))

    def _copy_script(self) -> None:
        self._copy(
            "Python script",
            lambda clusters: python_script(clusters.layer, *files_of(clusters.sources())),
        )

    def _copy(self, what: str, write: Callable[[Clusters], str]) -> None:
        clipboard = QGuiApplication.clipboard()
        if self._clusters is None or clipboard is None:
            return
        try:
            clipboard.setText(write(self._clusters))
        except ValueError as error:
            self._say(str(error), False)
        else:
            self._say(f"{what} copied.", True)

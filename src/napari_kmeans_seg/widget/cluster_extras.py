"""Below the cluster table: the colours of the clusters, and the result as text."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QComboBox, QGridLayout, QPushButton, QWidget

from napari_kmeans_seg.layers.cluster_colors import mean_colors_of
from napari_kmeans_seg.layers.colors import distinct_colors
from napari_kmeans_seg.layers.methods_text import methods_text
from napari_kmeans_seg.layers.opened_files import files_of
from napari_kmeans_seg.layers.outputs import THROUGH_HUES, THROUGH_MEANS
from napari_kmeans_seg.layers.python_script import python_script

from .background import BackgroundWork, CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from napari_kmeans_seg.layers.clusters import Clusters

_MEANS, _DISTINCT = 0, 1
# How opaque labels are in these at first.
_OPACITY = (THROUGH_MEANS, THROUGH_HUES)
_SCRIPT = "Copy as Python"
_LOOK_EVERY = 20


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
        self._reading: tuple[Clusters, BackgroundWork[tuple[str, ...]]] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_EVERY)
        self._timer.timeout.connect(self._look)
        self.colors = QComboBox()
        self.colors.addItems(["Mean colours", "Distinct hues"])
        self.colors.setPlaceholderText("Other colours")
        self.colors.setToolTip(
            "Mean colours: each cluster in the mean of its pixels.\n"
            "Distinct hues: 16 that colour-blind people can tell apart, too."
        )
        self.methods = QPushButton("Copy methods text")
        self.methods.setToolTip("Put sentences for a paper on the clipboard.")
        self.script = QPushButton(_SCRIPT)
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
            table = clusters.table
            now = clusters.colors.of_each(table["label"].tolist())
            for choice in (_MEANS, _DISTINCT):
                colors = self._chosen(clusters, table, choice)
                if colors and np.allclose(list(now.values()), list(colors.values()), atol=4e-3):
                    worn = choice
        self.colors.setCurrentIndex(worn)

    def _chosen(self, clusters: Clusters, table: pd.DataFrame, choice: int) -> dict[int, Any]:
        if choice == _DISTINCT:
            return distinct_colors(table["label"].tolist())
        return mean_colors_of(table, clusters.source())

    def _recolor(self, choice: int) -> None:
        if self._clusters is None:
            return
        colors = self._chosen(self._clusters, self._clusters.table, choice)
        if colors:
            # What a person has set stays.
            usual = np.isclose(self._clusters.layer.opacity, _OPACITY).any()
            self._clusters.recolor(
                colors, self.colors.itemText(choice), _OPACITY[choice] if usual else None
            )
        else:
            self._say("Mean colours need the image, with one channel or red, green, blue.", False)
            self.show_clusters(self._clusters)

    def _copy_methods(self) -> None:
        if self._clusters is not None:
            layer = self._clusters.layer
            self._copy("Methods text", lambda: methods_text(layer))

    def _copy_script(self) -> None:
        """Copy the script once it is known whether the files still hold what was clustered."""
        if self._clusters is None or self._reading is not None:
            return
        sources = self._clusters.sources()
        work = BackgroundWork(lambda _report: files_of(sources), owner=self)
        self._reading = self._clusters, work
        self.script.setEnabled(False)
        self.script.setText("Reading files …")
        work.start()
        self._timer.start()

    def _look(self) -> None:
        if self._reading is not None and not self._reading[1].done:
            return
        self._timer.stop()
        self.script.setText(_SCRIPT)
        self.script.setEnabled(True)
        if self._reading is not None:
            (clusters, work), self._reading = self._reading, None
            with suppress(CancelledError):
                files = work.result()
                self._copy("Python script", lambda: python_script(clusters.layer, *files))

    @property
    def busy(self) -> bool:
        """Whether files are being read."""
        return self._reading is not None

    def stop(self) -> None:
        """Read no more. Touches no Qt object."""
        if self._reading is not None:
            self._reading[1].cancel()
            self._reading = None

    def _copy(self, what: str, write: Callable[[], str]) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is None:
            return
        try:
            clipboard.setText(write())
        except (ValueError, LookupError) as error:
            self._say(str(error), False)
        else:
            self._say(f"{what} copied.", True)

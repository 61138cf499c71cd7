"""Below the cluster table: the colours of the clusters, and the result as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QComboBox, QFileDialog, QGridLayout, QPushButton, QWidget

from napari_kmeans_seg.layers.clusters import PALETTES
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.model import model_of
from napari_kmeans_seg.layers.export.opened_files import files_of
from napari_kmeans_seg.layers.export.python_script import python_script
from napari_kmeans_seg.layers.outputs import THROUGH_HUES, THROUGH_MEANS

from ..task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_kmeans_seg.layers.clusters import Clusters

    from ..task import Clock

# How opaque labels are at first in each palette.
_OPACITY = {"mean": THROUGH_MEANS, "distinct": THROUGH_HUES}
_SCRIPT = "Copy as Python"


class ClusterExtras(QWidget):
    """One switch for the colours of all clusters, and two buttons that fill the clipboard.

    Parameters
    ----------
    clock : Clock
        Looks after the reading of files.
    say : callable
        Is given what was done, and with False what could not be done.
    """

    def __init__(self, clock: Clock, say: Callable[[str, bool], None]) -> None:
        super().__init__()
        self._say = say
        self._clusters: Clusters | None = None
        self._reading: Task[tuple[str, ...]] = Task(clock)
        self.colors = QComboBox()
        for palette, title in PALETTES.items():
            self.colors.addItem(title, palette)
        self.colors.setPlaceholderText("Other colours")
        self.colors.setToolTip(
            "Mean colours: each cluster in the mean of its pixels.\n"
            "Distinct hues: 16 colours that colour-blind people can distinguish, too."
        )
        self.methods = QPushButton("Copy methods text")
        self.methods.setToolTip("Copy sentences for a paper to the clipboard.")
        self.script = QPushButton(_SCRIPT)
        self.script.setToolTip("Copy a script that gives this very result to the clipboard.")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        grid.addWidget(self.colors, 0, 0, 1, 2)
        grid.addWidget(self.methods, 1, 0)
        grid.addWidget(self.script, 1, 1)
        self.model = QPushButton("Save model …")
        self.model.setToolTip(
            "Save a file by which other images get these clusters: merged, split, named and\n"
            "coloured as here."
        )
        grid.addWidget(self.model, 2, 0, 1, 2)
        self.model.clicked.connect(self._ask_model)
        for button in (self.methods, self.script, self.model):
            button.setMinimumWidth(0)
        self.colors.activated.connect(self._recolor)
        self.methods.clicked.connect(self._copy_methods)
        self.script.clicked.connect(self._copy_script)

    def show_clusters(self, clusters: Clusters | None) -> None:
        """Offer what can be done with these clusters."""
        self._clusters = clusters
        if not self._reading.busy:
            self._offer_script()
        # Of colours that are neither there is no such item: the place holder is read.
        palette = None if clusters is None else clusters.colors.palette
        self.colors.setCurrentIndex(self.colors.findData(palette))

    def _recolor(self, choice: int) -> None:
        clusters, palette = self._clusters, self.colors.itemData(choice)
        if clusters is None:
            return
        # What a person has set stays.
        usual = np.isclose(clusters.layer.opacity, list(_OPACITY.values())).any()
        try:
            clusters.recolor_all(palette, _OPACITY[palette] if usual else None)
        except ValueError as error:
            self._say(str(error), False)
            self.show_clusters(clusters)

    def _ask_model(self) -> None:
        """Ask where to, and save the model."""
        if self._clusters is None:
            return
        name = f"{self._clusters.layer.name}.json".replace("/", "_")
        path, _ = QFileDialog.getSaveFileName(self, "Save model", name, "Models (*.json)")
        if path:
            self.save_model(path)

    def save_model(self, path: str) -> None:
        """Write the model of the clusters, and say what it leaves out."""
        if self._clusters is None:
            return
        try:
            colors = self._clusters.colors.of_each(self._clusters.labels)
            model, left_out = model_of(self._clusters.layer, colors)
            model.save(path)
        except (OSError, ValueError) as error:
            self._say(str(error), False)
        else:
            self._say("\n".join([f"Model saved to {path}.", *left_out]), True)

    def _copy_methods(self) -> None:
        if self._clusters is not None:
            layer = self._clusters.layer
            self._copy("Methods text", lambda: methods_text(layer))

    def _copy_script(self) -> None:
        """Copy the script once it is known whether the files still hold what was clustered."""
        if self._clusters is None or self._reading.busy:
            return
        sources, layer = self._clusters.sources(), self._clusters.layer

        def write(files: tuple[str, ...]) -> None:
            self._offer_script()
            self._copy("Python script", lambda: python_script(layer, *files))

        self.script.setEnabled(False)
        self.script.setText("Reading files …")
        self._reading.start(lambda _report: files_of(sources), write, self._fail)

    def _offer_script(self) -> None:
        self.script.setText(_SCRIPT)
        self.script.setEnabled(True)

    def _fail(self, error: Exception) -> None:
        self._offer_script()
        raise error

    @property
    def busy(self) -> bool:
        """Whether files are being read."""
        return self._reading.busy

    def stop(self) -> None:
        """Read no more. Touches no Qt object."""
        self._reading.cancel()

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

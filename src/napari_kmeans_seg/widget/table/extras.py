"""Below the cluster table: the colours of the clusters, and the result as text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtGui import QColor, QGuiApplication
from qtpy.QtWidgets import QColorDialog, QComboBox, QFileDialog, QGridLayout, QWidget

from napari_kmeans_seg.layers.clusters import PALETTES
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.model import model_of
from napari_kmeans_seg.layers.export.opened_files import files_of
from napari_kmeans_seg.layers.export.python_script import python_script
from napari_kmeans_seg.layers.export.since import since
from napari_kmeans_seg.layers.export.tables import clusters_as_text, save_clusters, table_formats

from ..base.task import Task
from .buttons import ActionButton, action
from .counts import counts_of
from .model import SWATCH

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtCore import QModelIndex

    from napari_kmeans_seg.layers.clusters import Clusters

    from ..base.task import Clock
    from .view import ClusterView

_SCRIPT = "Copy as Python"


class ClusterExtras(QWidget):
    """One switch for the colours of all clusters, and buttons that take a result out of napari.

    Parameters
    ----------
    clock : Clock
        Looks after the reading of files.
    say : callable
        Is given what was done, and with False what could not be done.
    view : ClusterView
        Knows the order of the rows, and which are selected.
    """

    def __init__(self, clock: Clock, say: Callable[[str, bool], None], view: ClusterView) -> None:
        super().__init__()
        self._say, self._view = say, view
        self._clusters: Clusters | None = None
        # What was put on the clipboard last.
        self._copied = ""
        self._reading: Task[tuple[str, ...]] = Task(clock)
        self.colors = QComboBox()
        for palette, title in PALETTES.items():
            self.colors.addItem(title, palette)
        self.colors.setPlaceholderText("Other colours")
        self.colors.setToolTip(
            "Mean colours: each cluster in the mean of its pixels.\n"
            "Distinct hues: 16 colours that colour-blind people can distinguish, too."
        )
        formats = ", ".join(suffix.removeprefix(".").upper() for suffix in table_formats())
        made = [
            ("Copy table", "Ctrl+Shift+L", "Copy all rows and columns, with all digits.",
             self.copy_table),
            ("Save table…", "Ctrl+Shift+E", f"Save all rows and columns, all digits: {formats}.",
             self._ask_save),
            ("Copy methods text", "Ctrl+Shift+M", "Copy sentences for a paper.",
             self._copy_methods),
            (_SCRIPT, "Ctrl+Shift+Y", "Copy a script that gives this very result.",
             self._copy_script),
            ("Save model…", "Ctrl+Shift+D",
             "Save a file by which other images get these clusters, merged and named.",
             self._ask_model),
        ]  # fmt: skip
        self.actions_ = [action(self, *one) for one in made]
        self._script = self.actions_[3]
        each = [ActionButton(one) for one in self.actions_]
        self.table, self.file, self.methods, self.script, self.model = each
        rows = action(self, "Copy rows", "Ctrl+C", "Copy the selected rows.", self._copy_rows)
        tip = "Choose the colour of the selected cluster."
        color = action(self, "Colour…", "Ctrl+Shift+H", tip, self._color_selected)
        self.actions_ = [color, rows, *self.actions_]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        grid.addWidget(self.colors, 0, 0, 1, 2)
        for i, one in enumerate(each):
            grid.addWidget(one, 1 + i // 2, i % 2)
        self.colors.activated.connect(self._recolor)

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
        try:
            clusters.recolor_all(palette)
        except ValueError as error:
            self._say(str(error), False)
            self.show_clusters(clusters)

    def _ask_model(self) -> None:
        """Ask where to, and save the model."""
        if self._clusters is None:
            return
        name = self._clusters.layer.name.replace("/", "_").replace("\\", "_")
        path, _ = QFileDialog.getSaveFileName(self, "Save model", f"{name}.json", "Models (*.json)")
        if path:
            self.save_model(Path(path))

    def save_model(self, path: Path) -> None:
        """Write the model of the clusters, and say what it leaves out."""
        if (clusters := self._counted()) is None:
            return
        try:
            colors = clusters.colors.of_each(clusters.labels)
            model, left_out = model_of(clusters.layer, colors)
            model.save(path)
        except (OSError, ValueError) as error:
            self._say(f"The model was not saved: {error}", False)
        else:
            lines = [f"Saved as {path.name}.", *since(clusters.changed_since), *left_out]
            self._say("\n".join(lines), True)

    def on_double_click(self, index: QModelIndex) -> None:
        """Ask for the colour of the cluster whose colour was clicked."""
        if index.column() == SWATCH:
            self._choose_color(self._view.label(index))

    def _color_selected(self) -> None:
        if len(self._view.selected) == 1:
            self._choose_color(self._view.selected[0])
        else:
            self._say("Select one cluster to give it a colour.", False)

    def _choose_color(self, label: int) -> None:
        clusters = self._clusters
        if clusters is None:
            return
        now = QColor.fromRgbF(*map(float, clusters.colors.of(label)))
        chosen = QColorDialog.getColor(now, self, f"Colour of “{clusters.name(label)}”")
        if chosen.isValid():
            clusters.recolor({label: chosen.getRgbF()})

    def copy_table(self) -> None:
        """Put all rows on the clipboard, with all columns."""
        if (clusters := self._counted()) is not None:
            self._copy(
                "Table", clusters, lambda: clusters_as_text(clusters.layer, self._view.shown)
            )

    def _copy_rows(self) -> None:
        if (clusters := self._counted()) is None:
            return
        selected = self._view.selected
        rows = [label for label in self._view.shown if label in selected]
        if not rows:
            self._say("Select the rows to copy.", False)
            return
        what = f"{len(rows)} row{'s' if len(rows) > 1 else ''}"
        self._copy(what, clusters, lambda: clusters_as_text(clusters.layer, rows))

    def _counted(self) -> Clusters | None:
        """Give the clusters that are shown, once it is known what was changed of them by now."""
        return None if self._clusters is None else self._count(self._clusters)

    @staticmethod
    def _count(clusters: Clusters) -> Clusters:
        """Count what was painted on clusters, if that is to be done, and look what they are of."""
        if counts_of(clusters).busy:
            clusters.take_counts(clusters.recount()(None))
        clusters.look_again()
        return clusters

    def _ask_save(self) -> None:
        """Ask for the name of a file, and save the table."""
        if self._clusters is None:
            return
        formats = {f"{name} (*{suffix})": suffix for suffix, name in table_formats().items()}
        # A name of a layer may be that of a path.
        name = self._clusters.layer.name.replace("/", "_").replace("\\", "_")
        file, chosen = QFileDialog.getSaveFileName(
            self, "Save table", f"{name}.csv", ";;".join(formats)
        )
        if file:
            path, asked = Path(file), True
            if path.suffix.lower() not in formats.values():
                # Another file than the one of which the dialog asked whether it may be replaced.
                path, asked = Path(file + formats[chosen]), False
            self.save_table(path, overwrite=asked)

    def save_table(self, path: Path, *, overwrite: bool = False) -> None:
        """Save all rows, with what gave them."""
        if (clusters := self._counted()) is None:
            return
        try:
            changed = clusters.changed_since
            rows = self._view.shown
            save_clusters(path, clusters.layer, rows, changed=changed, overwrite=overwrite)
        except (ValueError, OSError) as error:
            self._say(f"The table was not saved: {error}", False)
        else:
            self._say(" ".join([f"Saved as {path.name}.", *since(changed)]), True)

    def _copy_methods(self) -> None:
        if (clusters := self._counted()) is not None:
            layer, changed = clusters.layer, clusters.changed_since
            what = f"Methods text of “{layer.name}”"
            self._copy(what, clusters, lambda: methods_text(layer, changed=changed))

    def _copy_script(self) -> None:
        """Copy the script once it is known whether the files still hold what was clustered."""
        if self._clusters is None or self._reading.busy:
            return
        clusters, sources = self._clusters, self._clusters.sources()

        def write(files: tuple[str, ...]) -> None:
            self._offer_script()
            layer, changed = self._count(clusters).layer, clusters.changed_since
            names = [one.name for one in sources]
            # Files that hold what the image shows by now do not hold what was clustered.
            known_files = () if "pixels" in changed else files
            self._copy(
                f"Python script of “{layer.name}”",
                clusters,
                lambda: python_script(layer, *known_files, names=names, changed=changed),
            )

        # Until the script is there nobody shall paste that of another image.
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None and self._copied and clipboard.text() == self._copied:
            clipboard.clear()
        self._say("Reading files …", True)
        self._script.setEnabled(False)
        self._script.setText("Reading files …")
        self._reading.start(lambda _report: files_of(sources), write, self._fail)

    def _offer_script(self) -> None:
        self._script.setText(_SCRIPT)
        self._script.setEnabled(True)

    def _fail(self, error: Exception) -> None:
        self._offer_script()
        raise error

    @property
    def busy(self) -> bool:
        """Whether files are being read."""
        return self._reading.busy

    def stop(self) -> None:
        """Read no more, and let go of the clusters. Touches no Qt object."""
        self._reading.cancel()
        self._clusters = None

    def _copy(self, what: str, clusters: Clusters, write: Callable[[], str]) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is None:
            return
        try:
            self._copied = write()
            clipboard.setText(self._copied)
        except (ValueError, LookupError) as error:
            self._say(str(error), False)
        else:
            self._say(" ".join([f"{what} copied.", *since(clusters.changed_since)]), True)

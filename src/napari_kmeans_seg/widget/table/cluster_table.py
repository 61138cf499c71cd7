"""The table of the clusters of a result, and what can be done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QGridLayout,
    QInputDialog,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from ..base.plain_text import plain
from ..base.sections import hidden_line
from ..base.task import Task
from .buttons import Action, action, buttons
from .canvas import label_at
from .extras import ClusterExtras
from .followed import Followed
from .note import ClusterNote
from .total import TotalLine
from .view import ClusterView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import napari.viewer
    from qtpy.QtCore import QPoint
    from qtpy.QtGui import QAction  # type: ignore[attr-defined]

    from napari_kmeans_seg import Segmentation
    from napari_kmeans_seg.layers.clusters import Clusters

    from ..base.state import DockState
    from ..base.task import Clock

# How far a mouse may move in a click, in pixels of the screen.
_STILL = 3


class ClusterTable(QWidget):
    """Shows the clusters of the active layer, or of what was made from it.

    Selecting rows dims the other clusters on the canvas; clicking a cluster on the canvas
    selects its row. Nothing is seen where there is no result.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer whose active layer is followed.
    clock : Clock
        Looks after what is done on threads.
    state : DockState
        Says when nothing is followed.
    images : callable
        Says which images are to be segmented, whatever layer is active.

    Attributes
    ----------
    followed : Signal
        Emitted when other clusters are shown than before, or none.
    read : Signal
        Emitted when they, or what is known of them, may have changed.
    """

    followed = Signal()
    read = Signal()

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        clock: Clock,
        state: DockState,
        images: Callable[[], Sequence[Image]],
    ) -> None:
        super().__init__()
        self._viewer = getattr(viewer, "__wrapped__", viewer)
        self._followed = Followed(self._viewer, images)
        self._clusters: Clusters | None = None
        self._layer: Labels | None = None
        self._shown: list[Any] = []
        self._listening = False
        self._clock, self._state = clock, state
        self._splitting: Task[Segmentation] = Task(clock)

        # The first by Tab, and then the buttons: rows are selected before they are pressed.
        self.view = ClusterView(self)
        self.whose, self.total = ClusterNote(), TotalLine()
        self.message = hidden_line()
        self.actions_: dict[str, QAction] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.whose)
        # Above the table, so that they stay under the mouse when it grows or shrinks.
        layout.addLayout(self._buttons())
        said = lambda text, good: self._say(text, fault=not good)  # noqa: E731
        self.extras = ClusterExtras(clock, said, self.view)
        # Their keys work wherever those of the table do.
        self.addActions(self.extras.actions_)
        layout.addWidget(self.extras)
        layout.addWidget(self.message)
        layout.addWidget(self.view)
        layout.addWidget(self.total)

        self.view.rows.refused.connect(self._say)
        self.view.rows.renamed.connect(self._unsay)
        self.view.selection.selectionChanged.connect(self._on_selection)
        self.view.doubleClicked.connect(self.extras.on_double_click)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._menu)
        self.hide()

    def _buttons(self) -> QGridLayout:
        """Make the actions, each with a button and a key."""
        made: list[tuple[str, str, str, Callable[[], None]]] = [
            ("Merge", "Ctrl+J", "Join the selected clusters to one.", self.merge),
            ("Split…", "Ctrl+T", "Split the selected cluster by k-means on its own pixels.",
             self.ask_split),
            ("Delete", "Del", "Turn the selected clusters into background.", self.delete),
            ("Extract", "Ctrl+E", "Add a mask layer of each selected cluster.", self.extract),
            ("Undo", "Ctrl+Z", "Undo the last step.", self.undo),
            ("Redo", "Ctrl+Shift+Z", "Redo the step that was undone.", self.redo),
        ]  # fmt: skip
        for text, key, tip, do in made:
            one = action(self, text, key, tip, lambda do=do: self._try(do))  # type: ignore[misc]
            self.actions_[text.rstrip("…").lower()] = one
        grid = buttons(self.actions_.values())
        one_mask = lambda: self._try(lambda: self.extract(joined=True))  # noqa: E731
        self.actions_["extract_joined"] = Action("Extract as one mask", self, one_mask)
        return grid

    # -- which clusters -----------------------------------------------------------------

    def listen(self) -> None:
        """Follow the viewer."""
        if not self._listening:
            self._listening = True
            for event in self._changes():
                event.connect(self._on_layers)
            self._viewer.mouse_drag_callbacks.append(self._on_canvas_click)
            self.message.hide()  # it is of work that ended when the dock was closed
        self.follow()

    def leave(self) -> None:
        """Follow the viewer no more, and highlight nothing. Touches no Qt object."""
        if self._listening:
            self._listening = False
            for event in self._changes():
                event.disconnect(self._on_layers)
            self._viewer.mouse_drag_callbacks.remove(self._on_canvas_click)
        self._splitting.cancel()
        self.extras.stop()
        self._let_go()

    def _changes(self) -> list[Any]:
        """Name the events after which other clusters may be the ones to show."""
        layers, selection = self._viewer.layers.events, self._viewer.layers.selection.events
        return [selection.active, selection.changed, layers.removed, layers.inserted]

    @property
    def clusters(self) -> Clusters | None:
        """The clusters that are shown."""
        return self._clusters

    def _on_layers(self) -> None:
        self._state.follow(self.follow)

    def follow(self) -> None:
        """Look again which clusters are to be shown: a run may have made some."""
        clusters = self._followed.find(self._clusters if self._is_here() else None)
        if clusters is not self._clusters:
            self._let_go()
            self.message.hide()  # it is of others
            self._clusters, self._shown = clusters, []
            self._layer = None if clusters is None else clusters.layer
            for event in self._events():
                event.connect(self._read_soon)
            self.followed.emit()
        self._read()

    def follow_run(self, labels: Labels | None) -> None:
        """Follow what a run has made, unless another image or result is active."""
        self._followed.made = getattr(labels, "__wrapped__", labels)
        self._state.follow(self.follow)

    def _is_here(self) -> bool:
        return self._layer is not None and self._layer in self._viewer.layers

    def _read_soon(self) -> None:
        # In the midst of a piece of work layers do not agree; `changed` comes after it.
        if self._clusters is not None and not self._clusters.is_changing:
            # What others do may emit several events: read once, when all are through.
            self._clock.call(self._read)

    def _let_go(self) -> None:
        for event in self._events():
            event.disconnect(self._read_soon)
        clusters, self._clusters = self._clusters, None
        if clusters is not None:
            clusters.colors.show(highlighted=())
        self._layer = None

    def _events(self) -> list[Any]:
        if self._clusters is None or self._layer is None:
            return []
        events = self._layer.events
        return [self._clusters.changed, events.features, events.colormap]

    def _read(self) -> None:
        """Show what there is now. The selection stays where the clusters are the same."""
        clusters = self._clusters
        now = [] if clusters is None else clusters.table.to_numpy().tolist()
        if now == self._shown and clusters is not None:
            self.view.rows.recolored()
            self.extras.show_clusters(clusters)
        else:
            if not self._splitting.busy and not self.message.text().startswith("⚠"):
                self.message.hide()  # a text that was copied describes what there was
            same = [row[1] for row in now] == [row[1] for row in self._shown]
            if clusters is not None and self._shown and not same:
                # Others have changed them: what was said of a label is not true any more.
                clusters.view_anew()
                clusters.colors.cover()
            self.show_clusters(self.selected if same else ())
        self.whose.follow(clusters)
        self.total.follow(clusters, self.selected)
        self._enable()
        self.read.emit()

    def show_clusters(self, select: Iterable[int] = ()) -> None:
        """Fill the table, and select the rows of some clusters."""
        clusters = self._clusters
        self.view.show_clusters(clusters)
        # Not at each selection, for it takes a while.
        self.extras.show_clusters(clusters)
        self._shown = [] if clusters is None else clusters.table.to_numpy().tolist()
        self.setVisible(clusters is not None)
        self.select(select)

    def show_nothing(self) -> None:
        """Let go of the clusters once they are followed no more."""
        self.show_clusters()
        self.whose.follow(None)

    # -- selecting ----------------------------------------------------------------------

    @property
    def selected(self) -> list[int]:
        """The labels of the selected rows."""
        return self.view.selected

    def select(self, labels: Iterable[int]) -> None:
        """Select the rows of clusters."""
        self.view.select(labels)
        self._on_selection()

    def _on_selection(self) -> None:
        if self._clusters is not None:
            self._clusters.colors.show(highlighted=self.selected)
        self.total.follow(self._clusters, self.selected)
        self._enable()

    def _on_canvas_click(self, _viewer: Any, event: Any) -> Iterator[None]:
        """Select the row of the cluster that is clicked on the canvas."""
        active = self._viewer.layers.selection.active
        painting = isinstance(active, Labels) and active.mode not in ("pan_zoom", "pick")
        if not self._is_here() or painting or event.button != 1:
            return
        pressed = np.array(event.pos)
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.array(event.pos) - pressed).max() > _STILL or not self._is_here():
            return  # the canvas was moved
        assert self._layer is not None
        label = label_at(self._viewer, self._layer, event)
        add = {"Shift", "Control"} & {str(key) for key in event.modifiers}
        self.select({*(self.selected if add else ()), *([label] if label else [])})
        self.view.reveal()

    # -- work ---------------------------------------------------------------------------

    def merge(self) -> None:
        """Make the selected clusters one."""
        if self._clusters is not None:
            self.show_clusters([self._clusters.merge(self.selected)])

    def ask_split(self) -> None:
        """Ask into how many, and split the selected cluster."""
        if len(self.selected) != 1:
            raise ValueError("Select one cluster to split it.")
        assert self._clusters is not None
        name = self._clusters.name(self.selected[0])
        n_parts, ok = QInputDialog.getInt(self, "Split", f"Split “{name}” into:", 2, 2, 50)
        if ok:
            self.split(n_parts)

    def split(self, n_parts: int) -> None:
        """Split the selected cluster. Returns at once; the work is done on a thread."""
        if len(self.selected) != 1:
            raise ValueError("Select one cluster to split it.")
        if self._splitting.busy:
            raise ValueError("A cluster is being split already.")
        clusters, (label,) = self._clusters, self.selected
        assert clusters is not None
        work = clusters.parts(label, n_parts)
        self._say(f"Splitting “{clusters.name(label)}” …", fault=False)

        def finish(parts: Segmentation) -> None:
            self.message.hide()
            made = clusters.split(label, parts)
            if clusters is self._clusters:
                self.show_clusters(made)
            if parts.warnings:
                self._say("\n".join(parts.warnings))
            self._enable()

        self._splitting.start(work, finish, self._fail)
        self._enable()

    def _fail(self, error: Exception) -> None:
        self._say(str(error) or type(error).__name__)
        self._enable()

    def delete(self) -> None:
        """Make the selected clusters background."""
        if self._clusters is not None:
            self._clusters.delete(self.selected)
            self.show_clusters()

    def extract(self, *, joined: bool = False) -> None:
        """Add masks of the selected clusters."""
        if self._clusters is not None:
            self._clusters.extract(self.selected, joined=joined)

    def undo(self) -> None:
        """Take back the last step."""
        if self._clusters is not None:
            self._clusters.undo()
            self.show_clusters()

    def redo(self) -> None:
        """Do the step again that was taken back."""
        if self._clusters is not None:
            self._clusters.redo()
            self.show_clusters()

    def _try(self, work: Callable[[], None]) -> None:
        self.message.hide()
        try:
            work()
        except (ValueError, LookupError) as error:
            self._say(str(error))
        self._enable()

    def _say(self, text: str, *, fault: bool = True) -> None:
        self.message.setText(f"⚠ {text}" if fault else text)
        self.message.show()

    def _unsay(self) -> None:
        """Take back why a name was refused; what is said of work that goes on stays."""
        if not self._splitting.busy:
            self.message.hide()

    def _enable(self) -> None:
        n, clusters, idle = len(self.selected), self._clusters, not self._splitting.busy
        undo, redo = (clusters.undoable, clusters.redoable) if clusters else (None, None)
        able = {
            "merge": n > 1,
            "split": n == 1 and idle,
            "delete": n > 0,
            "extract": n > 0,
            "extract_joined": n > 1,
            "undo": undo is not None,
            "redo": redo is not None,
        }
        for name, on in able.items():
            self.actions_[name].setEnabled(on)
        for name, step, keys in (("undo", undo, "Ctrl+Z"), ("redo", redo, "Ctrl+Shift+Z")):
            tip = f"{name.capitalize()}: {step} ({keys})" if step else f"Nothing to {name}."
            self.actions_[name].setToolTip(plain(tip))

    def _menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.addActions(list(self.actions_.values()))
        menu.addActions(self.extras.actions_)
        menu.addSeparator()
        menu.addMenu(self.view.sort_menu())
        menu.popup(self.view.mapToGlobal(place))

"""One switch for what is seen of a result: the original, the segmented image, the clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_kmeans_seg.layers.outputs.appearance import SEEN, ResultLayers, result_of

from .base.plain_text import plain
from .base.sections import hidden_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import napari.viewer
    from napari.layers import Image, Layer

    from napari_kmeans_seg.layers.outputs.appearance import Seen

    from .base.task import Clock
    from .table.cluster_table import ClusterTable

_IN_DEPTH = "In 3D the largest cluster, “{}”, is hidden at first. Tick it to show it."


class SeenSwitch(QWidget):
    """Three buttons, of which the one is pressed that says what is seen.

    It says so of the layers as they are: whoever hides one in napari's list sees it here.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer that shows the layers.
    table : ClusterTable
        Says of which clusters.
    images : callable
        Says which images are to be segmented, where there are no clusters.
    clock : Clock
        Lets several changes come together.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        table: ClusterTable,
        images: Callable[[], Sequence[Image]],
        clock: Clock,
    ) -> None:
        super().__init__()
        self._viewer = getattr(viewer, "__wrapped__", viewer)
        self._table, self._images, self._clock = table, images, clock
        self._result: ResultLayers | None = None
        self._events: list[Any] = []
        self._listening = False
        self.buttons: dict[Seen, QPushButton] = {}
        row = QHBoxLayout()
        row.setSpacing(0)
        for seen, (title, tip) in SEEN.items():
            button = QPushButton(title)
            button.setCheckable(True)
            button.setMinimumWidth(0)
            button.setToolTip(plain(tip))
            # By Tab, as every button; a click leaves the keyboard where it is.
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(self._on_button)
            self.buttons[seen] = button
            row.addWidget(button)
        self.note = hidden_line()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(self.note)
        table.read.connect(self.follow_soon)
        # A tick is about the clusters, and has nothing to show elsewhere.
        table.view.rows.ticked.connect(self._show_clusters)
        self.hide()

    def listen(self) -> None:
        """Follow the viewer."""
        if not self._listening:
            self._listening = True
            layers, dims = self._viewer.layers.events, self._viewer.dims.events
            for event in (layers.inserted, layers.removed, dims.ndisplay):
                event.connect(self.follow_soon)
            # At once: napari collects garbage as it removes layers. Were they kept until the clock
            # calls, what is known of them, masks in the history too, would wait for another time.
            layers.removed.connect(self._let_go)
        self.follow_soon()

    def leave(self) -> None:
        """Follow the viewer no more. Touches no Qt object."""
        if self._listening:
            self._listening = False
            layers, dims = self._viewer.layers.events, self._viewer.dims.events
            for event in (layers.inserted, layers.removed, dims.ndisplay):
                event.disconnect(self.follow_soon)
            layers.removed.disconnect(self._let_go)
        self._let_go()

    def _on_button(self) -> None:
        pressed = self.sender()
        for seen, button in self.buttons.items():
            if button is pressed:
                self.show_only(seen)

    def show_only(self, seen: Seen) -> None:
        """Look at the original, the segmented image or the clusters."""
        self._follow()
        if self._result is not None:
            self._result.show(seen)
        self._say()

    def _show_clusters(self) -> None:
        """Look at the clusters, unless they are seen in some view already."""
        self._follow()
        result = self._result
        if result is not None and not any(one.visible for one in result.labels):
            self.show_only("clusters")

    def follow_soon(self) -> None:
        """Look again, once all that goes on is through."""
        self._clock.call(self._follow)

    def _follow(self) -> None:
        self._let_go()
        layer = self._layer()
        if layer is not None:
            self._result = ResultLayers.of(self._viewer, layer)
            result = self._result
            every = (*result.sources, *result.images, *result.labels, *result.others)
            self._events = [(one.events.visible, self._say_soon) for one in every]
        clusters = self._table.clusters
        if clusters is not None:
            clusters.follow_view()
        for event, callback in self._events:
            event.connect(callback)
        self._say()

    def _layer(self) -> Layer | None:
        if self._table.clusters is not None:
            return self._table.clusters.layer
        return result_of(self._viewer, self._images())

    def _let_go(self, _event: object = None) -> None:
        for event, callback in self._events:
            event.disconnect(callback)
        self._events, self._result = [], None

    def _say_soon(self) -> None:
        self._clock.call(self._say)

    def _say(self) -> None:
        """Say what is seen."""
        result, clusters = self._result, self._table.clusters
        if result is not None:
            now = result.seen
            there = {"original": result.sources, "segmented": result.images}
            for seen, button in self.buttons.items():
                button.setChecked(seen == now)
                button.setEnabled(bool(there.get(seen, result.labels)))
        hidden = None if clusters is None else clusters.depth.hidden
        if clusters is not None and hidden is not None:
            self.note.setText(plain(_IN_DEPTH.format(clusters.name(hidden))))
        self.note.setVisible(hidden is not None)
        self.setVisible(result is not None)

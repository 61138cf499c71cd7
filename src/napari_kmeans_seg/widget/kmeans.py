"""The dock widget: choose k, press Run."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from magicgui.widgets import CheckBox, Container, Label, ProgressBar, PushButton, SpinBox, Widget
from napari.layers import Image
from napari.utils import progress as napari_progress
from napari.utils.notifications import show_error
from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtGui import QIcon, QPixmap
from qtpy.QtWidgets import QScrollArea, QSizePolicy, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_kmeans_seg.layers import (
    EditWatch,
    LayerImage,
    Outputs,
    describe,
    describe_channels,
    earlier_outputs,
    warm_up_early,
)

from .background import BackgroundWork
from .cluster_curve import HowMany
from .cluster_table import ClusterTable
from .inputs import Inputs
from .options import Options, align_labels
from .preview import Preview
from .wording import breakable, dropped, summary, warnings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer

State = Literal["empty", "ready", "running", "done", "cancelled", "error"]

_log = logging.getLogger(__name__)

# How often the interface looks at the running work, in milliseconds.
_LOOK_EVERY = 50


@dataclass(frozen=True, eq=False)
class _Run:
    """A run of k-means on one layer, from the press of the button to its end."""

    source: LayerImage
    watches: list[EditWatch]
    work: BackgroundWork[Outputs]
    bar: napari_progress
    started: float

    def end(self) -> None:
        """Let go of the layers and of napari's progress bar."""
        self.bar.close()
        for watch in self.watches:
            watch.close()


class KMeansWidget(Container[Widget]):
    """Segments the active image layer of a viewer by k-means.

    The work runs on a thread of its own; the widget looks at it every 50 ms. The rule for
    the layers of an earlier run is told in `napari_kmeans_seg.layers.Outputs`. When the
    source is removed, when its data are replaced or when the widget or its viewer is
    closed before the work is done, the result is dropped and nothing is changed.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer whose active layer is segmented.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._sources: tuple[Image, ...] = ()
        self._run: _Run | None = None
        self._listening = False
        self.state: State = "empty"

        self.layer_name = Label(name="layer_name")
        self.layer_kind = Label(name="layer_kind")
        self.n_clusters = SpinBox(
            name="n_clusters",
            label="Clusters",
            value=5,
            min=1,
            max=255,
            tooltip="k: into how many clusters of similar pixel values the image is split.",
        )
        self.run_button = PushButton(
            name="run_button", text="Run", tooltip="Segment the image named above."
        )
        self.cancel_button = PushButton(
            name="cancel_button", text="Cancel", tooltip="Stop; nothing is changed."
        )
        self.live = CheckBox(
            name="live",
            text="Live preview",
            tooltip="Show the clusters at once when k or another setting is changed.",
        )
        self.progress_bar = ProgressBar(name="progress_bar", value=0, min=0, max=100)
        self.message = Label(name="message")
        self.warning = Label(name="warning")
        self.more_options = Options()
        self.inputs = Inputs(viewer)

        fields: Container[Widget] = Container(name="fields")
        # Not by the constructor: only later additions get labels of one width.
        fields.extend([self.n_clusters, *self.inputs.front])
        buttons = Container(
            name="buttons",
            layout="horizontal",
            labels=False,
            widgets=[self.run_button, self.cancel_button],
        )
        for container in (fields, buttons):
            container.margins = (0, 0, 0, 0)
        align_labels(fields)
        super().__init__(
            labels=False,
            widgets=[
                self.layer_name,
                self.layer_kind,
                fields,
                buttons,
                self.live,
                self.progress_bar,
                self.message,
                self.warning,
            ],
        )
        self._style()

        self.run_button.changed.connect(self.run)
        self.cancel_button.changed.connect(self.cancel)
        self.inputs.changed.connect(self._enable)
        self.how_many = HowMany(self._viewer, self._setting)
        self.how_many.picked.connect(self._take)
        # Below the buttons, above the progress.
        self.native.layout().insertWidget(5, self.how_many)
        self.preview = Preview(self._viewer, self._on_preview, self._on_refused, self.native)
        for setting in (self.live, self.n_clusters, self.more_options):
            setting.changed.connect(self._preview)
        self._timer = QTimer(self.native)
        self._timer.setInterval(_LOOK_EVERY)
        self._timer.timeout.connect(self._look)
        self._parent_change = _ParentChange(self.native, self._on_parent)
        self.native.destroyed.connect(self._leave)
        self._listen()
        warm_up_early()

    def _style(self) -> None:
        """Do what magicgui has no words for."""
        for label in (self.layer_name, self.layer_kind, self.message, self.warning):
            label.native.setWordWrap(True)
            label.native.setMinimumWidth(0)
            label.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        font = self.layer_name.native.font()
        font.setBold(True)
        self.layer_name.native.setFont(font)

        bar = self.progress_bar.native
        bar.setTextVisible(False)
        bar.setFixedHeight(6)
        # The fields below must not jump when a run begins and ends.
        policy = bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        bar.setSizePolicy(policy)
        self.progress_bar.hide()
        self.warning.hide()

        # Its own arrows are drawn once, in a colour that is not the theme's: draw nothing.
        nothing = QPixmap(1, 1)
        nothing.fill(Qt.GlobalColor.transparent)
        icon = QIcon(nothing)
        self.more = QCollapsible("▸ More options", expandedIcon=icon, collapsedIcon=icon)
        self.more.toggleButton().setIconSize(QSize(0, 0))
        self.more.toggled.connect(
            lambda open_: self.more.setText(f"{'▾' if open_ else '▸'} More options")
        )
        self.more.setDuration(0)
        for box in (self.more, self.more.content()):
            if (layout := box.layout()) is not None:
                layout.setContentsMargins(0, 0, 0, 0)
        self.more.toggleButton().setStyleSheet(
            "text-align: left; border: none; background: transparent; padding: 3px 0;"
        )
        # All open at once would be taller than a small screen.
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.inputs.native)
        rows.addWidget(self.more_options.native)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFixedHeight(220)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self.more.addWidget(scroll)
        self.more.collapse(animate=False)
        self.native.layout().addWidget(self.more)
        self.clusters = ClusterTable(self._viewer)
        self.native.layout().addWidget(self.clusters)

    # -- which layer --------------------------------------------------------------------

    @property
    def _source(self) -> Image | None:
        """The image that will be segmented; of several, the first."""
        return self._sources[0] if self._sources else None

    def _follow(self) -> None:
        """Take the active layer as the one to segment, or several selected images together."""
        selection = self._viewer.layers.selection
        chosen = [selection.active] if selection.active is not None else selection
        # In the order of the list, so that the order of clicks does not matter.
        images = tuple(x for x in self._viewer.layers if x in chosen and isinstance(x, Image))
        sources = images if len(chosen) == 1 or len(images) > 1 else ()
        changed = [x.unique_id for x in sources] != [x.unique_id for x in self._sources]
        if changed:
            self.how_many.follow()
            for layer in self._sources:
                layer.events.data.disconnect(self._describe_source)
            for layer in sources:
                layer.events.data.connect(self._describe_source)
            self._sources = sources
        self.inputs.follow(sources)
        self._describe_source()
        source = self._source
        # Why a run ended stays to be read when its layer goes and another takes its place.
        stale = changed and self.state != "cancelled"
        if self._run is None and (stale or self.state == "empty"):
            if source is None:
                self._enter("empty", "")
            else:
                self._enter("ready", "Ready.")
        self._enable()

    def _describe_source(self) -> None:
        """Say which layer will be segmented, or what to do to get one."""
        self.preview.drop_stale()
        self.inputs.offer_layers()
        if len(self._sources) > 1:
            title = f"{len(self._sources)} layers as channels"
            try:
                detail = describe_channels(self._sources)
            except ValueError as error:
                detail = f"✖ {error}"
        elif self._source is not None:
            title, detail = breakable(self._source.name), describe(self._source)
        elif len(self._viewer.layers) == 0:
            title = "No image"
            detail = "Open an image: File ▸ Open File(s)… or File ▸ Open Sample."
        elif self._viewer.layers.selection.active is not None:
            title = "No image layer is active"
            name = self._viewer.layers.selection.active.name
            detail = f"“{name}” is not an image. Click an image in the layer list."
        else:
            title, detail = (
                "No image layer is active",
                "Click one image in the layer list, or several to cluster them together.",
            )
        self.layer_name.value, self.layer_kind.value = title, detail
        self.layer_name.tooltip = self.layer_kind.tooltip = "What Run will segment."

    def _enable(self) -> None:
        running = self._run is not None
        self.run_button.enabled = self._source is not None and not running
        self.cancel_button.enabled = running
        self.n_clusters.enabled = self.inputs.k_is_free

    def _enter(self, state: State, message: str, warnings: tuple[str, ...] = ()) -> None:
        self.state = state
        self.message.value = message
        self.warning.value = "\n".join(f"⚠ {warning}" for warning in warnings)
        self.warning.visible = bool(warnings)
        self.progress_bar.visible = state == "running"

    # -- a run --------------------------------------------------------------------------

    def run(self) -> None:
        """Segment the active image layer. Returns at once."""
        if self._source is None or self._run is not None:
            return
        kinds = self.more_options.kinds
        if not kinds:
            self._fail("Nothing to add: tick “Segmented image” or “Labels” under More options.")
            return
        try:
            source, parameters = self._setting()
        except ValueError as error:
            self._fail(str(error))
            return
        self.preview.stop()
        watches = [EditWatch(layer) for layer in earlier_outputs(self._viewer, source, kinds)]

        def segment_and_paint(report: Callable[[float, str], None]) -> Outputs:
            segmentation = source.segment(
                progress=lambda fraction, stage: report(0.9 * fraction, stage), **parameters
            )

            def painting(_fraction: float, _stage: str) -> None:
                report(0.95, "Painting")

            painting(0, "")
            outputs = Outputs.paint(source, segmentation, kinds, painting)
            for watch in watches:
                watch.check(painting)
            return outputs

        self._run = _Run(
            source=source,
            watches=watches,
            work=BackgroundWork(segment_and_paint, owner=self),
            bar=napari_progress(total=100, desc=f"K-means: {source.name}"),
            started=perf_counter(),
        )
        self.progress_bar.value = 0
        self._enter("running", f"Segmenting “{source.name}” …")
        self._enable()
        self._run.work.start()
        self._timer.start()

    @property
    def _parameters(self) -> dict[str, Any]:
        """The settings as arguments of `napari_kmeans_seg.segment`."""
        return {
            "n_clusters": self.n_clusters.value,
            **self.more_options.parameters,
            **self.inputs.parameters,
        }

    def _setting(self) -> tuple[LayerImage, dict[str, Any]]:
        if self._source is None:
            raise ValueError("Open an image first, or click one in the layer list.")
        return self.inputs.source(), self._parameters

    def _take(self, n_clusters: int) -> None:
        self.n_clusters.value = n_clusters

    def _preview(self) -> None:
        """Show the clusters for the settings there are now, where live preview is on."""
        if not self.live.value:
            self.preview.stop()
        elif self._source is not None and self._run is None and self.more_options.kinds:
            try:
                source, parameters = self._setting()
            except ValueError as error:
                self._on_refused(str(error))
                return
            if source.is_lazy:
                self._on_refused("Live preview needs an image in memory. Press Run instead.")
                return
            self.preview.request(source, parameters, self.more_options.kinds)

    def _on_preview(self, outputs: Outputs, seconds: float) -> None:
        self.clusters.follow()
        segmentation = outputs.segmentation
        self._enter("done", summary(segmentation, seconds), warnings_of(segmentation))

    def _on_refused(self, message: str) -> None:
        self._enter("error", f"✖ {message}")

    def cancel(self) -> None:
        """Stop the run, if there is one. Nothing is changed."""
        self._abandon("Cancelled. Nothing was changed.")

    def _abandon(self, why: str) -> None:
        """Let go of the run at once; its thread ends when it next reports its progress."""
        if self._run is not None:
            self._run.work.cancel()
            self._enter("cancelled", why)
            self._end_run()

    def _look(self) -> None:
        """See how far the work is."""
        run = self._run
        if run is None:
            return
        percent = int(100 * run.work.fraction)
        if percent > run.bar.n:
            run.bar.update(percent - run.bar.n)
            self.progress_bar.value = percent
        if run.work.stage:
            self.message.value = f"“{run.source.name}”: {run.work.stage.lower()}, {percent} %"
        if run.work.done:
            try:
                self._finish(run)
            except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
                _log.info("The run on “%s” failed.", run.source.name, exc_info=error)
                self._fail(str(error) or type(error).__name__)
            finally:
                self._end_run()

    def _finish(self, run: _Run) -> None:
        """Show the result, or say why there is none."""
        outputs = run.work.result()
        layers = run.source.layers_in(self._viewer)
        if layers is None or not run.source.is_still(*layers):
            self._enter("cancelled", dropped(run.source.name, "got other data"))
        else:
            outputs.show(self._viewer, run.watches)
            self.clusters.follow()
            segmentation = outputs.segmentation
            text = summary(segmentation, perf_counter() - run.started)
            if not _same_layer(layers[0], self._source):
                text = f"“{run.source.name}”: {text}"
            self._enter("done", text, warnings_of(segmentation))

    def _fail(self, message: str) -> None:
        self._enter("error", f"✖ {message}")
        show_error(f"K-means: {message}")

    def _end_run(self) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        self._timer.stop()
        run.end()
        self._enable()

    def _on_removed(self) -> None:
        if self._run is not None and self._run.source.layers_in(self._viewer) is None:
            self._abandon(dropped(self._run.source.name, "was removed"))
        self._follow()

    # -- coming and going ---------------------------------------------------------------

    def _listen(self) -> None:
        """Hear of the viewer's layers."""
        if self._listening:
            return
        layers = self._viewer.layers
        layers.selection.events.active.connect(self._follow)
        layers.selection.events.changed.connect(self._follow)
        layers.events.inserted.connect(self._follow)
        layers.events.removed.connect(self._on_removed)
        layers.events.renamed.connect(self._describe_source)
        self._listening = True
        self._follow()
        self.clusters.listen()

    def _leave(self) -> None:
        """Drop the work that runs, and hear of the viewer no more. Touches no Qt object."""
        run, self._run = self._run, None
        if run is not None:
            run.work.cancel()
            run.end()
        if not self._listening:
            return
        self._listening = False
        self.preview.stop()
        self.how_many.stop()
        self.clusters.leave()
        layers = self._viewer.layers
        layers.selection.events.active.disconnect(self._follow)
        layers.selection.events.changed.disconnect(self._follow)
        layers.events.inserted.disconnect(self._follow)
        layers.events.removed.disconnect(self._on_removed)
        layers.events.renamed.disconnect(self._describe_source)
        for layer in self._sources:
            layer.events.data.disconnect(self._describe_source)
        self._sources = ()

    def _on_parent(self) -> None:
        """Leave when the dock is closed, and be there again when docked anew."""
        if self.native.parent() is not None:
            self._listen()
        else:
            self._leave()
            self._timer.stop()
            self._enter("empty", "")


class _ParentChange(QObject):
    """Tells when a Qt widget gets another parent, or none: so napari closes a dock."""

    def __init__(self, watched: QObject, callback: Callable[[], None]) -> None:
        super().__init__(watched)
        self._callback = callback
        watched.installEventFilter(self)

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Pass everything on."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            self._callback()
        return False


def _same_layer(one: Image | None, other: Image | None) -> bool:
    """Whether two are the same layer; napari hands the same one out in several wrappings."""
    if one is None or other is None:
        return one is other
    return bool(one.unique_id == other.unique_id)

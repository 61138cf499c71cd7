"""The dock widget: choose k, press Run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

from magicgui.widgets import CheckBox, Container, Label, ProgressBar, PushButton, Widget
from napari.utils.notifications import show_error
from qtpy.QtCore import QEvent, QTimer

from napari_kmeans_seg.layers import LayerImage, Outputs, PartInView, blurred_axes, warm_up_early

from .cluster_count import ClusterCount
from .cluster_curve import HowMany
from .cluster_plot import ClusterPlot
from .cluster_table import ClusterTable
from .inputs import Inputs
from .options import Options, OptionsSection, align_labels
from .plain_text import show_plain
from .preview import Preview
from .run import Run
from .sections import On, Scrolled, Section, WheelScrolls, mark, wrap
from .settings import LastSettings
from .target import Target
from .wording import breakable, dropped, in_fields, summary, warnings_of

if TYPE_CHECKING:
    import napari.viewer

    from napari_kmeans_seg import Segmentation

State = Literal["empty", "ready", "running", "done", "cancelled", "error"]

_log = logging.getLogger(__name__)

# How often the interface looks at the running work, in milliseconds.
_LOOK_EVERY = 50


class KMeansWidget(Container[Widget]):
    """Segments the active image layer of a viewer by k-means.

    The work runs on a thread of its own. The rule for the layers of an earlier run is told
    in `napari_kmeans_seg.layers.Outputs`. When the source goes, gets other data or the
    widget is closed before the work is done, the result is dropped and nothing is changed.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer whose active layer is segmented.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._run: Run | None = None
        self._listening = False
        self.state: State = "empty"
        # What was said of the last result, and of which images.
        self._told: tuple[tuple[object, ...], str, tuple[str, ...]] = ((), "", ())

        self.inputs = Inputs(viewer)
        self.target = Target(viewer, self.inputs.takes_part)
        self.layer_name, self.layer_kind = self.target.layer_name, self.target.layer_kind
        self.cluster_count = ClusterCount()
        self.n_clusters = self.cluster_count.number
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

        self.fields: Container[Widget] = Container(name="fields")
        # Not by the constructor: only later additions get labels of one width.
        self.fields.extend([self.cluster_count, *self.inputs.front])
        buttons = Container(
            name="buttons",
            layout="horizontal",
            labels=False,
            widgets=[self.run_button, self.cancel_button],
        )
        for container in (self.fields, buttons):
            container.margins = (0, 0, 0, 0)
        align_labels(self.fields, em=4)
        told = (self.progress_bar, self.message, self.warning)
        super().__init__(
            labels=False, widgets=[self.target, self.fields, buttons, self.live, *told]
        )
        self._last = LastSettings(self._settings, self.native)
        self.n_clusters.value = self._last.values.get("n_clusters", self.n_clusters.value)
        self.more_options.take(self._last.values)
        self._style()

        self.target.followed.connect(self._on_followed)
        self.target.described.connect(self._on_described)
        self.run_button.changed.connect(self.run)
        self.cancel_button.changed.connect(self.cancel)
        self.inputs.changed.connect(self._on_inputs)
        self.how_many.picked.connect(self._take)
        self.preview = Preview(self._viewer, self._on_preview, self._on_refused, self.native)
        settings = (self.n_clusters, self.more_options, self.inputs, *self.inputs.front)
        for setting in (self.live, *settings):
            setting.changed.connect(self._preview)
            setting.changed.connect(self.how_many.follow)
        self.target.described.connect(self.how_many.follow)
        self.preview.outdated.connect(self._preview)
        self.preview.part_shown.connect(self._on_part)
        self._timer = QTimer(self.native)
        self._timer.setInterval(_LOOK_EVERY)
        self._timer.timeout.connect(self._look)
        for setting in (self.n_clusters, self.more_options):
            setting.changed.connect(self._last.keep_soon)
        self._parent_change = On(self.native, QEvent.Type.ParentChange, self._on_parent)
        self._hidden = On(self.native, QEvent.Type.Hide, self._last.keep_now)
        self.native.destroyed.connect(self._leave)
        self._listen()
        warm_up_early()

    def _style(self) -> None:
        """Do what magicgui has no words for."""
        wrap(self.message, self.warning)
        bar = self.progress_bar.native
        bar.setTextVisible(False)
        bar.setFixedHeight(6)
        # The fields below must not jump when a run begins and ends.
        policy = bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        bar.setSizePolicy(policy)
        self.progress_bar.hide()
        self.warning.hide()

        self.how_many = HowMany(self._viewer, self._setting, self.message)
        self.where = Section("Region, seeds and clean-up", self.inputs.native)
        self.more = OptionsSection(self.more_options)
        self.clusters = ClusterTable(self._viewer)
        self.cluster_plot = ClusterPlot(self._viewer, self.clusters)
        self.see = Section("See the clusters", self.cluster_plot)
        # What a run adds lies below what is there before it, so that nothing jumps.
        self.below = Scrolled(self.how_many, self.where, self.more, self.clusters, self.see)
        self.native.layout().addWidget(self.below)
        self._wheel = WheelScrolls(self.native, self.below)
        show_plain(self.native)

    # -- which layer --------------------------------------------------------------------

    def _on_followed(self, changed: bool) -> None:
        """Go with the image that is to be segmented."""
        if self._run is not None and self._run.source.layers_in(self._viewer) is None:
            self._abandon(dropped(self._run.source.name, "was removed"))
        if changed:
            self.how_many.follow()
        self.preview.drop_stale()
        images = self.target.images
        self.inputs.follow(images)
        # Not when there is none: while outputs are added something else is active.
        if images:
            axes = blurred_axes(images[0])
            self.more_options.offer(len(images), rgb=images[0].rgb, axes=axes)
        # Why a run ended stays to be read when its layer goes and another takes its place.
        stale = changed and self.state != "cancelled"
        if self._run is None and (stale or self.state == "empty"):
            link, text, warnings = self._told
            if self.target.image is None:
                self._enter("empty", "")
            elif self.target.link == link:
                self._enter("done", text, warnings)
            else:
                self._enter("ready", "Ready.")
        self._enable()

    def _on_described(self) -> None:
        self.preview.drop_stale()
        self.inputs.offer()

    def _on_inputs(self) -> None:
        """See whether the active layer takes part now, or does so no more."""
        self.target.follow()
        self._enable()

    def _is_running(self) -> bool:
        return self._run is not None

    def _enable(self) -> None:
        self.run_button.enabled = self.target.image is not None and not self._is_running()
        self.cancel_button.enabled = self._is_running()
        # Seeds tell how many clusters there are, and where they start.
        k_is_free = self.inputs.k_is_free
        self.how_many.offer(self.target.image is not None and k_is_free)
        self.cluster_count.enabled = k_is_free
        self.more_options.offer_start(seeded=not k_is_free, fixed=self.inputs.seeds_stay)

    def _enter(self, state: State, message: str, warnings: tuple[str, ...] = ()) -> None:
        self.state = state
        self.message.value = message
        self.message.visible = bool(message)
        self.warning.value = "\n".join(f"⚠ {warning}" for warning in warnings)
        self.warning.visible = bool(warnings)
        self.progress_bar.visible = state == "running"
        told = "\n".join([*warnings, message if state == "error" else ""])
        mark([self.fields, self.more_options, self.inputs], told)

    def _tell(self, segmentation: Segmentation, text: str) -> None:
        """Say what came out of the image that is the target."""
        warnings = warnings_of(segmentation)
        self._told = self.target.link, text, warnings
        self._enter("done", text, warnings)

    # -- a run --------------------------------------------------------------------------

    def run(self) -> None:
        """Segment the active image layer. Returns at once."""
        if self.target.image is None or self._is_running():
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
        run = Run.begin(self._viewer, source, parameters, kinds, owner=self)
        if self._is_running():
            # napari let the interface go on while it made its progress bar: pressed twice.
            run.work.cancel()
            run.end()
            return
        self._run = run
        self.progress_bar.value = 0
        self._enter("running", f"Segmenting “{breakable(source.name)}” …")
        self._enable()
        self._timer.start()

    def _setting(self) -> tuple[LayerImage, dict[str, Any]]:
        """Return what to segment, and the other arguments of `napari_kmeans_seg.segment`."""
        if self.target.image is None:
            raise ValueError("Open an image first, or click one in the layer list.")
        k = {"n_clusters": self.n_clusters.value}
        return self.inputs.source(), k | self.more_options.parameters | self.inputs.parameters

    def _take(self, n_clusters: int) -> None:
        self.n_clusters.value = n_clusters

    def start_afresh(self) -> None:
        """Set the first values, and keep nothing of what is set in this dock from now on."""
        self._last.values.clear()
        self.more_options.reset()
        self.cluster_count.reset()

    def _settings(self) -> dict[str, Any]:
        """Give what is to come back next time."""
        return {"n_clusters": self.n_clusters.value, **self.more_options.settings}

    def _preview(self) -> None:
        """Show the clusters for the settings there are now, where live preview is on."""
        if not self.live.value:
            self.preview.stop()
            self.preview.clear()
        elif self.target.image is not None and self._run is None and self.more_options.kinds:
            try:
                source, parameters = self._setting()
            except ValueError as error:
                self._on_refused(str(error))
                return
            self.preview.request(source, parameters, self.more_options.kinds)

    def _on_preview(self, outputs: Outputs, seconds: float) -> None:
        self.clusters.follow()
        segmentation = outputs.segmentation
        text = summary(segmentation, seconds)
        if isinstance(outputs.source, PartInView):
            text += "\nPreview of the part in view. Run does the whole image."
        self._tell(segmentation, text)

    def _on_part(self, shown: bool) -> None:
        self.clusters.whose.tell_preview(shown)
        if not shown and self.state == "done":
            # What was said of the preview is true of nothing that is seen now.
            self._told = (), "", ()
            self._enter("ready", "Ready.")

    def _on_refused(self, message: str) -> None:
        self._enter("error", f"✖ {in_fields(message)}")

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
        percent = run.advance()
        if self._run is not run:
            return  # napari let the interface go on meanwhile, and it was cancelled
        self.progress_bar.value = percent
        if run.work.stage:
            stage, name = run.work.stage.lower(), breakable(run.source.name)
            self.message.value = f"“{name}”: {stage}, {percent} %"
        if run.work.done:
            try:
                self._finish(run)
            except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
                _log.info("The run on “%s” failed.", run.source.name, exc_info=error)
                self._fail(str(error) or type(error).__name__)
            finally:
                self._end_run()

    def _finish(self, run: Run) -> None:
        """Show the result, or say why there is none."""
        outputs = run.show(self._viewer)
        if outputs is None:
            self._enter("cancelled", dropped(run.source.name, "got other data"))
            return
        self.preview.clear()
        self.clusters.follow()
        self.clusters.whose.tell_run("labels" in outputs.arrays)
        text = summary(outputs.segmentation, run.seconds)
        layers = run.source.layers_in(self._viewer)
        # By their id: napari hands the same layer out in several wrappings.
        here = self.target.image
        if here is None or layers is None or layers[0].unique_id != here.unique_id:
            text = f"“{breakable(run.source.name)}”: {text}"
            self._enter("done", text, warnings_of(outputs.segmentation))
        else:
            self._tell(outputs.segmentation, text)

    def _fail(self, message: str) -> None:
        message = in_fields(message)
        self._enter("error", f"✖ {message}")
        show_error(f"K-means: {message}")

    def _end_run(self) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        self._timer.stop()
        run.end()
        self._enable()

    # -- coming and going ---------------------------------------------------------------

    def _listen(self) -> None:
        """Hear of the viewer's layers."""
        if not self._listening:
            self._listening = True
            self.target.listen()
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
        self.cluster_plot.leave()
        self.target.leave()

    def _on_parent(self) -> None:
        """Leave when the dock is closed, and be there again when docked anew."""
        if self.native.parent() is not None:
            self._listen()
        else:
            self._leave()
            self.preview.clear()
            self._timer.stop()
            self._last.keep_now()
            self._enter("empty", "")

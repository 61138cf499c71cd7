"""The dock widget: choose k, press Run."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, Container, PushButton, Widget
from napari.utils.notifications import show_error
from qtpy.QtCore import QEvent

from napari_kmeans_seg.layers import Outputs, PartInView, warm_up_early
from napari_kmeans_seg.layers.outputs.appearance import result_of

from .base.plain_text import show_plain
from .base.sections import On, Scrolled, Section, WheelScrolls, mark
from .base.state import DockState, Refusal, Request, Said, loss, part_of
from .base.task import Clock, Task
from .base.wording import breakable, dropped, summary, words_of
from .below_run import BelowRun
from .beside_run import OptionsSaid
from .done import done, still
from .fields.inputs import Inputs
from .fields.k import ClusterCount
from .fields.numbers import read_alike_everywhere
from .fields.options import Options, OptionsSection, align_labels
from .fields.settings import LastSettings
from .fields.target import Target
from .keyboard import give_keys
from .plots.choose_k import HowMany
from .plots.cluster_plot import ClusterPlot
from .preview import Preview
from .run import Run
from .seen import SeenSwitch
from .table.cluster_table import ClusterTable

if TYPE_CHECKING:
    import napari.viewer

    from .base.state import State

_log = logging.getLogger(__name__)


class KMeansWidget(Container[Widget]):
    """Segments the active image layer of a viewer by k-means.

    The work runs on a thread of its own. The rule for the layers of an earlier run is
    that of `napari_kmeans_seg.layers.Outputs`. When the source goes, gets other data or the
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
        # How often a person has drawn on the region or the seeds.
        self._marks = 0
        self._state = DockState(self._ask)

        self.inputs = Inputs(viewer)
        self.target = Target(viewer, self.inputs, self._state)
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
        self._below = BelowRun()
        self.message, self.warning = self._below.message, self._below.warning
        self.progress_bar = self._below.progress_bar
        self.options_said = OptionsSaid()
        self.more_options = Options()

        self.fields: Container[Widget] = Container(name="fields")
        # Not by the constructor: only later additions get labels of one width.
        self.fields.extend([self.cluster_count, *self.inputs.front])
        pair = [self.run_button, self.cancel_button]
        buttons = Container(name="buttons", layout="horizontal", labels=False, widgets=pair)
        self.fields.margins = buttons.margins = (0, 0, 0, 0)
        align_labels(self.fields, em=4)
        words = (self.progress_bar, self.message, self.warning)
        above = (self.target, self.fields, self.options_said)
        super().__init__(labels=False, widgets=[*above, buttons, self.live, *words])
        self._clock = Clock(self.native)
        self.task: Task[Outputs] = Task(self._clock, self._show_progress)
        self._last = LastSettings(self._settings, self._clock)
        self.n_clusters.value = self._last.values.get("n_clusters", self.n_clusters.value)
        self.inputs.leave_out.value = self._last.values.get("leave_out", "")
        self.more_options.take(self._last.values)
        self._style()

        self.target.followed.connect(self._on_followed)
        self.target.described.connect(self._on_described)
        self.run_button.changed.connect(self.run)
        self.cancel_button.changed.connect(self.cancel)
        self.inputs.changed.connect(self._on_inputs)
        self.inputs.drawn.connect(self._on_drawn)
        self.how_many.picked.connect(self.cluster_count.take)
        self._state.changed.connect(self._show_said)
        self.preview = Preview(
            self._viewer, self._on_preview, self._on_refused, self._clock, self._state
        )
        settings = (self.n_clusters, self.more_options, self.inputs, *self.inputs.front)
        for setting in (self.live, *settings):
            setting.changed.connect(self._preview)
            setting.changed.connect(self.how_many.follow)
            setting.changed.connect(self._show_said)
        self.clusters.read.connect(self._show_said)
        self.preview.outdated.connect(self._preview)
        self.preview.part_shown.connect(self._on_part)
        for setting in (self.n_clusters, self.more_options):
            setting.changed.connect(self._last.keep_soon)
        self.inputs.leave_out.changed.connect(self._last.keep_soon)
        self._parent_change = On(self.native, QEvent.Type.ParentChange, self._on_parent)
        self._hidden = On(self.native, QEvent.Type.Hide, self._last.keep_now)
        self.native.destroyed.connect(self._leave)
        self._listen()
        warm_up_early()

    def _style(self) -> None:
        """Do what magicgui has no words for."""
        self.how_many = HowMany(self._viewer, self._state, self._clock)
        self.where = Section("Region, seeds and clean-up", self.inputs.native)
        self.more = OptionsSection(self.more_options)
        images = partial(getattr, self.target, "images")
        self.clusters = ClusterTable(self._viewer, self._clock, self._state, images)
        self.cluster_plot = ClusterPlot(self._viewer, self.clusters, self._clock)
        self.see = Section("See the clusters", self.cluster_plot)
        self.seen = SeenSwitch(self._viewer, self.clusters, images, self._clock)
        added = (self.seen, self.clusters, self.see)  # by a run: above them nothing jumps
        self.below = Scrolled(self.how_many, self.where, self.more, *added)
        self.native.layout().addWidget(self.below)
        read_alike_everywhere(self.native)
        give_keys(self.native, self.run_button.native, self.cancel_button.native)
        self._wheel = WheelScrolls(self.native, self.below)
        show_plain(self.native)

    # -- which layer --------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What the dock says now: that it is ready, runs, is done, or why not."""
        return self._state.said.kind

    def _on_followed(self, _changed: bool) -> None:
        """Go with the image that is to be segmented."""
        self._drop_if_lost()
        self.preview.drop_stale()
        images = self.target.images
        self.inputs.follow(images)
        # What was chosen stays while there is nothing to be segmented.
        if images:
            self.more_options.offer(**self.inputs.offered)
        self._state.look_at(images)
        self.how_many.follow()
        self.seen.follow_soon()
        self._enable()

    def _on_described(self) -> None:
        self.preview.drop_stale()
        self.clusters.whose.follow(self.clusters.clusters)
        self.inputs.offer()
        self._state.look_at(self.target.images)
        self.how_many.follow()

    def _on_drawn(self) -> None:
        # A region may be an output of ours, and would follow itself for ever.
        if not self._state.is_settling:
            self._marks += 1
            self.how_many.follow()
            if self.live.value:
                self.preview.look_soon()

    def _on_inputs(self) -> None:
        """See whether the active layer takes part now, or does so no more."""
        self.target.follow()
        self._enable()

    def _is_running(self) -> bool:
        return self._run is not None

    def _enable(self) -> None:
        self.run_button.enabled = self.target.image is not None and not self._is_running()
        self.cancel_button.enabled = self._is_running()
        # The number of seeds is that of the clusters, which start there.
        k_is_free = self.inputs.k_is_free
        self.how_many.offer(self.target.image is not None and k_is_free)
        self.cluster_count.enabled = k_is_free
        self.more_options.offer_start(seeded=not k_is_free, fixed=self.inputs.seeds_stay)

    def _show_said(self) -> None:
        """Show what there is to be read."""
        clusters, result = self.clusters.clusters, result_of(self._viewer, self.target.images)
        said = still(self._state, result, clusters)
        self.options_said.say(self.more_options, self.inputs, clusters)
        self._below.show(said, self._state.meanwhile)
        mark([self.fields, self.more_options, self.inputs], said.fields)

    # -- a run --------------------------------------------------------------------------

    def run(self) -> None:
        """Segment the active image layer. Returns at once."""
        if self.target.image is None or self._is_running():
            return
        request = self._state.request
        if isinstance(request, Refusal):
            self._fail(request.error)
            return
        if not request.kinds:
            why = "Nothing to add: tick “Segmented image” or “Labels” under More options."
            self._fail(ValueError(why))
            return
        self.preview.stop()
        run = Run.begin(self._viewer, request)
        if self._is_running() or not self._listening:
            # napari let the interface go on meanwhile: pressed twice, or the dock was closed.
            run.end()
            return
        self._run = run
        self.progress_bar.value = 0
        self._state.say(Said("running", f"Segmenting “{breakable(request.source.name)}” …"))
        self._enable()
        self.task.start(run.work, self._finish, self._on_failed)

    def _ask(self) -> Request | Refusal:
        """Read what is asked for from the fields."""
        if self.target.image is None:
            return Refusal(ValueError("Open an image first, or click one in the layer list."))
        try:
            source = self.inputs.source()
            parameters = {"n_clusters": self.n_clusters.value}
            parameters |= self.more_options.parameters | self.inputs.parameters
        except ValueError as error:
            return Refusal(error)
        return Request.of(source, parameters, self.more_options.kinds, self._marks)

    def start_afresh(self) -> None:
        """Set the first values, and keep nothing of what is set in this dock from now on."""
        self._last.values.clear()
        self.more_options.reset()
        self.inputs.leave_out.value = ""
        self.cluster_count.reset()

    def _settings(self) -> dict[str, Any]:
        """Give what is to come back next time."""
        own = {"n_clusters": self.n_clusters.value, **self.inputs.settings}
        return own | self.more_options.settings

    def _preview(self) -> None:
        """Show the clusters for the settings there are now, where live preview is on."""
        if not self.live.value:
            self.preview.stop()
            self.preview.clear()
        elif self.target.image is not None and self._run is None and self.more_options.kinds:
            request = self._state.request
            if isinstance(request, Refusal):
                self._on_refused(request.error)
            else:
                self.preview.request(request)

    def _on_preview(self, request: Request, outputs: Outputs, seconds: float) -> None:
        self.clusters.follow()
        text, of = summary(outputs.segmentation, seconds), request.images
        if isinstance(outputs.source, PartInView):
            text += "\nPreview of the part in view. Press Run for the whole image."
            of = part_of(of)
        self._state.say(done(text, outputs, of))

    def _on_part(self, shown: bool) -> None:
        self.clusters.whose.note_preview(shown)
        self._state.show_part(shown)

    def _on_refused(self, error: Exception) -> None:
        text, fields = words_of(error)
        self._state.say(Said("error", f"✖ {text}", of=self._state.images, fields=fields))

    def cancel(self) -> None:
        """Stop the run, if there is one. Nothing is changed."""
        self._abandon("Cancelled. Nothing was changed.")

    def _abandon(self, why: str) -> None:
        """Let go of the run at once; its thread ends when it next reports its progress."""
        if self._run is not None:
            self._state.say(Said("cancelled", why))
            self._end_run()

    def _drop_if_lost(self) -> bool:
        """Let go of a run on a layer that has gone or has other data by now."""
        lost = None if self._run is None else loss(self._run.request.source, self._viewer)
        if lost is not None:
            self._abandon(dropped(*lost))
        return lost is not None

    def _show_progress(self) -> None:
        run, percent = self._run, int(100 * self.task.fraction)
        if run is None:
            return
        run.advance(percent)
        if self._run is not run:
            return  # napari let the interface go on meanwhile, and it was cancelled
        self.progress_bar.value = percent
        if self.task.stage:
            stage, name = self.task.stage.lower(), breakable(run.request.source.name)
            self._state.meanwhile = f"“{name}”: {stage}, {percent} %"

    def _on_failed(self, error: Exception) -> None:
        if self._run is not None:
            _log.info("The run on “%s” failed.", self._run.request.source.name, exc_info=error)
        self._fail(error)
        self._end_run()

    def _finish(self, outputs: Outputs) -> None:
        """Show the result, or say why there is none."""
        run = self._run
        if run is None or self._drop_if_lost():
            return
        request = run.request
        with self._state.settling():
            layers = outputs.show(self._viewer, run.watches)
            self.preview.clear()
            self.clusters.follow_run(layers.get("labels"))
        self.seen.follow_soon()
        self.clusters.whose.note_run("labels" in outputs.arrays)
        result = done(summary(outputs.segmentation, run.seconds), outputs, request.images)
        self._state.say(result)
        if request.images != self._state.images:
            text = f"“{breakable(request.source.name)}”: {result.text}"
            said = replace(result, text=text, of=self._state.images)
            self._state.say(said, of_current=False)
        self._end_run()

    def _fail(self, error: Exception) -> None:
        self._on_refused(error)
        show_error(f"K-means: {words_of(error).text}")

    def _end_run(self) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        self.task.cancel()
        run.end()
        if self._listening:
            self._enable()

    # -- coming and going ---------------------------------------------------------------

    def _listen(self) -> None:
        """Hear of the viewer's layers."""
        if not self._listening:
            self._listening = True
            self._clock.open()
            for part in (self.target, self.clusters, self.seen):
                part.listen()

    def _leave(self) -> None:
        """Drop the work that runs, and hear of the viewer no more. Touches no Qt object."""
        run, self._run = self._run, None
        if run is not None:
            run.end()
        self._clock.close()
        if not self._listening:
            return
        self._listening = False
        self.preview.stop()
        self.how_many.stop()
        for part in (self.clusters, self.seen, self.cluster_plot, self.inputs, self.target):
            part.leave()

    def _on_parent(self) -> None:
        """Leave when the dock is closed, and be there again when docked anew."""
        if self.native.parent() is not None:
            self._listen()
        else:
            self._last.keep_now()
            self._leave()
            self.clusters.show_nothing()
            self.preview.clear()
            self._state.look_at(())
            self._state.say(Said("empty", of=()))

"""Live preview: the clusters follow the settings while they are moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_kmeans_seg.layers import (
    EditWatch,
    LayerImage,
    Outputs,
    PartInView,
    earlier_outputs,
    is_shown,
    to_preview,
)

from .base.napari_versions import camera_of, canvas_resized
from .base.state import is_current
from .base.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer

    from napari_kmeans_seg import PreparedImage, Segmentation
    from napari_kmeans_seg.layers.outputs.edit_watch import Kind

    from .base.state import DockState, Key, Request
    from .base.task import Clock, Progress

# How many images are kept: to go to and fro between two shall not read them anew.
_IMAGES_KEPT = 2
# How long the settings rest before the slower outputs follow, in milliseconds.
_SETTINGS_REST = 400
# How long the camera and the sliders rest before the part in view is taken anew.
_CAMERA_REST = 200


class Points:
    """The distinct values of the last images, kept for other settings on the same image."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Key, Request, PreparedImage]] = {}

    @property
    def requests(self) -> tuple[Request, ...]:
        """What the points that are kept were made for, the newest last."""
        return tuple(request for _, request, _ in tuple(self._known.values()))

    def forget(self, source: LayerImage) -> None:
        """Let go of an image."""
        self._known.pop(source.link_id, None)

    def segment(self, request: Request, progress: Progress) -> Segmentation:
        """Segment an image, without reading it again where it was read before."""
        source = request.source
        levels = source.pyramid and not isinstance(source, PartInView)
        if levels or source.region or source.seeds or source.step_axis is not None:
            return source.segment(progress=progress, **request.parameters)
        known = self._known.pop(source.link_id, None)
        if known is not None:
            source.look(progress)
        if known is None or request.points != known[0]:
            # Let go of the one before the other is made.
            known = None
            prepared = source.prepare(progress=progress, **request.reading)
            known = request.points, request, prepared
        self._known[source.link_id] = known
        for link_id in tuple(self._known)[:-_IMAGES_KEPT]:
            del self._known[link_id]
        segmentation = known[2].segment(progress=progress, **request.fitting)
        return source.clean_up.without_specks(segmentation)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is to be shown.

    Attributes
    ----------
    number : int
        Of all that was asked for, the how manieth: what has a lower one is outdated.
    request : Request
        What was asked for.
    first, rest : tuple of str
        The outputs that are shown at once, and those that take longer and follow once the
        settings rest.
    """

    number: int
    request: Request
    first: tuple[Kind, ...]
    rest: tuple[Kind, ...]

    @classmethod
    def of(cls, number: int, request: Request) -> _Asked:
        """Sort the outputs."""
        if isinstance(request.source, PartInView):
            # Its labels are picture enough, and one layer is easily taken away again.
            return cls(number, request, ("labels",), ())
        kinds = request.kinds
        first: tuple[Kind, ...] = ("labels",) if "labels" in kinds else kinds
        return cls(number, request, first, tuple(kind for kind in kinds if kind not in first))

    @property
    def unfinished(self) -> bool:
        """Whether something is left for when the settings rest."""
        return bool(self.rest or self.request.source.clean_up.objects)


class Preview:
    """Shows the clusters for the newest setting, one at a time.

    One thread works, one setting waits; a newer one takes its place. So work never piles
    up however fast a slider moves. What is running is let end, since it takes a moment only
    and shows that something happens, but where other pixels are asked for by now: then it is
    outdated, and neither shown nor taken up again. The Labels layer follows at once, the
    segmented image and the objects once the settings rest.

    A preview of an image that is lazy, a pyramid or large is one of the part in view only.
    It has layers of its own, which are taken away by `clear`, and follows the camera.

    Attributes
    ----------
    outdated : Signal
        Emitted when what was asked for is something else by now, because the viewer shows
        another plane or part, or the image, its region or its seeds were changed: ask again.
    part_shown : Signal
        Emitted when a part of an image is previewed (true), or no longer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer that shows the source.
    shown : callable
        Is given what was asked for, the outputs each time they were shown, and the seconds that
        they took.
    failed : callable
        Is given what went wrong.
    clock : Clock
        Looks after the work, and waits until settings and camera rest.
    state : DockState
        Keeps others from following what is shown layer by layer.
    """

    outdated = Signal()
    part_shown = Signal(bool)

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        shown: Callable[[Request, Outputs, float], None],
        failed: Callable[[Exception], None],
        clock: Clock,
        state: DockState,
    ) -> None:
        self._viewer, self._shown, self._failed = viewer, shown, failed
        self._clock, self._state = clock, state
        self._task: Task[Outputs] = Task(clock)
        self._watches: list[EditWatch] = []
        self._points = Points()
        self._number = 0
        # The newest, the one that runs or waits, and the last that was shown.
        self._asked: _Asked | None = None
        self._running: _Asked | None = None
        self._pending: _Asked | None = None
        self._last: tuple[_Asked, Segmentation] | None = None
        self._started = self._took = 0.0
        self._part: PartInView | None = None
        self._hears: list[tuple[Any, Callable[[], None]]] = []
        self._drawn_on = False

    @property
    def busy(self) -> bool:
        """Whether something is still to be shown."""
        if self._task.busy or self._pending is not None:
            return True
        # Nothing follows after `stop`.
        follows = self._asked is not None or self._drawn_on
        return follows and any(map(self._clock.awaits, (self._show_rest, self._look_around)))

    def request(self, request: Request) -> None:
        """Show what is asked for as soon as may be. Returns at once."""
        self._clock.forget(self._show_rest)
        try:
            source = to_preview(self._viewer, request.source)
        except ValueError as error:
            self._failed(error)
            return
        if self._part is not None and self._part.link_id != source.link_id:
            self.clear()
        self._drawn_on = False
        self._listen(source)
        self._number += 1
        self._asked = self._pending = _Asked.of(self._number, request.on(source))
        if self._running is not None and not self._is_wanted(self._running):
            self._drop_running()
        self._next()

    def drop_stale(self) -> None:
        """Let go of images that left the viewer or have other data by now."""
        for request in self._points.requests:
            if not request.is_current(self._viewer):
                self._points.forget(request.source)
        asked = self._asked
        if asked is not None and not asked.request.is_current(self._viewer):
            self.stop()
            if asked.request.source.layers_in(self._viewer) is not None:
                self.look_soon()
        if self._part is not None and not is_current(self._part, self._viewer):
            # Not in the midst of the removal of another layer.
            self._clock.call(self.clear)

    def clear(self) -> None:
        """Take away the preview of a part, unless a person has worked on it."""
        part, self._part = self._part, None
        if part is None:
            return
        self.part_shown.emit(False)
        for layer in earlier_outputs(self._viewer, part, ("labels",)):
            watch = EditWatch(layer)
            if watch.untouched():
                self._viewer.layers.remove(layer)
            watch.close()

    def stop(self) -> None:
        """Show nothing more, and let go of the image. Qt objects may be gone already."""
        self._listen(None)
        self._pending = self._last = self._asked = None
        self._drawn_on = False
        self._drop_running()
        self._points = Points()

    def look_soon(self) -> None:
        """Ask again soon, for region or seeds were drawn on."""
        self._drawn_on = True
        self._clock.call(self._look_around, _CAMERA_REST)

    # -- the part in view -----------------------------------------------------------------

    def _listen(self, source: LayerImage | None) -> None:
        """Hear of the camera where it changes a preview; of nothing for None."""
        for event, callback in self._hears:
            event.disconnect(callback)
        self._hears = []
        if source is not None and (isinstance(source, PartInView) or source.plane is not None):
            camera, dims = camera_of(self._viewer).events, self._viewer.dims.events
            moves = [dims.current_step, dims.ndisplay, dims.order, camera.center, camera.zoom]
            moves.append(canvas_resized(self._viewer, self._clock))
            moves += [one.events.locked_data_level for one in source.layers_in(self._viewer) or ()]
            self._hears = [(event, self._on_moved) for event in moves]
            for event, callback in self._hears:
                event.connect(callback)

    def _on_moved(self) -> None:
        self._clock.call(self._look_around, _CAMERA_REST)

    def _look_around(self) -> None:
        """Say so if something else is to be shown by now."""
        asked = self._asked
        moved = asked is not None and not is_shown(self._viewer, asked.request.source)
        if moved or self._drawn_on:
            self._drawn_on = False
            self.outdated.emit()

    # -- one at a time --------------------------------------------------------------------

    def _is_wanted(self, asked: _Asked) -> bool:
        """Whether it is of the pixels that are asked for now, and of which there still are."""
        now = self._asked
        if now is None or asked.number > now.number:
            return False
        same = asked is now or asked.request.pixels == now.request.pixels
        return same and asked.request.is_current(self._viewer)

    def _next(self) -> None:
        """Begin with what waits."""
        if self._task.busy or self._pending is None:
            return
        asked, self._pending = self._pending, None
        last, points, request = self._last, self._points, asked.request
        settled = last is not None and last[0] is asked
        kinds = asked.rest if settled else asked.first
        if not settled:
            # Objects may take long, too.
            clean_up = replace(request.source.clean_up, objects=())
            request = request.on(replace(request.source, clean_up=clean_up))
        source = request.source
        watches = [EditWatch(layer) for layer in earlier_outputs(self._viewer, source, kinds)]

        def work(report: Progress) -> Outputs:
            if settled and last is not None:
                segmentation = last[1]
            else:
                segmentation = points.segment(request, report)
            outputs = Outputs.paint(source, segmentation, kinds, report)
            for watch in watches:
                watch.check(report)
            return outputs

        self._started = perf_counter()
        self._running, self._watches = asked, watches
        self._task.start(work, self._show, self._fail)

    def _drop_running(self) -> None:
        self._task.cancel()
        self._running = None
        for watch in self._watches:
            watch.close()
        self._watches = []

    def _fail(self, error: Exception) -> None:
        self._drop_running()
        self._failed(error)
        self._next()

    def _show(self, outputs: Outputs) -> None:
        asked = self._running
        assert asked is not None
        if self._is_wanted(asked):
            self._draw(asked, outputs)
        else:
            self._points.forget(asked.request.source)
        self._drop_running()
        self._next()

    def _draw(self, asked: _Asked, outputs: Outputs) -> None:
        with self._state.settling():
            outputs.show(self._viewer, self._watches)
        if isinstance(outputs.source, PartInView):
            self._part = outputs.source
            self.part_shown.emit(True)
        settled = self._last is not None and self._last[0] is asked
        self._last = asked, outputs.segmentation
        if not settled:
            self._took = perf_counter() - self._started
        self._shown(asked.request, outputs, self._took)
        if not settled and self._asked is asked and asked.unfinished:
            self._clock.call(self._show_rest, _SETTINGS_REST)

    def _show_rest(self) -> None:
        """Let the slower outputs follow, unless something else is asked for by now."""
        if self._last is not None and self._last[0] is self._asked and self._pending is None:
            self._pending = self._asked
            self._next()

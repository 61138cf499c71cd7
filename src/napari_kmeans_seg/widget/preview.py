"""Live preview: the clusters follow the settings while they are moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_kmeans_seg.layers import (
    EditWatch,
    LayerImage,
    Outputs,
    PartInView,
    earlier_outputs,
    is_shown,
    to_preview,
)

from .background import BackgroundWork, CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer

    from napari_kmeans_seg import PreparedImage, Segmentation
    from napari_kmeans_seg.layers.link import Kind

    Progress = Callable[[float, str], None]

# The parameters of which the points depend; the others belong to k-means itself.
OF_POINTS = (
    "color_space", "channel_weights", "normalize", "smoothing", "spatial_weight", "fit_scale",
)  # fmt: skip

_LOOK_EVERY = 10
# How many images are kept: to go to and fro between two shall not read them anew.
_KEPT = 2
# How long the settings rest before the slower outputs follow, in milliseconds.
_REST = 400
# How long the camera and the sliders rest before the part in view is taken anew.
_SETTLE = 200


class Points:
    """The distinct values of the last images, kept for other settings on the same image."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[LayerImage, dict[str, Any], PreparedImage]] = {}

    @property
    def sources(self) -> tuple[LayerImage, ...]:
        """The images whose points are kept, the newest last."""
        return tuple(source for source, _, _ in tuple(self._known.values()))

    def forget(self, source: LayerImage) -> None:
        """Let go of an image."""
        self._known.pop(source.link_id, None)

    def segment(
        self, source: LayerImage, parameters: dict[str, Any], progress: Progress
    ) -> Segmentation:
        """Segment an image, without reading it again where it was read before."""
        levels = source.pyramid and not isinstance(source, PartInView)
        if levels or source.region or source.seeds or source.step_axis is not None:
            return source.segment(progress=progress, **parameters)
        settings = {key: parameters[key] for key in OF_POINTS if key in parameters}
        known = self._known.pop(source.link_id, None)
        if known is None or settings != known[1] or not _same(source, known[0]):
            # Let go of the one before the other is made.
            known = None
            known = source, settings, source.prepare(progress=progress, **settings)
        self._known[source.link_id] = known
        for link_id in tuple(self._known)[:-_KEPT]:
            del self._known[link_id]
        rest = {key: value for key, value in parameters.items() if key not in settings}
        segmentation = known[2].segment(progress=progress, **rest)
        return source.clean_up.without_specks(segmentation)


def _same(source: LayerImage, known: LayerImage) -> bool:
    """Whether two of the same layers are of the same pixels."""
    if source.plane != known.plane:
        return False
    if getattr(source, "view", None) != getattr(known, "view", None):
        return False
    each, other = source.channels or (source,), known.channels or (known,)
    return all(one.data is two.data for one, two in zip(each, other, strict=True))


@dataclass(frozen=True, eq=False)
class _Setting:
    """What is to be shown.

    `first` is shown at once, and `rest` once the settings rest: what takes longer.
    """

    source: LayerImage
    parameters: dict[str, Any]
    first: tuple[Kind, ...]
    rest: tuple[Kind, ...]

    @classmethod
    def of(
        cls, source: LayerImage, parameters: dict[str, Any], kinds: tuple[Kind, ...]
    ) -> _Setting:
        if isinstance(source, PartInView):
            # Its labels are picture enough, and one layer is easily taken away again.
            return cls(source, parameters, ("labels",), ())
        first: tuple[Kind, ...] = ("labels",) if "labels" in kinds else kinds
        rest = tuple(kind for kind in kinds if kind not in first)
        return cls(source, parameters, first, rest)

    @property
    def unfinished(self) -> bool:
        """Whether something is left for when the settings rest."""
        return bool(self.rest or self.source.clean_up.objects)


class Preview(QObject):
    """Shows the clusters for the newest setting, one at a time.

    One thread works, one setting waits; a newer one takes its place. So work never piles
    up however fast a slider moves. What is running is let end, since it takes a moment only
    and shows that something happens. The Labels layer follows at once, the segmented image
    and the objects once the settings rest.

    A preview of an image that is lazy, a pyramid or large is one of the part in view only.
    It has layers of its own, which are taken away by `clear`, and follows the camera.

    Attributes
    ----------
    outdated : Signal
        Tells that what was asked for is something else by now, because the viewer shows
        another plane or part, or the image, its region or its seeds were changed: ask again.
    part_shown : Signal
        Tells that a part of an image is previewed (true), or no longer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer that shows the source.
    shown : callable
        Is given the outputs each time they were shown, and the seconds that they took.
    failed : callable
        Is told what went wrong.
    parent : QObject
        Whose life this ends with.
    """

    outdated = Signal()
    part_shown = Signal(bool)

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        shown: Callable[[Outputs, float], None],
        failed: Callable[[str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._shown, self._failed = viewer, shown, failed
        self._points = Points()
        self._asked: LayerImage | None = None
        self._pending: _Setting | None = None
        self._running: tuple[_Setting, list[EditWatch], BackgroundWork[Outputs]] | None = None
        self._started = self._took = 0.0
        self._last: tuple[_Setting, Segmentation] | None = None
        self._part: PartInView | None = None
        self._hears: list[tuple[Any, Callable[[], None]]] = []
        self._edited = self._showing = False
        self._timer = self._every(_LOOK_EVERY, self._look)
        self._rest = self._every(_REST, self._settle, once=True)
        self._moving = self._every(_SETTLE, self._look_around, once=True)
        self._clearing = self._every(0, self.clear, once=True)

    def _every(self, interval: int, callback: Callable[[], None], *, once: bool = False) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(interval)
        timer.setSingleShot(once)
        timer.timeout.connect(callback)
        return timer

    @property
    def busy(self) -> bool:
        """Whether something is still to be shown."""
        if self._running is not None or self._pending is not None:
            return True
        # Nothing follows after `stop`.
        follows = self._asked is not None or self._edited
        return follows and (self._rest.isActive() or self._moving.isActive())

    def request(
        self, source: LayerImage, parameters: dict[str, Any], kinds: tuple[Kind, ...]
    ) -> None:
        """Show a setting as soon as may be. Returns at once."""
        self._rest.stop()
        try:
            self._asked = source = to_preview(self._viewer, source)
        except ValueError as error:
            self._failed(str(error))
            return
        if self._part is not None and self._part.link_id != source.link_id:
            self.clear()
        self._edited = False
        self._listen(source)
        self._pending = _Setting.of(source, parameters, kinds)
        self._next()
        self._timer.start()

    def drop_stale(self) -> None:
        """Let go of images that left the viewer or have other data by now."""
        for source in self._points.sources:
            if not self._is_still(source):
                self._points.forget(source)
        asked = self._asked
        if asked is not None and not self._is_still(asked):
            self.stop()
            if asked.layers_in(self._viewer) is not None:
                self._on_edited()
        if self._part is not None and not self._is_still(self._part):
            # Not in the midst of the removal of another layer.
            self._clearing.start()

    def _is_still(self, source: LayerImage) -> bool:
        layers = source.layers_in(self._viewer)
        return layers is not None and source.is_still(*layers)

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
        self._edited = False
        if self._running is not None:
            _, watches, work = self._running
            self._running = None
            work.cancel()
            for watch in watches:
                watch.close()
        self._points = Points()

    # -- the part in view -----------------------------------------------------------------

    def _listen(self, source: LayerImage | None) -> None:
        """Hear of all that changes a preview, beside the settings; of nothing for None."""
        for event, callback in self._hears:
            event.disconnect(callback)
        self._hears = []
        if source is None:
            return
        if isinstance(source, PartInView) or source.plane is not None:
            camera, dims = self._viewer.scene.camera.events, self._viewer.dims.events
            moves = [dims.current_step, dims.ndisplay, dims.order, camera.center, camera.zoom]
            moves.append(self._viewer.canvas.events.size)
            moves += [one.events.locked_data_level for one in source.layers_in(self._viewer) or ()]
            self._hears += [(event, self._on_moved) for event in moves]
        names = {other.name for other in (source.region, source.seeds) if other is not None}
        for layer in self._viewer.layers:
            if layer.name in names:
                # Strokes of the brush are told as "paint", of Labels only.
                self._hears += [
                    (layer.events[name], self._on_edited)
                    for name in ("data", "paint")
                    if name in layer.events
                ]
        for event, callback in self._hears:
            event.connect(callback)

    def _on_moved(self) -> None:
        self._moving.start()

    def _on_edited(self) -> None:
        # A region may be an output of ours, and would follow itself for ever.
        if not self._showing:
            self._edited = True
            self._moving.start()

    def _look_around(self) -> None:
        """Say so if something else is to be shown by now."""
        moved = self._asked is not None and not is_shown(self._viewer, self._asked)
        if moved or self._edited:
            self._edited = False
            self.outdated.emit()

    # -- one at a time --------------------------------------------------------------------

    def _next(self) -> None:
        """Begin with what waits."""
        if self._running is not None or self._pending is None:
            return
        setting, self._pending = self._pending, None
        last, points, source = self._last, self._points, setting.source
        settled = last is not None and last[0] is setting
        kinds = setting.rest if settled else setting.first
        if not settled:
            # Objects may take long, too.
            source = replace(source, clean_up=replace(source.clean_up, objects=()))
        watches = [EditWatch(layer) for layer in earlier_outputs(self._viewer, source, kinds)]

        def work(report: Progress) -> Outputs:
            if settled and last is not None:
                segmentation = last[1]
            else:
                segmentation = points.segment(source, setting.parameters, report)
            outputs = Outputs.paint(source, segmentation, kinds, report)
            for watch in watches:
                watch.check(report)
            return outputs

        self._started = perf_counter()
        background = BackgroundWork(work, owner=self)
        self._running = setting, watches, background
        background.start()

    def _look(self) -> None:
        """Show what is ready, and go on."""
        if self._running is not None and self._running[2].done:
            (setting, watches, work), self._running = self._running, None
            try:
                self._show(setting, watches, work)
            except CancelledError:
                pass
            except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
                self._failed(str(error) or type(error).__name__)
            finally:
                for watch in watches:
                    watch.close()
        self._next()
        if self._running is None and self._pending is None:
            self._timer.stop()

    def _show(
        self, setting: _Setting, watches: list[EditWatch], work: BackgroundWork[Outputs]
    ) -> None:
        outputs = work.result()
        source = setting.source
        if not self._is_still(source):
            self._points.forget(source)
            return
        self._showing = True
        try:
            outputs.show(self._viewer, watches)
        finally:
            self._showing = False
        if isinstance(source, PartInView):
            self._part = source
            self.part_shown.emit(True)
        settled = self._last is not None and self._last[0] is setting
        self._last = setting, outputs.segmentation
        if not settled:
            self._took = perf_counter() - self._started
        self._shown(outputs, self._took)
        if not settled and self._pending is None and setting.unfinished:
            self._rest.start()

    def _settle(self) -> None:
        """Let the slower outputs follow."""
        if self._last is not None and self._pending is None:
            self._pending = self._last[0]
            self._next()
            self._timer.start()

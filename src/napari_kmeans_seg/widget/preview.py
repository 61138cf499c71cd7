"""Live preview: the clusters follow the settings while they are moved."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer

from napari_kmeans_seg.layers import EditWatch, LayerImage, Outputs, linked_layers

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
# How long the settings rest before the slower outputs follow, in milliseconds.
_REST = 400


class Points:
    """The distinct values of the last image, kept for other settings on the same image."""

    def __init__(self) -> None:
        self.source: LayerImage | None = None
        self._settings: dict[str, Any] = {}
        self._prepared: PreparedImage | None = None

    def forget(self) -> None:
        """Let go of the image."""
        self.source = self._prepared = None

    def segment(
        self, source: LayerImage, parameters: dict[str, Any], progress: Progress
    ) -> Segmentation:
        """Segment an image, without reading it again where it was read before."""
        if source.pyramid or source.region or source.seeds or source.step_axis is not None:
            return source.segment(progress=progress, **parameters)
        settings = {key: parameters[key] for key in OF_POINTS if key in parameters}
        if self._prepared is None or settings != self._settings or not self._is(source):
            self.forget()
            self._prepared = source.prepare(progress=progress, **settings)
            self.source, self._settings = source, settings
        rest = {key: value for key, value in parameters.items() if key not in settings}
        return self._prepared.segment(progress=progress, **rest)

    def _is(self, source: LayerImage) -> bool:
        known = self.source
        if known is None or source.link_id != known.link_id or source.plane != known.plane:
            return False
        each, other = source.channels or (source,), known.channels or (known,)
        return all(one.data is two.data for one, two in zip(each, other, strict=True))


@dataclass(frozen=True, eq=False)
class _Setting:
    """What is to be shown."""

    source: LayerImage
    parameters: dict[str, Any]
    kinds: tuple[Kind, ...]


class Preview(QObject):
    """Shows the clusters for the newest setting, one at a time.

    One thread works, one setting waits; a newer one takes its place. So work never piles
    up however fast a slider moves. What is running is let end, since it takes a moment only
    and shows that something happens. The Labels layer follows at once, the segmented image
    once the settings rest.

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
        self._pending: _Setting | None = None
        self._running: tuple[_Setting, list[EditWatch], BackgroundWork[Outputs]] | None = None
        self._started = self._took = 0.0
        self._last: tuple[_Setting, Segmentation] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_EVERY)
        self._timer.timeout.connect(self._look)
        self._rest = QTimer(self)
        self._rest.setInterval(_REST)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._settle)

    @property
    def busy(self) -> bool:
        """Whether something is still to be shown."""
        return self._running is not None or self._pending is not None or self._rest.isActive()

    def request(
        self, source: LayerImage, parameters: dict[str, Any], kinds: tuple[Kind, ...]
    ) -> None:
        """Show a setting as soon as may be. Returns at once."""
        self._rest.stop()
        self._pending = _Setting(source, parameters, kinds)
        self._next()
        self._timer.start()

    def drop_stale(self) -> None:
        """Let go of an image that left the viewer or has other data by now."""
        source = self._points.source
        layers = None if source is None else source.layers_in(self._viewer)
        if source is not None and (layers is None or not source.is_still(*layers)):
            self.stop()

    def stop(self) -> None:
        """Show nothing more, and let go of the image. Qt objects may be gone already."""
        self._pending = self._last = None
        if self._running is not None:
            _, watches, work = self._running
            self._running = None
            work.cancel()
            for watch in watches:
                watch.close()
        self._points = Points()

    def _next(self) -> None:
        """Begin with what waits."""
        if self._running is not None or self._pending is None:
            return
        setting, self._pending = self._pending, None
        last, points = self._last, self._points
        source, kinds = setting.source, setting.kinds
        first: tuple[Kind, ...] = ("labels",) if "labels" in kinds else kinds
        settled = last is not None and last[0] is setting
        if settled:
            first = tuple(kind for kind in kinds if kind not in first)
        watches = [
            EditWatch(layer)
            for kind in first
            for layer in linked_layers(self._viewer, source.link_id, kind)
        ]

        def work(report: Progress) -> Outputs:
            if settled and last is not None:
                segmentation = last[1]
            else:
                segmentation = points.segment(source, setting.parameters, report)
            outputs = Outputs.paint(source, segmentation, first, report)
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
        layers = setting.source.layers_in(self._viewer)
        if layers is None or not setting.source.is_still(*layers):
            self._points.forget()
            return
        outputs.show(self._viewer, watches)
        settled = self._last is not None and self._last[0] is setting
        self._last = setting, outputs.segmentation
        if not settled:
            self._took = perf_counter() - self._started
        self._shown(outputs, self._took)
        if not settled and self._pending is None and len(setting.kinds) > 1:
            self._rest.start()

    def _settle(self) -> None:
        """Let the slower outputs follow."""
        if self._last is not None and self._pending is None:
            self._pending = self._last[0]
            self._next()
            self._timer.start()

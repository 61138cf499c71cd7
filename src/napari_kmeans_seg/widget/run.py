"""One run of k-means, from the press of the button to its end."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from napari.utils import progress as napari_progress

from napari_kmeans_seg.layers import EditWatch, LayerImage, Outputs, earlier_outputs

from .background import BackgroundWork

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer

    from napari_kmeans_seg.layers.link import Kind


@dataclass(frozen=True, eq=False)
class Run:
    """A run on one layer, on a thread of its own, with napari's progress bar.

    Attributes
    ----------
    source : LayerImage
        What is segmented.
    watches : list of EditWatch
        See whether a person changes the layers of an earlier run meanwhile.
    work : BackgroundWork
        The thread.
    """

    source: LayerImage
    watches: list[EditWatch]
    work: BackgroundWork[Outputs]
    bar: napari_progress
    started: float

    @classmethod
    def begin(
        cls,
        viewer: napari.viewer.Viewer,
        source: LayerImage,
        parameters: dict[str, Any],
        kinds: tuple[Kind, ...],
        owner: object,
    ) -> Run:
        """Begin. The run is cancelled when its owner is no more."""
        watches = [EditWatch(layer) for layer in earlier_outputs(viewer, source, kinds)]

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

        run = cls(
            source=source,
            watches=watches,
            work=BackgroundWork(segment_and_paint, owner=owner),
            bar=napari_progress(total=100, desc=f"K-means: {source.name}"),
            started=perf_counter(),
        )
        run.work.start()
        return run

    @property
    def seconds(self) -> float:
        """How long it is under way."""
        return perf_counter() - self.started

    def advance(self) -> int:
        """Move napari's progress bar to where the work is, and tell the percent."""
        percent = int(100 * self.work.fraction)
        # Rarely: napari draws the whole window each time.
        if percent >= self.bar.n + 5:
            self.bar.update(percent - self.bar.n)
        return percent

    def show(self, viewer: napari.viewer.Viewer) -> Outputs | None:
        """Show the result; None if its source went or got other data meanwhile."""
        outputs = self.work.result()
        layers = self.source.layers_in(viewer)
        if layers is None or not self.source.is_still(*layers):
            return None
        outputs.show(viewer, self.watches)
        return outputs

    def end(self) -> None:
        """Let go of the layers and of napari's progress bar."""
        self.bar.close()
        for watch in self.watches:
            watch.close()

"""One run of k-means, from the press of the button to its end."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from napari.utils import progress as napari_progress

from napari_kmeans_seg.layers import EditWatch, Outputs, earlier_outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer

    from .base.state import Request
    from .base.task import Progress


@dataclass(frozen=True, eq=False)
class Run:
    """A run on one layer, with napari's progress bar.

    Attributes
    ----------
    request : Request
        What is asked for.
    watches : list of EditWatch
        See whether a person changes the layers of an earlier run meanwhile.
    work : callable
        What is to be done on a thread of its own.
    """

    request: Request
    watches: list[EditWatch]
    work: Callable[[Progress], Outputs]
    bar: napari_progress
    started: float

    @classmethod
    def begin(
        cls,
        viewer: napari.viewer.Viewer,
        request: Request,
    ) -> Run:
        """Make the work, watch the layers of an earlier run, and open the progress bar."""
        source, kinds = request.source, request.kinds
        parameters = request.parameters
        watches = [EditWatch(layer) for layer in earlier_outputs(viewer, source, kinds)]

        def segment_and_paint(report: Progress) -> Outputs:
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

        return cls(
            request=request,
            watches=watches,
            work=segment_and_paint,
            bar=napari_progress(total=100, desc=f"K-means: {source.name}"),
            started=perf_counter(),
        )

    @property
    def seconds(self) -> float:
        """How long it is under way."""
        return perf_counter() - self.started

    def advance(self, percent: int) -> None:
        """Move napari's progress bar."""
        # Rarely: napari draws the whole window each time.
        if percent >= self.bar.n + 5:
            self.bar.update(percent - self.bar.n)

    def end(self) -> None:
        """Let go of the layers and of napari's progress bar."""
        self.bar.close()
        for watch in self.watches:
            watch.close()

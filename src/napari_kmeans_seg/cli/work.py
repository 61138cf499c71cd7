"""What makes a segmentation of an image: clusters of its own, or those of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..core.base.parallel import Progress
    from ..core.model import KMeansModel
    from ..core.segmentation import Segmentation
    from ..files.base.image_file import ImageFile


@dataclass(frozen=True)
class ByItself:
    """Segments an image with clusters of its own."""

    settings: dict[str, Any]

    def __call__(
        self, image: ImageFile, mask: Any, step_axis: int | None, progress: Progress
    ) -> Segmentation:
        """Segment an image, or each step of an axis by itself."""
        from .. import prepare, segment, segment_steps
        from ..core.arguments import FITTING
        from ..core.base.parallel import within

        form = {
            "channel_axis": image.channel_axis,
            "alpha": image.alpha,
            "mask": mask,
            "channel_names": image.names_told or None,
        }
        if step_axis is not None:
            return segment_steps(
                image.pixels, step_axis=step_axis, **self.settings, **form, progress=progress
            )
        if isinstance(self.settings["init"], str):
            return segment(image.pixels, **self.settings, **form, progress=progress)
        fitting = {name: one for name, one in self.settings.items() if name in FITTING}
        reading = {name: one for name, one in self.settings.items() if name not in FITTING}
        prepared = prepare(image.pixels, **reading, **form, progress=within(progress, 0, 0.4))
        return prepared.segment(**fitting, keep_order=True, progress=within(progress, 0.4, 1))

    def to_json(self) -> dict[str, Any]:
        """Return all that decides what comes of an image."""
        return self.settings

    def name_of(self, label: int) -> str:  # noqa: ARG002
        """Return what a cluster is called."""
        return ""


@dataclass(frozen=True)
class ByModel:
    """Labels an image with the clusters of a model."""

    model: KMeansModel
    rescale: bool = False

    def __call__(
        self,
        image: ImageFile,
        mask: Any,
        step_axis: int | None,  # noqa: ARG002 (all steps have the clusters of the model)
        progress: Progress,
    ) -> Segmentation:
        """Label an image."""
        from ..core.model_parts.same_kind import refuse_other_form

        refuse_other_form(self.model, image)
        return self.model.predict(
            image.pixels,
            mask=mask,
            rescale=self.rescale,
            channel_names=image.names_told or None,
            progress=progress,
        )

    def to_json(self) -> dict[str, Any]:
        """Return all that decides what comes of an image."""
        from ..core.model_parts.model_file import to_json

        return {"model": to_json(self.model), "rescale": self.rescale}

    def name_of(self, label: int) -> str:
        """Return what a cluster is called."""
        return self.model.names.get(label, "")

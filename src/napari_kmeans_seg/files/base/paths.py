"""Where the results of an image are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class ResultPaths:
    """The three files that belong to one image; in a store labels and picture are one.

    Those of a field of a plate are an image in the store `plate`.
    """

    labels: Path
    segmented: Path
    clusters: Path
    plate: Path | None = None

    def __iter__(self) -> Iterator[Path]:
        return iter(dict.fromkeys((self.labels, self.segmented, self.clusters)))

    @property
    def homes(self) -> tuple[Path, ...]:
        """The folders in which files are exchanged when these are written."""
        if self.plate is None:
            return tuple(dict.fromkeys((self.clusters.parent, self.labels.parent)))
        # The field is named in its well, that in the plate, and rows have marks.
        field = self.labels
        return (self.clusters.parent, *field.parents[: len(field.relative_to(self.plate).parts)])

"""What a result keeps, in the metadata of its layers, of how it came to be."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from math import isnan, nan
from typing import TYPE_CHECKING, Any, Literal, cast

from napari_kmeans_seg.core.arguments import ARGUMENTS
from napari_kmeans_seg.core.base import notes_as_json
from napari_kmeans_seg.core.model_parts.model_file import to_json as model_to_json

from ..source.record import RegionRecord as RegionRecord
from ..source.record import SourceRecord
from .colors import Display
from .edit_watch import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Layer

    from napari_kmeans_seg import Segmentation
    from napari_kmeans_seg.core.base.note import Note

    from ..source.layer_image import LayerImage

SCHEMA = 2
"""Raised when a record of this version could not be read by the version before. Those of schema 1
have no number, neither notes nor a palette, and labels and names only once they were edited."""

Palette = Literal["mean", "distinct", "own"]
"""Which colours clusters have: the means of their pixels, distinct hues, or a person's own."""


def default_name(label: int) -> str:
    """Name a cluster that nobody has named."""
    return f"Cluster {label}"


@dataclass(frozen=True)
class Merged:
    """Clusters were merged into the first of `labels`."""

    labels: tuple[int, ...]


@dataclass(frozen=True)
class Deleted:
    """The pixels of clusters were made background."""

    labels: tuple[int, ...]


@dataclass(frozen=True)
class Split:
    """The cluster `label` was split by k-means into parts with these labels.

    `model` is the `KMeansModel` that did it, as JSON has it; None where it is not known.
    """

    label: int
    labels: tuple[int, ...]
    model: dict[str, Any] | None = None


@dataclass(frozen=True)
class ThresholdMoved:
    """The threshold between two clusters was moved by hand.

    Attributes
    ----------
    lower, upper : int
        The clusters below and above.
    start, at : float
        Where it was, and where it is.
    low, high : float or None
        The thresholds on either side, between which pixels changed; None where there is none.
    """

    lower: int
    upper: int
    start: float
    at: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class PaintedByHand:
    """Pixels were given other labels with the brush."""


Edit = Merged | Deleted | Split | ThresholdMoved | PaintedByHand


@dataclass(frozen=True)
class ClusterRecord:
    """A cluster: its label and name, its pixels, and their mean in each channel.

    The mean of one without pixels is that which it had, or NaN.
    """

    label: int
    name: str
    pixels: int
    mean: tuple[float, ...]

    @classmethod
    def of(cls, label: int, name: str, pixels: int, mean: Any) -> ClusterRecord:
        """Make one of numbers of whatever kind."""
        # All NaN are the same object, so that equal records compare equal.
        values = tuple(nan if isnan(value) else float(value) for value in mean)
        return cls(int(label), str(name), int(pixels), values)


@dataclass(frozen=True)
class FitRecord:
    """How k-means went.

    Attributes
    ----------
    n_iter, converged, inertia
        As those of a `Segmentation`.
    n_steps : int
        How many steps were clustered each by itself; 1 where there is no axis of steps.
    left_out : int or None
        Pixels that took no part; None where they are not counted.
    """

    n_iter: int
    converged: bool
    inertia: float
    n_steps: int = 1
    left_out: int | None = None


@dataclass(frozen=True)
class Record:
    """How a result came to be, and what was done to it.

    Attributes
    ----------
    version : str
        Of this package.
    source : SourceRecord
        What was segmented.
    arguments : dict
        Those of the run, as they were used. JSON can hold them.
    clusters : tuple of ClusterRecord
        As they were last written to the layer.
    first : tuple of int
        The labels that had pixels after the run.
    fit : FitRecord
        How k-means went.
    notes : tuple of Note
        What is worth knowing. Of records of schema 1 they are plain words.
    edits : tuple of Edit
        What was done to the clusters since, the first first.
    palette : str
        Which colours the clusters have: "mean", "distinct" or "own".
    display : Display or None
        How the image showed its values when mean colours were chosen.
    model : dict or None
        The `KMeansModel` of the run, as JSON has it. None where there is no one model, as of steps
        that were clustered each by itself.
    schema : int
        The version of the record; see `SCHEMA`.
    """

    version: str
    source: SourceRecord
    arguments: dict[str, Any]
    clusters: tuple[ClusterRecord, ...]
    first: tuple[int, ...]
    fit: FitRecord
    notes: tuple[Note, ...] = ()
    edits: tuple[Edit, ...] = ()
    palette: Palette = "own"
    display: Display | None = None
    model: dict[str, Any] | None = None
    schema: int = field(default=SCHEMA, kw_only=True)

    @classmethod
    def of_run(cls, segmentation: Segmentation, source: LayerImage) -> Record:
        """Keep what a run did."""
        clusters = tuple(
            ClusterRecord.of(label, default_name(label), pixels, mean)
            for label, (pixels, mean) in enumerate(
                zip(segmentation.counts, segmentation.centroids, strict=True), 1
            )
        )
        limited = source.region is not None and not source.region.everywhere
        left_out = None
        # Counts of others may be estimates.
        if source.alpha and not limited and not source.pyramid and not source.is_lazy:
            left_out = int(segmentation.labels.size - segmentation.counts.sum())
        axis = source.step_axis
        return cls(
            version=segmentation.parameters["version"],
            source=source.record,
            arguments=dict(segmentation.parameters),
            clusters=clusters,
            first=tuple(one.label for one in clusters if one.pixels),
            fit=FitRecord(
                n_iter=int(segmentation.n_iter),
                converged=bool(segmentation.converged),
                inertia=float(segmentation.inertia),
                n_steps=1 if axis is None else int(segmentation.labels.shape[axis]),
                left_out=left_out,
            ),
            notes=segmentation.notes,
            model=model_to_json(segmentation.model) if axis is None else None,
        )

    @classmethod
    def of(cls, layer: Layer) -> Record | None:
        """Read the record of a result from the metadata of its layer; None where there is none."""
        fields = layer.metadata.get(METADATA_KEY)
        if not isinstance(fields, dict) or "parameters" not in fields:
            return None
        shape = (layer.data[0] if layer.multiscale else layer.data).shape
        return cls.from_json(fields, shape)

    @classmethod
    def of_result(cls, layer: Layer) -> Record:
        """Read the record of a layer that must be a result.

        Raises
        ------
        ValueError
            If it is none.
        """
        record = cls.of(layer)
        if record is None:
            raise ValueError(f"“{layer.name}” is no result of k-means; choose one that a run made.")
        return record

    def write(self, layer: Layer) -> None:
        """Write the record into the metadata of a layer. What links it to its source stays."""
        old = layer.metadata.get(METADATA_KEY, {})
        link = {"link": old["link"]} if "link" in old else {}
        layer.metadata = {**layer.metadata, METADATA_KEY: {**self.to_json(), **link}}

    def same_result(self, other: Record | None) -> bool:
        """Whether both are of the same clusters, whatever their names and colours."""
        return other is not None and self._anonymous == other._anonymous

    @property
    def _anonymous(self) -> Record:
        clusters = tuple(replace(one, name="") for one in self.clusters)
        return replace(self, clusters=clusters, palette="own", display=None)

    @property
    def is_preview(self) -> bool:
        """Whether the result is a preview of what is in view, and nobody's result."""
        return self.source.view is not None

    @property
    def arguments_of_parts(self) -> dict[str, Any]:
        """The arguments by which a cluster is split again."""
        fixed = self.source.seeds is not None and self.source.seeds.fixed
        stages = ("reading",) if fixed else ("reading", "fitting")  # fixed: no iterations
        return {
            one.name: self.arguments[one.name]
            for one in ARGUMENTS.values()
            if one.for_parts and one.name in self.arguments and one.stage in stages
        }

    def to_json(self) -> dict[str, Any]:
        """Give plain values, under the names that people may read."""
        optional: dict[str, Any] = {}
        if self.fit.left_out is not None:
            optional["left_out"] = self.fit.left_out
        if self.source.step_axis is not None:
            optional["n_steps"] = self.fit.n_steps
        if self.edits:
            optional["edits"] = [_edit_to_json(edit) for edit in self.edits]
        if self.display is not None:
            optional["display"] = asdict(self.display)
        if self.model is not None:
            optional["model"] = self.model
        return {
            "schema": self.schema,
            "version": self.version,
            **self.source.to_json(),
            "parameters": dict(self.arguments),
            "n_clusters": len(self.clusters),
            "labels": [one.label for one in self.clusters],
            "names": [one.name for one in self.clusters],
            "centroids": [list(one.mean) for one in self.clusters],
            "counts": [one.pixels for one in self.clusters],
            "first_labels": list(self.first),
            "inertia": self.fit.inertia,
            "n_iter": self.fit.n_iter,
            "converged": self.fit.converged,
            "warnings": [str(note) for note in self.notes],
            "notes": [notes_as_json.to_json(note) for note in self.notes],
            "palette": self.palette,
            **optional,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any], shape: tuple[int, ...]) -> Record:
        """Read what `to_json` wrote, in this version or an earlier one.

        Parameters
        ----------
        fields : mapping
            As in the metadata.
        shape : tuple of int
            Of the layer, to count its steps where a record does not say how many.
        """
        counts = fields["counts"]
        labels = fields.get("labels") or list(range(1, len(counts) + 1))
        names = fields.get("names") or list(map(default_name, labels))
        each = zip(labels, names, counts, fields["centroids"], strict=True)
        source, display = SourceRecord.from_json(fields), fields.get("display")
        axis, texts = source.step_axis, fields.get("warnings", ())
        # Those of schema 1 are texts alone.
        written = fields.get("notes", [{"kind": "Plain", "text": text} for text in texts])
        with_pixels = [label for label, n in zip(labels, counts, strict=True) if n > 0]
        return cls(
            version=fields["version"],
            source=source,
            arguments=dict(fields["parameters"]),
            clusters=tuple(ClusterRecord.of(*one) for one in each),
            first=tuple(fields.get("first_labels", with_pixels)),
            fit=FitRecord(
                n_iter=fields["n_iter"],
                converged=fields.get("converged", True),
                inertia=fields.get("inertia", nan),
                n_steps=fields.get("n_steps", 1 if axis is None else int(shape[axis])),
                left_out=fields.get("left_out"),
            ),
            notes=tuple(map(notes_as_json.from_json, written, texts)),
            edits=tuple(map(_edit_from_json, fields.get("edits", ()))),
            palette=cast("Palette", fields.get("palette", "own")),
            display=display and Display(**display),
            model=fields.get("model"),
            schema=SCHEMA,
        )


def _edit_to_json(edit: Edit) -> dict[str, Any]:
    match edit:
        case Merged(labels):
            return {"merge": list(labels)}
        case Deleted(labels):
            return {"delete": list(labels)}
        case Split(label, labels, model):
            found = {"split": label, "into": len(labels), "labels": list(labels)}
            return found if model is None else {**found, "model": model}
        case ThresholdMoved(lower, upper, start, at, low, high):
            return {"threshold": [lower, upper], "at": at, "from": start, "where": [low, high]}
        case PaintedByHand():
            return {"painted": True}


def _edit_from_json(fields: Mapping[str, Any]) -> Edit:
    match fields:
        case {"merge": labels}:
            return Merged(tuple(labels))
        case {"delete": labels}:
            return Deleted(tuple(labels))
        case {"split": label, "labels": labels}:
            return Split(label, tuple(labels), fields.get("model"))
        case {"threshold": [lower, upper], "at": at, "from": start, "where": [low, high]}:
            return ThresholdMoved(lower, upper, start, at, low, high)
        case _:
            return PaintedByHand()

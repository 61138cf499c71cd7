"""What a result keeps of where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class RegionRecord:
    """The region in which clusters were found.

    Attributes
    ----------
    layer : str
        The name of its layer.
    everywhere : bool
        Whether all pixels were labelled, and not only those of the region.
    labels : tuple of int
        The labels that belong to it; empty for all.
    own_planes : bool
        Whether what was drawn on a plane counted there only.
    n_axes : int or None
        How many axes its layer had; None for labels that have the very pixels of the image.
    matrix : tuple of tuple of float, or None
        Takes pixels of the image, and a 1, to those of the labels; None where they are the same
        along all axes that the labels have.
    outlines : tuple
        The vertices of each shape, in pixels of the image along its last axes; empty for labels.
    """

    layer: str
    everywhere: bool
    labels: tuple[int, ...] = ()
    own_planes: bool = False
    n_axes: int | None = None
    matrix: tuple[tuple[float, ...], ...] | None = None
    outlines: tuple[tuple[tuple[float, ...], ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give plain values; only of what there is."""
        fields: dict[str, Any] = {"layer": self.layer, "everywhere": self.everywhere}
        if self.labels:
            fields["labels"] = list(self.labels)
        if self.own_planes:
            fields["own_planes"] = True
        if self.n_axes is not None:
            fields["n_axes"] = self.n_axes
        if self.matrix is not None:
            fields["matrix"] = [list(row) for row in self.matrix]
        if self.outlines:
            fields["outlines"] = [[list(one) for one in outline] for outline in self.outlines]
        return fields

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> RegionRecord:
        """Read what `to_json` wrote."""
        matrix = fields.get("matrix")
        return cls(
            fields["layer"],
            fields["everywhere"],
            tuple(fields.get("labels", ())),
            fields.get("own_planes", False),
            fields.get("n_axes"),
            None if matrix is None else tuple(map(tuple, matrix)),
            tuple(tuple(map(tuple, outline)) for outline in fields.get("outlines", ())),
        )


@dataclass(frozen=True)
class SeedsRecord:
    """The seeds from which clusters started: the name of their layer, and whether they stayed."""

    layer: str
    fixed: bool


@dataclass(frozen=True)
class ViewRecord:
    """The part of an image of which a result is a preview; see `View`."""

    level: int
    start: tuple[int, ...]
    stop: tuple[int, ...]
    step: tuple[int, ...]


@dataclass(frozen=True)
class SourceRecord:
    """What was segmented.

    Attributes
    ----------
    name : str
        Of the image; of several that were clustered together, all names.
    channels : tuple of str
        Of several images each one's name; of one with an axis of channels, their names.
    channels_along : int or None
        That axis of the image.
    plane : mapping of int to int
        The index along each axis to which the scope was limited; None where it was not.
    step_axis : int or None
        The axis whose steps were clustered each by itself.
    region : RegionRecord or None
    seeds : SeedsRecord or None
    left_out : tuple of float
        Values of pixels that took no part.
    specks : int
        Connected pieces with fewer pixels were merged into what is around them.
    across_planes : bool
        Whether pieces were connected across planes.
    view : ViewRecord or None
        Of a preview, the part that was in view.
    """

    name: str
    channels: tuple[str, ...] = ()
    channels_along: int | None = None
    plane: Mapping[int, int] | None = None
    step_axis: int | None = None
    region: RegionRecord | None = None
    seeds: SeedsRecord | None = None
    left_out: tuple[float, ...] = ()
    specks: int = 0
    across_planes: bool = False
    view: ViewRecord | None = None

    @property
    def n_images(self) -> int:
        """How many image layers were segmented."""
        return len(self.channels) if self.channels and self.channels_along is None else 1

    def part(self, n_axes: int) -> str:
        """Say what the scope was limited to, of an image with so many axes.

        A "plane", a "volume" that was displayed, or nothing.
        """
        if self.plane is None:
            return ""
        shown = n_axes - len(self.plane) - self.keeps_channel_axis(n_axes)
        return "plane" if shown <= 2 else "volume"

    def keeps_channel_axis(self, n_axes: int) -> bool:
        """Whether results, which have so many axes, have one of length 1 for the channels."""
        return self.channels_along is not None and 0 < self.channels_along < n_axes

    def to_json(self) -> dict[str, Any]:
        """Give plain values; only of what there is."""
        fields: dict[str, Any] = {"source": self.name}
        if self.channels:
            fields["channels"] = list(self.channels)
        if self.channels_along is not None:
            fields["channels_along_axis"] = self.channels_along
        if self.plane is not None:
            fields["plane"] = {str(axis): index for axis, index in self.plane.items()}
        if self.step_axis is not None:
            fields["each_step_of_axis"] = self.step_axis
        if self.region is not None:
            fields["region"] = self.region.to_json()
        if self.seeds is not None:
            fields["seeds"] = {"layer": self.seeds.layer, "fixed": self.seeds.fixed}
        if self.left_out:
            fields["left_out_values"] = list(self.left_out)
        if self.specks:
            fields["merged_pieces_below"] = self.specks
        if self.across_planes:
            fields["pieces_across_planes"] = True
        if (view := self.view) is not None:
            box = {"start": list(view.start), "stop": list(view.stop), "step": list(view.step)}
            fields["preview_of"] = {"level": view.level, **box}
        return fields

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> SourceRecord:
        """Read what `to_json` wrote, among other fields."""
        plane, region, seeds, view = (
            fields.get(key) for key in ("plane", "region", "seeds", "preview_of")
        )
        return cls(
            name=fields.get("source", ""),
            channels=tuple(fields.get("channels", ())),
            channels_along=fields.get("channels_along_axis"),
            plane=None if plane is None else {int(axis): index for axis, index in plane.items()},
            step_axis=fields.get("each_step_of_axis"),
            region=region and RegionRecord.from_json(region),
            seeds=seeds and SeedsRecord(seeds["layer"], seeds["fixed"]),
            left_out=tuple(fields.get("left_out_values", ())),
            specks=fields.get("merged_pieces_below", 0),
            across_planes=fields.get("pieces_across_planes", False),
            view=view
            and ViewRecord(
                int(view["level"]),
                *(tuple(map(int, view[key])) for key in ("start", "stop", "step")),
            ),
        )

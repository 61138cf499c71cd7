"""What is worth knowing about a result: as numbers, and worded here and nowhere else."""

from abc import abstractmethod
from dataclasses import dataclass

from .errors import Naming, as_argument
from .note import Note


@dataclass(frozen=True, kw_only=True)
class NotFinite(Note):
    """Pixels were left out because they are not finite: `n` of them."""

    n: int

    def _sentence(self, _naming: Naming) -> str:
        which, were = ("pixel is", "was") if self.n == 1 else ("pixels are", "were")
        return f"{self.n:,} {which} NaN or infinite and {were} left out (label 0)."


@dataclass(frozen=True, kw_only=True)
class FewValues(Note):
    """There were fewer distinct values than clusters were asked for.

    Attributes
    ----------
    found, asked : int
        How many values there were, and how many clusters were asked for.
    fit_scale : float
        Of the copy that has so few; 1 for the image itself.
    """

    found: int
    asked: int
    fit_scale: float = 1.0

    def _sentence(self, naming: Naming) -> str:
        of = "The image"
        if self.fit_scale != 1:
            of = f"The copy of the image at {naming('fit_scale', f'{self.fit_scale:g}')}"
        s, asked = "s" if self.found > 1 else "", naming("n_clusters", f"{self.asked:,}")
        return (
            f"{of} has {self.found:,} distinct value{s}, fewer than {asked}: "
            f"it got {self.found:,} cluster{s}."
        )


@dataclass(frozen=True, kw_only=True)
class WithoutPixels(Note):
    """Clusters were left out because no pixel belongs to them: `left_out` of `found`."""

    left_out: int
    found: int

    def _sentence(self, _naming: Naming) -> str:
        return f"{self.left_out:,} of {self.found:,} clusters had no pixels and were left out."


@dataclass(frozen=True, kw_only=True)
class FittedOn(Note):
    """Clusters were found on a part or a copy of the image."""

    @property
    def part(self) -> str:
        """Of what, e.g. "level 1 of the pyramid (200 × 300 pixels)"."""
        return self._part(as_argument)

    @abstractmethod
    def _part(self, naming: Naming) -> str: ...


@dataclass(frozen=True, kw_only=True)
class FittedOnSample(FittedOn):
    """Clusters of a Dask array were found on a sample, on some chunks or on a copy.

    Attributes
    ----------
    n, of : int
        Pixels of the sample, 0 where all those of the chunks count, and of the image.
    n_chunks, of_chunks : int
        How many chunks were read, and how many there are.
    fit_scale : float
        The scale of the copy.
    """

    n: int
    of: int
    n_chunks: int
    of_chunks: int
    fit_scale: float = 1.0

    def _part(self, naming: Naming) -> str:
        chunks = f"{self.n_chunks:,} of {self.of_chunks:,} chunks, evenly spread"
        every_chunk = self.n_chunks == self.of_chunks
        if self.n:
            sample = f"a sample of {self.n:,} of {self.of:,} pixels"
            return sample if every_chunk else f"{sample}, from {chunks}"
        copy = f"the copy at {naming('fit_scale', f'{self.fit_scale:g}')}"
        return copy if every_chunk else chunks

    def _sentence(self, naming: Naming) -> str:
        counts = "pixel counts and inertia are scaled up to the whole"
        return f"Fitted on {self._part(naming)}; {counts}."


@dataclass(frozen=True, kw_only=True)
class FittedOnLevel(FittedOn):
    """Clusters were found on a smaller level of a pyramid.

    Attributes
    ----------
    level : int
        Its number, 0 being the largest.
    shape : tuple of int
        Its spatial shape.
    scaled_counts : bool
        Whether pixel counts are estimated from it.
    """

    level: int
    shape: tuple[int, ...]
    scaled_counts: bool = False

    def _part(self, _naming: Naming) -> str:
        return f"level {self.level} of the pyramid ({_size(self.shape)} pixels)"

    def _sentence(self, naming: Naming) -> str:
        counts = "; pixel counts are estimated from it" if self.scaled_counts else ""
        return f"Fitted on {self._part(naming)}{counts}."


@dataclass(frozen=True, kw_only=True)
class CountsOfPart(Note):
    """An image was too large to be counted: counts are those of what was fitted."""

    def _sentence(self, _naming: Naming) -> str:
        return "Pixel counts and means are those of the part where the clusters were found."


@dataclass(frozen=True, kw_only=True)
class CountsBeforeSpecks(Note):
    """An image was too large to be counted again after its specks were merged."""

    def _sentence(self, _naming: Naming) -> str:
        return "Pixel counts and means are those before specks were merged."


@dataclass(frozen=True, kw_only=True)
class SeedsLeftOut(Note):
    """Some seeds could not be used.

    Attributes
    ----------
    layer : str
        The name of the layer of seeds.
    of : int
        How many seeds there are.
    where : tuple of (str, int)
        Where those lie that were left out, e.g. "outside the image", and how many there.
    """

    layer: str
    of: int
    where: tuple[tuple[str, int], ...]

    @property
    def left_out(self) -> int:
        """How many were left out."""
        return sum(n for _, n in self.where)

    @property
    def why(self) -> str:
        """Where they lie, in words."""
        return ", ".join(f"{n} {place}" for place, n in self.where if n)

    def _sentence(self, _naming: Naming) -> str:
        were = "were" if self.left_out > 1 else "was"
        return f"{self.left_out} of {self.of} seeds of “{self.layer}” {were} left out: {self.why}."


@dataclass(frozen=True, kw_only=True)
class ObjectsMissing(Note):
    """Objects were asked for of clusters that there are not.

    Attributes
    ----------
    labels : tuple of int
        Of these.
    n_clusters : int
        How many clusters there are.
    """

    labels: tuple[int, ...]
    n_clusters: int

    def _sentence(self, _naming: Naming) -> str:
        several = self.n_clusters > 1
        there = f"clusters are 1 to {self.n_clusters}" if several else "there is cluster 1 only"
        return f"Objects of {', '.join(map(str, self.labels))}: {there}."


@dataclass(frozen=True, kw_only=True)
class Hidden(Note):
    """Layers are too large to be shown: a plane of them has this `shape`."""

    shape: tuple[int, ...]

    def _sentence(self, _naming: Naming) -> str:
        return (
            f"The layers are hidden: to show one, napari computes all {_size(self.shape)} pixels "
            "at once. Open the image as a pyramid instead, or write the data of the layers with "
            "Dask's to_zarr."
        )


@dataclass(frozen=True, kw_only=True)
class ValuesLeftOut(Note):
    """Pixels of these values took no part."""

    values: tuple[float, ...]

    def _sentence(self, _naming: Naming) -> str:
        s = "s" if len(self.values) > 1 else ""
        values = " or ".join(f"{one:g}" for one in self.values)
        return f"Pixels of the value{s} {values} are left out (label 0)."


@dataclass(frozen=True, kw_only=True)
class RegionCovers(Note):
    """A region that is drawn on single planes counts on all, or on those only.

    Attributes
    ----------
    layer : str
        The name of the region's layer.
    n_planes : int
        On how many planes it counts; 0 for all.
    """

    layer: str
    n_planes: int

    def _sentence(self, _naming: Naming) -> str:
        if not self.n_planes:
            return f"The region “{self.layer}” is drawn on one plane and counts on all."
        one = self.n_planes == 1
        planes = "the plane that it is" if one else f"the {self.n_planes} planes that it is"
        return f"The region “{self.layer}” counts only on {planes} drawn on."


@dataclass(frozen=True, kw_only=True)
class BlankSteps(Note):
    """Steps of a series had no pixel that takes part: these `steps`."""

    steps: tuple[int, ...]

    @property
    def named(self) -> str:
        """Which steps, e.g. "0 and 2 to 5"."""
        runs: list[list[int]] = []
        for step in self.steps:
            if runs and step == runs[-1][-1] + 1:
                runs[-1].append(step)
            else:
                runs.append([step])
        return _and([f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs])

    def _sentence(self, _naming: Naming) -> str:
        have = "Steps {} have" if len(self.steps) > 1 else "Step {} has"
        return f"{have.format(self.named)} no pixel that takes part: label 0 there."


@dataclass(frozen=True, kw_only=True)
class LabelsByPlace(Note):
    """Clusters stayed where they were, and have values that others of them had before."""

    labels: tuple[int, ...]

    def _sentence(self, _naming: Naming) -> str:
        labels = _and([str(one) for one in self.labels])
        return (
            f"Labels {labels} were given by place, since their clusters stay where they were; by "
            "value alone they would be exchanged."
        )


@dataclass(frozen=True, kw_only=True)
class LabelsUncertain(Note):
    """Neither place nor value shows which clusters of the step before these are."""

    labels: tuple[int, ...]

    def _sentence(self, _naming: Naming) -> str:
        labels = _and([str(one) for one in self.labels])
        return f"Labels {labels} are uncertain: neither place nor value shows which they are."


@dataclass(frozen=True, kw_only=True)
class Plain(Note):
    """Anything else, in words: of a result that another version made."""

    text: str

    def _sentence(self, _naming: Naming) -> str:
        return self.text


def _and(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{n:,}" for n in shape)


# -- what there is to note --------------------------------------------------------------


def not_finite(n: int) -> tuple[Note, ...]:
    """Note how many pixels are left out because they are not finite, if any is."""
    return (NotFinite(n=int(n)),) if n else ()

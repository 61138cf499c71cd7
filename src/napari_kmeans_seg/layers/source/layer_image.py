"""The one place where layers become an array and arguments for the core."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from napari.layers import Image

from napari_kmeans_seg import Segmentation, prepare
from napari_kmeans_seg.core.arguments import FITTING
from napari_kmeans_seg.core.base.cached import cached_property
from napari_kmeans_seg.core.base.errors import NoPixels
from napari_kmeans_seg.core.base.notes import ValuesLeftOut
from napari_kmeans_seg.core.base.parallel import portion, within
from napari_kmeans_seg.core.levels import PyramidSegmentation, relabelled
from napari_kmeans_seg.core.steps import Blank, StepsSegmentation

from ..base.arrays import holds_value, reading, stack
from ..base.describe import check_kind, is_time, mismatch, pixels_of, results_axes
from ..base.geometry import of_level, placement, shifted, without_channels
from ..base.pyramid import label_level, level_to_fit, note_hidden, note_level
from .channels import channel_names, checked_axis
from .chosen import Chosen
from .region import RegionMissed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_kmeans_seg import PreparedImage
    from napari_kmeans_seg.core.base.parallel import Progress

    from ..base.geometry import Matrix
    from .seeds import Start

Found = TypeVar("Found", bound=Segmentation)


@dataclass(frozen=True, eq=False)
class LayerImage(Chosen):
    """The pixels of what was chosen, and how to segment them."""

    channels: tuple[LayerImage, ...] = ()

    @classmethod
    def of(cls, layer: Image, *others: Image, channel_axis: int | None = None) -> LayerImage:
        """Read a layer, or several to cluster together. Cheap: no pixel is touched.

        Parameters
        ----------
        layer, *others : Image
            The layers.
        channel_axis : int, optional
            The axis of a single layer that holds channels. `proposed_channels` finds it where the
            layer or its file says so.

        Raises
        ------
        TypeError
            If one is no Image layer.
        ValueError
            If the layers do not match, the message says which one, and in what; or if the layer
            has no such axis, or holds colours.
        """
        for one in (layer, *others):
            check_kind(one, Image)
        along = None if channel_axis is None else checked_axis(layer, channel_axis, len(others))
        kept = results_axes(layer, along)
        where, data = placement(layer), pixels_of(layer)
        names: tuple[str, ...] = ()
        if along is not None:
            names = channel_names(layer, along)
            where = without_channels(where, along, len(names))
        one = cls(
            layer_id=str(layer.unique_id),
            name=layer.name,
            data=data,
            rgb=bool(layer.rgb),
            placement=where,
            units=tuple(layer.units[axis] for axis in kept),
            pyramid=tuple(layer.data) if layer.multiscale else (),
            time_axes=tuple(i for i, axis in enumerate(kept) if is_time(layer, axis)),
            channels_along=along,
            names=names,
        )
        if not others:
            return one
        for other in (layer, *others):
            if (why := mismatch(layer, other)) is not None:
                raise ValueError(why)
        channels = (one, *(cls.of(other) for other in others))
        return replace(one, name=" + ".join(each.name for each in channels), channels=channels)

    def called(self, layers: Sequence[Image]) -> Self:
        """Give the same with the names that its layers have by now."""
        channels = tuple(
            replace(one, name=layer.name)
            for one, layer in zip(self.channels, layers, strict=bool(self.channels))
        )
        return replace(self, name=" + ".join(one.name for one in layers), channels=channels)

    @cached_property
    def levels(self) -> tuple[tuple[Any, Matrix], ...]:
        """The array of each level, channels joined and cut to the scope, and where it lies.

        For NumPy arrays that are joined this copies all pixels.
        """
        each = self.channels or (self,)
        shapes = [self._shape_of(level) for level in each[0].pyramid or (self.data,)]
        found = []
        for i, shape in enumerate(shapes):
            arrays = [one.form((one.pyramid or (one.data,))[i]) for one in each]
            where = of_level(self.placement, shapes[0], shape)
            if self.plane is not None:
                cut: list[slice] = [slice(None)] * self._n_axes
                offset = np.zeros(self._n_axes)
                for axis, index in self.plane.items():
                    at = min(index * shape[axis] // shapes[0][axis], shape[axis] - 1)
                    cut[axis], offset[axis] = slice(at, at + 1), at
                arrays = [array[tuple(cut)] for array in arrays]
                where = shifted(where, offset)
            found.append((stack(arrays, 0) if self.channels else arrays[0], where))
        return tuple(found)

    @property
    def _arrays(self) -> dict[str, Sequence[Any]]:
        """What each layer is called, and what is read of it."""
        return {each.name: each.pyramid or (each.data,) for each in self.channels or (self,)}

    def prepare(self, *, progress: Progress | None = None, **parameters: Any) -> PreparedImage:
        """Read the pixels once, to segment them several times.

        `parameters` are those of `napari_kmeans_seg.prepare`. Scope and region count; steps,
        smaller levels and seeds do not.
        """
        self.look()
        image, where = self.levels[0]
        with reading(self._arrays):
            return self._prepare(image, where, progress, parameters)

    def segment(
        self, *, progress: Progress | None = None, n_clusters: int = 5, **parameters: Any
    ) -> Segmentation:
        """Segment the pixels; `parameters` are those of `napari_kmeans_seg.segment`.

        A `mask` limits the largest level only, and this alone is segmented then.

        Returns
        -------
        Segmentation
            Its arrays are lazy where the layer is. That of a pyramid is a
            `PyramidSegmentation`, that of steps a `StepsSegmentation`.
        """
        if "mask" in parameters:
            return self._segment(self.levels[:1], n_clusters, parameters, progress)
        self.look()
        spatial = slice(1, None) if self.channels else slice(self._n_axes)
        self.clean_up.check([level for level, _ in self.levels], spatial)
        cleaning = 0.8 if self.clean_up.specks else 1.0
        finding = within(progress, 0, cleaning)
        with reading(self._arrays):
            if self.step_axis is None:
                found = self._segment(self.levels, n_clusters, parameters, finding)
            else:
                found = self._segment_steps(self.step_axis, n_clusters, parameters, finding)
            found = self.clean_up.without_specks(found, within(progress, cleaning, 1))
        shape = self._spatial(self.levels[0][0])
        if self.region is not None and (note := self.region.covers(shape)):
            found = replace(found, notes=(*found.notes, note))
        if self.left_out:
            found = replace(found, notes=(*found.notes, ValuesLeftOut(values=self.record.left_out)))
        return found if self.pyramid else note_hidden(found)

    def _segment_steps(
        self, axis: int, n_clusters: int, parameters: dict[str, Any], progress: Progress | None
    ) -> StepsSegmentation:
        """Cluster each step of an axis by itself."""
        along = self.array_axis(axis)
        n_steps = {level.shape[along] for level, _ in self.levels}
        if len(n_steps) > 1:
            raise ValueError(
                f"The levels of “{self.name}” differ along axis {axis}: its steps cannot be "
                "clustered each by itself. Segment the whole image instead."
            )
        n = n_steps.pop()
        # Seeds stand for the same in every step, wherever they were set.
        start = None if self.seeds is None else self._start(*self.levels[0], progress)
        steps: list[Segmentation | Blank] = []
        for i in range(n):

            def step_progress(fraction: float, stage: str, i: int = i) -> None:
                if progress is not None:
                    progress(0.9 * (i + fraction) / n, f"{stage}, step {i + 1} of {n}")

            levels = []
            for level, where in self.levels:
                cut = [slice(None)] * level.ndim
                cut[along] = slice(i, i + 1)
                offset = np.zeros(self._n_axes)
                offset[axis] = i
                levels.append((level[tuple(cut)], shifted(where, offset)))
            try:
                steps.append(self._segment(levels, n_clusters, parameters, step_progress, start))
            except (NoPixels, RegionMissed, AllLeftOut):
                arrays = tuple(level for level, _ in levels)
                steps.append(Blank(arrays, self.channel_axis, self.alpha))
        found = [step for step in steps if isinstance(step, Segmentation)]
        if not found:
            raise self._nothing
        # Seeds that all steps have are matched from the start.
        matched = start is not None and len({step.n_clusters for step in found}) == 1
        tick = portion(progress, 0.9, 1, "Comparing steps")
        return note_seeds(StepsSegmentation.of(steps, axis, tick, matched=matched), start)

    def array_axis(self, axis: int) -> int:
        """Say which axis of the arrays an axis of the layer is."""
        return axis + bool(self.channels)

    def _segment(
        self,
        levels: Sequence[tuple[Any, Matrix]],
        n_clusters: int,
        parameters: dict[str, Any],
        progress: Progress | None,
        start: Start | None = None,
    ) -> Segmentation:
        """Fit on one level, and label them all."""
        of_run = {key: value for key, value in parameters.items() if key in FITTING}
        of_prepare = {key: value for key, value in parameters.items() if key not in FITTING}
        given, arrays = start, [level for level, _ in levels]
        shapes = [self._spatial(level) for level in arrays]
        # What is left of the progress is for labelling what was not fitted.
        fitting = 0.7 if len(levels) > 1 or not self._as_fitted else 1.0
        fit_scale, n_levels = of_prepare.get("fit_scale", 1.0), len(levels)
        while True:
            place, of_prepare["fit_scale"] = level_to_fit(
                arrays[:n_levels], shapes[:n_levels], fit_scale
            )
            image, where = levels[place]
            reading_level = within(progress, 0, 0.4 * fitting)
            try:
                if self.seeds is not None and given is None:
                    start = self._start(image, where, progress)
                prepared = self._prepare(image, where, reading_level, of_prepare)
                break
            except (NoPixels, RegionMissed, AllLeftOut):
                # A larger level may have pixels where this one has none.
                if not place:
                    raise
                n_levels = place
        running = within(progress, 0.4 * fitting, fitting)
        if self.seeds is None or start is None:
            fit = prepared.segment(n_clusters, progress=running, **of_run)
        elif self.seeds.fixed:
            fit = prepared.classify(start.centroids, progress=running)
        else:
            of_run |= {"init": start.centroids, "n_init": 1}
            fit = prepared.segment(
                len(start.centroids), keep_order=True, progress=running, **of_run
            )

        everywhere = self.region is None or self.region.everywhere
        done: list[Segmentation] = []
        for i, (level, lies) in enumerate(levels):
            if i == place and self._as_fitted:
                done.append(fit)
                continue
            low = fitting + (1 - fitting) * i / len(levels)
            high = fitting + (1 - fitting) * (i + 1) / len(levels)
            mask = self._data_of(level)
            part = within(progress, low, high)
            try:
                mask = mask if everywhere else _both(self._mask(level, lies), mask)
                if isinstance(mask, np.ndarray) and not mask.any():
                    raise NoPixels
                done.append(label_level(fit, level, mask, part, count=i == place))
            except (NoPixels, RegionMissed):
                done.append(Blank((level,), self.channel_axis, self.alpha).like(fit))
        if place:
            done[0] = note_level(done[0], done[place], place, shapes)
        result = PyramidSegmentation.of(done) if len(done) > 1 else done[0]
        if start is not None and len(start.numbers) == result.n_clusters:
            table = np.concatenate([[0], start.numbers])
            result = relabelled(result, table, int(start.numbers.max()))
        # Whoever gave the start notes which seeds were left out.
        return note_seeds(result, start) if given is None else result

    @property
    def _as_fitted(self) -> bool:
        """Whether labels belong to those pixels only that were fitted."""
        return self.region is None or not self.region.everywhere

    def _data_of(self, image: Any) -> Any:
        """Say which pixels have none of the values that are left out; None: all may take part."""
        if not self.left_out:
            return None
        axis = self.channel_axis
        if self.alpha:
            image = image[..., :-1]
        return ~holds_value(image, self.left_out, axis, color=self.rgb)

    def _spatial(self, array: Any) -> tuple[int, ...]:
        return tuple(array.shape[1:] if self.channels else array.shape[: self._n_axes])

    def _mask(self, image: Any, where: Matrix) -> Any:
        if self.region is None:
            return None
        return self.region.mask(image, self._spatial(image), where, self.channel_axis)

    def _start(self, image: Any, where: Matrix, progress: Progress | None = None) -> Start:
        assert self.seeds is not None
        region = self.region
        limited = region is not None and not region.everywhere
        return self.seeds.start(
            image,
            where,
            self.channel_axis,
            alpha=self.alpha,
            inside=_both(self._mask(image, where) if limited else None, self._data_of(image)),
            limits=(
                f"the displayed {self.part}" if self.part else "the image",
                f"the region “{region.name}”" if region else "what is not left out",
            ),
            tick=portion(progress, 0, 0, "Reading seeds"),
        )

    def _prepare(
        self, image: Any, where: Matrix, progress: Progress | None, parameters: dict[str, Any]
    ) -> PreparedImage:
        mask = _both(self._mask(image, where), self._data_of(image))
        if (given := parameters.get("mask")) is not None:
            mask = given if mask is None else mask & given
        if self.time_axes and np.any(sigma := parameters.get("smoothing", 0)):
            along = np.array(np.broadcast_to(sigma, self._n_axes), float)
            along[list(self.time_axes)] = 0
            parameters = {**parameters, "smoothing": along.tolist()}
        form = {"channel_axis": self.channel_axis, "alpha": self.alpha, "mask": mask}
        if isinstance(mask, np.ndarray) and not mask.any():
            raise self._nothing
        try:
            return prepare(image, **{**parameters, **form}, progress=progress)
        except NoPixels as error:
            raise self._nothing from error

    @property
    def _nothing(self) -> ValueError:
        """What is wrong where no pixel takes part."""
        if self.left_out:
            return AllLeftOut(self.name, self.left_out)
        return NoPixels() if self.region is None else RegionMissed(self.region.name)


class AllLeftOut(ValueError):
    """No pixel is left of an image.

    Parameters
    ----------
    name : str
        Of the image.
    values : tuple of float
        Pixels that have one of these are left out.
    """

    def __init__(self, name: str, values: tuple[float, ...]) -> None:
        super().__init__(name, values)
        self.name, self.values = name, values

    def __str__(self) -> str:
        """Say what to do."""
        values = " and ".join(f"{one:g}" for one in self.values)
        return (
            f"Every pixel of “{self.name}” has a value that is left out, {values}: leave out other "
            "values, or none."
        )


def _both(one: Any, other: Any) -> Any:
    """Join two masks, of which each may be None for all pixels."""
    return other if one is None else one if other is None else one & other


def note_seeds(found: Found, start: Start | None) -> Found:
    """Warn of seeds that were left out."""
    if start is None or start.left_out is None:
        return found
    return replace(found, notes=(*found.notes, start.left_out))

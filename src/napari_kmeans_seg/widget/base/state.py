"""What the dock is asked for, what it says, and of what each of these is. No Qt here.

Whatever is shown carries the key of what it is of, and is drawn only while that key is the
current one. So whether something is stale is a comparison, and no event that somebody forgot.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from psygnal import Signal

from napari_kmeans_seg.core.arguments import READING
from napari_kmeans_seg.layers.base.describe import pixels_of
from napari_kmeans_seg.layers.base.same import Same

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_kmeans_seg.layers import LayerImage
    from napari_kmeans_seg.layers.outputs.edit_watch import Kind

State = Literal["empty", "ready", "running", "done", "cancelled", "error"]

Key: TypeAlias = "tuple[Hashable, ...]"


def images_key(images: Iterable[Image]) -> tuple[tuple[str, Same], ...]:
    """Give the key of the arrays that layers show."""
    return tuple((str(layer.unique_id), Same(pixels_of(layer))) for layer in images)


def part_of(images: Key) -> Key:
    """Give the key of what is said of a part of images."""
    return (*images, "part")


def pixels_key(source: LayerImage, marks: int = 0) -> Key:
    """Give the key of the pixels that are clustered: arrays, plane, part, steps and region."""
    each = source.channels or (source,)
    plane, region = source.plane, source.region
    return (
        tuple((one.layer_id, Same(one.data)) for one in each),
        None if plane is None else tuple(sorted(plane.items())),
        getattr(source, "view", None),
        source.step_axis,
        source.channels_along,
        source.left_out,
        None
        if region is None
        else (region.name, region.chosen, region.everywhere, region.own_planes, marks),
    )


def loss(source: LayerImage, viewer: ViewerModel) -> tuple[str, str] | None:
    """Tell which layer that was read has left a viewer or has another array, and which of both.

    Returns
    -------
    tuple of str or None
        The name of the layer, as it was read, and what happened to it; None where nothing has.
    """
    there = {str(layer.unique_id): layer for layer in viewer.layers}
    each = source.channels or (source,)
    for one in each:
        if one.layer_id not in there:
            return one.name, "was removed"
    for one in each:
        if Same(pixels_of(there[one.layer_id])) != Same(one.data):
            return one.name, "got other data"
    return None


def is_current(source: LayerImage, viewer: ViewerModel) -> bool:
    """Whether a viewer still has the layers that were read, and these the arrays."""
    return loss(source, viewer) is None


@dataclass(frozen=True, eq=False)
class Request:
    """What Run, the preview and the curve are asked for.

    Attributes
    ----------
    source : LayerImage
        What is clustered.
    reading : mapping
        The arguments of `segment` that the points depend on.
    fitting : mapping
        The other ones.
    kinds : tuple of str
        The outputs that are wanted.
    marks : int
        How often region and seeds were drawn on, for their layers change in place.
    """

    source: LayerImage
    reading: Mapping[str, Any]
    fitting: Mapping[str, Any]
    kinds: tuple[Kind, ...] = ()
    marks: int = 0

    @classmethod
    def of(
        cls,
        source: LayerImage,
        parameters: Mapping[str, Any],
        kinds: tuple[Kind, ...] = (),
        marks: int = 0,
    ) -> Request:
        """Sort the arguments of `segment`."""
        reading = {name: value for name, value in parameters.items() if name in READING}
        fitting = {name: value for name, value in parameters.items() if name not in READING}
        return cls(source, reading, fitting, kinds, marks)

    def on(self, source: LayerImage) -> Request:
        """Ask for the same of a part of the image."""
        return replace(self, source=source)

    @property
    def parameters(self) -> dict[str, Any]:
        """All arguments of `segment`."""
        return {**self.reading, **self.fitting}

    @property
    def ids(self) -> Key:
        """Which layers are clustered."""
        return tuple(one.layer_id for one in self.source.channels or (self.source,))

    @property
    def images(self) -> Key:
        """Which arrays of which layers are clustered, whatever part of them."""
        return pixels_key(self.source)[0]  # type: ignore[return-value]

    @property
    def pixels(self) -> Key:
        """Which pixels are clustered."""
        return pixels_key(self.source, self.marks)

    @property
    def points(self) -> Key:
        """What is made of the pixels before clusters are looked for."""
        return (*self.pixels, _frozen(self.reading))

    @property
    def result(self) -> Key:
        """What comes out, whatever of it is shown."""
        seeds, clean_up = self.source.seeds, self.source.clean_up
        start = None if seeds is None else (seeds.name, seeds.fixed, self.marks)
        cleaning = clean_up.specks, clean_up.objects, clean_up.per_plane
        return (*self.points, _frozen(self.fitting), start, cleaning)

    def is_current(self, viewer: ViewerModel) -> bool:
        """Whether the viewer still has the layers, and these the arrays."""
        return is_current(self.source, viewer)


@dataclass(frozen=True)
class Refusal:
    """Why there is nothing to be asked for.

    Attributes
    ----------
    error : Exception
        Its message says what to do.
    """

    error: Exception


@dataclass(frozen=True)
class Said:
    """What is to be read below the buttons.

    Attributes
    ----------
    kind : str
        What it is about.
    text : str
        In a sentence or two.
    warnings : tuple of str
        What else a person should know.
    of : tuple or None
        The key of the images that it is true of; None where it is true of whatever is shown.
    fields : tuple of str
        The labels of the fields that it is about.
    """

    kind: State
    text: str = ""
    warnings: tuple[str, ...] = ()
    of: Key | None = None
    fields: tuple[str, ...] = ()


class DockState:
    """What all parts of the dock look at.

    Attributes
    ----------
    changed : Signal
        Emitted when something else is to be read.

    Parameters
    ----------
    ask : callable
        Reads the fields of the dock: gives what is asked for now.
    """

    changed = Signal()

    def __init__(self, ask: Callable[[], Request | Refusal]) -> None:
        self._ask = ask
        self._looked_at: tuple[tuple[str, Same], ...] = ()
        self._part_shown = False
        self._meanwhile = ""
        self._said = Said("empty", of=())
        self._result: Said | None = None
        self._settling = 0
        self._waiting: dict[Callable[[], None], None] = {}

    @property
    def request(self) -> Request | Refusal:
        """What is asked for, by the fields and the viewer as they are now."""
        return self._ask()

    # -- what is said -------------------------------------------------------------------

    @property
    def said(self) -> Said:
        """What is to be read now."""
        self._forget_stale()
        return self._said

    @property
    def result(self) -> Said | None:
        """What was said last of a run or a preview that was done."""
        return self._result

    def say(self, said: Said, *, of_current: bool = True) -> None:
        """Say something, until it is no longer current or something else is said.

        What is said of a result is read once its images are current again, unless it is that of
        other images than the current ones.
        """
        if said.kind == "done" and of_current:
            self._result = said
        if self._is_current(said):
            self._said, self._meanwhile = said, ""
            self.changed.emit()

    def look_at(self, images: Iterable[Image]) -> None:
        """Note which images are current."""
        self._looked_at = images_key(images)
        self._forget_stale()
        self.changed.emit()

    def show_part(self, shown: bool) -> None:
        """Note whether a preview of a part of the image is shown."""
        self._part_shown = shown
        self._forget_stale()
        self.changed.emit()

    @property
    def images(self) -> Key:
        """The key of the current images."""
        return tuple((layer_id, array.now) for layer_id, array in self._looked_at)

    @property
    def meanwhile(self) -> str:
        """What is to be read instead for a while; empty where there is nothing."""
        return self._meanwhile

    @meanwhile.setter
    def meanwhile(self, text: str) -> None:
        if text != self._meanwhile:
            self._meanwhile = text
            self.changed.emit()

    def _forget_stale(self) -> None:
        if self._is_current(self._said):
            return
        if self._result is not None and self._is_current(self._result):
            self._said = self._result
        else:
            self._said = (
                Said("ready", "Ready.", of=self.images)
                if self.images
                else Said("empty", of=self.images)
            )

    def _is_current(self, said: Said) -> bool:
        part = part_of(self.images) if self._part_shown else None
        return said.of is None or said.of in (self.images, part)

    # -- while layers are added ---------------------------------------------------------

    @contextmanager
    def settling(self) -> Iterator[None]:
        """Follow nothing while layers are added: each of them is active for a moment."""
        self._settling += 1
        try:
            yield
        finally:
            self._settling -= 1
            if not self._settling:
                waiting, self._waiting = self._waiting, {}
                for follow in waiting:
                    follow()

    @property
    def is_settling(self) -> bool:
        """Whether layers are being added."""
        return self._settling > 0

    def follow(self, callback: Callable[[], None]) -> None:
        """Call this now, or once afterwards while layers are being added."""
        if self._settling:
            self._waiting[callback] = None
        else:
            callback()


def _frozen(values: Mapping[str, Any]) -> Key:
    """Make a key of arguments; lists are compared by what they hold."""
    return tuple(
        sorted((name, tuple(v) if isinstance(v, list) else v) for name, v in values.items())
    )

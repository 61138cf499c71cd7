"""What the dock is asked for and says, and of what each of these is."""

from __future__ import annotations

from dataclasses import replace
from weakref import ref

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points, Shapes

from napari_kmeans_seg.layers import CleanUp, LayerImage, PartInView, Region, Seeds
from napari_kmeans_seg.layers.base.same import look_at
from napari_kmeans_seg.layers.source.view import View
from napari_kmeans_seg.widget.base.state import (
    DockState,
    Refusal,
    Request,
    Said,
    Same,
    images_key,
    loss,
    part_of,
)

KEYS = ("ids", "images", "pixels", "points", "result")
VIEW = View(0, (0, 0, 0), (1, 9, 9), (1, 1, 1), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


@pytest.fixture
def stack() -> Image:
    return Image(np.zeros((3, 20, 30), np.uint8), name="stack")


@pytest.fixture
def state() -> DockState:
    return DockState(lambda: Refusal(ValueError()))


# -- keys


@pytest.mark.parametrize("make", [np.zeros, da.zeros, lambda n: [np.zeros(n)]])
def test_an_array_in_a_key_is_equal_to_itself_alone(make):
    one, other = make(3), make(3)
    assert Same(one) == Same(one)
    assert hash(Same(one)) == hash(Same(one))
    assert Same(one) != Same(other)
    assert Same(one) != one


def test_a_key_does_not_keep_pixels_alive():
    array = np.zeros(3)
    key, gone = Same(array), ref(array)
    del array
    assert gone() is None
    assert key != Same(np.zeros(3))


def test_an_array_is_another_one_while_a_look_finds_other_pixels_in_it():
    array = np.zeros(3)
    key = Same(array)
    assert not look_at(array)
    array[1] = 1
    assert key == Same(array), "nobody has looked"
    assert look_at(array)
    assert not look_at(array)
    assert key != Same(array) == key.now
    array[1] = 0
    assert look_at(array)
    assert key == Same(array) == key.now


@pytest.mark.parametrize("lazy", [da.zeros(3), [np.zeros(3)], np.memmap])
def test_what_is_lazy_or_lies_in_a_file_is_not_read_to_compare_it(lazy, tmp_path):
    array = np.memmap(tmp_path / "pixels", shape=3, mode="w+") if lazy is np.memmap else lazy
    assert not look_at(array)
    if lazy is np.memmap:
        array[0] = 1
    assert not look_at(array)


@pytest.mark.parametrize("n", [1, 3])
def test_the_layer_is_named_that_has_gone_or_has_other_data(n):
    viewer = ViewerModel()
    layers = [viewer.add_image(np.zeros((4, 5)), name=f"of {i}") for i in range(n)]
    source = LayerImage.of(*layers)
    assert loss(source, viewer) is None
    layers[-1].data = np.zeros((4, 5))
    assert loss(source, viewer) == (f"of {n - 1}", "got other data")
    viewer.layers.remove(layers[0])
    assert loss(source, viewer) == ("of 0", "was removed")
    viewer.layers.insert(0, layers[0])
    assert loss(source, viewer) == (f"of {n - 1}", "got other data")


def _region(request: Request, **more) -> Request:
    labels = Labels(np.ones((20, 30), np.uint8), name="area")
    return replace(request, source=replace(request.source, region=Region.of(labels)), **more)


def _part(request: Request) -> Request:
    part = PartInView(**{**vars(request.source), "view": VIEW})
    return request.on(part)


CHANGES = {
    "nothing": (lambda r: replace(r, source=replace(r.source)), ()),
    "outputs": (lambda r: replace(r, kinds=("labels",)), ()),
    "k": (lambda r: replace(r, fitting={**r.fitting, "n_clusters": 9}), ("result",)),
    "seeds": (
        lambda r: r.on(replace(r.source, seeds=Seeds.of(Points([[1, 1]], name="dots")))),
        ("result",),
    ),
    "clean-up": (lambda r: r.on(replace(r.source, clean_up=CleanUp(specks=9))), ("result",)),
    "weights": (
        lambda r: replace(r, reading={**r.reading, "channel_weights": [1.0, 2.0]}),
        ("points", "result"),
    ),
    "plane": (lambda r: r.on(replace(r.source, plane={0: 1})), ("pixels", "points", "result")),
    "volume": (lambda r: r.on(replace(r.source, plane={})), ("pixels", "points", "result")),
    "part in view": (_part, ("pixels", "points", "result")),
    "steps": (lambda r: r.on(replace(r.source, step_axis=0)), ("pixels", "points", "result")),
    "region": (_region, ("pixels", "points", "result")),
    "data": (
        lambda r: r.on(replace(r.source, data=np.ones((3, 20, 30), np.uint8))),
        ("images", "pixels", "points", "result"),
    ),
    "layer": (lambda r: r.on(replace(r.source, layer_id="another")), KEYS),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_key_changes_with_what_it_is_of_and_with_nothing_else(stack, change):
    parameters = {"n_clusters": 3, "smoothing": 0.0, "channel_weights": [1.0, 1.0]}
    request = Request.of(LayerImage.of(stack), parameters, ("image", "labels"))
    assert request.parameters == parameters
    make, changed = CHANGES[change]
    other = make(request)
    assert [key for key in KEYS if getattr(request, key) != getattr(other, key)] == list(changed)


def test_what_is_drawn_on_a_region_or_on_seeds_makes_another_request(stack):
    request = Request.of(LayerImage.of(stack), {"n_clusters": 3})
    assert request.result == replace(request, marks=1).result, "there are neither"
    limited = _region(request)
    assert limited.pixels != replace(limited, marks=1).pixels
    seeded = request.on(replace(request.source, seeds=Seeds.of(Points([[1, 1]]))))
    assert seeded.points == replace(seeded, marks=1).points
    assert seeded.result != replace(seeded, marks=1).result


def test_shapes_and_all_other_inputs_give_keys_that_can_be_compared(stack):
    square = Shapes([[[1, 1], [1, 9], [9, 9], [9, 1]]], name="square")
    source = replace(LayerImage.of(stack, stack), region=Region.of(square), time_axes=(0,))
    request = Request.of(source, {"channel_weights": None, "init": "auto"})
    assert len({request.result, request.on(source).result}) == 1


def test_a_request_is_current_while_the_viewer_has_its_layers_and_arrays():
    viewer = ViewerModel()
    layers = [viewer.add_image(np.zeros((20, 30), np.uint8)) for _ in range(2)]
    request = Request.of(LayerImage.of(*layers), {})
    assert request.is_current(viewer)
    assert request.images == images_key(layers)
    before, layers[1].data = layers[1].data, np.zeros((9, 9), np.uint8)
    assert not request.is_current(viewer)
    layers[1].data = before
    assert request.is_current(viewer)
    viewer.layers.remove(layers[0])
    assert not request.is_current(viewer)


# -- what is said


def test_what_is_said_of_an_image_is_read_while_it_is_current(state, stack):
    other = Image(np.zeros((9, 9), np.uint8))
    assert state.said == Said("empty", of=())
    state.look_at([stack])
    assert (state.said.kind, state.said.text) == ("ready", "Ready.")
    done = Said("done", "3 clusters", ("a warning",), images_key([stack]))
    state.say(done)
    assert state.said == done
    state.look_at([other])
    assert state.said.kind == "ready"
    state.look_at([stack])
    assert state.said == done, "it is of this image again"
    state.say(Said("error", "✖ no", of=state.images))
    state.look_at([other])
    state.look_at([stack])
    assert state.said == done, "an error is of what was tried then"
    stack.data = stack.data.copy()
    state.look_at([stack])
    assert state.said.kind == "ready", "it is of the data before"


def test_what_is_said_of_an_image_that_is_not_current_waits_for_it(state, stack):
    state.look_at([Image(np.zeros((9, 9), np.uint8))])
    here = Said("error", "✖ no", of=state.images)
    state.say(here)
    done = Said("done", "3 clusters", of=images_key([stack]))
    state.say(done)
    assert state.said == here
    state.look_at([stack])
    assert state.said == done


def test_why_a_run_ended_stays_to_be_read(state, stack):
    state.say(Said("cancelled", "“a” was removed"))
    for images in ([stack], []):
        state.look_at(images)
        assert state.said.text == "“a” was removed"
    state.say(Said("error", "✖ no", of=state.images))
    assert state.said.kind == "error"


def test_what_is_said_of_a_part_is_read_while_it_is_shown(state, stack):
    state.look_at([stack])
    state.show_part(True)
    state.say(Said("done", "of a part", of=part_of(state.images)))
    assert state.said.text == "of a part"
    state.show_part(False)
    assert state.said.kind == "ready"


def test_what_goes_on_is_read_until_something_else_is_said(state, stack):
    told = []
    state.look_at([stack])
    state.changed.connect(lambda: told.append((state.meanwhile, state.said.text)))
    state.meanwhile = "Trying …"
    state.say(Said("error", "✖ no", of=state.images))
    assert told == [("Trying …", "Ready."), ("", "✖ no")]


# -- while layers are added


def test_while_layers_are_added_nothing_is_followed_and_once_afterwards(state):
    called = []

    class Follower:
        def __init__(self, name: str) -> None:
            self.name = name

        def follow(self) -> None:
            called.append(self.name)

    first, second = Follower("first"), Follower("second")
    state.follow(first.follow)
    assert called == ["first"]
    with state.settling():
        for _ in range(3):
            state.follow(second.follow)
            with state.settling():
                state.follow(first.follow)
        assert state.is_settling
        assert called == ["first"]
    assert called == ["first", "second", "first"]
    assert not state.is_settling

    def stumble() -> None:
        with state.settling():
            state.follow(first.follow)
            raise LookupError

    with pytest.raises(LookupError):
        stumble()
    assert called == ["first", "second", "first", "first"], "what was added before is followed"

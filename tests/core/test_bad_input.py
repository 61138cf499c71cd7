"""Bad input gets an error that names the argument, what it got, and what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_kmeans_seg import KMeansModel, choose_k, pool, prepare, segment, segment_steps

from .spaces import CONVERTED

if TYPE_CHECKING:
    from pathlib import Path

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)
RGB = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)


def refuses(kind: type[Exception], *words: str, image: Any = GREY, **arguments: Any) -> None:
    """`segment` raises this kind of error, with these words in one message in this order."""
    with pytest.raises(kind) as caught:
        segment(image, **arguments)
    message, place = str(caught.value), 0
    for word in words:
        assert word in message[place:], f"{word!r} is not (in this order) in {message!r}"
        place = message.index(word, place) + len(word)
    assert "\n" not in message


# --- n_clusters and the other numbers ----------------------------------------------------


@pytest.mark.parametrize("n_clusters", [0, -3, 65_536, 10**30])
def test_n_clusters_out_of_range(n_clusters: int) -> None:
    refuses(
        ValueError,
        "n_clusters takes an integer from 1 to 65535",
        f"got {n_clusters}",
        n_clusters=n_clusters,
    )


@pytest.mark.parametrize("n_clusters", [2.0, "5", None, True, np.array([2]), (2,), np.nan])
def test_n_clusters_that_is_no_integer(n_clusters: Any) -> None:
    refuses(
        TypeError,
        "n_clusters takes an integer from 1 to 65535",
        f"got {n_clusters!r}",
        n_clusters=n_clusters,
    )


@pytest.mark.parametrize(
    ("name", "value", "kind", "takes"),
    [
        ("n_init", 0, ValueError, "an integer of at least 1"),
        ("n_init", 1.5, TypeError, "an integer of at least 1"),
        ("max_iter", 0, ValueError, "an integer of at least 1"),
        ("max_iter", "9", TypeError, "an integer of at least 1"),
        ("tol", -1e-9, ValueError, "a number of at least 0"),
        ("tol", np.nan, ValueError, "a number of at least 0"),
        ("tol", np.inf, ValueError, "a number of at least 0"),
        ("tol", None, TypeError, "a number of at least 0"),
        ("fit_scale", 0, ValueError, "a number above 0 and at most 1"),
        ("fit_scale", 1.01, ValueError, "a number above 0 and at most 1"),
        ("fit_scale", "50%", TypeError, "a number above 0 and at most 1"),
        ("spatial_weight", -1, ValueError, "a number of at least 0"),
        ("spatial_weight", True, TypeError, "a number of at least 0"),
        ("seed", -1, ValueError, "an integer of at least 0"),
        ("seed", 0.5, TypeError, "an integer of at least 0"),
        ("normalize", "yes", TypeError, "True or False"),
        ("normalize", 1, TypeError, "True or False"),
    ],
)
def test_numbers_out_of_range(name: str, value: Any, kind: type[Exception], takes: str) -> None:
    refuses(kind, f"{name} takes {takes}", f"got {value!r}", **{name: value})


@pytest.mark.parametrize("value", [-1, np.nan, (1, -1), (1, np.inf)])
def test_smoothing_that_is_no_width(value: Any) -> None:
    refuses(ValueError, "smoothing", "takes a number of at least 0", "got", smoothing=value)


def test_smoothing_far_beyond_any_image() -> None:
    refuses(ValueError, "smoothing takes a number of at least 0 and at most 10000", smoothing=1e9)


def test_smoothing_for_other_axes_than_the_image_has() -> None:
    refuses(
        ValueError,
        "smoothing takes one number per spatial axis, 2 here",
        "got 3",
        smoothing=(1, 1, 0),
        image=RGB,
        channel_axis=-1,
    )
    refuses(TypeError, "smoothing takes a number", "got 'much'", smoothing="much")


def test_channel_weights_that_do_not_fit_the_channels() -> None:
    rgb: dict[str, Any] = {"image": RGB, "channel_axis": -1}
    takes = "channel_weights takes one number per channel, 3 here"
    refuses(ValueError, takes, "got 2", channel_weights=(1, 2), **rgb)
    takes = "channel_weights takes at least one weight above 0"
    refuses(ValueError, takes, "got", channel_weights=(0, 0, 0), **rgb)
    takes = "channel_weights[1] takes a number of at least 0"
    refuses(ValueError, takes, "got -1", channel_weights=(1, -1, 0), **rgb)
    takes = "channel_weights[2] takes a number of at least 0"
    refuses(TypeError, takes, "got 'b'", channel_weights=[1, 1, "b"], **rgb)


@pytest.mark.parametrize("weight", [1e160, 1e101])
def test_weights_whose_squares_are_infinite(weight: float) -> None:
    takes = "takes a number of at least 0 and at most 1e+100"
    refuses(ValueError, f"spatial_weight {takes}", f"got {weight!r}", spatial_weight=weight)
    rgb: dict[str, Any] = {"image": RGB, "channel_axis": -1, "channel_weights": [1, weight, 1]}
    refuses(ValueError, f"channel_weights[1] {takes}", f"got {weight!r}", **rgb)


@pytest.mark.parametrize("weight", [1e-170, 1e-101])
def test_weights_whose_squares_are_nothing(weight: float) -> None:
    takes = "takes 0 or a number of at least 1e-100"
    refuses(ValueError, f"spatial_weight {takes}", f"got {weight!r}", spatial_weight=weight)
    rgb: dict[str, Any] = {"image": RGB, "channel_axis": -1, "channel_weights": [0, 1, weight]}
    refuses(ValueError, f"channel_weights[2] {takes}", f"got {weight!r}", **rgb)


def test_weights_that_are_out_of_range_together() -> None:
    for weight in (1e100, 1e-100):
        name = "spatial_weight times the largest of channel_weights"
        refuses(ValueError, name, "got", channel_weights=[weight], spatial_weight=weight)


@pytest.mark.parametrize("weight", [1e-100, 1e100])
def test_weights_at_the_limits_find_the_same_clusters(weight: float) -> None:
    # Levels at equal distances have several local optima: the best of many starts.
    args: dict[str, Any] = {"channel_axis": -1, "n_init": 10}
    expected = segment(RGB, 4, **args)
    found = segment(RGB, 4, channel_weights=[weight] * 3, **args)
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert 0 < found.inertia < np.inf


# --- The image ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0,), (0, 5), (4, 0), (3, 0, 2)])
def test_an_empty_image(shape: tuple[int, ...]) -> None:
    refuses(
        ValueError, "image takes at least one pixel", f"got shape {shape}", image=np.zeros(shape)
    )


@pytest.mark.parametrize("dtype", ["complex64", "complex128", "object", "U3", "S3", "M8[s]", "V4"])
def test_an_image_of_no_real_numbers(dtype: str) -> None:
    refuses(
        TypeError,
        "image takes booleans, integers or floats",
        f"got dtype {np.dtype(dtype)}",
        image=np.zeros((4, 4), dtype),
    )


def test_what_is_no_image() -> None:
    for image in (None, {1: 2}):
        takes = "image takes an array, or the path of an image file"
        refuses(TypeError, takes, f"got {image!r}", image=image)
    takes = "image takes booleans, integers or floats"
    refuses(TypeError, takes, "got dtype", image=[None, 1])


def test_a_file_that_is_not_there_is_one_in_every_function() -> None:
    model = segment(GREY, 2).model
    for take in (
        segment, prepare, choose_k, segment_steps, model.predict, lambda path: pool([path]),
        lambda path: KMeansModel.fit([GREY, path], 2),
    ):  # fmt: skip
        with pytest.raises(FileNotFoundError, match=r"coffee.png\): there is no such file"):
            take("coffee.png")


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    for take in (segment, lambda path: pool([path])):
        with pytest.raises(IsADirectoryError, match="is a folder; name the image files in it"):
            take(tmp_path)


def test_adapt_that_is_none_of_its_values() -> None:
    with pytest.raises(ValueError, match="adapt takes one of 'scale', None; got 'stain'"):
        pool([GREY], adapt="stain")


def test_what_numpy_makes_no_array_of() -> None:
    refuses(ValueError, "image takes an array", "got", image=[[1, 2], [3]])


def test_a_single_number() -> None:
    refuses(ValueError, "image takes", "at least one axis", "got a single number", image=5)


def test_a_masked_array_whose_mask_would_be_lost() -> None:
    image = np.ma.masked_less(GREY, 3)
    refuses(TypeError, "image takes a plain array", "got a masked array", "mask=", image=image)


@pytest.mark.parametrize("axis", [3, -4, 99])
def test_a_channel_axis_out_of_range(axis: int) -> None:
    refuses(
        ValueError,
        "channel_axis takes an axis of the image, from -3 to 2",
        f"got {axis}",
        image=RGB,
        channel_axis=axis,
    )


@pytest.mark.parametrize("axis", ["last", 1.0, True, (2,)])
def test_a_channel_axis_that_is_no_axis(axis: Any) -> None:
    refuses(TypeError, "channel_axis takes an integer or None", f"got {axis!r}", channel_axis=axis)


def test_alpha_without_a_channel_to_be_it() -> None:
    refuses(ValueError, "alpha=True", "channel_axis", "got channel_axis=None", alpha=True)
    refuses(
        ValueError,
        "alpha=True takes at least two channels",
        "got 1",
        image=RGB[..., :1],
        channel_axis=-1,
        alpha=True,
    )


@pytest.mark.parametrize("alpha", ["no", 0, 1.0, [True]])
def test_alpha_that_is_neither_true_nor_false(alpha: Any) -> None:
    takes = ("alpha takes True, False or None", f"got {alpha!r}")
    refuses(TypeError, *takes, image=RGB, channel_axis=-1, alpha=alpha)


# --- The mask ----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 3), (3,), (3, 4, 3), (12,)])
def test_a_mask_of_another_shape(shape: tuple[int, ...]) -> None:
    refuses(
        ValueError,
        "mask takes an array of the image's spatial shape (3, 4)",
        f"got shape {shape}",
        image=RGB,
        channel_axis=-1,
        mask=np.ones(shape, bool),
    )


def test_a_mask_with_nothing_in_it() -> None:
    refuses(ValueError, "mask takes", "at least one true pixel", "got", mask=np.zeros((3, 4), bool))


def test_a_mask_of_floats() -> None:
    refuses(TypeError, "mask takes an array of booleans", "float64", mask=np.ones((3, 4)))


def test_no_pixel_that_takes_part() -> None:
    nan = np.full((3, 4), np.nan)
    refuses(ValueError, "image takes at least one pixel that is finite", "got none", image=nan)
    clear = np.zeros((3, 4, 4), np.uint8)
    takes = ("image takes at least one pixel that is", "not fully transparent", "got none")
    refuses(ValueError, *takes, image=clear, channel_axis=-1)


# --- init and color_space ----------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 3), (5, 2), (15,), (5, 3, 1), ()])
def test_init_of_the_wrong_shape(shape: tuple[int, ...]) -> None:
    refuses(
        ValueError,
        "init takes an array of shape (n_clusters, n_channels) = (5, 3)",
        f"got shape {shape}",
        image=RGB,
        channel_axis=-1,
        init=np.ones(shape),
    )


def test_init_that_is_no_start() -> None:
    takes = "init takes one of 'auto', 'k-means++', 'random', 'optimal'"
    refuses(ValueError, takes, "got 'kmeans++'", init="kmeans++")
    refuses(TypeError, "init takes", "got dtype object", init=None)
    refuses(ValueError, "init takes finite numbers", "NaN", n_clusters=1, init=[[np.nan]])
    refuses(TypeError, "init takes real numbers", "complex", n_clusters=1, init=[[1j]])
    takes = "init='optimal' takes an image of one channel"
    refuses(ValueError, takes, "got 3", image=RGB, channel_axis=-1, init="optimal")


@pytest.mark.parametrize("color_space", ["LAB", "", None, 3])
def test_a_color_space_that_is_none(color_space: Any) -> None:
    takes = "color_space takes one of 'rgb', 'lab', 'hsv'"
    refuses(
        ValueError,
        takes,
        f"got {color_space!r}",
        image=RGB,
        channel_axis=-1,
        color_space=color_space,
    )


@pytest.mark.parametrize("color_space", CONVERTED)
def test_a_color_space_of_what_is_no_rgb(color_space: str) -> None:
    name = f"color_space={color_space!r} takes"
    args: dict[str, Any] = {"color_space": color_space}
    refuses(ValueError, name, "three channels", "got 1", **args)
    refuses(ValueError, name, "got 2", image=RGB[..., :2], channel_axis=-1, **args)
    for image in (RGB.astype(np.int32), RGB.astype(bool)):
        refuses(
            ValueError, name, "uint8", f"got {image.dtype}", image=image, channel_axis=-1, **args
        )
    takes = (name, "float RGB between 0 and 1", "0 to 35")
    refuses(ValueError, *takes, image=RGB.astype(float), channel_axis=-1, **args)


@pytest.mark.parametrize("progress", [5, "bar"])
def test_progress_that_cannot_be_called(progress: Any) -> None:
    takes = ("progress takes a function", f"got {progress!r}")
    refuses(TypeError, *takes, progress=progress)
    prepared = prepare(GREY)
    model = prepared.segment(2).model
    calls: list[Any] = [
        lambda: prepare(GREY, progress=progress),
        lambda: choose_k(GREY, progress=progress),
        lambda: prepared.segment(progress=progress),
        lambda: prepared.choose_k(progress=progress),
        lambda: prepared.classify([[1]], progress=progress),
        lambda: model.predict(GREY, progress=progress),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=f"progress takes a function.* got {progress!r}"):
            call()


def test_keep_order_that_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match="keep_order takes True or False; got 'x'"):
        prepare(GREY).segment(2, keep_order="x")  # type: ignore[arg-type]


@pytest.mark.parametrize("n_clusters", [5, None, np.array(5), "2345"])
def test_numbers_of_clusters_that_are_not_several(n_clusters: Any) -> None:
    with pytest.raises(TypeError, match=r"n_clusters takes several integers.* got"):
        choose_k(GREY, n_clusters)


# --- What is made of the result ----------------------------------------------------------


def test_channel_names_that_do_not_fit() -> None:
    found = segment(RGB, 2, channel_axis=-1)
    with pytest.raises(ValueError, match=r"channel_names takes one name per channel, 3 .* got 2"):
        found.to_dataframe(["a", "b"])
    with pytest.raises(ValueError, match="channel_names takes each name once; got 'a' twice"):
        found.to_dataframe(["a", "a", "b"])
    for names in (5, "rgb"):
        with pytest.raises(TypeError, match=f"channel_names takes a sequence .* got {names!r}"):
            found.to_dataframe(names)  # type: ignore[arg-type]


def test_prepare_refuses_what_segment_refuses() -> None:
    with pytest.raises(ValueError, match=r"channel_axis takes .* got 7"):
        prepare(GREY, channel_axis=7)
    with pytest.raises(ValueError, match=r"n_clusters takes .* got 0"):
        prepare(GREY).segment(0)
    with pytest.raises(ValueError, match=r"init='optimal' takes .* got 3 channels"):
        prepare(RGB, channel_axis=-1).segment(2, init="optimal")

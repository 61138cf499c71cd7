"""Bad input gets an error that names the argument, what it got, and what it takes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import skimage.data

from napari_kmeans_seg import prepare, segment

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


@pytest.mark.parametrize("image", [None, "coffee.png", {1: 2}, [None, 1]])
def test_what_is_no_image(image: Any) -> None:
    refuses(TypeError, "image takes booleans, integers or floats", "got dtype", image=image)


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


@pytest.mark.parametrize("color_space", ["lab", "hsv"])
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


def test_prepare_refuses_what_segment_refuses() -> None:
    with pytest.raises(ValueError, match=r"channel_axis takes .* got 7"):
        prepare(GREY, channel_axis=7)
    with pytest.raises(ValueError, match=r"n_clusters takes .* got 0"):
        prepare(GREY).segment(0)
    with pytest.raises(ValueError, match=r"init='optimal' takes .* got 3 channels"):
        prepare(RGB, channel_axis=-1).segment(2, init="optimal")


# --- What is no error: left out, fewer, empty --------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_pixels_that_are_not_finite_get_label_0_and_one_warning(
    dtype: type[np.floating], value: float
) -> None:
    image = np.random.default_rng(0).random((20, 20, 3)).astype(dtype)
    image[3, 4, 1] = image[5, 6, :] = value
    with pytest.warns(UserWarning, match="NaN or infinite") as caught:
        found = segment(image, 3, channel_axis=-1)
    assert len(caught) == 1
    assert found.warnings == (str(caught[0].message),)
    assert "2 pixels" in found.warnings[0]
    assert np.argwhere(found.labels == 0).tolist() == [[3, 4], [5, 6]]
    assert found.counts.sum() == 398
    assert np.isfinite(found.centroids).all()
    assert np.isfinite(found.image).all()


@pytest.mark.parametrize("arguments", [{"smoothing": 1.0}, {"fit_scale": 0.5}, {"normalize": True}])
def test_pixels_that_are_not_finite_spoil_no_others(arguments: dict[str, Any]) -> None:
    image = np.zeros((20, 20))
    image[:, 10:] = 1
    image[4, 4] = np.nan
    image[5, 15] = np.inf
    with pytest.warns(UserWarning, match="NaN or infinite"):
        found = segment(image, 2, **arguments)
    expected = np.where(image >= 0.5, 2, 1)
    expected[4, 4] = expected[5, 15] = 0
    np.testing.assert_array_equal(found.labels, expected)


def test_not_finite_pixels_outside_the_mask_are_nobody_s_business() -> None:
    image = np.arange(12.0).reshape(3, 4)
    image[0, 0] = np.nan
    mask = np.ones((3, 4), bool)
    mask[0, 0] = False
    found = segment(image, 2, mask=mask)
    assert found.warnings == ()


def test_fewer_distinct_values_than_clusters_is_a_warning_and_as_many_clusters() -> None:
    image = np.array([[3, 3, 250], [8, 8, 3]], np.uint8)
    with pytest.warns(UserWarning, match=r"3 distinct values.*n_clusters=5.*3 clusters") as caught:
        found = segment(image)
    assert len(caught) == 1
    assert found.warnings == (str(caught[0].message),)
    assert found.n_clusters == 3
    np.testing.assert_array_equal(found.image, image)
    assert found.labels.tolist() == [[1, 1, 3], [2, 2, 1]]


@pytest.mark.parametrize("init", ["auto", "k-means++", "random", "array"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int64", "float32", "float64"])
def test_fewer_distinct_colours_than_clusters(dtype: str, init: str) -> None:
    colours = np.array([[0, 0, 1], [1, 0, 0], [1, 1, 1]]).astype(dtype)
    which = np.random.default_rng(0).integers(0, 3, (9, 9))
    start: Any = np.arange(21).reshape(7, 3) if init == "array" else init
    with pytest.warns(UserWarning, match="3 distinct values"):
        found = segment(colours[which], 7, channel_axis=-1, init=start)
    assert found.n_clusters == 3
    np.testing.assert_array_equal(found.image, colours[which])
    assert found.inertia == 0


@pytest.mark.parametrize("channel_axis", [None, -1])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "uint64", "float32", "float64"])
def test_a_constant_image_is_one_cluster(dtype: str, channel_axis: int | None) -> None:
    image = np.full((30, 20, 3), 1, dtype)
    with pytest.warns(UserWarning, match=r"1 distinct value,.*1 cluster\."):
        found = segment(image, 5, channel_axis=channel_axis)
    assert found.n_clusters == 1
    assert (found.labels == 1).all()
    np.testing.assert_array_equal(found.image, image)
    assert found.inertia == 0
    assert segment(image, 1, channel_axis=channel_axis).warnings == ()


@pytest.mark.parametrize("arguments", [{"normalize": True}, {"smoothing": 2}, {"fit_scale": 0.5}])
def test_a_constant_image_survives_every_argument(arguments: dict[str, Any]) -> None:
    found = segment(np.full((30, 20, 3), 0.1), 1, channel_axis=-1, **arguments)
    assert (found.labels == 1).all()
    np.testing.assert_allclose(found.centroids, 0.1)


@pytest.mark.parametrize("init", ["auto", "k-means++", "random"])
@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint32", "float64"])
def test_as_many_clusters_as_distinct_values_are_all_found(
    dtype: str, n_channels: int, init: str
) -> None:
    random = np.random.default_rng(2)
    values = np.unique(random.integers(0, 256, (40, n_channels)), axis=0).astype(dtype)
    image = values[random.permutation(np.arange(900) % len(values))].reshape(30, 30, n_channels)
    found = segment(image, len(values), channel_axis=-1, init=init, tol=0)
    assert found.n_clusters == len(values)
    assert found.warnings == ()
    np.testing.assert_array_equal(found.image, image)
    assert found.inertia == 0


@pytest.mark.parametrize("kind", ["duplicates", "far away", "one spot"])
@pytest.mark.parametrize("image", ["uint8", "float64"])
def test_clusters_that_start_empty_are_seeded_anew(image: str, kind: str) -> None:
    picture = skimage.data.coffee()[::4, ::4]
    if image == "float64":
        picture = picture + np.random.default_rng(0).random(picture.shape)
    init = picture.reshape(-1, 3)[:: picture.size // 24][:8].astype(np.float64)
    if kind == "duplicates":
        init[4:] = init[:4]
    elif kind == "far away":
        init[2:] += 1e6
    else:
        init[:] = 128
    found = segment(picture, 8, channel_axis=-1, init=init, tol=0, max_iter=1000)
    assert found.n_clusters == 8
    assert found.counts.min() > 0
    assert found.converged
    pixels = picture.reshape(-1, 3).astype(np.float64)
    squares = ((pixels[:, np.newaxis] - found.centroids) ** 2).sum(axis=2)
    np.testing.assert_array_equal(found.labels.ravel() - 1, squares.argmin(axis=1))
    np.testing.assert_allclose(found.inertia, squares.min(axis=1).sum(), rtol=1e-12)
    plain = segment(picture, 8, channel_axis=-1, seed=0).inertia
    assert found.inertia < 1.5 * plain, "a minimum worth the name"


@pytest.mark.parametrize("max_iter", [1, 2, 3])
def test_no_cluster_is_empty_even_after_few_iterations(max_iter: int) -> None:
    picture = skimage.data.coffee()[::4, ::4]
    init = np.full((20, 3), 1e4) + np.arange(20)[:, np.newaxis]
    init[0] = 0
    found = segment(picture, 20, channel_axis=-1, init=init, max_iter=max_iter)
    assert found.counts.min() > 0


def test_many_distinct_values_far_apart_are_as_many_clusters_as_asked() -> None:
    """However few bins they fall into."""
    random = np.random.default_rng(0)
    values = np.concatenate([random.random(45_000), 1e9 + 1e3 * random.random(1000)])
    found = segment(np.tile(values, 4), 5)
    assert found.warnings == ()
    assert found.n_clusters == 5
    assert found.counts.min() > 0


def test_values_that_differ_only_where_nothing_is_weighed_are_one_cluster() -> None:
    image = np.stack([np.repeat([5, 9, 200], 100), np.arange(300)]).astype(np.uint16)
    with pytest.warns(UserWarning, match="3 distinct values"):
        found = segment(image, 8, channel_axis=0, channel_weights=(1, 0))
    assert found.counts.tolist() == [100, 100, 100]


def test_init_far_outside_a_tiny_image() -> None:
    image = np.random.default_rng(0).random((9, 9)) * 1e-307
    found = segment(image, 2, init=[[-100.0], [100.0]])
    assert found.counts.min() > 0


def test_good_input_gives_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert segment(skimage.data.coffee(), channel_axis=-1).warnings == ()


def test_warnings_point_at_the_line_that_called() -> None:
    with pytest.warns(UserWarning, match="distinct") as caught:
        segment(GREY * 0, 2)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="distinct") as caught:
        prepare(GREY * 0).segment(2)
    assert caught[0].filename == __file__

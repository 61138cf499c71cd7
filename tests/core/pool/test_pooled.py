"""One clustering of many images is that of all their pixels in one array."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
import skimage.data
import tifffile

from napari_kmeans_seg import KMeansModel, choose_k, pool, segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

DTYPES = ("bool", "uint8", "int8", "uint16", "int16", "int32", "uint64", "float16", "float32",
          "float64")  # fmt: skip


def random_set(random: np.random.Generator) -> tuple[list[NDArray[Any]], list[Any], dict[str, Any]]:
    """Return images of one kind, masks, and arguments."""
    dtype = np.dtype(random.choice(DTYPES))
    n_channels = int(random.choice([1, 3, 3, 4]))
    arguments: dict[str, Any] = {}
    if n_channels == 3 and (dtype in (np.uint8, np.uint16) or dtype.kind == "f"):
        arguments["color_space"] = str(random.choice(["rgb", "lab", "hsv"]))
    if random.random() < 0.3:
        arguments["normalize"] = True
    if random.random() < 0.3:
        arguments["channel_weights"] = random.uniform(0.5, 2, n_channels).tolist()
    arguments["channel_axis"] = None if n_channels == 1 else -1
    arguments["alpha"] = False if n_channels == 4 else None
    images, masks = [], []
    for _ in range(int(random.integers(1, 6))):
        shape = (*random.integers(3, 40, 2), n_channels)
        values = random.beta(2, 4, shape)
        if dtype.kind in "iu":
            values = values * min(2000, np.iinfo(dtype).max)
        image = (values > 0.3).astype(dtype) if dtype.kind == "b" else values.astype(dtype)
        image = image[..., 0] if n_channels == 1 else image
        mask = random.random(shape[:2]) < 0.7
        mask[0, 0] = True
        images.append(image)
        masks.append(mask if random.random() < 0.4 else None)
    return images, masks, arguments


def together(images: list[NDArray[Any]], masks: list[Any], axis: int | None) -> NDArray[Any]:
    """Put all pixels that take part into one array."""
    whole = [np.ones(image.shape[: 2 if axis else image.ndim], bool) for image in images]
    inside = [one if mask is None else mask for one, mask in zip(whole, masks, strict=True)]
    return np.concatenate([image[mask] for image, mask in zip(images, inside, strict=True)])


def assert_same(model: KMeansModel, other: KMeansModel) -> None:
    np.testing.assert_array_equal(model.feature_centroids, other.feature_centroids)
    np.testing.assert_array_equal(model.centroids, other.centroids)
    assert (model.space, model.values) == (other.space, other.values)


@pytest.mark.filterwarnings("ignore:The image has:UserWarning")
@pytest.mark.parametrize("seed", range(200))
def test_the_model_is_that_of_all_pixels_in_one_array_in_any_order(seed: int) -> None:
    random = np.random.default_rng(seed)
    images, masks, arguments = random_set(random)
    k = int(random.integers(1, 7))
    model = KMeansModel.fit(images, k, masks=masks, **arguments)
    expected = segment(together(images, masks, arguments["channel_axis"]), k, **arguments).model
    assert_same(model, expected)
    order = random.permutation(len(images)).tolist()
    lazy = (da.from_array(images[i], chunks=17) if i % 2 else images[i] for i in order)
    again = KMeansModel.fit(lazy, k, masks=[masks[i] for i in order], **arguments)
    assert_same(again, expected)
    n_axes = images[0].ndim - (arguments["channel_axis"] is not None)
    assert (model.n_spatial_axes, model.channel_axis) == (n_axes, arguments["channel_axis"])
    for image, mask in zip(images, masks, strict=True):
        labels = model.predict(image, mask=mask).labels
        assert labels.shape == image.shape[:n_axes]


def test_real_images_are_clustered_together() -> None:
    images = [skimage.data.coffee(), skimage.data.astronaut(), skimage.data.chelsea()]
    pooled = pool(images, channel_axis=-1, color_space="lab")
    rows = np.concatenate([image.reshape(-1, 3) for image in images])
    for k in (3, 8):
        expected = segment(rows, k, channel_axis=-1, color_space="lab", tol=0.0)
        assert_same(pooled.fit(k, tol=0.0), expected.model)
    curve = pooled.choose_k(range(2, 6))
    alone = choose_k(rows, range(2, 6), channel_axis=-1, color_space="lab")
    np.testing.assert_array_equal(curve.inertia, alone.inertia)
    assert (curve.suggestion, curve.reason) == (alone.suggestion, alone.reason)
    assert repr(pooled) == "PooledImages(3 images, 637,444 pixels, 3 channels of uint8)"


def test_images_of_a_generator_are_let_go_one_by_one() -> None:
    alive: list[int] = []

    class Counted(np.ndarray):
        def __del__(self) -> None:
            if self.base is None:
                alive.append(-1)

    def images() -> Iterator[NDArray[Any]]:
        for i in range(6):
            image = Counted((40, 50, 3), np.uint8)
            image[:] = np.random.default_rng(i).integers(0, 255, image.shape)
            alive.append(1)
            # The one that is being made, and the one before, which the loop still names.
            assert sum(alive) <= 2
            yield image
            del image

    assert KMeansModel.fit(images(), 3, channel_axis=-1).n_clusters == 3


def test_files_are_read_by_what_they_say(tmp_path: Path) -> None:
    parts = [skimage.data.coffee()[:200], skimage.data.coffee()[200:]]
    for i, part in enumerate(parts):
        tifffile.imwrite(tmp_path / f"{i}.tif", part, photometric="rgb")
    model = KMeansModel.fit(sorted(tmp_path.iterdir()), 5)
    expected = segment(skimage.data.coffee(), 5, channel_axis=-1)
    assert_same(model, expected.model)
    assert (model.kind, model.channel_axis) == ("RGB", -1)
    np.testing.assert_array_equal(model.predict(parts[0]).labels, expected.labels[:200])


def test_each_image_may_count_the_same() -> None:
    large = np.full((90, 100), 10, np.uint8)
    large[:, 50:] = 20
    small = np.full((3, 4), 200, np.uint8)
    small[:1] = 180
    by_pixels = KMeansModel.fit([large, small], 1)
    by_images = KMeansModel.fit([large, small], 1, weighting="images")
    assert by_pixels.centroids[0, 0] == pytest.approx(15 + (193.33 - 15) * 12 / 9012, abs=1e-3)
    assert by_images.centroids[0, 0] == pytest.approx((15 + (180 + 2 * 200) / 3) / 2, abs=1e-3)
    same = [large, large[::-1] + np.uint8(40)]
    assert_same(
        KMeansModel.fit(same, 3, weighting="images"), KMeansModel.fit(same, 3, weighting="pixels")
    )
    floats = [np.random.default_rng(0).random((9, n, 3)) for n in (5, 6)]
    with pytest.raises(ValueError, match="weighting='images' takes images whose values are"):
        KMeansModel.fit(floats, 2, channel_axis=-1, weighting="images")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_labels_stay_where_the_lamp_changes(tmp_path: Path, dtype: type) -> None:
    histology = skimage.data.immunohistochemistry()
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max

    def under(lamp: tuple[float, float, float]) -> NDArray[Any]:
        return (histology / 255 * lamp * top).astype(dtype)

    plain, warm, dim = under((1, 1, 1)), under((1, 0.85, 0.7)), under((0.6, 0.6, 0.6))
    adapting = KMeansModel.fit([plain, warm, dim], 4, channel_axis=-1, adapt="scale")
    adapting.save(tmp_path / "m.json")
    adapting = KMeansModel.load(tmp_path / "m.json")
    strict = KMeansModel.fit([plain], 4, channel_axis=-1)
    labels = adapting.predict(plain).labels
    for lamp in (warm, dim):
        stay = (adapting.predict(lamp).labels == labels).mean()
        assert stay > 0.97
        assert stay > (strict.predict(lamp).labels == strict.predict(plain).labels).mean() + 0.1
    found = adapting.predict(dim)
    means = [dim[found.labels == i].mean(axis=0) for i in range(1, 5)]
    np.testing.assert_allclose(found.centroids, means, rtol=1e-4)
    lazy = adapting.predict(da.from_array(dim, chunks=200))
    np.testing.assert_array_equal(lazy.labels, found.labels)


def test_progress_names_the_image(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "one.tif", skimage.data.coins())
    told: list[tuple[float, str]] = []
    images = [skimage.data.camera(), tmp_path / "one.tif"]
    KMeansModel.fit(images, 3, progress=lambda *one: told.append(one))
    fractions, stages = zip(*told, strict=True)
    assert (np.diff(fractions) >= 0).all()
    assert {"Reading images[0]", "Reading images[1] (one.tif)", "Clustering"} <= set(stages)


GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize(
    ("images", "arguments", "kind", "message"),
    [
        ([], {}, ValueError, "images takes at least one image; got none"),
        ("a.tif", {}, TypeError, "images takes several images"),
        (7, {}, TypeError, "images takes several images"),
        (np.zeros((9, 9, 3)), {}, TypeError, r"got one array of shape \(9, 9, 3\)"),
        ([GREY, GREY.astype(float)], {}, ValueError, r"images\[1\]: takes the dtype of the first"),
        ([GREY, "no.tif"], {}, OSError, r"images\[1\] \(no.tif\): there is no such file"),
        ([GREY, GREY * np.nan], {}, ValueError, r"images\[1\]: image takes at least one pixel"),
        ([GREY, GREY + 1j], {}, TypeError, r"images\[1\]: image takes booleans"),
        ([GREY], {"masks": []}, ValueError, "masks takes one mask for each image; got 0"),
        ([GREY], {"masks": [None, None]}, ValueError, "got more masks than images"),
        ([GREY], {"masks": [GREY[:2]]}, ValueError, r"images\[0\]: mask takes an array"),
        ([GREY], {"weighting": "size"}, ValueError, "weighting takes one of"),
        ([GREY], {"adapt": "lamp"}, ValueError, "adapt takes one of"),
        ([GREY], {"color_space": "lab"}, ValueError, r"images\[0\]: color_space='lab' takes"),
        ([np.zeros((2, 2, 3)), np.zeros((2, 2, 4))], {"channel_axis": -1}, ValueError,
         r"images\[1\]: takes the channels of the first image, 3; got 4"),
        ([GREY], {"n_clusters": 0}, ValueError, "n_clusters takes an integer"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_image(
    images: Any, arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        KMeansModel.fit(images, **arguments)


def test_pixels_that_are_not_finite_are_left_out() -> None:
    images = [np.array([[0, 1, np.nan], [8, 9, np.inf]]), np.array([[0, 8.0]])]
    with pytest.warns(UserWarning, match="2 pixels are NaN or infinite"):
        model = KMeansModel.fit(images, 2)
    np.testing.assert_allclose(model.centroids[:, 0], [1 / 3, 25 / 3])


@pytest.mark.parametrize("dtype", ["bool", "int64", "uint64", "uint8", "float16"])
def test_images_of_every_dtype_can_be_adapted(dtype: str) -> None:
    values = np.tile([0, 0, 0, 1] if dtype == "bool" else [10, 20, 90, 100], 50).astype(dtype)
    found = KMeansModel.fit([values], 2, adapt="scale").predict(values)
    bright = values.astype(float) > values.astype(float).mean()
    np.testing.assert_array_equal(found.labels, 1 + bright)


def test_images_that_fail_are_handed_over_and_left_out() -> None:
    failed = []
    images = [np.array(["text"]), GREY, GREY.astype(np.uint32), Path("none.tif"), GREY[:1]]
    pooled = pool(images, failed=lambda i, problem: failed.append((i, type(problem))))
    assert [i for i, _ in failed] == [0, 2, 3]
    assert failed[2][1] is FileNotFoundError
    assert pooled.n_images == 2
    expected = KMeansModel.fit([GREY, GREY[:1]], 2).centroids
    np.testing.assert_array_equal(pooled.fit(2).centroids, expected)
    with pytest.raises(ValueError, match="at least one image"):
        pool(images[:1], failed=lambda *_: None)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("n_images", [4, 3000, 9000])
def test_each_of_many_images_counts_the_same(dtype: str, n_images: int) -> None:
    random = np.random.default_rng(5)
    images = []
    for n in random.integers(5, 40, n_images):
        values = random.choice([0.1, 0.35, 0.6, 0.9], n) + random.normal(0, 0.03, n)
        images.append((np.round(50 * values) * (4 if dtype == "uint8" else 0.02)).astype(dtype))
    model = pool(images, channel_axis=None, weighting="images").fit(3, tol=0)
    values = np.concatenate(images).astype(float)
    weights = np.concatenate([np.full(len(image), 1 / len(image)) for image in images])
    nearest = np.abs(values[:, np.newaxis] - model.centroids[:, 0]).argmin(axis=1)
    means = [np.average(values[nearest == i], weights=weights[nearest == i]) for i in range(3)]
    np.testing.assert_allclose(model.centroids[:, 0], means, rtol=1e-8)

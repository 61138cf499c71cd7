"""The suggested number of clusters is the number of classes, and says when it is not sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import skimage.data
from scipy import ndimage
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from napari_kmeans_seg import choose_k, segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Example = tuple[int, NDArray[np.float64]]

SIDE = 70
DTYPES = ("uint8", "uint16", "float32")
SCORES = ("elbow", "calinski_harabasz", "silhouette", "icl")


def as_image(values: NDArray[np.float64], dtype: str) -> NDArray[np.generic]:
    """Write values from 0 to 255 as an image of a dtype."""
    if dtype == "float32":
        return (values / 255).astype(dtype)
    per_level = 257 if dtype == "uint16" else 1
    return np.clip(np.round(values * per_level), 0, np.iinfo(dtype).max).astype(dtype)


def classes(shares: NDArray[np.float64]) -> NDArray[np.intp]:
    """Cut an image into bands of given shares."""
    upto = np.cumsum(shares[:-1]) * SIDE**2
    return np.searchsorted(upto, np.arange(SIDE**2), side="right").reshape(SIDE, SIDE)


def drawn_shares(random: np.random.Generator, k: int) -> NDArray[np.float64]:
    """Draw shares of which the smallest is about 5 %."""
    return 0.05 + (1 - 0.05 * k) * random.dirichlet(np.ones(k))


def drawn_means(
    random: np.random.Generator, shape: tuple[int, int], least: float
) -> NDArray[np.float64]:
    """Draw means that are at least so far apart."""
    while True:
        means = random.uniform(25, 230, shape)
        apart = np.linalg.norm(means[:, np.newaxis] - means, axis=2)
        if (apart + np.eye(len(means)) * least).min() >= least:
            return means


def two_classes() -> Iterator[Example]:
    random = np.random.default_rng(1)
    for gap in (4, 5, 8, 12, 20):
        for smaller in (0.5, 0.2, 0.05):
            means = np.array([127 - 5 * gap, 127 + 5 * gap])[:: random.choice([-1, 1])]
            labels = classes(np.array([smaller, 1 - smaller]))
            yield 2, means[labels] + random.normal(0, 10, labels.shape)


def one_channel() -> Iterator[Example]:
    random = np.random.default_rng(2)
    for i in range(45):
        k, noise = 2 + i % 3, random.uniform(3, 8)
        means = drawn_means(random, (k, 1), random.choice([3.5, 4, 5]) * noise)[:, 0]
        labels = classes(drawn_shares(random, k))
        yield k, means[labels] + random.normal(0, noise, labels.shape)


def three_channels() -> Iterator[Example]:
    random = np.random.default_rng(3)
    for i in range(45):
        k, noise = 2 + i % 5, random.uniform(4, 14)
        means = drawn_means(random, (k, 3), random.choice([3, 3.5, 4]) * noise)
        labels = classes(drawn_shares(random, k))
        yield k, means[labels] + random.normal(0, noise, (*labels.shape, 3))


def blurred_and_shaded() -> Iterator[Example]:
    random = np.random.default_rng(4)
    for i in range(36):
        k, n_channels = 2 + i % 3, (1, 3)[i % 2]
        means = drawn_means(random, (k, n_channels), 30)
        fields = ndimage.gaussian_filter(random.normal(size=(k, SIDE, SIDE)), (0, 5, 5))
        image = means[fields.argmax(axis=0)]
        if i // 6 % 2:
            image *= 1 + 0.08 * np.linspace(-1, 1, SIDE)[:, np.newaxis, np.newaxis]
        else:
            image = ndimage.gaussian_filter(image, (1, 1, 0))
        yield k, np.squeeze(image + random.normal(0, 3, image.shape))


OUTCOMES = ("suggestion", "plausible", "wrong though certain", "all")
SETS = (two_classes, one_channel, three_channels, blurred_and_shaded)


@pytest.fixture(scope="module")
def right() -> dict[str, dict[str, int]]:
    """Count for each set how often each score, and the suggestion, is the number of classes."""
    counts: dict[str, dict[str, int]] = {}
    for examples in SETS:
        count = dict.fromkeys(
            [*SCORES, "suggestion", "plausible", "wrong though certain", "all"], 0
        )
        for i, (k, values) in enumerate(examples()):
            axis = -1 if values.ndim == 3 else None
            curve = choose_k(as_image(values, DTYPES[i % 3]), channel_axis=axis)
            for score in SCORES:
                best = curve.n_clusters[np.nanargmax(getattr(curve, score))]
                count[score] += int(best == k)
            count["suggestion"] += int(curve.suggestion == k)
            count["plausible"] += int(k in curve.plausible)
            count["wrong though certain"] += int(curve.certain and curve.suggestion != k)
            count["all"] += 1
        counts[examples.__name__] = count
    return counts


@pytest.mark.parametrize("name", [examples.__name__ for examples in SETS])
def test_the_suggestion_is_right_more_often_than_each_score_of_inertia_and_distances(
    right: dict[str, dict[str, int]], name: str
) -> None:
    count = right[name]
    assert count["suggestion"] > max(count[score] for score in SCORES[:3]), count
    assert count["suggestion"] >= count["all"] * (0.75 if name == "blurred_and_shaded" else 0.9)


def test_over_all_sets_it_is_right_more_often_than_each_score(
    right: dict[str, dict[str, int]],
) -> None:
    total = {key: sum(count[key] for count in right.values()) for key in right["one_channel"]}
    assert total["suggestion"] > max(total[score] for score in SCORES), total
    # Where it is wrong, it mostly names the right number, too, or says that there is none.
    assert total["plausible"] >= 0.9 * total["all"]
    assert total["wrong though certain"] <= 0.02 * total["all"]


def unclear(name: str) -> NDArray[np.float64]:
    random = np.random.default_rng(5)
    ramp = np.linspace(0, 1, SIDE)
    x, y = np.meshgrid(ramp, ramp)
    return {
        "gradient": 20 + 215 * x,
        "gradient with noise": 20 + 215 * x + random.normal(0, 5, x.shape),
        "gradients of three channels": 30 + 190 * np.stack([x, y, (x + y) / 2], axis=-1),
        "uniform noise": random.uniform(0, 255, x.shape),
        "uniform noise in three channels": random.uniform(0, 255, (*x.shape, 3)),
        "one Gaussian": random.normal(128, 10, x.shape),
        "one Gaussian in three channels": random.normal(128, 20, (*x.shape, 3)),
        "one long Gaussian": 128 + random.normal(0, 1, (*x.shape, 3)) * [30, 10, 3],
        "one skewed class": random.gamma(3, 15, x.shape),
    }[name]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "name",
    [
        "gradient",
        "gradient with noise",
        "gradients of three channels",
        "uniform noise",
        "uniform noise in three channels",
        "one Gaussian",
        "one Gaussian in three channels",
        "one long Gaussian",
        "one skewed class",
    ],
)
def test_it_says_where_no_number_is_better_than_another(name: str, dtype: str) -> None:
    values = unclear(name)
    curve = choose_k(as_image(values, dtype), channel_axis=-1 if values.ndim == 3 else None)
    assert curve.reason.startswith("No number of clusters is ")
    assert "better than another" in curve.reason
    assert curve.plausible == ()
    assert not curve.certain
    assert not curve.separated.any()
    assert curve.suggestion == 2


def test_of_one_class_one_cluster_is_suggested_where_it_was_tried() -> None:
    curve = choose_k(as_image(unclear("one Gaussian"), "uint8"), range(1, 9))
    assert curve.suggestion == 1
    assert curve.icl[0] == 0
    assert (curve.icl[1:] < 0).all()
    assert "1 is only the smallest" in curve.reason


def test_where_scores_agree_it_is_certain() -> None:
    means = np.array([40, 110, 200])
    labels = classes(np.array([0.3, 0.3, 0.4]))
    curve = choose_k(as_image(means[labels] + unclear("one Gaussian") - 128, "uint8"))
    assert (curve.suggestion, curve.plausible, curve.certain) == (3, (3,), True)
    assert curve.reason.startswith("3 clusters: all scores agree")


def test_where_scores_differ_all_that_are_plausible_are_named() -> None:
    curve = choose_k(skimage.data.camera())
    gaussian = int(curve.n_clusters[curve.icl.argmax()])
    compact = int(curve.n_clusters[curve.silhouette.argmax()])
    parted = int(curve.n_clusters[curve.separated].max())
    assert len({gaussian, compact, parted}) == 3
    assert curve.suggestion == parted
    assert curve.plausible[0] == parted
    assert set(curve.plausible) == {gaussian, compact, parted}
    assert not curve.certain
    assert f"{gaussian}, the best fit of Gaussian classes" in curve.reason
    assert f"{compact}, the highest silhouette" in curve.reason


def test_of_shades_that_blend_into_each_other_a_person_is_told_what_more_clusters_are() -> None:
    curve = choose_k(skimage.data.immunohistochemistry(), range(2, 13), channel_axis=-1)
    assert (curve.suggestion, curve.plausible) == (2, (2, 12))
    assert curve.reason.endswith(
        "More than 2, up to 12 and perhaps beyond, are shades that blend into each other: take as "
        "many as you want to tell apart."
    )


def test_classes_that_overlap_are_said_to() -> None:
    random = np.random.default_rng(6)
    labels = classes(np.array([0.1, 0.9]))
    curve = choose_k(as_image(100 + 40 * labels + random.normal(0, 10, labels.shape), "float32"))
    assert curve.suggestion == 2
    assert not curve.separated.any()
    assert not curve.certain
    assert curve.reason.endswith("they overlap.")


@pytest.mark.parametrize(
    ("values", "certain", "says"),
    [
        ([0, 255], True, "one for each distinct value."),
        ([10, 12, 200, 203], False, "Plausible, too: 2,"),
        ([10, 11, 12, 13, 14], False, "noise of few grey levels"),
    ],
)
def test_few_values_have_a_cluster_each(values: list[int], certain: bool, says: str) -> None:
    with pytest.warns(UserWarning, match="distinct values"):
        curve = choose_k(np.repeat(values, 100).astype(np.uint8))
    assert curve.suggestion == curve.plausible[0] == len(values)
    assert curve.certain == certain
    assert says in curve.reason


def test_of_one_value_it_is_one_cluster() -> None:
    with pytest.warns(UserWarning, match="distinct value"):
        curve = choose_k(np.full((9, 9), 7))
    assert (curve.suggestion, curve.plausible, curve.certain) == (1, (1,), True)


def test_noise_of_few_grey_levels_is_no_classes() -> None:
    values = 100 + np.random.default_rng(7).normal(0, 3, (SIDE, SIDE))
    curve = choose_k(values.round().astype(np.uint8), range(2, 11))
    assert curve.plausible == ()


def test_icl_is_the_completed_likelihood_of_gaussian_classes() -> None:
    pixels = np.random.default_rng(8).normal(size=(400, 2)) + np.repeat([[0, 0], [3, 1]], 200, 0)
    curve = choose_k(pixels, range(1, 5), channel_axis=-1, tol=0)

    def expected(k: int) -> float:
        found = segment(pixels, k, channel_axis=-1, tol=0)
        variance = found.inertia / pixels.size
        logs = np.stack(
            [
                np.log(count / 400) + multivariate_normal(mean, variance).logpdf(pixels)
                for mean, count in zip(found.centroids, found.counts, strict=True)
            ]
        )
        density = logsumexp(logs, axis=0)
        odds = np.exp(logs - density)
        # k - 1 shares, two coordinates of each centroid, and one variance.
        cost = (k - 1 + 2 * k + 1) * np.log(400) / 2 / 400
        return float((density + (odds * (logs - density)).sum(axis=0)).mean() - cost)

    gains = [expected(k) - expected(1) for k in range(1, 5)]
    np.testing.assert_allclose(curve.icl, gains, atol=1e-9)


@pytest.mark.parametrize("name", ["one skewed class", "uniform noise in three channels"])
def test_scores_do_not_depend_on_units(name: str) -> None:
    values = unclear(name)
    axis = -1 if values.ndim == 3 else None
    curve = choose_k(values, channel_axis=axis)
    other = choose_k(1024 * values, channel_axis=axis)
    np.testing.assert_allclose(other.icl, curve.icl, rtol=1e-9)
    np.testing.assert_array_equal(other.separated, curve.separated)
    assert other.suggestion == curve.suggestion


def test_the_table_has_all_scores() -> None:
    table = choose_k(skimage.data.camera()[::4, ::4], range(2, 5)).to_dataframe()
    assert list(table) == [
        "n_clusters", "inertia", "elbow", "calinski_harabasz", "silhouette", "icl", "separated",
    ]  # fmt: skip
    assert len(table) == 3

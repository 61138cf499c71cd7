"""Every way to segment: from the array to its labels and the recoloured image.

All have the same work to do, with their own defaults. Each imports its library inside, so that
a process holds no more than it needs.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TOL = 1e-4  # scikit-learn's default, and ours
SAMPLE = 10_000

Array = NDArray[np.generic]


class Result(NamedTuple):
    """Labels (counted from `first`), the image painted with its centroids, and these."""

    labels: Array
    painted: Array
    centroids: NDArray[np.float64]
    first: int = 0


Method = Callable[[Array, int, int], Result]
"""Called with the image, the number of clusters and a seed."""


def channel_axis(image: Array) -> int | None:
    return -1 if image.ndim == 3 else None


def rows(image: Array) -> Array:
    """One pixel per row."""
    return image.reshape(-1, image.shape[2] if image.ndim == 3 else 1)


def paint(image: Array, labels: Array, centroids: Array) -> Result:
    """Recolour as one does with NumPy."""
    colours = np.rint(centroids) if image.dtype.kind in "ui" else centroids
    painted = colours.astype(image.dtype)[labels].reshape(image.shape)
    return Result(labels.reshape(image.shape[:2]), painted, centroids)


def ours(image: Array, k: int, seed: int) -> Result:
    from napari_kmeans_seg import segment

    seg = segment(image, k, channel_axis=channel_axis(image), seed=seed)
    return Result(seg.labels, seg.image, seg.centroids, first=1)


def sklearn(image: Array, k: int, seed: int) -> Result:
    from sklearn.cluster import KMeans

    model = KMeans(k, n_init=1, random_state=seed).fit(rows(image))
    return paint(image, model.labels_, model.cluster_centers_)


def sklearn_float32(image: Array, k: int, seed: int) -> Result:
    from sklearn.cluster import KMeans

    model = KMeans(k, n_init=1, random_state=seed).fit(rows(image).astype(np.float32))
    return paint(image, model.labels_, model.cluster_centers_)


def minibatch(image: Array, k: int, seed: int) -> Result:
    from sklearn.cluster import MiniBatchKMeans

    model = MiniBatchKMeans(k, n_init=1, random_state=seed).fit(rows(image))
    return paint(image, model.labels_, model.cluster_centers_)


def sample_predict(image: Array, k: int, seed: int) -> Result:
    from sklearn.cluster import KMeans

    pixels = rows(image)
    chosen = np.random.default_rng(seed).integers(0, len(pixels), SAMPLE)
    model = KMeans(k, n_init=1, random_state=seed).fit(pixels[chosen])
    return paint(image, model.predict(pixels), model.cluster_centers_)


def opencv(image: Array, k: int, seed: int) -> Result:
    import cv2

    pixels = rows(image).astype(np.float32)
    # OpenCV asks for a limit: the largest move of one centroid. scikit-learn's `tol` limits
    # the sum of all moves, so this stops no later.
    limit = float(np.sqrt(TOL * pixels.var(axis=0).mean()))
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 300, limit)
    cv2.setRNGSeed(seed)
    _, labels, centroids = cv2.kmeans(pixels, k, None, criteria, 1, cv2.KMEANS_PP_CENTERS)
    return paint(image, labels.ravel(), centroids)


def faiss(image: Array, k: int, seed: int) -> Result:
    return _faiss(image, k, seed)


def faiss_all(image: Array, k: int, seed: int) -> Result:
    return _faiss(image, k, seed, max_points_per_centroid=image.size)


def _faiss(image: Array, k: int, seed: int, **options: int) -> Result:
    import faiss

    pixels = rows(image).astype(np.float32)
    model = faiss.Kmeans(pixels.shape[1], k, seed=seed + 1, **options)
    model.train(pixels)
    _, labels = model.index.search(pixels, 1)
    return paint(image, labels.ravel(), model.centroids)


def scipy(image: Array, k: int, seed: int) -> Result:
    from scipy.cluster.vq import kmeans2

    # Its default start is a Gaussian cloud, which leaves clusters empty.
    pixels = rows(image).astype(np.float32)
    centroids, labels = kmeans2(pixels, k, minit="++", rng=np.random.default_rng(seed))
    return paint(image, labels, centroids)


def simpleitk(image: Array, k: int, _seed: int) -> Result:
    import SimpleITK

    # It starts from given means: the middles of k equal shares of the pixels.
    start = np.quantile(image, (np.arange(k) + 0.5) / k).tolist()
    found = SimpleITK.ScalarImageKmeans(SimpleITK.GetImageFromArray(image), start)
    labels = SimpleITK.GetArrayFromImage(found).ravel()
    # It keeps its final means to itself.
    counts = np.bincount(labels, minlength=k)
    means = np.bincount(labels, image.ravel(), minlength=k) / np.maximum(counts, 1)
    return paint(image, labels, means[:, np.newaxis])


def kmeans1d(image: Array, k: int, _seed: int) -> Result:
    import kmeans1d

    found = kmeans1d.cluster(image.ravel(), k)
    return paint(image, np.array(found.clusters), np.array(found.centroids)[:, np.newaxis])


def floor(image: Array, _k: int, _seed: int) -> Result:
    """No clustering: read the pixels once, write labels and recoloured image once."""
    labels = np.empty(image.shape[:2], np.uint8)
    labels.fill(0)
    return Result(labels, image.copy(), np.zeros((1, rows(image).shape[1])))


NAMES: dict[str, str] = {
    "ours": "napari-kmeans-seg",
    "sklearn": "scikit-learn KMeans",
    "sklearn_float32": "scikit-learn KMeans, float32",
    "minibatch": "scikit-learn MiniBatchKMeans",
    "sample_predict": f"scikit-learn, fit on {SAMPLE:,} pixels",
    "opencv": "OpenCV kmeans",
    "faiss": "faiss Kmeans (fits on 256 k pixels)",
    "faiss_all": "faiss Kmeans, all pixels",
    "scipy": "SciPy kmeans2",
    "simpleitk": "SimpleITK ScalarImageKmeans",
    "kmeans1d": "kmeans1d (optimal)",
    "floor": "floor: copies only",
}
METHODS: dict[str, Method] = {name: globals()[name] for name in NAMES}

COLOUR = ["ours", "sklearn", "sklearn_float32", "minibatch", "sample_predict"]
COLOUR += ["opencv", "faiss", "faiss_all", "scipy"]
FLOAT = [name for name in COLOUR if name != "sklearn_float32"]  # it is float32 as it comes
GREY = [*COLOUR, "simpleitk", "kmeans1d"]
FEW = ["ours", "sklearn", "sample_predict", "opencv"]
QUICKER = [*FEW, "faiss"]
SOON = ["ours", "floor", "sample_predict"]
CURVES = ["ours", "sklearn", "sample_predict"]

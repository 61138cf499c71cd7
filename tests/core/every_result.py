"""What `segment` and `choose_k` make of images of every kind, hashed.

Run as a program, ``every_result.py N_THREADS``, it prints them as JSON, for a test that compares
processes whose processor, BLAS or number of threads differ.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import warnings
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import skimage.data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray


def groups(shape: tuple[int, ...], n_channels: int, seed: int) -> NDArray[np.float64]:
    """Eight kinds of pixels with noise, none like another: ``(*shape, n_channels)``."""
    random = np.random.default_rng(seed)
    kinds = random.normal(0, 3, (8, n_channels))
    which = random.integers(8, size=shape)
    return kinds[which] + random.normal(size=(*shape, n_channels))


def photograph() -> NDArray[np.uint8]:
    """Of more pixels than one thread takes at a time."""
    coffee = skimage.data.coffee()
    return np.vstack([coffee, 255 - coffee[:, ::-1]])


def rounding_noise() -> NDArray[np.float64]:
    """Most values are nearly 1, as a filter by Fourier transform leaves them."""
    random = np.random.default_rng(3)
    image = 1 + random.normal(0, 1e-15, (400, 500))
    few = random.random(image.shape) < 0.1
    image[few] = random.gamma(2, 300, np.count_nonzero(few))
    return image


def with_gaps() -> NDArray[np.float32]:
    image = groups((400, 500), 3, 5).astype(np.float32)
    image[::37, ::11, 1] = np.nan
    image[5, 5, 0] = np.inf
    return image


def bands(n: int, n_bands: int) -> NDArray[np.float32]:
    random = np.random.default_rng(n_bands)
    spectra = np.cumsum(random.normal(size=(12, n_bands)), axis=1) * 80 + 3000
    field = np.kron(random.integers(12, size=(n // 5, n // 5)), np.ones((5, 5), np.intp))
    return (spectra[field] + random.normal(0, 60, (*field.shape, n_bands))).astype(np.float32)


def uniform(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    top = int(np.iinfo(dtype).max)
    return np.random.default_rng(0).integers(top, size=shape, dtype=dtype, endpoint=True)


def skewed(shape: tuple[int, ...], scale: float) -> NDArray[np.float64]:
    return np.random.default_rng(1).gamma(2, scale, shape)


IMAGES: dict[str, Callable[[], NDArray[Any]]] = {
    "photograph": photograph,
    "stain": lambda: skimage.data.immunohistochemistry()[:300, :300],
    "camera": skimage.data.camera,
    "RGB noise": lambda: uniform((400, 700, 3), "uint8"),
    "grey 16-bit": lambda: np.minimum(skewed((500, 600), 4000), 65535).astype(np.uint16),
    "integers of 32 bits": lambda: (skewed((300, 400), 1e8)).astype(np.uint32),
    "float": lambda: skewed((500, 600), 3).astype(np.float32),
    "float64 on an offset": lambda: 1e6 + skewed((300, 300), 1e-3),
    "rounding noise": rounding_noise,
    "float x 2": lambda: groups((300, 300), 2, 2),
    "float x 4": lambda: groups((300, 450), 4, 4).astype(np.float32),
    "float16 x 3": lambda: groups((300, 300), 3, 6).astype(np.float16),
    "heavy tails": lambda: np.random.default_rng(0).standard_cauchy((250, 300, 3)),
    "uint16 x 3": lambda: (groups((250, 300), 3, 7) * 2500 + 30_000).astype(np.uint16),
    "not finite": with_gaps,
    "60 bands": lambda: bands(75, 60),
    "200 bands": lambda: bands(50, 200),
}


class Call(NamedTuple):
    """One call of `segment`."""

    image: str
    n_clusters: int
    args: Mapping[str, Any] = MappingProxyType({})
    masked: bool = False

    @property
    def placed(self) -> bool:
        """Whether it counts where a pixel lies."""
        return bool(self.args.keys() & {"smoothing", "spatial_weight", "fit_scale"})

    def __str__(self) -> str:
        args = [f"{name}={value!r}" for name, value in self.args.items()]
        return ", ".join([self.image, f"k={self.n_clusters}", *args, *["mask"] * self.masked])


CALLS = [
    *(Call("photograph", k) for k in (2, 5, 16, 64)),
    Call("photograph", 7, {"seed": 3, "tol": 0}),
    Call("photograph", 6, {"color_space": "lab"}),
    Call("photograph", 5, {"color_space": "hsv"}),
    Call("photograph", 5, {"smoothing": 1.5}),
    Call("photograph", 6, {"fit_scale": 0.5}),
    Call("stain", 4, {"init": "random", "n_init": 3}),
    Call("stain", 3, {"init": [[40.0, 20, 30], [120, 90, 140], [220, 215, 225]]}),
    Call("stain", 12, {"color_space": "lab", "normalize": True}),
    Call("stain", 5, {"spatial_weight": 0.5}),
    Call("stain", 5, {"channel_weights": [1, 0.3, 2.5]}, masked=True),
    *(Call("camera", k) for k in (4, 40)),
    Call("camera", 5, {"smoothing": 2, "spatial_weight": 0.3}),
    Call("RGB noise", 5),
    *(Call("grey 16-bit", k) for k in (3, 24)),
    Call("integers of 32 bits", 6),
    *(Call("float", k) for k in (4, 32)),
    Call("float", 5, {"init": "k-means++"}, masked=True),
    Call("float64 on an offset", 5),
    Call("rounding noise", 12),
    Call("float x 2", 9, {"normalize": True}),
    *(Call("float x 4", k) for k in (2, 5, 33)),
    Call("float x 4", 5, {"smoothing": 1}),
    Call("float16 x 3", 7),
    Call("heavy tails", 8),
    *(Call("uint16 x 3", k) for k in (6, 24)),
    Call("uint16 x 3", 5, {"color_space": "lab"}),
    Call("uint16 x 3", 8, {"normalize": True, "channel_weights": [3, 1, 1]}, masked=True),
    Call("not finite", 6, masked=True),
    *(Call("60 bands", k) for k in (5, 20)),
    Call("200 bands", 8),
]

CURVES = [
    Call("photograph", 8),
    Call("camera", 12),
    Call("float", 6),
    Call("float x 4", 7),
    Call("stain", 5, {"color_space": "lab"}),
    Call("60 bands", 6),
]


@cache
def image_of(name: str) -> NDArray[Any]:
    return IMAGES[name]()


def pixels_of(call: Call) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return the image of a call and the arguments beside the number of clusters."""
    image = image_of(call.image)
    shape, axis = (image.shape, None) if image.ndim == 2 else (image.shape[:2], -1)
    args = {"channel_axis": axis, "alpha": False, **call.args}
    if call.masked:
        args["mask"] = np.random.default_rng(8).random(shape) < 0.7
    return image, args


def hashed(array: Any) -> str:
    array = np.ascontiguousarray(array)
    content = hashlib.sha256(array.tobytes()).hexdigest()[:16]
    return f"{array.dtype} {array.shape} {content}"


def segmented(
    image: Any, n_clusters: int, args: dict[str, Any], where: Any = ...
) -> dict[str, str]:
    """Hash all that a segmentation says, with the labels of the pixels `where`."""
    from napari_kmeans_seg import segment

    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        found = segment(image, n_clusters, **args)
    return {
        "labels": hashed(np.asarray(found.labels).reshape(-1)[where]),
        "centroids": hashed(found.centroids),
        "counts": hashed(found.counts),
        "inertia": found.inertia.hex(),
        "iterations": f"{found.n_iter}, converged: {found.converged}",
        "notes": "; ".join(str(note.message) for note in notes),
    }


def scored(image: Any, most: int, args: dict[str, Any]) -> dict[str, str]:
    """Hash all that a curve of numbers of clusters says."""
    from napari_kmeans_seg import choose_k

    curve = choose_k(image, range(1, most + 1), **args)
    scores = ("inertia", "elbow", "calinski_harabasz", "silhouette")
    return {
        **{score: hashed(getattr(curve, score)) for score in scores},
        "suggestion": f"{curve.suggestion}: {curve.reason}",
    }


def results() -> Iterator[tuple[str, dict[str, str]]]:
    for call in CALLS:
        image, args = pixels_of(call)
        yield str(call), segmented(image, call.n_clusters, args)
    for call in CURVES:
        image, args = pixels_of(call)
        yield f"choose_k of {call}", scored(image, call.n_clusters, args)


def surroundings() -> dict[str, Any]:
    """Return what the process was really given."""
    from threadpoolctl import threadpool_info

    from napari_kmeans_seg.core.base.parallel import n_threads

    multiarray = sys.modules.get("numpy._core._multiarray_umath")
    multiarray = multiarray or sys.modules["numpy.core._multiarray_umath"]
    features = multiarray.__cpu_features__  # type: ignore[attr-defined]
    libraries = [one for one in threadpool_info() if one["internal_api"] == "openblas"]
    return {
        "features": [name for name, has in features.items() if has],
        "dispatched": list(multiarray.__cpu_dispatch__),  # type: ignore[attr-defined]
        "kernels": sorted({one["architecture"] for one in libraries if "numpy" in one["filepath"]}),
        "threads": n_threads(),
    }


if __name__ == "__main__":
    # The child's own idea of the machine, before anything asks for it.
    n = int(sys.argv[1])
    os.sched_getaffinity = lambda _: set(range(n))  # type: ignore[attr-defined, assignment]
    os.cpu_count = lambda: n
    json.dump({"results": dict(results()), **surroundings()}, sys.stdout)

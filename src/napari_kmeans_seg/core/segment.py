"""Segment an image by k-means: the main path, from the image to its labels."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike

import numpy as np
from numpy.typing import ArrayLike

from .arguments import NOT_GIVEN
from .base.parallel import Progress, never_falling, within
from .choose_k import ClusterCurve
from .prepare import prepare
from .segmentation import Segmentation


def segment(
    image: ArrayLike | str | PathLike[str],
    n_clusters: int = 5,
    *,
    channel_axis: int | None = NOT_GIVEN,
    alpha: bool | None = None,
    mask: ArrayLike | None = None,
    color_space: str = "rgb",
    channel_weights: Sequence[float] | Mapping[str, float] | None = None,
    normalize: bool = False,
    smoothing: float | Sequence[float] = 0.0,
    spatial_weight: float = 0.0,
    init: str | ArrayLike = "auto",
    n_init: int = 1,
    max_iter: int = 300,
    tol: float = 1e-4,
    fit_scale: float = 1.0,
    seed: int | np.random.Generator | None = 0,
    channel_names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Segmentation:
    """Segment an image by k-means on its pixel values.

    Parameters
    ----------
    image : array-like or path
        Image of any number of spatial axes and any real dtype: bool, (u)int8 to (u)int64,
        float16 to float64; or an image file, which says itself what its axes are. A Dask array is
        read chunk by chunk on the active scheduler, and gives Dask arrays: see Notes; an OME-Zarr
        image is one. An Image layer of napari stands for its pixels, of a pyramid those of the
        largest level; the channels of an RGB layer are found.
    n_clusters : int
        Number of clusters, 1 to 65,535. An image with fewer distinct values gets as many
        clusters as it has values, and a warning.
    channel_axis : int, optional
        Axis of the channels. None means one channel; so it is where none is given, with a warning
        if the last axis looks like one of colours.
    alpha : bool, optional
        Whether the last channel is alpha. It is not clustered, and fully transparent pixels do
        not take part. By default four channels of uint8 on the last axis are taken as RGBA.
    mask : bool array, optional
        Spatial shape; true where pixels take part. Elsewhere the label is 0. Pixels that are
        NaN or infinite in any channel do not take part either, with a warning.
    color_space : {"rgb", "lab", "hsv", "luv"}
        Space in which colours are compared. "rgb": the channels as they are, however many.
        "lab": CIE L*a*b*; "hsv": the cone ``(s v cos h, s v sin h, v)``; "luv": CIE L*u*v*; these
        take RGB of uint8, uint16 or floats between 0 and 1. Coordinates are rounded to 16 binary
        digits behind the point, those of "hsv" to 22: further ones depend on the processor.
    channel_weights : sequence of float or mapping, optional
        Factor of each channel (of the colour space) in distances: 0, or 1e-100 to 1e100. All 1
        by default. A mapping gives those of some, by their names or numbers from 0, as in
        ``{"DAPI": 2}``; those of colours may be called red, green and blue.
    normalize : bool
        Whether each channel is divided by its standard deviation first.
    smoothing : float or sequence of float
        Standard deviation, in pixels, of a Gaussian blur before clustering, up to 10,000; one
        for all spatial axes or one for each.
    spatial_weight : float
        Weight of pixel positions as features, 0 or 1e-100 to 1e100. At 1 they spread as much as
        the values do.
    init : {"auto", "k-means++", "random", "optimal"} or (n_clusters, n_channels) array
        Where the centroids start. "optimal" takes one channel and finds the global optimum: exactly
        where the distinct values are known (8 and 16 bits, and up to 262,144 of them), else on
        means of some values each, 32,768 of them, from which all pixels are brought to rest. Its
        table has 512 MB at most: 4,096 clusters of 65,536 values, 512 of 262,144.
        "auto" is "optimal" for one channel where that is cheap, else "k-means++". An array gives
        initial centroids in the units of the image, and the result is where Lloyd's algorithm
        comes to rest from there: by `tol`, or at its fixed point with 0.
    n_init : int
        Runs from different starts, of which the best is kept.
    max_iter : int
        Iterations of Lloyd's algorithm per run, at the most.
    tol : float
        Stop when the squared Frobenius norm of the centroids' move is at most `tol` times the
        mean variance of the features, about, without the farthest. 0: when no pixel changes its
        cluster.
    fit_scale : float
        Above 0, at most 1. Fit on an area-averaged copy of this scale (along the last two
        spatial axes), then label the full image.
    seed : int, numpy.random.Generator or None
        The same call with the same int gives the same bits. None: different each time.
    channel_names : sequence of str, optional
        Names of the channels, alpha not counted, for the table and the model.
    progress : callable, optional
        Called as ``progress(fraction, stage)`` from this thread, some times a second. An
        exception that it raises stops the work and comes out of this function.

    Returns
    -------
    Segmentation
        Labels, centroids, the segmented image, a table, masks, the model.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it should be; the message names it, what it got and what
        it takes, and so do the attributes `argument`, `got` and `takes`.

    Warns
    -----
    UserWarning
        If no `channel_axis` is given and the last axis is 3 or 4 long, as of colours; if pixels are
        left out because they are not finite, the image has fewer distinct values than
        `n_clusters`, clusters had no pixels and were left out, or a Dask array was fitted
        on a sample. The result has each of them in `warnings`, and as numbers in `notes`.

    See Also
    --------
    prepare : Read an image once, to segment it several times.

    Notes
    -----
    Pixels with the same value always belong together, so k-means runs on the distinct values,
    weighted by how many pixels have them. That gives exactly what Lloyd's algorithm [1]_
    gives on all pixels [2]_, in a fraction of the time. Where values do not repeat (floats,
    many channels) it runs on the pixels, from where a sample of them has come to rest. From 32
    clusters on only pixels whose nearest centroid may have changed are compared again [4]_.
    One channel is clustered by dynamic programming to the global optimum [3]_.

    The labels and the segmented image of a Dask array are computed when they are asked for. Its
    centroids are those of the same array in memory, bit for bit, where all values of the dtype
    can be counted (8 bits in up to three channels, 16 bits in one; not noise, which has more than 8
    million colours or half as many as pixels), and where it takes up to 256 MiB. Of other images a
    sample of a million values is brought to rest first; then the iterations go on
    over all pixels, up to 268 million of them (with ``tol=0`` however many), each reading every
    chunk again, to a fixed point that may be another one than in memory. Of still larger images the
    clusters are those of the sample, and of more than 2 billion pixels only chunks evenly spread
    are read. A warning says so. With `smoothing` or `spatial_weight` a Dask array of up to 67
    million values is read into memory, and so are its labels; a larger one is refused.

    Initial centroids other than an array are first run to rest on a sample, from a few seeds, and
    the best goes on to all pixels; that is a heuristic, and costs little. There they rest only when
    one more move would also gain less than a thousandth of the inertia.

    The same call with the same seed gives the same bits on every processor, however many cores it
    has. Nor does the order of the pixels or of chunks change a bit: pixels are compared in single
    precision, and again in double precision where this leaves doubt; sums are exact; samples are
    drawn by the values of pixels, not by their places. With `smoothing`, `spatial_weight` and
    `fit_scale` places count by their nature.

    References
    ----------
    .. [1] Lloyd S.P. (1982) Least squares quantization in PCM. IEEE Transactions on
       Information Theory 28, 129-137. doi:10.1109/TIT.1982.1056489
    .. [2] Celebi M.E. (2011) Improving the performance of k-means for color quantization.
       Image and Vision Computing 29, 260-271. doi:10.1016/j.imavis.2010.10.002
    .. [3] Wang H., Song M. (2011) Ckmeans.1d.dp: optimal k-means clustering in one dimension
       by dynamic programming. The R Journal 3(2), 29-33. doi:10.32614/RJ-2011-015
    .. [4] Hamerly G. (2010) Making k-means even faster. SIAM International Conference on Data
       Mining, 130-140. doi:10.1137/1.9781611972801.12

    Examples
    --------
    >>> from skimage.data import coffee
    >>> from napari_kmeans_seg import segment
    >>> seg = segment(coffee(), n_clusters=3, channel_axis=-1)
    >>> seg.labels.shape
    (400, 600)
    >>> seg.image.shape
    (400, 600, 3)
    """
    progress = never_falling(progress)
    prepared = prepare(
        image,
        channel_axis=channel_axis,
        alpha=alpha,
        mask=mask,
        color_space=color_space,
        channel_weights=channel_weights,
        normalize=normalize,
        smoothing=smoothing,
        spatial_weight=spatial_weight,
        fit_scale=fit_scale,
        channel_names=channel_names,
        progress=within(progress, 0, 0.4),
    )
    # It is labelled once: what a second time would save is not kept.
    prepared._whole.is_kept = False
    return prepared.segment(
        n_clusters,
        init=init,
        n_init=n_init,
        max_iter=max_iter,
        tol=tol,
        seed=seed,
        progress=within(progress, 0.4, 1),
    )


def choose_k(
    image: ArrayLike | str | PathLike[str],
    n_clusters: Iterable[int] = range(2, 13),
    *,
    channel_axis: int | None = NOT_GIVEN,
    alpha: bool | None = None,
    mask: ArrayLike | None = None,
    color_space: str = "rgb",
    channel_weights: Sequence[float] | Mapping[str, float] | None = None,
    normalize: bool = False,
    smoothing: float | Sequence[float] = 0.0,
    spatial_weight: float = 0.0,
    init: str = "auto",
    n_init: int = 1,
    max_iter: int = 300,
    tol: float = 1e-4,
    fit_scale: float = 1.0,
    seed: int | np.random.Generator | None = 0,
    progress: Progress | None = None,
) -> ClusterCurve:
    """Try numbers of clusters, score each, and suggest one.

    Parameters
    ----------
    image : array-like or path
        The image, or an image file.
    n_clusters : iterable of int
        Numbers to try, 2 to 12 by default. It ends where the image has no more distinct values.
    channel_axis, alpha, mask, color_space, channel_weights, normalize, smoothing, \
    spatial_weight, init, n_init, max_iter, tol, fit_scale, seed, progress
        As for `segment`; `init` is not an array.

    Returns
    -------
    ClusterCurve
        Inertia and scores for each number, a suggestion with its reason, and what is plausible.

    Raises
    ------
    TypeError, ValueError
        As `segment` does.

    Warns
    -----
    UserWarning
        As `segment` does; here if the image has fewer distinct values than the largest of
        `n_clusters`.

    Notes
    -----
    The suggestion is what two of three scores prefer, a heuristic: the right number is the one
    that answers your question. Where scores differ `ClusterCurve.plausible` names all answers, and
    `ClusterCurve.reason` says why, or that no number is better than another, as of a gradient.
    The image is read once for all numbers.

    Examples
    --------
    >>> from skimage.data import coins
    >>> from napari_kmeans_seg import choose_k
    >>> curve = choose_k(coins(), range(1, 9))
    >>> bool((curve.inertia[1:] < curve.inertia[:-1]).all())
    True
    """
    progress = never_falling(progress)
    prepared = prepare(
        image,
        channel_axis=channel_axis,
        alpha=alpha,
        mask=mask,
        color_space=color_space,
        channel_weights=channel_weights,
        normalize=normalize,
        smoothing=smoothing,
        spatial_weight=spatial_weight,
        fit_scale=fit_scale,
        progress=within(progress, 0, 0.3),
    )
    return prepared.choose_k(
        n_clusters,
        init=init,
        n_init=n_init,
        max_iter=max_iter,
        tol=tol,
        seed=seed,
        progress=within(progress, 0.3, 1),
    )

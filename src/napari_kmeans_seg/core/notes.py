"""What is worth knowing about a result, in a sentence each."""

from .image.pixels import Pixels


def not_finite(pixels: Pixels) -> tuple[str, ...]:
    """Say how many pixels are left out because they are not finite."""
    n = pixels.n_not_finite
    if not n:
        return ()
    which, were = ("pixel is", "was") if n == 1 else ("pixels are", "were")
    return (f"{n:,} {which} NaN or infinite and {were} left out (label 0).",)


def few_values(n_values: int, n_clusters: int, fit_scale: float) -> tuple[str, ...]:
    """Say that what was fitted has fewer distinct values than clusters were asked for."""
    if n_values >= n_clusters:
        return ()
    of = "The image" if fit_scale == 1 else f"The copy of the image at fit_scale={fit_scale:g}"
    s = "s" if n_values > 1 else ""
    has = f"{of} has {n_values:,} distinct value{s}, fewer than n_clusters={n_clusters:,}"
    return (f"{has}: it got {n_values:,} cluster{s}.",)


def without_pixels(n_found: int, n_filled: int) -> tuple[str, ...]:
    """Say how many of the clusters that were found no pixel belongs to."""
    if n_filled == n_found:
        return ()
    return (f"{n_found - n_filled:,} of {n_found:,} clusters had no pixels and were left out.",)

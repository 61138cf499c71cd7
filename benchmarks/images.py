"""The images that everyone gets."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

# Debian's package mate-backgrounds: a photograph of 17.9 megapixels.
PHOTO = Path("/usr/share/backgrounds/mate/abstract/Elephants_5640x3172.jpg")

Array = NDArray[np.generic]


def photo(file: Path | None = None) -> tuple[Array, str]:
    """Return a photograph, and where it is from."""
    if file is None and not PHOTO.exists():
        # Enlarged pixels repeat their neighbours' values; noise makes colours of their own.
        small = Image.fromarray(data.retina())
        large = np.asarray(small.resize((4232, 4232), Image.Resampling.BICUBIC))
        noise = np.random.default_rng(0).integers(-2, 3, large.shape)
        return np.clip(large + noise, 0, 255).astype(np.uint8), "skimage.data.retina with noise"
    file = file or PHOTO
    Image.MAX_IMAGE_PIXELS = None
    return np.asarray(Image.open(file).convert("RGB")), file.name


def resized(image: Array, megapixels: float) -> Array:
    """Scale an RGB image to so many megapixels."""
    factor = np.sqrt(megapixels * 1e6 / (image.shape[0] * image.shape[1]))
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def grey16(side: int) -> Array:
    """Bright, unequal cells on an uneven background, with the noise of a camera."""
    rng = np.random.default_rng(1)
    cells = gaussian_filter(rng.standard_normal((side, side)), 12)
    texture = gaussian_filter(rng.standard_normal((side, side)), 2)
    background = np.linspace(400, 700, side)
    cells = np.clip(cells / cells.std(), 0, None) * 6000 * (1 + texture)
    return rng.poisson(background + np.clip(cells, 0, 60_000)).astype(np.uint16)


def stains(side: int, n_stains: int = 4) -> Array:
    """Stains that mix in a few kinds of tissue, with noise: values do not repeat."""
    rng = np.random.default_rng(2)
    fields = np.stack([gaussian_filter(rng.standard_normal((side, side)), 20) for _ in range(6)])
    share = np.exp(3 * fields / fields.std())
    share /= share.sum(axis=0)
    mixed = np.tensordot(share, rng.uniform(0, 1, (6, n_stains)), axes=(0, 0))
    mixed += 0.05 * rng.standard_normal(mixed.shape)
    return mixed.astype(np.float32)


def cube(side: int, n_bands: int = 200) -> Array:
    """Fields of 16 materials seen in many bands, as from the air: a spectrum each, with noise."""
    rng = np.random.default_rng(0)
    spectra = np.cumsum(rng.normal(size=(16, n_bands)), 1) * 80 + 3000
    fields = np.kron(rng.integers(0, 16, (side // 5, side // 5)), np.ones((5, 5), np.intp))
    return (spectra[fields] + rng.normal(0, 60, (*fields.shape, n_bands))).astype(np.float32)


def noise(side: int) -> Array:
    """RGB of which hardly a colour repeats."""
    return np.random.default_rng(3).integers(0, 256, (side, side, 3), np.uint8)


def astronaut() -> Array:
    """512 x 512 RGB."""
    return np.asarray(data.astronaut())

"""How much is measured."""

from dataclasses import dataclass

from .methods import CURVES


@dataclass(frozen=True)
class Plan:
    """One run of the benchmark; times in seconds, sizes in megapixels or pixels per side."""

    seeds: int
    least: int  # runs of a method that takes more than `budget` in all
    budget: float
    limit: float
    photo: float | None  # megapixels; None as it is
    photo_k: tuple[int, ...]
    grey_side: int
    float_side: int
    float_k: tuple[int, ...]
    small_side: int
    small_channels: tuple[int, ...]
    small_k: tuple[int, ...]
    cube_side: int
    noise_side: int
    curve_pixels: tuple[float, ...]
    curve_pixels_k: int
    curve_k: tuple[int, ...]
    curve_k_pixels: float
    curve_methods: tuple[str, ...]
    all_methods: bool = True  # or, on the float and the smallest image, a few


FULL = Plan(
    seeds=15,
    least=2,
    budget=20,
    limit=300,
    photo=None,
    photo_k=(5, 16, 64),
    grey_side=4096,
    float_side=2048,
    float_k=(5, 64),
    small_side=250,
    small_channels=(3, 6, 12),
    small_k=(16, 32, 128),
    cube_side=145,
    noise_side=2000,
    curve_pixels=(1, 4, 16, 64),
    curve_pixels_k=16,
    curve_k=(2, 4, 8, 16, 32, 64, 128, 256),
    curve_k_pixels=4,
    curve_methods=tuple(CURVES),
)
QUICK = Plan(
    seeds=1,
    least=1,
    budget=2,
    limit=6,
    photo=0.5,
    photo_k=(5,),
    grey_side=512,
    float_side=256,
    float_k=(5,),
    small_side=100,
    small_channels=(3,),
    small_k=(16,),
    cube_side=50,
    noise_side=500,
    curve_pixels=(0.1, 0.4),
    curve_pixels_k=5,
    curve_k=(2, 8),
    curve_k_pixels=0.1,
    curve_methods=("ours", "sklearn"),
    all_methods=False,
)

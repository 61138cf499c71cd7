"""An experiment: one model fitted on many image files, and applied to many."""

from __future__ import annotations

import warnings
from enum import StrEnum
from pathlib import Path  # noqa: TC003 (Typer reads the annotations)
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..files.limits import DEFAULT_MAX_PIXELS
from .options import MAX_PIXELS, option
from .output import reason, refuse, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..core.model import KMeansModel

IMAGES = typer.Argument(
    metavar="IMAGE", help="TIFF, PNG, JPEG or BMP files of one kind.", readable=False
)


class Weighting(StrEnum):
    """What counts the same."""

    PIXELS = "pixels"
    IMAGES = "images"


class Adapt(StrEnum):
    """How images are adapted to each other."""

    NONE = "none"
    SCALE = "scale"


WEIGHTING = typer.Option(
    "--weighting", help="Whether each pixel counts the same, or each image, however large."
)
ADAPT = typer.Option(
    "--adapt",
    help="scale: stretch each channel of each image to one range first, for other lamps. Not "
    "where some images have what others have not.",
)


def fit(
    images: Annotated[list[Path], IMAGES],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The model, a JSON file.")
    ],
    n_clusters: Annotated[int, option("n_clusters", "-k", "--n-clusters")] = 5,
    init: Annotated[str, option("init")] = "auto",
    n_init: Annotated[int, option("n_init")] = 1,
    seed: Annotated[int, option("seed")] = 0,
    tol: Annotated[float, option("tol")] = 1e-4,
    max_iter: Annotated[int, option("max_iter")] = 300,
    color_space: Annotated[str, option("color_space")] = "rgb",
    normalize: Annotated[bool, option("normalize")] = False,
    weighting: Annotated[Weighting, WEIGHTING] = Weighting.PIXELS,
    adapt: Annotated[Adapt, ADAPT] = Adapt.NONE,
    max_pixels: Annotated[int, MAX_PIXELS] = DEFAULT_MAX_PIXELS,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model that is there already.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False,
) -> None:
    """Fit one model on the pixels of many images, each of which is read once."""
    if output.exists() and not overwrite:
        refuse(f"{output} exists already; --overwrite replaces what is there")
    if output.resolve() in {image.resolve() for image in images}:
        refuse(f"{output} is an input and would be overwritten; choose another file with -o")
    settings = {
        "n_clusters": n_clusters,
        "init": init,
        "n_init": n_init,
        "seed": seed,
        "tol": tol,
        "max_iter": max_iter,
        "color_space": color_space,
        "normalize": normalize,
        "weighting": weighting.value,
        "adapt": None if adapt is Adapt.NONE else adapt.value,
    }
    model = fitted(images, settings, max_pixels, quiet=quiet)
    try:
        model.save(output)
    except (OSError, ValueError) as problem:
        refuse(f"-o {output} cannot be written: {reason(problem)}", code=1)
    if not quiet:
        say(f"{model!r} saved to {output}")


def fitted(
    images: Sequence[Path], settings: dict[str, Any], max_pixels: int, *, quiet: bool
) -> KMeansModel:
    """Fit one model on image files, or end with what is wrong with one of them."""
    from .. import KMeansModel
    from ..files.limits import check_size
    from .batch import bar

    if twice := {str(one) for one in images if list(images).count(one) > 1}:
        refuse(f"{min(twice)} is given twice; name each image once")
    try:
        for image in images:
            if image.is_file():
                check_size(image, max_pixels)
        with (
            bar("all images", quiet=quiet) as progress,
            warnings.catch_warnings(record=True) as caught,
        ):
            warnings.simplefilter("always")
            model = KMeansModel.fit(images, **settings, progress=progress)
    except (OSError, TypeError, ValueError) as problem:
        refuse(reason(problem), code=1)
    for one in caught if not quiet else ():
        say(f"warning: {one.message}")
    return model


def loaded(path: Path) -> KMeansModel:
    """Read a model, or end with what is wrong with it."""
    from .. import KMeansModel

    try:
        return KMeansModel.load(path)
    except (OSError, ValueError) as problem:
        refuse(f"{path}: {reason(problem)}")

"""The shell suggests a number of clusters, as the dock and scripts do."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_type_hints

import pytest

from napari_kmeans_seg import pool
from napari_kmeans_seg.cli import app
from napari_kmeans_seg.cli.choose import choose_k
from napari_kmeans_seg.core.arguments import FIELDS

from .conftest import PARTS
from .shell import run

if TYPE_CHECKING:
    from pathlib import Path


def test_the_suggestion_is_that_of_a_pool_of_all_images(slides: list[Path]) -> None:
    done = run("choose-k", *slides, "-k", "2-6", "--color-space", "lab", "--max", 240)
    assert (done.returncode, done.stderr) == (0, "")
    inside = [(part <= 240).all(-1) for part in PARTS]
    pooled = pool(PARTS, channel_axis=-1, color_space="lab", masks=inside)
    curve = pooled.choose_k(range(2, 7))
    assert f"{curve.suggestion} clusters. {curve.reason}" in done.stdout.replace("\n", " ")
    for inertia in curve.inertia:
        assert f"{inertia:.6g}" in done.stdout
    quiet = run("choose-k", *slides, "-k", "2-6", "--color-space", "lab", "--max", 240, "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, f"{curve.suggestion}\n", "")


def test_an_image_that_cannot_be_read_is_told_and_the_rest_is_scored(
    tmp_path: Path, slides: list[Path]
) -> None:
    done = run("choose-k", tmp_path / "none.tif", *slides, "-k", "2-4", "-q")
    assert done.returncode == 1
    assert "none.tif" in done.stderr
    expected = pool(PARTS, channel_axis=-1).choose_k(range(2, 5)).suggestion
    assert done.stdout == f"{expected}\n"


@pytest.mark.parametrize("given", ["5", "6-2", "0-3", "2-99999", "a-b"])
def test_what_is_no_range_is_refused_before_any_work(slides: list[Path], given: str) -> None:
    done = run("choose-k", *slides, "-k", given)
    assert done.returncode == 2
    assert f"got '{given}', takes two numbers from 1 to 65,535, such as 2-12" in done.stderr


def test_it_takes_what_a_fit_of_many_does(slides: list[Path]) -> None:
    done = run(
        "choose-k", slides[0], "-k", "2-3", "--weighting", "images", "--adapt", "scale", "-q"
    )
    expected = pool(PARTS[:1], channel_axis=-1, adapt="scale").choose_k((2, 3)).suggestion
    assert done.stdout == f"{expected}\n"
    options, of_fit = (get_type_hints(one, include_extras=True) for one in (choose_k, app.fit))
    missing = {"output", "overwrite", "scheduler", "colors"}
    assert set(options) == set(of_fit) - missing
    assert {*FIELDS} - {"n_clusters", "spatial_weight", "fit_scale"} <= set(options)
    # Several numbers of clusters have no one start of one's own.
    of_one_number = {"n_clusters", "init"}
    assert "Or your own" not in options["init"].__metadata__[0].help
    for name in {*FIELDS} & set(of_fit) - of_one_number:
        assert options[name].__metadata__[0].help == of_fit[name].__metadata__[0].help

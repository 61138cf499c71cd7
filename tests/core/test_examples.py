"""The examples in the docstrings of the core run and print what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import napari_kmeans_seg.core

MODULES = sorted(
    module.name
    for module in pkgutil.iter_modules(
        napari_kmeans_seg.core.__path__, napari_kmeans_seg.core.__name__ + "."
    )
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_public_names_have_an_example() -> None:
    finder = doctest.DocTestFinder()
    names = ("segment", "prepare", "choose_k", "KMeansModel", "Segmentation")
    for name in names:
        public = getattr(napari_kmeans_seg, name)
        assert any(test.examples for test in finder.find(public, name)), name

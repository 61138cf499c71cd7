"""One table of arguments: `segment`, the dock, its messages and the manifest say the same."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from magicgui.widgets import CheckBox, ComboBox

from napari_kmeans_seg import PreparedImage, choose_k, prepare, segment
from napari_kmeans_seg.core.checks import COLOR_SPACES, INITS
from napari_kmeans_seg.widget.fields.arguments import ARGUMENTS, BY_NAME, READING
from napari_kmeans_seg.widget.napari_versions import declared_settings
from napari_kmeans_seg.widget.wording import in_fields

# What the dock finds out by itself: from layers, and for its progress bar.
FROM_LAYERS = {"image", "channel_axis", "alpha", "mask", "progress", "keep_order"}


def given(function) -> dict:
    """The arguments of a function that a person sets, with their defaults."""
    parameters = inspect.signature(function).parameters
    return {name: one.default for name, one in parameters.items() if name not in FROM_LAYERS}


def test_the_table_has_the_arguments_of_segment_and_their_defaults():
    assert given(segment) == {one.name: one.default for one in ARGUMENTS}
    assert all(type(one.default) is type(given(segment)[one.name]) for one in ARGUMENTS)


def test_a_stage_is_where_an_argument_is_taken():
    assert set(given(prepare)) == set(READING)
    fitting = {one.name for one in ARGUMENTS if one.stage == "fitting"}
    assert set(given(PreparedImage.segment)) - {"self"} == fitting
    assert set(given(choose_k)) <= {*BY_NAME, "n_clusters"}


def test_the_choices_are_those_that_segment_takes():
    choices = {one.name: tuple(c.value for c in one.choices) for one in ARGUMENTS if one.choices}
    assert choices == {"init": INITS, "color_space": COLOR_SPACES}


def test_each_argument_has_a_field_that_says_and_holds_what_the_table_does(dock):
    widget = dock()
    fields = {"n_clusters": widget.n_clusters, **widget.more_options.fields}
    assert list(fields) == list(BY_NAME)
    parameters = {"n_clusters": widget.n_clusters.value, **widget.more_options.parameters}
    for name, field in fields.items():
        argument = BY_NAME[name]
        assert parameters[name] == argument.default, name
        label = field.text if isinstance(field, CheckBox) else field.label
        assert (widget.cluster_count.label if name == "n_clusters" else label) == argument.label
        assert argument.help in field.tooltip
        if hasattr(field, "min"):
            scale = 100 if name == "fit_scale" else 1
            low, high, step = (scale * one for one in argument.shown)
            assert (field.min, field.max) == (low, high), name
            assert field.step in (step, None), name
        if isinstance(field, ComboBox):
            # Without an image there is nothing that would leave one out.
            assert list(field.choices) == [one.value for one in argument.choices]
            assert all(one.label in field.tooltip for one in argument.choices)


def test_the_manifest_has_a_setting_for_each_argument_that_is_kept(dock):
    widget = dock()
    options = widget.more_options
    properties = declared_settings()
    for name in ("add_image", "add_labels"):
        field, what = getattr(options, name), properties.pop(name)
        assert (what["type"], what["title"], what["default"]) == (
            "boolean",
            field.text,
            field.value,
        )
    # The dock speaks of percent, and napari rounds numbers: see the manifest.
    names = {"fit_percent": "fit_scale"}
    assert {names.get(name, name) for name in properties} == {
        one.name for one in ARGUMENTS if one.kept
    }
    for name, what in properties.items():
        argument = BY_NAME[names.get(name, name)]
        scale = 100 if name == "fit_percent" else 1
        assert what["title"] == argument.label
        if name == "tol":
            assert (what["type"], float(what["default"])) == ("string", argument.default)
            continue
        assert what["default"] == argument.default * scale, name
        assert what.get("enum") == ([one.value for one in argument.choices] or None), name
        if what["type"] in ("integer", "number"):
            assert (what["minimum"], what["maximum"]) == tuple(
                scale * n for n in argument.shown[:2]
            )


@pytest.mark.parametrize("argument", ARGUMENTS, ids=lambda one: one.name)
def test_messages_name_the_field_of_each_argument(argument):
    told = in_fields(f"{argument.name}=3 is no good")
    assert told == (f"“{argument.label}” 3 is no good", (argument.label,))


def test_the_table_can_be_read_without_qt():
    code = (
        "import sys; sys.modules['qtpy'] = sys.modules['magicgui'] = sys.modules['numpy'] = None;"
        "from importlib.machinery import SourceFileLoader as Loader; from types import ModuleType;"
        f"module = ModuleType('arguments'); sys.modules['arguments'] = module;"
        f"Loader('arguments', {inspect.getsourcefile(type(ARGUMENTS[0]))!r}).exec_module(module);"
        "print(len(module.ARGUMENTS))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(found.stdout) == len(ARGUMENTS)

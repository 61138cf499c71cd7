"""One table of arguments: signatures, dock, messages, command line and manifest say the same.

That the copied script and the methods text know each of them is in
tests/layers/export/test_every_argument.py.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import get_type_hints

import numpy as np
import pytest
from magicgui.widgets import CheckBox, ComboBox

from napari_kmeans_seg import (
    KMeansModel,
    PooledImages,
    PreparedImage,
    choose_k,
    pool,
    prepare,
    segment,
)
from napari_kmeans_seg.cli import app
from napari_kmeans_seg.core.arguments import ARGUMENTS, FIELDS, FITTING, READING
from napari_kmeans_seg.core.base.errors import ArgumentProblem, WrongValue
from napari_kmeans_seg.core.image.color_spaces import COLOR_SPACES
from napari_kmeans_seg.core.kmeans.starts import AUTO, STARTS
from napari_kmeans_seg.widget.base.napari_versions import declared_settings
from napari_kmeans_seg.widget.base.wording import words_of

# No arguments of a segmentation, but of the call.
OF_THE_CALL = {"self", "image", "progress", "keep_order", "channel_names"}


def given(function) -> dict:
    """The arguments of a function, with their defaults."""
    parameters = inspect.signature(function).parameters
    return {name: one.default for name, one in parameters.items() if name not in OF_THE_CALL}


def defaults(*names: str) -> dict:
    return {name: ARGUMENTS[name].default for name in names}


def test_the_signatures_have_the_arguments_of_the_table_and_their_defaults():
    assert given(segment) == defaults(*ARGUMENTS)
    of_image = [one.name for one in ARGUMENTS.values() if one.stage == "image"]
    assert given(prepare) == defaults(*of_image, *READING)
    assert given(PreparedImage.segment) == defaults(*FITTING)
    several = {"n_clusters": range(2, 13)}
    assert given(choose_k) == defaults(*ARGUMENTS) | several
    assert given(PreparedImage.choose_k) == defaults(*FITTING) | several
    found = given(segment)
    assert all(type(one.default) is type(found[one.name]) for one in ARGUMENTS.values())


@pytest.mark.parametrize("argument", FIELDS.values(), ids=lambda one: one.name)
def test_each_argument_takes_its_default_and_refuses_what_is_none(argument):
    image, name = np.arange(60, dtype=np.uint8).reshape(4, 5, 3), argument.name
    if argument.check is not None:
        assert argument.check(name, argument.default) == argument.default
    for wrong in ("nonsense", object()):
        with pytest.raises((TypeError, ValueError)) as caught:
            segment(image, **{"channel_axis": -1, name: wrong})
        assert isinstance(caught.value, ArgumentProblem)
        assert caught.value.argument == name


def test_the_choices_are_those_that_segment_takes():
    choices = {
        one.name: tuple(c.value for c in one.choices) for one in FIELDS.values() if one.choices
    }
    assert choices == {"init": (AUTO, *STARTS), "color_space": tuple(COLOR_SPACES)}


def test_each_argument_has_a_field_that_says_and_holds_what_the_table_does(dock):
    widget = dock()
    fields = {"n_clusters": widget.n_clusters, **widget.more_options.fields}
    assert list(fields) == list(FIELDS)
    parameters = {"n_clusters": widget.n_clusters.value, **widget.more_options.parameters}
    for name, field in fields.items():
        argument = FIELDS[name]
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
    field, what = widget.inputs.leave_out, properties.pop("leave_out")
    assert (what["type"], what["title"], what["default"]) == ("string", field.label, field.value)
    # The dock speaks of percent, and napari rounds numbers: see the manifest.
    names = {"fit_percent": "fit_scale"}
    assert {names.get(name, name) for name in properties} == {
        one.name for one in FIELDS.values() if one.kept
    }
    for name, what in properties.items():
        argument = FIELDS[names.get(name, name)]
        scale = 100 if name == "fit_percent" else 1
        assert what["title"] == argument.label
        assert what["description"] == argument.summary
        if name == "tol":
            assert (what["type"], float(what["default"])) == ("string", argument.default)
            continue
        assert what["default"] == argument.default * scale, name
        if what["type"] in ("integer", "number"):
            assert (what["minimum"], what["maximum"]) == tuple(
                scale * n for n in argument.shown[:2]
            )


@pytest.mark.parametrize("argument", FIELDS.values(), ids=lambda one: one.name)
def test_messages_name_the_field_of_each_argument(argument):
    said = words_of(WrongValue(argument.name, "4", "3"))
    assert said == (f"“{argument.label}” takes 4; got 3.", (argument.label,))


def test_the_command_line_has_the_arguments_of_the_table():
    options = get_type_hints(app.segment, include_extras=True)
    assert set(options) & {*FIELDS} == {*FIELDS}
    found = inspect.signature(app.segment).parameters
    for name in FIELDS:
        argument, (option,) = ARGUMENTS[name], options[name].__metadata__
        default = 100 if name == "fit_scale" else argument.default
        assert found[name].default == default
        assert option.help.startswith(argument.help.replace("\n", " "))
        assert all(f"{one.value}: {one.help}" in option.help for one in argument.choices)


def test_a_fit_of_many_images_has_the_arguments_of_the_table_that_are_not_of_one_image():
    of_one = {"spatial_weight", "fit_scale"}
    named = {*FIELDS} - of_one
    assert {*given(pool), *given(PooledImages.fit)} & {*FIELDS} == named
    assert {*given(KMeansModel.fit)} & {*FIELDS} == named
    alone, many = (get_type_hints(one, include_extras=True) for one in (app.segment, app.fit))
    assert {*many} & {*FIELDS} == named
    # How a file is read, and what is looked at, is the same for all.
    shared = (set(alone) | {"weighting", "adapt"}) - of_one - {*OF_ONE_RUN}
    assert set(many) == shared
    for name in shared - {"weighting", "adapt", *OWN}:
        assert many[name].__metadata__[0].help == alone[name].__metadata__[0].help
    found = [inspect.signature(one).parameters for one in (app.segment, app.fit)]
    for name in shared - {"weighting", "adapt", *OWN}:
        assert found[0][name].default == found[1][name].default


# What only a command has that writes results, or means otherwise where a model is written.
OF_ONE_RUN = (
    "together", "model", "resume", "into_source", "group_by", "jobs", "step_axis", "specks"
)  # fmt: skip
OWN = ("output", "overwrite", "return")


def test_the_table_can_be_read_at_once():
    code = (
        "import sys; from napari_kmeans_seg.core.arguments import ARGUMENTS; print(len(ARGUMENTS));"
        "print({'numpy', 'skimage', 'napari', 'qtpy'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(len(ARGUMENTS)), "set()"]

"""Numbers are typed alike in every country and every field."""

from __future__ import annotations

import pytest
from magicgui.widgets import Container
from qtpy.QtCore import QLocale, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLineEdit

from napari_kmeans_seg.widget.base.wording import FieldError
from napari_kmeans_seg.widget.fields.k import ClusterCount
from napari_kmeans_seg.widget.fields.numbers import (
    numbers,
    read_alike_everywhere,
    whole_numbers,
)
from napari_kmeans_seg.widget.fields.options import Options


@pytest.fixture(params=["de_DE", "fr_FR", "en_US", "de_CH", "ar_EG"])
def country(request):
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


class Fields(Container):
    """The fields of decimals and of whole numbers, with a value of before."""

    def __init__(self):
        self.more_options, self.cluster_count = Options(), ClusterCount()
        self.n_clusters = self.cluster_count.number
        super().__init__(widgets=[self.more_options, self.cluster_count], labels=False)


@pytest.fixture
def fields(country, qtbot):
    made = Fields()
    qtbot.addWidget(made.native)
    read_alike_everywhere(made.native)
    options = made.more_options
    options.smoothing.value, options.fit_percent.value = 2, 50
    options.seed.value, options.n_init.value = 7, 7
    made.show()
    return made


def line_of(field):
    return field.native.findChild(QLineEdit)


def enter(field, text, *, pasted=False):
    line = line_of(field)
    line.setFocus()
    line.selectAll()
    if pasted or not text.isascii():  # of other keys Qt knows none
        QApplication.clipboard().setText(text)
        line.paste()
    else:
        QTest.keyClicks(line, text)
    QTest.keyClick(line, Qt.Key.Key_Return)


def test_point_and_comma_are_the_decimal(fields):
    options = fields.more_options
    for pasted in (False, True):
        for text, value in (("0.5", 0.5), ("0,5", 0.5), ("1.5", 1.5), ("1,25", 1.25)):
            for field in (options.smoothing, options.spatial_weight):
                enter(field, text, pasted=pasted)
                assert field.value == value, (text, pasted)
        enter(options.tol, "0,0005", pasted=pasted)
        assert options.tol.value == 0.0005
    assert "," not in line_of(options.smoothing).text(), "the table has points, too"


@pytest.mark.parametrize("pasted", [False, True], ids=["typed", "pasted"])
@pytest.mark.parametrize("text", ["1.234,5", "1,234.5", "1.0.5", "1'0", "1’0.5"])
def test_what_groups_digits_is_refused_as_a_whole(fields, text, pasted):
    options = fields.more_options
    for field, before in ((options.smoothing, 2), (options.fit_percent, 50)):
        enter(field, text, pasted=pasted)
        assert field.value == before, field.name
        assert float(line_of(field).text().removesuffix(" %")) == before


@pytest.mark.parametrize("pasted", [False, True], ids=["typed", "pasted"])
@pytest.mark.parametrize("text", ["0.5", "1,5", "1.000", "1,000"])
def test_a_whole_number_has_no_decimal(fields, text, pasted):
    options = fields.more_options
    for field in (options.seed, options.n_init):
        enter(field, text, pasted=pasted)
        assert field.value == 7
        assert line_of(field).text() == "7"


def test_what_is_refused_goes_when_the_focus_does(fields, qtbot):
    field = fields.more_options.smoothing
    fields.native.activateWindow()
    field.native.setFocus()
    qtbot.waitUntil(field.native.hasFocus)
    line_of(field).selectAll()
    QTest.keyClicks(line_of(field), "1,000.5")
    assert field.native.hasFocus()
    fields.n_clusters.native.setFocus()
    qtbot.waitUntil(lambda: field.value == 2)


def test_a_value_that_comes_from_elsewhere_is_the_one_to_go_back_to(fields):
    options = fields.more_options
    enter(options.smoothing, "3,5")
    options.smoothing.value = 4
    enter(options.smoothing, "1.000,5")
    assert options.smoothing.value == 4
    fields.cluster_count.slider.value = 9
    enter(fields.n_clusters, "2.5")
    assert fields.n_clusters.value == 9
    assert fields.cluster_count.slider.value == 9


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", []),
        ("0,5 1", [0.5, 1]),
        ("0.5 1", [0.5, 1]),
        ("1;0,5;2.25", [1, 0.5, 2.25]),
        (" 1 ;  2 ", [1, 2]),
        ("1, 1, 0.5", [1, 1, 0.5]),
    ],
)
def test_lists_are_separated_by_spaces_or_semicolons(text, read):
    assert numbers("Weights", text, "numbers") == read


@pytest.mark.parametrize("text", ["1,1,0", "1.000,5", "red", "1_0", "nan", "inf", "1 . 2", ","])
def test_what_is_no_list_of_numbers_is_refused_in_words(text):
    with pytest.raises(FieldError, match="“Weights” takes numbers such as 1 2; got"):
        numbers("Weights", text, "numbers such as 1 2")


@pytest.mark.parametrize("text", ["1,3", "1.5", "-1", "a"])
def test_labels_are_whole_numbers(text):
    assert whole_numbers("Objects of", "1 3; 2", "labels") == (1, 3, 2)
    with pytest.raises(FieldError, match="“Objects of” takes labels; got"):
        whole_numbers("Objects of", text, "labels")


def test_every_field_of_the_dock_reads_numbers_so(country, dock):
    widget = dock()
    widget.more_options.channel_weights.value = "0,5 1"
    assert widget.more_options.parameters["channel_weights"] == [0.5, 1]
    enter(widget.more_options.smoothing, "0.5")
    assert widget.more_options.parameters["smoothing"] == 0.5
    widget.inputs.specks.value = 4
    enter(widget.inputs.specks, "1.5")
    assert widget.inputs.specks.value == 4
    enter(widget.n_clusters, "2,5")
    assert widget.n_clusters.value == 5

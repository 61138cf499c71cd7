"""Where the clusters lie among the values, in a real napari window, by mouse and keyboard."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtTest import QTest

from napari_kmeans_seg.widget.plots.frame import Look

LEFT = Qt.MouseButton.LeftButton
NONE, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def settle(qtbot):
    """Wait until all is drawn that is to be drawn."""

    def wait(plot):
        QTest.qWait(20)
        qtbot.waitUntil(lambda: not plot.busy, timeout=20_000)

    return wait


@pytest.fixture
def ran(viewer, dock, finish, settle):
    """Run on an image, with the section unfolded; gives the widget."""

    def run(image, k=4, **settings):
        viewer.add_image(image, name="image")
        widget = dock()
        widget.n_clusters.value = k
        for name, value in settings.items():
            getattr(widget.more_options, name).value = value
        widget.see.expand()
        widget.run()
        finish(widget)
        assert widget.state == "done", widget.message.value
        settle(widget.cluster_plot)
        return widget

    return run


def drag(plot, index, by):
    """Drag the handle of a threshold; gives the value at which it was let go."""
    start = QPoint(round(plot.line(index)), 20)
    end = start + QPoint(by, 5)
    QTest.mousePress(plot, LEFT, NONE, start)
    for step in (0.3, 0.7, 1.0):
        QTest.mouseMove(plot, start + (end - start) * step)
        QTest.qWait(5)
    at = plot.at
    QTest.mouseRelease(plot, LEFT, NONE, end)
    return at


def click(plot, where, modifier=NONE):
    QTest.mouseClick(plot, LEFT, modifier, QPointF(where).toPoint())


def colors_in(plot) -> set[tuple[int, int, int]]:
    """The colours that are drawn."""
    picture = plot.grab().toImage()
    return {
        picture.pixelColor(x, y).getRgb()[:3]
        for x in range(picture.width())
        for y in range(picture.height())
    }


def of(layer, label) -> tuple[int, int, int]:
    """The colour of a cluster on the canvas."""
    return tuple(np.rint(layer.colormap.map(label).reshape(4)[:3] * 255).astype(int).tolist())


def like(one, others, atol=2) -> bool:
    return any(np.allclose(one, other, atol=atol) for other in others)


# -- when and what it shows -------------------------------------------------------------------


def test_nothing_is_read_while_it_is_folded(viewer, dock, finish, coffee):
    viewer.add_image(coffee)
    widget = dock()
    widget.run()
    finish(widget)
    QTest.qWait(50)
    plot = widget.cluster_plot
    assert not plot.isVisible()
    assert not plot.busy
    widget.see.expand()
    assert plot.busy


def test_before_there_are_clusters_it_says_how_to_get_some(viewer, dock, coffee, settle):
    viewer.add_image(coffee)
    widget = dock()
    widget.see.expand()
    settle(widget.cluster_plot)
    assert widget.cluster_plot.note.text().startswith("Run")
    assert not widget.cluster_plot.scatter.isVisible()


def test_colours_are_drawn_as_a_scatter_plot_in_the_colours_of_the_canvas(viewer, ran, coffee):
    plot = ran(coffee).cluster_plot
    labels = viewer.layers["image clusters"]
    assert plot.scatter.isVisible()
    assert not plot.histogram.isVisible()
    drawn = colors_in(plot.scatter)
    assert all(like(of(labels, label), drawn) for label in range(1, 5))
    means = labels.features.set_index("label").loc[[1, 2, 3, 4], ["mean_red", "mean_green"]]
    for label, mean in means.iterrows():
        assert plot.scatter.cloud.centroids[label] == tuple(mean)


def test_grey_values_are_drawn_as_a_histogram(viewer, ran, cell):
    plot = ran(cell).cluster_plot
    labels = viewer.layers["image clusters"]
    assert plot.histogram.isVisible()
    assert not plot.scatter.isVisible()
    drawn = colors_in(plot.histogram)
    assert all(like(of(labels, label), drawn) for label in range(1, 5))
    assert plot.histogram.axes[0].name == "intensity"
    assert plot.note.text() == ""


def test_it_follows_colours_and_steps(viewer, ran, settle, coffee):
    widget = ran(coffee)
    plot, clusters = widget.cluster_plot, widget.clusters.clusters
    clusters.recolor({2: "lime"})
    settle(plot)
    assert like((0, 255, 0), colors_in(plot.scatter))
    clusters.merge([1, 2])
    settle(plot)
    assert set(plot.scatter.cloud.members.label) == set(plot.scatter.cloud.centroids) == {1, 3, 4}
    clusters.undo()
    settle(plot)
    assert set(plot.scatter.cloud.centroids) == {1, 2, 3, 4}


def test_work_that_leaves_the_pixels_alone_reads_none(ran, settle, coffee):
    widget = ran(coffee)
    plot, clusters = widget.cluster_plot, widget.clusters.clusters
    found = plot._found
    clusters.rename(2, "tissue")
    clusters.recolor_all("distinct")
    assert plot.busy
    settle(plot)
    assert plot._found is found
    assert like(of(clusters.layer, 2), colors_in(plot.scatter))
    clusters.merge([1, 2])
    settle(plot)
    assert plot._found is not found


def test_nothing_is_followed_until_a_piece_of_work_is_done(ran, settle, coffee):
    widget = ran(coffee)
    plot, table = widget.cluster_plot, widget.clusters
    settle(plot)
    layer = table.clusters.layer
    with table.clusters.changing():
        # What a step does to the layer, one after the other.
        layer.data = np.where(layer.data == 2, 1, layer.data)
        layer.features = layer.features.assign(new=1)
        layer.colormap = {**layer.colormap.color_dict, 1: "lime"}
        assert not plot.busy
        assert not widget.clusters._clock.awaits(table._read)
    assert plot.busy
    assert widget.clusters._clock.awaits(table._read)
    settle(plot)
    assert 2 not in plot.scatter.cloud.members.label
    assert like((0, 255, 0), colors_in(plot.scatter))


@pytest.mark.parametrize("kind", ["scatter", "histogram"])
def test_it_is_drawn_also_while_the_new_clusters_are_still_read(ran, coffee, kind):
    widget = ran(coffee if kind == "scatter" else coffee[..., 0])
    plot, clusters = getattr(widget.cluster_plot, kind), widget.clusters.clusters
    for labels in ([3, 4], [1, 2]):
        clusters.merge(labels)
        # The colours are those of now, the points those of before.
        plot.show_look(Look.of(clusters))
        plot.grab()
        for x in range(0, plot.width(), 10):
            told = plot.text_at(QPointF(x, 50) if kind == "scatter" else x)
            assert "Label 4" not in told
            assert "Cluster 4" not in told
    clusters.undo()
    clusters.undo()
    plot.show_look(Look.of(clusters))
    plot.grab()


def test_columns_that_a_person_adds_do_no_harm(viewer, ran, settle, coffee):
    plot = ran(coffee).cluster_plot
    plot.axes.setCurrentText("a*, b*")
    labels = viewer.layers["image clusters"]
    labels.features = labels.features.assign(mean_diameter=3.5)
    labels.data = labels.data.copy()
    settle(plot)
    assert plot.scatter.isVisible()
    assert plot.scatter.cloud.axes == ("a*", "b*")


def test_what_is_hidden_is_not_drawn_and_what_is_not_selected_is_faint(ran, settle, coffee):
    widget = ran(coffee)
    plot, table = widget.cluster_plot, widget.clusters
    table.clusters.recolor({1: "red", 2: "lime", 3: "blue", 4: "yellow"})
    settle(plot)
    table.clusters.colors.show(hidden=[2])
    settle(plot)
    drawn = colors_in(plot.scatter)
    assert not like((0, 255, 0), drawn, atol=40)
    assert like((255, 0, 0), drawn)
    table.clusters.colors.show(hidden=[1, 2, 3, 4])
    settle(plot)
    assert not like((255, 0, 0), colors_in(plot.scatter), atol=40)
    table.clusters.colors.show(hidden=[2])
    table.select([3])
    settle(plot)
    drawn = colors_in(plot.scatter)
    assert like((0, 0, 255), drawn)
    assert not like((255, 0, 0), drawn)


def test_live_preview_is_followed(ran, settle, coffee, qtbot):
    widget = ran(coffee)
    widget.live.value = True
    for k in (5, 7):
        widget.n_clusters.value = k
        qtbot.waitUntil(lambda: not widget.preview.busy, timeout=20_000)
        settle(widget.cluster_plot)
        assert set(widget.cluster_plot.scatter.cloud.centroids) == set(range(1, k + 1))


def test_another_image_is_followed(viewer, ran, settle, coffee, cell, finish):
    widget = ran(coffee)
    plot = widget.cluster_plot
    viewer.add_image(cell, name="cell")
    settle(plot)
    assert plot.note.text().startswith("Run")
    widget.run()
    finish(widget)
    settle(plot)
    assert plot.histogram.isVisible()
    viewer.layers.selection.active = viewer.layers["image clusters"]
    settle(plot)
    assert plot.scatter.isVisible()
    viewer.layers.remove("image")
    viewer.layers.selection.active = viewer.layers["image clusters"]
    plot._follow()
    settle(plot)
    assert "no longer" in plot.note.text()


def test_it_follows_the_theme_at_once(viewer, ran, coffee):
    plot = ran(coffee).cluster_plot.scatter
    for theme in ("light", "dark"):
        viewer.theme = theme
        QTest.qWait(50)
        place = plot.box().bottomLeft().toPoint()
        drawn = plot.grab().toImage().pixelColor(place.x() + 30, place.y())
        assert like(drawn.getRgb()[:3], [plot.ink("highlight").getRgb()[:3]], atol=40)
        assert plot.grab().toImage().pixelColor(place.x() + 2, 2) == plot.ink("background")


def test_it_fits_a_dock_of_three_hundred_pixels(ran, coffee):
    plot = ran(coffee).cluster_plot
    assert plot.minimumSizeHint().width() <= 280
    plot.resize(280, plot.height())
    for label in (1, 4):
        assert plot.scatter.rect().contains(spot(plot.scatter, label).toPoint())


# -- the scatter plot -------------------------------------------------------------------------


def test_a_click_on_a_centroid_selects_its_row(ran, coffee):
    widget = ran(coffee)
    scatter, table = widget.cluster_plot.scatter, widget.clusters
    click(scatter, spot(scatter, 2))
    assert table.selected == [2]
    click(scatter, spot(scatter, 4), CONTROL)
    assert table.selected == [2, 4]
    click(scatter, spot(scatter, 2), SHIFT)
    assert table.selected == [4]
    click(scatter, scatter.box().topLeft())
    assert table.selected == []


def test_a_dot_tells_its_colour_its_pixels_and_its_cluster(viewer, ran):
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 20:] = 40, 120, 200
    image[:, 50:] = 250, 10, 60
    image[0, 50] = 251, 90, 60
    widget = ran(image, k=3)
    scatter = widget.cluster_plot.scatter
    dot = scatter.place(251, 90, scatter.axes)
    label = int(viewer.layers["image clusters"].data[0, 50])
    told = f"Cluster {label}\nred 251, green 90, blue 60\n1 pixel"
    assert scatter.text_at(dot) == told
    click(scatter, dot)
    assert widget.clusters.selected == [label]
    assert scatter.text_at(spot(scatter, label)) == f"Cluster {label}: centroid"


def test_axes_are_chosen_by_keyboard(ran, coffee, settle):
    plot = ran(coffee).cluster_plot
    assert plot.scatter.cloud.axes == ("red", "green")
    plot.axes.setFocus()
    QTest.keyClick(plot.axes, Qt.Key.Key_Down)
    assert plot.scatter.cloud.axes == ("red", "blue")
    QTest.keyClick(plot.axes, Qt.Key.Key_End)
    assert plot.axes.currentText() == "u*, v*"
    # The choice stays for the next result on the same kind of image.
    plot._read()
    settle(plot)
    assert plot.axes.currentText() == "u*, v*"


def test_what_was_clustered_in_lab_is_drawn_in_lab(ran, coffee, settle):
    plot = ran(coffee, color_space="lab").cluster_plot
    assert plot.scatter.cloud.axes == ("a*", "b*")
    assert -130 < plot.scatter.cloud.across.min() < plot.scatter.cloud.across.max() < 130
    # Chosen anew when the colour space is another, not with each run.
    plot.axes.setCurrentIndex(0)
    plot._read()
    settle(plot)
    assert plot.axes.currentIndex() == 0


def test_several_layers_give_their_names_to_the_axes(viewer, dock, finish, settle, coffee):
    names = ["nuclei", "actin", "tubulin"]
    layers = [viewer.add_image(coffee[..., i], name=name) for i, name in enumerate(names)]
    widget = dock()
    widget.see.expand()
    viewer.layers.selection = set(layers)
    widget.run()
    finish(widget)
    viewer.layers.selection.active = next(x for x in viewer.layers if "clusters" in x.name)
    plot = widget.cluster_plot
    settle(plot)
    assert [plot.axes.itemText(i) for i in range(plot.axes.count())] == [
        "nuclei, actin",
        "nuclei, tubulin",
        "actin, tubulin",
    ]
    assert plot.scatter.cloud.axes == ("nuclei", "actin")


# -- the histogram ----------------------------------------------------------------------------


def test_a_dragged_threshold_makes_the_labels_anew_and_can_be_undone(viewer, ran, settle, cell):
    widget = ran(cell)
    plot = widget.cluster_plot
    labels = viewer.layers["image clusters"]
    before = labels.data.copy()
    edges = [one.at for one in plot.histogram.bars.thresholds]
    at = drag(plot.histogram, 1, 12)
    assert at > edges[1]
    settle(plot)
    expected = np.digitize(cell, [edges[0], at, edges[2]], right=True) + 1
    np.testing.assert_array_equal(labels.data, expected)
    assert [one.at for one in plot.histogram.bars.thresholds] == [edges[0], at, edges[2]]
    counts = labels.features.set_index("label")["pixels"].loc[[1, 2, 3, 4]].tolist()
    assert counts == np.bincount(expected.ravel())[1:].tolist()
    # Where one has dragged, one takes back.
    widget.native.window().activateWindow()
    plot.histogram.setFocus()
    QTest.qWait(20)
    QTest.keyClick(plot.histogram, Qt.Key.Key_Z, CONTROL)
    np.testing.assert_array_equal(labels.data, before)
    QTest.keyClick(plot.histogram, Qt.Key.Key_Z, CONTROL | SHIFT)
    np.testing.assert_array_equal(labels.data, expected)


def test_while_it_is_dragged_the_bars_show_what_will_be(ran, cell):
    histogram = ran(cell).cluster_plot.histogram
    before = histogram._table()
    start = QPoint(round(histogram.line(1)), 20)
    QTest.mousePress(histogram, LEFT, NONE, start)
    QTest.mouseMove(histogram, start + QPoint(15, 0))
    after = histogram._table()
    assert after[1].sum() > before[1].sum()
    assert after[2].sum() < before[2].sum()
    np.testing.assert_array_equal(after.sum(axis=0), before.sum(axis=0))
    QTest.mouseMove(histogram, start)
    QTest.mouseRelease(histogram, LEFT, NONE, start)
    np.testing.assert_array_equal(histogram._table(), before)


def test_a_threshold_stops_at_its_neighbour(viewer, ran, settle, cell):
    plot = ran(cell).cluster_plot
    labels = viewer.layers["image clusters"].data
    one = plot.histogram.bars.thresholds[1]
    assert drag(plot.histogram, 1, 500) == one.high
    settle(plot)
    # Nothing of the cluster would be left.
    assert "without pixels" in plot.note.text()
    assert viewer.layers["image clusters"].data is labels
    assert plot.histogram.at is None


def test_arrow_keys_move_the_marked_threshold(viewer, ran, settle, cell):
    plot = ran(cell).cluster_plot
    histogram = plot.histogram
    plot.window().activateWindow()
    histogram.setFocus()
    QTest.keyClick(histogram, Qt.Key.Key_Up)
    at = histogram.threshold.at
    assert histogram.focused == 1
    for _ in range(3):
        QTest.keyClick(histogram, Qt.Key.Key_Right)
    QTest.keyClick(histogram, Qt.Key.Key_Left, SHIFT)
    assert histogram.at == at - 7
    QTest.keyClick(histogram, Qt.Key.Key_Escape)
    assert histogram.at is None
    QTest.keyClick(histogram, Qt.Key.Key_Right)
    QTest.keyClick(histogram, Qt.Key.Key_Return)
    settle(plot)
    assert histogram.bars.thresholds[1].at == at + 1
    between = (cell > at) & (cell <= at + 1)
    assert (viewer.layers["image clusters"].data[between] == 2).all()


def test_what_keys_moved_is_put_once_they_rest(ran, settle, cell, qtbot):
    widget = ran(cell)
    histogram = widget.cluster_plot.histogram
    for _ in range(4):
        QTest.keyClick(histogram, Qt.Key.Key_Right)
    assert widget.clusters.clusters.undoable is None
    qtbot.waitUntil(lambda: widget.clusters.clusters.undoable is not None, timeout=5000)
    assert widget.clusters.clusters.undoable.startswith("Move the threshold 1 | 2")


def test_a_click_on_a_bar_selects_its_cluster(ran, cell):
    widget = ran(cell)
    histogram = widget.cluster_plot.histogram
    lines = [histogram.line(i) for i in range(3)]
    click(histogram, QPointF((lines[0] + lines[1]) / 2, 60))
    assert widget.clusters.selected == [2]
    told = histogram.text_at((lines[0] + lines[1]) / 2)
    values, cluster = told.splitlines()
    first, _, last = values.removeprefix("intensity ").partition(" to ")
    n = ((cell >= int(first)) & (cell <= int(last or first))).sum()
    assert cluster == f"Cluster 2: {n:,} pixels"
    assert histogram.text_at(lines[0]).startswith("Cluster 1 up to ")


def test_counts_are_drawn_by_the_scale_that_is_chosen(ran, cell):
    plot = ran(cell).cluster_plot
    names = []
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Down, Qt.Key.Key_Down):
        QTest.keyClick(plot.axes, key)
        names.append(plot.histogram.axes[1].name)
        assert plot.histogram.grab().width() > 0
    assert names == ["pixels (√)", "pixels", "pixels (log)"]


def test_painted_pixels_leave_no_threshold_and_it_says_why(viewer, ran, settle, cell):
    plot = ran(cell).cluster_plot
    labels = viewer.layers["image clusters"]
    labels.paint((300, 300), 3)
    labels.selected_label = 1
    labels.brush_size = 40
    labels.paint((100, 100), 1)
    settle(plot)
    assert plot.histogram.bars.thresholds == ()
    assert plot.note.text().startswith("By pixels that were painted")
    labels.undo()
    labels.undo()
    settle(plot)
    assert len(plot.histogram.bars.thresholds) == 3


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_other_values_are_dragged_as_well(viewer, ran, settle, cell, dtype):
    image = (cell.astype(np.float64) * 250).astype(dtype) / (63750 if dtype == np.float32 else 1)
    image = image.astype(dtype)
    plot = ran(image).cluster_plot
    at = drag(plot.histogram, 0, -8)
    settle(plot)
    edges = [one.at for one in plot.histogram.bars.thresholds]
    assert edges[0] == at
    expected = np.digitize(image, [at, *edges[1:]], right=True) + 1
    assert (viewer.layers["image clusters"].data != expected).mean() < 1e-3


def test_a_constant_image_is_one_bar(ran):
    plot = ran(np.full((30, 40), 7, np.uint8)).cluster_plot
    assert plot.histogram.bars.thresholds == ()
    assert plot.histogram.axes[0].low_text == plot.histogram.axes[0].high_text == "7"
    assert plot.histogram.grab().width() > 0


def test_one_cluster_has_no_threshold(ran, cell):
    plot = ran(cell, k=1).cluster_plot
    assert plot.histogram.bars.thresholds == ()
    QTest.keyClick(plot.histogram, Qt.Key.Key_Right)
    assert plot.histogram.at is None


def test_two_hundred_and_fifty_five_clusters_are_drawn_and_moved(viewer, ran, settle):
    image = (np.arange(300 * 300) % 60_000).astype(np.uint16).reshape(300, 300)
    plot = ran(image, k=255).cluster_plot
    assert len(plot.histogram.bars.thresholds) == 254
    labels = viewer.layers["image clusters"].data
    QTest.keyClick(plot.histogram, Qt.Key.Key_Right)
    QTest.keyClick(plot.histogram, Qt.Key.Key_Return)
    settle(plot)
    assert (viewer.layers["image clusters"].data != labels).sum() == 2
    assert len(plot.histogram.bars.thresholds) == 254


def test_of_a_lazy_image_it_says_how_many_pixels_it_looked_at(ran):
    image = da.random.default_rng(0).integers(0, 256, (3000, 3000), np.uint8, chunks=1000)
    plot = ran(image).cluster_plot
    n = plot.histogram.bars.points.home.size
    assert n < image.size
    assert plot.note.text().endswith(f"Drawn from {n:,} of {image.size:,} pixels.")
    assert plot.note.text().startswith("Thresholds can be moved only where image and labels")
    assert plot.histogram.near(plot.histogram.line(0)) is None


# -- coming and going -------------------------------------------------------------------------


def test_nothing_is_left_when_the_dock_is_closed(viewer, ran, coffee):
    plot = ran(coffee).cluster_plot
    labels = viewer.layers["image clusters"]
    events = [labels.events[name] for name in ("data", "labels_update", "colormap", "features")]
    assert any(plot in _owners(event) for event in events)
    plot._read()
    viewer.window.remove_dock_widget("all")
    assert not any(plot in _owners(event) for event in [*events, viewer.events.theme])
    assert plot._found is None
    assert not plot.busy


def test_folded_again_it_lets_go_of_the_pixels(ran, settle, coffee):
    widget = ran(coffee)
    widget.see.button.click()
    assert widget.cluster_plot._found is None
    widget.see.expand()
    settle(widget.cluster_plot)
    assert widget.cluster_plot.scatter.isVisible()


def spot(scatter, label):
    """Where the centroid of a cluster is drawn."""
    return scatter.place(*scatter.cloud.centroids[label], scatter.axes)


def _owners(event):
    """The objects whose methods are called."""
    return [one[0]() for one in event.callbacks if isinstance(one, tuple)]

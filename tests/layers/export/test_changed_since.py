"""What was changed after a run in the image, its region or its seeds is found and owned up to."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest

from napari_kmeans_seg.layers import LayerImage, Region, Seeds
from napari_kmeans_seg.layers.clusters.distribution import ClusterValues
from napari_kmeans_seg.layers.export.methods_text import methods_text
from napari_kmeans_seg.layers.export.python_script import python_script
from napari_kmeans_seg.layers.export.tables import save_clusters

from .copied import run, save

BOX = [[50, 60], [50, 400], [300, 400], [300, 60]]


def painted(shape=(400, 600)):
    labels = np.zeros(shape, np.uint8)
    labels[50:300, 60:400] = 1
    labels[320:330, 10:20] = 2
    return labels


def top(script: str) -> str:
    """What stands above the imports."""
    return script.partition("import ")[0]


def test_pixels_that_are_written_into_an_image_are_seen_when_something_is_asked_for(
    viewer, coffee, folder
):
    save("image.tif", coffee)
    layer = viewer.add_image(coffee.copy(), rgb=True)
    result = run(viewer, LayerImage.of(layer))
    values, parts = ClusterValues.of(result), result.parts(2, 2)
    means = result.table.filter(like="mean").to_numpy()
    assert result.look_again() == ()
    layer.data[100:200] = 255 - layer.data[100:200]
    heard = []
    result.changed.connect(lambda: heard.append(result.changed_since))
    assert result.look_again() == ("pixels",)
    assert heard == [("pixels",)]
    result.merge([1, 3])
    np.testing.assert_allclose(result.table.filter(like="mean").loc[[2, 4]], means[[1, 3]])
    for work in (lambda: result.parts(2, 2), lambda: ClusterValues.of(result)):
        with pytest.raises(ValueError, match="has other pixels by now"):
            work()
    for begun in (lambda: parts(None), lambda: values.read(result.layer.data)):
        layer.data[0, 0] += 1
        with pytest.raises(ValueError, match="has other pixels by now"):
            begun()
    layer.data[0, 0] -= 2
    script, found = python_script(result.layer, changed=result.changed_since), {}
    assert "has other pixels by now" in top(script)
    exec(script, found)
    np.testing.assert_array_equal(found["labels"], result.layer.data)
    text = methods_text(result.layer, changed=result.changed_since)
    assert text.startswith("The image has other pixels by now. This text is of those")
    save_clusters(folder / "table.csv", result.layer, changed=result.changed_since)
    assert "has other pixels by now" in (folder / "table.csv").read_text().partition("\nlabel")[0]
    layer.data[100:200] = 255 - layer.data[100:200]
    assert result.look_again() == ()


def test_other_pixels_are_seen_before_paint_is_counted(viewer, coffee):
    layer = viewer.add_image(coffee.copy(), rgb=True)
    result = run(viewer, LayerImage.of(layer))
    means = result.table.filter(like="mean").to_numpy()
    layer.data[:] //= 2
    result.layer.data[:20, :20] = 1
    result.take_counts(result.recount()(None))
    np.testing.assert_allclose(result.table.filter(like="mean").to_numpy(), means)
    assert result.table["pixels"].sum() == 240_000


def drawn(viewer, kind):
    """Draw a region, and say how it is painted or changed, and how that is taken back."""
    if kind == "labels":
        layer = viewer.add_labels(painted())
        data = layer.data
        return layer, lambda: data.__setitem__((60, 70), 0), lambda: data.__setitem__((60, 70), 1)
    if kind == "coarse labels":
        layer = viewer.add_labels(painted((100, 150)), scale=(4, 4))
        return layer, lambda: layer.paint((3, 3), 1), lambda: layer.undo()
    if kind == "moved labels":
        layer = viewer.add_labels(painted())
    else:
        layer = viewer.add_shapes([BOX], shape_type=kind)
        if kind == "ellipse":
            fewer, box = (lambda: setattr(layer, "selected_data", {0})), layer.data[0]
            return (
                layer,
                lambda: (fewer(), layer.remove_selected()),
                lambda: layer.add(box, shape_type=kind),
            )
        if kind == "polygon":
            box, other = np.array(BOX), np.array(BOX)
            other[2] += 9
            return (
                layer,
                lambda: setattr(layer, "data", [other]),
                lambda: setattr(layer, "data", [box]),
            )
    return (
        layer,
        lambda: setattr(layer, "translate", (0, 5)),
        lambda: setattr(layer, "translate", (0, 0)),
    )


@pytest.mark.parametrize(
    "kind", ["labels", "coarse labels", "moved labels", "polygon", "rectangle", "ellipse"]
)
def test_a_region_that_was_changed_is_owned_up_to(viewer, coffee, folder, kind):
    source = LayerImage.of(viewer.add_image(coffee, rgb=True))
    layer, change, take_back = drawn(viewer, kind)
    result = run(viewer, replace(source, region=Region.of(layer, everywhere=True)))
    layer.name = "called otherwise"
    assert result.look_again() == ()
    change()
    assert result.look_again() == ("region",)
    result.merge([1, 2])
    assert result.look_again() == ("region",)
    assert "# The region is another one by now." in top(
        python_script(result.layer, changed=result.changed_since)
    )
    text = methods_text(result.layer, changed=result.changed_since)
    assert text.startswith("The region is another one by now.")
    take_back()
    assert result.look_again() == ()


def test_only_the_labels_that_are_the_region_count(viewer, coffee):
    source = LayerImage.of(viewer.add_image(coffee, rgb=True))
    layer = viewer.add_labels(painted())
    result = run(viewer, replace(source, region=Region.of(layer, [1])))
    layer.data[:20, :20] = 2
    assert result.look_again() == ()
    layer.data[50, 60] = 2
    assert result.look_again() == ("region",)


@pytest.mark.parametrize("kind", ["points", "labels"])
def test_seeds_that_were_changed_are_owned_up_to(viewer, coffee, kind):
    source = LayerImage.of(viewer.add_image(coffee, rgb=True))
    if kind == "points":
        layer = viewer.add_points([[10, 10], [100, 300], [350, 550]])
    else:
        layer = viewer.add_labels(painted())
    result = run(viewer, replace(source, seeds=Seeds.of(layer)))
    assert result.look_again() == ()
    if kind == "points":
        layer.add([200, 200])
    else:
        layer.paint((5, 5), 3)
    assert result.look_again() == ("seeds",)
    assert "# The seeds are others by now." in top(
        python_script(result.layer, changed=result.changed_since)
    )
    other = run(viewer, replace(source, seeds=Seeds.of(layer)))
    assert other.look_again() == ()


@pytest.mark.parametrize(
    "make", [da.asarray, lambda image: [image, image[::2, ::2]], np.asfortranarray, np.array]
)
@pytest.mark.parametrize("scale", [(1, 1), (0.3, 0.7)])
def test_what_was_not_changed_is_not_said_to_be(viewer, coffee, make, scale):
    layer = viewer.add_image(make(coffee), rgb=True, scale=scale, units=("um", "um"))
    nm = tuple(1000 * one for one in scale)
    region = viewer.add_labels(painted(), scale=nm, units=("nm", "nm"))
    seeds = viewer.add_points([[60, 70], [200, 300]], scale=scale, units=("um", "um"))
    source = replace(LayerImage.of(layer), region=Region.of(region), seeds=Seeds.of(seeds))
    result = run(viewer, source)
    layer.contrast_limits, layer.name = (10, 200), "cup"
    layer.refresh()
    assert result.look_again() == ()
    viewer.layers.remove(region)
    viewer.layers.remove(seeds)
    assert result.look_again() == (), "a layer that is gone was not changed"


def test_of_an_image_that_is_too_large_to_be_read_at_once_some_rows_are_compared(
    viewer, coffee, monkeypatch
):
    monkeypatch.setattr("napari_kmeans_seg.layers.same.LOOKED_AT", coffee.nbytes // 3)
    layer = viewer.add_image(coffee.copy(), rgb=True)
    result = run(viewer, LayerImage.of(layer))
    assert result.look_again() == ()
    layer.data[:] = layer.data[::-1].copy()
    assert result.look_again() == ("pixels",)

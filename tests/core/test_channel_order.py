"""Channels that have names are not mixed up: another order is refused, other names are said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_kmeans_seg import KMeansModel, pool, segment

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NAMES = ["DAPI", "GFP", "RFP"]


def write(path: Path, planes: NDArray[np.uint8], names: list[str] | None) -> Path:
    """Write an OME-TIFF whose channels have names, or none."""
    metadata = {"axes": "CYX"} | ({"Channel": {"Name": names}} if names else {})
    tifffile.imwrite(path, planes, ome=True, metadata=metadata, photometric="minisblack")
    return path


@pytest.fixture
def planes() -> NDArray[np.uint8]:
    scale = np.array([60, 120, 250])[:, None, None]
    return (np.random.default_rng(3).random((3, 24, 20)) * scale).astype(np.uint8)


def test_a_pooled_model_has_the_names_that_the_files_tell(tmp_path: Path, planes) -> None:
    named = write(tmp_path / "a.ome.tif", planes, NAMES)
    unnamed = write(tmp_path / "b.ome.tif", planes, None)
    for files in ([named], [named, unnamed], [unnamed, named]):
        assert KMeansModel.fit(files, 2).channel_names == tuple(NAMES)
    assert KMeansModel.fit([unnamed], 2).channel_names == ()
    given = KMeansModel.fit([named], 2, channel_names=("a", "b", "c"))
    assert given.channel_names == ("a", "b", "c")


def test_colours_need_no_names(tmp_path: Path, planes) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(planes, 0, -1), photometric="rgb")
    assert KMeansModel.fit([tmp_path / "a.tif"], 2).channel_names == ()


@pytest.mark.parametrize("names", [["GFP", "DAPI", "RFP"], ["GFP", "Cy5", "DAPI"]], ids=str)
def test_channels_in_another_order_are_not_pooled(tmp_path: Path, planes, names) -> None:
    files = [write(tmp_path / "a.ome.tif", planes, NAMES)]
    files.append(write(tmp_path / "b.ome.tif", planes, names))
    said = rf"b.ome.tif.*the images before, DAPI, GFP, RFP; got {', '.join(names)}"
    with pytest.raises(ValueError, match=said):
        pool(files)


def test_channels_of_other_names_are_pooled_and_told(tmp_path: Path, planes) -> None:
    files = [write(tmp_path / "a.ome.tif", planes, NAMES)]
    files.append(write(tmp_path / "b.ome.tif", planes, ["Hoechst", "GFP", "RFP"]))
    said = r"b.ome.tif: Its channels are called Hoechst, GFP, RFP; .* DAPI, GFP, RFP"
    with pytest.warns(UserWarning, match=said):
        pool(files)


@pytest.mark.parametrize("is_lazy", [False, True])
def test_predict_tells_other_names_and_refuses_another_order(planes, *, is_lazy: bool) -> None:
    model = segment(planes, 2, channel_axis=0, channel_names=NAMES).model
    image = da.from_array(planes) if is_lazy else planes
    assert model.predict(image, channel_names=["dapi", "GFP", "RFP"]).notes == ()
    with pytest.warns(UserWarning, match="called Hoechst, GFP, RFP; those of the model DAPI, GFP"):
        found = model.predict(image, channel_names=["Hoechst", "GFP", "RFP"])
    assert "Hoechst" in found.warnings[0]
    with pytest.raises(ValueError, match="the model, DAPI, GFP, RFP; got Cy5, DAPI, RFP"):
        model.predict(image, channel_names=["Cy5", "DAPI", "RFP"])


# -- files, and images of another kind ---------------------------------------------------


def test_predict_takes_a_file_as_fit_does(tmp_path: Path, planes) -> None:
    path = write(tmp_path / "a.ome.tif", planes, NAMES)
    model = KMeansModel.fit([path], 2)
    found = model.predict(path)
    np.testing.assert_array_equal(found.labels, model.predict(planes).labels)
    np.testing.assert_array_equal(model.predict(str(path)).labels, found.labels)
    mask = planes[0] > 20
    np.testing.assert_array_equal(model.predict(path, mask=mask).labels, found.labels * mask)
    swapped = write(tmp_path / "b.ome.tif", planes, ["GFP", "DAPI", "RFP"])
    with pytest.raises(ValueError, match="the model, DAPI, GFP, RFP; got GFP, DAPI, RFP"):
        model.predict(swapped)
    with pytest.raises(OSError, match="no such file"):
        model.predict(tmp_path / "none.tif")


def test_a_file_of_another_kind_is_refused_in_words(tmp_path: Path, planes) -> None:
    colors = np.moveaxis(planes, 0, -1)
    model = segment(colors, 2, channel_axis=-1).model
    takes = "the model takes an image of 3 channels on its last axis, as of colours"
    stack = write(tmp_path / "a.ome.tif", planes, None)
    said = f"it is an image of 3 channels on its third last axis; {takes}. .*move the channels"
    with pytest.raises(ValueError, match=said):
        model.predict(stack)
    grey = tmp_path / "grey.tif"
    tifffile.imwrite(grey, planes[0])
    with pytest.raises(ValueError, match=rf"of one channel \(grey\); {takes}"):
        model.predict(grey)
    clear = tmp_path / "clear.tif"
    rgba = np.concatenate([colors, np.full_like(colors[..., :1], 255)], axis=-1)
    tifffile.imwrite(clear, rgba, photometric="rgb", extrasamples=["unassalpha"])
    with pytest.raises(ValueError, match=f"3 channels and alpha on its last axis.*; {takes}"):
        model.predict(clear)

"""What is printed is one readable line, and a notebook shows a table with a small picture."""

from __future__ import annotations

import re
from base64 import b64decode
from io import BytesIO

import dask.array as da
import numpy as np
import pytest
import skimage.data
from PIL import Image

from napari_kmeans_seg import choose_k, pool, prepare, segment


@pytest.fixture
def photograph() -> np.ndarray:
    return skimage.data.coffee()[::2, ::2].copy()


def test_every_public_object_is_one_readable_line(photograph: np.ndarray) -> None:
    lazy = da.from_array(photograph, chunks=(64, 64, 3))
    seg = segment(photograph, 5, channel_axis=-1, color_space="lab")
    objects = {
        "Segmentation(5 clusters of 200 × 300 pixels, inertia": seg,
        "KMeansModel(5 clusters of RGB uint8, color_space='lab')": seg.model,
        "ClusterCurve(2 to 4 clusters, suggestion": choose_k(photograph[..., 0], range(2, 5)),
        "PreparedImage(200 × 300 uint8, 3 channels": prepare(photograph, channel_axis=-1),
        "PreparedImage(200 × 300 uint8, 3 channels)": prepare(lazy, channel_axis=-1),
        "Segmentation(2 clusters of 200 × 300 pixels": segment(lazy, 2, channel_axis=-1),
        "Segmentation(5 clusters of 200 × 300 pixels, lazy labels, not": seg.model.predict(lazy),
        "KMeansModel(2 clusters of grey uint8, 1 edit)": segment(photograph[..., 0], 4)
        .merge((1, 2, 3))
        .model,
        "KMeansModel(2 clusters of grey uint8, 2 edits)": segment(photograph[..., 0], 4)
        .merge((1, 2))
        .merge((1, 2))
        .model,
    }
    for start, one in objects.items():
        text = repr(one)
        assert text.startswith(start), text
        assert "\n" not in text
        assert len(text) < 150


def picture_in(html: str) -> np.ndarray:
    found = re.search('data:image/png;base64,([^"]+)', html)
    assert found is not None
    return np.asarray(Image.open(BytesIO(b64decode(found[1]))))


def test_a_notebook_shows_a_table_with_swatches_and_a_small_picture(
    photograph: np.ndarray,
) -> None:
    seg = segment(photograph, 4, channel_axis=-1)
    html = seg._repr_html_()
    for row in seg.centroids:
        assert "#{:02x}{:02x}{:02x}".format(*np.rint(row).astype(int)) in html
    for count in seg.counts:
        assert f"<td>{count:,}</td>" in html
    picture = picture_in(html)
    assert picture.shape == (100, 150, 3)
    np.testing.assert_array_equal(picture, seg.image[::2, ::2])
    assert "<td>4</td>" in seg.model._repr_html_()


@pytest.mark.parametrize("dtype", ["bool", "int16", "uint16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(7,), (40, 30), (3, 40, 30), (2, 3, 40, 30)])
def test_so_is_an_image_of_any_dtype_and_number_of_axes(dtype: str, shape: tuple[int, ...]) -> None:
    image = (np.random.default_rng(0).random(shape) * 2).astype(dtype)
    image.flat[0], image.flat[1] = 0, 1
    seg = segment(image, 2)
    assert picture_in(seg._repr_html_()).ndim == 3
    assert seg.model._repr_html_().count("<tr>") == 3


def test_a_long_table_and_strange_names_are_written_safely() -> None:
    seg = segment(np.arange(400, dtype=np.uint16), 300, channel_names=["<b>&"])
    html = seg._repr_html_()
    assert "270 more" in html
    assert "<b>" not in html


def test_a_table_in_a_notebook_reads_no_lazy_image(photograph: np.ndarray) -> None:
    reads = []

    def read(block: np.ndarray) -> np.ndarray:
        reads.append(block.shape)
        return block

    lazy = da.from_array(photograph, chunks=(64, 64, 3))
    lazy = lazy.map_blocks(read, dtype=np.uint8, meta=np.empty((0, 0, 0), np.uint8))
    found = segment(photograph, 4, channel_axis=-1).model.predict(lazy)
    assert "not counted yet" in found._repr_html_()
    assert not reads
    found.to_dataframe()
    assert len(reads) == lazy.npartitions
    assert "<td>4</td>" in found._repr_html_()
    assert len(reads) == lazy.npartitions


def test_the_curve_shows_its_reason(photograph: np.ndarray) -> None:
    curve = choose_k(photograph, range(2, 6), channel_axis=-1)
    assert "<table" in curve._repr_html_()
    assert str(curve.suggestion) in repr(curve)


def test_what_was_read_is_a_line_and_a_small_table(photograph: np.ndarray) -> None:
    prepared = prepare(photograph, channel_axis=-1, color_space="lab", channel_weights=[1, 2, 1])
    text = prepared._repr_html_()
    assert text.startswith("<p>PreparedImage(200 × 300 uint8, 3 channels, color_space=")
    n_values = len(np.unique(photograph.reshape(-1, 3), axis=0))
    for head, cell in (
        ("pixels", "60,000"),
        ("distinct values", f"{n_values:,}"),
        ("lowest", str(photograph.min())),
        ("highest", str(photograph.max())),
        ("color_space", "lab"),
        ("channel_weights", "1, 2, 1"),
    ):
        assert f"<th>{head}</th>" in text
        assert f"<td>{cell}</td>" in text
    assert "smoothing" not in text
    floats = np.random.default_rng(0).random((20, 30, 2))
    assert "<td>not counted</td>" in prepare(floats, channel_axis=-1)._repr_html_()
    lazy = prepare(da.from_array(photograph, chunks=(64, 64, 3)), channel_axis=-1)
    assert "<td>60,000</td>" in lazy._repr_html_()
    assert repr(lazy) in lazy._repr_html_()


def test_a_pool_is_a_line_and_a_small_table(photograph: np.ndarray) -> None:
    pooled = pool([photograph, photograph[:100]], channel_axis=-1, adapt="scale", smoothing=1)
    text = pooled._repr_html_()
    assert text.startswith("<p>PooledImages(2 images, 90,000 pixels, 3 channels of uint8)</p>")
    for cell in ("2", "90,000", "scale", "1, 1"):
        assert f"<td>{cell}</td>" in text
    assert repr(pool([photograph], channel_axis=-1)).startswith("PooledImages(1 image, ")

"""A model that is saved and loaded labels as before; a file that is no model says why."""

from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import skimage.data

from napari_kmeans_seg import KMeansModel, segment

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def photograph() -> np.ndarray:
    return skimage.data.coffee()[::3, ::3].copy()


@pytest.fixture
def file(tmp_path: Path, photograph: np.ndarray) -> Path:
    """Return a saved model of an RGB photograph, with three clusters."""
    path = tmp_path / "model.json"
    segment(photograph, 3, channel_axis=-1).model.save(path)
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"color_space": "lab", "normalize": True},
        {"color_space": "hsv"},
        {"smoothing": (1, 2.5), "channel_weights": (1, 0.3, 2)},
        {"spatial_weight": 0.7},
        {"fit_scale": 0.5, "init": "random"},
    ],
    ids=str,
)
def test_a_loaded_model_labels_bit_for_bit_as_before(
    tmp_path: Path, photograph: np.ndarray, arguments: dict[str, Any]
) -> None:
    found = segment(photograph, 5, channel_axis=-1, **arguments)
    found.model.save(tmp_path / "model.json")
    again = KMeansModel.load(tmp_path / "model.json").predict(photograph)
    before = found.model.predict(photograph)
    np.testing.assert_array_equal(again.labels, found.labels)
    np.testing.assert_array_equal(again.centroids, found.centroids)
    np.testing.assert_array_equal(again.centroids, before.centroids)
    assert again.inertia == before.inertia
    assert again.parameters == found.parameters


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "uint64", "float16", "float64"])
@pytest.mark.parametrize("scale", ["small", "extreme"])
def test_a_model_of_any_dtype_survives_the_file(tmp_path: Path, dtype: str, scale: str) -> None:
    random = np.random.default_rng(0)
    kind = np.dtype(dtype).kind
    if scale == "small" or kind == "b":
        image = random.integers(0, 2 if kind == "b" else 90, (40, 30)).astype(dtype)
    elif kind == "f":
        image = (random.random((40, 30)) * float(np.finfo(dtype).max)).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        image = random.integers(limits.min, limits.max, (40, 30), dtype, endpoint=True)
    found = segment(image, 2)
    found.model.save(tmp_path / "model.json")
    again = KMeansModel.load(tmp_path / "model.json").predict(image)
    np.testing.assert_array_equal(again.labels, found.labels)
    np.testing.assert_array_equal(again.centroids, found.centroids)


def test_saving_replaces_a_file_and_leaves_no_other(file: Path, photograph: np.ndarray) -> None:
    other = segment(photograph, 7, channel_axis=-1).model
    other.save(str(file))
    assert len(KMeansModel.load(file).centroids) == 7
    assert [path.name for path in file.parent.iterdir()] == ["model.json"]


def test_a_model_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, file: Path, photograph: np.ndarray
) -> None:
    before = file.read_bytes()
    model = segment(photograph, 2, channel_axis=-1).model
    model.parameters["note"] = object()
    with pytest.raises(TypeError):
        model.save(file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]


def change(file: Path, *keys: Any, to: Any) -> None:
    document = json.loads(file.read_text())
    place = document
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = to
    file.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("keys", "to"),
    [
        (("format",), "another"),
        (("schema",), 99),
        (("schema",), True),
        (("schema",), 1.0),
        (("feature_centroids",), []),
        (("feature_centroids",), {"0": 1}),
        (("feature_centroids", 1), [1, 2]),
        (("feature_centroids", 1), [1, 2, "3"]),
        (("feature_centroids", 1), [1, 2, None]),
        (("feature_centroids", 1), [1, 2, True]),
        (("feature_centroids", 1), [1, 2, float("nan")]),
        (("feature_centroids", 1), [1, 2, float("inf")]),
        (("feature_centroids", 1), [1, 2, 10**400]),
        (("feature_centroids", 1), [1, 2, 1e200]),
        (("n_channels",), 2),
        (("n_channels",), -1),
        (("n_channels",), 3.0),
        (("channel_axis",), 0),
        (("channel_axis",), None),
        (("channel_axis",), -9),
        (("alpha",), 1),
        (("n_spatial_axes",), "two"),
        (("smoothing",), [1]),
        (("smoothing",), [-1, 0]),
        (("smoothing",), [1e9, 0]),
        (("parameters",), []),
        (("space",), None),
        (("space", "color_space"), "cmyk"),
        (("space", "color_space"), ["rgb"]),
        (("space", "scale"), [1, 1]),
        (("space", "scale"), [1, 1, -1]),
        (("space", "offset"), "abc"),
        (("space", "offset"), [0, 0, -1e308]),
        (("space", "position"), -1),
        (("space", "position"), 0.5),
        (("space", "position"), 1e121),
        (("space", "scale"), [0, 0, 0]),
        (("space", "scale"), [1, 1e308, 1]),
        (("space", "scale"), [1, 1e-200, 1]),
        (("space", "exponent"), 10**6),
        (("space", "exponent"), 1100),
        (("space", "exponent"), -1100),
        pytest.param(("schema",), list(range(60_000)), id="a long schema"),
        pytest.param(("parameters",), "x" * 100_000, id="long parameters"),
        (("space", "surprise"), 1),
        (("surprise",), 1),
        (("centroids",), []),
        (("centroids", 0), [1, 2]),
        (("centroids", 0), [1, 2, "3"]),
        (("values",), 8),
        (("values", "dtype"), "int7"),
        (("values", "low"), 300),
        (("values", "high"), "all"),
        (("channel_names",), "rgb"),
        (("channel_names",), ["r", "g"]),
        (("channel_names",), ["r", "g", "g"]),
        (("names",), ["a"]),
        (("names",), {"4": "a"}),
        (("names",), {"one": "a"}),
        (("names",), {"1": 1}),
        (("colors",), {"1": "red"}),
        (("edits",), {}),
        (("edits",), [{}]),
        (("edits",), [{"edit": "paint"}]),
        (("edits",), [{"edit": "relabel", "labels": [1], "into": [1, 2]}]),
        (("edits",), [{"edit": "relabel", "labels": [1, 1], "into": [1, 2]}]),
        (("edits",), [{"edit": "relabel", "labels": [9], "into": [1]}]),
        (("edits",), [{"edit": "relabel", "labels": [1], "into": [-1]}]),
        (("edits",), [{"edit": "relabel", "labels": [3], "into": [2]}]),
        (("edits",), [{"edit": "threshold", "lower": 1, "upper": 2, "at": 7}]),
        (("edits",), [{"edit": "split", "label": 1, "into": [1, 4], "model": {}}]),
    ],
    ids=str,
)
def test_a_file_with_a_wrong_field_is_refused_by_its_name(
    file: Path, keys: tuple[Any, ...], to: Any
) -> None:
    change(file, *keys, to=to)
    with pytest.raises(ValueError, match="model") as caught:
        KMeansModel.load(file)
    assert str(file) in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(file))


def test_a_file_whose_fields_do_not_go_together_is_refused(
    tmp_path: Path, photograph: np.ndarray
) -> None:
    path = tmp_path / "model.json"
    segment(photograph, 3, channel_axis=-1, color_space="lab").model.save(path)
    change(path, "space", "exponent", to=300)
    with pytest.raises(ValueError, match=r"space\.exponent takes 0 in the colour space lab"):
        KMeansModel.load(path)
    segment(photograph[..., 0], 3).model.save(path)
    change(path, "alpha", to=True)
    with pytest.raises(ValueError, match="alpha takes false where channel_axis is null"):
        KMeansModel.load(path)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(file: Path) -> None:
    with file.open("ab") as more:
        more.truncate(10 << 30)
    with pytest.raises(ValueError, match="more than 67,108,864 bytes"):
        KMeansModel.load(file)


def test_a_model_that_would_not_be_read_again_is_not_written(
    file: Path, photograph: np.ndarray
) -> None:
    before = file.read_bytes()
    model = segment(photograph, 2, channel_axis=-1).model
    model.parameters["note"] = "x" * (65 << 20)
    with pytest.raises(ValueError, match="at most 67,108,864"):
        model.save(file)
    assert file.read_bytes() == before


def test_refusing_a_long_list_does_not_write_it_out(file: Path) -> None:
    rows = "[1,2,3]," * 200_000
    text = file.read_text()
    file.write_text(text.replace('"feature_centroids": [', '"feature_centroids": [' + rows, 1))
    with pytest.raises(ValueError, match=r"feature_centroids takes a list of 1 to 65535") as caught:
        KMeansModel.load(file)
    assert len(str(caught.value)) < 300 + len(str(file))


def test_saving_names_the_path_that_was_given(tmp_path: Path, photograph: np.ndarray) -> None:
    model = segment(photograph, 2, channel_axis=-1).model
    path = tmp_path / "nowhere" / "model.json"
    with pytest.raises(FileNotFoundError) as caught:
        model.save(path)
    assert str(caught.value) == f"{path}: there is no folder {path.parent}; make it first"
    path.parent.touch()
    with pytest.raises(NotADirectoryError, match="nowhere is a file; a folder is needed"):
        model.save(path)


def test_a_name_may_be_as_long_as_the_file_system_allows(
    tmp_path: Path, photograph: np.ndarray
) -> None:
    path = tmp_path / ("m" * 250 + ".json")
    segment(photograph, 2, channel_axis=-1).model.save(path)
    assert len(KMeansModel.load(path).centroids) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_new_file_has_the_usual_permissions_and_an_old_one_keeps_its_own(
    tmp_path: Path, file: Path, photograph: np.ndarray
) -> None:
    (tmp_path / "usual").touch()
    assert file.stat().st_mode == (tmp_path / "usual").stat().st_mode
    file.chmod(0o640)
    segment(photograph, 2, channel_axis=-1).model.save(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"{}", b"\x80\x04\x95", b"\x89PNG\r\n", b"[" * 100_000, b'{"format": '],
    ids=lambda content: repr(content[:8]),
)
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="no k-means model"):
        KMeansModel.load(path)


@pytest.mark.parametrize(
    ("number", "why"),
    [("1e400", "too large"), ("9" * 5000, "limit"), ('1, "seed": 2', "twice")],
    ids=lambda one: one[:8],
)
def test_a_number_that_is_none_or_is_given_twice_is_refused(
    file: Path, number: str, why: str
) -> None:
    text = file.read_text()
    assert '"seed": 0' in text
    file.write_text(text.replace('"seed": 0', f'"seed": {number}'))
    with pytest.raises(ValueError, match=f"no k-means model.*{why}") as caught:
        KMeansModel.load(file)
    assert str(file) in str(caught.value)


def test_a_truncated_file_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ValueError, match="no k-means model"):
        KMeansModel.load(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    with pytest.raises(FileNotFoundError) as caught:
        KMeansModel.load(path)
    assert str(caught.value) == f"{path}: there is no such file"

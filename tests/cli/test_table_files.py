"""Names of channels in a table are text: no spreadsheet takes them for a formula."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import tifffile

from napari_kmeans_seg import segment
from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.result_paths import result_paths
from napari_kmeans_seg.files.results import write_results

NAMES = ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", 'a";=1+1', "b\t=1+1", "c;=1+1", "d,=1"]


def test_no_cell_begins_as_a_formula_does(tmp_path, cell):
    path = tmp_path / "a.ome.tif"
    stack = np.stack([cell[:64, 10 * i : 10 * i + 64] for i in range(len(NAMES))])
    metadata = {"axes": "CYX", "Channel": {"Name": NAMES}}
    tifffile.imwrite(path, stack, ome=True, metadata=metadata, photometric="minisblack")
    image = read_image(path)
    results = result_paths(path, tmp_path)
    write_results(image, segment(image.pixels, 2, channel_axis=image.channel_axis), results)
    # The data are kept, as every program for tables reads them.
    columns = pd.read_csv(results.clusters).columns
    names = [name.replace("\t", " ") for name in columns[3:]]  # XML makes tabs spaces
    assert names == [f"mean_{name}".replace("\t", " ") for name in NAMES]
    with results.clusters.open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "mean_=1+1" in cells
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}]

"""Texts, scripts, records, tables and pixels of results stay what they were."""

from __future__ import annotations

import json

import pytest

from .golden_files import NAMES, path_of, stages_of


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", NAMES)
def test_a_result_is_what_it_was(name):
    kept = json.loads(path_of(name).read_text(encoding="utf-8"))
    now = stages_of(name)
    assert list(now) == list(kept)
    for stage, told in kept.items():
        assert now[stage].keys() == told.keys()
        for what, before in told.items():
            assert now[stage][what] == before, f"{stage}: {what}"

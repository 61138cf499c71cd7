"""What SECURITY.md promises is held by tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_promise_names_tests_that_exist():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    promises = re.split(r"^\d+\. ", text.partition("\nNot promised")[0], flags=re.MULTILINE)[1:]
    assert len(promises) == 11
    for promise in promises:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", promise)
        assert named, promise
        for path, group in named:
            content = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(
                rf"^class {group}\b" if group else r"\bdef test_", content, re.MULTILINE
            )

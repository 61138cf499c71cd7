"""What commands of all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .shell import warm

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="session")
def warm_process_ends_with_the_tests() -> Iterator[None]:
    yield
    warm.end()

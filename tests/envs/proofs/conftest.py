"""The ILTP library, where there is one."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def iltp() -> list[Path]:
    """The library's files; skips where they are absent."""
    data = os.environ.get("SELFPLAY_DATA")
    if data is None:
        pytest.skip("SELFPLAY_DATA is not set")
    return sorted((Path(data) / "iltp").glob("*.p"))

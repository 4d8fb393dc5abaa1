"""What tests of the search run, they run as users do: with all of the compiler's work."""

import pytest


@pytest.fixture(autouse=True, scope="module")
def _optimized(optimized: None) -> None:
    """Every module here."""

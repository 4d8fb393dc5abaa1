"""General provers, where they are installed; and what is said where they are not."""

import importlib.util

import pytest

from benchmarks.equational import provers
from selfplay_envs.proofs.magma import parse_law

HYPOTHESIS, CONCLUSION, NOT = (
    parse_law(text)[0] for text in ("x = (y ◇ x) ◇ y", "x = y ◇ (x ◇ y)", "x = y ◇ x")
)


def test_problems_in_tptp():
    assert provers.tptp(HYPOTHESIS, CONCLUSION).splitlines() == [
        "fof(hypothesis, axiom, ![X0,X1]: X0 = m(m(X1,X0),X1)).",
        "fof(conclusion, conjecture, ![X0,X1]: X0 = m(X1,m(X0,X1))).",
    ]


@pytest.mark.parametrize("name", provers.PACKAGES)
def test_provers_tell_true_from_false_or_say_what_would_install_them(name: str):
    prove = getattr(provers, name)
    if importlib.util.find_spec(name) is None:
        with pytest.raises(ModuleNotFoundError, match=f"pip install {provers.PACKAGES[name]}"):
            prove(HYPOTHESIS, CONCLUSION, 1)
    else:
        assert prove(HYPOTHESIS, CONCLUSION, 1)
        assert not prove(HYPOTHESIS, NOT, 1)

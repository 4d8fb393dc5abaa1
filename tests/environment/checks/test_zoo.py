"""Every broken environment is caught, and named right; no correct one is accused."""

import pytest

from selfplay.environment import check
from tests.environment import zoo_form, zoo_play, zoo_truth, zoo_views
from tests.environment.zoo import ZOO

assert all((zoo_form, zoo_play, zoo_views, zoo_truth))  # each has added its own


@pytest.mark.parametrize(("law", "make_env"), [pytest.param(*z, id=z[1].__name__) for z in ZOO])
def test_the_fault_is_named(law, make_env):
    report = check(make_env(), games=64, again=make_env())
    first = (report.broken or report.warnings)[0]
    assert first.law.name == law, first.seen
    assert first.seen

"""Settings of a distillation that do not fit each other."""

import pytest

from selfplay.distill_config import DistillConfig


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"operator": "reanalysis"}, "needs states to label: .* --states, or real data"),
        ({"states": "runs/old"}, "states are labelled by operator reanalysis, got operator search"),
        ({"operator": "reanalysis", "real": "exact", "hindsight": True}, "plays no episodes"),
        ({"fresh_value_fraction": 1.5}, "fresh_value_fraction must be between 0 and 1, got 1.5"),
        ({"operator": "raw", "confidence": "search"}, "needs an operator that searches, got .*raw"),
    ],
)
def test_what_does_not_fit_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        DistillConfig(**settings)


def test_reanalysis_takes_states_or_real_data():
    for source in ("states", "real"):
        settings = DistillConfig(
            operator="reanalysis", confidence="search", **{source: "runs/old/generations/00000001"}
        )
        assert settings.fresh_value_fraction == 1.0

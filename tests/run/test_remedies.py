"""What is done about alarms."""

import pytest

from selfplay import config as config_lib
from selfplay.distill_config import DistillConfig
from selfplay.run import remedies
from selfplay.run.remedies import AGAIN, MOST, Treatment, treated, treated_labels


def settings(**changes):
    return config_lib.from_dict({"env": "tic_tac_toe"} | changes)


def test_nothing_is_done_unasked_or_about_other_alarms():
    assert Treatment(settings(), 9, []).dose(50, ["one_line"]) is None
    asked = Treatment(settings(guards={"remedy": "noise"}), 9, [])
    assert asked.dose(50, ["few_rows", "stale_rows"]) is None
    assert asked.config == settings(guards={"remedy": "noise"})


def test_doses_of_noise_wait_and_end():
    treatment = Treatment(settings(guards={"remedy": "noise"}), 9, [])
    assert treatment.dose(50, ["one_line"]) == "noise: search.gumbel_scale 1 to 1.5"
    assert treatment.dose(49 + AGAIN, ["one_line"]) is None
    assert treatment.dose(50 + AGAIN, ["new_errors"]) == "noise: search.gumbel_scale 1.5 to 2.25"
    for number in range(2, 10):
        treatment.dose(50 + number * AGAIN, ["one_line"])
    assert treatment.count == MOST
    assert treatment.config.search.gumbel_scale == pytest.approx(1.5**MOST)


def test_a_resumed_run_goes_on_with_its_doses():
    config = settings(guards={"remedy": "openings"})
    first = Treatment(config, 9, [])
    rows = [{"iteration": 1}, {"iteration": 30, "remedy": first.dose(30, ["begin_alike"])}]
    resumed = Treatment(config, 9, rows)
    assert resumed.config == first.config and resumed.config.rollout.max_opening_plies == 4
    assert resumed.dose(30 + AGAIN - 1, ["begin_alike"]) is None
    # Of another remedy there were no doses yet.
    assert Treatment(settings(guards={"remedy": "noise"}), 9, rows).count == 0


def test_openings_never_end_a_game():
    config = settings(rollout={"opening_fraction": 0.0})
    rollout = treated(config, MOST, "openings", max_steps=9).rollout
    assert (rollout.max_opening_plies, rollout.opening_fraction) == (8, 0.5)


def test_noise_of_each_search():
    puct = settings(search={"policy": "puct", "dirichlet_fraction": 0.6})
    assert treated(puct, 1, "noise", 9).search.dirichlet_fraction == pytest.approx(0.75)
    silent = settings(search={"gumbel_scale": 0.0})
    assert treated(silent, 1, "noise", 9).search.gumbel_scale == 1.0


def test_halting_changes_nothing():
    treatment = Treatment(settings(guards={"remedy": "halt"}), 9, [])
    assert treatment.halts
    assert treatment.dose(50, ["overconfident"]) == "halt: the run is saved and stops"
    assert treatment.count == 0 and treatment.dose(51, ["overconfident"]) is None


def test_labels_are_treated():
    real = DistillConfig(real="exact", remedy="real")
    given = [treated_labels(real, count, "real") for count in (0, 1)]
    assert remedies.told("real", tuple(given)) == "real: real_fraction 0.25 to 0.5"
    assert treated_labels(real, 2, "real").share_of_real == 0.75
    assert treated_labels(real, 3, "real").share_of_real == 1.0
    raw = DistillConfig(operator="raw", temperature=0.0)
    assert treated_labels(raw, 1, "noise").temperature == 1.0
    assert treated_labels(raw, 0, "noise") == raw == treated_labels(raw, 1, "halt")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"remedy": "real"}, "name some with --real"),
        ({"remedy": "openings", "verified": True}, "noise or halt would do"),
        (
            {"remedy": "openings", "operator": "reanalysis", "real": "exact"},
            "plays no episodes",
        ),
    ],
)
def test_remedies_that_could_do_nothing_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        remedies.refuse_unfit(DistillConfig(**changes))

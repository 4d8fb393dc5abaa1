"""What a person is told: the law, the game, what to change; and the status."""

import pytest

from selfplay import cli
from selfplay.display import check as display
from selfplay.environment.checks import LAWS, Outcome, check
from tests.environment import zoo_form, zoo_play, zoo_truth


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_all_is_well(capsys):
    assert cli.main(["check", "tic_tac_toe", "--games", "32"]) == 0
    shown = capsys.readouterr().out
    assert "All laws hold in 32 random games, the longest of 9 steps." in shown
    assert "A State takes 19 bytes" in shown
    assert "steps a second" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_the_shortest_game_is_shown(capsys):
    report = check(zoo_play.BothWin(), games=32)
    display.print_report("both", report)
    shown = capsys.readouterr().out
    (broken,) = report.broken
    assert broken.position is not None
    assert len(broken.position.moves) == 3  # two stones of a column, one of the opponent's between
    assert " ".join(broken.position.moves) in shown
    assert "seen    rewards are [1.0, 1.0]" in shown
    assert "change  pay with zero_sum(player, reward)" in shown
    assert "1 law is broken" in shown


def test_what_is_not_checked_is_said(capsys):
    report = check(zoo_form.ShortMask(), games=32)
    display.print_report("short", report)
    shown = capsys.readouterr().out
    assert "· not checked" in shown
    assert "· symmetries" in shown
    assert report.games == 0
    assert not report.state_bytes


def test_a_broken_law_is_status_1(capsys):
    assert cli.main(["check", "tests.environment.zoo_form:NoLength"]) == 1
    assert "NoLength must set max_steps" in capsys.readouterr().out


def test_a_warning_is_no_failure(capsys):
    report = check(zoo_truth.KeepsPlanes(), games=32)
    display.print_report("heavy", report)
    assert not report.broken
    assert [f.law.name for f in report.warnings] == ["small"]
    shown = " ".join(capsys.readouterr().out.split())
    assert "In 1,024 searches of 64 nodes that is 2.8 GiB" in shown


def test_what_cannot_be_is_refused(capsys):
    assert cli.main(["check"]) == 2
    assert cli.main(["check", "nothing_like_it"]) == 2
    assert cli.main(["check", "tic_tac_toe", "--games", "2"]) == 2
    shown = capsys.readouterr().err
    assert "selfplay check ENV; installed:" in shown
    assert "no environment is called 'nothing_like_it'" in shown
    assert "games must be at least 8, got 2" in shown


def test_every_verdict_has_a_mark():
    assert set(display.MARKS) == set(Outcome)
    assert len({law.name for law in LAWS}) == len(LAWS)

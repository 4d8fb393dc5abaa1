"""What the guards find is shown while a run lasts, and at its end."""

import io
import json
import shlex

import pytest
from rich.console import Console

from selfplay import config as config_lib
from selfplay.config import Config
from selfplay.display import live, summary
from selfplay.display.live import LiveView
from selfplay.environment import make
from selfplay.run.guards import WINDOW

COLLAPSED = [
    {
        "iteration": number,
        "iterations": 2 * WINDOW,
        "seconds": float(number),
        "games": 100.0,
        "speed/simulations_per_second": 1e5,
        "speed/games_per_second": 1e3,
        "game/repeated": 0.9,
        "loss/value": 0.5,
        "loss/policy": 1.0,
        "kl/target_policy": 0.3,
        "buffer/age": 3.0,
    }
    for number in range(1, 2 * WINDOW + 1)
]
SAID = "about 1.1 different games"


def words(console):
    return " ".join(console.export_text().replace("│", " ").split())


@pytest.mark.parametrize("before", [0, WINDOW - 1])
def test_a_finding_is_at_the_bottom_of_the_panel_while_it_stands(before):
    """Also in a run that goes on: rows that were there before count."""
    console = Console(record=True, width=80, force_terminal=True, file=io.StringIO())
    view = LiveView(Config(env="tic_tac_toe"), console, rows=COLLAPSED[:before])
    with view:
        for row in COLLAPSED[before : WINDOW - 1]:
            view.on_iteration(row)
        assert SAID not in words(console)
        view.on_iteration(COLLAPSED[WINDOW - 1])
    assert SAID in words(console)


def test_rows_that_are_done_again_are_counted_once():
    """A run that goes on from an older checkpoint was a row short of the finding."""
    console = Console(record=True, width=80, force_terminal=True, file=io.StringIO())
    view = LiveView(Config(env="tic_tac_toe"), console, rows=COLLAPSED[: WINDOW - 1])
    with view:
        view.on_iteration(COLLAPSED[WINDOW - 2])
    assert SAID not in words(console)


def test_in_a_log_a_finding_is_said_once(monkeypatch):
    monkeypatch.setattr(live, "LOG_EVERY_SECONDS", -1.0)
    console = Console(record=True, width=300, force_terminal=False, file=io.StringIO())
    view = LiveView(Config(env="tic_tac_toe"), console)
    with view:
        for row in COLLAPSED:
            view.on_iteration(row)
    assert words(console).count(SAID) == 1


def test_the_end_tells_what_stands(tmp_path, capsys):
    (tmp_path / "config.toml").write_text(config_lib.dumps(Config(env="tic_tac_toe")))
    lines = "".join(json.dumps(row) + "\n" for row in COLLAPSED)
    (tmp_path / "metrics.jsonl").write_text(lines)
    summary.print_end(tmp_path)
    said = " ".join(capsys.readouterr().out.split())
    assert SAID in said and "rollout.max_opening_plies" in said
    (tmp_path / "metrics.jsonl").write_text(lines.replace("0.9,", "0.0,"))
    summary.print_end(tmp_path)
    assert "▲" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "env_args"), [("propositional", {"subformulas": 16}), ("andrews_curtis", {})]
)
def test_the_end_of_a_prover_offers_a_problem_that_can_be_asked(name, env_args, tmp_path, capsys):
    config = Config(env=name, env_args=env_args)
    (tmp_path / "config.toml").write_text(config_lib.dumps(config))
    row = COLLAPSED[0] | {"iterations": COLLAPSED[0]["iteration"]}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(row) + "\n")
    summary.print_end(tmp_path)
    said = capsys.readouterr().out
    (line,) = [line for line in said.splitlines() if " solve " in line]
    problem = shlex.split(line)[-1]
    env = make(name, **env_args)
    assert env.format_problem(env.parse_problem(problem)) == problem
    assert "selfplay play" not in said


@pytest.mark.parametrize("is_terminal", [True, False])
def test_levels_show_how_much_of_each_is_solved(is_terminal):
    console = Console(record=True, width=80, force_terminal=is_terminal, file=io.StringIO())
    row = COLLAPSED[0] | {f"practice/solved_{i + 1}": share for i, share in enumerate((1, 0.5, 0))}
    with LiveView(Config(env="propositional"), console) as view:
        view.on_iteration(row)
    said = words(console)
    assert "█▅▁" in said
    assert ("100 50 0" in said) == is_terminal


@pytest.mark.parametrize("is_terminal", [True, False])
def test_whole_searches_beside_the_games_are_told_of(is_terminal):
    console = Console(record=True, width=80, force_terminal=is_terminal, file=io.StringIO())
    names = ("solutions", "searched", "found", "evaluations")
    searched = dict(
        zip((f"practice/{n}" for n in names), (412.0, 64.0, 22.0, 9_000.0), strict=True)
    )
    row = COLLAPSED[0] | searched | {"practice/solved_1": 0.5, "seconds/practice": 3.0}
    with LiveView(Config(env="andrews_curtis"), console) as view:
        view.on_iteration(row)
    said = words(console)
    assert "412" in said
    assert ("22 of 64" in said) == ("3,000" in said) == is_terminal

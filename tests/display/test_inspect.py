"""What a person is shown of a generation."""

import json

import numpy as np
import pytest

from selfplay.cli import main
from selfplay.display.inspect import likeliest
from selfplay.environment import registry
from tests.test_distill import calculator  # noqa: F401  (a fixture)
from tests.test_inspect import run  # noqa: F401  (a fixture)


def test_a_page_of_tables_and_positions(run, capsys, monkeypatch):  # noqa: F811
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["inspect", str(run), "--examples", "1"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("Generation 2 of sums\n")
    for part in (
        "search, generation 2",
        "What the verifier's word keeps",
        "are refused: verdict rejected",
        "Where label and teacher's network differ most",
        "Examples: passed",
        "digit 1 of 2, from the right",
        "verdict    accepted",
    ):
        assert part in told
    assert max(map(len, told.splitlines())) <= 100


def test_figures_alone(run, capsys):  # noqa: F811
    assert main(["inspect", str(run), "--generation", "1", "--verdict", "any", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["generation"], found["filter"]["verified"]) == (1, False)
    assert found["fates"]["passed"]["rows"] == found["rows"]
    assert main(["inspect", str(run), "--examples", "0"]) == 0
    assert "Examples" not in capsys.readouterr().out


def test_moves_are_told_with_their_shares_the_likeliest_first():
    env = registry.make("tic_tac_toe")
    weights = np.array([0.0, 0.25, 0.0, 0.6, 0.1, 0.05, 0.0, 0.0, 0.0], np.float32)
    assert likeliest(env, weights) == "4 60 %, 2 25 %, 5 10 %"
    assert likeliest(env, np.eye(9, dtype=np.float32)[0]) == "1 100 %"


@pytest.mark.parametrize("options", [["--generation", "9"], ["--keep-share", "7"]])
def test_what_cannot_be_is_one_line(run, options, capsys):  # noqa: F811
    assert main(["inspect", str(run), *options]) == 2
    assert capsys.readouterr().err.count("\n") == 1

"""What is said of environments, held against the environments themselves."""

import jax
import pyspiel
import pytest

from selfplay import cli
from selfplay.display import facts
from selfplay.environment import make, names
from selfplay_envs.games.connect_four import ConnectFour
from selfplay_envs.games.tic_tac_toe import TicTacToe
from tests import worlds

SIZES = {
    "addition": {"digits": 2},
    "breakthrough": {"rows": 5, "columns": 4},
    "connect_four": {"rows": 5, "columns": 9, "in_a_row": 3},
    "go": {"size": 5, "komi": 2.5},
    "hex": {"size": 4, "swap": True},
    "hp_lattice": {"length": 12},
    "andrews_curtis": {"length": 20},
    "equational": {"size": 31},
    "magma_model": {"elements": 3},
    "propositional": {"subformulas": 16},
}


@pytest.mark.parametrize("name", names())
def test_bytes_are_those_of_a_state(name):
    env = make(name)
    fields = facts.state_fields(env)
    start = jax.jit(lambda key: env.init(env.sample_problem(key)))(jax.random.key(0))
    leaves = jax.tree.leaves(start)
    assert sum(field.bytes for field in fields) == sum(leaf.nbytes for leaf in leaves)
    assert sum(field.is_common for field in fields) == 5
    assert not fields[0].is_common


def test_where_truth_is_known():
    assert facts.truth(make("tic_tac_toe")) == "everywhere"
    assert facts.truth(make("connect_four")) == "1,500 solved"
    assert facts.truth(make("connect_four", rows=5)) is None
    assert facts.truth(worlds.Spell()) == "everywhere"


def test_arguments_are_as_typed():
    env = make("hex", size=5, swap=True)
    assert facts.as_typed(facts.arguments(env)) == "size 11 swap false"
    assert facts.as_typed(facts.arguments(env, size=5, swap=True)) == "size 5 swap true"


@pytest.mark.parametrize(
    ("name", "arguments"), [(n, a) for n in names() for a in ({}, SIZES.get(n, {"size": 10}))]
)
def test_the_game_of_open_spiel_that_is_named_has_the_same_first_moves(name, arguments):
    env = make(name, **arguments)
    if env.open_spiel is None:
        assert env.num_players == 1 or (name == "othello" and arguments)
        return
    theirs = pyspiel.load_game(env.open_spiel).new_initial_state()
    mask = jax.jit(lambda: env.legal_action_mask((), env.init()))()
    legal = mask.nonzero()[0].tolist()
    assert {env.format_action(action) for action in legal} == {
        env.format_action(env.parse_action(_ours(env, theirs.action_to_string(action))))
        for action in theirs.legal_actions()
    }


def _ours(env, text: str) -> str:
    """How OpenSpiel's name of a move is written here."""
    if isinstance(env, ConnectFour):
        return str(int(text[1:]) + 1)
    if isinstance(env, TicTacToe):
        row, column = text[2:-1].split(",")
        return str(env.size * int(row) + int(column) + 1)
    return text.split()[-1].lower()


def test_the_list_fits_on_80_columns_and_names_what_cannot_be_imported(
    capsys, monkeypatch, tmp_path
):
    broken = tmp_path / "broken-1.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (broken / "entry_points.txt").write_text("[selfplay.envs]\nbroken = nowhere_at_all:Game\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["envs"]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    lines = {line.split()[0]: line for line in said.splitlines() if line.strip()}
    assert set(names()) - {"broken"} <= set(lines)
    assert "everywhere" in lines["tic_tac_toe"] and "yes" in lines["tic_tac_toe"]
    assert "size 11 swap false" in lines["hex"]
    assert "nowhere_at_all" in said

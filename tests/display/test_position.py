"""The tables of a position, cell by cell against the arrays of its search."""

import functools
import io
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from selfplay.display import position
from selfplay.display.position import View
from selfplay.environment import make
from tests import worlds
from tests.search.test_policy import OPINIONATED, make_evaluator
from tests.test_analysis import agent_of
from tests.test_analysis import position as start_of


@functools.cache
def view_of(world: str) -> tuple[Any, Any, Any, View]:
    """Environment, problem, state, and the root of a search there."""
    env, problem, state = start_of(world)
    analysis = agent_of(world, "gumbel", "selfplay").analyse(state, problem)
    return env, problem, state, View(analysis, 0)


def cells(table: Table, header: str) -> list[str]:
    (column,) = [c for c in table.columns if str(c.header).split("\n")[-1] == header]
    return [str(cell) for cell in column.cells]


def printed(thing: Any, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(thing)
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("world", ["tic_tac_toe", "nim", "spell"])
def test_a_table_shows_the_search(world):
    env, problem, state, view = view_of(world)
    table = position.moves_table(env, problem, state, view)
    actions = [env.parse_action(name) for name in cells(table, "move")]
    assert sorted(actions) == list(np.flatnonzero(env.legal_action_mask(problem, state)))
    decision = view.analysis.decision
    weights = decision.action_weights[actions]
    assert (np.diff(weights) <= 0).all()
    assert cells(table, "search") == [f"{100 * w:.1f} %" for w in weights]
    assert cells(table, "network") == [f"{100 * p:.1f} %" for p in decision.prior[actions]]
    assert cells(table, "visits") == [str(n) for n in decision.visit_counts[actions]]
    tried = decision.visit_counts[actions] > 0
    values = [f"{q:+.2f}" for q in decision.qvalues[actions]]
    assert cells(table, "value") == [v if t else "–" for v, t in zip(values, tried, strict=True)]
    bold = [actions[i] for i, row in enumerate(table.rows) if row.style == "bold"]
    assert bold == [decision.action]


@pytest.mark.parametrize("world", ["tic_tac_toe", "nim", "spell"])
def test_a_guess_is_the_networks_for_who_moves(world):
    """Worked out anew by the rules and the evaluator: what the move pays, and what follows."""
    env, problem, state, view = view_of(world)
    evaluate, params = make_evaluator(env), {k: jnp.float32(v) for k, v in OPINIONATED.items()}
    for action in np.flatnonzero(env.legal_action_mask(problem, state)):
        after = env.step(problem, state, jnp.int32(action))
        batch = jax.tree.map(lambda x: x[None], (problem, after))
        raw = 0.0 if after.terminated else float(evaluate(params, None, *batch)[1][0])
        sign = 1.0 if after.current_player == state.current_player else -1.0
        expected = float(after.rewards[state.current_player]) + sign * raw
        guess = view.guess(int(action))
        if guess is not None:
            assert guess == pytest.approx(expected, abs=1e-5)


def test_below_the_root_visits_rank():
    env, problem, state, root = view_of("tic_tac_toe")
    step = root.analysis.tree.principal_line()[0]
    state = env.step(problem, state, jnp.int32(step.action))
    view = View(root.analysis, step.node)
    visits = [int(n) for n in cells(position.moves_table(env, problem, state, view), "visits")]
    assert visits == sorted(visits, reverse=True)
    assert sum(visits) == root.analysis.tree.node_visits[step.node] - 1
    assert view.value == root.analysis.tree.values[step.node]


def test_what_is_left_out_is_said():
    env, problem, state, view = view_of("tic_tac_toe")
    table = position.moves_table(env, problem, state, view, most=2)
    assert len(table.rows) == 2
    assert table.caption == "and 3 more moves"


def test_the_line_is_the_principal_line():
    env, _, _, view = view_of("tic_tac_toe")
    table = position.line_table(env, view)
    line = view.analysis.tree.principal_line()
    assert cells(table, "move") == [env.format_action(step.action) for step in line]
    assert cells(table, "visits") == [str(step.visits) for step in line]
    text = position.line_text(env, view, line, 2)
    assert text == " ".join(cells(table, "move")[:2]) + " …"


def test_an_end_in_sight_is_said():
    """Three stones left: taking them all ends the game."""
    env = worlds.Nim(stones=9)
    state = env.init().replace(heap=jnp.int8(3))
    view = View(agent_of("nim", "gumbel", "selfplay").analyse(state), 0)
    table = position.moves_table(env, (), state, view)
    row = cells(table, "move").index("3")
    assert cells(table, "then")[row] == "ends"
    assert cells(table, "guess")[row] == "+1.00"
    assert "end" in position.line_text(env, view, view.analysis.tree.principal_line(), 9)


def test_two_searches_side_by_side():
    env, problem, state, view = view_of("tic_tac_toe")
    other = agent_of("tic_tac_toe", "puct", "selfplay").analyse(state)
    views = {"a@1": view, "b@2": View(other, 0), "c@3": None}
    table = position.comparison_table(env, problem, state, views)
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    actions = [env.parse_action(name) for name in columns[0]]
    for first, analysis in ((1, view.analysis), (5, other)):
        shown = [text.removeprefix("[bold]").removesuffix("[/]") for text in columns[first + 2]]
        assert shown == [str(n) for n in analysis.decision.visit_counts[actions]]
        favourites = [a for a, c in zip(actions, columns[first], strict=True) if "bold" in c]
        assert favourites == [analysis.decision.action]
    assert set(columns[9]) == {"–"}
    said = printed(table)
    assert "A: a@1, value" in said and "C: c@3, never looked here" in said


def test_the_moves_are_seen_however_long_the_names_of_agents():
    env, problem, state, view = view_of("tic_tac_toe")
    long = "connect_four-20260101-120000-with-a-wider-network@"
    table = position.comparison_table(env, problem, state, {f"{long}1": view, f"{long}2": view})
    for width in (60, 80, 120):
        out = io.StringIO()
        Console(file=out, width=width).print(table)
        rows = out.getvalue().splitlines()[-10:]
        legal = np.flatnonzero(env.legal_action_mask(problem, state))
        assert {row.split()[0] for row in rows if row.strip()} >= {str(a + 1) for a in legal}


def test_names_that_look_like_markup_are_shown():
    class Bracketed(worlds.Nim):
        def format_action(self, action):
            return f"[{'abc'[action]}]"

    env = Bracketed(stones=9)
    _, problem, state, view = view_of("nim")
    both = {"x": view, "y": view}
    for table in (
        position.moves_table(env, problem, state, view),
        position.comparison_table(env, problem, state, both),
        position.line_table(env, view),
    ):
        assert "[a]" in printed(table) or "[b]" in printed(table)


@pytest.mark.parametrize(("moves", "winner"), [("14253", "first"), ("914253", "second")])
def test_the_winner_is_named(moves, winner):
    env = make("tic_tac_toe")
    state = env.init()
    for move in moves:
        state = env.step((), state, jnp.int32(env.parse_action(move)))
    assert position.outcome(env, state) == f"The game is over: the {winner} player wins."


def test_other_outcomes():
    nim, spell = worlds.Nim(), worlds.Spell()
    over = nim.init().replace(terminated=jnp.bool_(True))
    assert "a draw" in position.outcome(nim, over)
    late = nim.init().replace(truncated=jnp.bool_(True), step_count=jnp.int16(7))
    assert "after 7 moves" in position.outcome(nim, late)
    alone = spell.init(spell.parse_problem("abca")).replace(rewards=jnp.float32([0.25]))
    assert "+0.25" in position.outcome(spell, alone.replace(terminated=jnp.bool_(True)))
    assert position.mover(spell, alone) == ""
    assert position.mover(nim, over) == "first player to move"


@pytest.mark.parametrize(
    ("share", "drawn"), [(0.0, ""), (0.5, "████"), (1.0, "████████"), (1 / 64, "▏")]
)
def test_bars(share, drawn):
    assert position.bar(share) == drawn

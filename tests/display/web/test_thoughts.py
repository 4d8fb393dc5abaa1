"""Thoughts as a page is told of them, against the agent's own words."""

import json

import jax
import numpy as np
import pytest

from selfplay.display.web.moves import Positions
from selfplay.display.web.thoughts import MAX_SIMULATIONS, Thinker
from tests.display.web.conftest import SIMULATIONS

MOVES = [0, 1, 1]


@pytest.fixture(scope="module")
def positions(agents):
    return Positions(agents["one"].env)


@pytest.fixture(scope="module")
def thinker(agents, positions):
    return Thinker(agents["one"], positions)


def test_a_search_is_told_as_the_agent_sees_it(agents, positions, thinker):
    told = json.loads(json.dumps(thinker.think((), MOVES, SIMULATIONS)))
    state = positions.replay((), MOVES)[-1]
    decision = agents["one"].analyse(state, num_simulations=SIMULATIONS).decision
    assert (told["mover"], told["action"]) == (1, decision.action)
    assert told["value"] == pytest.approx(decision.value)
    assert told["raw_value"] == pytest.approx(decision.raw_value)
    assert told["actions"][0]["action"] == decision.action
    for item in told["actions"]:
        action = item["action"]
        assert item["prior"] == pytest.approx(decision.prior[action])
        assert item["weight"] == pytest.approx(decision.action_weights[action])
        assert item["visits"] == decision.visit_counts[action]
        assert (item["value"] is None) == (item["visits"] == 0)
    assert sum(item["visits"] for item in told["actions"]) == SIMULATIONS


def test_the_line_alternates_and_lands_where_stones_fall(positions, thinker):
    line = thinker.think((), MOVES, SIMULATIONS)["line"]
    assert [step["player"] for step in line] == [(1 + i) % 2 for i in range(len(line))]
    moves = list(MOVES)
    for step in line:
        moves.append(step["action"])
        assert positions.describe((), moves)["last"] == step["target"]


def test_without_simulations_the_network_speaks_alone(agents, positions, thinker):
    full = [1, 1, 1, 1]  # column 2 is full, so its action is illegal
    told = thinker.think((), full, 0)
    agent, state = agents["one"], positions.replay((), full)[-1]
    one = jax.tree.map(lambda x: x[None], state)
    logits, value = agent.evaluator(agent.params, jax.random.split(jax.random.key(0), 1), (), one)
    weights = np.exp(np.asarray(logits[0], np.float64))
    weights[1] = 0
    for item in told["actions"]:
        share = weights[item["action"]] / weights.sum()
        assert item["weight"] == item["prior"] == pytest.approx(share, rel=1e-5)
    assert [item["action"] for item in told["actions"]] != [] and told["line"] == []
    assert 1 not in [item["action"] for item in told["actions"]]
    assert told["value"] == told["raw_value"] == pytest.approx(float(value[0]))


@pytest.mark.parametrize("simulations", [-1, MAX_SIMULATIONS + 1])
def test_simulations_are_bounded(thinker, simulations):
    with pytest.raises(ValueError, match=f"must be 0 to {MAX_SIMULATIONS}, got {simulations}"):
        thinker.think((), [], simulations)


def test_after_the_end_there_is_nothing_to_think_about(thinker):
    with pytest.raises(ValueError, match="take a move back"):
        thinker.think((), [0, 1, 0, 1, 0], 0)

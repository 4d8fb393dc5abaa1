"""A walk against the rules and the trees it goes through."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfplay.agent import Agent
from selfplay.display.walk import Walk
from tests.test_analysis import agent_of
from tests.test_analysis import position as start_of


def begin(world: str = "tic_tac_toe", policy: str = "gumbel") -> Walk:
    _, problem, _ = start_of(world)
    return Walk("one@1", agent_of(world, policy, "selfplay"), problem, 60)


def replayed(walk: Walk):
    state = walk.env.init(walk.problem)
    for action in walk.moves:
        state = walk.env.step(walk.problem, state, jnp.int32(action))
    return state


def assert_here_is_right(walk: Walk) -> None:
    jax.tree.map(np.testing.assert_array_equal, walk.here.state, replayed(walk))
    if walk.view is not None:
        analysis, node = walk.view
        path = analysis.tree.path(node)
        assert walk.moves[len(walk.moves) - len(path) :] == path


@pytest.mark.parametrize("world", ["tic_tac_toe", "spell"])
def test_steps_stay_in_the_tree_and_lead_back(world):
    walk = begin(world)
    walk.search()
    root = walk.view
    assert root is not None and root.node == 0
    line = root.analysis.tree.principal_line()
    seen = [walk.view]
    for step in line:
        walk.step([step.action])
        assert walk.view is not None
        assert walk.view.node == step.node and walk.view.analysis is root.analysis
        assert_here_is_right(walk)
        seen.append(walk.view)
    for view in reversed(seen[:-1]):
        walk.back()
        assert walk.view == view
        assert_here_is_right(walk)
    with pytest.raises(ValueError, match="this is the start"):
        walk.back()
    walk.step([step.action for step in line])
    walk.top()
    assert walk.view == root and walk.moves == []


def test_a_search_from_within_keeps_the_tree_above():
    walk = begin()
    above = walk.search()
    walk.step([above.analysis.decision.action])
    inner = walk.view
    fresh = walk.search(7)
    assert fresh is walk.view and fresh.node == 0 and inner != fresh
    assert fresh.analysis.tree.node_visits[0] == 8
    walk.step([fresh.analysis.decision.action])
    walk.top()
    assert walk.view == fresh and len(walk.moves) == 1
    walk.back()
    assert walk.view == above
    assert walk.search().analysis.tree.node_visits[0] == 8  # from now on


def test_where_no_simulation_went_there_is_no_view():
    walk = begin()
    root = walk.search(2)
    missing = int(np.flatnonzero(root.analysis.tree.children[0] < 0)[0])
    walk.step([missing])
    assert walk.view is None and walk.views == {"one@1": None}
    assert_here_is_right(walk)
    assert walk.search().node == 0


def test_moves_that_are_not_allowed_move_nothing():
    walk = begin()
    walk.step([0, 4])
    before = walk.places
    for change in (walk.step, walk.restart):
        with pytest.raises(ValueError, match=r"9 is not allowed here; moves: \d, \d"):
            change([8, 7, 8])
        assert walk.places == before
    walk.restart([8])
    assert walk.moves == [8]


def test_an_ended_episode_has_no_moves():
    walk = begin()
    walk.restart([0, 3, 1, 4, 2])
    assert walk.ended and walk.legal() == []
    with pytest.raises(ValueError, match="no move 9: the episode is over"):
        walk.step([8])
    with pytest.raises(ValueError, match="the episode has ended"):
        walk.search()


def test_two_agents_walk_together():
    walk = begin()
    walk.search()
    walk.step([4])
    walk.compare("two@1", agent_of("tic_tac_toe", "puct", "selfplay"))
    assert walk.here.views == () and walk.moves == [4]
    walk.search()
    first, second = walk.views.values()
    assert first is not None and second is not None
    assert first.analysis is not second.analysis
    action = second.analysis.decision.action
    walk.step([action])
    for view, root in zip(walk.views.values(), (first, second), strict=True):
        child = root.analysis.tree.child(0, action)
        assert (view and view.node) == child
    walk.compare_no_more()
    assert list(walk.agents) == ["one@1"] and walk.here.views == ()


def test_only_agents_of_one_game_are_compared():
    walk = begin()
    with pytest.raises(ValueError, match="two@1 plays nim, one@1 plays tic_tac_toe"):
        walk.compare("two@1", agent_of("nim", "gumbel", "selfplay"))
    with pytest.raises(ValueError, match="look into already"):
        walk.compare("one@1", agent_of("tic_tac_toe", "gumbel", "selfplay"))


@pytest.mark.parametrize("simulations", [0, 65_535])
def test_a_search_has_bounds(simulations):
    agent: Agent = agent_of("tic_tac_toe", "gumbel", "selfplay")
    with pytest.raises(ValueError, match="1 to 65,534 simulations"):
        Walk("one@1", agent, (), simulations)

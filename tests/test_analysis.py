"""The tree that an analysis shows: mctx's, node by node, and the laws of any search tree."""

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import mctx
import numpy as np
import pytest

from selfplay.agent import Agent
from selfplay.config import Config, EvaluationConfig, SearchConfig
from selfplay.environment import make
from selfplay.search import model
from tests import worlds
from tests.search.test_policy import OPINIONATED, make_evaluator

pytestmark = pytest.mark.usefixtures("optimized")

NUM_SIMULATIONS = 60
SEARCHES = [
    ("tic_tac_toe", "gumbel", "selfplay"),
    ("tic_tac_toe", "gumbel", "mctx"),
    ("tic_tac_toe", "puct", "selfplay"),
    ("nim", "puct", "mctx"),
    ("spell", "gumbel", "selfplay"),
]


@functools.cache
def position(world: str) -> Any:
    """An environment, a problem and a state near enough to the end that the search sees it."""
    if world == "spell":
        env = worlds.Spell(length=4)
        problem = env.parse_problem("abca")
        return env, problem, env.init(problem)
    if world == "nim":
        env = worlds.Nim(stones=9)
        return env, (), env.init()
    env = make("tic_tac_toe")
    state = env.init()
    for action in (0, 4, 8, 1):
        state = env.step((), state, jnp.int32(action))
    return env, (), state


@functools.cache
def agent_of(world: str, policy: Any, engine: Any, max_depth: int | None = None) -> Agent:
    env = position(world)[0]
    config = Config(
        env=world,
        search=SearchConfig(engine=engine, policy=policy, max_depth=max_depth),
        evaluation=EvaluationConfig(num_simulations=NUM_SIMULATIONS),
    )
    params = jax.tree.map(jnp.float32, OPINIONATED)
    return Agent(env, make_evaluator(env), params, config)


@functools.cache
def analysis_of(world: str, policy: str, engine: str) -> Any:
    _, problem, state = position(world)
    return agent_of(world, policy, engine).analyse(state, problem)


def by_mctx(world: str, policy: str) -> Any:
    """mctx's own tree, of the same guesses without noise."""
    env, problem, state = position(world)
    evaluate = make_evaluator(env)

    @jax.jit
    def run(params, problem, state):
        problem, state = jax.tree.map(lambda x: x[None], (problem, state))
        keys = jax.random.split(jax.random.key(1), 1)
        root = model.root(env, evaluate, params, keys, problem, state)
        illegal = ~jax.vmap(env.legal_action_mask)(problem, state)
        recurrent_fn = model.make_recurrent_fn(env, evaluate)
        arguments = ((params, problem), jax.random.key(2), root, recurrent_fn)
        quiet: Any = {"dirichlet_fraction": 0.0, "temperature": 0.0}
        with jax.numpy_dtype_promotion("standard"):
            if policy == "gumbel":
                output = mctx.gumbel_muzero_policy(
                    *arguments, NUM_SIMULATIONS, illegal, gumbel_scale=0.0
                )
            else:
                output = mctx.muzero_policy(*arguments, NUM_SIMULATIONS, illegal, **quiet)
        return jax.tree.map(lambda x: x[0], output.search_tree)

    return jax.device_get(run(jax.tree.map(jnp.float32, OPINIONATED), problem, state))


# mctx ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "policy", "engine"), SEARCHES)
def test_is_the_tree_of_mctx(world, policy, engine):
    """Every node that mctx has before the end of an episode, and no other, with its numbers."""
    tree, theirs = analysis_of(world, policy, engine).tree, by_mctx(world, policy)
    qvalues = theirs.children_rewards + theirs.children_discounts * theirs.children_values
    pairs, ended = [(0, 0)], 0
    for node, other in pairs:
        close = functools.partial(np.testing.assert_allclose, atol=1e-5)
        assert tree.node_visits[node] == theirs.node_visits[other]
        close(tree.values[node], theirs.node_values[other])
        close(tree.raw_values[node], theirs.raw_values[other])
        prior = np.exp(theirs.children_prior_logits[other].astype(np.float64))
        close(tree.prior[node], prior / prior.sum())
        assert tree.ended[node] == theirs.embeddings.ended[other]
        if tree.ended[node]:
            ended += 1
            assert (tree.children[node] == -1).all() and (tree.visit_counts[node] == 0).all()
            continue
        np.testing.assert_array_equal(tree.visit_counts[node], theirs.children_visits[other])
        close(tree.qvalues[node], qvalues[other])
        np.testing.assert_array_equal(tree.children[node] < 0, theirs.children_index[other] < 0)
        for action in np.flatnonzero(tree.children[node] >= 0):
            child, of_other = tree.children[node, action], theirs.children_index[other, action]
            close(tree.rewards[child], theirs.children_rewards[other, action])
            close(tree.discounts[child], theirs.children_discounts[other, action])
            pairs.append((child, of_other))
    assert len(pairs) == len(tree.parents) == len({int(node) for node, _ in pairs})
    assert ended > 0


# Laws ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "policy", "engine"), SEARCHES)
def test_visits_and_values_are_conserved(world, policy, engine):
    tree = analysis_of(world, policy, engine).tree
    nodes = np.arange(len(tree.parents))
    running, below = nodes[~tree.ended], nodes[1:]
    assert tree.node_visits[0] == 1 + NUM_SIMULATIONS
    sums = 1 + tree.visit_counts[running].sum(1)
    np.testing.assert_array_equal(tree.node_visits[running], sums)
    totals = tree.raw_values + (tree.visit_counts * tree.qvalues).sum(1)
    np.testing.assert_allclose(tree.values[running], totals[running] / sums, atol=1e-5)
    parents, actions = tree.parents[below], tree.actions[below]
    assert (parents < below).all()
    np.testing.assert_array_equal(tree.children[parents, actions], below)
    assert (tree.children >= 0).sum() == len(below)
    np.testing.assert_array_equal(tree.visit_counts[parents, actions], tree.node_visits[below])
    through = tree.rewards[below] + tree.discounts[below] * tree.values[below]
    np.testing.assert_allclose(tree.qvalues[parents, actions], through, atol=1e-5)
    np.testing.assert_array_equal(tree.depth[below], tree.depth[parents] + 1)
    np.testing.assert_array_equal(tree.visit_counts[tree.children < 0], 0)
    np.testing.assert_array_equal(tree.qvalues[tree.children < 0], 0.0)


@pytest.mark.parametrize(("world", "policy", "engine"), SEARCHES)
def test_paths_are_games(world, policy, engine):
    """Played by the rules, the path to a node ends where it says, after so many moves."""
    env, problem, root = position(world)
    tree = analysis_of(world, policy, engine).tree
    step, mask = jax.jit(env.step), jax.jit(env.legal_action_mask)
    for node in range(0, len(tree.parents), 3):
        state, walked = root, 0
        for action in tree.path(node):
            assert mask(problem, state)[action]
            state, walked = step(problem, state, jnp.int32(action)), tree.child(walked, action)
        assert walked == node
        assert len(tree.path(node)) == tree.depth[node]
        assert bool(state.ended) == tree.ended[node]
        if not tree.ended[node]:
            legal = np.asarray(mask(problem, state))
            assert (tree.prior[node][~legal] == 0).all()


@pytest.mark.parametrize(("world", "policy", "engine"), SEARCHES[:2])
def test_decides_as_act_does(world, policy, engine):
    _, problem, state = position(world)
    analysis = analysis_of(world, policy, engine)
    expected = agent_of(world, policy, engine).act(state, problem)
    assert analysis.state is state
    assert analysis.decision.action == expected.action == analysis.tree.action
    for name in ("value", "raw_value", "action_weights", "prior", "visit_counts", "qvalues"):
        got, wanted = getattr(analysis.decision, name), getattr(expected, name)
        np.testing.assert_allclose(got, wanted, atol=1e-6, err_msg=name)
    for name in ("prior", "visit_counts", "qvalues"):
        got, wanted = getattr(analysis.tree, name)[0], getattr(expected, name)
        np.testing.assert_allclose(got, wanted, atol=1e-6, err_msg=name)


def test_the_line_follows_the_most_visited():
    tree = analysis_of("tic_tac_toe", "gumbel", "selfplay").tree
    line = tree.principal_line()
    assert line[0].action == tree.action
    assert [step.action for step in line] == tree.path(line[-1].node)
    for before, step in itertools.pairwise(line):
        assert step.visits == tree.visit_counts[before.node].max()
        assert step.qvalue == tree.qvalues[before.node, step.action]
    assert (tree.children[line[-1].node] < 0).all()
    assert tree.principal_line(line[0].node) == line[1:]
    at = int(np.argmax((tree.children[1:] >= 0).sum(1))) + 1  # the most replies to choose from
    replies = tree.best_replies(at, 2)
    assert len(replies) == 2 and tree.principal_line(at)[0] == replies[0]
    assert replies[0].visits == tree.visit_counts[at].max()
    assert [r.visits for r in replies] == sorted((r.visits for r in replies), reverse=True)
    unvisited = int(np.flatnonzero(tree.children[0] < 0)[0])
    assert tree.child(0, unvisited) is None


# Budgets and depth -----------------------------------------------------------------------------


def test_one_program_serves_many_budgets():
    agent = agent_of("tic_tac_toe", "gumbel", "selfplay")
    state = position("tic_tac_toe")[2]
    sizes = {n: len(agent.analyse(state, num_simulations=n).tree.parents) for n in (1, 2, 64)}
    assert sizes[1] == 2 and sizes[2] == 3 and 3 < sizes[64] <= 65
    assert agent._search_with_tree._cache_size() == 1


@pytest.mark.parametrize("engine", ["selfplay", "mctx"])
def test_the_greatest_depth_is_kept(engine):
    """A node there is evaluated again and again, and is still one node."""
    agent = agent_of("nim", "gumbel", engine, max_depth=2)
    tree = agent.analyse(position("nim")[2], num_simulations=40).tree
    assert len(tree.parents) <= 1 + 3 + 9
    assert tree.depth.max() == 2
    assert (tree.children[tree.depth == 2] == -1).all()
    assert tree.node_visits[tree.depth == 2].sum() == 40 - 3
    assert tree.node_visits[0] == 41


def test_an_ended_episode_is_refused():
    agent = agent_of("nim", "gumbel", "selfplay")
    state = position("nim")[2].replace(terminated=jnp.bool_(True))
    with pytest.raises(ValueError, match="the episode has ended"):
        agent.analyse(state)

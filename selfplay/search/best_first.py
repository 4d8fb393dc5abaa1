"""Best-first search by policy: a lone player's problem, a budget, a way to solve it.

    search = BestFirst(env, evaluator)
    found = search(params, problems, budget=10_000)
    found[0].actions  # or None

Unlike a tree search for a move, it never commits to one, and it forgets nothing: its queue holds
every way that was not taken. It is for environments whose steps have no chance in them.
"""

import contextlib
import gc
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.contract import Environment, Problem, State
from selfplay.networks.contract import Params
from selfplay.search.model import Evaluator, mask_logits
from selfplay.search.open_list import LEAST_CHANCE, Edge, Found, OpenList
from selfplay.search.packed import Packing

_LEAST_BATCH = 16
"""States of the smallest batch; others are twice as large, and so on, so that few are compiled."""


def best_first(
    env: Environment[Any],
    evaluator: Evaluator,
    params: Params,
    problems: Problem,
    **options: Any,
) -> list[Found]:
    """One call of `BestFirst(env, evaluator)`, which is better kept where there are many."""
    return BestFirst(env, evaluator)(params, problems, **options)


class BestFirst:
    """Searches problems of an environment for one player; compiled once.

    Levin tree search (Orseau et al. 2018, "Single-agent policy tree search with guarantees",
    section 4): the next state is the one with the least depth / policy(path), the path's policy
    being the product of the shares of its actions. A solution of depth d and policy p is found
    within d / p evaluations. A state that was reached before is left out. Equal arguments give
    equal results.
    """

    def __init__(self, env: Environment[Any], evaluator: Evaluator):
        """Of an environment, by what an evaluator guesses of policy and value at each state.

        Raises ValueError for two players.
        """
        if env.num_players != 1:
            raise ValueError(
                f"best-first search is for one player, {type(env).__name__} has {env.num_players}"
            )
        self._device = _Device(env, evaluator)

    def __call__(
        self,
        params: Params,
        problems: Problem,
        *,
        budget: int | Sequence[int],
        at_once: int | Sequence[int] = 4,
        path_memory: float = 1.0,
        value_weight: float = 0.0,
        heuristic_weight: float = 0.0,
        dives: bool = False,
        seed: int = 0,
        start: State | None = None,
        longest: Sequence[int | None] | None = None,
    ) -> list[Found]:
        """Searches P problems side by side, each with a queue and a budget of its own.

        Args:
            params: the evaluator's.
            problems: Problem [P].
            budget: evaluations of each problem, at least 1.
            at_once: of a problem's states so many are reached together, the best ones: with more
                the device is busier, and what they tell comes later. Where budgets differ, in
                proportion to them, all searches end together and leave no device half idle.
            path_memory: the share of depth and policy of the way that each further step leaves; 1
                is Levin's search. With less of it a long way is no worse than a short one if its
                last steps are likely: no guarantee is left, but solutions of a hundred steps come
                within reach, of which none is likely as a whole.
            value_weight: with it a state comes the sooner the higher the value v of the one before
                it: depth / (policy(path) * ((1 + v) / 2) ** value_weight) is the least.
            heuristic_weight: of the environment's heuristic of the state itself, likewise; it takes
                no evaluation, but all steps from each state that is judged. Without policy and
                value it would be greedy search.
            dives: every other state is reached by following the policy on from the best one, by
                chance, to an end: long solutions of which there are many, none of them likely, are
                found by that (as by LubyTS of the same paper).
            seed: of that chance.
            start: State [P], where to begin; by default at the problems' beginnings.
            longest: of each problem's solution from there, in steps. With it a state counts as
                reached before only if it took no more steps then.

        Returns:
            `Found` for each problem.

        Raises:
            ValueError: no budget, or not one for each problem; or a memory beyond [0, 1].
        """
        if not 0 <= path_memory <= 1:
            raise ValueError(f"path_memory must be between 0 and 1, got {path_memory}")
        device, problems = self._device, jax.device_get(problems)
        states = jax.device_get(device.begin(problems) if start is None else start)
        count = len(states.step_count)
        budgets = _of_each("budget", budget, count)
        searches = [
            OpenList(
                budgets[i],
                path_memory,
                value_weight,
                np.random.default_rng((seed, i)) if dives else None,
                None if longest is None else longest[i],
            )
            for i in range(count)
        ]
        widths = _of_each("at_once", at_once, count)
        with _no_collection():
            self._search(params, problems, states, searches, widths, heuristic_weight)
        return [search.found() for search in searches]

    def _search(
        self,
        params: Params,
        problems: Problem,
        states: State,
        searches: list[OpenList],
        widths: Sequence[int],
        heuristic_weight: float,
    ) -> None:
        """Until all searches are over, from states [P] on."""
        device = self._device
        packing = Packing(jax.tree.map(lambda x: x[0], states))
        owners = np.arange(len(searches))
        edges: Sequence[Edge | None] = [None] * len(searches)
        solved = np.zeros(len(searches), np.bool_)
        while len(owners):
            packed = packing.pack(states)
            ended = states.terminated | states.truncated
            new = [
                row
                for row, owner in enumerate(owners)
                if searches[owner].arrives(
                    edges[row], packed[row][: packing.identity], solved[row], bool(ended[row])
                )
            ]
            if new:
                judged = device.judge(params, problems, owners, states, new, heuristic_weight)
                for row, *guess in zip(new, *judged, strict=True):
                    searches[owners[row]].add(edges[row], packed[row], *guess)
            work = [(i, edge) for i, one in enumerate(searches) for edge in one.best(widths[i])]
            owners = np.array([i for i, _ in work], np.int64)
            edges = [edge for _, edge in work]
            if work:
                parents = packing.unpack([edge.node.state for _, edge in work])
                actions = [edge.action for _, edge in work]
                states, solved = device.step(problems, owners, parents, actions)


def _of_each(name: str, value: int | Sequence[int], count: int) -> list[int]:
    """One for each problem. Raises ValueError where there are others, or less than 1."""
    values = count * [value] if isinstance(value, int) else list(value)
    if len(values) != count:
        raise ValueError(f"{name} must be one for each of {count} problems, got {len(values)}")
    if min(values) < 1:
        raise ValueError(f"{name} must be at least 1, got {min(values)}")
    return values


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Python does not look for cycles: there are none here, and among millions of nodes it does
    so for a sixth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Device:
    """The compiled functions, of batches that are filled up to few sizes."""

    def __init__(self, env: Environment[Any], evaluator: Evaluator):
        def step(problem: Problem, state: State, action: jax.Array) -> tuple[State, jax.Array]:
            after = env.step(problem, state, action)
            return after, after.ended & env.solved(problem, after)

        def hint(problem: Problem, state: State, action: jax.Array) -> jax.Array:
            after = env.step(problem, state, action)
            return -jnp.log(jnp.maximum((1.0 + env.heuristic(problem, after)) / 2.0, LEAST_CHANCE))

        def judge(
            params: Params, problem: Problem, state: State, heuristic_weight: float
        ) -> tuple[jax.Array, ...]:
            keys = jax.random.split(jax.random.key(0), len(state.step_count))
            logits, value = evaluator(params, keys, problem, state)
            legal = jax.vmap(env.legal_action_mask)(problem, state)
            costs = -jax.nn.log_softmax(mask_logits(logits, legal))
            costs = jnp.where(legal, costs, jnp.inf)
            hints = jnp.zeros_like(costs)
            if heuristic_weight:
                actions = jnp.arange(env.num_actions, dtype=jnp.int32)
                of_all = jax.vmap(jax.vmap(hint, (None, None, 0)), (0, 0, None))
                hints = heuristic_weight * of_all(problem, state, actions)
            order = jnp.argsort(costs + hints, axis=-1)
            costs, hints = (jnp.take_along_axis(x, order, axis=-1) for x in (costs, hints))
            return order.astype(jnp.int16), costs, hints, value

        self.begin = jax.jit(jax.vmap(env.init))
        """The first states [P] of problems [P]."""
        self._step = jax.jit(jax.vmap(step))
        self._judge = jax.jit(judge, static_argnums=3)

    def step(
        self, problems: Problem, owners: np.ndarray, states: State, actions: list[int]
    ) -> tuple[State, np.ndarray]:
        """The states after actions [N], and which of them are solved (bool [N])."""
        problems = jax.tree.map(lambda x: x[owners], problems)
        return _padded(self._step, problems, states, np.array(actions, np.int32))

    def judge(
        self,
        params: Params,
        problems: Problem,
        owners: np.ndarray,
        states: State,
        rows: list[int],
        heuristic_weight: float,
    ) -> tuple[np.ndarray, ...]:
        """Of some states: actions by rank [N, A], `costs` and `hints` [N, A], values [N]."""
        problems = jax.tree.map(lambda x: x[owners[rows]], problems)
        states = jax.tree.map(lambda x: x[rows], states)

        def judge(problems: Problem, states: State) -> tuple[jax.Array, ...]:
            return self._judge(params, problems, states, heuristic_weight)

        return _padded(judge, problems, states)


def _padded(function: Any, *arguments: Any) -> Any:
    """A compiled function of N rows, filled up to a batch of one of few sizes."""
    count = len(jax.tree.leaves(arguments)[0])
    rows = np.minimum(np.arange(max(_LEAST_BATCH, 1 << (count - 1).bit_length())), count - 1)
    result = jax.device_get(function(*jax.tree.map(lambda x: x[rows], arguments)))
    return jax.tree.map(lambda x: x[:count], result)

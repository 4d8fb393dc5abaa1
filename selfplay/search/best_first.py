"""Best-first search by policy: a lone player's problem, a budget, a way to solve it.

    search = BestFirst(env, evaluator)
    found = search(params, problems, budget=10_000)
    found[0].actions  # or None

Unlike a tree search for a move, it never commits to one, and it forgets nothing: its queue holds
every way that was not taken. It is for environments whose steps have no chance in them.
"""

import contextlib
import dataclasses
import gc
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.contract import Environment, Problem, State
from selfplay.environment.facts import encounter_of
from selfplay.networks.contract import Params
from selfplay.search.edges import Edge
from selfplay.search.model import Evaluator, mask_logits
from selfplay.search.open_list import LEAST_CHANCE, Found, Guess, OpenList
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

    Where an environment has `ends` it is searched from both: a state moves but one of them, the
    other stays where it began, and it is solved where what was reached from both meets.
    """

    def __init__(self, env: Environment[Any], evaluator: Evaluator):
        """Of an environment, by what an evaluator guesses of policy and value at each state.

        Raises ValueError for two players, or for ends of which nobody says which meet.
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
                no evaluation, but `heuristic_after` of each state that is judged. Without policy
                and value it would be greedy search.
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
                limit=device.max_steps - int(states.step_count[i]),
                encounter=device.encounter,
            )
            for i in range(count)
        ]
        widths = _of_each("at_once", at_once, count)
        with _no_collection():
            self._search(params, problems, states, searches, widths, heuristic_weight)
        found = [search.found() for search in searches]
        return found if device.encounter is None else self._confirmed(problems, states, found)

    def _confirmed(self, problems: Problem, states: State, found: Sequence[Found]) -> list[Found]:
        """What the rules confirm, from states [P] on, up to where they say that it is solved.

        Where both ends meet is what the environment's `encounter` says, of moves that were never
        made; a solution is what `step` and `solved` say.
        """
        solved_by: dict[int, int] = {}
        for step in range(max((len(one.actions or ()) for one in found), default=0)):
            going = [
                i
                for i, one in enumerate(found)
                if i not in solved_by and step < len(one.actions or ())
            ]
            rows, actions = np.array(going), [(found[i].actions or ())[step] for i in going]
            before = jax.tree.map(lambda x: x[rows], states)  # noqa: B023
            after, solved = self._device.step(problems, rows, before, actions)
            states = jax.tree.map(lambda x, new: _with(x, rows, new), states, after)  # noqa: B023
            solved_by |= {i: step + 1 for i, done in zip(going, solved, strict=True) if done}
        return [
            dataclasses.replace(
                one, actions=(one.actions or ())[: solved_by[i]] if i in solved_by else None
            )
            for i, one in enumerate(found)
        ]

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
                ends = [-1 if (edge := edges[row]) is None else edge.end for row in new]
                judged = device.judge(params, problems, owners, states, new, ends, heuristic_weight)
                for row, guess in zip(new, judged, strict=True):
                    searches[owners[row]].add(edges[row], packed[row], guess)
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

        def hint(problem: Problem, state: State) -> jax.Array:
            chance = (1.0 + env.heuristic_after(problem, state)) / 2.0
            return -jnp.log(jnp.maximum(chance, LEAST_CHANCE))

        def judge(
            params: Params,
            problem: Problem,
            state: State,
            end: jax.Array,
            heuristic_weight: float,
        ) -> tuple[jax.Array | None, ...]:
            keys = jax.random.split(jax.random.key(0), len(state.step_count))
            logits, value = evaluator(params, keys, problem, state)
            legal = jax.vmap(env.legal_action_mask)(problem, state)
            ends = jax.vmap(env.ends)(problem, state)
            if ends is not None:
                legal &= (end[:, None] < 0) | (ends.end == end[:, None])
            costs = -jax.nn.log_softmax(mask_logits(logits, legal))
            costs = jnp.where(legal, costs, jnp.inf)
            hints = jnp.zeros_like(costs)
            if heuristic_weight:
                hints = heuristic_weight * jax.vmap(hint)(problem, state)
            order = jnp.argsort(costs + hints, axis=-1)

            def ranked(x: jax.Array) -> jax.Array:
                return jnp.take_along_axis(x, order, axis=-1)

            guess = (order.astype(jnp.int16), ranked(costs), ranked(hints), value)
            if ends is None:
                return *guess, None, None, None
            after = jnp.take_along_axis(ends.after, order[..., None], axis=-2)
            return *guess, ranked(ends.end), after, ends.now

        self.begin = jax.jit(jax.vmap(env.init))
        """The first states [P] of problems [P]."""
        self._step = jax.jit(jax.vmap(step))
        self._judge = jax.jit(judge, static_argnums=4)
        self.max_steps = env.max_steps
        self.encounter = encounter_of(env)

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
        ends: list[int],
        heuristic_weight: float,
    ) -> list[Guess]:
        """Of some states, by moves of one end where it is not -1."""
        problems = jax.tree.map(lambda x: x[owners[rows]], problems)
        states = jax.tree.map(lambda x: x[rows], states)

        def judge(problems: Problem, states: State, ends: jax.Array) -> Any:
            return self._judge(params, problems, states, ends, heuristic_weight)

        guess = _padded(judge, problems, states, np.array(ends, np.int8))
        columns = [itertools.repeat(None) if x is None else x for x in guess]
        return [Guess(*row) for row in zip(*columns, strict=False)]


def _with(rows: np.ndarray, places: np.ndarray, new: np.ndarray) -> np.ndarray:
    """A copy with other values in some places."""
    rows = rows.copy()
    rows[places] = new
    return rows


def _padded(function: Any, *arguments: Any) -> Any:
    """A compiled function of N rows, filled up to a batch of one of few sizes."""
    count = len(jax.tree.leaves(arguments)[0])
    rows = np.minimum(np.arange(max(_LEAST_BATCH, 1 << (count - 1).bit_length())), count - 1)
    result = jax.device_get(function(*jax.tree.map(lambda x: x[rows], arguments)))
    return jax.tree.map(lambda x: x[:count], result)

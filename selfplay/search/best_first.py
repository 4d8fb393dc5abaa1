"""Best-first search by policy: a lone player's problem, a budget, a way to solve it.

    search = BestFirst(env, evaluator)
    found = search(params, problems, budget=10_000)
    found[0].actions  # or None

Unlike a tree search for a move, it never commits to one, and it forgets nothing: its queue holds
every way that was not taken. It is for environments whose steps have no chance in them.
"""

import dataclasses
import heapq
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.contract import Environment, Problem, State
from selfplay.networks.contract import Params
from selfplay.search.model import Evaluator, mask_logits
from selfplay.search.packed import Packing

_LEAST_CHANCE = 1e-6
"""That a value or a heuristic can say."""

_LEAST_BATCH = 64
"""States of the smallest batch; others are twice as large, and so on, so that few are compiled."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What a search of one problem came to."""

    actions: tuple[int, ...] | None
    """From the beginning to where it is solved; None if it was not."""
    evaluations: int
    """States that the network judged."""
    steps: int
    """Rules applied: to reach those, and ends, and states that were known already."""
    exhausted: bool
    """Whether nothing was left to try, within the environment's limit of steps."""


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
        budget: int,
        at_once: int = 4,
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
            budget: evaluations of a problem, at least 1.
            at_once: of a problem's states so many are reached together, the best ones: with more
                the device is busier, and what they tell comes later.
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
            ValueError: no budget.
        """
        for name, value in (("budget", budget), ("at_once", at_once)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        device, problems = self._device, jax.device_get(problems)
        states = jax.device_get(device.begin(problems) if start is None else start)
        packing = Packing(jax.tree.map(lambda x: x[0], states))
        searches = [
            _Search(
                budget,
                value_weight,
                np.random.default_rng((seed, i)) if dives else None,
                None if longest is None else longest[i],
            )
            for i in range(len(states.step_count))
        ]
        owners = np.arange(len(searches))
        edges: Sequence[_Edge | None] = [None] * len(searches)
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
            work = [(i, edge) for i, one in enumerate(searches) for edge in one.best(at_once)]
            owners = np.array([i for i, _ in work], np.int64)
            edges = [edge for _, edge in work]
            if work:
                parents = packing.unpack([edge.node.state for _, edge in work])
                actions = [edge.action for _, edge in work]
                states, solved = device.step(problems, owners, parents, actions)
        return [search.found() for search in searches]


class _Node(NamedTuple):
    """A state that was judged."""

    state: bytes
    edge: "_Edge | None"
    """By which it was reached; None at the beginning."""
    depth: int
    cost: float
    """-log of the policy of the way here."""
    value_cost: float
    """-log of what its value says, by its weight."""
    order: np.ndarray
    """int16 [A]: actions, those that come first in front."""
    costs: np.ndarray
    """float32 [A]: -log of their shares; infinite where they are illegal."""
    hints: np.ndarray
    """float32 [A]: -log of what the heuristic says of where they lead, by its weight."""


class _Edge(NamedTuple):
    """An action of a state that was judged, by its rank."""

    node: _Node
    rank: int

    @property
    def action(self) -> int:
        """Its number."""
        return int(self.node.order[self.rank])

    @property
    def cost(self) -> float:
        """-log of the policy of the way through it."""
        return self.node.cost + float(self.node.costs[self.rank])


class _Search:
    """One problem's queue and budget."""

    def __init__(
        self,
        budget: int,
        value_weight: float,
        chance: np.random.Generator | None,
        longest: int | None,
    ):
        self.budget, self.value_weight, self.chance = budget, value_weight, chance
        self.longest = longest
        self.diver: _Node | None = None
        self.falling: _Edge | None = None
        """The edge by which a dive goes on; None where the next best one begins a dive."""
        self.is_turn = False
        self.evaluations = self.steps = 0
        self.solution: _Edge | None = None
        self.queue: list[tuple[float, int, _Edge]] = []
        self.pushed = 0
        self.known: dict[bytes, int] = {}
        """The steps in which each state was reached."""

    def arrives(self, edge: _Edge | None, identity: bytes, solved: bool, ended: bool) -> bool:
        """Takes a state that was reached; says whether it is to be judged."""
        self.steps += edge is not None
        if solved and self.solution is None:
            self.solution = edge
        depth = 0 if edge is None else edge.node.depth + 1
        if ended or self.is_over or self._is_known(identity, depth):
            if edge is self.falling:
                self.diver = self.falling = None
            return False
        self.known[identity] = depth
        self.evaluations += 1
        return True

    def _is_known(self, identity: bytes, depth: int) -> bool:
        """Whether nothing new can come of a state that was reached in so many steps."""
        if self.longest is None:
            return identity in self.known
        return depth >= min(self.longest, self.known.get(identity, self.longest))

    @property
    def is_over(self) -> bool:
        """It is solved, or the budget is spent."""
        return self.solution is not None or self.evaluations >= self.budget

    def add(
        self,
        edge: _Edge | None,
        state: bytes,
        order: np.ndarray,
        costs: np.ndarray,
        hints: np.ndarray,
        value: float,
    ) -> None:
        """Takes what was judged of a state; its best action joins the queue."""
        depth, cost = (0, 0.0) if edge is None else (edge.node.depth + 1, edge.cost)
        chance = max((1.0 + float(value)) / 2.0, _LEAST_CHANCE)
        value_cost = -self.value_weight * math.log(chance)
        node = _Node(state, edge, depth, cost, value_cost, order, costs, hints)
        if edge is not None and edge is self.falling:
            self.diver = node
        self._push(_Edge(node, 0))

    def best(self, count: int) -> list[_Edge]:
        """The next edges, at most so many; of each its state's next best takes the place."""
        edges = []
        self.is_turn = not self.is_turn
        if self.diver is not None and not self.is_over and (self.is_turn or count > 1):
            edges.append(self._fall(self.diver))
        while self.queue and len(edges) < count and not self.is_over:
            edge = heapq.heappop(self.queue)[2]
            self._push(edge._replace(rank=edge.rank + 1))
            edges.append(edge)
        if self.chance is not None and self.falling is None and edges:
            self.falling = edges[0]
        return edges

    def _fall(self, node: _Node) -> _Edge:
        """On by an action that is drawn from the policy."""
        assert self.chance is not None
        shares = np.exp(-node.costs.astype(np.float64))
        rank = int(self.chance.choice(len(shares), p=shares / shares.sum()))
        self.falling, self.diver = _Edge(node, rank), None
        return self.falling

    def _push(self, edge: _Edge) -> None:
        node, rank = edge
        if rank < len(node.costs) and node.costs[rank] < math.inf:
            self.pushed += 1  # of equal ones the first comes first
            cost = math.log(node.depth + 1) + node.value_cost + edge.cost + float(node.hints[rank])
            heapq.heappush(self.queue, (cost, self.pushed, edge))

    def found(self) -> Found:
        """What it came to."""
        actions, edge = [], self.solution
        while edge is not None:
            actions.append(edge.action)
            edge = edge.node.edge
        return Found(
            actions=None if self.solution is None else tuple(reversed(actions)),
            evaluations=self.evaluations,
            steps=self.steps,
            exhausted=self.solution is None and not self.queue,
        )


class _Device:
    """The compiled functions, of batches that are filled up to few sizes."""

    def __init__(self, env: Environment[Any], evaluator: Evaluator):
        def step(problem: Problem, state: State, action: jax.Array) -> tuple[State, jax.Array]:
            after = env.step(problem, state, action)
            return after, after.ended & env.solved(problem, after)

        def hint(problem: Problem, state: State, action: jax.Array) -> jax.Array:
            after = env.step(problem, state, action)
            return -jnp.log(jnp.maximum((1.0 + env.heuristic(problem, after)) / 2.0, _LEAST_CHANCE))

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

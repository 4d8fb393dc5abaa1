"""One search: from parameters and states to better policies, values and actions.

    evaluator = network_evaluator(env, network.apply)
    result = search(env, evaluator, params, keys, problem, state, SearchConfig())
    result.action_weights  # [B, A], a better policy than the network's

Each game's search depends on its own key alone, not on the batch it happens to be in, so a
batch split over devices gives what one device gives.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import mctx
from flax import struct

from selfplay.config import SearchConfig
from selfplay.environment.contract import Environment, Problem, State
from selfplay.networks.contract import Params
from selfplay.search import engine, model, record
from selfplay.search.noise import add_dirichlet
from selfplay.search.record import TreeRecord

_LEAST_WEIGHT = 1e-30
"""Keeps a mean defined where all actions visited have no weight."""


class SearchResult(struct.PyTreeNode):
    """What a search found for each of B states."""

    action: jax.Array
    """int32 [B]: the action to play."""
    action_weights: jax.Array
    """float32 [B, A]: the improved policy; zero on illegal actions."""
    value: jax.Array
    """float32 [B]: value of the improved policy over the actions visited, for the mover."""
    qvalues: jax.Array
    """float32 [B, A]: value of each action for the mover; 0 where it was not visited."""
    visit_counts: jax.Array
    """int32 [B, A]: simulations that went through each action."""
    prior: jax.Array
    """float32 [B, A]: the network's policy as the search begins with it."""
    raw_value: jax.Array
    """float32 [B]: the network's value, before the search."""


def search(
    env: Environment,
    evaluator: model.Evaluator,
    params: Params,
    keys: jax.Array,
    problem: Problem,
    state: State,
    config: SearchConfig,
    num_simulations: jax.Array | None = None,
) -> SearchResult:
    """Searches from each of B states, none of which has ended.

    Gumbel AlphaZero (Danihelka et al. 2022, "Policy improvement by planning with Gumbel",
    algorithm 2 and section 4) or PUCT (Silver et al. 2018), by `config.policy`. The function
    around it is best jitted by `jit_search`.

    Args:
        env: the rules.
        evaluator: guesses at the root and at every new node.
        params: the evaluator's.
        keys: PRNG keys [B], each used for one game.
        problem: Problem [B].
        state: State [B].
        config: which search, how many simulations, how much noise.
        num_simulations: int32 [B] or [], traced: each game's own budget, at most
            `config.num_simulations`, which is the default. The time is that of their sum.

    Raises:
        ValueError: trees too large to be numbered, or budgets with the engine mctx.
    """
    searcher = _Searcher(env, model.tempered(evaluator, config.prior_temperature), config)
    budget = _budget(config, keys.shape[0], num_simulations)
    if budget is None:
        return jax.vmap(searcher.by_mctx, (None, 0, 0, 0))(params, keys, problem, state)[0]
    batch_size = keys.shape[0]
    lanes = min(config.lanes or batch_size, batch_size)
    if num_simulations is not None and num_simulations.ndim > 0:
        lanes = min(lanes, max(-(-batch_size // _BUDGET_GROUPS), _MIN_LANES))
    return _in_lanes(
        lambda games: searcher.by_engine(params, *games)[0], (keys, problem, state, budget), lanes
    )


def search_with_tree(
    env: Environment,
    evaluator: model.Evaluator,
    params: Params,
    keys: jax.Array,
    problem: Problem,
    state: State,
    config: SearchConfig,
    num_simulations: jax.Array | None = None,
) -> tuple[SearchResult, TreeRecord]:
    """`search`, with its arguments and errors, and the trees [B] that it grew, all at once."""
    searcher = _Searcher(env, model.tempered(evaluator, config.prior_temperature), config)
    budget = _budget(config, keys.shape[0], num_simulations)
    if budget is None:
        by_mctx = jax.vmap(searcher.by_mctx, (None, 0, 0, 0))
        result, tree = by_mctx(params, keys, problem, state)
        return result, record.of_mctx(tree)
    result, tree = searcher.by_engine(params, keys, problem, state, budget)
    return result, record.of_engine(tree, state, log_prior=config.policy == "gumbel")


def _budget(
    config: SearchConfig, batch_size: int, num_simulations: jax.Array | None
) -> jax.Array | None:
    """int32 [B]: each game's simulations, or None with mctx.

    Raises ValueError for budgets with mctx.
    """
    if config.engine == "mctx":
        if num_simulations is not None:
            raise ValueError('search.engine "mctx" has one budget; "selfplay" takes one a game')
        return None
    if num_simulations is None:
        return jnp.full(batch_size, config.num_simulations, jnp.int32)
    return jnp.broadcast_to(num_simulations, batch_size).astype(jnp.int32)


def without_noise(config: SearchConfig, num_simulations: int) -> SearchConfig:
    """The same search for play and judgement: so many simulations, no exploration noise."""
    return dataclasses.replace(
        config, num_simulations=num_simulations, gumbel_scale=0.0, dirichlet_fraction=0.0
    )


_BUDGET_GROUPS = 4
_MIN_LANES = 32
"""Games of different budgets are searched in groups of like budgets: no more groups than the
first, none smaller than the second."""


@dataclasses.dataclass(frozen=True)
class _Searcher:
    """A search by either engine: what it found, and the engine's own trees."""

    env: Environment
    evaluator: model.Evaluator
    config: SearchConfig

    def by_engine(
        self, params: Params, keys: jax.Array, problem: Problem, state: State, budget: jax.Array
    ) -> tuple[SearchResult, Any]:
        """The engine's search of B games together, each with its own key and budget [B]."""
        policy: Any = self._policy(engine)
        most = self.config.num_simulations
        policy = functools.partial(policy, num_simulations=budget, max_num_simulations=most)
        return self._search(policy, params, keys, problem, state)

    def by_mctx(
        self, params: Params, key: jax.Array, problem: Problem, state: State
    ) -> tuple[SearchResult, Any]:
        """mctx's search of one game, in a batch of one: keys of its own, as in `by_engine`."""
        policy = functools.partial(self._policy(mctx), num_simulations=self.config.num_simulations)

        def with_one_key(params, rng_key, root, recurrent_fn, **options):
            def with_keys(params, key, action, embedding):
                return recurrent_fn(params, key[None], action, embedding)

            with jax.numpy_dtype_promotion("standard"):  # mctx mixes integers and floats
                return policy(params, rng_key[0], root, with_keys, **options)

        one = jax.tree.map(lambda x: x[None], (key, problem, state))
        return jax.tree.map(lambda x: x[0], self._search(with_one_key, params, *one))

    def _policy(self, library: Any) -> Any:
        """The policy of the engine or of mctx, with all settings but the budget."""
        if self.config.policy == "gumbel":
            return functools.partial(
                library.gumbel_muzero_policy,
                max_depth=self.config.max_depth,
                max_num_considered_actions=self.config.max_considered_actions,
                gumbel_scale=self.config.gumbel_scale,
                qtransform=functools.partial(
                    mctx.qtransform_completed_by_mix_value,
                    value_scale=self.config.value_scale,
                    rescale_values=self.config.rescale_values,
                ),
            )
        return functools.partial(
            library.muzero_policy,
            max_depth=self.config.max_depth,
            dirichlet_fraction=0.0,
            pb_c_init=self.config.exploration,
            temperature=0.0,
        )

    def _search(
        self, policy: Any, params: Params, keys: jax.Array, problem: Problem, state: State
    ) -> tuple[SearchResult, Any]:
        """Root, noise, search and what it found, for states [B] with keys [B]."""
        split = jax.vmap(lambda key: jax.random.split(key, 3))(keys)
        root: Any = model.root(self.env, self.evaluator, params, split[:, 0], problem, state)
        legal = jax.vmap(self.env.legal_action_mask)(problem, state)
        noisy = self._add_noise(split[:, 1], root, legal)
        recurrent_fn = model.make_recurrent_fn(self.env, self.evaluator)
        output = policy((params, problem), split[:, 2], noisy, recurrent_fn, invalid_actions=~legal)
        summary: Any = output.search_tree.summary()
        result = SearchResult(
            action=output.action.astype(jnp.int32),
            action_weights=output.action_weights,
            value=_improved_value(output.action_weights, summary),
            qvalues=summary.qvalues,
            visit_counts=summary.visit_counts.astype(jnp.int32),
            prior=jax.nn.softmax(root.prior_logits),
            raw_value=root.value,
        )
        return result, output.search_tree

    def _add_noise(self, keys: jax.Array, root: Any, legal: jax.Array) -> Any:
        """The root with Dirichlet noise in its prior, if the policy wants it."""
        if self.config.policy == "gumbel" or self.config.dirichlet_fraction == 0.0:
            return root
        count = legal.sum(-1, keepdims=True).astype(root.prior_logits.dtype)
        noisy = add_dirichlet(
            keys,
            root.prior_logits,
            legal,
            self.config.dirichlet_fraction,
            self.config.dirichlet_concentration / count,
        )
        return root.replace(prior_logits=model.mask_logits(noisy, legal))


def _in_lanes(search: Any, games: tuple[Any, ...], lanes: int) -> SearchResult:
    """`search` of `lanes` games at a time, those of like budgets (the last of `games`) together.

    A group takes as long as its largest budget, so that all take little longer than the sum of
    budgets; and its trees use the memory of the group before.
    """
    budget = games[-1]
    batch_size = budget.shape[0]
    if lanes >= batch_size:
        return search(games)
    order = jnp.argsort(-budget)
    groups = -(-batch_size // lanes)
    lanes = -(-batch_size // groups)  # as even as can be
    filled = jnp.pad(order, (0, groups * lanes - batch_size))
    rested = jnp.arange(groups * lanes) >= batch_size
    *others, budget = jax.tree.map(lambda x: x[filled], games)
    games = (*others, jnp.where(rested, 0, budget))
    in_groups = jax.tree.map(lambda x: x.reshape(groups, lanes, *x.shape[1:]), games)
    results = jax.lax.map(search, in_groups)
    back = jnp.argsort(order)
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[back], results)


def _improved_value(action_weights: jax.Array, summary: Any) -> jax.Array:
    """Mean of the actions' values under the improved policy, where they were visited: [B].

    The mean over visits, mctx's root value, is no estimate of how well the state is played
    under Gumbel: sequential halving spends half of them on moves that it then rejects. It stands
    where nothing was visited.
    """
    visited = summary.visit_counts > 0
    weights = jnp.where(visited, jnp.maximum(action_weights, _LEAST_WEIGHT), 0.0)
    total = jnp.maximum(weights.sum(-1), _LEAST_WEIGHT)
    return jnp.where(visited.any(-1), (weights * summary.qvalues).sum(-1) / total, summary.value)

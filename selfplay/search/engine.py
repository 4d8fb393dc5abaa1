"""The engine's policies: mctx's, with the same arguments and answers, many times faster.

    output = engine.gumbel_muzero_policy(params, key, root, recurrent_fn, num_simulations=64)

What mctx has not: `num_simulations` may be an array, one budget a game, traced; and the key may
be one a game, so that a game's search does not depend on the batch it is in. The function around
it is best jitted by `jit_search`.
"""

import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mctx
from flax import struct

from selfplay.search import choice, simulation
from selfplay.search.noise import add_dirichlet
from selfplay.search.simulation import COMPILER_OPTIONS as COMPILER_OPTIONS
from selfplay.search.simulation import jit_search as jit_search
from selfplay.search.tree import Tree


class Summary(NamedTuple):
    """Statistics of the roots, as mctx's `SearchSummary`."""

    visit_counts: jax.Array
    """float32 [B, A]: simulations that went through each action."""
    visit_probs: jax.Array
    """float32 [B, A]: their shares; equal where there were none."""
    value: jax.Array
    """float32 [B]: mean return."""
    qvalues: jax.Array
    """float32 [B, A]: mean return of each action; 0 where it was not visited."""


class SearchTree(struct.PyTreeNode):
    """What a search leaves: its trees."""

    tree: Tree
    batch_size: int = struct.field(pytree_node=False)

    def summary(self) -> Summary:
        """Statistics of the roots."""
        roots = self.tree.roots(self.batch_size)
        total = roots.visits.sum(-1, keepdims=True)
        shares = roots.visits / jnp.maximum(total, 1.0)
        return Summary(
            visit_counts=roots.visits,
            visit_probs=jnp.where(total > 0, shares, 1.0 / roots.visits.shape[-1]),
            value=roots.node_value,
            qvalues=roots.qvalues,
        )


class PolicyOutput(NamedTuple):
    """What a policy proposes, as mctx's `PolicyOutput`."""

    action: jax.Array
    """int32 [B]."""
    action_weights: jax.Array
    """float32 [B, A]: the improved policy, or shares of visits."""
    search_tree: SearchTree


def gumbel_muzero_policy(
    params: Any,
    rng_key: jax.Array,
    root: Any,
    recurrent_fn: Any,
    num_simulations: int | jax.Array,
    invalid_actions: jax.Array | None = None,
    max_depth: int | None = None,
    *,
    max_num_simulations: int | None = None,
    qtransform: Any = mctx.qtransform_completed_by_mix_value,
    max_num_considered_actions: int = 16,
    gumbel_scale: float | jax.Array = 1.0,
) -> PolicyOutput:
    """Gumbel AlphaZero's search (Danihelka et al. 2022), as `mctx.gumbel_muzero_policy`.

    Args:
        params: given to `recurrent_fn`.
        rng_key: one PRNG key, or one for each game [B].
        root: an `mctx.RootFnOutput`, float32.
        recurrent_fn: an `mctx.RecurrentFn`; gets as many keys as `rng_key` has.
        num_simulations: one budget for all games, or int32 [B], traced or not; 0 for no search.
        invalid_actions: [B, A], nonzero where an action is not allowed at the root.
        max_depth: of a node; None means no limit.
        max_num_simulations: room in the trees; needed where `num_simulations` is an array.
        qtransform: an mctx Q-transform.
        max_num_considered_actions: actions that enter sequential halving at the root.
        gumbel_scale: of the noise at the root; 0 plays the best found.

    Raises:
        ValueError: trees too large, or a `recurrent_fn` that returns other shapes or dtypes.
    """
    rng_key = _typed(rng_key)
    budget, most = _budgets(num_simulations, max_num_simulations, root)
    invalid = _invalid(invalid_actions, root)
    logits = _mask(root.prior_logits, invalid)
    root = root.replace(prior_logits=logits)
    keys, gumbel_keys = _split(rng_key, 2)
    noise = gumbel_scale * _draw(gumbel_keys, jax.random.gumbel, logits.shape)
    chooser = choice.gumbel(qtransform, noise, invalid, budget, most, max_num_considered_actions)
    tree = simulation.search(params, keys, root, recurrent_fn, chooser, budget, most, max_depth)
    roots = tree.roots(logits.shape[0])
    completed = choice.transform(qtransform, roots, roots.prior)
    considered = roots.visits.max(-1, keepdims=True)
    scores = choice.score_considered(considered, noise, logits, completed, roots.visits)
    return PolicyOutput(
        action=choice.masked_argmax(scores, invalid),
        action_weights=jax.nn.softmax(_mask(logits + completed, invalid)),
        search_tree=SearchTree(tree=tree, batch_size=logits.shape[0]),
    )


def muzero_policy(
    params: Any,
    rng_key: jax.Array,
    root: Any,
    recurrent_fn: Any,
    num_simulations: int | jax.Array,
    invalid_actions: jax.Array | None = None,
    max_depth: int | None = None,
    *,
    max_num_simulations: int | None = None,
    qtransform: Any = mctx.qtransform_by_parent_and_siblings,
    dirichlet_fraction: float | jax.Array = 0.25,
    dirichlet_alpha: float = 0.3,
    pb_c_init: float = 1.25,
    pb_c_base: float = 19652.0,
    temperature: float | jax.Array = 1.0,
) -> PolicyOutput:
    """PUCT search (Silver et al. 2018; Schrittwieser et al. 2020), as `mctx.muzero_policy`.

    Two things differ from mctx. Ties are broken by one draw of noise for each game, where mctx
    draws anew at each node that a simulation passes; and Dirichlet noise is on legal actions only.

    Args:
        params: given to `recurrent_fn`.
        rng_key: one PRNG key, or one for each game [B].
        root: an `mctx.RootFnOutput`, float32.
        recurrent_fn: an `mctx.RecurrentFn`; gets as many keys as `rng_key` has.
        num_simulations: one budget for all games, or int32 [B], traced or not.
        invalid_actions: [B, A], nonzero where an action is not allowed at the root.
        max_depth: of a node; None means no limit.
        max_num_simulations: room in the trees; needed where `num_simulations` is an array.
        qtransform: an mctx Q-transform.
        dirichlet_fraction: share of noise in the root's prior.
        dirichlet_alpha: concentration of that noise, for each legal action alone: the noise of
            illegal ones is not drawn.
        pb_c_init: constant c1 of PUCT.
        pb_c_base: constant c2 of PUCT.
        temperature: of the choice among visits; 0 takes the most visited.

    Raises:
        ValueError: trees too large, or a `recurrent_fn` that returns other shapes or dtypes.
    """
    rng_key = _typed(rng_key)
    budget, most = _budgets(num_simulations, max_num_simulations, root)
    invalid = _invalid(invalid_actions, root)
    action_keys, noise_keys, keys = _split(rng_key, 3)
    dirichlet_keys, tie_keys = _split(noise_keys, 2)
    logits = _logits(jax.nn.softmax(root.prior_logits))
    if not isinstance(dirichlet_fraction, float) or dirichlet_fraction > 0.0:
        logits = add_dirichlet(
            dirichlet_keys, root.prior_logits, ~invalid, dirichlet_fraction, dirichlet_alpha
        )
    root = root.replace(prior_logits=_mask(logits, invalid))
    ties = _draw(tie_keys, jax.random.uniform, logits.shape)
    chooser = choice.puct(qtransform, ties, invalid, pb_c_init, pb_c_base)
    tree = simulation.search(params, keys, root, recurrent_fn, chooser, budget, most, max_depth)
    search_tree = SearchTree(tree=tree, batch_size=logits.shape[0])
    summary = search_tree.summary()
    prior = jax.nn.softmax(root.prior_logits)  # of a game that had no simulation
    visited = summary.visit_counts.sum(-1, keepdims=True) > 0
    weights = jnp.where(visited, summary.visit_probs, prior)
    logits = _logits(weights)
    logits = logits - logits.max(-1, keepdims=True)
    logits = logits / jnp.maximum(jnp.finfo(jnp.float32).tiny, temperature)
    gumbels = _draw(action_keys, jax.random.gumbel, logits.shape)
    action = jnp.argmax(logits + gumbels, axis=-1).astype(jnp.int32)
    return PolicyOutput(action=action, action_weights=weights, search_tree=search_tree)


def _typed(key: jax.Array) -> jax.Array:
    """A key, or keys [B], of the typed kind, from either kind."""
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return key
    return jax.random.wrap_key_data(key)


def _budgets(
    num_simulations: int | jax.Array, max_num_simulations: int | None, root: Any
) -> tuple[jax.Array, int]:
    """int32 [B] and its static bound, to which larger ones are cut.

    Raises ValueError where no bound is known.
    """
    batch_size = root.value.shape[0]
    if max_num_simulations is None:
        if isinstance(num_simulations, jax.Array):
            raise ValueError("num_simulations is an array: max_num_simulations must be given")
        max_num_simulations = operator.index(num_simulations)
    budget = jnp.asarray(num_simulations, jnp.int32)
    return jnp.broadcast_to(
        jnp.minimum(budget, max_num_simulations), batch_size
    ), max_num_simulations


def _invalid(invalid_actions: jax.Array | None, root: Any) -> jax.Array:
    """bool [B, A]."""
    if invalid_actions is None:
        return jnp.zeros(root.prior_logits.shape, jnp.bool_)
    return invalid_actions.astype(jnp.bool_)


def _mask(logits: jax.Array, invalid: jax.Array) -> jax.Array:
    """Logits [B, A], the highest 0, those of invalid actions finite but without probability."""
    logits = logits - logits.max(-1, keepdims=True)
    return jnp.where(invalid, jnp.finfo(logits.dtype).min, logits)


def _logits(probabilities: jax.Array) -> jax.Array:
    return jnp.log(jnp.maximum(probabilities, jnp.finfo(jnp.float32).tiny))


def _split(keys: jax.Array, number: int) -> tuple[jax.Array, ...]:
    """`number` keys from one key, or from each of B."""
    if keys.ndim == 0:
        return tuple(jax.random.split(keys, number))
    split = jax.vmap(lambda key: jax.random.split(key, number))(keys)
    return tuple(split[:, i] for i in range(number))


def _draw(keys: jax.Array, draw: Any, shape: tuple[int, ...]) -> jax.Array:
    """Random numbers [B, A] by one key, as mctx draws them, or by each game's own."""
    if keys.ndim == 0:
        return draw(keys, shape)
    return jax.vmap(lambda key: draw(key, shape[1:]))(keys)

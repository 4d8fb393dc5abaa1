"""Different folds of one chain, drawn without replacement: no fold is drawn twice.

Draws with replacement from a sharp policy are the same few folds again and again; from a flat one
they differ, and few are good. Without replacement a policy can stay sharp: what it likes best comes
first, and then the next. Partial folds are kept in the order of their log probabilities with Gumbel
noise that their descendants share, which makes the folds at the end a sample in order, without
replacement, of the policy's distribution over whole folds. W. Kool, H. van Hoof and M. Welling,
"Stochastic Beams and Where to Find Them", ICML 2019, section 4.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from selfplay.agent import Agent
from selfplay.config import SearchConfig
from selfplay.environment.contract import Problem, State
from selfplay.search.policy import search
from selfplay.search.simulation import jit_search

STRAIGHT, RIGHT = 1, 2
"""Actions of `hp_lattice`."""


class Beam(struct.PyTreeNode):
    """W partial folds, the one that was drawn first in front."""

    state: Any
    """State [W]."""
    actions: jax.Array
    """int32 [W, moves]: what laid them, 0 from the present residue on."""
    log_probability: jax.Array
    """float32 [W]: under the policy; -inf where there is no fold."""
    perturbed: jax.Array
    """float32 [W]: with Gumbel noise, the largest in front; -inf where there is no fold."""


class Beams:
    """Draws folds by the searches of a run's agent; mirror images count as one fold."""

    def __init__(self, agent: Agent, config: SearchConfig):
        self.agent = agent
        self.config = config
        self._draw = jit_search(self._lay_all, static_argnames=("width", "batch", "moves"))

    def folds(self, chain: str, count: int, seed: int, batch: int) -> list[str]:
        """At most so many different folds, as turns L, S, R, the first turn being L.

        Args:
            chain: its residues.
            count: partial folds that are kept at every residue, rounded up to whole batches.
            seed: of the draw.
            batch: searches at once.
        """
        env, moves = self.agent.env, len(chain) - 2
        beam: Beam = jax.device_get(
            self._draw(
                self.agent.params,
                jax.random.key(seed),
                env.parse_problem(chain),
                width=-(-count // batch) * batch,
                batch=batch,
                moves=moves,
            )
        )
        folds = ["".join("LSR"[a] for a in fold) for fold in beam.actions]
        there = beam.perturbed > -jnp.inf
        return [fold for fold, one in zip(folds, there, strict=True) if one][:count]

    def _lay_all(
        self, params: Any, key: jax.Array, problem: Problem, *, width: int, batch: int, moves: int
    ) -> Beam:
        """The beam once all residues are laid."""
        env = self.agent.env
        first = jnp.where(jnp.arange(width) == 0, 0.0, -jnp.inf)
        state = jax.tree.map(
            lambda leaf: jnp.broadcast_to(leaf, (width, *leaf.shape)), env.init(problem)
        )
        begun = Beam(state, jnp.zeros((width, moves), jnp.int32), first, first)

        def lay(beam: Beam, step: tuple[jax.Array, jax.Array]) -> tuple[Beam, None]:
            key, move = step
            search_key, noise_key = jax.random.split(key)
            policy = self._log_policy(params, search_key, problem, beam.state, batch)
            policy = _left_first(policy, beam.actions, move)
            beam, action = draw_children(noise_key, beam, policy)
            laid = jax.vmap(env.step, in_axes=(None, 0, 0))(problem, beam.state, action)
            whole = laid.step_count == (move + 1).astype(
                jnp.int16
            )  # one that is stuck takes no more steps
            stuck = ~whole | (laid.ended & (move + 1 < moves))
            return beam.replace(
                state=laid,
                actions=beam.actions.at[:, move].set(action),
                log_probability=jnp.where(stuck, -jnp.inf, beam.log_probability),
                perturbed=jnp.where(stuck, -jnp.inf, beam.perturbed),
            ), None

        steps = jax.random.split(key, moves), jnp.arange(moves, dtype=jnp.int32)
        return jax.lax.scan(lay, begun, steps)[0]

    def _log_policy(
        self, params: Any, key: jax.Array, problem: Problem, state: State, batch: int
    ) -> jax.Array:
        """float32 [W, num_actions]: log of the searches' improved policies."""

        def search_some(args: tuple[jax.Array, State]) -> jax.Array:
            keys, states = args
            problems = jax.tree.map(
                lambda leaf: jnp.broadcast_to(leaf, (len(keys), *leaf.shape)), problem
            )
            result = search(
                self.agent.env,
                self.agent.evaluator,
                params,
                keys,
                problems,
                states,
                self.config,
            )
            return jnp.log(result.action_weights)

        width = len(state.step_count)
        keys = jax.random.split(key, width)
        chunks = jax.tree.map(
            lambda leaf: leaf.reshape(width // batch, batch, *leaf.shape[1:]), (keys, state)
        )
        return jax.lax.map(search_some, chunks).reshape(width, -1)


def draw_children(key: jax.Array, beam: Beam, log_policy: jax.Array) -> tuple[Beam, jax.Array]:
    """The W children that are drawn first, still in their parents' states; their actions int32 [W].

    Args:
        key: of the noise.
        beam: W parents.
        log_policy: float32 [W, A], log probability of each action of each parent.
    """
    width, num_actions = log_policy.shape
    log_probability = beam.log_probability[:, None] + log_policy
    noisy = log_probability + jax.random.gumbel(key, log_probability.shape)
    perturbed = with_largest(noisy, beam.perturbed)
    largest, child = jax.lax.top_k(perturbed.reshape(-1), width)
    parent, action = child // num_actions, child % num_actions
    kept = Beam(
        state=jax.tree.map(lambda leaf: leaf[parent], beam.state),
        actions=beam.actions[parent],
        log_probability=log_probability.reshape(-1)[child],
        perturbed=largest,
    )
    return kept, action.astype(jnp.int32)


def with_largest(gumbel: jax.Array, largest: jax.Array) -> jax.Array:
    """Gumbel variables given that the largest of each row is as said; appendix B.3 of the paper.

    Args:
        gumbel: float32 [W, A], -inf where there is none; drawn without regard to the condition.
        largest: float32 [W], -inf for a row that has none.

    Returns:
        float32 [W, A], each row's maximum `largest`.
    """
    there = jnp.isfinite(gumbel) & jnp.isfinite(largest)[:, None]
    top = jnp.where(there, gumbel, -jnp.inf).max(axis=1, keepdims=True)
    below = jnp.where(there & (gumbel < top), gumbel - top, -1.0)  # keeps the logarithms finite
    target = jnp.where(there, largest[:, None], 0.0)
    shift = target - jnp.where(there, gumbel, 0.0) + jnp.log1p(-jnp.exp(below))
    moved = target - jnp.maximum(shift, 0.0) - jnp.log1p(jnp.exp(-jnp.abs(shift)))
    return jnp.where(there, jnp.where(gumbel < top, moved, target), -jnp.inf)


def _left_first(log_policy: jax.Array, actions: jax.Array, move: jax.Array) -> jax.Array:
    """Without right turns where all turns so far are straight: one of two mirror images is left."""
    before = jnp.arange(actions.shape[1]) < move
    straight = jnp.where(before, actions == STRAIGHT, True).all(axis=1)
    image = straight[:, None] & (jnp.arange(log_policy.shape[1]) == RIGHT)[None]
    return jax.nn.log_softmax(jnp.where(image, -jnp.inf, log_policy))

"""How sure a teacher is of each label, so that a filter may keep the surest.

Jumper et al. 2021, "Highly accurate protein structure prediction with AlphaFold", supplementary
information, section 1.3 (self-distillation): predictions of unlabelled sequences are kept where
they differ much from what would be predicted of any sequence.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from selfplay.environment.contract import Environment, Problem, State
from selfplay.networks.contract import Params
from selfplay.operators.contract import Improved, ImprovementOperator
from selfplay.operators.episodes import Episodes
from selfplay.operators.search import divergence
from selfplay.search.model import Evaluator, mask_logits


class Teacher(NamedTuple):
    """What a confident operator needs for parameters."""

    params: Params
    """Of the operator that labels."""
    judge: Any
    """What its confidence is measured by: see each measure."""


Measure = Callable[[Any, jax.Array, Problem, State, Improved], jax.Array]
"""`(judge, keys [B], problem [B], state [B], improved [B]) -> confidence float32 [B] in [0, 1]`."""


@dataclasses.dataclass(frozen=True)
class Confident(ImprovementOperator):
    """Another operator's targets, with a confidence in their provenance; parameters: `Teacher`."""

    operator: ImprovementOperator
    measure: Measure

    def improve(
        self,
        params: Teacher,
        keys: jax.Array,
        problem: Problem,
        state: State,
        generation: jax.Array,
    ) -> Improved:
        """See `ImprovementOperator.improve`."""
        keys, own_keys = jax.vmap(lambda key: jax.random.split(key, 2), out_axes=1)(keys)
        improved = self.operator.improve(params.params, own_keys, problem, state, generation)
        confidence = self.measure(params.judge, keys, problem, state, improved)
        confidence = jnp.clip(confidence, 0.0, 1.0)
        provenance = improved.targets.provenance.replace(confidence=confidence)
        return improved._replace(targets=improved.targets.replace(provenance=provenance))


def search_agreement(
    judge: Any, keys: jax.Array, problem: Problem, state: State, improved: Improved
) -> jax.Array:
    """exp(-KL(search || network)): 1 where the search found nothing to mend. Needs no judge.

    Raises ValueError for an operator that does not say how much it improved on the network.
    """
    del judge, keys, problem, state
    if improved.surprise is None:
        raise ValueError(
            "agreement of search with network needs an operator that searches; it got one that "
            "does not say how much it improved on the network"
        )
    return jnp.exp(-improved.surprise)


def ensemble_agreement(env: Environment[Any], evaluator: Evaluator) -> Measure:
    """1 - JS / log M of the policies of M networks: 1 if they are the same, 0 if each is sure of
    another action. The judge: Params [M], M >= 2, as from `jax.tree.map(jnp.stack, ...)`.

    JS, the entropy of the mean less the mean entropy, is the disagreement of Lakshminarayanan et
    al. 2017, "Simple and scalable predictive uncertainty estimation using deep ensembles".
    """

    def measure(
        judge: Params, keys: jax.Array, problem: Problem, state: State, improved: Improved
    ) -> jax.Array:
        del improved
        members = jax.tree.leaves(judge)[0].shape[0]
        if members < 2:
            raise ValueError(f"an ensemble needs 2 networks at least to agree, got {members}")

        def each(params):
            return policy(env, evaluator, params, keys, problem, state)

        policies = jax.vmap(each)(judge)
        mean = policies.mean(0)
        apart = jax.vmap(lambda one: divergence(one, mean))(policies).mean(0)
        return 1.0 - apart / jnp.log(jnp.float32(members))

    return measure


def unlike_others(env: Environment[Any], evaluator: Evaluator) -> Measure:
    """1 - exp(-KL(policy || reference)), AlphaFold's: a network that says of this input what it
    says of any has not understood it. The judge: `(params, reference)`, by `reference_policy`.

    AlphaFold takes the mean of the divergence over pairs of residues, with a reference for each
    distance along the chain; here steps stand for pairs, each with its own reference.
    """

    def measure(
        judge: tuple[Params, jax.Array],
        keys: jax.Array,
        problem: Problem,
        state: State,
        improved: Improved,
    ) -> jax.Array:
        del improved
        params, reference = judge
        guess = policy(env, evaluator, params, keys, problem, state)
        usual = reference[jnp.minimum(state.step_count, reference.shape[0] - 1)]
        return 1.0 - jnp.exp(-divergence(guess, usual))

    return measure


def reference_policy(episodes: Episodes, policies: jax.Array) -> jax.Array:
    """What is guessed at each step of an episode, whatever it is about: float32 [T, A].

    Args:
        episodes: Episodes [B] of at most T steps, about many problems.
        policies: float32 [T, B, A], what the network guessed in them.
    """
    running = (episodes.samples.targets.weight > 0).astype(jnp.float32)[..., None]
    count = running.sum(1)
    uniform = 1.0 / policies.shape[-1]
    mean = (policies * running).sum(1) / jnp.maximum(count, 1.0)
    return jnp.where(count > 0, mean, uniform)


def policy(
    env: Environment[Any],
    evaluator: Evaluator,
    params: Params,
    keys: jax.Array,
    problem: Problem,
    state: State,
) -> jax.Array:
    """float32 [B, A]: the network's policy over legal actions."""
    logits, _ = evaluator(params, keys, problem, state)
    legal = jax.vmap(env.legal_action_mask)(problem, state)
    return jax.nn.softmax(mask_logits(logits, legal))

"""What every network over tokens begins and ends with; no size here depends on their number."""

import jax
import jax.numpy as jnp
from flax import nnx

from selfplay.config import NetworkConfig
from selfplay.environment.observation import Tokens, TokenSpec
from selfplay.networks.contract import Outputs
from selfplay.networks.mlp import HEAD_INIT

EMBEDDING_INIT = nnx.initializers.normal(0.5)


class Embedding(nnx.Module):
    """A vector for each token, and one for its position, added up."""

    def __init__(self, config: NetworkConfig, spec: TokenSpec, *, rngs: nnx.Rngs):
        width, dtype = config.width, jnp.dtype(config.dtype)
        self.tokens = nnx.Embed(
            spec.vocabulary_size, width, dtype=dtype, embedding_init=EMBEDDING_INIT, rngs=rngs
        )
        self.positions = nnx.Embed(
            spec.num_positions, width, dtype=dtype, embedding_init=EMBEDDING_INIT, rngs=rngs
        )

    def __call__(self, observation: Tokens) -> jax.Array:
        """Tokens [B] to float [B, T, width]."""
        return self.tokens(observation.tokens) + self.positions(observation.positions)


class PointerHeads(nnx.Module):
    """Each action's logit is read at its token, after Vinyals et al. 2015, "Pointer networks":

    logit[a] = <hidden[action_tokens[a]], w[kind[a]]> + b[kind[a]], where without `action_kinds`
    each action is a kind of its own. The value is read from the mean over the tokens that are
    not masked. All in float32, whatever the trunk computed in.
    """

    def __init__(self, config: NetworkConfig, spec: TokenSpec, num_actions: int, *, rngs: nnx.Rngs):
        self.kinds = spec.action_kinds
        num_kinds = num_actions if self.kinds is None else max(self.kinds) + 1
        shape = (config.width, num_kinds)
        self.action_vectors = nnx.Param(HEAD_INIT(rngs.params(), shape).T)
        self.action_biases = nnx.Param(jnp.zeros(num_kinds, jnp.float32))
        self.value = nnx.Linear(config.width, 1, kernel_init=HEAD_INIT, rngs=rngs)
        vectors = biases = None
        if config.reply_head:
            vectors = nnx.Param(HEAD_INIT(rngs.params(), shape).T)
            biases = nnx.Param(jnp.zeros(num_kinds, jnp.float32))
        self.reply_vectors, self.reply_biases = vectors, biases

    def __call__(self, hidden: jax.Array, observation: Tokens) -> Outputs:
        """Float [B, T, width] and its Tokens [B] to outputs [B]."""
        hidden, mask = hidden.astype(jnp.float32), observation.mask
        reply_logits = None
        if self.reply_vectors is not None and self.reply_biases is not None:
            reply_logits = self._logits(
                hidden, observation.action_tokens, self.reply_vectors[...], self.reply_biases[...]
            )
        count = jnp.maximum(mask.sum(1, dtype=jnp.float32), 1.0)
        mean = jnp.where(mask[:, :, None], hidden, 0.0).sum(1) / count[:, None]
        return Outputs(
            prior_logits=self._logits(
                hidden, observation.action_tokens, self.action_vectors[...], self.action_biases[...]
            ),
            value=jnp.tanh(self.value(mean).squeeze(-1)),
            reply_logits=reply_logits,
        )

    def _logits(
        self, hidden: jax.Array, action_tokens: jax.Array, vectors: jax.Array, biases: jax.Array
    ) -> jax.Array:
        """Float32 [B, T, width], int32 [B, A] and parameters of the kinds to float32 [B, A]."""
        if self.kinds is None:
            read = jnp.take_along_axis(hidden, action_tokens[:, :, None], axis=1)
            return jnp.einsum("baw,aw->ba", read, vectors) + biases[None]
        # There are few kinds and many actions: each token's logit for each kind, then a look-up.
        by_kind = hidden @ vectors.T + biases[None, None]
        kinds = jnp.asarray(self.kinds, jnp.int32)[None]
        places = action_tokens * len(biases) + kinds
        return jnp.take_along_axis(by_kind.reshape(hidden.shape[0], -1), places, axis=1)

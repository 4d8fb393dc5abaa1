"""From settings to a network, as two pure functions."""

import jax
from flax import nnx

from selfplay.config import NetworkConfig
from selfplay.environment.contract import Environment
from selfplay.environment.observation import ArraySpec, Observation, Tokens, TokenSpec
from selfplay.networks.contract import Drop, Network, Outputs, Params, keep
from selfplay.networks.goals import judge_goals
from selfplay.networks.graph import TokenGraph
from selfplay.networks.lines import LinesMLP
from selfplay.networks.mlp import MLP, TokenMLP
from selfplay.networks.resnet import ResNet
from selfplay.networks.transformer import BoardTransformer, TokenTransformer


def build(config: NetworkConfig, env: Environment) -> Network:
    """The network of `config` for what `env` shows and what can be done in it.

    Parameters are nested dictionaries of float32 arrays. `init` and `apply` are pure, and may
    be jitted and vmapped; `apply` raises ValueError if the observation's shapes are not those
    of `env.observation_spec` behind one batch axis.

    Raises:
        ValueError: the network cannot read this observation, or the settings do not fit
            together; the message says what would do.
    """
    spec, num_actions = env.observation_spec, env.num_actions
    if config.reply_head and env.num_players != 2:
        raise ValueError(
            "network.reply_head foresees the opponent's move, but "
            f"{type(env).__name__} has no opponent; network.reply_head = false would do"
        )

    def make(rngs: nnx.Rngs) -> nnx.Module:
        if config.kind == "mlp":
            if isinstance(spec, TokenSpec):
                return TokenMLP(config, spec, num_actions, rngs=rngs)
            return MLP(config, spec, num_actions, rngs=rngs)
        if config.kind == "lines":
            return LinesMLP(config, spec, num_actions, rngs=rngs)
        if config.kind == "resnet":
            return ResNet(config, spec, num_actions, rngs=rngs)
        if config.kind == "graph":
            return TokenGraph(config, spec, num_actions, rngs=rngs)
        if isinstance(spec, TokenSpec):
            return TokenTransformer(config, spec, num_actions, rngs=rngs)
        return BoardTransformer(config, spec, num_actions, rngs=rngs)

    graphdef, _ = nnx.split(nnx.eval_shape(lambda: make(nnx.Rngs(0))), nnx.Param)

    def init(key: jax.Array) -> Params:
        return nnx.to_pure_dict(nnx.state(make(nnx.Rngs(key)), nnx.Param))

    def apply_all(params: Params, observation: Observation, drop: Drop = keep, /) -> Outputs:
        _check(observation, spec, num_actions)
        network = nnx.merge(graphdef, params)
        if isinstance(spec, TokenSpec) and spec.num_goals > 1:
            return judge_goals(network, observation, drop)
        return network(observation, drop)

    def apply(params: Params, observation: Observation) -> tuple[jax.Array, jax.Array]:
        outputs = apply_all(params, observation)
        return outputs.prior_logits, outputs.value

    return Network(init, apply, apply_all)


def _check(observation: Observation, spec: ArraySpec | TokenSpec, num_actions: int) -> None:
    """Raise ValueError where an observation [B] is not what its spec announced."""
    if isinstance(spec, ArraySpec):
        expected = {"observation": spec.shape}
        arrays = {"observation": observation}
    else:
        if not isinstance(observation, Tokens):
            raise ValueError(f"the observation must be Tokens, got {type(observation).__name__}")
        goals = () if spec.num_goals == 1 else (spec.num_goals,)
        length = (*goals, spec.num_tokens)
        expected: dict[str, tuple[int, ...]] = {
            "tokens": length,
            "positions": length,
            "mask": length,
        }
        expected["action_tokens"] = (*goals, num_actions)
        if spec.num_links:
            expected["links"] = (*length, spec.num_links)
        if (observation.links is not None) != (spec.num_links > 0):
            raise ValueError(
                f"the observation's links must be {'there' if spec.num_links else 'None'} with "
                f"num_links = {spec.num_links}"
            )
        arrays = {name: getattr(observation, name) for name in expected}
    for name, shape in expected.items():
        got = arrays[name].shape
        if len(got) != len(shape) + 1 or got[1:] != shape:
            raise ValueError(
                f"{name} must have shape [B, {', '.join(map(str, shape))}], got {list(got)}"
            )

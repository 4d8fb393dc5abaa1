"""What does pgx's published AlphaZero recipe reach on Connect Four in the same time?

    python benchmarks/pgx_recipe.py --minutes 30 --output recipe.jsonl

Trains by the recipe in examples/alphazero/train.py of https://github.com/sotetsuk/pgx, and judges
the network as `selfplay train connect_four` judges its own: on the solved positions, alone and
with our search, noise off. Time counts from the start of the process, compilation included.

As published: Gumbel search with 32 simulations over pgx's Connect Four, new games in each
iteration, outcomes with discount -1 as value targets and no value loss where a game outlived the
iteration, each sample learnt from once, Adam at 1e-3.

Scaled to two cores, by options: 128 games of 128 moves an iteration (published: 1,024 of 256),
updates of 1,024 samples (4,096), one residual block of 16 channels (six of 128). The network is
our resnet, which has layer norms for batch norms.

Changed in the recipe's favour: samples stay on the device, and the search does not see the flag of
the game that ended before. pgx's automatic reset leaves it in the new game's first state, where it
would make every move an end without reward.
"""
# ruff: noqa: E402

import time

STARTED = time.monotonic()

import dataclasses
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mctx
import optax
import pgx
import tyro
from pgx.experimental import auto_reset

from selfplay.config import NetworkConfig, SearchConfig
from selfplay.environment import Environment, make
from selfplay.environment.contract import SolvedPositions, select
from selfplay.evaluation.exact import judge
from selfplay.evaluation.players import Act, agent_act
from selfplay.networks.build import build
from selfplay.networks.contract import Apply, Params
from selfplay.search.engine import COMPILER_OPTIONS
from selfplay.search.model import Evaluator


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Arguments."""

    minutes: float = 30.0
    """From the start of the process; the iteration in progress is finished."""
    every_minutes: float = 5.0
    """Between two looks at exact truth; there is one more at the end."""
    kind: str = "resnet"
    """Of the network; or mlp."""
    width: int = 16
    depth: int = 1
    num_simulations: int = 32
    num_games: int = 128
    steps: int = 128
    """Moves in each game per iteration."""
    batch_size: int = 1024
    """Samples per update."""
    learning_rate: float = 1e-3
    judge_simulations: int = 64
    seed: int = 0
    output: Path | None = None
    """JSON lines: the settings, then one line a look."""


class Played(NamedTuple):
    """Steps of B games, time first."""

    observation: jax.Array
    """bool [T, B, 6, 7, 2]."""
    action_weights: jax.Array
    """float32 [T, B, 7]."""
    reward: jax.Array
    """float32 [T, B]: the mover's."""
    terminated: jax.Array
    """bool [T, B]: whether the step ended the game."""


class Sample(NamedTuple):
    """What is learnt from; `...` is any leading shape."""

    observation: jax.Array
    action_weights: jax.Array
    value: jax.Array
    """float32 [...]: the outcome for the mover."""
    known: jax.Array
    """bool [...]: whether there is an outcome."""


@dataclasses.dataclass(frozen=True)
class SelfPlay:
    """The recipe's self-play; a bundle of pure functions."""

    env: pgx.Env
    apply: Apply
    num_simulations: int

    def init(self, key: jax.Array, num_games: int) -> Any:
        """New games, a pgx.State [B]."""
        return jax.vmap(self.env.init)(jax.random.split(key, num_games))

    def play(self, params: Params, key: jax.Array, state: Any, steps: int) -> tuple[Any, Played]:
        """So many moves in each game; a game that ends is replaced by a new one."""

        def step(state: Any, key: jax.Array) -> tuple[Any, Played]:
            return self._step(params, key, state)

        return jax.lax.scan(step, state, jax.random.split(key, steps))

    def _step(self, params: Params, key: jax.Array, state: Any) -> tuple[Any, Played]:
        search_key, reset_key = jax.random.split(key)
        output = self._search(params, search_key, state)
        keys = jax.random.split(reset_key, output.action.shape[0])
        after = jax.vmap(auto_reset(self.env.step, self.env.init))(state, output.action, keys)
        return after, Played(
            observation=state.observation,
            action_weights=output.action_weights,
            reward=_of_player(after.rewards, state.current_player),
            terminated=after.terminated,
        )

    def _search(self, params: Params, key: jax.Array, state: Any) -> Any:
        prior_logits, value = self.apply(params, state.observation)
        embedding = state.replace(terminated=jnp.zeros_like(state.terminated))
        root: Any = mctx.RootFnOutput
        return mctx.gumbel_muzero_policy(
            params,
            key,
            root(prior_logits=prior_logits, value=value, embedding=embedding),
            self._recurrent,
            self.num_simulations,
            invalid_actions=~state.legal_action_mask,
            qtransform=mctx.qtransform_completed_by_mix_value,
            gumbel_scale=1.0,
        )

    def _recurrent(
        self, params: Params, key: jax.Array, action: Any, state: Any
    ) -> tuple[Any, Any]:
        """The step from a node to its child."""
        del key
        after: Any = jax.vmap(self.env.step)(state, action)
        logits, value = self.apply(params, after.observation)
        logits = logits - logits.max(-1, keepdims=True)
        output: Any = mctx.RecurrentFnOutput
        return output(
            reward=_of_player(after.rewards, state.current_player),
            discount=jnp.where(after.terminated, 0.0, -1.0),
            prior_logits=jnp.where(after.legal_action_mask, logits, jnp.finfo(logits.dtype).min),
            value=jnp.where(after.terminated, 0.0, value),
        ), after


def _of_player(rewards: jax.Array, player: jax.Array) -> jax.Array:
    """One player's rewards: [B, 2] and [B] to [B]."""
    return jnp.take_along_axis(rewards, player[:, None], axis=1)[:, 0]


def with_outcomes(played: Played) -> Sample:
    """Samples [T, B]: the value of each is what the game brought its mover in the end."""

    def backwards(later: tuple[jax.Array, jax.Array], now: tuple[jax.Array, jax.Array]):
        value, known = later
        reward, terminated = now
        value = reward - jnp.where(terminated, 0.0, value)
        return (value, known | terminated), (value, known | terminated)

    start = (jnp.zeros_like(played.reward[0]), jnp.zeros_like(played.terminated[0]))
    steps = (played.reward, played.terminated)
    _, (value, known) = jax.lax.scan(backwards, start, steps, reverse=True)
    return Sample(played.observation, played.action_weights, value, known)


def loss(apply: Apply, params: Params, batch: Sample) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Cross entropy, and half the squared error where the outcome is known."""
    logits, value = apply(params, batch.observation)
    policy_loss = optax.softmax_cross_entropy(logits, batch.action_weights).mean()
    value_loss = jnp.where(batch.known, optax.l2_loss(value, batch.value), 0.0).mean()
    return policy_loss + value_loss, {"policy_loss": policy_loss, "value_loss": value_loss}


def make_iteration(
    selfplay: SelfPlay, optimizer: optax.GradientTransformation, arguments: Arguments
) -> Callable[[Params, Any, jax.Array], tuple[Params, Any, dict[str, float]]]:
    """`(params, optimizer_state, key) -> (params, optimizer_state, metrics)`, parts compiled."""

    @jax.jit
    def play(params: Params, key: jax.Array) -> tuple[Sample, jax.Array]:
        init_key, play_key, shuffle_key = jax.random.split(key, 3)
        state = selfplay.init(init_key, arguments.num_games)
        _, played = selfplay.play(params, play_key, state, arguments.steps)
        samples = with_outcomes(played)
        return _batches(shuffle_key, samples, arguments.batch_size), played.terminated.sum()

    # Not scanned: on CPUs a convolution's gradient is several times as slow inside a loop.
    @jax.jit
    def update(params: Params, optimizer_state: Any, batches: Sample, index: jax.Array):
        batch = jax.tree.map(lambda x: x[index], batches)
        gradient = jax.grad(lambda p: loss(selfplay.apply, p, batch), has_aux=True)
        gradients, metrics = gradient(params)
        updates, optimizer_state = optimizer.update(gradients, optimizer_state, params)
        return optax.apply_updates(params, updates), optimizer_state, metrics

    def iteration(params: Params, optimizer_state: Any, key: jax.Array):
        batches, games = play(params, key)
        found = []
        for index in range(batches.value.shape[0]):
            params, optimizer_state, metrics = update(
                params, optimizer_state, batches, jnp.int32(index)
            )
            found.append(metrics)
        means = {name: float(jnp.stack([m[name] for m in found]).mean()) for name in found[0]}
        return params, optimizer_state, means | {"games": float(games)}

    return iteration


def _batches(key: jax.Array, samples: Sample, batch_size: int) -> Sample:
    """Samples [T, B] in random order as [updates, batch_size]; what is left over is dropped."""
    count = samples.value.size
    updates = count // batch_size
    order = jax.random.permutation(key, count)[: updates * batch_size]

    def split(x: jax.Array) -> jax.Array:
        return x.reshape(count, *x.shape[2:])[order].reshape(updates, batch_size, *x.shape[2:])

    return jax.tree.map(split, samples)


def as_pgx_sees(env: Environment[Any], state: Any) -> jax.Array:
    """bool [6, 7, 2]: pgx's observation of our state, the mover's stones first."""
    return env.observe((), state) > 0.5


def evaluator_of(env: Environment[Any], apply: Apply) -> Evaluator:
    """A network that reads pgx's observations as evaluator of our states."""

    def evaluate(params: Params, key: jax.Array, problem: Any, state: Any):
        del key, problem
        return apply(params, jax.vmap(lambda s: as_pgx_sees(env, s))(state))

    return evaluate


def play_both(
    env: Environment[Any], peer: pgx.Env, key: jax.Array, num_games: int, plies: int
) -> tuple[Any, Any]:
    """Our State [B] and pgx's after the same random moves; games that end begin anew.

    Raises RuntimeError if the two ever differ in observation, mask, rewards or end.
    """
    noise = jax.random.uniform(key, (plies, num_games, env.num_actions))
    start = (env.init(), peer.init(key))

    def advance(states: tuple[Any, Any], noise: jax.Array):
        ours, theirs = states
        legal = env.legal_action_mask((), ours)
        action = jnp.where(legal, noise, -1.0).argmax().astype(jnp.int32)
        agree = (as_pgx_sees(env, ours) == theirs.observation).all()
        agree &= (legal == theirs.legal_action_mask).all()
        movers = ours.current_player, theirs.current_player
        ours, theirs = env.step((), ours, action), peer.step(theirs, action)
        agree &= ours.rewards[movers[0]] == theirs.rewards[movers[1]]
        agree &= ours.terminated == theirs.terminated
        return select(ours.ended, start, (ours, theirs)), agree

    def play(noise: jax.Array):
        states = jax.tree.map(lambda x: jnp.broadcast_to(x, (num_games, *x.shape)), start)
        return jax.lax.scan(jax.vmap(advance), states, noise)

    (ours, theirs), agree = jax.jit(play)(noise)
    if not agree.all():
        raise RuntimeError("our Connect Four and pgx's differ in a random game")
    return ours, theirs


@dataclasses.dataclass(frozen=True)
class Judge:
    """Exact truth for networks that read pgx's observations."""

    acts: dict[str, Act]
    solved: SolvedPositions

    @classmethod
    def make(cls, env: Environment[Any], apply: Apply, num_simulations: int) -> "Judge":
        """Of the network alone, and of our search with so many simulations."""
        solved = env.solved_positions()
        if solved is None:
            raise RuntimeError("there are no solved positions")
        evaluator = evaluator_of(env, apply)
        acts = {
            name: jax.jit(
                agent_act(env, evaluator, SearchConfig(), count), compiler_options=COMPILER_OPTIONS
            )
            for name, count in (("search", num_simulations), ("network", 0))
        }
        return cls(acts, solved)

    def __call__(self, params: Params) -> dict[str, float]:
        """Share of positions where the move keeps the value, mean of buckets."""
        return {name: judge(act, params, self.solved).kept for name, act in self.acts.items()}


def minutes() -> float:
    """Since the start of the process."""
    return (time.monotonic() - STARTED) / 60.0


def write(path: Path | None, row: dict[str, Any]) -> None:
    """One more JSON line."""
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, default=str) + "\n")


def train(arguments: Arguments) -> None:
    """Trains, and prints a line a look."""
    env, peer = make("connect_four"), pgx.make("connect_four")
    play_key, network_key, check_key = jax.random.split(jax.random.key(arguments.seed), 3)
    if arguments.num_games * arguments.steps < arguments.batch_size:
        raise SystemExit("num_games * steps must be at least batch_size")
    play_both(env, peer, check_key, num_games=64, plies=100)
    kind: Any = arguments.kind
    network = build(NetworkConfig(kind=kind, width=arguments.width, depth=arguments.depth), env)
    selfplay = SelfPlay(peer, network.apply, arguments.num_simulations)
    optimizer = optax.adam(arguments.learning_rate)
    iterate = make_iteration(selfplay, optimizer, arguments)
    look = Judge.make(env, network.apply, arguments.judge_simulations)
    params = jax.jit(network.init)(network_key)
    optimizer_state = optimizer.init(params)
    games, iteration, next_look = 0, 0, arguments.every_minutes
    while minutes() < arguments.minutes:
        key = jax.random.fold_in(play_key, iteration)
        params, optimizer_state, metrics = iterate(params, optimizer_state, key)
        games += int(metrics.pop("games"))
        iteration += 1
        now = minutes()
        if now < min(next_look, arguments.minutes):
            continue
        next_look = now + arguments.every_minutes
        row = {"minutes": now, "iterations": iteration, "games": games} | look(params) | metrics
        print(line(row, arguments), flush=True)
        write(arguments.output, row)


def line(row: dict[str, Any], arguments: Arguments) -> str:
    """A look, for people."""
    return (
        f"{row['minutes']:5.1f} min, {row['iterations']} iterations, {row['games']:,} games: "
        f"{100 * row['search']:.1f} % with {arguments.judge_simulations} simulations, "
        f"{100 * row['network']:.1f} % network alone "
        f"(loss {row['policy_loss']:.3f} policy, {row['value_loss']:.3f} value)"
    )


def where() -> dict[str, str]:
    """The machine, versions and commit."""
    lines = Path("/proc/cpuinfo")
    models = [
        text.partition(":")[2].strip()
        for text in (lines.read_text().splitlines() if lines.exists() else [])
        if text.startswith("model name")
    ]
    command = ["git", "describe", "--always", "--dirty"]
    folder = Path(__file__).parent
    commit = subprocess.run(command, capture_output=True, text=True, cwd=folder).stdout.strip()
    versions = {name: importlib.metadata.version(name) for name in ("jax", "mctx", "pgx")}
    cores = {"cpu": models[0] if models else platform.processor(), "cores": str(os.cpu_count())}
    return cores | {"device": jax.devices()[0].device_kind} | versions | {"commit": commit}


def main() -> None:
    """Trains by the recipe."""
    arguments = tyro.cli(Arguments)
    settings = dataclasses.asdict(arguments) | where()
    print(", ".join(f"{name} {value}" for name, value in settings.items()), flush=True)
    write(arguments.output, {"settings": settings})
    train(arguments)


if __name__ == "__main__":
    main()

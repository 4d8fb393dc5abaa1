"""An environment as a person meets it: its rules and facts, then a random game."""

import dataclasses
import inspect
import re
import sys
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from selfplay.display import facts, position
from selfplay.environment import registry
from selfplay.environment.contract import Environment, Problem, State
from selfplay.environment.observation import ArraySpec

_ON_THE_WAY = 2
"""Positions shown between the start and the end."""

_NAMES = 6
"""Actions that are named as examples."""


def show_environment(
    name: str, *, env_args: dict[str, Any], seed: int, moves: str, every: bool
) -> None:
    """Prints the facts, then positions of a game that begins with `moves` and goes on at random.

    Raises ValueError if there is no such environment, or a move is not allowed.
    """
    env = registry.make(name, **env_args)
    first = position.parse_moves(env, moves)
    game = play(env, first, seed)
    console = Console(highlight=False)
    console.print(_rules(env), markup=False)
    console.print(_facts(name, env, env_args))
    console.print(f"[bold]{'Your moves, then a' if first else 'A'} random game, seed {seed}[/]")
    for index in range(len(game.states)) if every else _chosen(len(game.states), len(first)):
        _print_position(console, env, game, index)
    line = position.moves_text(env, game.actions)
    console.print(f"\nThe whole game: {line}", markup=False)


@dataclasses.dataclass(frozen=True)
class Game:
    """One episode, from the start to the end."""

    problem: Problem
    states: list[State]
    legal: list[list[int]]
    """What was allowed in each of the states."""
    actions: list[int]
    """One fewer than states."""


def play(env: Environment, first: Sequence[int], seed: int) -> Game:
    """An episode that begins with the actions given and goes on with uniformly random ones.

    Raises ValueError, saying which, if an action is not allowed, or if `seed` is below 0.
    """
    if seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed}")
    step, mask = jax.jit(env.step), jax.jit(env.legal_action_mask)
    problem = env.sample_problem(jax.random.key(seed))
    state, dice = jax.jit(env.init)(problem), np.random.default_rng(seed)
    game = Game(problem, [state], [], [])
    while True:
        legal = [] if state.ended else np.flatnonzero(mask(problem, state)).tolist()
        game.legal.append(legal)
        number = len(game.actions)
        if number < len(first):
            _refuse_illegal(env, first[number], number + 1, legal)
        elif not legal:
            return game
        action = first[number] if number < len(first) else int(dice.choice(legal))
        state = step(problem, state, jnp.int32(action))
        game.actions.append(action)
        game.states.append(state)


def _refuse_illegal(env: Environment, action: int, number: int, legal: list[int]) -> None:
    """Raises ValueError unless move `number` is among the legal ones, which it lists."""
    if action not in legal:
        would_do = position.moves_text(env, legal) or "none, the game is over"
        name = env.format_action(action)
        raise ValueError(f"move {number}, {name}, is not allowed there; moves: {would_do}")


def _chosen(count: int, first: int) -> list[int]:
    """Which of `count` positions to show: the start, the one at `first`, some more, the end."""
    on_the_way = np.linspace(first, count - 1, _ON_THE_WAY + 2).round().astype(int).tolist()
    return sorted({0, *on_the_way})


def _print_position(console: Console, env: Environment, game: Game, index: int) -> None:
    """A position, how it came about, and what may follow."""
    state = game.states[index]
    console.print(f"\n{_heading(env, game, index)}", markup=False)
    console.print(env.render(game.problem, state), markup=False, soft_wrap=True)
    count = len(game.legal[index])
    if bool(state.ended):
        console.print(position.outcome(env, state), markup=False)
    else:
        console.print("1 move is allowed." if count == 1 else f"{count} moves are allowed.")


def _heading(env: Environment, game: Game, index: int) -> str:
    if index == 0:
        problem = env.format_problem(game.problem)
        return f"The start: {problem}" if problem else "The start:"
    played = env.format_action(game.actions[index - 1])
    who = "" if env.num_players == 1 else f" of the {_player(game.states[index - 1])}"
    return f"After move {index}, {played}{who}:"


def _player(state: State) -> str:
    return ("first player", "second player")[int(state.current_player)]


def _rules(env: Environment) -> str:
    """The class's docstring, then its module's, each paragraph on one line."""
    module = sys.modules[type(env).__module__]
    texts = (inspect.getdoc(type(env)) or "", inspect.getdoc(module) or "")
    return "\n\n".join(_unwrapped(text) for text in texts if text) + "\n"


def _unwrapped(text: str) -> str:
    """Text whose paragraphs are single lines, but for lists and what is indented."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        p if re.search(r"^(\s|-|\*)", p, re.MULTILINE) else " ".join(p.split("\n"))
        for p in paragraphs
    )


def _facts(name: str, env: Environment, given: dict[str, Any]) -> Table:
    """What there is to know before training."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    lines = {
        "arguments": facts.as_typed(facts.arguments(env, **given)) or "none",
        "players": str(env.num_players),
        "actions": _actions(env),
        "length": f"at most {env.max_steps:,} steps",
        "observation": _observation(env),
        "state": _state(env),
        "symmetries": f"{env.num_symmetries}" if env.num_symmetries > 1 else "none",
        "exact truth": facts.truth(env) or "not known",
        "verifier": "yes" if env.verifier() is not None else "none",
        "preset": _preset(name),
        "agent": _agent(name),
        "OpenSpiel": env.open_spiel or "no game of it is named",
        "class": f"{':'.join(registry.target(name))}, version {env.version}",
    }
    for what, said in lines.items():
        table.add_row(what, Text(said))
    table.add_row("", "")
    return table


def _actions(env: Environment) -> str:
    names = [env.format_action(action) for action in range(min(_NAMES, env.num_actions))]
    more = " …" if env.num_actions > _NAMES else ""
    return f"{env.num_actions:,}: {' '.join(names)}{more}"


def _observation(env: Environment) -> str:
    spec = env.observation_spec
    if isinstance(spec, ArraySpec):
        return f"float32 {list(spec.shape)}"
    each = f"{spec.num_tokens} tokens of {spec.vocabulary_size} kinds"
    return each if spec.num_goals == 1 else f"{spec.num_goals} goals, {each} each"


def _state(env: Environment) -> str:
    """Bytes in all, then of each field of the environment's own."""
    fields = facts.state_fields(env)
    own = [f"{f.name} {f.bytes:,} ({f.dtype} {list(f.shape)})" for f in fields if not f.is_common]
    common = sum(field.bytes for field in fields if field.is_common)
    total = sum(field.bytes for field in fields)
    return f"{total:,} bytes: {', '.join([*own, f'{common} that every state has'])}"


def _preset(name: str) -> str:
    if registry.preset_path(name) is None:
        return "none, the defaults of every setting"
    preset = registry.preset(name)
    if preset.iterations is None:
        length = f"{preset.minutes:g} minute{'s' if preset.minutes != 1 else ''}"
    else:
        length = f"{preset.iterations:,} iterations"
    network, search = preset.network, preset.search
    said = f"{length}, {network.kind} {network.width}×{network.depth}, {search.policy} "
    said += f"{search.num_simulations}"
    return f"{said}, {facts.as_typed(preset.env_args)}" if preset.env_args else said


def _agent(name: str) -> str:
    if registry.pretrained_path(name) is None:
        return f"none; selfplay train {name}"
    return f"comes with it; selfplay play {name}"

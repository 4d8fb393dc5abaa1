"""What can be said of an environment without playing it; the list of those installed."""

import dataclasses
import inspect
from typing import Any

import jax
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from selfplay.environment import registry
from selfplay.environment.checks.games import num_bytes
from selfplay.environment.contract import Environment, SolvedPositions, State, shapes
from selfplay.operators.exact import has_oracle

NONE = "–"


def print_environments() -> None:
    """Lists the installed environments; one that cannot be imported is named with its reason."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for column in ("name", "arguments", "actions", "bytes", "exact truth", "judge", "agent"):
        right = column in ("actions", "bytes")
        table.add_column(
            column, justify="right" if right else "left", no_wrap=column != "arguments"
        )
    broken = []
    for name in registry.names():
        try:
            table.add_row(*map(escape, _row(name)))
        except ValueError as error:
            broken.append(str(error))
    console = Console()
    console.print(table)
    for error in broken:
        console.print(f"[red]{escape(error)}")
    console.print(
        "arguments: their defaults, as for --env-args; bytes: of one state\n\n"
        "  selfplay show NAME     its rules, facts and a random game\n"
        "  selfplay train NAME    or a class of your own: module:Class\n"
        "  selfplay new my_game   a package for a game of your own",
        highlight=False,
    )


def _row(name: str) -> tuple[str, ...]:
    """The cells of an environment's line."""
    env = registry.make(name)
    return (
        name,
        _in_lines(arguments(env)) or NONE,
        f"{env.num_actions:,}",
        f"{sum(field.bytes for field in state_fields(env)):,}",
        truth(env) or NONE,
        NONE if env.verifier() is None else "yes",
        NONE if registry.pretrained_path(name) is None else "yes",
    )


def _in_lines(values: dict[str, Any]) -> str:
    """Arguments as typed, two a line."""
    items = list(values.items())
    pairs = (items[i : i + 2] for i in range(0, len(items), 2))
    return "\n".join(as_typed(dict(pair)) for pair in pairs)


def arguments(env: Environment, **given: Any) -> dict[str, Any]:
    """The constructor's arguments that have defaults, with what they were given instead."""
    parameters = inspect.signature(type(env)).parameters.values()
    optional = (p for p in parameters if p.default is not inspect.Parameter.empty)
    return {p.name: given.get(p.name, p.default) for p in optional}


def as_typed(values: dict[str, Any]) -> str:
    """Arguments as they are typed behind `--env-args`: `size 11 swap false`."""
    return " ".join(
        f"{name} {str(value).lower() if isinstance(value, bool) else value}"
        for name, value in values.items()
    )


@dataclasses.dataclass(frozen=True)
class Field:
    """An array of a state."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    is_common: bool
    """Every environment's state has it."""


def state_fields(env: Environment) -> list[Field]:
    """The arrays of one State, the environment's own first."""
    _, state = shapes(env)
    common = {field.name for field in dataclasses.fields(State)}
    found = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        found.append(Field(name, str(leaf.dtype), leaf.shape, num_bytes(leaf), name in common))
    return sorted(found, key=lambda field: field.is_common)


def truth(env: Environment) -> str | None:
    """Where exact values are known: everywhere or in so many positions; None for nowhere."""
    if has_oracle(env):
        return "everywhere"
    solved = _solved_positions(env)
    return None if solved is None else f"{solved.bucket.shape[0]:,} solved"


def _solved_positions(env: Environment) -> SolvedPositions | None:
    """The solved positions, where it can be as shapes alone: nothing need be compiled for them."""
    try:
        return jax.eval_shape(env.solved_positions)
    except jax.errors.JAXTypeError:
        return env.solved_positions()

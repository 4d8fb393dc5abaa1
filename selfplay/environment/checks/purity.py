"""The laws of purity: same inputs, same outputs, and nothing kept between calls."""

import re
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from selfplay.environment.checks.errors import described
from selfplay.environment.checks.law import (
    SAMPLE,
    Absent,
    Breach,
    Law,
    Subject,
    differing,
    differing_field,
)
from selfplay.environment.contract import Environment


def _leaks(subject: Subject) -> Breach | None:
    """Looks for traced values where they could be kept: on self, and in the module."""
    env = subject.env
    _trace_all(subject)
    module = sys.modules.get(type(env).__module__)
    places = {f"self.{name}": value for name, value in vars(env).items()}
    places |= vars(module) if module else {}
    places |= {f"{type(env).__name__}.{name}": v for name, v in vars(type(env)).items()}
    for name, value in places.items():
        if _holds_tracer(value, depth=4):
            return Breach(f"{name} holds a traced value after a call")
    return None


def _hidden(subject: Subject) -> Breach | None:
    """Runs all of the author's code, by tracing, and compares what is on self before and after."""
    env = subject.env
    before = {name: _print(value) for name, value in vars(env).items()}
    _trace_all(subject)
    after = {name: _print(value) for name, value in vars(env).items()}
    changed = [name for name in before if before[name] != after.get(name)]
    if changed:
        return Breach(f"self.{changed[0]} has another value after a few calls")
    return None


def _pure(subject: Subject) -> Breach | None:
    """Two traces of each function are the same program, or at least do the same in a sample."""
    differs = _differs(subject, subject.env)
    return differs and Breach(f"{differs[0]} gave another result for the same inputs: {differs[1]}")


def _same_anew(subject: Subject) -> Breach | None:
    """Two objects of one class, made with the same arguments, are the same game."""
    if subject.again is None:
        raise Absent("only one object of it was given")
    differs = _differs(subject, subject.again)
    return differs and Breach(
        f"{differs[0]} of another object, made with the same arguments, gave another result for "
        f"the same inputs: {differs[1]}"
    )


def _differs(subject: Subject, other: Environment[Any]) -> tuple[str, str] | None:
    """The first function of which two environments' results differ in a sample, and where."""
    games = subject.games
    shapes = subject.problem, subject.start, jax.ShapeDtypeStruct((), jnp.int32)
    functions, others = _functions(subject.env), _functions(other)
    for name, function in functions.items():
        if _program(function, shapes) == _program(others[name], shapes):
            continue
        places = games.places(~games.ended, SAMPLE)
        inputs = *games.at(*places), games.actions[places]
        results = [jax.jit(jax.vmap(_anew(f)))(*inputs) for f in (function, others[name])]
        once, again = jax.device_get(results)
        bad = differing(once, again)
        if bad.any():
            row = int(bad.argmax())
            field = differing_field(*(jax.tree.map(lambda x: x[row], t) for t in (once, again)))  # noqa: B023
            return name, field or name
    return None


def _functions(env: Environment[Any]) -> dict[str, Any]:
    """What the laws of purity are about, each from a problem, a state and an action."""
    return {
        "init": lambda problem, state, action: env.init(problem),
        "step": env.step,
        "legal_action_mask": lambda problem, state, action: env.legal_action_mask(problem, state),
        "observe": lambda problem, state, action: env.observe(problem, state),
    }


def _once(subject: Subject) -> Breach | None:
    """Steps one game alone; counts the traces, and compares with the batch."""
    env, games = subject.env, subject.games
    traces = 0

    def step(problem: Any, state: Any, action: jax.Array) -> Any:
        nonlocal traces
        traces += 1
        return env.step(problem, state, action)

    jitted = jax.jit(step)
    problem, _ = games.at(0, 0)
    state = jax.jit(env.init)(problem)
    for index, action in enumerate(games.actions[:32, 0]):
        _, batch = games.at(index, 0)
        if any(differing(*_as_rows(state, batch))):
            return Breach(
                f"played alone, {differing_field(state, batch)} came out otherwise than in a batch",
                (index, 0),
            )
        state = jitted(problem, state, jnp.int32(action))
    if traces > 1:
        return Breach(f"step was traced {traces} times in {min(32, len(games.actions))} moves")
    return None


def _eager(subject: Subject) -> Breach | None:
    """The first move of a game without `jit`."""
    env, games = subject.env, subject.games
    problem, _ = games.at(0, 0)
    try:
        state = env.step(problem, env.init(problem), jnp.int32(games.actions[0, 0]))
    except Exception as error:
        return Breach(f"without jit: {described(error, env)}")
    _, compiled = games.at(1, 0)
    close = jax.tree.map(lambda a, b: np.allclose(a, b, atol=1e-5, equal_nan=True), state, compiled)
    if not all(jax.tree.leaves(close)):
        return Breach(f"without jit, {differing_field(state, compiled)} came out otherwise", (1, 0))
    return None


def _trace_all(subject: Subject) -> None:
    """Traces every function afresh."""
    env, problem, state = subject.env, subject.problem, subject.start
    action = jax.ShapeDtypeStruct((), jnp.int32)
    jax.eval_shape(_anew(env.sample_problem), jax.random.key(0))
    jax.eval_shape(_anew(env.init), problem)
    jax.eval_shape(_anew(env.step), problem, state, action)
    jax.eval_shape(_anew(env.symmetry), problem, state, action)
    for function in (env.legal_action_mask, env.observe, env.heuristic, env.oracle):
        jax.eval_shape(_anew(function), problem, state)


def _anew(function: Any) -> Any:
    """The same function as another object, so that JAX traces it again."""
    return lambda *arguments: function(*arguments)


def _program(function: Any, shapes: tuple[Any, ...]) -> tuple[str, list[bytes]]:
    """What a trace gives: its text, addresses left out, and its constants."""
    jaxpr = jax.make_jaxpr(_anew(function))(*shapes)
    constants = [np.asarray(c).tobytes() for c in jaxpr.consts if _is_plain(c)]
    return re.sub(r"0x[0-9a-f]+", "", str(jaxpr.jaxpr)), constants


def _is_plain(constant: Any) -> bool:
    return not jnp.issubdtype(jax.typeof(constant).dtype, jax.dtypes.extended)


def _as_rows(left: Any, right: Any) -> tuple[Any, Any]:
    """Both with an axis in front."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[None], (left, right))


def _holds_tracer(value: Any, depth: int) -> bool:
    if isinstance(value, Tracer):
        return True
    if depth == 0:
        return False
    if isinstance(value, dict):
        return any(_holds_tracer(v, depth - 1) for v in value.values())
    if isinstance(value, list | tuple | set):
        return any(_holds_tracer(v, depth - 1) for v in value)
    return False


def _print(value: Any) -> Any:
    """What tells a value from another; the identity of what cannot be looked into."""
    if isinstance(value, dict):
        return {key: _print(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_print(v) for v in value]
    if isinstance(value, np.ndarray | jax.Array) and not isinstance(value, Tracer):
        array = np.asarray(value)
        return array.dtype.str, array.shape, array.tobytes()
    if isinstance(value, bool | int | float | str | bytes | type(None)):
        return value
    return id(value)


LAWS = (
    Law(
        "no leaks",
        "no traced value outlives a call",
        "keep nothing on self, in the class or in the module while playing; all that changes is "
        "in the State",
        _leaks,
    ),
    Law(
        "no hidden state",
        "nothing on self changes while playing",
        "put what changes in the State, and what does not in __init__",
        _hidden,
    ),
    Law(
        "pure",
        "the same inputs give the same outputs",
        "use no random, time or global in the rules; chance belongs in sample_problem, by its key",
        _pure,
    ),
    Law(
        "the same anew",
        "the same arguments make the same game: a checkpoint outlives the process that wrote it",
        "fill tables by rule, or draw them from a fixed seed: np.random.default_rng(0)",
        _same_anew,
    ),
)

IN_PLAY = (
    Law(
        "compiles once",
        "one game alone plays as in a batch, by one compiled step",
        "give init's fields the dtypes that play gives them, and let nothing depend on the batch",
        _once,
    ),
    Law(
        "as without jit",
        "compiled or not, the rules do the same",
        "leave no Python branch that takes another way when values are known",
        _eager,
    ),
)

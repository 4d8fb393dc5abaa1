"""What an exception of an author's code means, and where it arose."""

import dataclasses
import inspect
import linecache
import re
import sys
import traceback
from typing import Any

import jax

from selfplay.environment.contract import Environment


def described(error: BaseException, env: Environment[Any], called: Any = None) -> str:
    """An exception in a line: what it means, and where in the author's file it arose.

    Where it passed no line of that file, it is said where the function that was called begins.
    """
    meaning = _value_needed(error) or _in_words(error, env)
    return f"{meaning}{_where(error, env) or beginning(called)}"


def needs_a_value(error: BaseException) -> bool:
    """Whether it arose because an array's value is known only when the program runs."""
    return _value_needed(error) is not None


def beginning(function: Any) -> str:
    """Where a function begins; empty for what has no line."""
    code = getattr(function, "__code__", None)
    if code is None:
        return ""
    line = linecache.getline(code.co_filename, code.co_firstlineno).strip()
    return f" (line {code.co_firstlineno}: {line})"


def _value_needed(error: BaseException) -> str | None:
    """What to do about a value that is not known yet; None for any other exception."""
    for kind, pattern, words in _VALUES:
        if isinstance(error, kind) and re.search(pattern, str(error)):
            return words
    return None


def _in_words(error: BaseException, env: Environment[Any]) -> str:
    """Python's own words; the fields of a State whose fields were misnamed, or what was meant."""
    words = f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"
    if isinstance(error, dataclasses.FrozenInstanceError):
        return f"{words}: a State never changes, state.replace(...) gives a new one"
    meant = re.search(r"Did you mean: .+\?", traceback.format_exception_only(error)[-1])
    if meant is not None and meant[0] not in words:
        return f"{words}. {meant[0]}"
    misnamed = re.match(r"(\w+)\.__init__\(\) (?:got an unexpected|missing)", str(error))
    modules = [sys.modules.get(cls.__module__) for cls in type(env).__mro__]
    for kind in [getattr(module, misnamed[1], None) for module in modules] if misnamed else []:
        if inspect.isclass(kind) and dataclasses.is_dataclass(kind):
            return f"{words}; its fields are {', '.join(f.name for f in dataclasses.fields(kind))}"
    return words


def _where(error: BaseException, env: Environment[Any]) -> str:
    """The last line of the author's own file that an exception passed, if any."""
    try:
        own = {inspect.getfile(cls) for cls in type(env).__mro__ if _is_own(cls)}
    except (OSError, TypeError):
        return ""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in own]
    if not frames:
        return ""
    last = frames[-1]
    return f" (in {last.name}, line {last.lineno}: {last.line})"


def _is_own(cls: type) -> bool:
    return not cls.__module__.startswith(("selfplay.environment", "builtins", "abc", "typing"))


_INDEX = (
    "a Python index or range was given a value that is known only when the program runs; "
    "use jnp.take, jnp.where over all indices, or jax.lax.fori_loop"
)
_NUMBER = (
    "a plain number was needed (int(), float(), a shape) where the value is known only when "
    "the program runs; shapes come from the constructor's arguments"
)
_VALUES: tuple[tuple[type[BaseException], str, str], ...] = (
    (
        jax.errors.TracerBoolConversionError,
        "",
        "Python's if, while, and, or, not, or bool() was asked of a value that is known only when "
        "the program runs; use jnp.where, jax.lax.cond, or &, | and ~",
    ),
    (
        jax.errors.TracerArrayConversionError,
        "",
        "NumPy was given a value that is known only when the program runs; use jax.numpy",
    ),
    (jax.errors.TracerIntegerConversionError, "", _INDEX),
    (TypeError, r"unhashable type: '\w*Tracer'", _INDEX),
    (
        jax.errors.NonConcreteBooleanIndexError,
        "",
        "an array was indexed by a mask, whose number of True nobody knows beforehand; use "
        "jnp.where(mask, a, b)",
    ),
    (jax.errors.ConcretizationTypeError, "", _NUMBER),
    (TypeError, r"concrete values|Tracer\.__format__", _NUMBER),
    (
        IndexError,
        r"must (be|have) static",
        "a slice was given an end that is known only when the program runs; use "
        "jax.lax.dynamic_slice, or jnp.where over the whole array",
    ),
    (
        jax.errors.UnexpectedTracerError,
        "",
        "a value of one traced call was used in another: it was kept on self, in a global or in "
        "a default; keep everything that changes in the State",
    ),
)
"""Kinds and texts of JAX's errors, and what they mean; the more special before the general."""

"""Which field of a State the rules use as a PRNG key, whatever it is called.

A raw key is an array of uint32, like a packed board. But only a key is handed to jax.random: the
traced program says which field is, or a part of it, as it lies in the State.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

_WRAPS = ("random_wrap", "threefry2x32")
"""What makes a key of raw numbers, or draws from them."""
_MOVES = (
    "broadcast_in_dim",
    "copy",
    "dynamic_slice",
    "gather",
    "reshape",
    "select_n",
    "slice",
    "squeeze",
)
"""What hands numbers on as they are, alone or with others."""
_CALLS = {"jit": 0, "pjit": 0, "closed_call": 0, "scan": 0, "cond": 1}
"""What runs a program within, on its own inputs from this one on."""


def drawn_from(play: Callable, problem: Any, state: Any) -> str | None:
    """The name of a field of `state`, of shapes alone, that `play` uses as a raw key, or None."""
    paths = jax.tree_util.tree_leaves_with_path(state)
    raw = [leaf.dtype == jnp.uint32 and leaf.ndim > 0 for _, leaf in paths]
    if not any(raw):
        return None
    action = jax.ShapeDtypeStruct((), jnp.int32)
    jaxpr = jax.make_jaxpr(lambda *inputs: play(*inputs))(problem, state, action).jaxpr
    before = len(jax.tree.leaves(problem))
    names: list[str | None] = [None] * len(jaxpr.invars)
    for index, ((path, _), is_raw) in enumerate(zip(paths, raw, strict=True)):
        if is_raw:
            names[before + index] = jax.tree_util.keystr(path).lstrip(".")
    found, _ = _follow(jaxpr, names)
    return found


def _follow(jaxpr: Jaxpr, names: Sequence[str | None]) -> tuple[str | None, list[str | None]]:
    """The field that a program makes a key of, if any, and the fields that its outputs are."""
    known = {v: n for v, n in zip(jaxpr.invars, names, strict=True) if n is not None}

    def field(variable: Any) -> str | None:
        return None if isinstance(variable, Literal) else known.get(variable)

    for equation in jaxpr.eqns:
        primitive, inputs = equation.primitive.name, [field(v) for v in equation.invars]
        first = next((name for name in inputs if name is not None), None)
        if first is None:
            continue
        if primitive in _WRAPS:
            return first, []
        if primitive in _MOVES:
            known[equation.outvars[0]] = first
        for within in _programs(equation.params) if primitive in _CALLS else ():
            found, outputs = _follow(within, inputs[_CALLS[primitive] :])
            if found is not None:
                return found, []
            known |= {v: n for v, n in zip(equation.outvars, outputs, strict=True) if n is not None}
    return None, [field(variable) for variable in jaxpr.outvars]


def _programs(parameters: dict[str, Any]) -> list[Jaxpr]:
    """The programs within an equation."""
    held = [parameters.get("jaxpr"), parameters.get("call_jaxpr"), *parameters.get("branches", ())]
    return [p.jaxpr if isinstance(p, ClosedJaxpr) else p for p in held if p is not None]

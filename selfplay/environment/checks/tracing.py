"""The laws of form: what can be seen before a single move is played."""

from typing import Any

import jax
import jax.numpy as jnp

from selfplay.environment.checks import keys
from selfplay.environment.checks.calling import RETURNS, RUNS, TRACED
from selfplay.environment.checks.errors import described
from selfplay.environment.checks.law import Breach, Law, Subject
from selfplay.environment.contract import Environment
from selfplay.environment.ends import Ends
from selfplay.environment.facts import refuse_unfit_facts
from selfplay.environment.observation import ArraySpec, Tokens


def _facts(subject: Subject) -> Breach | None:
    try:
        refuse_unfit_facts(subject.env)
    except (ValueError, TypeError) as error:
        return Breach(str(error))
    return None


def _runs(subject: Subject) -> Breach | None:
    return _trouble(subject, RUNS)


def _returns(subject: Subject) -> Breach | None:
    return _trouble(subject, RETURNS)


def _traced(subject: Subject) -> Breach | None:
    return _trouble(subject, TRACED)


def _trouble(subject: Subject, law: str) -> Breach | None:
    """Of every function that play calls; what later laws are about is no trouble here."""
    seen = subject.troubles.get(law)
    return None if seen is None else Breach(seen)


def _problems(subject: Subject) -> Breach | None:
    env = subject.env
    train, held_out = _both_splits(env)
    if _form(train) != _form(held_out):
        return Breach(f"those to train on are {_form(train)}, those held out {_form(held_out)}")
    return None


def _fields(subject: Subject) -> Breach | None:
    env = subject.env
    state = jax.eval_shape(env._start, subject.problem)
    common = {
        "current_player": ((), jnp.int8),
        "rewards": ((env.num_players,), jnp.float32),
        "terminated": ((), jnp.bool_),
        "truncated": ((), jnp.bool_),
        "step_count": ((), jnp.int16),
    }
    for name, (shape, dtype) in common.items():
        leaf = getattr(state, name)
        if (leaf.shape, leaf.dtype) != (shape, dtype):
            wanted = f"{jnp.dtype(dtype).name} {list(shape)}"
            return Breach(f"{name} is {leaf.dtype} {list(leaf.shape)}, must be {wanted}")
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        if leaf.weak_type:
            name = jax.tree_util.keystr(path).lstrip(".")
            return Breach(f"{name} is a bare Python number, of no fixed dtype")
    return None


def _no_key(subject: Subject) -> Breach | None:
    state = jax.eval_shape(subject.env._start, subject.problem)
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        name = jax.tree_util.keystr(path).lstrip(".")
        raw = leaf.dtype == jnp.uint32 and leaf.shape == (2,) and "key" in name.lower()
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) or raw:
            return Breach(f"{name} is a PRNG key")
    drawn_from = keys.drawn_from(subject.env._play, subject.problem, state)
    if drawn_from is not None:
        return Breach(f"{drawn_from} is a PRNG key: play draws from it")
    return None


def _mask(subject: Subject) -> Breach | None:
    env = subject.env
    state = jax.eval_shape(env._start, subject.problem)
    mask = jax.eval_shape(env._legal, subject.problem, state)
    if getattr(mask, "shape", None) != (env.num_actions,) or mask.dtype != jnp.bool_:
        return Breach(f"it is {_form(mask)}, must be bool [{env.num_actions}]")
    return None


def _step(subject: Subject) -> Breach | None:
    """Shapes and dtypes of `init` and `step`; the contract names the field."""
    env = subject.env
    action = jax.ShapeDtypeStruct((), jnp.int32)
    try:
        start = jax.eval_shape(env.init, subject.problem)
        after = jax.eval_shape(env.step, subject.problem, start, action)
    except ValueError as error:
        return Breach(str(error))
    except Exception as error:
        return Breach(described(error, env))
    if _form(start) != _form(after):
        return Breach(f"a state is {_form(start)} before a move and {_form(after)} after it")
    return None


def _observation(subject: Subject) -> Breach | None:
    env, spec = subject.env, subject.env.observation_spec
    seen = jax.eval_shape(env.observe, subject.problem, subject.start)
    if isinstance(spec, ArraySpec):
        wanted: Any = jax.ShapeDtypeStruct(spec.shape, jnp.float32)
    elif isinstance(seen, Tokens):
        goals = () if spec.num_goals == 1 else (spec.num_goals,)
        row: Any = jax.ShapeDtypeStruct((*goals, spec.num_tokens), jnp.int32)
        mask: Any = jax.ShapeDtypeStruct((*goals, spec.num_tokens), jnp.bool_)
        actions: Any = jax.ShapeDtypeStruct((*goals, env.num_actions), jnp.int32)
        made_of: Any = jax.ShapeDtypeStruct((*goals, spec.num_tokens, spec.num_links), jnp.int32)
        wanted = Tokens(
            tokens=row,
            positions=row,
            mask=mask,
            action_tokens=actions,
            links=made_of if spec.num_links else None,
        )
    else:
        return Breach(f"observation_spec is a TokenSpec, but observe gives {_form(seen)}")
    if _form(seen) != _form(wanted):
        return Breach(f"it is {_form(seen)}, must be {_form(wanted)}")
    return None


def _extras(subject: Subject) -> Breach | None:
    env, problem, state = subject.env, subject.problem, subject.start
    index = jax.ShapeDtypeStruct((), jnp.int32)
    turned = jax.eval_shape(env.symmetry, problem, state, index)
    names = jax.ShapeDtypeStruct((env.num_actions,), jnp.int32)
    if _form(turned) != _form((problem, state, names)):
        return Breach(
            f"a symmetry gives {_form(turned)}, must give the problem, a State of the same shapes "
            f"and dtypes, and an int32 [{env.num_actions}]"
        )
    number = jax.ShapeDtypeStruct((), jnp.float32)
    guess = jax.eval_shape(env.heuristic, problem, state)
    if _form(guess) != _form(number):
        return Breach(f"the heuristic is {_form(guess)}, must be {_form(number)}")
    values = jax.eval_shape(env.oracle, problem, state)
    wanted = jax.ShapeDtypeStruct((env.num_actions,), jnp.float32)
    if values is not None and _form(values) != _form(wanted):
        return Breach(f"the oracle gives {_form(values)}, must give {_form(wanted)}")
    ends = jax.eval_shape(env.ends, problem, state)
    if ends is not None:
        width, actions = ends.now.shape[-1:], (env.num_actions,)
        now: Any = jax.ShapeDtypeStruct((2, *width), jnp.int8)
        end: Any = jax.ShapeDtypeStruct(actions, jnp.int8)
        after: Any = jax.ShapeDtypeStruct((*actions, *width), jnp.int8)
        wanted = Ends(now=now, end=end, after=after)
        if _form(ends) != _form(wanted):
            return Breach(f"ends are {_form(ends)}, must be {_form(wanted)}")
    return None


def _both_splits(env: Environment[Any]) -> tuple[Any, Any]:
    """The shapes of a problem to train on and of one held out."""
    key = jax.random.key(0)
    train = jax.eval_shape(lambda key: env.sample_problem(key, "train"), key)
    return train, jax.eval_shape(lambda key: env.sample_problem(key, "held_out"), key)


def _form(tree: Any) -> str:
    """Shapes and dtypes of a pytree, in words."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    words = []
    for path, leaf in leaves:
        name = jax.tree_util.keystr(path).lstrip(".")
        form = f"{leaf.dtype} {list(leaf.shape)}"
        words.append(f"{name} {form}" if name else form)
    return ", ".join(words) or "nothing"


LAWS = (
    Law(
        "facts",
        "the static facts are there and can be",
        "set num_actions, num_players, max_steps and observation_spec in __init__ or in the class",
        _facts,
    ),
    Law(
        RUNS,
        "every function can be called, and ends without an exception",
        "mend the line that is named; nothing is changed in place: x.at[i].set(y) and "
        "state.replace(field=y) give a new one",
        _runs,
    ),
    Law(
        RETURNS,
        "every function returns something, and what it must: start and play a State",
        "end it with return; state.replace(...) changes nothing, it gives a new State",
        _returns,
    ),
    Law(
        TRACED,
        "every function runs under jit: what it does depends on no array's value",
        "write the rules with jax.numpy on whole arrays",
        _traced,
    ),
    Law(
        "problems alike",
        "all problems, of both splits, have the same shapes and dtypes",
        "pad problems to one size, and draw both splits by the same code",
        _problems,
    ),
    Law(
        "fields",
        "a State has the common fields with their dtypes, and only arrays of fixed dtype",
        "begin with State.start(num_players, ...), and write jnp.int8(0), not 0",
        _fields,
    ),
    Law(
        "no key",
        "a State holds no PRNG key: it would make the search clairvoyant",
        "put what chance decides in the problem (sample_problem), which is drawn once",
        _no_key,
    ),
    Law(
        "mask",
        "the legal actions are a bool [num_actions]",
        "return one True or False for each action, the same number at every position",
        _mask,
    ),
    Law(
        "fixed shapes",
        "a move keeps every field's shape and dtype",
        "cast what a move computes back to the field's dtype, such as .astype(jnp.int8)",
        _step,
    ),
    Law(
        "observation",
        "the observation has the shape and dtype of observation_spec",
        "make observe (view) and observation_spec agree; arrays are float32",
        _observation,
    ),
    Law(
        "extras",
        "symmetries, heuristic, oracle and ends have the documented shapes and dtypes",
        "see selfplay.environment.Environment for each",
        _extras,
    ),
)

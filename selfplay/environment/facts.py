"""The static facts of an environment: are they there, and can they be?"""

import operator
from typing import Any

import jax

from selfplay.environment.contract import Environment, shapes
from selfplay.environment.ends import Encounter
from selfplay.environment.observation import ArraySpec, TokenSpec


def refuse_unfit_facts(env: Environment[Any]) -> None:
    """Raises ValueError naming a static fact that is missing or cannot be."""
    name = type(env).__name__
    for fact in ("num_actions", "num_players", "max_steps", "observation_spec"):
        if not hasattr(env, fact):
            raise ValueError(f"{name} must set {fact}")
    for fact in ("num_actions", "num_players", "max_steps", "num_symmetries"):
        if not _is_whole(getattr(env, fact)):
            raise ValueError(
                f"{name}: {fact} must be a whole number, an int (// divides into one, / does "
                f"not), got {getattr(env, fact)!r}"
            )
    low, high = env.return_range
    limits = {
        "num_actions must be at least 1": env.num_actions >= 1,
        "num_players must be 1 or 2": env.num_players in (1, 2),
        "max_steps must be between 1 and 32767": 1 <= env.max_steps <= 32_767,
        "return_range must be (low, high) with low < high": low < high,
        "return_range must be symmetric with two players": env.num_players == 1 or low == -high,
        "num_symmetries must be at least 1": env.num_symmetries >= 1,
    }
    for law, holds in limits.items():
        if not holds:
            got = getattr(env, law.split()[0])
            raise ValueError(f"{name}: {law}, got {got}")
    spec = env.observation_spec
    if not isinstance(spec, ArraySpec | TokenSpec):
        raise ValueError(
            f"{name}: observation_spec must be an ArraySpec or a TokenSpec, got {spec!r}"
        )
    if isinstance(spec, ArraySpec) and not _is_shape(spec.shape):
        raise ValueError(
            f"{name}: observation_spec must have a shape of whole numbers, such as (9,) or "
            f"(3, 3, 2), got {spec.shape!r}"
        )
    if isinstance(spec, TokenSpec):
        _refuse_unfit_tokens(name, spec, env.num_actions)


def has_ends(env: Environment[Any]) -> bool:
    """Whether its problems have two ends that are worked on until they meet."""
    return jax.eval_shape(env.ends, *shapes(env)) is not None


def encounter_of(env: Environment[Any]) -> Encounter | None:
    """Who says which ends of its problems meet; None where they have none.

    Raises ValueError where they have ends and nobody says so.
    """
    if not has_ends(env):
        return None
    encounter = env.encounter()
    if encounter is None:
        raise ValueError(
            f"{type(env).__name__} has ends, and a search from both must know which of them meet: "
            "encounter() must return a selfplay.environment.Encounter (or ends() None), got None"
        )
    return encounter


def _refuse_unfit_tokens(name: str, spec: TokenSpec, num_actions: int) -> None:
    """Raises ValueError where a network could not be made for `spec`."""
    if not _is_whole(spec.num_links) or spec.num_links < 0:
        raise ValueError(f"{name}: num_links must be at least 0, got {spec.num_links!r}")
    if not _is_whole(spec.num_goals) or spec.num_goals < 1:
        raise ValueError(f"{name}: num_goals must be at least 1, got {spec.num_goals!r}")
    kinds = spec.action_kinds
    if kinds is None:
        return
    if not _is_shape(kinds) or len(kinds) != num_actions:
        raise ValueError(
            f"{name}: action_kinds must be one whole number for each of {num_actions} actions, "
            f"got {_shortened(kinds)}"
        )
    if set(kinds) != set(range(max(kinds) + 1)):
        raise ValueError(
            f"{name}: action_kinds must number the kinds from 0 without a gap, "
            f"got {sorted(set(kinds))}"
        )


def _shortened(kinds: Any) -> str:
    """A tuple can be as long as there are actions."""
    return f"{len(kinds)} of them" if _is_shape(kinds) else repr(kinds)


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple | list) and all(map(_is_whole, shape))


def _is_whole(number: Any) -> bool:
    try:
        operator.index(number)
    except TypeError:
        return False
    return True

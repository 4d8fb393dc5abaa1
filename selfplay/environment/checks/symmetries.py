"""The law of symmetry: renaming the actions, it commutes with every rule."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from selfplay.environment.checks.law import (
    SAMPLE,
    Absent,
    Breach,
    Law,
    Subject,
    as_bytes,
    differing,
    differing_field,
    first_bad,
)

Fault = tuple[np.ndarray, str]
"""bool [N]: at which positions; and what is wrong there."""


def _symmetries(subject: Subject) -> Breach | None:
    """Each symmetry at many positions, what is simple first."""
    games = subject.games
    places = games.places(~games.ended, SAMPLE)
    for index in range(subject.env.num_symmetries):
        for bad, seen in _faults(subject, places, index):
            place = first_bad(bad, places)
            if place is not None:
                return Breach(f"symmetry {index}: {seen}", place)
    if subject.env.num_symmetries == 1:
        raise Absent("there is none but the identity")
    return None


def _faults(subject: Subject, places: tuple[np.ndarray, np.ndarray], index: int) -> Iterator[Fault]:
    """What is asked of symmetry `index`, one after another."""
    problem, state = subject.games.at(*places)
    legal = subject.games.masks[places]
    call = {n: subject.batched(n) for n in ("symmetry", "legal_action_mask", "observe")}
    indices = np.full(len(legal), index, np.int32)
    turned_problem, turned, permutation = jax.device_get(call["symmetry"](problem, state, indices))
    names = np.broadcast_to(np.arange(legal.shape[1], dtype=np.int32), legal.shape)
    named = differing(np.sort(permutation, 1), names)
    yield named, "its permutation does not name every action once"
    if index == 0:
        same = differing((turned_problem, turned, permutation), (problem, state, names))
        yield same, "must change nothing"
        return
    turned_legal = np.asarray(call["legal_action_mask"](turned_problem, turned))
    renamed = np.take_along_axis(turned_legal, permutation, 1)
    yield differing(renamed, legal), "an action is legal, and by its new name it is not"
    idle = np.zeros(len(legal), bool)
    idle[0] = not differing((turned_problem, turned, permutation), (problem, state, names)).any()
    yield idle, "changes nothing anywhere, and the identity is there already"
    yield _of_a_move(subject, (problem, state), (turned_problem, turned), permutation, indices)
    left = as_bytes(call["observe"](problem, state))
    right = as_bytes(call["observe"](turned_problem, turned))
    seen = "what is seen before and after it do not follow from each other"
    yield _not_one_to_one(left, right), seen
    truth = subject.batched("oracle")(problem, state)
    if truth is not None:
        turned_truth = np.asarray(subject.batched("oracle")(turned_problem, turned))
        renamed = np.take_along_axis(turned_truth, permutation, 1)
        yield differing(renamed, np.asarray(truth)), "the oracle says something else of it"


def _of_a_move(
    subject: Subject,
    before: tuple[Any, Any],
    turned: tuple[Any, Any],
    permutation: np.ndarray,
    indices: np.ndarray,
) -> Fault:
    """A random legal move and then the symmetry, beside the symmetry and then the move."""
    step, symmetry = subject.batched("step"), subject.batched("symmetry")
    legal = np.asarray(subject.batched("legal_action_mask")(*before))
    noise = np.random.default_rng(0).random(legal.shape)
    actions = np.where(legal, noise, -1).argmax(-1).astype(np.int32)
    renamed = np.take_along_axis(permutation, actions[:, None], 1)[:, 0]
    moved = turned[0], jax.device_get(step(*turned, renamed))
    after = step(*before, actions)
    wanted = jax.device_get(symmetry(before[0], after, indices)[:2])
    bad = differing(moved, wanted)
    row = int(bad.argmax())
    fields = differing_field(*(jax.tree.map(lambda leaf: leaf[row], t[1]) for t in (moved, wanted)))
    name = subject.env.format_action(int(actions[row]))
    return bad, (
        f"{name} and then turning is not turning and then {name} by its new name: "
        f"{fields or 'the problem'} differs"
    )


def _not_one_to_one(left: list[bytes], right: list[bytes]) -> np.ndarray:
    """bool [N]: where what is on one side had another partner before."""
    there: dict[bytes, bytes] = {}
    back: dict[bytes, bytes] = {}
    pairs = zip(left, right, strict=True)
    return np.array([there.setdefault(a, b) != b or back.setdefault(b, a) != a for a, b in pairs])


LAWS = (
    Law(
        "symmetries",
        "a symmetry renames the actions and commutes with every rule",
        "permutation[a] is action a's name in the turned state, not the other way round; turn "
        "every field that has a place on the board, and nothing else",
        _symmetries,
    ),
)

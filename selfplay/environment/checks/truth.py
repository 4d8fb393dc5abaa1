"""The laws of what an environment claims to know: its heuristic, oracle, solved positions,
verifier and ends.
"""

from typing import Any

import jax
import numpy as np

from selfplay.environment.checks.errors import described
from selfplay.environment.checks.law import (
    SAMPLE,
    Absent,
    Breach,
    Law,
    Subject,
    first_bad,
)
from selfplay.environment.facts import encounter_of
from selfplay.environment.verifier import Verdict


def _heuristic(subject: Subject) -> Breach | None:
    games = subject.games
    places = games.places(~games.ended, SAMPLE)
    guess = np.asarray(subject.batched("heuristic")(*games.at(*places)))
    bad = ~(np.abs(guess) <= 1.0)
    place = first_bad(bad, places)
    if place is not None:
        return Breach(f"it says {guess[bad.argmax()]!s}, must lie in [-1, 1]", place)
    return None


def _heuristic_sign(subject: Subject) -> Breach | None:
    """What it says of positions of random games, beside how the game ended for their mover.

    Compared are positions of the same step and mover, of which both means are taken off: so
    neither who begins nor how long a game lasts is taken for what the heuristic knows.
    """
    games, heuristic = subject.games, subject.batched("heuristic")
    running = ~games.ended
    running[-1] = False
    step, game = np.nonzero(running)
    chosen = np.random.default_rng(0).permutation(len(step))[: _CHUNKS * SAMPLE]
    step, game = step[chosen], game[chosen]
    chunks = np.resize(np.arange(len(step)), (-(-len(step) // SAMPLE), SAMPLE))
    guess = np.concatenate([heuristic(*games.at(step[c], game[c])) for c in chunks])
    guess = guess[: len(step)].astype(np.float64)  # what comes after is repeated
    paid = np.asarray(games.states.rewards, np.float64)[1:][::-1].cumsum(0)[::-1]
    mover = np.asarray(games.states.current_player)[step, game]
    outcome = paid[step, game, mover]
    alike = 2 * step + mover
    guess, outcome = _less_the_mean(guess, alike), _less_the_mean(outcome, alike)
    if guess.std() < 1e-6 or outcome.std() < 1e-6:
        raise Absent("it says the same of all positions, or all games ended alike")
    whose = {
        "the mover": mover >= 0,
        "player 0 to move": mover == 0,
        "player 1 to move": mover == 1,
    }
    for name, chosen in whose.items():
        agreement = _agreement(guess[chosen], outcome[chosen], game[chosen])
        if agreement < -_CHANCE:
            correlation = np.corrcoef(guess[chosen], outcome[chosen])[0, 1]
            return Breach(
                "it is right the wrong way round: its correlation with how random games end for "
                f"{name} is {correlation:.2f}"
            )
    return None


_CHUNKS = 4
"""Of so many `SAMPLE`s of positions: an outcome is faint in a single one."""
_CHANCE = 4.0
"""Standard errors: chance alone gives that once in thirty thousand times."""


def _less_the_mean(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """float64 [N], less the mean of those of the same group."""
    count = np.maximum(np.bincount(group), 1)
    return values - (np.bincount(group, values) / count)[group]


def _agreement(guess: np.ndarray, outcome: np.ndarray, game: np.ndarray) -> float:
    """Covariance in standard errors; games are independent, the positions of one are not.

    Clustered standard error, Liang and Zeger, Biometrika 73, 1986. With G games it is at most
    the square root of G, so that a few games never say anything.
    """
    if not len(game):
        return 0.0
    by_game = np.bincount(game, guess * outcome)
    return float(by_game.sum() / max(np.sqrt((by_game**2).sum()), 1e-12))


def _oracle(subject: Subject) -> Breach | None:
    """Bellman's equation: an action is worth its reward and the best of what follows."""
    env, games = subject.env, subject.games
    places = games.places(~games.ended, SAMPLE)
    problem, state = games.at(*places)
    oracle, step = subject.batched("oracle"), subject.batched("step")
    answer = oracle(problem, state)
    if answer is None:
        raise Absent("nobody knows the truth")
    values, legal = np.asarray(answer), games.masks[places]
    place = first_bad((np.isnan(values) == legal).any(-1), places)
    if place is not None:
        return Breach("it must be NaN for exactly the illegal actions", place)
    low, high = env.return_range
    known = np.nan_to_num(values)
    bad = np.asarray((known < low - 1e-5) | (known > high + 1e-5))
    place = first_bad(bad.any(-1), places)
    if place is not None:
        return Breach(
            f"it says {values[bad][0]:g}, out of return_range = {env.return_range}", place
        )
    noise = np.random.default_rng(0).random(legal.shape)
    actions = np.where(legal, noise, -1).argmax(-1).astype(np.int32)
    after = jax.device_get(step(problem, state, actions))
    rows, mover = np.arange(len(actions)), np.asarray(state.current_player)
    follows = np.asarray(oracle(problem, after))
    best = np.where(np.isnan(follows), -np.inf, follows).max(-1)
    best = np.where(np.asarray(after.terminated), 0.0, best)
    sign = np.where(np.asarray(after.current_player) == mover, 1.0, -1.0)
    ended = np.asarray(after.terminated)
    wanted = np.asarray(after.rewards)[rows, mover] + np.where(
        ended, 0.0, sign * np.where(ended, 0.0, best)
    )
    said = values[rows, actions]
    bad = (np.abs(said - wanted) > 1e-3) & ~np.asarray(after.truncated)
    place = first_bad(bad, places)
    if place is not None:
        row = int(bad.argmax())
        name = env.format_action(int(actions[row]))
        why = "it ends the game and pays" if ended[row] else "what it leads to is worth"
        return Breach(
            f"it says that {name} is worth {said[row]:g}, but {why} {wanted[row]:g}", place
        )
    return None


def _solved(subject: Subject) -> Breach | None:
    env = subject.env
    solved: Any = env.solved_positions()
    if solved is None:
        raise Absent("there are none")
    state = jax.device_get(solved.state)
    if np.asarray(state.terminated | state.truncated).any():
        return Breach("some of them have ended")
    mask = np.asarray(subject.batched("legal_action_mask")(solved.problem, solved.state))
    values = np.asarray(solved.action_values)
    if values.shape != mask.shape or values.dtype != np.float32:
        return Breach(f"action_values are {values.dtype} {list(values.shape)}")
    wrong = (np.isnan(values) == mask).any(-1)
    if wrong.any():
        return Breach(
            f"in position {int(wrong.argmax())} they are NaN for other than the illegal actions"
        )
    places = np.random.default_rng(0).integers(len(values), size=SAMPLE)
    problem, state = jax.tree.map(lambda x: np.asarray(x)[places], (solved.problem, solved.state))
    noise = np.random.default_rng(1).random(mask[places].shape)
    actions = np.where(mask[places], noise, -1).argmax(-1).astype(np.int32)
    after = jax.device_get(subject.batched("step")(problem, state, actions))
    paid = np.take_along_axis(
        np.asarray(after.rewards), np.asarray(state.current_player)[:, None], 1
    )
    said = values[places, actions]
    wrong = np.asarray(after.terminated) & (np.sign(paid[:, 0]) != np.sign(said))
    if wrong.any():
        row = int(wrong.argmax())
        name = env.format_action(int(actions[row]))
        return Breach(
            f"in position {int(places[row])} {name} ends the game and pays {paid[row, 0]:g}, but "
            f"its value is {said[row]:g}"
        )
    buckets = set(np.unique(np.asarray(solved.bucket)).tolist())
    if buckets != set(range(len(solved.bucket_names))):
        return Breach(f"buckets {sorted(buckets)} for {len(solved.bucket_names)} names")
    return None


def _verifier(subject: Subject) -> Breach | None:
    """Its verdict on random episodes, beside what the rules paid."""
    env, games = subject.env, subject.games
    verifier = env.verifier()
    if verifier is None:
        raise Absent("there is none")
    paid = np.asarray(games.states.rewards, np.float64)[1:, :, 0].sum(0)
    _, high = env.return_range
    order = np.argsort(-paid)
    for game in map(int, [*order[:8], *order[-8:]]):
        last = int(games.ended[:, game].argmax()) or len(games.ended) - 1
        problem, _ = games.at(0, game)
        actions = games.actions[:last, game].tolist()
        try:
            verdict = verifier.verify(problem, actions)
        except Exception as error:
            return Breach(f"it raises on an episode: {described(error, env)}", (last, game))
        if not isinstance(verdict, Verdict):
            return Breach(f"its verdict is {verdict!r}, must be a Verdict", (last, game))
        if verdict is Verdict.REJECTED and paid[game] >= high - 1e-6:
            return Breach("it rejects an episode that earned all there is", (last, game))
        if verdict is Verdict.ACCEPTED and env.to_value(paid[game]) < 0:
            return Breach(f"it accepts an episode that earned {paid[game]:g}", (last, game))
    return None


def _told_ends(subject: Subject) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Step and game [N] after a random move, the end [N] that it worked on, and both ends
    [N, 2, W], as they were told before it.
    """
    if encounter_of(subject.env) is None:
        raise Absent("there are none")
    games = subject.games
    step, game = games.places(~games.ended[:-1], SAMPLE)
    ends = jax.device_get(subject.batched("ends")(*games.at(step, game)))
    row, action = np.arange(len(step)), games.actions[step, game]
    moved, told = ends.end[row, action], ends.now.copy()
    told[row, moved] = ends.after[row, action]
    return step + 1, game, moved, told


def _ends(subject: Subject) -> Breach | None:
    """What random moves make of either end, and of what is legal at the other."""
    games, (step, game, moved, told) = subject.games, _told_ends(subject)
    ends = jax.device_get(subject.batched("ends")(*games.at(step, game)))
    row, changed = np.arange(len(step)), ends.now != told
    was_legal, is_legal = games.masks[step - 1, game], games.masks[step, game]
    faults = {
        "makes another end than `after` tells": changed[row, moved],
        "changes the other end": changed[row, 1 - moved],
        "changes what is legal at the other end": (was_legal != is_legal)
        & (ends.end != moved[:, None]),
    }
    for fault, wrong in faults.items():
        place = first_bad(wrong.any(-1) & ~games.ended[step, game], (step, game))
        if place is not None:
            action = int(games.actions[place[0] - 1, place[1]])
            return Breach(f"{subject.env.format_action(action)} {fault}", place)
    return None


def _encounter(subject: Subject) -> Breach | None:
    """Where random moves make both ends meet, beside where the rules say that it is solved."""
    games, (step, game, _, told) = subject.games, _told_ends(subject)
    encounter = encounter_of(subject.env)
    assert encounter is not None
    solved = np.asarray(subject.batched("solved")(*games.at(step, game))) & games.ended[step, game]
    for i, (left, right) in enumerate(told):
        left, right, place = left.tobytes(), right.tobytes(), (int(step[i]), int(game[i]))
        if encounter.meets(left, right) != solved[i]:
            says = "do not meet" if solved[i] else "meet"
            return Breach(f"solved is {solved[i]}, and `encounter` says the ends {says}", place)
        sets = list(zip(encounter.features(left), encounter.features(right), strict=True))
        if solved[i] and not all(one & other for one, other in sets):
            return Breach(f"the ends meet, and have features apart: {sets}", place)
    return None


LAWS = (
    Law(
        "heuristic",
        "the heuristic is a value in [-1, 1]",
        "squash it: lead / (abs(lead) + c), or jnp.tanh",
        _heuristic,
    ),
    Law(
        "heuristic's side",
        "whoever moves, the heuristic is higher for the mover who wins than for the one who loses",
        "it speaks for the mover, not for player 0: turn its sign, or look at who is paid in play",
        _heuristic_sign,
        warns=True,
    ),
    Law(
        "oracle",
        "the oracle agrees with the rules, one move on",
        "values are the mover's: what the opponent gains afterwards counts negative",
        _oracle,
    ),
    Law(
        "solved positions",
        "solved positions are running, with values of the right sign for the legal actions",
        "see selfplay.environment.SolvedPositions",
        _solved,
    ),
    Law(
        "verifier",
        "the verifier never raises, and agrees with the rewards about what is solved",
        "a bad episode is REJECTED; judge by what the problem asks, not by the environment's code",
        _verifier,
    ),
    Law(
        "two ends",
        "a move changes its own end as `after` tells, and nothing of the other",
        "see selfplay.environment.Ends; without ends() a search works from one end alone",
        _ends,
    ),
    Law(
        "encounter",
        "a state is solved where `encounter` says that its ends meet; none with features apart do",
        "see selfplay.environment.Encounter; features must let all ends meet that can",
        _encounter,
    ),
)

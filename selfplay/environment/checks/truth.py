"""The laws of what an environment claims to know: heuristic, oracle, solved positions, verifier."""

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
from selfplay.environment.verifier import Verdict


def _heuristic(subject: Subject) -> Breach | None:
    games = subject.games
    places = games.places(~games.ended, SAMPLE)
    guess = np.asarray(subject.batched("heuristic")(*games.at(*places)))
    bad = ~(np.abs(guess) <= 1.0)
    place = first_bad(bad, places)
    if place is not None:
        return Breach(f"it says {guess[bad.argmax()]:g}, must lie in [-1, 1]", place)
    return None


def _heuristic_sign(subject: Subject) -> Breach | None:
    """What it says of positions of random games, beside how the game ended for their mover."""
    games = subject.games
    running = ~games.ended
    running[-1] = False
    places = games.places(running, SAMPLE)
    count = min(int(running.sum()), SAMPLE)  # what comes after is repeated
    guess = np.asarray(subject.batched("heuristic")(*games.at(*places)), np.float64)[:count]
    paid = np.asarray(games.states.rewards, np.float64)[1:][::-1].cumsum(0)[::-1]
    mover = np.asarray(games.states.current_player)[places]
    outcome = paid[places[0], places[1], mover][:count]
    if guess.std() < 1e-6 or outcome.std() < 1e-6:
        raise Absent("it says the same of all positions, or all games ended alike")
    agreement = float(np.corrcoef(guess, outcome)[0, 1])
    if agreement < -4 / np.sqrt(count):  # chance alone does not give that
        return Breach(
            "it is right the wrong way round: its correlation with how random games end for the "
            f"mover is {agreement:.2f}"
        )
    return None


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


LAWS = (
    Law(
        "heuristic",
        "the heuristic is a value in [-1, 1]",
        "squash it: lead / (abs(lead) + c), or jnp.tanh",
        _heuristic,
    ),
    Law(
        "heuristic's side",
        "the heuristic is higher for the mover who wins than for the one who loses",
        "it speaks for the mover: turn its sign, or look at who is paid in play",
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
)

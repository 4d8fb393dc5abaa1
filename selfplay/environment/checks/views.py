"""The laws of what is seen: observations, names, problems as text, pictures."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.checks.errors import described
from selfplay.environment.checks.law import (
    SAMPLE,
    Absent,
    Breach,
    Law,
    Subject,
    as_bytes,
    differing,
    earliest,
    first_bad,
)
from selfplay.environment.contract import Environment, Problem, Split
from selfplay.environment.observation import Tokens


def _finite(subject: Subject) -> Breach | None:
    seen = subject.games.observations
    if isinstance(seen, Tokens):
        return _tokens_in_range(subject, seen)
    bad = ~np.isfinite(seen).reshape(*seen.shape[:2], -1).all(-1)
    place = earliest(bad)
    if place is not None:
        return Breach(f"it holds {seen[place][~np.isfinite(seen[place])][0]}", place)
    return None


def _tokens_in_range(subject: Subject, seen: Tokens) -> Breach | None:
    spec: Any = subject.env.observation_spec
    bounds = {
        "tokens": spec.vocabulary_size,
        "positions": spec.num_positions,
        "action_tokens": spec.num_tokens,
    }
    if seen.links is not None:
        bounds["links"] = spec.num_tokens
    for name, bound in bounds.items():
        field = np.asarray(getattr(seen, name))
        outside = ((field < 0) | (field >= bound)).reshape(*field.shape[:2], -1)
        place = earliest(outside.any(-1))
        if place is not None:
            worst = field[place].flat[np.abs(field[place] - bound // 2).argmax()]
            return Breach(f"{name} holds {worst}, must lie in [0, {bound})", place)
    return None


def _tells(subject: Subject) -> Breach | None:
    games = subject.games
    seen = _rows(games.observations)
    running = ~games.ended
    if running.sum() > 1 and len(set(seen[running].tolist())) == 1:
        return Breach(f"all {running.sum()} positions look the same", (1, 0))
    return None


def _complete(subject: Subject) -> Breach | None:
    """Looks for two positions that look the same, where the same action pays differently."""
    env, games = subject.env, subject.games
    places = games.places(~games.ended, SAMPLE)
    if not len(places[0]):
        raise Absent("no position to look at")
    problem, state = games.at(*places)
    actions = games.actions[np.minimum(places[0], len(games.actions) - 1), places[1]]
    after = jax.device_get(subject.batched("step")(problem, state, actions))
    mover = np.asarray(state.current_player)
    paid = np.take_along_axis(np.asarray(after.rewards), mover[:, None], 1)[:, 0]
    outcomes: dict[Any, tuple[float, int]] = {}
    for index, key in enumerate(
        zip(_rows(games.observations)[places].tolist(), actions, strict=True)
    ):
        known, first = outcomes.setdefault(key, (float(paid[index]), index))
        if known != float(paid[index]):
            name = env.format_action(int(actions[index]))
            return Breach(
                f"{name} pays the mover {paid[index]:g} here and {known:g} in another position "
                f"that looks the same (after {places[0][first]} moves of game {places[1][first]})",
                (int(places[0][index]), int(places[1][index])),
            )
    return None


def _mover_seen(subject: Subject) -> Breach | None:
    """Gives the move to the other player, all else equal, and asks whether that can be seen.

    Where it cannot, whatever is legal for both must pay both the same: so it does if the fields
    are the mover's own and the opponent's. An environment that keeps the mover elsewhere too is
    left alone.
    """
    env, games = subject.env, subject.games
    if env.num_players == 1:
        raise Absent("there is one player")
    places = games.places(~games.ended, SAMPLE)
    problem, state = games.at(*places)
    other = state.replace(current_player=np.int8(1) - state.current_player)
    observe, mask, step = (subject.batched(n) for n in ("observe", "legal_action_mask", "step"))
    same = ~differing(observe(problem, state), observe(problem, other))
    legal = np.asarray(mask(problem, state) & mask(problem, other))
    same &= legal.any(-1)
    for noise in np.random.default_rng(0).random((4, *legal.shape)):
        actions = np.where(legal, noise, -1).argmax(-1).astype(np.int32)
        one, two = (jax.device_get(step(problem, s, actions)) for s in (state, other))
        mirrored = one.current_player != two.current_player
        paid = [_to_mover(after, s) for after, s in ((one, state), (two, other))]
        place = first_bad(same & mirrored & (paid[0] != paid[1]), places)
        if place is not None:
            index = int((same & mirrored & (paid[0] != paid[1])).argmax())
            name = env.format_action(int(actions[index]))
            return Breach(
                f"it looks the same whoever is to move, but {name} pays {paid[0][index]:g} to the "
                f"one and {paid[1][index]:g} to the other",
                place,
            )
    return None


def _to_mover(after: Any, before: Any) -> np.ndarray:
    mover = np.asarray(before.current_player)[:, None]
    return np.take_along_axis(np.asarray(after.rewards), mover, 1)[:, 0]


def _names(subject: Subject) -> Breach | None:
    env = subject.env
    try:
        names = [env.format_action(action) for action in range(env.num_actions)]
    except Exception as error:
        return Breach(f"format_action: {described(error, env)}")
    for action, name in enumerate(names):
        if not isinstance(name, str) or not name.strip():
            return Breach(f"action {action} is called {name!r}")
        if names.index(name) != action:
            return Breach(f"actions {names.index(name)} and {action} are both called {name!r}")
        try:
            parsed = env.parse_action(name)
        except Exception as error:
            return Breach(f"parse_action({name!r}): {described(error, env)}")
        if parsed != action:
            return Breach(f"{name!r} names action {action}, but parse_action reads it as {parsed}")
    try:
        env.parse_action("no such action \N{SNOWMAN}")
    except ValueError:
        return None
    except Exception as error:
        return Breach(f"parse_action of nonsense: {described(error, env)}; must raise ValueError")
    return Breach("parse_action takes nonsense for an action; must raise ValueError")


def _problem_text(subject: Subject) -> Breach | None:
    env = subject.env
    if not jax.tree.leaves(subject.problem):
        raise Absent("a game has no problems")
    for split in ("train", "held_out"):
        for problem in _problems(env, split, 32):
            text = env.format_problem(problem)
            try:
                again = env.parse_problem(text)
            except Exception as error:
                return Breach(f"parse_problem({text!r}): {described(error, env)}")
            forms = [
                jax.tree.map(lambda x: (x.shape, x.dtype), jax.tree.map(jnp.asarray, p))
                for p in (problem, again)
            ]
            if forms[0] != forms[1]:
                return Breach(f"{text!r} is read back with other shapes or dtypes")
            rows = [jax.tree.map(lambda x: np.asarray(x)[None], p) for p in (problem, again)]
            if any(differing(*rows)):
                return Breach(
                    f"{text!r} is read back as {env.format_problem(again)!r}, another problem"
                )
    return None


def _problems(env: Environment[Any], split: Split, count: int) -> list[Problem]:
    """So many, drawn at once: outside of `jit` a loop would be compiled anew for each."""
    keys = jax.random.split(jax.random.key(0), count)
    drawn = jax.jit(jax.vmap(lambda key: env.sample_problem(key, split)))(keys)
    return [jax.tree.map(lambda x, i=i: x[i], drawn) for i in range(count)]


def _splits(subject: Subject) -> Breach | None:
    env = subject.env
    if not jax.tree.leaves(subject.problem):
        raise Absent("a game has no problems")
    train, held_out = (
        {env.format_problem(problem) for problem in _problems(env, split, 64)}
        for split in ("train", "held_out")
    )
    if train & held_out:
        return Breach(f"{min(train & held_out)!r} is in both")
    return None


def _drawn(subject: Subject) -> Breach | None:
    """Renders and pictures positions of a few games, from start to end."""
    env, games = subject.env, subject.games
    for game in range(min(2, games.ended.shape[1])):
        last = int(games.ended[:, game].argmax()) or len(games.ended) - 1
        for step in sorted({0, 1, last // 2, last} & set(range(last + 1))):
            try:
                text, again = (env.render(*games.at(step, game)) for _ in range(2))
                env.picture(*games.at(step, game))
            except Exception as error:
                return Breach(described(error, env), (step, game))
            if not isinstance(text, str) or not text.strip():
                return Breach(f"render gives {text!r}", (step, game))
            if text != again:
                return Breach("drawn twice, the same position looks different", (step, game))
    return None


def _pictured(subject: Subject) -> Breach | None:
    """A move's square is not the mover's before it, and is after it; its source the other way."""
    env, games = subject.env, subject.games
    if env.picture(*games.at(0, 0)) is None:
        raise Absent("there is no board to draw")
    for game in range(min(4, games.ended.shape[1])):
        last = int(games.ended[:, game].argmax()) or len(games.ended) - 1
        pictures: list[Any] = [env.picture(*games.at(step, game)) for step in range(last + 1)]
        for step in range(last):
            now, after, place = pictures[step], pictures[step + 1], (step, game)
            if len(now.targets) != env.num_actions:
                return Breach(f"{len(now.targets)} targets for {env.num_actions} actions", place)
            legal = np.flatnonzero(games.masks[step, game])
            if len({now.targets[action] for action in legal}) < len(legal):
                return Breach("two legal actions have the same target", place)
            target = now.targets[games.actions[step, game]]
            mover = int(games.states.current_player[step, game])
            name = env.format_action(int(games.actions[step, game]))
            for square, is_before in ((target.square, False), (target.source, True)):
                if square is None:
                    continue
                owned = [p.owners.flat[square] == mover for p in (now, after)]
                if owned != [is_before, not is_before]:
                    return Breach(
                        f"{name} does not do on the picture what its target says", (step + 1, game)
                    )
    return None


def _rows(observations: Any) -> np.ndarray:
    """object [T + 1, B]: each position's observation as bytes."""
    steps, games = jax.tree.leaves(observations)[0].shape[:2]
    flat = jax.tree.map(lambda leaf: leaf.reshape(steps * games, *leaf.shape[2:]), observations)
    rows = np.empty(steps * games, object)
    rows[:] = as_bytes(flat)
    return rows.reshape(steps, games)


LAWS = (
    Law(
        "finite observations",
        "observations are finite, tokens within the vocabulary",
        "look for a division by zero, a log of zero, or an index that is one too large",
        _finite,
    ),
    Law(
        "observations tell",
        "not all positions look the same",
        "observe must read the state's fields",
        _tells,
    ),
    Law(
        "the mover's view",
        "what is seen tells who moves, or shows the board as the mover's and the opponent's",
        "show the mover's pieces first and then the opponent's, or a plane that tells who moves",
        _mover_seen,
    ),
    Law(
        "complete observations",
        "positions that look the same pay the same for the same action",
        "show what decides it: what is missing the network can never learn",
        _complete,
        warns=True,
    ),
    Law(
        "names",
        "every action has a name of its own, which is read back; nonsense raises ValueError",
        "make format_action and parse_action inverse to each other",
        _names,
    ),
    Law(
        "problems as text",
        "a problem is read back from its own text, exactly",
        "write every field in full (repr of a float, not a rounded one), and restore its dtype",
        _problem_text,
    ),
    Law(
        "splits",
        "no problem is both trained on and held out",
        "divide by something that a problem has for ever, such as a hash of its text",
        _splits,
    ),
    Law(
        "drawing",
        "every position can be drawn, from the first to the last",
        "render (draw) and picture (board) get a position as NumPy arrays, also ended ones",
        _drawn,
    ),
    Law(
        "pictures",
        "a picture shows what the moves do",
        "a target's square is where the mover's stone will be, its source where it is now",
        _pictured,
    ),
)

"""The laws of play: beginnings, masks, endings, illegal moves, rewards, length."""

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.environment.checks.law import (
    SAMPLE,
    Absent,
    Breach,
    Law,
    Subject,
    differing,
    differing_field,
    earliest,
    first_bad,
)
from selfplay.environment.game import Game

_ENOUGH = 32
"""Decided games from which something follows."""
CUT_OFF = 0.5
"""Share of random games that the step limit may cut off."""
FAR = 64
"""Times that the step limit may exceed the longest random game. Of the games that ship it is at
most twice; skill may draw a game out, but a memory 64 times too large is worth a question."""


def _beginning(subject: Subject) -> Breach | None:
    start = jax.tree.map(lambda leaf: leaf[0], subject.games.states)
    for name in ("current_player", "rewards", "step_count"):
        values = np.asarray(getattr(start, name))
        bad = values.reshape(len(values), -1).any(1)
        if bad.any():
            return Breach(f"{name} begins as {values[bad][0]}, not 0", (0, int(bad.argmax())))
    ended = subject.games.ended[0]
    if ended.all() or (isinstance(subject.env, Game) and ended.any()):
        return Breach("the game has ended before the first move", (0, int(ended.argmax())))
    return None


def _movers(subject: Subject) -> Breach | None:
    env, games = subject.env, subject.games
    player = np.asarray(games.states.current_player)
    place = earliest((player < 0) | (player >= env.num_players))
    if place is not None:
        return Breach(f"current_player is {player[place]} with {env.num_players} players", place)
    if env.num_players == 2 and not player[~games.ended].any() and games.actions.shape[0] > 1:
        return Breach("player 1 never moves in any game", (1, int(games.ended[1].argmin())))
    return None


def _masks(subject: Subject) -> Breach | None:
    games = subject.games
    place = earliest(~games.masks.any(-1))
    if place is not None:
        return Breach("no action is legal, and the game goes on", place)
    place = earliest(games.ended & ~games.masks.all(-1))
    if place is not None:
        return Breach("the game has ended, and not every action counts as legal", place)
    return None


def _absorbing(subject: Subject) -> Breach | None:
    """Any action after the end changes nothing and pays nothing."""
    env, games = subject.env, subject.games
    places = games.places(games.ended, SAMPLE)
    if not len(places[0]):
        raise Absent("no game ended")
    problem, state = games.at(*places)
    actions = jnp.asarray(np.arange(len(places[0])) % env.num_actions, jnp.int32)
    after = jax.device_get(subject.batched("step")(problem, state, actions))
    wanted = state.replace(rewards=np.zeros_like(state.rewards))
    place = first_bad(differing(after, wanted), places)
    if place is None:
        return None
    index = int(differing(after, wanted).argmax())
    one, other = (jax.tree.map(lambda leaf: leaf[index], tree) for tree in (after, wanted))
    action = env.format_action(int(actions[index]))
    return Breach(f"after the end, {action} still changes {differing_field(one, other)}", place)


def _illegal(subject: Subject) -> Breach | None:
    """An illegal action ends the game, counts as a step, and pays the mover the least."""
    env, games = subject.env, subject.games
    places = games.places(~games.ended & ~games.masks.all(-1), SAMPLE)
    if not len(places[0]):
        raise Absent("every action is always legal")
    problem, state = games.at(*places)
    rank = np.random.default_rng(0).random(games.masks[places].shape)
    actions = np.where(games.masks[places], -1.0, rank).argmax(-1).astype(np.int32)
    after = jax.device_get(subject.batched("step")(problem, state, actions))
    loss = env.min_return if env.num_players == 1 else -env.return_range[1]
    mover = np.asarray(state.current_player)[:, None]
    paid = np.where(np.arange(env.num_players) == mover, loss, -loss).astype(np.float32)
    wanted = state.replace(
        rewards=paid,
        terminated=np.ones_like(state.terminated),
        step_count=state.step_count + np.int16(1),
    )
    bad = differing(after, wanted)
    place = first_bad(bad, places)
    if place is None:
        return None
    index = int(bad.argmax())
    one, other = (jax.tree.map(lambda leaf: leaf[index], tree) for tree in (after, wanted))
    field = differing_field(one, other)
    action = env.format_action(int(actions[index]))
    got = f"; rewards are {one.rewards.tolist()}, must be {other.rewards.tolist()}"
    return Breach(
        f"the illegal {action} leaves {field} otherwise than a loss does"
        + (got if "rewards" in field else ""),
        place,
    )


def _length(subject: Subject) -> Breach | None:
    env, games = subject.env, subject.games
    counts = np.asarray(games.states.step_count)
    grew = np.diff(counts, axis=0) != ~games.ended[:-1]
    place = earliest(grew)
    if place is not None:
        step, game = place
        was, now = counts[step, game], counts[step + 1, game]
        return Breach(f"step_count went from {was} to {now} in a move", (step + 1, game))
    place = earliest(np.asarray(games.states.terminated & games.states.truncated))
    if place is not None:
        return Breach("a game is both terminated and truncated", place)
    if len(games.ended) > env.max_steps and not games.ended[env.max_steps].all():
        game = int(games.ended[env.max_steps].argmin())
        return Breach(
            f"a game goes on after max_steps = {env.max_steps} steps", (env.max_steps, game)
        )
    return None


def _by_rules(subject: Subject) -> Breach | None:
    env, games = subject.env, subject.games
    if env.num_players == 1:
        raise Absent("a lone player may not get anywhere at random")
    truncated = np.asarray(games.states.truncated)
    if len(truncated) > env.max_steps and truncated[-1].mean() >= CUT_OFF:
        game = int(truncated[-1].argmax())
        return Breach(
            f"{truncated[-1].sum()} of {truncated.shape[1]} random games were cut off at "
            f"max_steps = {env.max_steps}",
            (env.max_steps, game),
        )
    return None


def _fitting(subject: Subject) -> Breach | None:
    env, games = subject.env, subject.games
    if env.num_players == 1:
        raise Absent("a lone player may fail early at random")
    longest = int(games.states.step_count.max())
    if len(games.ended) <= env.max_steps or env.max_steps <= FAR * longest:
        return None
    return Breach(
        f"max_steps = {env.max_steps:,}, but the longest of {games.ended.shape[1]} random games "
        f"took {longest:,}: games in progress will take {env.max_steps // longest:,} times the "
        "memory that these need"
    )


def _rewards(subject: Subject) -> Breach | None:
    env, games = subject.env, subject.games
    paid = np.asarray(games.states.rewards, np.float64)
    place = earliest(~np.isfinite(paid).all(-1))
    if place is not None:
        return Breach(f"rewards are {paid[place].tolist()}", place)
    low, high = env.return_range
    to_come = paid[1:][::-1].cumsum(0)[::-1]
    bad = (to_come < low - 1e-5).any(-1) | (to_come > high + 1e-5).any(-1)
    if bad.any():
        # The last reward of a return that is out of range completes it.
        game = int(bad.any(0).argmax())
        last = int(np.flatnonzero(paid[:, game].any(-1))[-1])
        extreme = to_come[:, game].flat[np.abs(to_come[:, game]).argmax()]
        return Breach(
            f"a player's rewards add up to {extreme:g}, out of return_range = {env.return_range}",
            (last, game),
        )
    return None


def _zero_sum(subject: Subject) -> Breach | None:
    if subject.env.num_players == 1:
        raise Absent("there is one player")
    paid = np.asarray(subject.games.states.rewards)
    place = earliest(paid.sum(-1) != 0)
    if place is not None:
        return Breach(f"rewards are {paid[place].tolist()}", place)
    return None


def _winners(subject: Subject) -> Breach | None:
    """Who wins the games that random play decides: either, and sometimes by the last move."""
    env, games = subject.env, subject.games
    if env.num_players == 1:
        raise Absent("there is one player")
    returns = np.asarray(games.states.rewards, np.float64)[1:].sum(0)
    decided = np.flatnonzero(returns.any(-1) & games.ended[-1])
    if len(decided) < _ENOUGH:
        raise Absent("too few games were decided")
    last = games.ended[:, decided].argmax(0)
    moved_last = np.asarray(games.states.current_player)[last - 1, decided]
    of_last = returns[decided, moved_last]
    place = int(last[last.argmin()]), int(decided[last.argmin()])
    if (of_last < 0).all():
        return Breach(f"in all {len(decided)} decided games whoever moved last lost", place)
    for player in (0, 1):
        if (returns[decided, player] < 0).all():
            return Breach(f"player {player} lost all {len(decided)} decided games", place)
    return None


def _matters(subject: Subject) -> Breach | None:
    paid = np.asarray(subject.games.states.rewards)
    if not paid.any():
        seen = f"nothing was ever paid in {paid.shape[1]} random games"
        stuck = _stuck(subject)
        if stuck:
            seen += f"; {stuck} of them ended because no action was legal, which pays nothing"
        return Breach(seen)
    return None


def _stuck(subject: Subject) -> int:
    """How many games ended where the rules allow nothing."""
    env, games = subject.env, subject.games
    last = games.ended.shape[0] - 1, np.arange(games.ended.shape[1])
    problem, state = games.at(*last)
    allowed = jax.jit(jax.vmap(env._legal))(problem, state)
    return int((games.states.terminated[-1] & ~np.asarray(allowed).any(-1)).sum())


LAWS = (
    Law(
        "beginning",
        "a game begins with player 0, nothing paid, no step counted, and not at its end",
        "return State.start(num_players, ...) as it is",
        _beginning,
    ),
    Law(
        "movers",
        "the mover is a player, and with two players both get to move",
        "set current_player in play: jnp.int8(1) - state.current_player gives the other the move",
        _movers,
    ),
    Law(
        "masks",
        "some action is legal until the end, and all are after it",
        "do not override legal_action_mask; the base class ends a game at a dead end",
        _masks,
    ),
    Law(
        "length",
        "each move is one step, and max_steps of them are the most there are",
        "let the base class count steps and truncate: write play, not step",
        _length,
    ),
    Law(
        "endings absorb",
        "after the end nothing changes and nothing is paid",
        "do not override step; pay in play, which is never called after the end",
        _absorbing,
    ),
    Law(
        "illegal moves lose",
        "an illegal action ends the game as the mover's loss, and changes nothing else",
        "do not override step; the base class keeps this law",
        _illegal,
    ),
    Law(
        "rewards",
        "rewards are finite, and those still to come stay within return_range",
        "widen return_range to the largest and smallest return, or scale the rewards",
        _rewards,
    ),
    Law(
        "zero-sum",
        "with two players, what one wins the other loses",
        "pay with zero_sum(player, reward)",
        _zero_sum,
    ),
    Law(
        "ends by its rules",
        "less than half of the random games are cut off by the step limit",
        "raise max_steps, or look for the ending that is never reached; fine where the rules "
        "know no end of their own",
        _by_rules,
        warns=True,
    ),
    Law(
        "step limit",
        f"max_steps is at most {FAR} times the longest random game: each game in progress has room "
        "for that many steps, which wait there for its outcome",
        "state the most moves a game can take; fine where good play lasts that much longer",
        _fitting,
        warns=True,
    ),
    Law(
        "winners",
        "either player can win, and moving last can win",
        "pay who has moved, state.current_player, not who moves next; a game where the last mover "
        "always loses is fine if you meant it",
        _winners,
        warns=True,
    ),
    Law(
        "something is paid",
        "some random game pays something",
        "if random play can win at all, look at rewards in play, and whether who cannot move has "
        "lost; else play more games (--games)",
        _matters,
        warns=True,
    ),
)

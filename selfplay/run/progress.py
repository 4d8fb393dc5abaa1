"""How far a run is: minutes become iterations, sums become metrics."""

import math
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from selfplay.config import Config

Row = dict[str, float]
"""An iteration's metrics."""

MIN_MEASURED_ITERATIONS = 3
MEASURED_SHARE, MOST_MEASURED_SECONDS = 0.1, 60.0
"""The speed is measured for this share of a run, so that looks and saves are among it."""
RESERVE = 0.08
"""Share of the time that is kept back: as the network sharpens, its searches grow deeper, and a
deeper tree takes longer to walk."""


class NonFiniteLossError(RuntimeError):
    """Learning produced a number that is not finite."""


class Clock:
    """Seconds of training, over all the processes that have worked on the run."""

    def __init__(self, deadline: float, before: float = 0.0, started: float | None = None):
        """Starts the clock.

        Args:
            deadline: seconds of training at which a run that is measured in minutes ends.
            before: seconds spent by earlier processes.
            started: `time.monotonic()` at which this process began, by default now.
        """
        self.deadline = deadline
        self._zero = (time.monotonic() if started is None else started) - before

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""
        return time.monotonic() - self._zero


class Every:
    """Called, true at most once in so many minutes; the first time after one interval."""

    def __init__(self, minutes: float):
        self._interval = 60.0 * minutes
        self._last = time.monotonic()

    def __call__(self) -> bool:
        """Whether the interval has passed; if so, the next begins."""
        if time.monotonic() - self._last < self._interval:
            return False
        self._last = time.monotonic()
        return True


class Planner:
    """Turns minutes into a number of iterations, once, from the speed after compilation."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._first: tuple[int, float] | None = None

    def plan(self, iteration: int, learnt: bool) -> int | None:
        """The number of iterations that fit before the deadline; None while that is not known.

        The speed is that of whole iterations, learning and all that lies between included.

        Args:
            iteration: iterations done.
            learnt: whether the last one included learning.
        """
        now, deadline = self._clock.seconds, self._clock.deadline
        if now >= deadline:
            return iteration
        if self._first is None:
            self._first = (iteration, now) if learnt else None
            return None
        iterations, seconds = iteration - self._first[0], now - self._first[1]
        if iterations < MIN_MEASURED_ITERATIONS:
            return None
        if seconds < min(MEASURED_SHARE * deadline, MOST_MEASURED_SECONDS):
            return None
        return iteration + int((1.0 - RESERVE) * (deadline - now) * iterations / seconds)


class Pace:
    """Says where a run stands; the time left goes by the speed since the first call."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._first: tuple[int, float] | None = None

    def header(self, iteration: int, iterations: int | None) -> Row:
        """Iterations done and planned, seconds spent and left, as far as they are known."""
        now = self._clock.seconds
        row: Row = {"iteration": iteration, "seconds": now}
        if self._first is None:
            self._first = (iteration, now)
        if iterations is not None:
            row["iterations"] = iterations
            done = iteration - self._first[0]
            if done:
                row["seconds_left"] = (now - self._first[1]) / done * (iterations - iteration)
        return row


def total_updates(config: Config, iterations: int | None) -> int:
    """Updates of the whole run; the most there can be while its end is not known."""
    limit = int(np.iinfo(np.int32).max)
    if iterations is None:
        return limit
    return min(limit, iterations * config.learner.updates_per_iteration)


def iteration_row(
    config: Config,
    played: dict[str, jax.Array],
    learned: dict[str, jax.Array],
    practised: Row,
    seconds: Callable[[], float],
    play_seconds: float,
) -> Row:
    """An iteration's metrics from the sums and means that `play` and `learn` gave.

    `seconds` is asked once all numbers have come from the device; `play_seconds` of them went for
    the games. What was `practised` beside them is its own row, "seconds/practice" among it, and
    nothing where there is nobody to practise.
    """
    played, learned = jax.device_get((played, learned))
    sums = {key: float(value) for key, value in played.items()}
    means = {key: float(value) for key, value in learned.items()}
    took = seconds()
    games = max(1.0, sums["games"])
    early = {}
    if "resigned" in sums:
        early["game/resigned"] = sums["resigned"] / games
    if sums.get("judged"):
        early["game/misjudged"] = sums["misjudged"] / sums["judged"]
    decisions = config.rollout.num_games * config.rollout.steps_per_iteration
    drawn = config.learner.batch_size * config.learner.updates_per_iteration
    row = {
        "games": sums["games"],
        "seconds/play": play_seconds,
        "seconds/learn": took - play_seconds - practised.get("seconds/practice", 0.0),
        "speed/games_per_second": sums["games"] / took,
        "speed/simulations_per_second": decisions * config.search.mean_simulations / took,
        "game/length": sums["plies"] / games,
        "game/return": sums["rewards"] / games,
        "game/first_player_wins": sums["first_player_wins"] / games,
        "game/first_player_losses": sums["first_player_losses"] / games,
        "game/truncated": sums["truncated"] / games,
        "buffer/rows_added": sums["rows"] + practised.get("practice/rows", 0.0),
        "buffer/rows": sums["buffer_rows"],
        "buffer/rows_drawn": float(drawn if learned else 0),
    }
    if "changed" in sums:
        row["search/changed"] = sums["changed"] / decisions
    if sums["game_pairs"]:
        row["game/repeated"] = sums["equal_game_pairs"] / sums["game_pairs"]
    practice = {key: value for key, value in sums.items() if key.startswith("practice/")}
    return row | early | practice | means | practised


def timed(key: str, function: Callable[..., Row], *arguments: Any) -> Row:
    """What `function` gives, and under `key` the seconds it took."""
    begin = time.monotonic()
    row = function(*arguments)
    return row | {key: time.monotonic() - begin}


def refuse_non_finite(row: Row, iteration: int) -> None:
    """Raises NonFiniteLossError, saying what was seen, if any metric is not finite."""
    bad = [f"{key} = {value}" for key, value in row.items() if not math.isfinite(value)]
    if bad:
        rate = f" at learning rate {row['learning_rate']:.2g}" if "learning_rate" in row else ""
        raise NonFiniteLossError(
            f"iteration {iteration} gave {', '.join(bad)}{rate}; nothing of it was saved, and the "
            "last good checkpoint stays. To resume would lead here again: start a new run from "
            "this one with a lower rate, selfplay train ENV --from RUN --learner.learning-rate X"
        )

"""Guards against quiet failures: what a run's metrics say, in words, when it learns nothing good.

Each rule is a pure function from the history of a run's rows to a finding or nothing. It goes by
means over a window, and a finding stays until its rule has been silent for as long, so that
nothing flickers. What a rule needs and a row lacks (the rows of an older version, an environment
without exact truth) keeps it silent.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from statistics import fmean
from typing import Any

from selfplay.run import looks

Row = Mapping[str, Any]

WINDOW = 20
"""Iterations that a rule goes by, and that a finding stays for at least."""
REPEATED = 0.3
"""Probability that two games are the same; the healthy presets stay below 0.05."""
UNCHANGED = 0.02
"""Share of moves that the search changes; the healthy presets stay above 0.08."""
PASSES = 20.0
"""How often each row is learnt from; the presets have 4 and 7, AlphaZero's publication about 1."""
STALE = 0.45
"""Mean age of the rows, as a share of the iterations done; 0.5 if nothing is ever dropped."""
LEAST_ITERATIONS = 120
"""Before that no row is old."""
LOSS_FELL = 0.2
"""Share of its first size by which the value loss must have fallen to be said to fall."""
LOOKS = 3
"""Looks at exact truth that are averaged."""
ROSE, FELL = 0.02, 0.05
"""Differences in accuracy that are more than noise: upwards from the start, down from the best."""
RIGHT = 0.98
"""Accuracy at which there is nothing more to find."""
CHANCE = 1e-3
"""That as many of the changed answers are new errors though neither network is better. A run
looks some sixty times, at questions that are not independent: one in a hundred would be said too
often."""
GREW = 0.1
"""Share by which errors must have grown beside the best look's: with many questions less would
be certain, and not matter."""
ALIKE = 0.3
"""Chance that two games begin alike; as `REPEATED`, of whole games."""
UNCALIBRATED = 0.15
"""Mean difference between the chance to win that the network sees, and what comes of it."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a guard has seen."""

    name: str
    """Of the rule, as in the rows of `metrics.jsonl`."""
    seen: str
    """What is seen, with figures: a sentence."""
    meaning: str
    """What it means."""
    remedy: str
    """What to try."""

    @property
    def sentence(self) -> str:
        """All of it."""
        return f"{self.seen} {self.meaning} {self.remedy}"


@dataclasses.dataclass(frozen=True)
class History:
    """What the rules know of a run's rows."""

    recent: tuple[Row, ...] = ()
    """The last rows, at most `WINDOW`."""
    first_loss: float | None = None
    """The value loss when learning began."""
    looks: tuple[float, ...] = ()
    """Accuracy of the network alone at each look at exact truth."""
    looked: tuple[Row, ...] = ()
    """The last rows in which the run was looked at, at most `LOOKS`; none of its first `WINDOW`
    iterations, when the network has learnt nothing yet, and rightly expects nothing."""

    def add(self, row: Row) -> "History":
        """The history with one more row."""
        look = row.get("exact/network")
        return History(
            recent=(*self.recent, row)[-WINDOW:],
            first_loss=row.get("loss/value") if self.first_loss is None else self.first_loss,
            looks=self.looks if look is None else (*self.looks, look),
            looked=(*self.looked, row)[-LOOKS:] if _counts(row) else self.looked,
        )

    def seen(self, key: str) -> tuple[float, float] | None:
        """The least and the greatest of a metric over the last looks; None unless all have it."""
        values = [row[key] for row in self.looked if key in row]
        return (min(values), max(values)) if len(values) == LOOKS else None

    def mean(self, key: str) -> float | None:
        """Mean of a metric over the recent rows; None unless the window is full and most have it.

        A row in which nothing was learnt, or no game ended, has no such number.
        """
        values = [row[key] for row in self.recent if math.isfinite(row.get(key, math.nan))]
        enough = len(self.recent) == WINDOW and len(values) > WINDOW // 2
        return fmean(values) if enough else None


def _counts(row: Row) -> bool:
    """Whether a row holds a look at a network that has learnt."""
    return "seconds/look" in row and row["iteration"] > WINDOW


Rule = Callable[[History], Finding | None]


def one_line(history: History) -> Finding | None:
    """Play has collapsed to few lines: the games are the same."""
    repeated = history.mean("game/repeated")
    if repeated is None or repeated < REPEATED:
        return None
    return Finding(
        "one_line",
        f"Two games of an iteration are the same, move by move, with a probability of "
        f"{_percent(repeated)}: there are about {1.0 / repeated:.1f} different games.",
        "The network sees few positions, and will not know what to do in any other.",
        "Begin games in more ways (rollout.max_opening_plies, rollout.opening_fraction), sample "
        "the first moves (rollout.temperature_plies), or search with more noise "
        "(search.gumbel_scale, search.dirichlet_fraction).",
    )


def idle_search(history: History) -> Finding | None:
    """The search hands back what the network thought."""
    changed = history.mean("search/changed")
    learnt = history.mean("loss/policy") is not None
    perfect = bool(history.looks) and history.looks[-1] >= RIGHT
    if changed is None or not learnt or perfect or changed >= UNCHANGED:
        return None
    divergence = history.mean("kl/target_policy") or 0.0
    return Finding(
        "idle_search",
        f"The search prefers another move than the network in {_percent(changed)} of positions "
        f"(KL from target to network {divergence:.3f}).",
        "Its targets are the network's own opinion: there is nothing to learn from them.",
        "Search more (search.num_simulations), trust the network's policy less "
        "(search.exploration, for puct), or take search.policy gumbel, which improves with few "
        "simulations too.",
    )


def new_errors(history: History) -> Finding | None:
    """Look after look the network gets wrong what it knew."""
    told = [new_errors_of(row) for row in history.looked]
    return told[-1] if len(told) == LOOKS and all(told) else None


def new_errors_of(row: Row, steps: str = "iteration") -> Finding | None:
    """The network makes errors that an earlier one did not, more than it mended.

    `steps` says what `errors/since` counts.
    """
    if "errors/new" not in row:
        return None
    new, mended, before = (int(row[f"errors/{key}"]) for key in ("new", "mended", "before"))
    if new - mended < GREW * before or looks.chance(new, mended) > CHANCE:
        return None
    return Finding(
        "new_errors",
        f"The network alone makes {new:,} errors that it did not make after {steps} "
        f"{row['errors/since']:,.0f}, and mended {mended:,} of the {before:,} it made then.",
        "What it learns from makes it worse: its own errors are in it, and what is rare is not.",
        "Search more (search.num_simulations), mix in real data, take more and more varied games "
        "for each update, or a lower learner.learning_rate.",
    )


def overconfident(history: History) -> Finding | None:
    """What the network expects is not what comes of it."""
    errors = history.seen("value/calibration_error")
    return None if errors is None else overconfident_of(min(errors))


def overconfident_of(error: float) -> Finding | None:
    """The same, of an error of calibration."""
    if error < UNCALIBRATED:
        return None
    return Finding(
        "overconfident",
        f"The chance to win that the network sees is off by {_percent(error)} on average.",
        "A search that trusts such values is led astray, and its labels are no better.",
        "Learn from fresher and more varied games (replay.capacity, rollout.num_games), or weigh "
        "the value more (learner.value_weight).",
    )


def begin_alike(history: History) -> Finding | None:
    """Games differ, but begin in few ways."""
    differ = history.seen("openings/heterozygosity")
    return None if differ is None else begin_alike_of(max(differ))


def begin_alike_of(heterozygosity: float) -> Finding | None:
    """The same, of the chance that two openings differ."""
    if 1.0 - heterozygosity < ALIKE:
        return None
    return Finding(
        "begin_alike",
        f"Two games begin alike with a probability of {_percent(1.0 - heterozygosity)}.",
        "The network sees few positions, and will not know what to do in any other.",
        "Sample the first moves (rollout.temperature_plies, or --temperature 1 of raw samples), "
        "begin in more ways (rollout.max_opening_plies), or mix in real data.",
    )


def few_rows(history: History) -> Finding | None:
    """Each row is learnt from too often."""
    drawn, added = history.mean("buffer/rows_drawn"), history.mean("buffer/rows_added")
    if not drawn or added is None or drawn < PASSES * added:
        return None
    held = history.mean("buffer/rows") or 0.0
    return Finding(
        "few_rows",
        f"An iteration learns from {drawn:,.0f} rows and makes {added:,.0f}: each is seen about "
        f"{drawn / max(added, 1.0):,.0f} times, out of {held:,.0f} in the buffer.",
        "The network learns these games by heart, rather than what they have in common.",
        "Play more between updates (rollout.num_games, rollout.steps_per_iteration) or learn less "
        "(learner.updates_per_iteration, learner.batch_size).",
    )


def stale_rows(history: History) -> Finding | None:
    """Most of what is learnt from was made by networks that were much weaker."""
    age, done = history.mean("buffer/age"), history.mean("iteration")
    planned = history.mean("iterations")
    if age is None or done is None or planned is None or age < STALE * done:
        return None
    if done < max(LEAST_ITERATIONS, planned / 2):
        return None
    return Finding(
        "stale_rows",
        f"The rows that are learnt from are {age:,.0f} iterations old on average, and the run has "
        f"done {done:,.0f}.",
        "The buffer still holds the first games, and the network is drawn back to what it knew "
        "then.",
        "Let the buffer forget them (a smaller replay.capacity), or train longer.",
    )


def misleading_value(history: History) -> Finding | None:
    """The value loss falls, but play does not come nearer to exact truth."""
    loss, first = history.mean("loss/value"), history.first_loss
    if loss is None or first is None or loss > (1.0 - LOSS_FELL) * first:
        return None
    if len(history.looks) <= LOOKS:
        return None
    looks = history.looks
    means = [fmean(looks[end - LOOKS : end]) for end in range(LOOKS, len(looks) + 1)]
    start, now, best = looks[0], means[-1], max(means)
    fell = f"The value loss fell from {first:.2f} to {loss:.2f}, but"
    if now < RIGHT and now < start + ROSE:
        return Finding(
            "misleading_value",
            f"{fell} the network alone keeps the value in {_percent(now)} of solved positions, "
            f"and did in {_percent(start)} at the start.",
            "It learns its targets well, and they do not teach to play well.",
            "Most often a sign is wrong in the environment: look whom `rewards` pays after a last "
            "move, whether `current_player` changes, and for whom exact values are meant.",
        )
    if now < best - FELL:
        return Finding(
            "misleading_value",
            f"{fell} the network alone keeps the value in {_percent(now)} of solved positions, "
            f"after {_percent(best)} at its best.",
            "It has forgotten what it knew: it fits its rows ever better, and positions outside "
            "of them worse.",
            "Take more and more varied games for each update, a larger replay.capacity, or a lower "
            "learner.learning_rate.",
        )
    return None


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        misleading_value,
        new_errors,
        one_line,
        begin_alike,
        overconfident,
        idle_search,
        few_rows,
        stale_rows,
    )
}
"""By the name of what they find, the gravest first."""


class Guards:
    """Watches a run, row by row."""

    def __init__(self, rows: Iterable[Row] = ()):
        """Guards who have seen these rows: those that were written before a run goes on."""
        self._history = History()
        self._found: dict[str, Finding] = {}
        self.spans: dict[str, tuple[int, int]] = {}
        """First and last iteration at which each rule that ever found something did."""
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> tuple[Finding, ...]:
        """Looks at one more row, and returns what stands, the gravest first."""
        self._history = self._history.add(row)
        now = int(row["iteration"])
        for name, rule in RULES.items():
            finding = rule(self._history)
            if finding is not None:
                self._found[name] = finding
                self.spans[name] = (self.spans.get(name, (now, now))[0], now)
            elif name in self._found and now - self.spans[name][1] >= WINDOW:
                del self._found[name]
        return self.findings

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What stands, the gravest first."""
        return tuple(self._found[name] for name in RULES if name in self._found)


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"

"""What is done about a guard's alarm: settings are changed, dose by dose, or the run is halted.

What a run was given follows from its rows: each that has a "remedy" is a dose. One that is resumed
goes on with as many, and its own settings stay as they were written.
"""

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

from selfplay.config import Config
from selfplay.distill_config import DistillConfig
from selfplay.run.guards import Row

AGAINST = frozenset({"one_line", "begin_alike", "lost_openings", "new_errors", "overconfident"})
"""Alarms that something is done about: of too little variety, and of what that leads to. The
others say what to set otherwise, which more variety would not mend."""
AGAIN = 100
"""Iterations of training between two doses: time to see whether the first one helped."""
MOST = 3
"""Doses; what they do not mend, more of them will not."""
NOISE = 1.5
"""Factor of a search's noise, or of a temperature, for each dose."""
DIRICHLET, MOST_DIRICHLET = 0.15, 0.75
"""Share of the root's prior that a dose turns into noise, and the most that may be."""
PLIES, OPENINGS = 4, 0.5
"""More random plies with which games may begin, for each dose; the least share that do."""
REAL = 0.25
"""More of a batch that is real, for each dose; AlphaFold 2 begins with as much."""


HALT = "halt: the run is saved and stops"
"""As a dose's text."""


def doses(rows: Sequence[Row], remedy: str) -> int:
    """How many of a remedy a run with these rows was given, at most `MOST`; a halt is none."""
    if remedy == "halt":
        return 0
    return min(MOST, sum(_is_dose(row, remedy) for row in rows))


def _is_dose(row: Row, remedy: str) -> bool:
    return str(row.get("remedy", "")).startswith(f"{remedy}:")


def given(rows: Sequence[Row]) -> list[str]:
    """What was done about alarms: "after iteration 640: noise: search.gumbel_scale 1 to 1.5"."""
    return [f"after iteration {r['iteration']:,}: {r['remedy']}" for r in rows if "remedy" in r]


class Treatment:
    """What a run in training has been given, and is given next."""

    def __init__(self, config: Config, max_steps: int, rows: Sequence[Row]):
        """That of a run with these settings and rows; `max_steps` is the environment's."""
        self._own, self._max_steps = config, max_steps
        remedy = config.guards.remedy
        self.count = doses(rows, remedy)
        self._last = max((r["iteration"] for r in rows if _is_dose(r, remedy)), default=None)

    @property
    def config(self) -> Config:
        """The settings that play and learn from now on."""
        return treated(self._own, self.count, self._own.guards.remedy, self._max_steps)

    @property
    def halts(self) -> bool:
        """Whether the remedy is to stop."""
        return self._own.guards.remedy == "halt"

    def dose(self, iteration: int, found: Collection[str]) -> str | None:
        """Gives a dose if these alarms (their names) ask for one now; the row's text for it."""
        waited = self._last is None or iteration - self._last >= AGAIN
        full = self.count >= MOST or self._own.guards.remedy == "none"
        if full or not waited or AGAINST.isdisjoint(found):
            return None
        before, self._last = self.config, iteration
        if self.halts:
            return HALT
        self.count += 1
        return told(self._own.guards.remedy, (before, self.config))


def treated(config: Config, count: int, remedy: str, max_steps: int) -> Config:
    """A run's settings after so many doses of a remedy: of noise or openings; others leave them.

    `max_steps` is the environment's: no opening is as long.
    """
    if count == 0 or remedy not in ("noise", "openings"):
        return config
    if remedy == "openings":
        plies = min(config.rollout.max_opening_plies + count * PLIES, max_steps - 1)
        fraction = max(config.rollout.opening_fraction, OPENINGS)
        rollout = dataclasses.replace(
            config.rollout, max_opening_plies=plies, opening_fraction=fraction
        )
        return dataclasses.replace(config, rollout=rollout)
    if config.search.policy == "puct":
        fraction = config.search.dirichlet_fraction
        changed = {
            "dirichlet_fraction": max(fraction, min(MOST_DIRICHLET, fraction + count * DIRICHLET))
        }
    else:
        changed = {"gumbel_scale": _hotter(config.search.gumbel_scale, count)}
    return dataclasses.replace(config, search=dataclasses.replace(config.search, **changed))


def treated_labels(settings: DistillConfig, count: int, remedy: str) -> DistillConfig:
    """What a distillation labels and mixes after so many doses: of real data, or noise for raw
    samples; others leave it.
    """
    if remedy == "real":  # without a dose as well: its text shall say from which share
        share = min(1.0, (settings.share_of_real or 0.0) + count * REAL)
        return dataclasses.replace(settings, real_fraction=share)
    if count and remedy == "noise" and settings.operator == "raw":
        return dataclasses.replace(settings, temperature=_hotter(settings.temperature, count))
    return settings


def refuse_unfit(settings: DistillConfig) -> None:
    """Raises ValueError for a remedy of a distillation that could do nothing, or harm."""
    if settings.remedy == "real" and not settings.share_of_real:
        raise ValueError(
            "remedy real mixes in more real data: name some with --real, and say with "
            "--real-fraction how much there is at first"
        )
    if settings.remedy == "openings" and settings.verified:
        raise ValueError(
            "remedy openings does not go with verified: a verifier judges episodes from their "
            "beginning; noise or halt would do"
        )
    if settings.remedy == "openings" and settings.operator == "reanalysis":
        raise ValueError(
            "remedy openings does not go with operator reanalysis, which plays no episodes; noise, "
            "real or halt would do"
        )


def told(remedy: str, *settings: tuple[Any, Any]) -> str:
    """A dose as text for a row, "noise: search.gumbel_scale 1 to 1.5", from pairs of settings
    before and after it.
    """
    changed = [change for pair in settings for change in _changes(*pair)]
    return f"{remedy}: {', '.join(changed) or 'nothing is changed'}"


def _changes(before: Any, after: Any) -> list[str]:
    """Fields that differ between two settings of one kind, as text."""
    found = []
    for field in dataclasses.fields(before):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if dataclasses.is_dataclass(old):
            found += [f"{field.name}.{change}" for change in _changes(old, new)]
        elif old != new:
            found.append(f"{field.name} {'unset' if old is None else f'{old:g}'} to {new:g}")
    return found


def _hotter(heat: float, count: int) -> float:
    """Noise after so many doses; where there is none, the first makes the policy's own."""
    return (heat or 1.0 / NOISE) * NOISE**count

"""The laws of the contract as checks, for anyone's environment.

from selfplay.environment import check

check(env).raise_if_broken()
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from selfplay.environment.checks import purity, rules, size, symmetries, tracing, truth, views
from selfplay.environment.checks.errors import described
from selfplay.environment.checks.law import (
    Absent,
    Breach,
    Law,
    Outcome,
    Subject,
    shortened,
)
from selfplay.environment.contract import Environment

STAGES = (
    tracing.LAWS,
    purity.LAWS,
    (*rules.LAWS, *purity.IN_PLAY),
    (*views.LAWS, *symmetries.LAWS, *truth.LAWS, *size.LAWS),
)
"""The laws, the fundamental before those that build on them.

The laws of form are looked at in turn and the first broken one ends the check; of a later stage
all are looked at, but none after a stage in which one is broken.
"""

LAWS: tuple[Law, ...] = tuple(law for stage in STAGES for law in stage)


@dataclasses.dataclass(frozen=True)
class Position:
    """A short game that shows a breach."""

    problem: str
    """As text; empty for games."""
    moves: tuple[str, ...]
    before: str
    """Drawn before the last of the moves; empty if there is none."""
    after: str
    """Drawn after all of them."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """What became of a law."""

    law: Law
    outcome: Outcome
    seen: str = ""
    position: Position | None = None


@dataclasses.dataclass(frozen=True)
class Report:
    """What became of all laws, and what a State costs."""

    name: str
    findings: tuple[Finding, ...]
    games: int
    longest: int
    """Steps of the longest of the games."""
    state_bytes: dict[str, int]
    """By field, the largest first; empty if the environment has no State."""
    steps_per_second: float | None
    """Of random play at batch 1,024; None if it was not measured."""

    @property
    def broken(self) -> tuple[Finding, ...]:
        """Laws that do not hold."""
        return tuple(f for f in self.findings if f.outcome is Outcome.BROKEN)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What may be meant, but seldom is."""
        return tuple(f for f in self.findings if f.outcome is Outcome.WARNS)

    def raise_if_broken(self) -> None:
        """Raises ValueError, with all that is broken, if anything is."""
        if self.broken:
            lines = [f"{f.law.name}: {f.seen}; {f.law.remedy}" for f in self.broken]
            raise ValueError("\n".join([f"{self.name} breaks the contract", *lines]))


def check(
    env: Environment[Any],
    *,
    games: int = 256,
    seed: int = 0,
    speed: bool = False,
    again: Environment[Any] | None = None,
    watch: Callable[[Law], None] = lambda law: None,
) -> Report:
    """Looks for each law of the contract in random games, and names what is broken.

    Args:
        env: anyone's environment.
        games: random games to play; fewer where they are long and their states large.
        seed: of those games. The same seed finds the same.
        speed: whether to measure steps per second too, which takes a few seconds.
        again: the same environment made once more, to see whether it is the same.
        watch: told each law before it is looked at.

    Returns:
        A report; it never raises for what is wrong with the environment.

    Raises:
        ValueError: there are too few games, or `seed` is below 0.
    """
    if games < 8:
        raise ValueError(f"games must be at least 8, got {games}")
    if seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed}")
    subject = Subject(env, games, seed, again)
    findings: list[Finding] = []
    sound = True
    for number, stage in enumerate(STAGES):
        for law in stage:
            if not sound:
                findings.append(Finding(law, Outcome.UNCHECKED))
                continue
            watch(law)
            findings.append(_judge(subject, law))
            if number == 0:  # what follows asks for what this one demands
                sound = findings[-1].outcome is not Outcome.BROKEN
        sound = sound and not any(f.outcome is Outcome.BROKEN for f in findings)
    played = "games" in vars(subject)
    return Report(
        name=type(env).__name__,
        findings=tuple(findings),
        games=subject.games.ended.shape[1] if played else 0,
        longest=int(subject.games.states.step_count.max()) if played else 0,
        state_bytes=size.field_bytes(subject.start) if played else {},
        steps_per_second=size.steps_per_second(env) if speed and sound else None,
    )


def _judge(subject: Subject, law: Law) -> Finding:
    """One law; an exception of the author's code breaks the law that called it."""
    try:
        breach = law.test(subject)
        if breach is not None:
            subject, breach = shortened(subject, law, breach)
    except Absent as reason:
        return Finding(law, Outcome.ABSENT, str(reason))
    except Exception as error:
        return Finding(law, Outcome.BROKEN, described(error, subject.env))
    if breach is None:
        return Finding(law, Outcome.HOLDS)
    outcome = Outcome.WARNS if law.warns else Outcome.BROKEN
    return Finding(law, outcome, breach.seen, _position(subject, breach))


def _position(subject: Subject, breach: Breach) -> Position | None:
    """The game in which a breach shows; without drawings where they fail."""
    if breach.place is None:
        return None
    env, (step, game) = subject.env, breach.place

    def draw(step: int) -> str:
        try:
            return env.render(*subject.games.at(step, game))
        except Exception:
            return ""

    try:
        problem, _ = subject.games.at(0, game)
        moves = [env.format_action(int(a)) for a in subject.games.actions[:step, game]]
        return Position(
            env.format_problem(problem), tuple(moves), draw(step - 1) if step else "", draw(step)
        )
    except Exception:
        return None

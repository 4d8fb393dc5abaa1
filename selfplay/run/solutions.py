"""Solutions that a run has found, kept in its folder: of each problem the shortest.

RUN/solutions.jsonl has an object a line, in the order in which they were found:

    {"iteration": 12, "level": 3, "problem": "XyxYY, Xy", "length": 6, "by": "games",
     "actions": [2, 5, 1, 3, 0, 6]}

A problem has a line again when a shorter solution of it is found: its last line counts. All have
been accepted by the environment's own verifier, which replays the actions. A resumed run drops the
lines after the iteration it goes on from, and finds them again.

Where problems are ever new, the file would grow without end: a level has at most `MOST_PROBLEMS`,
the first to be solved; their solutions may still get shorter. That is enough for all generated
formulas of each level, and for an instance that is a level of its own.
"""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from selfplay.environment.contract import Environment, Problem
from selfplay.environment.verifier import RejectedError, Verdict, Verifier
from selfplay.files import write_text
from selfplay.operators.rollout import Attempts
from selfplay.run.directory import RunDirectory
from selfplay.run.metrics import JsonLines, read

MOST_PROBLEMS = 1_000
"""Of a level, whose solutions are kept."""

_REMEMBERED = 1 << 14
"""Problems whose texts are remembered, for the same ones come again and again."""

Finder = Literal["games", "search", "shortening"]


@dataclasses.dataclass(frozen=True)
class Solution:
    """How a problem was solved."""

    iteration: int
    """Iterations done when it had been found."""
    level: int
    problem: str
    """As the environment writes it."""
    length: int
    """Steps."""
    by: Finder
    actions: tuple[int, ...]
    """From the beginning to the end."""


def read_solutions(path: Path, until: int | None = None) -> dict[str, Solution]:
    """The shortest solutions in a file, by their problems; none if there is no file.

    Those that were found in the first `until` iterations, by default all. Raises ValueError naming
    a damaged line before the last, or one that is no solution.
    """
    found = (_solution(path, row) for row in read(path))
    return {one.problem: one for one in found if until is None or one.iteration <= until}


def _solution(path: Path, row: dict[str, Any]) -> Solution:
    """What a line says. Raises ValueError if it is not as this module writes them."""
    try:
        fields: dict[str, Any] = row | {"actions": tuple(map(int, row["actions"]))}
        solution = Solution(**fields)
        is_whole = isinstance(solution.iteration, int) and isinstance(solution.problem, str)
        if is_whole and solution.length == len(solution.actions):
            return solution
    except (KeyError, TypeError, ValueError):
        pass
    raise _spoilt(path, row)


def _spoilt(path: Path, row: dict[str, Any], why: str = "") -> ValueError:
    return ValueError(
        f"{path}: somebody has changed {json.dumps(row)[:200]}, which is no solution{why}; delete "
        "its line to go on"
    )


def keeps_solutions(env: Environment[Any]) -> bool:
    """Whether a run keeps them: where there are levels, and someone who judges."""
    return env.num_players == 1 and env.num_levels > 1 and env.verifier() is not None


class Solutions:
    """What a run has found so far."""

    def __init__(self, run: RunDirectory, env: Environment[Any], iteration: int):
        """Those of a run that goes on from `iteration` (0 if it is new)."""
        verifier = env.verifier()
        if verifier is None:
            raise ValueError(f"{type(env).__name__} has no verifier to judge solutions")
        self._verifier: Verifier = verifier
        self._run, self._env = run, env
        self.known = read_solutions(run.solutions, until=iteration)
        """The shortest ones, by their problems as texts."""
        self._counts = np.zeros(env.num_levels, np.int64)
        for solution in self.known.values():
            if solution.level not in range(env.num_levels):
                why = f": there are {env.num_levels} levels"
                raise _spoilt(run.solutions, dataclasses.asdict(solution), why)
            self._counts[solution.level] += 1
        self._unchecked = set(self.known)
        """Problems of which the file alone says that they are solved."""
        self._file = JsonLines(run.solutions, resume_at=iteration)
        self._texts: dict[bytes, str] = {}

    def keep_all(self, attempts: Attempts, iteration: int) -> None:
        """Keeps what games have solved; see `keep`.

        An episode that began with random moves is left out: nobody knows them.
        """
        for level, problem, actions in solved_episodes(attempts):
            self.keep(level, problem, actions, by="games", iteration=iteration)

    def keep(
        self, level: int, problem: Problem, actions: Sequence[int], *, by: Finder, iteration: int
    ) -> bool:
        """Keeps a solution that is the first or the shortest of its problem, if it is accepted.

        Args:
            level: of the problem.
            problem: Problem [] of NumPy arrays.
            actions: that solve it from its beginning.
            by: who found it.
            iteration: iterations done when the present one will be.

        Returns:
            Whether it is kept now.

        Raises:
            RejectedError: the verifier says that it is no solution; it is in RUN/rejected.json.
        """
        if not self._is_wanted(self._text(problem), level, len(actions)):
            return False
        solution = self.judged(level, problem, actions, by=by, iteration=iteration)
        return solution is not None and self.add(solution)

    def add(self, solution: Solution) -> bool:
        """Keeps what was judged, if it is wanted; returns whether it was."""
        text = solution.problem
        if not self._is_wanted(text, solution.level, solution.length):
            return False
        self._counts[solution.level] += text not in self.known
        self.known[text] = solution
        self._unchecked.discard(text)
        self._file.on_iteration(dataclasses.asdict(solution))
        return True

    def _is_wanted(self, text: str, level: int, length: int) -> bool:
        """Whether a solution is shorter than the one known, or the first and there is room."""
        if text in self.known:
            return length < self.known[text].length
        return self._counts[level] < MOST_PROBLEMS

    def judged(
        self, level: int, problem: Problem, actions: Sequence[int], *, by: Finder, iteration: int
    ) -> Solution | None:
        """The solution, if the verifier accepts it; None if it does not know.

        Takes the arguments of `keep`, and raises as it does.
        """
        plain = tuple(map(int, actions))
        solution = Solution(iteration, level, self._text(problem), len(plain), by, plain)
        verdict = self._verifier.verify(problem, plain)
        if verdict is Verdict.REJECTED:
            write_text(self._run.rejected, json.dumps(dataclasses.asdict(solution)) + "\n")
            raise RejectedError(
                f"{type(self._verifier).__name__} rejects what the rules of "
                f"{type(self._env).__name__} took for a solution of {solution.problem}; one of the "
                f"two is wrong, and the run has stopped. What was rejected is kept in "
                f"{self._run.rejected}: please report it"
            )
        return solution if verdict is Verdict.ACCEPTED else None

    def problem(self, solution: Solution) -> Problem:
        """Problem [] of NumPy arrays, of a solution that is known.

        What was read from the file is judged once more, as soon as it is of use.

        Raises ValueError if it was changed there, and is no solution any more.
        """
        try:
            problem = jax.device_get(self._env.parse_problem(solution.problem))
        except ValueError as error:
            why = f": {error}"
            raise _spoilt(self._run.solutions, dataclasses.asdict(solution), why) from error
        if solution.problem in self._unchecked:
            if self._verifier.verify(problem, solution.actions) is not Verdict.ACCEPTED:
                why = f", says {type(self._verifier).__name__}"
                raise _spoilt(self._run.solutions, dataclasses.asdict(solution), why)
            self._unchecked.discard(solution.problem)
        return problem

    def close(self) -> None:
        """Brings the file to the disk."""
        self._file.close()

    def _text(self, problem: Problem) -> str:
        """As the environment writes it."""
        key = b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(problem))
        if key not in self._texts:
            if len(self._texts) >= _REMEMBERED:
                self._texts.clear()
            self._texts[key] = self._env.format_problem(problem)
        return self._texts[key]


def solved_episodes(attempts: Attempts) -> Iterator[tuple[int, Problem, list[int]]]:
    """Level, problem (of NumPy arrays) and actions of each whole episode that was solved."""
    solved = np.asarray(attempts.solved)
    if not solved.any():
        return
    attempts = jax.device_get(attempts)
    before = len(attempts.action) - len(solved)
    for time, game in np.argwhere(solved):
        last = before + time
        first = last - int(attempts.step_count[last, game])
        actions = np.asarray(attempts.action[first : last + 1, game])
        # With a random opening an episode has more steps than were played of it.
        if first < 0 or attempts.ended[first:last, game].any() or (actions < 0).any():
            continue
        problem = jax.tree.map(lambda x: x[time, game], attempts.problem)  # noqa: B023
        yield int(attempts.level[time, game]), problem, actions.tolist()

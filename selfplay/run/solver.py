"""Solving beside the games: what they solve is kept, and problems are searched whole.

Games decide move by move, on a few simulations each, and never go back; a best-first search of the
whole problem solves what they do not, on a budget for all of it. Its solutions are learnt from as
demonstrations, and make the network that guides the next search better: expert iteration.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from selfplay.config import Config, PracticeConfig
from selfplay.environment import registry
from selfplay.environment.contract import Problem
from selfplay.operators.demonstrations import Demonstrations, reached
from selfplay.operators.rollout import Attempts
from selfplay.run.directory import RunDirectory
from selfplay.run.progress import Row
from selfplay.run.session import Session
from selfplay.run.solutions import Finder, Solution, Solutions, keeps_solutions
from selfplay.search.best_first import BestFirst, Found
from selfplay.search.model import network_evaluator

_AT_ONCE = 8
"""States of a problem that are reached together: half the time of four, the same solutions. Where
the budget is doubled so are these."""

_OF_SEARCHES = (
    *("num_problems", "num_shortened", "num_rehearsed"),
    *("budget", "most_doublings", "dives"),
)
"""Settings that mean nothing without whole searches; `selfplay solve` takes the others too."""


@dataclasses.dataclass(frozen=True)
class _Task:
    """What is searched."""

    level: int
    problem: Problem
    """Problem [] of NumPy arrays."""
    way: tuple[int, ...]
    """Actions to the state where the search begins."""
    doublings: int = 0
    """How often the budget is doubled."""
    longest: int | None = None
    """Steps of a solution from there that is of use; None where any is."""
    by: Finder = "search"


@dataclasses.dataclass(frozen=True)
class _Result:
    """What is learnt from, or counted."""

    level: int
    problem: Problem
    actions: tuple[int, ...] | None
    """That solve it; None if nothing is known that does."""
    is_tried: bool
    """Whether it was an attempt at a new problem."""
    evaluations: int

    @classmethod
    def of_search(cls, task: _Task, found: Found, solution: Solution | None) -> "_Result":
        """Of a search, and what the verifier accepts of it."""
        actions = None if solution is None else solution.actions
        return cls(task.level, task.problem, actions, task.by == "search", found.evaluations)

    @classmethod
    def known(cls, solution: Solution, problem: Problem) -> "_Result":
        """Of what was found before."""
        return cls(solution.level, problem, solution.actions, is_tried=False, evaluations=0)


class Solver:
    """Works on a session; what it knows is in the run's folder."""

    def __init__(self, run: RunDirectory, session: Session):
        """Of an environment that `keeps_solutions`."""
        env = self._env = session.program.env
        self._session = session
        self._solutions = Solutions(run, env, session.iteration)
        self._search = BestFirst(env, network_evaluator(env, session.program.network.apply))
        self._reached = jax.jit(jax.vmap(lambda *arguments: reached(env, *arguments)))

    def __call__(self, attempts: Attempts) -> Row:
        """Keeps what an iteration's games have solved, and searches if it is time to.

        Changes the session's state if it does. Raises RejectedError, see `Solutions.keep`.
        """
        session, every = self._session, self._session.config.practice.search_every
        self._solutions.keep_all(attempts, session.iteration + 1)
        is_due = every is not None and (session.iteration + 1) % every == 0
        row = self._practise() if is_due else {}
        return row | {"practice/solutions": float(len(self._solutions.known))}

    def close(self) -> None:
        """Brings what was found to the disk."""
        self._solutions.close()

    def _practise(self) -> Row:
        """Searches new problems, and solved ones for shorter solutions.

        Learnt from is what is found, and some of what was known before.
        """
        chance = np.random.default_rng((self._session.config.seed, self._session.iteration))
        by_level = self._by_level()
        rehearsed = _drawn(by_level, self._session.config.practice.num_rehearsed, chance)
        tasks = [*self._new(chance), *self._to_shorten(by_level, chance)]
        found = self._searched(tasks, seed=int(chance.integers(1 << 31)))
        solutions = [self._judged(task, one) for task, one in zip(tasks, found, strict=True)]
        solved = [solution for solution in solutions if solution is not None]
        kept = [solution for solution in solved if self._solutions.add(solution)]
        results = [_Result.of_search(*each) for each in zip(tasks, found, solutions, strict=True)]
        results += [_Result.known(one, self._solutions.problem(one)) for one in rehearsed]
        return self._demonstrate(results, chance) | {
            "practice/searched": float(sum(task.by == "search" for task in tasks)),
            "practice/found": float(sum(solution.by == "search" for solution in solved)),
            "practice/shortened": float(sum(solution.by == "shortening" for solution in kept)),
            "practice/evaluations": float(sum(one.evaluations for one in found)),
        }

    def _new(self, chance: np.random.Generator) -> list[_Task]:
        """Problems that are drawn as for games, from their beginnings.

        Half of them have the budget, a quarter twice as much, and so on: nobody knows how much a
        problem needs, and who draws so spends at most so many times more than who knew (Luby et al.
        1993, "Optimal speedup of Las Vegas algorithms").
        """
        session = self._session
        drawn = session.program.draw(session.state, jnp.int32(session.iteration))
        problems, levels = jax.device_get(drawn)
        doublings = chance.geometric(0.5, size=len(levels)) - 1
        most = session.config.practice.most_doublings
        return [
            _Task(int(level), _row(problems, i), way=(), doublings=min(int(doublings[i]), most))
            for i, level in enumerate(levels)
        ]

    def _by_level(self) -> list[list[Solution]]:
        """What is known, of each level at which anything is."""
        levels: dict[int, list[Solution]] = {}
        for solution in self._solutions.known.values():
            levels.setdefault(solution.level, []).append(solution)
        return [levels[level] for level in sorted(levels)]

    def _to_shorten(
        self, by_level: Sequence[Sequence[Solution]], chance: np.random.Generator
    ) -> list[_Task]:
        """Problems with a solution that may be too long, from a state on its way, by chance."""
        count = self._session.config.practice.num_shortened
        longer = [[one for one in level if one.length > 1] for level in by_level]
        return [
            _Task(
                known.level,
                self._solutions.problem(known),
                way=known.actions[: (begin := int(chance.integers(known.length - 1)))],
                longest=known.length - begin - 1,
                by="shortening",
            )
            for known in _drawn([level for level in longer if level], count, chance)
        ]

    def _searched(self, tasks: Sequence[_Task], seed: int) -> list[Found]:
        """What the present network finds."""
        session = self._session
        problems = _stacked([task.problem for task in tasks])
        counts = np.array([len(task.way) for task in tasks], np.int32)
        return self._search(
            # One device's copy: what all devices hold would be searched by all of them.
            jax.device_put(jax.device_get(session.program.acting(session.state))),
            problems,
            budget=[session.config.practice.budget << task.doublings for task in tasks],
            at_once=[_AT_ONCE << task.doublings for task in tasks],
            path_memory=session.config.practice.path_memory,
            value_weight=session.config.practice.value_weight,
            heuristic_weight=session.config.practice.heuristic_weight,
            dives=session.config.practice.dives,
            seed=seed,
            start=self._reached(problems, self._padded([task.way for task in tasks]), counts),
            longest=[task.longest for task in tasks],
        )

    def _judged(self, task: _Task, found: Found) -> Solution | None:
        """The whole solution, if there is one that the verifier accepts."""
        if found.actions is None:
            return None
        return self._solutions.judged(
            task.level,
            task.problem,
            (*task.way, *found.actions),
            by=task.by,
            iteration=self._session.iteration + 1,
        )

    def _demonstrate(self, results: Sequence[_Result], chance: np.random.Generator) -> Row:
        """Puts what was solved into the buffer; practice counts what was tried.

        What the devices cannot share equally is filled up with what is neither.
        """
        session = self._session
        config, size = session.config.practice, session.program.mesh.size
        most = (
            -(-(config.num_problems + config.num_shortened + config.num_rehearsed) // size) * size
        )
        nothing = dataclasses.replace(results[0], actions=None, is_tried=False)
        results = [*results, *(most - len(results)) * [nothing]]
        demonstrations = Demonstrations(
            problem=_stacked([one.problem for one in results]),
            level=jnp.array([one.level for one in results], jnp.int32),
            action=jnp.array(self._padded([one.actions or () for one in results])),
            solved=jnp.array([one.actions is not None for one in results]),
            counted=jnp.array([one.is_tried for one in results]),
            evaluations=jnp.array([one.evaluations for one in results], jnp.int32),
            first_end=jnp.array(chance.integers(2, size=len(results)), jnp.int8),
        )
        now = jnp.int32(session.iteration)
        session.state, added = session.program.demonstrate(session.state, demonstrations, now)
        return {name: float(value) for name, value in added.items()}

    def _padded(self, ways: Sequence[Sequence[int]]) -> np.ndarray:
        """int32 [P, max_steps]: actions, then zeros."""
        padded = np.zeros((len(ways), self._env.max_steps), np.int32)
        for row, way in zip(padded, ways, strict=True):
            row[: len(way)] = way
        return padded


def _drawn(
    by_level: Sequence[Sequence[Solution]], count: int, chance: np.random.Generator
) -> list[Solution]:
    """So many by chance, a level as likely as another; none if nothing is known."""
    if not by_level:
        return []
    levels = (by_level[i] for i in chance.integers(len(by_level), size=count))
    return [there[chance.integers(len(there))] for there in levels]


def _row(problems: Problem, index: int) -> Problem:
    """One of several."""
    return jax.tree.map(lambda x: x[index], problems)


def _stacked(problems: Sequence[Problem]) -> Problem:
    """Problem [P]."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *problems)


def make_solver(run: RunDirectory, session: Session) -> Solver | None:
    """A session's solver; None where nothing can be kept."""
    return Solver(run, session) if keeps_solutions(session.program.env) else None


def without_idle(practice: PracticeConfig) -> PracticeConfig:
    """The settings, but for those that do nothing, as there are no searches; they have defaults."""
    if practice.search_every is not None:
        return practice
    default = PracticeConfig()
    return dataclasses.replace(practice, **{name: getattr(default, name) for name in _OF_SEARCHES})


def refuse_idle(config: Config) -> None:
    """Raises ValueError for a setting of searches, given where there are none.

    Those of the environment's preset are not given: who turns its searches off means all of them.
    """
    preset = registry.preset(config.env).practice
    used = without_idle(config.practice)
    for name in _OF_SEARCHES:
        value = getattr(config.practice, name)
        if value not in (getattr(used, name), getattr(preset, name)):
            raise ValueError(
                f"practice.{name} is of whole searches beside the games, and there are none; got "
                f"{value}: set practice.search_every too, as in --practice.search-every 1, or "
                f"leave it out"
            )

"""One problem, a budget, an answer with its certificate.

from selfplay.solve import solve

answer = solve("propositional", "p ∧ q → q ∧ p")
print(answer.explanation)
"""

import dataclasses
import functools
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from selfplay.agent import Agent
from selfplay.environment.certificate import Judgement
from selfplay.environment.contract import Environment, Opposite, Problem
from selfplay.environment.neighbourhood import Neighbourhood
from selfplay.environment.verifier import RejectedError, Verdict
from selfplay.files import try_to_write, write_text
from selfplay.practise import Practice, Watch, practise, refuse_practice
from selfplay.run.directory import RunDirectory
from selfplay.run.names import locate
from selfplay.search.best_first import BestFirst, Found
from selfplay.search.model import constant_evaluator
from selfplay.train import spread_over_cores

BUDGET = 10_000
"""Evaluations of the network, where nobody says how many."""

_FILE_NAME = re.compile(r"[^\s,]*(\.[A-Za-z]\w*|/[^\s,\\]*)")
"""What somebody types who means a file: it ends like one, or lies in a folder."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What became of a problem."""

    problem: str
    """As the environment writes it."""
    budget: int
    """Evaluations that were allowed."""
    found: Found
    """By the search, or else during the practice."""
    verdict: Verdict | None = None
    """What the environment's own verifier says; None where there was nothing to judge, or none."""
    explanation: str = ""
    """The solution as a person would read it."""
    judgement: Judgement | None = None
    """What an outside judge says; None where there is none for this kind of problem."""
    file: Path | None = None
    """What the judge was shown, or the moves."""
    refutation: str = ""
    """Why the problem cannot be solved, where that is known. What judges say is said of this, if it
    can be judged."""
    refuted: "Refuted | None" = None
    """What was found instead of a solution, and shows that there is none."""
    unrefuted: Opposite | None = None
    """Of what nothing was found either, if anything was looked for."""
    unpractised: Found | None = None
    """What the run's own network came to on the same budget; None where no practice was wanted."""
    practice: Practice | None = None
    """Before `found`, if there was any: what the run's own network solves needs none."""
    by_practice: bool = False
    """Whether it was solved during the practice, and not by the search after it."""
    practised_for: str = ""
    """The problem for which the network had practised already when it was given."""


class Refuted(NamedTuple):
    """A solution of a problem that is the opposite of the one that was asked."""

    env: Environment[Any]
    problem: Problem
    found: Found


def solve(
    run: Path | str | Agent,
    problem: str,
    *,
    budget: int = BUDGET,
    output: Path | None = None,
    iteration: int | None = None,
    practice_minutes: float | None = None,
    watch: Watch | None = None,
    env_args: Mapping[str, bool | int | float | str] | None = None,
) -> Answer:
    """Searches for a solution, and has it judged.

    What counts in the search beside the policy is what counts in the run's own whole searches.

    Args:
        run: whose network; or an agent.
        problem: as the environment's `parse_problem` takes it, or a file that holds it.
        budget: evaluations of the network, at least 1.
        output: the file that a judge is shown; by default in the working directory, named after the
            problem. A suffix is added where it has none of the kind.
        iteration: which checkpoint, by default the newest.
        practice_minutes: if nothing is found, the network trains for so long on problems like
            this one, in a run of its own, and searches again; see `practise`.
        watch: who is told how the practice goes.
        env_args: the environment's arguments that are to be others than the run's; see
            `Agent.load`. An agent has its own.

    Raises:
        ValueError: there is no budget; the problem cannot be read, or does not fit the run's
            environment; the answer's file cannot be written; or practice is wanted where the
            environment knows of no problems that are like one.
        RejectedError: a judge refuses what the verifier accepted; the file is kept.
    """
    if budget < 1:
        raise ValueError(f"budget must be at least 1 evaluation, got {budget}")
    if practice_minutes is not None and not isinstance(run, Agent):
        spread_over_cores(RunDirectory(locate(run)).read_config())
    agent = run if isinstance(run, Agent) else Agent.load(run, iteration, env_args)
    env = agent.env
    if env.num_players != 1:
        raise ValueError(
            f"solve is for problems of one player; {agent.config.env} is a game of two, for which "
            "there is selfplay play"
        )
    _refuse_unwritable(env, output)
    asked = _read(env, problem)
    text = env.format_problem(asked)
    if refutation := env.refutation(asked):
        return Answer(text, budget, _NOTHING, refutation=refutation)
    if practice_minutes is not None:
        refuse_practice(agent, asked, practice_minutes)
    answer = _searched(agent, asked, budget, practice_minutes, watch)
    name = Path(_name(text, _file(problem))) if output is None else output
    judged = functools.partial(_judged, output=name, asked_for=output is not None)
    if answer.refuted is not None and answer.refuted.found.actions is not None:
        told = judged(
            answer.refuted.env, answer.refuted.problem, answer, answer.refuted.found.actions
        )
        return dataclasses.replace(told, refutation=told.explanation, explanation="")
    if answer.found.actions is None:
        return answer
    return judged(env, asked, answer, answer.found.actions)


def _searched(
    agent: Agent,
    problem: Problem,
    budget: int,
    practice_minutes: float | None,
    watch: Watch | None,
) -> Answer:
    """What was found, not yet judged; by a practised network if the agent's own finds nothing.

    Before that somebody asks whether it can be solved at all.
    """
    env = agent.env
    text = env.format_problem(problem)
    prove = functools.partial(
        BestFirst(env, agent.evaluator),
        dives=True,
        path_memory=agent.config.practice.path_memory,
        value_weight=agent.config.practice.value_weight,
        heuristic_weight=agent.config.practice.heuristic_weight,
    )
    opposite = env.opposite(problem)
    if opposite is not None and opposite.known is not None:
        return Answer(text, budget, _NOTHING, refuted=_known(opposite.env, *opposite.known))
    practised_for = env.problem if isinstance(env, Neighbourhood) else ""
    search = functools.partial(prove, agent.params, _alone(problem))
    found, refuted = _either(search, opposite, budget)
    answer = Answer(text, budget, found, practised_for=practised_for, refuted=refuted)
    if found.actions is None and refuted is None:
        answer = dataclasses.replace(answer, unrefuted=opposite)
    if practice_minutes is None or answer.refuted is not None:
        return answer
    answer = dataclasses.replace(answer, unpractised=found)
    if found.actions is not None or found.exhausted:
        return answer
    params, practice = practise(agent, text, minutes=practice_minutes, watch=watch)
    found = prove(params, _alone(problem), budget=budget)[0]
    by_practice = found.actions is None and practice.solution is not None
    if by_practice:
        found = dataclasses.replace(found, actions=practice.solution)
    return dataclasses.replace(answer, found=found, practice=practice, by_practice=by_practice)


_SHARES = (64, 8, 1)
"""Of the budget, one after another: what can be told soon, either way, is told soon."""


def _either(
    search: Callable[..., list[Found]], opposite: Opposite | None, budget: int
) -> tuple[Found, "Refuted | None"]:
    """What solves a problem, or its opposite; with the evaluations of the search that did."""
    if opposite is None:
        return search(budget=budget)[0], None
    refute = _Refuting(opposite)
    found = _NOTHING
    for share in _SHARES:
        allowed = max(budget // share, 1)
        if not found.exhausted:
            found = search(budget=allowed)[0]
        if found.actions is not None:
            return found, None
        if refuted := refute(allowed):
            return found, refuted
    return found, None


_NOTHING = Found(None, evaluations=0, steps=0, exhausted=False)
"""Of a search that was not needed."""

HEURISTIC_WEIGHT = 8.0
"""Of what the heuristic says, where there is no network."""


def _known(env: Environment[Any], problem: Problem, actions: tuple[int, ...]) -> Refuted:
    return Refuted(env, problem, dataclasses.replace(_NOTHING, actions=actions))


class _Refuting:
    """Searches an opposite's problems without a network; compiled once."""

    def __init__(self, opposite: Opposite):
        self._opposite = opposite
        self._search = BestFirst(opposite.env, constant_evaluator(opposite.env))

    def __call__(self, budget: int) -> "Refuted | None":
        """By the first of the problems that is solved, on a budget for each."""
        for problem in self._opposite.problems:
            found = self._search(
                (),
                _alone(problem),
                budget=budget,
                at_once=8,
                path_memory=0.0,
                heuristic_weight=HEURISTIC_WEIGHT,
                dives=True,
            )[0]
            if found.actions is not None:
                return Refuted(self._opposite.env, problem, found)
        return None


def _read(env: Environment[Any], problem: str) -> Problem:
    """The problem that a text or a file describes. Raises ValueError in the environment's words."""
    file = _file(problem)
    if file is None:
        slip = f"; and there is no file {problem}" if _FILE_NAME.fullmatch(problem) else ""
        return _parsed(env, problem, "", slip)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"the problem in {file} cannot be read: it is no UTF-8 text") from error
    return _parsed(env, text, f" in {file}", "")


def _parsed(env: Environment[Any], text: str, where: str, slip: str) -> Problem:
    try:
        return env.parse_problem(text)
    except ValueError as error:
        raise ValueError(f"the problem{where} is refused: {error}{slip}") from error


def _judged(
    env: Environment[Any],
    problem: Problem,
    answer: Answer,
    actions: tuple[int, ...],
    output: Path,
    *,
    asked_for: bool,
) -> Answer:
    """The answer with what the judges say, the ones of this project first.

    Without an outside judge a file is written only if it was asked for.
    """
    names = "\n".join(env.format_action(action) for action in actions)
    verifier = env.verifier()
    verdict = None
    if verifier is not None:
        verdict = verifier.verify(jax.tree.map(np.asarray, problem), actions)
        if verdict is Verdict.REJECTED:
            raise _rejected(answer, _written(output, ".txt", names), type(verifier).__name__)
    answer = dataclasses.replace(answer, verdict=verdict, explanation=names)
    certifier = env.certifier()
    if certifier is None:
        file = _written(output, ".txt", names) if asked_for else None
        return dataclasses.replace(answer, file=file)
    statement = certifier.statement(problem)  # before the proof is written, and without it
    claim = statement, certifier.proof(problem, actions)
    file = _written(output, certifier.suffix, certifier.document([claim], [answer.problem]))
    judgement = certifier.judge([claim])[0]
    if judgement.verdict is Verdict.REJECTED:
        raise _rejected(answer, file, f"{judgement.judge} ({judgement.message})")
    explanation = certifier.explain(problem, actions)
    return dataclasses.replace(answer, explanation=explanation, judgement=judgement, file=file)


def _rejected(answer: Answer, file: Path, judge: str) -> RejectedError:
    return RejectedError(
        f"{judge} rejects what was found for {answer.problem}; that is a fault of the environment, "
        f"not of the problem. What was rejected is kept in {file}: please report it"
    )


def _written(output: Path, suffix: str, text: str) -> Path:
    """Writes a file; its name ends as it should."""
    file = _suffixed(output, suffix)
    write_text(file, text + "\n" * (not text.endswith("\n")))
    return file


def _suffixed(output: Path, suffix: str) -> Path:
    return output if output.suffix == suffix else output.with_name(output.name + suffix)


def _refuse_unwritable(env: Environment[Any], output: Path | None) -> None:
    """Raises ValueError now, rather than when a long search is over."""
    if output is not None and output.is_dir():
        raise ValueError(f"the answer goes to a file; {output} is a folder, try {output}/proof")
    folder = Path() if output is None else output.parent
    certifier = env.certifier()
    if output is None and certifier is None:
        return
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise ValueError(
            f"the answer's file cannot be written into {folder.absolute()}, which is no folder "
            "that this user may write to; --output FILE puts it elsewhere"
        )
    suffix = ".txt" if certifier is None else certifier.suffix
    file = _suffixed(Path("solution") if output is None else output, suffix)
    try:  # a name may be too long, and of some folders it is not known before what they take
        try_to_write(file)
    except OSError as error:
        raise ValueError(
            f"the answer's file cannot be written to {file.absolute()}: {error.strerror}; "
            "--output FILE puts it elsewhere"
        ) from error


def _name(text: str, file: Path | None) -> str:
    """Of the answer's file, which is none that a person is likely to have written."""
    if file is None:
        return f"solution-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"
    return f"{file.stem}-solution"


def _file(problem: str) -> Path | None:
    """The file of that name, if there is one."""
    path = Path(problem)
    try:
        return path if path.is_file() else None
    except OSError:  # a formula may be too long for a file's name
        return None


def _alone(problem: Problem) -> Problem:
    """Problem [1]."""
    return jax.tree.map(lambda x: np.asarray(x)[None], problem)

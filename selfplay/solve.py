"""One problem, a budget, an answer with its certificate.

from selfplay.solve import solve

answer = solve("runs/propositional", "p ∧ q → q ∧ p")
print(answer.explanation)
"""

import dataclasses
import functools
import hashlib
from pathlib import Path
from typing import Any

import jax
import numpy as np

from selfplay.agent import Agent
from selfplay.environment.certificate import Judgement
from selfplay.environment.contract import Environment, Problem
from selfplay.environment.neighbourhood import Neighbourhood
from selfplay.environment.verifier import RejectedError, Verdict
from selfplay.files import write_text
from selfplay.practise import Practice, Watch, practise, refuse_practice
from selfplay.run.directory import RunDirectory
from selfplay.run.names import locate
from selfplay.search.best_first import Found, best_first
from selfplay.train import spread_over_cores

BUDGET = 10_000
"""Evaluations of the network, where nobody says how many."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What became of a problem."""

    problem: str
    """As the environment writes it."""
    budget: int
    """Evaluations that were allowed."""
    found: Found
    """By the search, or else by a game of the practice."""
    verdict: Verdict | None = None
    """What the environment's own verifier says; None where there was nothing to judge, or none."""
    explanation: str = ""
    """The solution as a person would read it."""
    judgement: Judgement | None = None
    """What an outside judge says; None where there is none for this kind of problem."""
    file: Path | None = None
    """What the judge was shown, or the moves."""
    refutation: str = ""
    """Why the problem cannot be solved, where that is known."""
    unpractised: Found | None = None
    """What the run's own network came to on the same budget; None where no practice was wanted."""
    practice: Practice | None = None
    """Before `found`, if there was any: what the run's own network solves needs none."""
    practised_for: str = ""
    """The problem for which the network had practised already when it was given."""


def solve(
    run: Path | str | Agent,
    problem: str,
    *,
    budget: int = BUDGET,
    output: Path | None = None,
    iteration: int | None = None,
    practice_minutes: float | None = None,
    watch: Watch | None = None,
) -> Answer:
    """Searches for a solution, and has it judged.

    Args:
        run: whose network; or an agent.
        problem: as the environment's `parse_problem` takes it, or a file that holds it.
        budget: evaluations of the network.
        output: the file that a judge is shown; by default in the working directory, named after the
            problem. A suffix is added where it has none of the kind.
        iteration: which checkpoint, by default the newest.
        practice_minutes: if nothing is found, the network trains for so long on problems like
            this one, in a run of its own, and searches again; see `practise`.
        watch: who is told how the practice goes.

    Raises:
        ValueError: the problem cannot be read, or does not fit the run's environment; or practice
            is wanted where the environment knows of no problems that are like one.
        RejectedError: a judge refuses what the verifier accepted; the file is kept.
    """
    if practice_minutes is not None and not isinstance(run, Agent):
        spread_over_cores(RunDirectory(locate(run)).read_config())
    agent = run if isinstance(run, Agent) else Agent.load(run, iteration)
    env = agent.env
    if env.num_players != 1:
        raise ValueError(
            f"solve is for problems of one player; {agent.config.env} is a game of two, for which "
            "there is selfplay play"
        )
    given = Path(problem)
    is_file = _is_file(given)
    asked = _read(env, given.read_text(encoding="utf-8") if is_file else problem)
    text = env.format_problem(asked)
    if refutation := env.refutation(asked):
        nothing = Found(None, evaluations=0, steps=0, exhausted=False)
        return Answer(text, budget, nothing, refutation=refutation)
    if practice_minutes is not None:
        refuse_practice(agent, asked, practice_minutes)
    answer = _searched(agent, asked, budget, practice_minutes, watch)
    found = answer.found
    if found.actions is None:
        return answer
    if output is None:
        digest = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
        name = given.stem if is_file else f"solution-{digest}"
        return _judged(env, asked, answer, found.actions, Path(name), asked_for=False)
    return _judged(env, asked, answer, found.actions, output, asked_for=True)


def _searched(
    agent: Agent,
    problem: Problem,
    budget: int,
    practice_minutes: float | None,
    watch: Watch | None,
) -> Answer:
    """What was found, not yet judged; by a practised network if the agent's own finds nothing."""
    env = agent.env
    text = env.format_problem(problem)
    search = functools.partial(best_first, env, agent.evaluator, budget=budget, dives=True)
    found = search(agent.params, _alone(problem))[0]
    practised_for = env.problem if isinstance(env, Neighbourhood) else ""
    answer = Answer(text, budget, found, practised_for=practised_for)
    if practice_minutes is None:
        return answer
    answer = dataclasses.replace(answer, unpractised=found)
    if found.actions is not None or found.exhausted:
        return answer
    params, practice = practise(agent, text, minutes=practice_minutes, watch=watch)
    found = search(params, _alone(problem))[0]
    if found.actions is None:
        found = dataclasses.replace(found, actions=practice.solution)
    return dataclasses.replace(answer, found=found, practice=practice)


def _read(env: Environment[Any], text: str) -> Problem:
    """The problem that a text describes. Raises ValueError, in the environment's words."""
    try:
        return env.parse_problem(text)
    except ValueError as error:
        raise ValueError(f"the problem cannot be read: {error}") from error


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
    file = _written(output, certifier.suffix, certifier.document([claim]))
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
    file = output if output.suffix == suffix else output.with_name(output.name + suffix)
    write_text(file, text + "\n" * (not text.endswith("\n")))
    return file


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a formula may be too long for a file's name
        return False


def _alone(problem: Problem) -> Problem:
    """Problem [1]."""
    return jax.tree.map(lambda x: np.asarray(x)[None], problem)

"""One problem, a budget, an answer with its certificate.

from selfplay.solve import solve

answer = solve("runs/propositional", "p ∧ q → q ∧ p")
print(answer.explanation)
"""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import jax
import numpy as np

from selfplay.agent import Agent
from selfplay.environment.certificate import Judgement
from selfplay.environment.contract import Environment, Problem
from selfplay.environment.verifier import RejectedError, Verdict
from selfplay.files import write_text
from selfplay.search.best_first import Found, best_first

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


def solve(
    run: Path | str | Agent,
    problem: str,
    *,
    budget: int = BUDGET,
    output: Path | None = None,
    iteration: int | None = None,
) -> Answer:
    """Searches for a solution, and has it judged.

    Args:
        run: whose network; or an agent.
        problem: as the environment's `parse_problem` takes it, or a file that holds it.
        budget: evaluations of the network.
        output: the file that a judge is shown; by default in the working directory, named after the
            problem. A suffix is added where it has none of the kind.
        iteration: which checkpoint, by default the newest.

    Raises:
        ValueError: the problem cannot be read, or does not fit the run's environment.
        RejectedError: a judge refuses what the verifier accepted; the file is kept.
    """
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
    one = _alone(asked)
    found = best_first(env, agent.evaluator, agent.params, one, budget=budget, dives=True)[0]
    answer = Answer(text, budget, found)
    if found.actions is None:
        return answer
    if output is None:
        digest = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
        name = given.stem if is_file else f"solution-{digest}"
        return _judged(env, asked, answer, found.actions, Path(name), asked_for=False)
    return _judged(env, asked, answer, found.actions, output, asked_for=True)


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

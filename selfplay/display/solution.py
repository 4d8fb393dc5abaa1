"""The answer to a problem, as text."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from selfplay.agent import Agent
from selfplay.config import Config
from selfplay.display.live import LiveView
from selfplay.environment.verifier import Verdict
from selfplay.search.best_first import Found
from selfplay.solve import Answer, solve


def solve_with_view(run: Path | str | Agent, problem: str, **options: Any) -> Answer:
    """`solve.solve`, watched: a practice as any training is."""
    with Console(stderr=True).status("searching") as status:

        @contextlib.contextmanager
        def watch(config: Config) -> Iterator[LiveView]:
            status.stop()
            with LiveView(config) as view:
                view.say(
                    "not solved without practice; from the first iteration on Ctrl-C ends the "
                    "practice, not the search"
                )
                yield view
            status.start()

        return solve(run, problem, watch=watch, **options)


def print_answer(answer: Answer) -> None:
    """Prints what was found, who accepted it, and what would help where nothing was found."""
    print("\n".join(lines(answer)))


def lines(answer: Answer) -> list[str]:
    """What is printed, line by line."""
    if answer.refutation:
        cost = answer.refuted.found if answer.refuted is not None else answer.found
        after = f", after {_cost(answer.found)} for a solution" * (
            answer.refuted is not None and answer.found.evaluations > 0
        )
        searched = f" ({_cost(cost)}{after})" * (cost.evaluations > 0)
        judges = ["", *told] if (told := _judges(answer)) else []
        said = answer.refutation.rstrip("\n")
        last = "refuted: it has no solution, and no larger budget would find one"
        return [f"{answer.problem}: it cannot be solved{searched}", "", said, *judges, "", last]
    found, after = answer.found, _after(answer)
    if found.actions is None:
        told = [f"{answer.problem}: not solved{after} ({_cost(found)})", *_without(answer)]
        return [*told, *_unrefuted(answer), _advice(answer)]
    steps = counted(len(found.actions), "step")
    told = [f"{answer.problem}: solved in {steps}{after} ({_cost(found)})", *_without(answer), ""]
    return [*told, answer.explanation.rstrip("\n"), "", *_judges(answer)]


def _cost(found: Found) -> str:
    """Where the ends of what was judged first meet, no step was tried: nothing is said of it."""
    tried = f", {counted(found.steps, 'step')} tried" * (found.steps > 0)
    return counted(found.evaluations, "evaluation") + tried


def _after(answer: Answer) -> str:
    """That there was practice: what it finds is another thing to report."""
    if answer.practice is not None:
        minutes, problems = answer.practice.seconds / 60.0, answer.practice.problems
        return f" after {minutes:.1f} minutes of practice on {problems} problems like it"
    if answer.practised_for:
        same = answer.practised_for == answer.problem
        return f" by a network that has practised for {'it' if same else answer.practised_for}"
    return ""


def _without(answer: Answer) -> list[str]:
    """What there was without practice, if some was wanted."""
    if answer.unpractised is None:
        return []
    if answer.practice is None:
        return ["there was no practice: none was needed"] * (answer.found.actions is not None)
    nothing = ["the practice was too short to learn anything"] * (answer.practice.updates == 0)
    return [
        f"without practice it was not solved ({_cost(answer.unpractised)})",
        *nothing,
        *["it was solved during the practice, and not by the search after it"] * answer.by_practice,
        f"the practised network is {answer.practice.run}",
    ]


def _unrefuted(answer: Answer) -> list[str]:
    """That it was looked for what would refute it."""
    if answer.unrefuted is None:
        return []
    what = answer.unrefuted.ruled_out or "nothing was found that refutes it"
    count = len(answer.unrefuted.problems)
    each = f"{counted(answer.budget, 'evaluation')} for each of {counted(count, 'size')}"
    more = f"; nor was anything larger found, with {each}"
    return [what + more * (count > 0)]


def counted(count: int, what: str) -> str:
    """ "1 step", "2 steps"."""
    return f"{count:,} {what}" + "s" * (count != 1)


def _advice(answer: Answer) -> str:
    if answer.found.exhausted:
        return (
            "nothing was left to try: within the environment's sizes and steps it has no solution"
        )
    spent = f"the budget of {counted(answer.budget, 'evaluation')} is spent; try "
    if answer.practice is not None:
        run = answer.practice.run
        return f"{spent}selfplay resume {run} --minutes MINUTES, then selfplay solve {run} PROBLEM"
    return f"{spent}--budget {10 * answer.budget}, or train longer"


def _judges(answer: Answer) -> list[str]:
    """Who accepted it, and who was not asked and why."""
    told = []
    if answer.verdict is Verdict.ACCEPTED:
        told.append("accepted by replay: this project's own checker")
    elif answer.verdict is Verdict.UNDECIDED:
        told.append("the environment's own checker cannot decide whether that is a solution")
    if answer.judgement is not None:
        judge = answer.judgement.judge
        if answer.judgement.verdict is Verdict.ACCEPTED:
            told.append(f"accepted by {judge}")
        else:
            who = f"{judge} decided nothing" if judge else "no outside judge was asked"
            told.append(f"{who}: {answer.judgement.message}")
    if answer.file is not None:
        told.append(f"written to {answer.file}")
    return told

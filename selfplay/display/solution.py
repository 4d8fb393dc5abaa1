"""The answer to a problem, as text."""

from selfplay.environment.verifier import Verdict
from selfplay.solve import Answer


def print_answer(answer: Answer) -> None:
    """Prints what was found, who accepted it, and what would help where nothing was found."""
    print("\n".join(lines(answer)))


def lines(answer: Answer) -> list[str]:
    """What is printed, line by line."""
    if answer.refutation:
        return [f"{answer.problem}: it cannot be solved", "", answer.refutation]
    found = answer.found
    cost = f"{counted(found.evaluations, 'evaluation')}, {counted(found.steps, 'step')} tried"
    if found.actions is None:
        return [f"{answer.problem}: not solved ({cost})", _advice(answer)]
    told = [f"{answer.problem}: solved in {counted(len(found.actions), 'step')} ({cost})", ""]
    return [*told, answer.explanation.rstrip("\n"), "", *_judges(answer)]


def counted(count: int, what: str) -> str:
    """ "1 step", "2 steps"."""
    return f"{count:,} {what}" + "s" * (count != 1)


def _advice(answer: Answer) -> str:
    if answer.found.exhausted:
        return (
            "nothing was left to try: within the environment's sizes and steps it has no solution"
        )
    return (
        f"the budget of {answer.budget:,} evaluations is spent; try "
        f"--budget {10 * answer.budget}, or train longer"
    )


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

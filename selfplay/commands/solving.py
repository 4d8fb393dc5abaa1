"""One problem to be solved."""

from selfplay.arguments import named_values, parse, positionals
from selfplay.flags import SolveFlags

SOLVED, NOT_SOLVED, REFUTED = 0, 1, 3
"""Statuses; 2 is that of errors, in every command."""


def solve(arguments: list[str]) -> int:
    """Solve one problem with a run's network, and have the solution judged.

    RUN is a run's folder, or an environment that comes with a trained agent.
    PROBLEM is what the run's environment reads, such as a formula or a presentation, or a file that
    holds it. The solution is printed as a person would read it; what the outside judge was shown is
    written to a file. Where something is found that shows that there is no solution, such as a
    magma in which an implication fails, that is printed, judged and written instead.

    The status is 0 if it is solved, 1 if nothing was found on this budget, 2 after an error, and 3
    if it is refuted: it cannot be solved, on no budget.

    Examples:
      selfplay solve propositional "(p -> q) -> (~q -> ~p)"
      selfplay solve propositional SYJ105+1.002.p --budget 50000
      selfplay solve runs/propositional SYJ206+1.009.p --practice 10
      selfplay solve runs/propositional SYJ201+1.004.p --env-args subformulas 128
      selfplay solve equational "E387 |- E43"
      selfplay solve andrews_curtis "xyx = yxy, x^2 = y^3" --output moves
    """
    words, rest = positionals(arguments)
    usage = "selfplay solve RUN PROBLEM"
    env_args, rest = named_values("--env-args", rest)
    flags = parse(usage, solve, rest, SolveFlags(env_args=env_args))
    if len(words) != 2:
        raise ValueError(
            f"solve takes a run and a problem, got {len(words)} of the two; a problem of several "
            f'words stands in quotes: {usage}, as in: selfplay solve runs/mine "p -> p"'
        )
    from selfplay.display.solution import print_answer, solve_with_view

    run, problem = words
    answer = solve_with_view(
        run,
        problem,
        budget=flags.budget,
        output=flags.output,
        iteration=flags.iteration,
        practice_minutes=flags.practice,
        env_args=flags.env_args,
    )
    print_answer(answer)
    if answer.found.actions is not None:
        return SOLVED
    return REFUTED if answer.refutation else NOT_SOLVED
